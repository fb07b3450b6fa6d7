/* SPDX-License-Identifier: GPL-3.0-or-later */
/* How much is left? Model of the peak: log L(X) = L_max - y, y = X^(2/d) / (2 s^2), the law of a normal likelihood. The
 * mass inside volume X is then P(d/2, y), so the stop rule holds at y_stop = P^-1(d/2, precision), which is
 * (d/2) log(y_now / y_stop) nats of compression away. d is fitted to the live points: for X uniform below X*, the mean
 * of y is y* d/(d + 2); L_max lies above the best of n points by about y* n^(-2/d). An estimate for the eye only. */
#include <math.h>

#include "core/special.h"
#include "nested/state.h"

double mote_nested_nats_left(const mote_nested_state *state)
{
    const mote_points *live = &state->live;
    double n = (double)live->n, lowest = INFINITY, highest = -INFINITY, mean = 0;
    for (int64_t i = 0; i < live->n; ++i) {
        lowest = fmin(lowest, live->log_likelihood[i]);
        highest = fmax(highest, live->log_likelihood[i]);
        mean += live->log_likelihood[i] / n;
    }
    double range = highest - lowest;
    if (live->n < 10 || !isfinite(range) || range <= 0)
        return NAN;
    double share = fmin((highest - mean) / range, 0.99), d = fmax(2 * share / (1 - share), 0.5);
    double hidden = range * pow(n, -2 / d);
    double y_stop = mote_gamma_quantile(state->options->precision, 1 - state->options->precision, d / 2);
    return fmax(0.5 * d * log((range + hidden) / y_stop), 0);
}
