/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The phases of SMC^2. A step is a piece of one phase, some ten thousand particle-steps to each thread, so that long
 * moves can be stopped, watched and checkpointed; in a stream a step goes on to the end of its observation. Pieces may
 * be as large as they like: no result depends on it.
 *
 *     PRIOR -> IDLE;  IDLE -> EXTEND -> [MOVE -> [NOISE -> [EXCHANGE]]] -> IDLE
 *
 * A move is that of a kernel (mcmc/kernel.h) whose rows are filters of the bank's spares: a chain that accepts its
 * row's value gets the spare's filter. The kernel keeps the value of the present point; it is never estimated again. */
#include <math.h>
#include <string.h>

#include "core/stream_inline.h"
#include "core/vector.h"
#include "smc/smc2_state.h"

enum { FIRST_ROOM = 64 };                 /* observations of a stream */
enum { LIMIT_FACTOR = 100 };              /* particles_limit in units of particles, unless it is given */
enum { MOST_FACTOR = 8 };                 /* growth of a filter at one observation */
static const double PIECE = 1e6;          /* particle-steps of one thread */
static const double NOISE_ENOUGH = 0.1;   /* below it, low acceptance is not the filters' fault */

/* ---- records ---- */

/* A series is known at its first observation; a stream doubles. */
int mote_smc2_reserve(mote_run *run, int64_t n)
{
    mote_smc2_run_state *state = run->state;
    const int64_t known = state->space.has_series ? state->space.series.count : FIRST_ROOM;
    int64_t capacity = known > 2 * state->record_capacity ? known : 2 * state->record_capacity;
    mote_smc2_record *fresh = NULL;
    if (n <= state->record_capacity)
        return MOTE_OK;
    capacity = capacity > n ? capacity : n;
    if (!mote_lineage_reserve_slots(&state->genealogy.lineage, capacity))
        fresh = mote_memory_allocate(&run->memory, capacity, sizeof *fresh);
    if (!fresh)
        return mote_fail(&run->message, MOTE_ENOMEM, "smc2: no memory for the records of %lld observations",
                         (long long)n);
    if (state->records)
        memcpy(fresh, state->records, (size_t)state->record_capacity * sizeof *fresh);
    mote_memory_release(&run->memory, state->records);
    state->records = fresh;
    state->record_capacity = capacity;
    return MOTE_OK;
}

static mote_smc2_record *present(const mote_smc2_run_state *state)
{
    return &state->records[state->bank.step - 1];
}

static void enter(mote_smc2_run_state *state, int64_t phase)
{
    state->phase = phase;
    state->first = 0;
}

/* The observation is complete. */
static void settle(mote_run *run, mote_smc2_run_state *state)
{
    mote_smc2_record *record = present(state);
    const double variance = mote_smc2_variance(state);
    record->log_evidence = state->bank.log_evidence;
    record->log_evidence_error = variance >= 0 ? sqrt(variance) : NAN;
    record->particles = (double)state->bank.setup.particles;
    run->boundary = 1;
    enter(state, MOTE_SMC2_IDLE);
}

/* ---- parameters ---- */

static int draw_parameters(mote_run *run, mote_smc2_run_state *state)
{
    const mote_space *space = &state->space.space;
    mote_source source = mote_source_at(&run->source, MOTE_PURPOSE_PRIOR, 0, 0);
    for (int64_t i = 0; i < state->points.n; ++i) {
        mote_kernel_point point = mote_kernel_points_at(&state->points, i);
        mote_stream stream = mote_stream_open(&source, i);
        for (int64_t k = 0; k < space->dimension; ++k)
            state->cube[k] = mote_stream_uniform_inline(&stream);
        int status = mote_space_transform(space, state->cube, point.theta);
        if (status)
            return status;
        mote_kernel_fill_theta(state->kernel, &point);
        point.id = -1;
        mote_kernel_points_put(&state->points, i, &point);
        memcpy(mote_filter_bank_theta(&state->bank, i), point.theta, (size_t)space->theta_count * sizeof(double));
    }
    enter(state, MOTE_SMC2_IDLE);
    return mote_source_status(&source);
}

static void normalise(mote_smc2_run_state *state)
{
    for (int64_t i = 0; i < state->bank.n; ++i)
        state->normalised[i] = mote_population_weight(&state->bank.weights, i);
}

double mote_smc2_variance(mote_smc2_run_state *state)
{
    normalise(state);
    return state->bank.weights.sum > 0 ? mote_genealogy_variance(&state->genealogy, state->normalised, 0) : NAN;
}

/* ---- extension ---- */

