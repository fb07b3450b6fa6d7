/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The schemes by number and name, and the resampler that owns their memory. The methods stand in the files beside this
 * one; the conditional forms all draw (slot K, ancestors A) with probability P(A) [A_K = k] / (count W_k), so that
 * averaged over k ~ W the ancestors have their unconditional law and K is uniform. */
#include <string.h>

#include "smc/resample_parts.h"

#define PLAIN (MOTE_RESAMPLING_UNBIASED | MOTE_RESAMPLING_CONDITIONAL)

static const struct scheme {
    const char *name;
    int64_t flags;
    int (*draw)(mote_resample_call *call);
} schemes[] = {
    [MOTE_RESAMPLE_SYSTEMATIC] = { "systematic", PLAIN | MOTE_RESAMPLING_ORDERED, mote_resample_systematic },
    [MOTE_RESAMPLE_STRATIFIED] = { "stratified", PLAIN | MOTE_RESAMPLING_ORDERED, mote_resample_stratified },
    [MOTE_RESAMPLE_MULTINOMIAL] = { "multinomial", PLAIN | MOTE_RESAMPLING_ORDERED, mote_resample_multinomial },
    [MOTE_RESAMPLE_RESIDUAL] = { "residual", PLAIN | MOTE_RESAMPLING_ORDERED, mote_resample_residual },
    [MOTE_RESAMPLE_SSP] = { "ssp", PLAIN | MOTE_RESAMPLING_ORDERED, mote_resample_ssp },
    [MOTE_RESAMPLE_KILLING] = { "killing", PLAIN | MOTE_RESAMPLING_EQUAL_COUNT, mote_resample_killing },
    [MOTE_RESAMPLE_OPTIMAL] = { "optimal",
                                MOTE_RESAMPLING_UNBIASED | MOTE_RESAMPLING_ORDERED | MOTE_RESAMPLING_WEIGHTED,
                                mote_resample_optimal },
    [MOTE_RESAMPLE_METROPOLIS] = { "metropolis", MOTE_RESAMPLING_EQUAL_COUNT, mote_resample_metropolis },
    [MOTE_RESAMPLE_REJECTION] = { "rejection", PLAIN | MOTE_RESAMPLING_EQUAL_COUNT, mote_resample_rejection },
    [MOTE_RESAMPLE_MINIMUM_ERROR] = { "minimum_error", MOTE_RESAMPLING_ORDERED, mote_resample_minimum_error },
};

enum { SCHEMES = sizeof schemes / sizeof *schemes };

const char *mote_resampling_name(int64_t choice)
{
    return choice >= 0 && choice < SCHEMES ? schemes[choice].name : NULL;
}

int64_t mote_resampling_find(const char *name)
{
    for (int64_t i = 0; name && i < SCHEMES; ++i)
        if (!strcmp(schemes[i].name, name))
            return i;
    return -1;
}

int64_t mote_resampling_flags(int64_t choice)
{
    return choice >= 0 && choice < SCHEMES ? schemes[choice].flags : 0;
}

int mote_resampling_require(int64_t choice, int64_t wanted, int64_t unwanted, mote_message *message)
{
    static const char *const has[] = { "is biased", "has no conditional form", "has no ordered ancestors",
                                       "has equal output weights", "takes any number of offspring" };
    static const char *const has_not[] = { "is unbiased", "has a conditional form", "has ordered ancestors",
                                           "has unequal output weights", "gives as many offspring as particles" };
    const int64_t flags = mote_resampling_flags(choice);
    if (!mote_resampling_name(choice))
        return mote_fail(message, MOTE_EOPTION, "resampling: there is no scheme number %lld", (long long)choice);
    for (int64_t i = 0; i < 5; ++i) {
        const int64_t flag = (int64_t)1 << i;
        if ((wanted & flag && !(flags & flag)) || (unwanted & flags & flag))
            return mote_fail(message, MOTE_EUNSUPPORTED, "resampling: %s %s", schemes[choice].name,
                             wanted & flag ? has[i] : has_not[i]);
    }
    return MOTE_OK;
}

