/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Arithmetic with logarithms: log(e^a + e^b), log(e^a - e^b), log sum e^v. */
#include <math.h>
#include <mote/draws.h>

double mote_log_add(double a, double b)
{
    double high = a > b ? a : b, low = a > b ? b : a;
    if (isnan(a) || isnan(b))
        return NAN;
    return isinf(high) ? high : high + log1p(exp(low - high));
}

double mote_log_subtract(double a, double b)
{
    if (isnan(a) || isnan(b) || b > a || (a == b && a == INFINITY))
        return NAN;
    if (b == -INFINITY)
        return a;
    if (a == b)
        return -INFINITY;
    double d = b - a; /* < 0; log(1 - e^d) keeps its digits on both sides of e^d = 1/2 (Maechler 2012) */
    return a + (d > -0.6931471805599453 ? log(-expm1(d)) : log1p(-exp(d)));
}

double mote_log_sum(const double *values, int64_t n)
{
    double most = -INFINITY, sum = 0;
    for (int64_t i = 0; i < n; ++i) {
        if (isnan(values[i]))
            return NAN;
        most = values[i] > most ? values[i] : most;
    }
    if (isinf(most))
        return most;
    for (int64_t i = 0; i < n; ++i)
        sum += exp(values[i] - most);
    return most + log(sum);
}