static int begin_observation(mote_run *run, mote_smc2_run_state *state)
{
    if (state->bank.step >= state->space.series.count)
        return state->space.has_series || state->ended ? MOTE_DONE : MOTE_WAITING;
    int status = mote_smc2_reserve(run, state->bank.step + 1);
    if (!status && mote_genealogy_reserve(&state->genealogy))
        status = mote_fail(&run->message, MOTE_ENOMEM, "smc2: no memory for the ancestors of a generation");
    if (status)
        return status;
    ++state->bank.step;
    *present(state) = (mote_smc2_record){ .acceptance = NAN, .noise = NAN };
    run->boundary = 0;
    enter(state, MOTE_SMC2_EXTEND);
    return MOTE_OK;
}

static void count_failures(mote_run *run, mote_smc2_run_state *state, int64_t first, int64_t count)
{
    for (int64_t i = first; i < first + count; ++i)
        run->ledger.failed[MOTE_REASON_NAN] += state->bank.member[i].failed;
    run->ledger.calls = state->bank.potentials;
}

/* Brings a piece of the members to the present; MOTE_DONE when the last has arrived. */
static int advance(mote_run *run, mote_smc2_run_state *state)
{
    mote_filter_bank *bank = &state->bank;
    const double steps = state->phase == MOTE_SMC2_EXTEND ? 1 : (double)bank->step,
        threads = (double)bank->room.workers;
    const double most = PIECE * threads / (steps * (double)bank->setup.particles), least = 4 * threads;
    const int64_t left = bank->n - state->first, piece = (int64_t)(most > least ? most : least);
    const int64_t count = piece < left ? piece : left;
    int status = mote_filter_bank_advance(bank, state->first, count);
    run->ledger.calls = bank->potentials;
    if (status)
        return status;
    state->first += count;
    return state->first == bank->n ? MOTE_DONE : MOTE_OK;
}

/* Too many parameters at which the model cannot be run: its fault, not the data's. */
static int check_failures(mote_run *run, const mote_smc2_run_state *state)
{
    int64_t failed = 0;
    for (int64_t i = 0; i < state->bank.n; ++i)
        failed += state->bank.member[i].failed;
    if ((double)failed <= run->settings.failed_share * (double)state->bank.n)
        return MOTE_OK;
    return mote_fail(&run->message, MOTE_EMODEL, "smc2: the model '%s' failed at %lld of %lld parameter particles by "
                     "observation %lld (limit: option failed_share = %g)",
                     state->space.model.name ? state->space.model.name
                     : "model",
                     (long long)failed, (long long)state->bank.n, (long long)state->bank.step - 1,
                     run->settings.failed_share);
}

/* ---- moves ---- */

/* The parameter particles in the order of the resampled members. */
static void follow_members(mote_smc2_run_state *state)
{
    const mote_kernel_points before = state->points;
    for (int64_t i = 0; i < state->bank.n; ++i) {
        const mote_kernel_point point = mote_kernel_points_at(&state->points, state->bank.ancestor[i]);
        mote_kernel_points_put(&state->scratch, i, &point);
    }
    state->points = state->scratch;
    state->scratch = before;
}

static int start_move(mote_run *run, mote_smc2_run_state *state)
{
    mote_filter_bank *bank = &state->bank;
    mote_source source = mote_source_at(&run->source, MOTE_PURPOSE_RESAMPLE, (uint32_t)bank->step, 0);
    normalise(state);
    int status = mote_filter_bank_resample(bank, &source);
    if (status)
        return mote_fail(&run->message, status, "smc2: resampling at observation %lld: %s", (long long)bank->step - 1,
                         mote_strerror(status));
    mote_kernel_tune(state->kernel, state->points.y, state->normalised, bank->n);
    mote_genealogy_resample(&state->genealogy, state->normalised, bank->ancestor);
    follow_members(state);
    for (int64_t i = 0; i < bank->n; ++i) {
        mote_kernel_point point = mote_kernel_points_at(&state->points, i);
        point.log_likelihood = bank->member[i].log_evidence;
        point.id = -1;
        mote_kernel_place(state->kernel, i, &point);
        mote_kernel_begin(state->kernel, i, &run->source, (uint32_t)bank->step, i, state->options->moves, -1);
        state->calls[i] = 0;
    }
    enter(state, MOTE_SMC2_MOVE);
    return MOTE_OK;
}

static void *chain_at(const mote_smc2_run_state *state, int64_t i)
{
    size_t size;
    char *chains = mote_kernel_chains(state->kernel, &size);
    return chains + (size_t)i * size;
}

/* Chains first, first + 1, ..., as many as there are spares, ask for their next rows. */
static int ask(mote_smc2_run_state *state)
{
    const mote_filter_bank *bank = &state->bank;
    const int64_t end = state->first + bank->spares < bank->n ? state->first + bank->spares : bank->n;
    for (int64_t i = state->first; i < end; ++i) {
        const int status = mote_kernel_table->want(chain_at(state, i), mote_filter_bank_theta(bank, bank->n));
        if (status == MOTE_DONE)
            continue;
        if (status)
            return status;
        ++state->calls[i];
        state->asking[state->asked++] = i;
    }
    return MOTE_OK;
}

