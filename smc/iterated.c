/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Iterated filtering (IF2; Ionides et al. 2015, PNAS 112, 719): a particle filter on (state, parameters) whose
 * parameters take small steps, again and again with smaller ones:
 *
 *     pass m:  y^j += s_m z;  for t: y^j += s_m z, x_t^j ~ M_t(. | y^j), weigh by g_t, resample (x, y) together
 *     swarm of pass m + 1 = last population of pass m;   s_m = perturbation cooling^(m/50), also within a pass
 *
 * The swarm moves to the maximum of the likelihood. The evidence of the perturbed model is not the model's: the end
 * point is evaluated by plain filters. Known answer: rho of case A ends at .8303 (tests/smc/test_iterated.c). */
#include <math.h>
#include <mote/iterated_filtering.h>
#include <stdio.h>
#include <string.h>

#include "core/number.h"
#include "core/option.h"
#include "core/run.h"
#include "core/vector.h"
#include "model/draws.h"
#include "smc/particle_filter.h"
#include "smc/perturbed.h"
#include "smc/run_pool.h"

static const mote_option_use uses[] = {
    MOTE_PARTICLE_USES,
    { NULL, NULL, NULL },
};

MOTE_OPTION_TABLE_USES(options, "iterated_filtering", mote_iterated_filtering_options, MOTE_ITERATED_FILTERING_OPTIONS,
                       uses);

enum { COOLING_PASSES = 50, EVALUATION = 1 << 20 }; /* keys of passes are below, those of plain filters follow */

typedef struct iterated_state {
    const mote_iterated_filtering_options *options;
    mote_state_space inner, outer;
    mote_perturbed perturbed;
    mote_datum datum;
    mote_particle_filter filter, plain;
    mote_pool *pool;
    double *start, *size;         /* n x p; p */
    int64_t *first_only;          /* p */
    double *y, *theta;            /* p, q: scratch */
    int64_t passes;               /* done */
    double *record;               /* passes rows: log-evidence, then q values of theta */
    double log_likelihood, error; /* of the end point; NaN until evaluated */
    int64_t evaluated;            /* plain filters done */
    double *evaluation;           /* their log-evidences */
} iterated_state;

/* ---- options ---- */

static int64_t find_coordinate(const mote_space *space, const char *word, size_t length)
{
    for (int64_t k = 0; k < space->dimension; ++k) {
        const char *name = space->parameters[space->theta_parameter[space->cube_theta[k]]].name;
        if (strlen(name) == length && !strncmp(name, word, length))
            return k;
    }
    return -1;
}

/* The next word of a text, or NULL. */
static const char *next_word(const char **text, size_t *length)
{
    const char *word = *text ? *text + strspn(*text, " \t,") : NULL;
    if (!word || !*word)
        return NULL;
    *length = strcspn(word, " \t,");
    *text = word + *length;
    return word;
}

static int read_sizes(mote_run *run, iterated_state *state)
{
    const mote_iterated_filtering_options *o = state->options;
    const char *text = o->perturbations, *word;
    size_t length;
    for (int64_t k = 0; k < state->perturbed.p; ++k)
        state->size[k] = o->perturbation;
    while ((word = next_word(&text, &length))) {
        const int64_t k = find_coordinate(&state->inner.space, word, length);
        if (k < 0)
            return mote_fail(&run->message, MOTE_EOPTION, "option perturbations: '%.*s' is no sampled parameter of the "
                                                          "model",
                             (int)length, word);
        if (mote_number_next(&text, &state->size[k]) || !(state->size[k] >= 0) || isinf(state->size[k]))
            return mote_fail(&run->message, MOTE_EOPTION, "option perturbations: '%.*s' is not followed by a size",
                             (int)length, word);
    }
    for (text = o->initial_parameters; (word = next_word(&text, &length));) {
        const int64_t k = find_coordinate(&state->inner.space, word, length);
        if (k < 0)
            return mote_fail(&run->message, MOTE_EOPTION, "option initial_parameters: '%.*s' is no sampled parameter "
                             "of the model", (int)length, word);
        state->first_only[k] = 1;
    }
    return MOTE_OK;
}