int mote_resampling_of_particles(int64_t choice, int64_t wanted, mote_message *message)
{
    if (mote_resampling_flags(choice) & MOTE_RESAMPLING_WEIGHTED)
        return mote_fail(message, MOTE_EUNSUPPORTED,
                         "resampling = %s is for more candidates than slots (finite states, several successors of each "
                         "particle: mote_resample_ancestors); of as many particles as are kept it keeps every one that "
                         "is alive, and so never resamples", schemes[choice].name);
    return mote_resampling_require(choice, wanted, 0, message);
}

/* ---- memory ---- */

static void *array(mote_resampler *r, int64_t count, size_t size)
{
    return mote_memory_allocate(&r->memory, count, size);
}

/* One entry more than there are particles or blocks, for the end. */
static int allocate(mote_resampler *r)
{
    r->maximum = array(r, r->blocks, sizeof *r->maximum);
    r->before = array(r, r->blocks + 1, sizeof *r->before);
    r->rest_before = array(r, r->blocks + 1, sizeof *r->rest_before);
    r->whole_before = array(r, r->blocks + 1, sizeof *r->whole_before);
    r->whole = array(r, r->capacity, sizeof *r->whole);
    r->offspring = array(r, r->capacity + 1, sizeof *r->offspring);
    r->number = array(r, r->capacity + 1, sizeof *r->number);
    r->begun = array(r, 1, sizeof *r->begun);
    return r->begun && r->maximum && r->before && r->rest_before && r->whole_before && r->whole && r->offspring &&
        r->number;
}

int mote_resampler_open(mote_resampler *r, int64_t choice, int64_t capacity, const mote_memory *memory,
                        mote_pool *pool, mote_message *message)
{
    *r = (mote_resampler){ .memory = *memory, .pool = pool, .choice = choice, .capacity = capacity };
    if (capacity < 1 || capacity > INT32_MAX)
        return mote_fail(message, MOTE_EINVAL, "resampling: %lld particles; from 1 to %lld are possible",
                         (long long)capacity, (long long)INT32_MAX);
    r->blocks = (capacity + BLOCK - 1) / BLOCK;
    int status = mote_resampling_require(choice, 0, 0, message);
    if (!status && !allocate(r))
        status = mote_fail(message, MOTE_ENOMEM, "resampling: no memory for %lld particles", (long long)capacity);
    if (status)
        mote_resampler_close(r);
    return status;
}

void mote_resampler_close(mote_resampler *r)
{
    void *arrays[] = { r->maximum, r->before, r->rest_before, r->whole_before, r->whole, r->offspring, r->number,
                       r->begun, r->cuts };
    for (size_t i = 0; i < sizeof arrays / sizeof *arrays; ++i)
        if (arrays[i])
            mote_memory_release(&r->memory, arrays[i]);
    *r = (mote_resampler){ .capacity = 0 };
}

/* ---- one resampling ---- */

static int sizes_fit(const mote_resample_call *call)
{
    const int64_t n = call->w->n, count = call->count, capacity = call->r->capacity;
    if (n < 1 || n > capacity || count < 1 || count > capacity || !call->w->weight || !call->ancestor)
        return 0;
    if (call->kept >= n || call->kept < -1)
        return 0;
    return n == count || !(schemes[call->r->choice].flags & MOTE_RESAMPLING_EQUAL_COUNT);
}

static int draw(mote_resample_call *call)
{
    int status = mote_source_status(call->source);
    if (status)
        return status;
    if (!sizes_fit(call))
        return MOTE_EINVAL;
    call->enumerated = mote_source_wants_cuts(call->source);
    call->parallel = call->r->pool && !call->source->ctx; /* tapes and enumerators belong to one thread */
    status = mote_resample_prepare(call);
    if (!status)
        status = schemes[call->r->choice].draw(call);
    return status ? status : mote_source_status(call->source);
}

int mote_resample(mote_resampler *r, mote_source *source, const mote_block_weights *w, int64_t count,
                  int32_t *ancestor)
{
    mote_resample_call call = { .r = r, .source = source, .w = w, .count = count, .kept = -1, .ancestor = ancestor };
    if (schemes[r->choice].flags & MOTE_RESAMPLING_WEIGHTED)
        return MOTE_EUNSUPPORTED;
    return draw(&call);
}

