/* SPDX-License-Identifier: GPL-3.0-or-later */
/* State-space models that the tests of particle methods share, whole: with every optional member that they can have.
 *
 * linear_gaussian: x_0 ~ N(0, var_0), x_t = rho x_{t-1} + N(0, var_x), y_t = x_t + N(0, var_y); additive functional
 *     (sum x_{t-1} x_t, sum x_t, sum x_t^2); gradient in (rho, var_x, var_y) with var_0 held fixed. The proposal is the
 *     optimal one, p(x_t | x_{t-1}, y_t), the look-ahead p(y_t | x_{t-1}): guided and auxiliary weights are then equal.
 * chain: three states 0, 1, 2 (case T below), potentials g_t; all draws through mote_choose, so that the enumerator can
 *     visit every path.
 * volatility: x' = mu + rho (x - mu) + sigma N, stationary start, y ~ N(0, e^x). */
#ifndef MOTE_TESTS_STATE_SPACE_MODELS_H
#define MOTE_TESTS_STATE_SPACE_MODELS_H

#include <mote/ssm.h>

enum { LG_RHO, LG_VAR_X, LG_VAR_Y, LG_VAR_0, LG_PARAMETERS };

/* Case A: T = 50, rho .9, var_x = var_y = 1, var_0 = 1/.19, y_t = 2 sin .3t + .5 cos 1.7t. log Z = -75.172409282998;
 * filtered mean, variance at t = 49: 1.735962925186, .597407287258. E of the additive functional given y:
 * 91.141125749936, 11.133495156363, 112.036868958580. Fixed parameters. */
extern const mote_ssm linear_gaussian_a;
#define LINEAR_GAUSSIAN_A_LOG_EVIDENCE (-75.172409282998)

/* Case T: states 0, 1, 2; initial law (.5 .3 .2); g_0..g_3. Z = .045106920000; with H = x_0 + sum (x_{t-1} x_t + x_t):
 * E H = 6.134061248252; E x_3 = 1.37014. The additive functional is H. */
extern const mote_ssm chain_t;
#define CHAIN_T_EVIDENCE 0.045106920000
#define CHAIN_T_FUNCTIONAL 6.134061248252
enum { CHAIN_STATES = 3, CHAIN_TIMES = 4 };
extern const double chain_initial[CHAIN_STATES], chain_transition[CHAIN_STATES][CHAIN_STATES],
    chain_potential[CHAIN_TIMES][CHAIN_STATES];

/* Case C: states 0, 1, 2, y ~ N((-2, 0, 3)[x], 1), T = 30. log Z = -51.443674379097; probabilities filtered at t = 29:
 * .9837983520 .0162015759 7.21e-8; smoothed at t = 0: .0168735718 .9641289409 .0189974873, at t = 12: .9951097076
 * .0048902733 1.92e-8. No proposal and no backward proposal. */
extern const mote_ssm hidden_markov_c;
#define HIDDEN_MARKOV_C_LOG_EVIDENCE (-51.443674379097)

/* Case E: T = 200, (mu, rho, sigma) = (-1, .95, .25), y_t = 1.4 exp((-1 + .9 sin .05t)/2) sin(2.4t + .3 sin .7t).
 * log Z = -214.2819755795; of the first 100: -105.2182944259. */
extern const mote_ssm volatility_e;

/* Case D: X_1 ~ N(0,1), X' = 1.5 X + .5 N, G = exp(-x^2): log Z of p steps is p log(sqrt(3)/3). No observations are
 * declared; the series carries 20 times. */
extern const mote_ssm toy_d;

#endif