/* Where the swarm begins: the given point, or the prior's medians. */
static int read_start(mote_run *run, iterated_state *state)
{
    const mote_space *space = &state->inner.space;
    double cube[MOTE_PERTURBED_PARAMETERS];
    for (int64_t k = 0; k < space->dimension; ++k)
        cube[k] = 0.5;
    int status = state->options->start ? mote_state_space_theta(&state->inner, state->options->start, state->theta,
                                                                &run->message)
                                       : mote_space_transform(space, cube, state->theta);
    if (!status && !(mote_space_log_prior(space, state->theta) > -INFINITY))
        status = mote_fail(&run->message, MOTE_EINVAL, "iterated filtering: the starting point lies outside the prior");
    if (!status)
        status = mote_space_unconstrain(space, state->theta, state->y);
    for (int64_t i = 0; i < state->options->particles * state->perturbed.p; ++i)
        state->start[i] = state->y[i % state->perturbed.p];
    return status;
}

/* ---- life ---- */

static int open_memory(mote_run *run, iterated_state *state)
{
    const mote_iterated_filtering_options *o = state->options;
    const int64_t p = state->perturbed.p, q = state->perturbed.q;
    int missing = !(state->start = mote_memory_allocate(&run->memory, o->particles * p, sizeof(double)));
    missing |= !(state->size = mote_memory_allocate(&run->memory, p, sizeof(double)));
    missing |= !(state->first_only = mote_memory_allocate(&run->memory, p, sizeof(int64_t)));
    missing |= !(state->y = mote_memory_allocate(&run->memory, p, sizeof(double)));
    missing |= !(state->theta = mote_memory_allocate(&run->memory, q, sizeof(double)));
    missing |= !(state->record = mote_memory_allocate(&run->memory, o->passes * (1 + q), sizeof(double)));
    missing |= !(state->evaluation = mote_memory_allocate(&run->memory, o->evaluations, sizeof(double)));
    state->perturbed.start = state->start;
    state->perturbed.size = state->size;
    state->perturbed.first_only = state->first_only;
    return missing ? MOTE_ENOMEM : mote_datum_open(&state->datum, &state->inner, &run->memory);
}

static int open_filters(mote_run *run, iterated_state *state)
{
    const mote_iterated_filtering_options *o = state->options;
    mote_filter_setup plain = { MOTE_PARTICLE_SETUP(o) }, setup = plain;
    setup.guided = setup.look_ahead = setup.quasi = 0; /* these know nothing of moving parameters */
    if (plain.quasi) { /* the choice of resampling is that of the passes */
        plain.resampling = MOTE_RESAMPLE_SYSTEMATIC;
        plain.rule = MOTE_RULE_ALWAYS;
    }
    int status = mote_state_space_open(&state->outer, &state->perturbed.model, &run->memory, &run->message);
    if (!status)
        status = mote_particle_filter_open(&state->filter, &state->outer, &setup, &run->memory, state->pool,
                                           &run->message);
    if (!status)
        status = mote_particle_filter_open(&state->plain, &state->inner, &plain, &run->memory, state->pool,
                                           &run->message);
    return status;
}

static int check_model(mote_run *run, const iterated_state *state)
{
    if (!state->inner.has_series)
        return mote_fail(&run->message, MOTE_EUNSUPPORTED, "iterated filtering goes through the series again and "
                         "again: the model must carry it");
    if (state->inner.model.fork)
        return mote_fail(&run->message, MOTE_EUNSUPPORTED, "iterated filtering stores states as numbers: those of the "
                         "model '%s' are handles", mote_state_space_name(&state->inner));
    if (state->inner.space.theta_count > MOTE_PERTURBED_PARAMETERS)
        return mote_fail(&run->message, MOTE_EUNSUPPORTED, "iterated filtering takes at most %d parameters, fixed ones "
                         "included: the model '%s' has %lld",
                         MOTE_PERTURBED_PARAMETERS, mote_state_space_name(&state->inner),
                         (long long)state->inner.space.theta_count);
    if (!state->inner.space.dimension)
        return mote_fail(&run->message, MOTE_EINVAL, "iterated filtering: the model has no parameter to learn, all are "
                                                     "fixed");
    return MOTE_OK;
}

