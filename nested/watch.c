/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "nested/watch.h"

#include <math.h>
#include <mote/nested.h>

static const double spike_factor = 10, spike_nats = 3;  /* a jump beyond both is a spike */
static const double slow_factor = 100;                  /* calls per birth against the median of the last steps */
static const double slow_calls = 1e5;                   /* or in absolute terms: efficiency below 1e-5 */
static const double resolution = 1e-12;                 /* live range relative to |logL| */
static const double patience = 5;                       /* live points' worth of births without progress */
static const double nats_per_dimension = 36;            /* -log of the spacing of doubles in the unit interval */

void mote_watch_start(mote_watch *watch)
{
    *watch = (mote_watch){ .maximum = -INFINITY, .lowest_remaining = INFINITY };
}

/* Median of n <= 101 values, by rank counting: O(n^2) on a handful. */
static double median(const double *values, int64_t n)
{
    for (int64_t i = 0; i < n; ++i) {
        int64_t below = 0, equal = 0;
        for (int64_t j = 0; j < n; ++j) {
            below += values[j] < values[i];
            equal += values[j] == values[i];
        }
        if (below <= n / 2 && n / 2 < below + equal)
            return values[i];
    }
    return NAN;
}

void mote_watch_point(mote_watch *watch, double log_likelihood, int64_t at_start)
{
    double jump = log_likelihood - watch->maximum;
    if (!(jump > 0))
        return;
    watch->maximum = log_likelihood;
    if (at_start || !isfinite(jump))
        return;
    int64_t count = (int64_t)watch->jump_count, n = count < MOTE_WATCH_JUMPS ? count : MOTE_WATCH_JUMPS;
    if (n >= 5 && jump > spike_nats && jump > spike_factor * median(watch->jumps, n))
        watch->warnings |= MOTE_WARNING_SPIKE;
    watch->jumps[count % MOTE_WATCH_JUMPS] = jump;
    ++watch->jump_count;
}

static int64_t slow(mote_watch *watch, double calls_per_birth)
{
    int64_t count = (int64_t)watch->call_count, n = count < MOTE_WATCH_CALLS ? count : MOTE_WATCH_CALLS;
    int64_t is_slow = calls_per_birth > slow_calls || (n >= 10 && calls_per_birth > slow_factor * median(watch->calls, n));
    watch->calls[count % MOTE_WATCH_CALLS] = calls_per_birth;
    ++watch->call_count;
    return is_slow ? MOTE_WARNING_STALL_EFFICIENCY : 0;
}

/* Two signs: past the bulk, the remaining share must fall; before it the share rests near 1 for as long as the prior
 * is wide, but a volume below the spacing of doubles in every coordinate means that there is no bulk. */
static int64_t unbounded(mote_watch *watch, double remaining, int64_t births, int64_t live_points,
                         double log_volume_per_dimension)
{
    if (remaining < watch->lowest_remaining) {
        watch->lowest_remaining = remaining;
        watch->births_since = 0;
    }
    watch->births_since += (double)births;
    int64_t stuck = remaining < 0.5 && watch->births_since > patience * (double)live_points;
    int64_t too_deep = log_volume_per_dimension < -nats_per_dimension;
    return stuck || too_deep ? MOTE_WARNING_STALL_UNBOUNDED : 0;
}

int64_t mote_watch_step(mote_watch *watch, double calls_per_birth, int64_t births, double live_minimum,
                        double live_maximum, double remaining, int64_t live_points,
                        double log_volume_per_dimension)
{
    int64_t found = 0, before = watch->warnings;
    double range = live_maximum - live_minimum;
    if (range == 0)
        found |= MOTE_WARNING_STALL_PLATEAU;
    else if (range < resolution * fabs(live_maximum))
        found |= MOTE_WARNING_STALL_RESOLUTION;
    if (births)
        found |= slow(watch, calls_per_birth);
    found |= unbounded(watch, remaining, births, live_points, log_volume_per_dimension);
    watch->warnings |= found;
    return found & ~before;
}
