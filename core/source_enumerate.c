/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The enumerator: depth-first search through the outcomes of a program by running it again and again. The decisions of
 * the present pass are a stack in the order in which they were asked. At the end of a pass the last decisions that have
 * no alternative left are taken off, the one below moves to its next alternative, and the next pass repeats the stack
 * before it goes on with first alternatives. Weights multiply along the stack.
 *
 * One question may be several decisions. n ordered uniforms fall into intervals of lengths l_0, l_1, ... with
 * multinomial counts; these are decided from the left, count k being binomial: each of the m values that are left falls
 * into interval k with probability l_k / (l_k + l_(k+1) + ...).
 *
 * Known answer: two fair choices of 3 are 9 passes of weight 1/9; two ordered uniforms with one cut at 1/4 are three
 * passes of weights 9/16, 6/16, 1/16, for none, one and two of them below the cut.
 *
 * Every position of an enumerator shares this state through ctx, as those of a tape do. After a failure numbers come
 * from a live source, so that loops which wait for a variate end. */
#include <math.h>
#include <string.h>

#include "core/memory.h"
#include "core/pcg64.h"
#include "core/source_tables.h"

enum kind { CHOICE = 1, CUT, ORDERED };

typedef struct decision {
    int64_t kind, alternatives;
    int64_t branch; /* the alternative of this pass */
    int64_t next;   /* the one after it that is possible, or the number of alternatives */
    double weight;  /* probability of the branch; NaN until it is asked */
} decision;

typedef struct enumerated_source {
    mote_source opened; /* first, so that a position's ctx can be read as a mote_source */
    mote_memory memory;
    decision *decisions;
    int64_t count, capacity;
    int64_t place;  /* decisions asked in this pass */
    int64_t inside; /* a pass is going on */
    int64_t passes; /* begun so far */
    double weight;  /* of the pass */
} enumerated_source;

/* The probabilities of a decision: weight(law, i) for i = 0..alternatives-1. */
typedef struct branching {
    double (*weight)(const struct branching *law, int64_t i);
    enum kind kind;
    int64_t alternatives;
    const double *p;         /* weights of a choice (NULL: equal), or cuts */
    double sum;              /* of the weights */
    double success, failure; /* of one trial of a binomial law */
} branching;

static void fail(mote_source *source, int status)
{
    mote_source *opened = source->ctx;
    source->status = source->status ? source->status : status;
    opened->status = opened->status ? opened->status : status;
}

/* ---- laws ---- */

static double choice_weight(const branching *law, int64_t i)
{
    return law->p ? law->p[i] / law->sum : 1.0 / law->sum;
}

/* Ends of interval i between cuts. */
static double lower_end(const double *cuts, int64_t i)
{
    return i > 0 ? cuts[i - 1] : 0.0;
}

static double upper_end(const double *cuts, int64_t count, int64_t i)
{
    return i < count ? cuts[i] : 1.0;
}

static double interval_weight(const branching *law, int64_t i)
{
    return upper_end(law->p, law->alternatives - 1, i) - lower_end(law->p, i);
}

/* C(m, i) p^i q^(m - i) with m = alternatives - 1; factors q are taken early enough that nothing overflows. */
static double binomial_weight(const branching *law, int64_t i)
{
    const int64_t m = law->alternatives - 1;
    int64_t failures = m - i;
    double product = 1.0;
    for (int64_t j = 1; j <= i; ++j) {
        product *= (double)(m - i + j) / (double)j * law->success;
        for (; product > 1.0 && failures > 0; --failures)
            product *= law->failure;
    }
    for (; failures > 0 && product > 0.0; --failures)
        product *= law->failure;
    return product;
}

/* ---- decisions ---- */

static int64_t possible_from(const branching *law, int64_t i)
{
    while (i < law->alternatives && !(law->weight(law, i) > 0.0))
        ++i;
    return i;
}

