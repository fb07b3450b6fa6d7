/* SPDX-License-Identifier: GPL-3.0-or-later */
/* State-space models with known answers, for every test that filters, smooths or learns. Computed independently
 * of this library (Kalman recursions, quadrature, enumeration; scores of A with 40 digits); tests/model/test_kalman.c,
 * test_hidden_markov.c and test_quadrature_filter.c check them to all digits. y_0 is observed from x_0 and every log-likelihood includes it.
 *
 *     A  linear-Gaussian, data by formula        E  stochastic volatility, data by formula
 *     B  linear-Gaussian, data from a file       G  theta-logistic population, data from a file
 *     C  hidden Markov, three states             I  Ricker population with Poisson counts, data from a file
 *     D  Gaussian potentials, any length         T  tiny chain with potentials, 81 paths
 *
 * Files are read from data/timeseries of the source tree. */
#ifndef MOTE_TESTS_STATE_SPACE_REFERENCE_H
#define MOTE_TESTS_STATE_SPACE_REFERENCE_H

#include <math.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

/* ---- A: x_0 ~ N(0, 1/0.19), x_t = 0.9 x_{t-1} + N(0, 1), y_t = x_t + N(0, 1), t = 0..49 */
enum { CASE_A_TIMES = 50 };
#define CASE_A_RHO             0.9
#define CASE_A_VARIANCE_X      1.0
#define CASE_A_VARIANCE_Y      1.0
#define CASE_A_INITIAL         (1 / 0.19)          /* variance of x_0; its mean is 0 */
#define CASE_A_LOG_LIKELIHOOD  (-75.172409282998)
#define CASE_A_LAST_MEAN       1.735962925186      /* filter, t = 49 */
#define CASE_A_LAST_VARIANCE   0.597407287258
#define CASE_A_FIRST_MEAN      0.546733511975      /* smoother, t = 0 */
#define CASE_A_FIRST_VARIANCE  0.597407287258
#define CASE_A_MIDDLE_MEAN     1.735006089563      /* smoother, t = 25 */
#define CASE_A_MIDDLE_VARIANCE 0.463435021876
#define CASE_A_SUM             11.133495156363     /* E sum x_t */
#define CASE_A_SUM_SQUARES     112.036868958580    /* E sum x_t^2 */
#define CASE_A_SUM_LAGGED      91.141125749936     /* E sum_{t>=1} x_{t-1} x_t */
#define CASE_A_SCORE_RHO       (-6.442179204395)   /* with the law of x_0 held fixed */
#define CASE_A_SCORE_X         (-7.044253876390)   /* d/d variance of the transition */
#define CASE_A_SCORE_Y         (-11.567223317773)
#define CASE_A_BEST_RHO        0.830289496713      /* maximum likelihood of rho alone, law of x_0 held fixed */
#define CASE_A_BEST            (-74.950042747373)

static inline double case_a_observation(int64_t t)
{
    return 2 * sin(0.3 * (double)t) + 0.5 * cos(1.7 * (double)t);
}

static inline void case_a_observations(double *y, int64_t times)
{
    for (int64_t t = 0; t < times; ++t)
        y[t] = case_a_observation(t);
}

/* ---- files: `n` numbers, the last of each line (after a comma), from the line `skip` on; 0 when all were there */
static inline int case_read(const char *name, int64_t skip, double *values, int64_t n)
{
    char path[4096], line[256];
    snprintf(path, sizeof path, "%s/data/timeseries/%s", MOTE_SOURCE, name);
    FILE *file = fopen(path, "r");
    int64_t count = 0;
    while (file && count < n && fgets(line, sizeof line, file)) {
        char *number = line;
        for (char *c = line; *c; ++c)
            number = *c == ',' ? c + 1 : number;
        if (skip-- <= 0)
            values[count++] = strtod(number, NULL);
    }
    if (file)
        fclose(file);
    return count == n ? 0 : -1;
}