int mote_resample_begin(mote_resampler *r, mote_source *source, const mote_block_weights *w, int64_t count,
                        int32_t *ancestor)
{
    mote_resample_call *call = r->begun;
    *call = (mote_resample_call){ .r = r, .source = source, .begun = *w, .count = count, .kept = -1,
                                  .ancestor = ancestor };
    call->w = &call->begun;
    if (r->choice != MOTE_RESAMPLE_SYSTEMATIC || source->ctx || mote_source_wants_cuts(source))
        return MOTE_EUNSUPPORTED;
    int status = mote_source_status(source);
    if (status || !sizes_fit(call))
        return status ? status : MOTE_EINVAL;
    call->parallel = r->pool != NULL;
    status = mote_resample_prepare(call);
    if (!status)
        status = mote_resample_systematic_begin(call);
    call->source = NULL; /* it need not outlive this call */
    return status ? status : mote_source_status(source);
}

void mote_resample_slots(const mote_resampler *r, int64_t first, int64_t n, mote_resample_edges *edges)
{
    mote_resample_systematic_slots(r->begun, first, n, edges);
}

int mote_resample_weighted(mote_resampler *r, mote_source *source, const mote_block_weights *w, int64_t count,
                           int32_t *ancestor, double *weight)
{
    mote_resample_call call = { .r = r, .source = source, .w = w, .count = count, .kept = -1, .ancestor = ancestor,
                                .weight = weight };
    int status = weight ? draw(&call) : MOTE_EINVAL;
    if (!status && !(schemes[r->choice].flags & MOTE_RESAMPLING_WEIGHTED))
        for (int64_t i = 0; i < count; ++i)
            weight[i] = 1.0 / (double)count;
    return status;
}

int mote_resample_conditional(mote_resampler *r, mote_source *source, const mote_block_weights *w, int64_t count,
                              int64_t k, int32_t *ancestor, int64_t *slot)
{
    mote_resample_call call = { .r = r, .source = source, .w = w, .count = count, .kept = k, .ancestor = ancestor };
    if (!(schemes[r->choice].flags & MOTE_RESAMPLING_CONDITIONAL))
        return MOTE_EUNSUPPORTED;
    int status = k >= 0 ? draw(&call) : MOTE_EINVAL;
    *slot = status ? -1 : call.slot;
    return status;
}

int mote_resample_ancestors(mote_source *source, int64_t choice, const double *weight, int64_t n, int64_t count,
                            int32_t *ancestor, double *output_weight)
{
    const mote_block_weights w = { weight, NULL, n, 0 };
    mote_resampler r;
    mote_memory memory;
    if (!source || !weight || !ancestor || n < 1 || count < 1)
        return MOTE_EINVAL;
    mote_memory_open(&memory, NULL);
    int status = mote_resampler_open(&r, choice, n > count ? n : count, &memory, NULL, NULL);
    if (!status)
        status = output_weight ? mote_resample_weighted(&r, source, &w, count, ancestor, output_weight)
                               : mote_resample(&r, source, &w, count, ancestor);
    mote_resampler_close(&r);
    return status;
}

/* ---- slots ---- */

/* r->offspring[i] becomes the new ancestor of slot i, or -1 while it is free. */
void mote_resampler_keep_slots(mote_resampler *r, int32_t *ancestor, int64_t count)
{
    int32_t *placed = r->offspring;
    int64_t open = 0;
    for (int64_t i = 0; i < count; ++i)
        placed[i] = -1;
    for (int64_t i = 0; i < count; ++i)
        if (ancestor[i] < count)
            placed[ancestor[i]] = ancestor[i];
    for (int64_t i = 0; i < count; ++i) {
        const int32_t parent = ancestor[i];
        if (parent < count && placed[parent] == parent) {
            placed[parent] = parent | INT32_MIN; /* its own slot: settled, and no other copy may take it */
            continue;
        }
        while (placed[open] != -1)
            ++open;
        placed[open] = parent | INT32_MIN;
    }
    for (int64_t i = 0; i < count; ++i)
        ancestor[i] = placed[i] & INT32_MAX;
}
