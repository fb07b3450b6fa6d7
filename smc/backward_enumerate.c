/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Backward draws as finite decisions, one by one: what the enumerator sees. Slow and plain; the laws are those of the
 * fast ways, whose random words make the same decisions. */
#include <math.h>

#include "core/vector.h"
#include "smc/backward_parts.h"

/* Log-density of parent l and child c of the item. */
static int density(mote_backward *b, mote_backward_scratch *s, int64_t l, int64_t c, double *log_density)
{
    s->candidate[0] = (int32_t)l;
    s->of[0] = (int32_t)c;
    int status = mote_backward_densities(b, s, 1);
    *log_density = s->column[BACKWARD_DENSITY][0];
    return status;
}

static int accepted(mote_source *source, double probability)
{
    const double cut = probability < 1 ? probability : 1;
    return mote_uniform_cut(source, &cut, 1) < cut;
}

static int exact(mote_backward *b, mote_backward_scratch *s, mote_source *source, int64_t first, int64_t c,
                 int32_t *parent)
{
    int any, status = mote_backward_probabilities(b, s, c, &any);
    *parent = b->children->start ? b->children->start[first + c] : 0;
    if (!status && any)
        *parent = (int32_t)mote_choose(source, s->table, b->parents->n);
    return status;
}

static int hybrid(mote_backward *b, mote_backward_scratch *s, mote_source *source, int64_t first, int64_t c,
                  int32_t *parent)
{
    int status = MOTE_OK;
    for (int64_t trial = 0; trial < b->setup.trials && !status; ++trial) {
        double log_density;
        const int64_t l = mote_choose(source, b->weight, b->parents->n);
        status = density(b, s, l, c, &log_density);
        ++s->info.trials;
        *parent = (int32_t)l;
        if (!status && accepted(source, mote_exp(log_density - s->column[BACKWARD_BOUND][c])))
            return MOTE_OK;
    }
    ++s->info.fallbacks;
    return status ? status : exact(b, s, source, first, c, parent);
}

static int metropolis(mote_backward *b, mote_backward_scratch *s, mote_source *source, int64_t first, int64_t c,
                      int32_t *parent)
{
    double now, then;
    *parent = b->children->start[first + c];
    int status = density(b, s, *parent, c, &now);
    for (int64_t step = 0; step < b->setup.steps && !status; ++step) {
        const int64_t l = mote_choose(source, b->weight, b->parents->n);
        status = density(b, s, l, c, &then);
        ++s->info.trials;
        if (!status && then > -INFINITY && accepted(source, now > -INFINITY ? mote_exp(then - now) : 1)) {
            *parent = (int32_t)l;
            now = then;
        }
    }
    return status;
}

int mote_backward_enumerate(mote_backward *b, mote_backward_scratch *s, int64_t first, int64_t count)
{
    const int64_t way = b->setup.way, m = b->setup.draws;
    mote_source source = *b->source;
    int status = way == MOTE_BACKWARD_HYBRID ? mote_backward_bounds(b, s, count) : MOTE_OK;
    if (way == MOTE_BACKWARD_REJECTION)
        return mote_fail(b->message, MOTE_EUNSUPPORTED, "rejection has no last trial and cannot be enumerated");
    for (int64_t c = 0; c < count; ++c)
        for (int64_t j = 0; j < m && !status; ++j) {
            int32_t *parent = &b->chosen[j * b->children->n + first + c];
            status = way == MOTE_BACKWARD_MCMC     ? metropolis(b, s, &source, first, c, parent)
                     : way == MOTE_BACKWARD_HYBRID ? hybrid(b, s, &source, first, c, parent)
                                                   : exact(b, s, &source, first, c, parent);
        }
    return status ? status : mote_source_status(&source);
}
