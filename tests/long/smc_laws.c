/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Sequential law tests of particle methods: one false-alarm rate of 1e-5 over all of them, and no test that passes
 * without having rejected its planted bias (tests/long/sequential.h, tests/long/laws.h).
 *
 *     smc_laws [--folder F] [--jobs N] [--bias B] [--report] [NAME]
 *
 * Identities (this file). With Z, phi, H exact (tests/long/smc_cases.h) and w = Z_hat / Z,
 *
 *     E[w] = 1,    E[w (phi_hat - phi)] = 0    for phi = E[x_T^2 | y], for H = sum x_{t-1} x_t along the particles'
 *                                              genealogy, and for H by PaRIS (two backward draws)
 *
 * for every unbiased scheme of resampling, rule, and form of the filter (bootstrap, guided, auxiliary; quasi-random
 * points for w alone). Self-normalised means have a bias of 1/N that correct programs show: they are not tested.
 * Planted: Z_hat, or the estimate, times 1 + B. Rule never only on case T: elsewhere the mean of Z_hat does not
 * converge. Particles are such that var(w) is about .1 to .3; case B has only its guided forms at the
 * full bias, since its bootstrap filter would need 1e9 particles in all to see 2 %: there ten times the bias is
 * planted. */
#include "tests/long/smc_laws.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

#include "core/checkpoint.h"

/* ---- a filter on a case ---- */

int law_bench_open_space(law_bench *b)
{
    mote_memory_open(&b->memory, NULL);
    int status = mote_state_space_open(&b->space, &b->subject.model, &b->memory, &b->message);
    if (!status)
        status = mote_datum_open(&b->datum, &b->space, &b->memory);
    if (!status)
        status = mote_state_space_theta(&b->space, NULL, b->theta, &b->message);
    if (status)
        fprintf(stderr, "%s\n", b->message.text);
    return status ? -1 : 0;
}

int law_bench_open(law_bench *b, const mote_filter_setup *setup, const mote_paris_smoother_setup *paris)
{
    int status = law_bench_open_space(b);
    if (!status)
        status = mote_particle_filter_open(&b->filter, &b->space, setup, &b->memory, NULL, &b->message);
    b->filtering = !status;
    if (!status && paris) {
        status = mote_paris_smoother_open(&b->paris, &b->filter, paris);
        b->smoothing = !status;
        if (!status)
            mote_particle_filter_add(&b->filter, &b->paris.collector);
    }
    if (status)
        fprintf(stderr, "%s\n", b->message.text);
    return status ? -1 : 0;
}

void law_bench_close(law_bench *b)
{
    if (b->smoothing)
        mote_paris_smoother_close(&b->paris);
    if (b->filtering)
        mote_particle_filter_close(&b->filter);
    mote_datum_close(&b->datum, &b->memory);
    mote_state_space_close(&b->space);
}

uint64_t law_key(const char *name, int64_t r)
{
    return mote_source_key((int64_t)(mote_hash(MOTE_HASH_START, name, strlen(name)) >> 2), r);
}

double law_bench_run(law_bench *b, uint64_t key)
{
    const mote_source source = mote_source_live(key);
    double log_evidence;
    const int status = mote_particle_filter_run(&b->filter, b->theta, &source, &b->datum, &log_evidence);
    if (status)
        fprintf(stderr, "status %d: %s\n", status, b->message.text);
    return status ? NAN : log_evidence;
}

/* ---- identities ---- */

enum { MOST_PARTICLES = 8192 };

typedef struct identity {
    char subject[2];
    int64_t times;
    mote_filter_setup filter;
    int64_t smooths; /* 0: w and phi only; quasi: w only */
} identity;

typedef struct identity_state {
    mote_collector genealogy;
    law_bench bench;
    double sum[2][MOST_PARTICLES]; /* H along the genealogy of each particle */
} identity_state;