static int iterated_open(mote_run *run, const void *model)
{
    iterated_state *state = run->state;
    state->options = run->options;
    state->log_likelihood = state->error = NAN;
    int status = mote_state_space_open(&state->inner, model, &run->memory, &run->message);
    if (!status)
        status = mote_resampling_of_particles(state->options->resampling, 0, &run->message);
    if (!status)
        status = check_model(run, state);
    if (!status)
        status = mote_run_open_pool(run, &state->inner, &state->pool);
    if (!status)
        status = mote_perturbed_open(&state->perturbed, &state->inner, state->pool ? mote_pool_threads(state->pool) : 1,
                                     &run->memory);
    if (!status)
        status = open_memory(run, state);
    if (!status)
        status = read_sizes(run, state);
    if (!status)
        status = read_start(run, state);
    if (!status)
        status = open_filters(run, state);
    if (!status)
        mote_run_identify_state_space(run, &state->inner);
    run->boundary = 1;
    return status == MOTE_ENOMEM ? mote_fail(&run->message, status,
                                             "no memory for iterated filtering with %lld particles",
                                             (long long)state->options->particles) : status;
}

static void iterated_close(mote_run *run)
{
    iterated_state *state = run->state;
    void *blocks[] = { state->start, state->size, state->first_only, state->y, state->theta, state->record,
                       state->evaluation };
    mote_particle_filter_close(&state->filter);
    mote_particle_filter_close(&state->plain);
    mote_pool_close(&state->pool);
    mote_datum_close(&state->datum, &run->memory);
    mote_state_space_close(&state->outer);
    mote_perturbed_close(&state->perturbed);
    mote_state_space_close(&state->inner);
    for (size_t i = 0; i < sizeof blocks / sizeof *blocks; ++i)
        mote_memory_release(&run->memory, blocks[i]);
}

/* ---- passes ---- */

/* Swarm of the next pass: the last population, resampled to equal weights; and its mean. */
static int take_swarm(iterated_state *state, mote_source *source)
{
    mote_particle_filter *filter = &state->filter;
    const int64_t n = filter->setup.particles, p = state->perturbed.p, d = state->perturbed.d;
    const mote_block_weights weights = { filter->now->weight, filter->now->factor, n, 0 };
    mote_source at = mote_source_at(source, MOTE_PURPOSE_RESAMPLE, (uint32_t)state->passes, 0);
    int status = mote_resample(&filter->resampler, &at, &weights, n, filter->draws[0]);
    for (int64_t i = 0; i < n && !status; ++i)
        for (int64_t k = 0; k < p; ++k)
            state->start[i * p + k] = filter->now->state[d + k][filter->draws[0][i]];
    for (int64_t k = 0; k < p; ++k)
        state->y[k] = mote_population_mean(filter->now, filter->now->state[d + k], n);
    return status;
}

static int keep_record(iterated_state *state)
{
    double *row = state->record + state->passes * (1 + state->perturbed.q), log_jacobian;
    row[0] = state->filter.log_evidence;
    return mote_space_constrain(&state->inner.space, state->y, row + 1, &log_jacobian);
}

