/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Sequential tests of means with one false-alarm rate for all of them together.
 *
 * A law is a stream of independent replicates; each gives numbers x_1..x_m whose expectations are zero when the program
 * is right (exp(log Z_hat - log Z) - 1, say). Numbers are looked at after n_1 < n_2 < ... replicates, fixed beforehand
 * (n_1 = first, each 1.5 times the one before, up to a stated most). At a look with mean m, standard deviation s and
 * third central moment k,
 *
 *     t = [ m + k / (6 s^2 n) + k m^2 / (3 s^4) ] sqrt(n) / s        (Johnson 1978: the skewness is taken out of t)
 *
 * is compared with the quantile of Student's law with n - 1 degrees of freedom at q = alpha / (2 LOOKS NUMBERS): with
 * LOOKS = 24 looks and NUMBERS = 4096 numbers in the family, alpha = 1e-5, c is about 6.5. So (Bonferroni over looks
 * and numbers) a right program is called wrong with probability at most alpha, whatever the dependence between the
 * numbers, as far as Johnson's t has Student's tail; first >= 200 replicates, and Z_hat whose variance is below .25 at
 * the number of particles chosen, are for that.
 *
 * No test passes by having seen too little: beside each number runs a planted one, the same replicates as a program
 * would give them that is wrong by the stated share (2 % where nothing else is said: Z_hat times 1.02, an estimate
 * times 1.02), by the same rule. A law passes when all planted ones have been rejected and no true one has; it fails
 * when a true one is rejected, and also when the most replicates did not reject a planted one: then it is blind. So
 * each line of the report says how many replicates it took to see the planted bias. Expected cost: (c / bias)^2 times
 * the variance of x. */
#ifndef MOTE_TESTS_SEQUENTIAL_H
#define MOTE_TESTS_SEQUENTIAL_H

#include <gsl/gsl_cdf.h>
#include <math.h>
#include <stdint.h>
#include <string.h>

enum { SEQUENTIAL_LOOKS = 24, SEQUENTIAL_NUMBERS = 4096 };
static const double sequential_alpha = 1e-5;

/* Central sums of one stream of numbers. */
typedef struct sequential {
    int64_t n, rejected_at; /* 0: not yet */
    double mean, square, cube;
} sequential;

static inline void sequential_add(sequential *s, double x)
{
    const double n = (double)++s->n, d = x - s->mean, step = d / n;
    s->cube += d * step * step * (n - 1) * (n - 2) - 3 * step * s->square;
    s->square += d * step * (n - 1);
    s->mean += step;
}

static inline double sequential_sd(const sequential *s)
{
    return sqrt(s->square / (double)(s->n - 1));
}

static inline double sequential_error(const sequential *s)
{
    return sequential_sd(s) / sqrt((double)s->n);
}

static inline double sequential_t(const sequential *s)
{
    const double n = (double)s->n, sd = sequential_sd(s), k = s->cube / n, m = s->mean;
    if (!(sd > 0))
        return m == 0 ? 0 : copysign(INFINITY, m);
    return (m + k / (6 * sd * sd * n) + k * m * m / (3 * pow(sd, 4))) * sqrt(n) / sd;
}

/* The critical value at n replicates. */
static inline double sequential_limit(int64_t n)
{
    return gsl_cdf_tdist_Qinv(sequential_alpha / (2.0 * SEQUENTIAL_LOOKS * SEQUENTIAL_NUMBERS), (double)(n - 1));
}

/* A look: 1 when rejected, now or before. */
static inline int sequential_look(sequential *s)
{
    if (!s->rejected_at && s->n > 1 && fabs(sequential_t(s)) > sequential_limit(s->n))
        s->rejected_at = s->n;
    return s->rejected_at > 0;
}

static inline int64_t sequential_next(int64_t n)
{
    return n + n / 2;
}

#endif
