/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "smc/moments.h"

#include <math.h>

#include "core/vector.h"

enum { BLOCK = 1024 };

/* Sum of W^i (x^i - centre)^power, power 1 or 2. */
static double central(const double *weight, const double *column, const int32_t *index, int64_t n, double centre,
                      int power)
{
    const mote_vector_table *vector = mote_vector();
    double value[BLOCK], pull[BLOCK], sum = 0;
    for (int64_t first = 0; first < n; first += BLOCK) {
        const int64_t count = n - first < BLOCK ? n - first : BLOCK;
        for (int64_t i = 0; i < count; ++i) {
            const double w = weight ? weight[first + i] : 1 / (double)n;
            value[i] = w > 0 ? column[index ? index[first + i] : first + i] - centre : 0;
            pull[i] = power == 2 ? w * value[i] : w;
        }
        sum += vector->product(pull, value, count);
    }
    return sum;
}

void mote_moments(const double *weight, const double *column, const int32_t *index, int64_t n, double *mean,
                  double *variance)
{
    *mean = central(weight, column, index, n, 0, 1);
    *variance = central(weight, column, index, n, *mean, 2);
}

double mote_weighted_sum(const double *weight, const double *x, int64_t n)
{
    return central(weight, x, NULL, n, 0, 1);
}

double mote_normalise(double *weight, const double *log_weight, int64_t n)
{
    double maximum = -INFINITY, sum = 0;
    for (int64_t i = 0; i < n; ++i)
        maximum = log_weight[i] > maximum ? log_weight[i] : maximum;
    for (int64_t i = 0; i < n; ++i)
        weight[i] = maximum > -INFINITY ? log_weight[i] - maximum : -INFINITY;
    mote_vector()->exp(weight, weight, n);
    for (int64_t i = 0; i < n; ++i)
        sum += weight[i];
    for (int64_t i = 0; i < n && sum > 0; ++i)
        weight[i] /= sum;
    return maximum > -INFINITY ? maximum + mote_log(sum) : -INFINITY;
}