static int push(enumerated_source *e, const branching *law)
{
    if (e->count == e->capacity) {
        const int64_t capacity = e->capacity ? 2 * e->capacity : 64;
        decision *more = mote_memory_resize(&e->memory, e->decisions, e->capacity, capacity, sizeof *more);
        if (!more)
            return MOTE_ENOMEM;
        e->decisions = more;
        e->capacity = capacity;
    }
    const int64_t first = possible_from(law, 0);
    if (first == law->alternatives)
        return MOTE_EINVAL;
    e->decisions[e->count++] = (decision){ law->kind, law->alternatives, first, first, NAN };
    return MOTE_OK;
}

/* The alternative of this pass, or -1 after a failure. */
static int64_t decide(mote_source *source, const branching *law)
{
    enumerated_source *e = source->ctx;
    int status = e->opened.status;
    if (!status && !e->inside)
        status = MOTE_ESOURCE;
    if (!status && e->place == e->count)
        status = push(e, law);
    if (status) {
        fail(source, status);
        return -1;
    }
    decision *d = &e->decisions[e->place++];
    const double weight = d->alternatives == law->alternatives ? law->weight(law, d->branch) : NAN;
    if (d->kind != (int64_t)law->kind || !(weight == d->weight || (isnan(d->weight) && weight > 0.0))) {
        fail(source, MOTE_ESOURCE);
        return -1;
    }
    d->weight = weight;
    d->next = possible_from(law, d->branch + 1);
    e->weight *= weight;
    return d->branch;
}

/* ---- draws ---- */

static mote_source live_at(const mote_source *source)
{
    mote_source live = mote_source_at(source, source->purpose, source->step, source->first);
    live.table = &mote_source_table_live;
    live.ctx = NULL;
    live.draw = source->draw;
    return live;
}

static int64_t enumerate_choose(mote_source *source, const double *p, int64_t n)
{
    const double sum = p ? mote_source_sum_of_weights(p, n) : (double)n;
    if (!(sum > 0.0 && sum <= 0x1.fffffffffffffp+1023)) {
        fail(source, MOTE_EINVAL);
        return 0;
    }
    const branching law = { .weight = choice_weight, .kind = CHOICE, .alternatives = n, .p = p, .sum = sum };
    const int64_t chosen = decide(source, &law);
    if (chosen >= 0)
        return chosen;
    mote_source live = live_at(source);
    return live.table->choose(&live, p, n);
}

/* The j-th of `count` values spread over interval i, inside (0, 1) even where the interval is one number wide. */
static double value_in(const double *cuts, int64_t cut_count, int64_t i, int64_t j, int64_t count)
{
    const double low = lower_end(cuts, i), high = upper_end(cuts, cut_count, i);
    const double u = low + (high - low) * (double)(j + 1) / (double)(count + 1);
    return fmin(fmax(u, 0x1p-1022), 1.0 - 0x1p-53);
}

static int cuts_are_good(const double *cuts, int64_t count)
{
    if (count < 0 || (count && !cuts))
        return 0;
    for (int64_t i = 0; i <= count; ++i)
        if (!(lower_end(cuts, i) <= upper_end(cuts, count, i)))
            return 0;
    return 1;
}

static double enumerate_uniform_cut(mote_source *source, const double *cuts, int64_t n)
{
    const branching law = { .weight = interval_weight, .kind = CUT, .alternatives = n + 1, .p = cuts };
    double u;
    if (!cuts_are_good(cuts, n))
        fail(source, MOTE_EINVAL);
    const int64_t interval = decide(source, &law);
    if (interval >= 0)
        return value_in(cuts, n, interval, 0, 1);
    mote_source live = live_at(source);
    live.table->uniforms(&live, &u, 1);
    return u;
}

/* How many of the m values that are left fall into interval i, or -1. */
static int64_t count_in(mote_source *source, const double *cuts, int64_t cut_count, int64_t i, int64_t m)
{
    const double low = lower_end(cuts, i), high = upper_end(cuts, cut_count, i), rest = 1.0 - low;
    const branching law = { .weight = binomial_weight, .kind = ORDERED, .alternatives = m + 1,
                            .success = (high - low) / rest, .failure = (1.0 - high) / rest };
    return high > low ? decide(source, &law) : 0;
}