/* A fresh filter in each of `count` spares, for the rows of the first chains that ask. */
static void answer(mote_smc2_run_state *state, int64_t count)
{
    mote_filter_bank *bank = &state->bank;
    for (int64_t j = 0; j < count; ++j) {
        const int64_t i = state->asking[j];
        memcpy(mote_filter_bank_theta(bank, bank->n + j), mote_kernel_pending(state->kernel, i).theta,
               (size_t)state->space.space.theta_count * sizeof(double));
        mote_filter_bank_begin(bank, bank->n + j, bank->ids + i * state->options->moves + state->calls[i] - 1);
    }
}

/* The value of spare j to its chain; an accepted one brings its filter. */
static int tell(mote_smc2_run_state *state, int64_t j)
{
    mote_filter_bank *bank = &state->bank;
    const int64_t i = state->asking[j], spare = bank->n + j;
    const mote_bank_member *member = &bank->member[spare];
    const mote_row_value value = { .log_likelihood = member->log_evidence, .id = state->calls[i],
                                   .reason = member->failed ? MOTE_REASON_NAN : MOTE_REASON_NONE };
    int status = mote_kernel_table->take(chain_at(state, i), &value);
    if (mote_kernel_current(state->kernel, i).id == value.id)
        mote_filter_bank_replace(bank, i, spare);
    return status == MOTE_DONE ? MOTE_OK : status;
}

static void end_move(mote_smc2_run_state *state)
{
    for (int64_t i = 0; i < state->bank.n; ++i) {
        const mote_kernel_point point = mote_kernel_current(state->kernel, i);
        mote_kernel_points_put(&state->points, i, &point);
    }
    present(state)->acceptance = mote_kernel_statistics_of(state->kernel, 0, state->bank.n).acceptance;
    state->bank.ids += state->bank.n * state->options->moves;
}

/* One row of each of some chains; MOTE_DONE after the last chain. A chain that has asked must not ask again: where the
 * model ends the run before a row has its value, the row is what the resumed run begins with. */
static int move(mote_run *run, mote_smc2_run_state *state)
{
    mote_filter_bank *bank = &state->bank;
    int status = state->asked ? MOTE_OK : ask(state);
    if (status)
        return status;
    if (!state->asked) {
        state->first = state->first + bank->spares < bank->n ? state->first + bank->spares : bank->n;
        if (state->first < bank->n)
            return MOTE_OK;
        end_move(state);
        return MOTE_DONE;
    }
    const int64_t count = state->asked < bank->spares ? state->asked : bank->spares;
    answer(state, count);
    status = mote_filter_bank_advance(bank, bank->n, count);
    if (!status)
        count_failures(run, state, bank->n, count);
    for (int64_t j = 0; j < count && !status; ++j)
        status = tell(state, j);
    mote_filter_bank_forget(bank);
    if (status)
        return status;
    state->asked -= count;
    memmove(state->asking, state->asking + count, (size_t)state->asked * sizeof *state->asking);
    return MOTE_OK;
}

/* ---- the number of particles ---- */

/* Posterior mean on the real line, in physical units: after resampling all weights are equal. */
static int mean_point(mote_smc2_run_state *state, double *theta)
{
    const int64_t n = state->points.n, d = state->points.dimension;
    double log_jacobian;
    for (int64_t k = 0; k < d; ++k) {
        state->cube[k] = 0;
        for (int64_t i = 0; i < n; ++i)
            state->cube[k] += state->points.y[i * d + k] / (double)n;
    }
    return mote_space_constrain(&state->space.space, state->cube, theta, &log_jacobian);
}

static int measure(mote_run *run, mote_smc2_run_state *state)
{
    mote_filter_bank *bank = &state->bank;
    const int64_t left = state->options->noise_filters - state->first, count = left < bank->spares ? left
        : bank->spares;
    int status = MOTE_OK;
    for (int64_t j = 0; j < count && !status; ++j) {
        status = mean_point(state, mote_filter_bank_theta(bank, bank->n + j));
        mote_filter_bank_begin(bank, bank->n + j, bank->ids + state->first + j);
    }
    if (!status)
        status = mote_filter_bank_advance(bank, bank->n, count);
    for (int64_t j = 0; j < count; ++j)
        state->evaluation[state->first + j] = bank->member[bank->n + j].log_evidence;
    if (!status)
        count_failures(run, state, bank->n, count);
    mote_filter_bank_forget(bank);
    if (status)
        return status;
    state->first += count;
    return state->first == state->options->noise_filters ? MOTE_DONE : MOTE_OK;
}

