/* SPDX-License-Identifier: GPL-3.0-or-later */
/* SSP resampling (Srinivasan 2001; Gerber, Chopin and Whiteley 2019): count W_i rounded down or up, with the right
 * mean. Fractions xi_i are settled in pairs. With a = min(1 - xi_i, xi_j) and b = min(xi_i, 1 - xi_j), with probability
 * b / (a + b) a goes from j to i, else b from i to j; one of both is then 0 or 1 and the next parent takes its place.
 * Fractions are whole numbers here (xi_i = rest_i / total), so that the last pair settles both exactly.
 *
 * Given that parent k has an offspring: with probability n_k / (count W_k) nothing changes, else xi_k must end at 1.
 * Each xi is a martingale, so that P(xi_k ends at 1) is xi_k itself at every stage, and the walk under this condition
 * has its two probabilities multiplied by xi_k afterwards. K is one of k's offspring. Known answer: W = (1/4, 3/4),
 * count 2: one and one, or none and two, with probability 1/2 each. */
#include "smc/resample_parts.h"

typedef struct walk {
    mote_resample_call *call;
    uint64_t *rest;
    int conditioned;
} walk;

static int settled(const walk *w, int64_t i)
{
    return w->rest[i] == 0 || w->rest[i] == w->call->slots.total;
}

static int goes_up(const walk *w, int64_t j, double up, double down)
{
    const double p[2] = { up, down };
    if (w->call->enumerated)
        return mote_choose(w->call->source, p, 2) == 0;
    return w->call->r->number[j] * (up + down) < up;
}

/* One pair: i stands, j is new. */
static void settle_pair(walk *w, int64_t i, int64_t j)
{
    const uint64_t total = w->call->slots.total, room_i = total - w->rest[i], room_j = total - w->rest[j];
    const uint64_t a = room_i < w->rest[j] ? room_i : w->rest[j], b = w->rest[i] < room_j ? w->rest[i] : room_j;
    const int64_t kept = w->call->kept;
    double up = (double)b, down = (double)a;
    if (w->conditioned && kept == i) {
        up *= (double)(w->rest[i] + a);
        down *= (double)(w->rest[i] - b);
    } else if (w->conditioned && kept == j) {
        up *= (double)(w->rest[j] - a);
        down *= (double)(w->rest[j] + b);
    }
    if (goes_up(w, j, up, down)) {
        w->rest[i] += a;
        w->rest[j] -= a;
    } else {
        w->rest[i] -= b;
        w->rest[j] += b;
    }
}

static int64_t next_open(const walk *w, int64_t i)
{
    while (i < w->call->w->n && settled(w, i))
        ++i;
    return i;
}

static int must_end_above(mote_resample_call *call)
{
    const double p[2] = { (double)call->r->offspring[call->kept],
                          (double)call->r->whole[call->kept] / (double)call->slots.total };
    return mote_choose(call->source, p, 2) == 1;
}

int mote_resample_ssp(mote_resample_call *call)
{
    const int64_t n = call->w->n;
    mote_resample_split(call);
    walk w = { call, call->r->whole, call->kept >= 0 && must_end_above(call) };
    if (!call->enumerated)
        mote_resample_uniforms(call, n);
    int64_t i = next_open(&w, 0);
    for (int64_t j = next_open(&w, i + 1); j < n; j = next_open(&w, j + 1)) {
        settle_pair(&w, i, j);
        if (settled(&w, i))
            i = settled(&w, j) ? j = next_open(&w, j + 1) : j;
    }
    for (int64_t k = 0; k < n; ++k)
        call->r->offspring[k] += w.rest[k] == call->slots.total;
    mote_resample_expand(call);
    if (call->kept >= 0)
        mote_resample_pick(call);
    return MOTE_OK;
}