static int one_pass(mote_run *run, iterated_state *state)
{
    const mote_iterated_filtering_options *o = state->options;
    const double rate = mote_log(o->cooling) / COOLING_PASSES;
    mote_source source = run->source;
    double log_evidence;
    source.key = mote_source_child_key(run->source.key, MOTE_PURPOSE_FILTER, (uint64_t)state->passes);
    state->perturbed.factor = mote_exp(rate * (double)state->passes);
    state->perturbed.log_cooling_per_time = rate / (double)state->inner.series.count;
    int status = mote_particle_filter_run(&state->filter, state->theta, &source, &state->datum, &log_evidence);
    run->ledger.calls += state->filter.potentials;
    if (!status && state->filter.dead)
        status = mote_fail(&run->message, MOTE_EMODEL, "iterated filtering: all particles had weight zero at step %lld "
                           "of pass %lld: take more particles, or a better start", (long long)state->filter.dead - 1,
                           (long long)state->passes);
    if (!status)
        status = take_swarm(state, &source);
    if (!status)
        status = keep_record(state);
    state->passes += !status;
    return status;
}

/* log of the mean of the evidences, and its error by the delta method. */
static void conclude(iterated_state *state)
{
    const int64_t n = state->options->evaluations;
    double maximum = -INFINITY, sum = 0, square = 0;
    for (int64_t i = 0; i < n; ++i)
        maximum = fmax(maximum, state->evaluation[i]);
    for (int64_t i = 0; i < n && maximum > -INFINITY; ++i) {
        const double z = mote_exp(state->evaluation[i] - maximum);
        sum += z;
        square += z * z;
    }
    state->log_likelihood = maximum > -INFINITY ? maximum + mote_log(sum / (double)n) : -INFINITY;
    state->error = sum > 0 ? sqrt(fmax(square / (sum * sum) - 1 / (double)n, 0) * (double)n / (double)(n - 1)) : NAN;
}

static int evaluate(mote_run *run, iterated_state *state)
{
    mote_source source = run->source;
    double *log_evidence = &state->evaluation[state->evaluated];
    const double *theta = state->record + (state->passes - 1) * (1 + state->perturbed.q) + 1;
    source.key = mote_source_child_key(run->source.key, MOTE_PURPOSE_FILTER, (uint64_t)(EVALUATION + state->evaluated));
    int status = mote_particle_filter_run(&state->plain, theta, &source, &state->datum, log_evidence);
    run->ledger.calls += state->plain.potentials;
    if (status)
        return status;
    if (++state->evaluated < state->options->evaluations)
        return MOTE_OK;
    conclude(state);
    return MOTE_DONE;
}

static int iterated_step(mote_run *run)
{
    iterated_state *state = run->state;
    if (state->passes < state->options->passes)
        return one_pass(run, state);
    return state->evaluated < state->options->evaluations ? evaluate(run, state) : MOTE_DONE;
}

/* ---- results ---- */

static int iterated_save(mote_run *run, mote_writer *writer)
{
    const iterated_state *state = run->state;
    mote_put_tag(writer, "iterated");
    mote_put_integer(writer, state->passes);
    mote_put_integer(writer, state->evaluated);
    mote_put_reals(writer, state->start, state->options->particles * state->perturbed.p);
    mote_put_reals(writer, state->record, state->passes * (1 + state->perturbed.q));
    mote_put_reals(writer, state->evaluation, state->evaluated);
    return writer->status;
}

static int iterated_load(mote_run *run, mote_reader *reader)
{
    iterated_state *state = run->state;
    mote_get_tag(reader, "iterated");
    state->passes = mote_get_count(reader, 0, state->options->passes);
    state->evaluated = mote_get_count(reader, 0, state->options->evaluations);
    mote_get_reals(reader, state->start, state->options->particles * state->perturbed.p);
    mote_get_reals(reader, state->record, state->passes * (1 + state->perturbed.q));
    mote_get_reals(reader, state->evaluation, state->evaluated);
    if (reader->status)
        return mote_fail(&run->message, reader->status, "the state of iterated filtering cannot be read");
    if (state->evaluated == state->options->evaluations)
        conclude(state);
    return MOTE_OK;
}