/* ---- B: x_0 ~ N(0, var_x), x_t = rho x_{t-1} + N(0, var_x), y_t = x_t + N(0, var_y) */
enum { CASE_B_TIMES = 100 };
#define CASE_B_RHO            0.9
#define CASE_B_VARIANCE_X     1.0
#define CASE_B_VARIANCE_Y     0.04
#define CASE_B_LOG_LIKELIHOOD (-149.1159051088)
/* With priors v^-3 exp(-2/v) on both variances (InvGamma(2, 2)), U(-1, 1) on rho: evidence, posterior mean and sd. */
#define CASE_B_LOG_EVIDENCE        (-154.611025)
#define CASE_B_RHO_MEAN            0.771137
#define CASE_B_RHO_SD              0.075148
#define CASE_B_VARIANCE_X_MEAN     0.770983
#define CASE_B_VARIANCE_X_SD       0.169571
#define CASE_B_VARIANCE_Y_MEAN     0.366654
#define CASE_B_VARIANCE_Y_SD       0.109638

static inline int case_b_observations(double y[CASE_B_TIMES])
{
    return case_read("linear_gaussian_T100.txt", 0, y, CASE_B_TIMES);
}

/* ---- C: three states, y_t ~ N(mu of the state, 1) */
enum { CASE_C_TIMES = 30, CASE_C_STATES = 3 };
static const double case_c_initial[3] = { 0.5, 0.3, 0.2 };
static const double case_c_transition[3][3] = { { 0.8, 0.15, 0.05 }, { 0.1, 0.8, 0.1 }, { 0.05, 0.25, 0.7 } };
static const double case_c_mean[3] = { -2, 0, 3 };
#define CASE_C_LOG_LIKELIHOOD (-51.443674379097)
static const double case_c_filtered_last[3] = { 0.9837983520, 0.0162015759, 7.21e-8 };   /* t = 29 */
static const double case_c_smoothed_first[3] = { 0.0168735718, 0.9641289409, 0.0189974873 };
static const double case_c_smoothed_12[3] = { 0.9951097076, 0.0048902733, 1.92e-8 };

static inline double case_c_observation(int64_t t)
{
    return 2.5 * sin(0.4 * (double)t) + 0.5 * cos(2.1 * (double)t);
}

static inline double case_c_log_emission(int64_t t, int64_t state)
{
    double difference = case_c_observation(t) - case_c_mean[state];
    return -0.5 * difference * difference - 0.5 * log(2 * acos(-1));
}

/* ---- D: X_1 ~ N(0, 1), X' = 1.5 X + 0.5 N(0, 1), G(x) = exp(-x^2): before weighting every law is N(0, 1), after it
 * N(0, 1/3), and p potentials have log Z = p log(sqrt(3)/3) */
#define CASE_D_RHO 1.5
#define CASE_D_SD  0.5
static inline double case_d_log_evidence(int64_t potentials)
{
    return (double)potentials * log(sqrt(3) / 3);
}

/* ---- E: x' = mu + rho (x - mu) + sigma N(0, 1), stationary start, y ~ N(0, e^x) */
enum { CASE_E_TIMES = 200 };
#define CASE_E_MU                 (-1.0)
#define CASE_E_RHO                0.95
#define CASE_E_SIGMA              0.25
#define CASE_E_LOG_LIKELIHOOD     (-214.2819755795)  /* t = 0..199 */
#define CASE_E_LOG_LIKELIHOOD_100 (-105.2182944259)  /* t = 0..99 */

static inline double case_e_observation(int64_t t)
{
    double s = (double)t;
    return 1.4 * exp((-1 + 0.9 * sin(0.05 * s)) / 2) * sin(2.4 * s + 0.3 * sin(0.7 * s));
}

/* ---- G: x_0 ~ N(0, 1), x' = x + 0.15 - 0.12 exp(0.1 x) + 0.47 N(0, 1), y = x + 0.39 N(0, 1) */
enum { CASE_G_TIMES = 120 };
#define CASE_G_GROWTH         0.15
#define CASE_G_DECLINE        0.12
#define CASE_G_THETA          0.1
#define CASE_G_SD_X           0.47
#define CASE_G_SD_Y           0.39
#define CASE_G_LOG_LIKELIHOOD (-78.3153601233)

static inline int case_g_observations(double y[CASE_G_TIMES])
{
    return case_read("nutria.txt", 0, y, CASE_G_TIMES);
}

/* ---- I: N_0 = 7, log N' = log r + log N - c N + sigma N(0, 1), y ~ Poisson(10 N), y_0 observed from N_0 */
enum { CASE_I_TIMES = 51 };
#define CASE_I_FIRST          7.0
#define CASE_I_LOG_R          3.8
#define CASE_I_C              1.0
#define CASE_I_SIGMA          0.3
#define CASE_I_PHI            10.0
#define CASE_I_LOG_LIKELIHOOD (-148.8928048645)