static int follow_genealogy(mote_collector *collector, mote_particle_filter *filter)
{
    identity_state *s = (identity_state *)collector;
    const int64_t t = filter->step - 1;
    const double *before = s->sum[t % 2], *x = filter->now->state[0];
    double *now = s->sum[1 - t % 2];
    for (int64_t i = 0; i < filter->setup.particles; ++i) {
        const int32_t a = t ? filter->ancestor[i] : 0;
        now[i] = (t ? before[a] : 0) + smc_case_term(&s->bench.subject, t, t ? filter->before->state[0][a] : NAN, x[i]);
    }
    return MOTE_OK;
}

static int start_genealogy(mote_collector *collector, mote_particle_filter *filter)
{
    (void)collector, (void)filter;
    return MOTE_OK;
}

static const mote_collector_table genealogy_table = { .name = "genealogy",
                                                      .start = start_genealogy,
                                                      .collect = follow_genealogy };

static const identity *identity_of(const law_entry *self)
{
    return (const identity *)(const void *)self->configuration;
}

static int identity_open(const law_entry *self, void *state)
{
    const identity *own = identity_of(self);
    identity_state *s = state;
    const int64_t way = own->filter.particles > 40 ? MOTE_BACKWARD_HYBRID : MOTE_BACKWARD_EXACT;
    const mote_paris_smoother_setup paris = { .backward = { way, 2, 0, 1 }, .functional = MOTE_FUNCTIONAL_ADDITIVE };
    if (own->filter.particles > MOST_PARTICLES || smc_case_open(&s->bench.subject, own->subject, own->times))
        return -1;
    s->genealogy.table = &genealogy_table;
    const int status = law_bench_open(&s->bench, &own->filter, own->smooths ? &paris : NULL);
    if (!status && own->smooths)
        mote_particle_filter_add(&s->bench.filter, &s->genealogy);
    return status;
}

static void identity_close(void *state)
{
    law_bench_close(&((identity_state *)state)->bench);
}

/* E[x^2] and H of a population by its weights. */
static void estimates(identity_state *s, double *square, double *along)
{
    const mote_particle_filter *filter = &s->bench.filter;
    const double *x = filter->now->state[0], *sum = s->sum[filter->step % 2];
    *square = *along = 0;
    for (int64_t i = 0; i < filter->setup.particles; ++i) {
        const double weight = mote_population_weight(filter->now, i);
        *square += weight * x[i] * x[i];
        *along += weight * sum[i];
    }
}

static int identity_replicate(const law_entry *self, void *state, int64_t r, double bias, double *x, double *planted)
{
    identity_state *s = state;
    const smc_case *c = &s->bench.subject;
    const double log_evidence = law_bench_run(&s->bench, law_key(self->name, r)),
                 w = exp(log_evidence - c->log_evidence);
    double value[LAW_NUMBERS], truth[LAW_NUMBERS] = { 0, c->filtered_square, c->functional, c->functional };
    if (isnan(log_evidence))
        return -1;
    x[0] = w - 1;
    planted[0] = w * (1 + bias) - 1;
    if (w > 0 && self->numbers > 1)
        estimates(s, &value[1], &value[2]);
    if (w > 0 && self->numbers > 3)
        value[3] = s->bench.paris.estimate[0];
    for (int k = 1; k < self->numbers; ++k) {
        x[k] = w > 0 ? w * (value[k] / truth[k] - 1) : 0;
        planted[k] = w > 0 ? w * (value[k] / truth[k] * (1 + bias) - 1) : 0;
    }
    return 0;
}

static const char *const form_name[] = { "bootstrap", "guided", "auxiliary", "guided auxiliary" };
static const char *const rule_name[] = { "ess", "always", "never" };

static law_entry *add_identity(law_list *list, const char *subject, int64_t times, mote_filter_setup setup,
                               int64_t smooths)
{
    law_entry *self =
        law_add(list, "identities %s%s,%lld,%s,%s,%s,%lld", subject, setup.quasi ? " quasi" : "", (long long)times,
                form_name[setup.guided + 2 * setup.look_ahead], mote_resampling_name(setup.resampling),
                rule_name[setup.rule], (long long)setup.particles);
    if (!self)
        return NULL;
    identity *own = (identity *)(void *)self->configuration;
    _Static_assert(sizeof *own <= LAW_ROOM, "room for a law's own");
    snprintf(own->subject, sizeof own->subject, "%s", subject);
    own->times = times;
    own->filter = setup;
    own->smooths = smooths;
    self->number[0] = "Z", self->number[1] = "filter", self->number[2] = "genealogy", self->number[3] = "PaRIS";
    self->numbers = setup.quasi ? 1 : smooths ? 4 : 2;
    self->first = 500;
    self->most = 4000000;
    self->state_size = sizeof(identity_state);
    self->open = identity_open;
    self->replicate = identity_replicate;
    self->close = identity_close;
    return self;
}