/* Variance of the evaluations: infinite when one is zero. */
static double noise(const mote_smc2_run_state *state)
{
    const int64_t n = state->options->noise_filters;
    double mean = 0, sum = 0;
    for (int64_t i = 0; i < n; ++i)
        mean += state->evaluation[i] / (double)n;
    if (!(mean > -INFINITY))
        return INFINITY;
    for (int64_t i = 0; i < n; ++i)
        sum += (state->evaluation[i] - mean) * (state->evaluation[i] - mean);
    return sum / (double)(n - 1);
}

int64_t mote_smc2_most_particles(const mote_smc2_options *o)
{
    const int64_t limit = o->particles_limit ? o->particles_limit : LIMIT_FACTOR * o->particles;
    return o->adapt == MOTE_SMC2_ADAPT_OFF ? o->particles : limit > o->particles ? limit : o->particles;
}

/* How many particles the filters should have. The variance of log Z goes like their inverse. */
static int64_t wanted_particles(mote_smc2_run_state *state)
{
    const mote_smc2_options *o = state->options;
    const mote_smc2_record *record = present(state);
    const int64_t now = state->bank.setup.particles, limit = mote_smc2_most_particles(o);
    int64_t wanted = now;
    double left = record->noise;
    if (left > o->noise_limit || (left > NOISE_ENOUGH && record->acceptance < o->acceptance_limit))
        do {
            wanted *= 2;
            left /= 2;
        } while (left > o->noise_limit && wanted <= limit && wanted < MOST_FACTOR * now);
    state->limited |= wanted > limit;
    return wanted > limit ? limit : wanted;
}

static int decide_particles(mote_run *run, mote_smc2_run_state *state)
{
    const int64_t before = state->bank.setup.particles;
    present(state)->noise = noise(state);
    const int64_t particles = wanted_particles(state);
    state->bank.ids += state->options->noise_filters;
    if (particles == before) {
        settle(run, state);
        return MOTE_OK;
    }
    int status = mote_filter_bank_exchange(&state->bank, particles);
    if (status)
        return mote_fail(&run->message, status, "smc2: no memory for %lld filters of %lld particles, which observation "
                         "%lld asks for",
                         (long long)state->bank.n, (long long)particles, (long long)state->bank.step - 1);
    mote_run_log(run, MOTE_LOG_INFO, "smc2: %lld particles for %lld in each filter, from observation %lld on",
                 (long long)particles, (long long)before, (long long)state->bank.step - 1);
    enter(state, MOTE_SMC2_EXCHANGE);
    return MOTE_OK;
}

/* ---- a step ---- */

static int after_extension(mote_run *run, mote_smc2_run_state *state)
{
    mote_filter_bank *bank = &state->bank;
    int status = check_failures(run, state);
    if (status)
        return status;
    mote_filter_bank_weigh(bank);
    present(state)->effective_sample_size = bank->weights.effective_sample_size;
    if (bank->weights.sum > 0 && bank->weights.effective_sample_size < state->options->target_ess * (double)bank->n)
        return start_move(run, state);
    settle(run, state);
    return MOTE_OK;
}

/* The phase is through. */
static int next_phase(mote_run *run, mote_smc2_run_state *state)
{
    switch (state->phase) {
    case MOTE_SMC2_EXTEND:
        return after_extension(run, state);
    case MOTE_SMC2_MOVE:
        if (state->options->adapt == MOTE_SMC2_ADAPT_ON)
            enter(state, MOTE_SMC2_NOISE);
        else
            settle(run, state);
        return MOTE_OK;
    case MOTE_SMC2_NOISE:
        return decide_particles(run, state);
    default:
        mote_filter_bank_weigh(&state->bank);
        settle(run, state);
        return MOTE_OK;
    }
}

static int piece(mote_run *run, mote_smc2_run_state *state)
{
    int status = MOTE_OK;
    switch (state->phase) {
    case MOTE_SMC2_PRIOR:
        return draw_parameters(run, state);
    case MOTE_SMC2_IDLE:
        return begin_observation(run, state);
    case MOTE_SMC2_MOVE:
        status = move(run, state);
        break;
    case MOTE_SMC2_NOISE:
        status = measure(run, state);
        break;
    default:
        status = advance(run, state);
    }
    return status == MOTE_DONE ? next_phase(run, state) : status;
}

int mote_smc2_step(mote_run *run)
{
    mote_smc2_run_state *state = run->state;
    int status = piece(run, state);
    while (!status && !state->space.has_series && (state->phase > MOTE_SMC2_IDLE ||
                                                   state->bank.step < state->space.series.count))
        status = piece(run, state);
    return status;
}