static inline int case_i_observations(double y[CASE_I_TIMES])
{
    return case_read("ricker_simulated.csv", 1, y, CASE_I_TIMES);
}

/* ---- T: a chain of 4 times and 3 states with potentials; H = x_0 + sum_{t=1..3} (x_{t-1} x_t + x_t) */
enum { CASE_T_TIMES = 4, CASE_T_STATES = 3, CASE_T_PATHS = 81 };
static const double case_t_initial[3] = { 0.5, 0.3, 0.2 };
static const double case_t_transition[3][3] = { { 0.7, 0.2, 0.1 }, { 0.1, 0.6, 0.3 }, { 0.25, 0.05, 0.7 } };
static const double case_t_potential[4][3] = {
    { 1, 0.2, 0.6 }, { 0.1, 0.9, 0.4 }, { 0.8, 0.8, 0.05 }, { 0.3, 0.1, 1 }
};
#define CASE_T_EVIDENCE 0.045106920000
#define CASE_T_H        6.134061248252
#define CASE_T_LAST     1.37014            /* E x_3 */
/* Var(Z_hat)/Z^2 of a particle filter with multinomial resampling at every step, by simulation, for N = 2, 4, 8, 64. */
static const double case_t_relative_variance[4] = { 1.883, 0.778, 0.353, 0.0403 };

/* The states of path number 0..80: time 0 is the lowest digit in base 3. */
static inline void case_t_path(int64_t number, int64_t path[CASE_T_TIMES])
{
    for (int64_t t = 0; t < CASE_T_TIMES; ++t, number /= CASE_T_STATES)
        path[t] = number % CASE_T_STATES;
}

static inline int64_t case_t_number(const int64_t path[CASE_T_TIMES])
{
    int64_t number = 0;
    for (int64_t t = CASE_T_TIMES - 1; t >= 0; --t)
        number = CASE_T_STATES * number + path[t];
    return number;
}

/* Weight of a path: law of the chain times potentials. All 81 sum to Z. */
static inline double case_t_weight(const int64_t path[CASE_T_TIMES])
{
    double weight = case_t_initial[path[0]] * case_t_potential[0][path[0]];
    for (int64_t t = 1; t < CASE_T_TIMES; ++t)
        weight *= case_t_transition[path[t - 1]][path[t]] * case_t_potential[t][path[t]];
    return weight;
}

static inline double case_t_functional(const int64_t path[CASE_T_TIMES])
{
    double h = (double)path[0];
    for (int64_t t = 1; t < CASE_T_TIMES; ++t)
        h += (double)(path[t - 1] * path[t] + path[t]);
    return h;
}

/* The exact law of all paths, by their numbers. */
static inline void case_t_law(double law[CASE_T_PATHS])
{
    double sum = 0;
    for (int64_t i = 0; i < CASE_T_PATHS; ++i) {
        int64_t path[CASE_T_TIMES];
        case_t_path(i, path);
        sum += law[i] = case_t_weight(path);
    }
    for (int64_t i = 0; i < CASE_T_PATHS; ++i)
        law[i] /= sum;
}

/* ---- S: PaRIS and Parisian particle Gibbs on case A, functional CASE_A_SUM_LAGGED, M = 2, exact backward draws,
 * multinomial. Bias with its standard error, root mean squared error; PPG starts from one extra PaRIS sweep. */
typedef struct case_s_row {
    int64_t particles, sweeps, burn_in; /* sweeps 0: PaRIS */
    double bias, bias_error, rmse;
} case_s_row;
static const case_s_row case_s[] = {
    { 16, 0, 0, -0.95, 0.04, 8.15 }, { 32, 0, 0, -0.40, 0.04, 5.68 }, { 64, 0, 0, -0.24, 0.04, 4.05 },
    { 256, 0, 0, -0.02, 0.04, 1.97 }, { 16, 4, 2, 0.03, 0.06, 5.79 }, { 16, 4, 1, 0.02, 0.05, 4.80 },
    { 8, 8, 4, 0.00, 0.06, 6.20 },   { 16, 16, 8, -0.01, 0.06, 3.03 }, { 64, 4, 2, 0.06, 0.06, 2.87 },
};

#endif