static int fill_draws(iterated_state *state, mote_draws *draws)
{
    const int64_t n = state->options->particles, p = state->perturbed.p;
    double log_jacobian;
    for (int64_t i = 0; i < n; ++i) {
        int status = mote_space_constrain(&state->inner.space, state->start + i * p, state->theta, &log_jacobian);
        if (status)
            return status;
        for (int64_t k = 0, column = 0; k < state->perturbed.q; ++k)
            if (state->inner.space.parameters[state->inner.space.theta_parameter[k]].prior != MOTE_PRIOR_FIXED)
                draws->columns[column++][i] = state->theta[k];
        draws->log_weight[i] = -mote_log((double)n);
        draws->log_likelihood[i] = state->log_likelihood;
    }
    return MOTE_OK;
}

static int add_results(const iterated_state *state, mote_draws *draws)
{
    const double *row = state->record + (state->passes - 1) * (1 + state->perturbed.q);
    char name[96];
    int status = mote_draws_add_real(draws, "log_likelihood", state->log_likelihood, "nats",
                                     "of the end point, by plain filters");
    if (!status)
        status = mote_draws_add_real(draws, "log_likelihood_error", state->error, "nats", "its standard error");
    for (int64_t k = 0; k < state->perturbed.q && !status; ++k) {
        snprintf(name, sizeof name, "end_%s",
                 state->inner.space.parameters[state->inner.space.theta_parameter[k]].name);
        status = mote_draws_add_real(draws, name, row[1 + k], "", "end point");
    }
    if (!status)
        status = mote_draws_add_count(draws, "passes", state->passes, "", "passes through the series");
    return status ? status : mote_warn_of_bias(draws, state->plain.setup.resampling);
}

static int iterated_draws(mote_run *run)
{
    iterated_state *state = run->state;
    const mote_space *space = &state->inner.space;
    if (!state->passes)
        return mote_fail(&run->message, MOTE_ESTATE, "iterated filtering has made no pass yet");
    mote_draws *draws = mote_draws_create(&run->memory, space->parameters, space->parameter_count,
                                          state->options->particles, 0);
    if (!draws)
        return mote_fail(&run->message, MOTE_ENOMEM, "no memory for the draws");
    run->draws = draws;
    const int status = fill_draws(state, draws);
    return status ? status : add_results(state, draws);
}

static void iterated_progress(mote_run *run, mote_progress *progress)
{
    const iterated_state *state = run->state;
    progress->iterations = state->passes;
    progress->log_evidence = state->passes ? state->record[(state->passes - 1) * (1 + state->perturbed.q)] : NAN;
    progress->remaining = 1 - (double)state->passes / (double)state->options->passes;
}

static const mote_algorithm table = {
    .name = "iterated_filtering",
    .help = "iterated filtering: maximum likelihood of a state-space model",
    .model_kind = MOTE_KIND_mote_ssm,
    .model_size = sizeof(mote_ssm),
    .options = &options,
    .state_size = sizeof(iterated_state),
    .open = iterated_open,
    .step = iterated_step,
    .save = iterated_save,
    .load = iterated_load,
    .draws = iterated_draws,
    .free_draws = mote_draws_free,
    .progress = iterated_progress,
    .close = iterated_close,
};

const mote_algorithm *const mote_iterated_filtering = &table;

int mote_iterated_filtering_record(const mote_run *run, int64_t pass, double *log_evidence, double *theta)
{
    if (mote_run_usable(run) || run->algorithm != mote_iterated_filtering)
        return MOTE_EKIND;
    const iterated_state *state = run->state;
    if (pass < 0 || pass >= state->passes)
        return MOTE_EINVAL;
    const double *row = state->record + pass * (1 + state->perturbed.q);
    if (log_evidence)
        *log_evidence = row[0];
    if (theta)
        memcpy(theta, row + 1, (size_t)state->perturbed.q * sizeof *theta);
    return MOTE_OK;
}