static void enumerate_ordered_uniforms(mote_source *source, double *out, int64_t n, const double *cuts,
                                       int64_t cut_count)
{
    int64_t placed = 0, count = 0;
    if (!cuts_are_good(cuts, cut_count)) {
        fail(source, MOTE_EINVAL);
        count = -1;
    }
    for (int64_t i = 0; i <= cut_count && placed < n && count >= 0; ++i) {
        count = count_in(source, cuts, cut_count, i, n - placed);
        for (int64_t j = 0; j < count; ++j)
            out[placed + j] = value_in(cuts, cut_count, i, j, count);
        placed += count;
    }
    if (count >= 0)
        return;
    mote_source live = live_at(source);
    live.table->ordered_uniforms(&live, out, n, NULL, 0);
}

/* ---- what cannot be enumerated ---- */

static void enumerate_bits(mote_source *source, uint64_t *out, int64_t n)
{
    mote_source live = live_at(source);
    fail(source, MOTE_ESOURCE);
    live.table->bits(&live, out, n);
}

static void enumerate_uniforms(mote_source *source, double *out, int64_t n)
{
    mote_source live = live_at(source);
    fail(source, MOTE_ESOURCE);
    live.table->uniforms(&live, out, n);
}

static void enumerate_normals(mote_source *source, double *out, int64_t n)
{
    mote_source live = live_at(source);
    fail(source, MOTE_ESOURCE);
    live.table->normals(&live, out, n);
}

static void enumerate_exponentials(mote_source *source, double *out, int64_t n)
{
    mote_source live = live_at(source);
    fail(source, MOTE_ESOURCE);
    live.table->exponentials(&live, out, n);
}

static uint64_t enumerate_stream_bits(mote_stream *stream)
{
    fail(stream->tape, MOTE_ESOURCE);
    return mote_pcg64_next(stream->state, stream->increment);
}

static int wants_cuts(const mote_source *source)
{
    (void)source;
    return 1;
}

static void close_enumerated(mote_source *opened)
{
    enumerated_source *e = opened->ctx;
    mote_memory_release(&e->memory, e->decisions);
}

static const mote_source_table enumerate_table = {
    .name = "enumerate",
    .bits = enumerate_bits,
    .uniforms = enumerate_uniforms,
    .normals = enumerate_normals,
    .exponentials = enumerate_exponentials,
    .choose = enumerate_choose,
    .ordered_uniforms = enumerate_ordered_uniforms,
    .uniform_cut = enumerate_uniform_cut,
    .stream_bits = enumerate_stream_bits,
    .close = close_enumerated,
    .wants_cuts = wants_cuts,
};

/* ---- passes ---- */

int mote_source_open_enumerate(mote_source **source)
{
    mote_memory memory;
    mote_memory_open(&memory, NULL);
    enumerated_source *e = mote_memory_allocate(&memory, 1, sizeof *e);
    *source = NULL;
    if (!e)
        return MOTE_ENOMEM;
    *e = (enumerated_source){ .opened = mote_source_live(mote_source_key(0, 0)), .memory = memory };
    e->opened.table = &enumerate_table;
    e->opened.ctx = e;
    *source = &e->opened;
    return MOTE_OK;
}

/* The decisions that the next pass repeats. A pass that asked for fewer than it was to repeat is another program. */
static int advance(enumerated_source *e)
{
    if (e->place < e->count) {
        fail(&e->opened, MOTE_ESOURCE);
        return 0;
    }
    while (e->count > 0 && e->decisions[e->count - 1].next == e->decisions[e->count - 1].alternatives)
        --e->count;
    if (!e->count)
        return 0;
    decision *last = &e->decisions[e->count - 1];
    last->branch = last->next;
    last->weight = NAN;
    return 1;
}

int mote_source_enumerate_next(mote_source *source)
{
    if (source->table != &enumerate_table)
        return 0;
    enumerated_source *e = source->ctx;
    e->inside = !e->opened.status && (!e->passes || (e->inside && advance(e)));
    if (!e->inside)
        return 0;
    ++e->passes;
    e->place = 0;
    e->weight = 1.0;
    e->opened.draw = 0;
    return 1;
}

double mote_source_enumerate_weight(const mote_source *source)
{
    if (source->table != &enumerate_table || mote_source_status(source))
        return NAN;
    return ((const enumerated_source *)source->ctx)->weight;
}