static const int64_t unbiased[] = { MOTE_RESAMPLE_SYSTEMATIC, MOTE_RESAMPLE_STRATIFIED, MOTE_RESAMPLE_MULTINOMIAL,
                                    MOTE_RESAMPLE_RESIDUAL,   MOTE_RESAMPLE_SSP,        MOTE_RESAMPLE_KILLING,
                                    MOTE_RESAMPLE_OPTIMAL,    MOTE_RESAMPLE_REJECTION };
enum { UNBIASED = sizeof unbiased / sizeof *unbiased };

/* All schemes, rules and forms on what is cheap: the tiny chain, and the first ten observations of A. */
static void add_full_cross(law_list *list, const char *subject, int64_t times, int64_t particles, int64_t rules)
{
    for (int s = 0; s < UNBIASED; ++s)
        for (int64_t rule = 0; rule < rules; ++rule)
            for (int64_t form = 0; form < 3; ++form)
                add_identity(list, subject, times,
                             (mote_filter_setup){ .particles = particles,
                                                  .resampling = unbiased[s],
                                                  .rule = rule,
                                                  .threshold = 0.5,
                                                  .guided = form == 1,
                                                  .look_ahead = form == 2 },
                             1);
}

/* A scheme under each rule of the rest. */
static void add_some(law_list *list, const char *subject, int64_t times, int64_t particles, int64_t form, double bias)
{
    static const struct { int64_t scheme, rule;
    } some[] = { { MOTE_RESAMPLE_SYSTEMATIC, MOTE_RULE_ESS },
                 { MOTE_RESAMPLE_MULTINOMIAL, MOTE_RULE_ALWAYS },
                 { MOTE_RESAMPLE_SSP, MOTE_RULE_ALWAYS },
                 { MOTE_RESAMPLE_KILLING, MOTE_RULE_ESS } };
    for (size_t k = 0; k < sizeof some / sizeof *some; ++k) {
        law_entry *self = add_identity(list, subject, times,
                                       (mote_filter_setup){ .particles = particles,
                                                            .resampling = some[k].scheme,
                                                            .rule = some[k].rule,
                                                            .threshold = 0.5,
                                                            .guided = form & 1,
                                                            .look_ahead = form >> 1 },
                                       bias <= 1);
        if (self)
            self->bias = bias;
    }
}

void smc_laws_identities(law_list *list)
{
    add_full_cross(list, "T", 0, 6, 3);
    add_full_cross(list, "A", 10, 60, 2);
    add_some(list, "A", 0, 200, 0, 1);
    add_some(list, "B", 0, 4000, 0, 10);
    add_some(list, "B", 0, 200, 1, 1);
    add_some(list, "B", 0, 100, 3, 1);
    add_some(list, "C", 0, 200, 0, 1);
    add_some(list, "D", 0, 200, 0, 1);
    add_some(list, "E", 100, 200, 0, 1);
    add_some(list, "G", 0, 300, 0, 1);
    add_some(list, "I", 0, 500, 0, 2.5);
    for (int64_t n = 16; n <= 256; n *= 4)
        add_identity(list, "A", 0, (mote_filter_setup){ .particles = n, .rule = MOTE_RULE_ALWAYS, .quasi = 1 }, 0);
}

int main(int count, char **arguments)
{
    law_list list = { 0 };
    smc_laws_identities(&list);
    smc_laws_paths(&list);
    smc_laws_smoothers(&list);
    smc_laws_variances(&list);
    return law_main(&list, count, arguments);
}
