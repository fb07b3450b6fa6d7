/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Hidden Markov models (mote/hidden_markov.h). With f_t the filtered and p_t the predicted law, P the transition:
 *
 *     p_t(j) = sum_i f_{t-1}(i) P_ij,  L_t = sum_j p_t(j) g_t(j),  f_t(j) = p_t(j) g_t(j) / L_t,  log L = sum log L_t.
 *
 * Backwards, P(x_{t-1} = i | x_t = j, y) = f_{t-1}(i) P_ij / p_t(j) whatever comes later: the smoother sums it over the
 * smoothed law of x_t, a path is drawn from it, and pairs are its product with that law (Rabiner 1989; the backward
 * kernel needs no scaling). Best path: v_t(j) = max_i (v_{t-1}(i) + log P_ij) + log g_t(j) (Viterbi 1967).
 * Known answers: cases C and T of tests/support/state_space_reference.h. */
#include <math.h>
#include <mote/hidden_markov.h>
#include <string.h>

#include "core/memory.h"
#include "core/message.h"
#include "core/option.h"
#include "core/vector.h"

/* Slot of time t: t + lead when `capacity` > 0; else two slots take turns and only the last time is shown. */
struct mote_hidden_markov {
    mote_memory memory;
    mote_message message;
    mote_hidden_markov_model model; /* its matrices are the first half of `constants` */
    int64_t k, lead, capacity, times;
    int64_t smoothed;               /* 1: the backward pass covers all times */
    int64_t impossible;             /* 1 + the time at which no state was left; 0: none */
    double total;
    double *block, *constants;
    double *log_constant, *log_now; /* log P, K x K: the constant one; that of the time asked for last */
    double *law[3];                 /* slots of K: predicted, filtered, smoothed */
    double *log_law[2];             /* logarithms of predicted, filtered */
    double *emission, *best;        /* slots of K: log g_t; v_t */
    double *log_likelihood;         /* slots */
    double *scratch;                /* K */
};

static int check_law(mote_hidden_markov *chain, const char *name, const double *p, int64_t row)
{
    double sum = 0;
    for (int64_t i = 0; i < chain->k; ++i) {
        if (!(p[i] >= 0 && p[i] <= 2))
            return mote_fail(&chain->message, MOTE_EINVAL, "%s: element (%lld, %lld) is %g", name, (long long)row,
                             (long long)i, p[i]);
        sum += p[i];
    }
    if (fabs(sum - 1) > 1e-9)
        return mote_fail(&chain->message, MOTE_EINVAL, "%s: row %lld sums to %.12g", name, (long long)row, sum);
    return MOTE_OK;
}

static int check_shape(mote_hidden_markov *chain, const char *name, const mote_matrix *matrix, int64_t columns)
{
    if (!matrix->values)
        return mote_fail(&chain->message, MOTE_EINVAL, "%s: absent", name);
    if (matrix->rows != chain->k || matrix->columns != columns)
        return mote_fail(&chain->message, MOTE_EINVAL, "%s: %lld x %lld, expected %lld x %lld", name,
                         (long long)matrix->rows, (long long)matrix->columns, (long long)chain->k, (long long)columns);
    return MOTE_OK;
}

static int check_transition(mote_hidden_markov *chain, const char *name, const mote_matrix *matrix)
{
    int status = check_shape(chain, name, matrix, chain->k);
    for (int64_t i = 0; i < chain->k && !status; ++i)
        status = check_law(chain, name, matrix->values + i * chain->k, i);
    return status;
}

/* Checked as it is given, then copied to `constants`. */
static int copy_model(mote_hidden_markov *chain, mote_hidden_markov_model *model)
{
    int64_t k = chain->k;
    int status = check_shape(chain, "initial", &model->initial, 1);
    if (!status)
        status = check_law(chain, "initial", model->initial.values, 0);
    if (!status)
        status = check_transition(chain, "transition", &model->transition);
    if (status)
        return status;
    memmove(chain->constants, model->initial.values, (size_t)k * sizeof(double));
    memmove(chain->constants + k, model->transition.values, (size_t)(k * k) * sizeof(double));
    model->initial.values = chain->constants;
    model->transition.values = chain->constants + k;
    mote_vector()->log(chain->log_constant, model->transition.values, k * k);
    chain->model = *model;
    return MOTE_OK;
}

/* log P of time t. */
static int ask(mote_hidden_markov *chain, int64_t t, const double **log_transition)
{
    char name[48];
    mote_matrix matrix = chain->model.transition;
    *log_transition = chain->log_constant;
    if (!chain->model.step)
        return MOTE_OK;
    int status = chain->model.step(chain->model.ctx, t, &matrix);
    if (status)
        return mote_fail(&chain->message, status < 0 ? status : MOTE_EMODEL,
                         "the step function answered %d at time %lld", status, (long long)t);
    if (matrix.values == chain->model.transition.values)
        return MOTE_OK;
    mote_fail_text(name, sizeof name, 0, "transition at time %lld", (long long)t);
    status = check_transition(chain, name, &matrix);
    if (!status)
        mote_vector()->log(chain->log_now, matrix.values, chain->k * chain->k);
    *log_transition = chain->log_now;
    return status;
}

static int64_t slot_of(const mote_hidden_markov *chain, int64_t t)
{
    int64_t last = chain->times - 1;
    if (t > last || t < -chain->lead || (!chain->capacity && t < last))
        return -1;
    return chain->capacity ? t + chain->lead : (t + chain->lead) % 2;
}

static void begin(mote_hidden_markov *chain)
{
    int64_t k = chain->k;
    chain->times = chain->smoothed = chain->impossible = 0;
    chain->total = 0;
    for (int i = 0; i < 2; ++i) { /* slot 0: time -1, or overwritten by time 0 */
        memcpy(chain->law[i], chain->model.initial.values, (size_t)k * sizeof(double));
        mote_vector()->log(chain->log_law[i], chain->law[i], k);
    }
    memset(chain->emission, 0, (size_t)k * sizeof(double));
    chain->log_likelihood[0] = 0;
}

int mote_hidden_markov_restart(mote_hidden_markov *chain, const mote_hidden_markov_model *model)
{
    mote_hidden_markov_model copy;
    if (!chain || !chain->block)
        return MOTE_ESTATE;
    int status = MOTE_OK;
    if (model) {
        status = mote_struct_read(&copy, sizeof copy, MOTE_KIND_mote_hidden_markov_model, model, &chain->message);
        if (!status && (copy.propagate_first != 0) != chain->lead)
            status = mote_fail(&chain->message, MOTE_EINVAL, "restart: propagate_first must be that of open: %lld",
                               (long long)chain->lead);
        status = status ? status : copy_model(chain, &copy);
    }
    if (!status)
        begin(chain);
    return status;
}

/* Cuts `block` into its parts; with no block it only counts. */
static int64_t divide(mote_hidden_markov *chain)
{
    int64_t k = chain->k, slots = chain->capacity ? chain->capacity + chain->lead : 2, used = 0;
    int64_t kept = chain->capacity ? slots : 0;
    double **const parts[] = { &chain->constants, &chain->log_constant, &chain->log_now,    &chain->law[0],
                               &chain->law[1],    &chain->law[2],       &chain->log_law[0], &chain->log_law[1],
                               &chain->emission,  &chain->best,         &chain->log_likelihood, &chain->scratch };
    const int64_t sizes[] = { k + k * k, k * k,     k * k,    slots * k, slots * k, kept * k,
                              slots * k, slots * k, slots * k, kept * k,  slots,     k };
    for (size_t i = 0; i < sizeof sizes / sizeof *sizes; ++i) {
        *parts[i] = chain->block ? chain->block + used : NULL;
        used += sizes[i];
    }
    return used;
}

static int open_checked(mote_hidden_markov *chain, const mote_hidden_markov_model *model, int64_t times)
{
    mote_hidden_markov_model copy;
    int status = mote_struct_read(&copy, sizeof copy, MOTE_KIND_mote_hidden_markov_model, model, &chain->message);
    if (status)
        return status;
    if (copy.initial.rows < 1 || copy.initial.rows > 4096)
        return mote_fail(&chain->message, MOTE_EINVAL, "initial: 1 to 4096 states, not %lld",
                         (long long)copy.initial.rows);
    if (times < 0 || times > INT64_C(1) << 32)
        return mote_fail(&chain->message, MOTE_EINVAL, "times: %lld, expected 0 to 2^32", (long long)times);
    chain->k = copy.initial.rows;
    chain->lead = copy.propagate_first != 0;
    chain->capacity = times;
    chain->block = mote_memory_allocate_aligned(&chain->memory, divide(chain), sizeof(double));
    if (!chain->block)
        return mote_fail(&chain->message, MOTE_ENOMEM, "no memory for %lld times of %lld states", (long long)times,
                         (long long)chain->k);
    divide(chain);
    status = copy_model(chain, &copy);
    if (!status)
        begin(chain);
    return status;
}

int mote_hidden_markov_open(mote_hidden_markov **chain, const mote_hidden_markov_model *model, int64_t times,
                            const mote_allocator *allocator)
{
    mote_memory memory;
    if (!chain)
        return MOTE_EINVAL;
    *chain = NULL;
    int status = mote_memory_open(&memory, allocator);
    if (status)
        return status;
    mote_hidden_markov *self = mote_memory_allocate(&memory, 1, sizeof *self);
    if (!self)
        return MOTE_ENOMEM;
    self->memory = memory;
    *chain = self;
    if (!model)
        return mote_fail(&self->message, MOTE_EINVAL, "no model");
    status = open_checked(self, model, times);
    if (status && self->block) { /* nothing can be pushed into a filter that did not open */
        mote_memory_release_aligned(&self->memory, self->block);
        self->block = NULL;
    }
    return status;
}

void mote_hidden_markov_close(mote_hidden_markov **chain)
{
    if (!chain || !*chain)
        return;
    mote_memory memory = (*chain)->memory;
    mote_memory_release_aligned(&memory, (*chain)->block);
    mote_memory_release(&memory, *chain);
    *chain = NULL;
}

/* log sum_i exp(a_i), -inf when all are. */
static double log_sum(const double *a, int64_t n)
{
    double most = -INFINITY, sum = 0;
    for (int64_t i = 0; i < n; ++i)
        most = a[i] > most ? a[i] : most;
    if (most == -INFINITY)
        return most;
    for (int64_t i = 0; i < n; ++i)
        sum += mote_exp(a[i] - most);
    return most + mote_log(sum);
}

static void predict(mote_hidden_markov *chain, const double *log_transition, int64_t slot, int64_t before)
{
    int64_t k = chain->k;
    const double *filtered = chain->log_law[1] + before * k;
    for (int64_t j = 0; j < k; ++j) {
        for (int64_t i = 0; i < k; ++i)
            chain->scratch[i] = filtered[i] + log_transition[i * k + j];
        chain->log_law[0][slot * k + j] = log_sum(chain->scratch, k);
    }
    mote_vector()->exp(chain->law[0] + slot * k, chain->log_law[0] + slot * k, k);
}

/* log L_t; no weights at all leave the predicted law. The largest emission is taken out first: it may be large. */
static double weigh(mote_hidden_markov *chain, int64_t slot, int seen)
{
    int64_t k = chain->k;
    const double *predicted = chain->log_law[0] + slot * k, *emission = chain->emission + slot * k;
    double *filtered = chain->log_law[1] + slot * k, most = -INFINITY, sum = -INFINITY;
    for (int64_t j = 0; j < k; ++j)
        most = emission[j] > most ? emission[j] : most;
    for (int64_t j = 0; j < k && most > -INFINITY; ++j)
        filtered[j] = predicted[j] + (emission[j] - most);
    if (seen && most > -INFINITY)
        sum = log_sum(filtered, k);
    for (int64_t j = 0; j < k; ++j)
        filtered[j] = sum == -INFINITY ? predicted[j] : filtered[j] - sum;
    mote_vector()->exp(chain->law[1] + slot * k, filtered, k);
    return seen ? sum + most : 0;
}

static int take_emission(mote_hidden_markov *chain, double *out, const double *log_emission)
{
    for (int64_t i = 0; i < chain->k; ++i) {
        out[i] = log_emission ? log_emission[i] : 0;
        if (isnan(out[i]) || out[i] == INFINITY)
            return mote_fail(&chain->message, MOTE_EINVAL, "log emission of state %lld at time %lld is %g",
                             (long long)i, (long long)chain->times, out[i]);
    }
    return MOTE_OK;
}

int mote_hidden_markov_push(mote_hidden_markov *chain, const double *log_emission)
{
    const double *log_transition;
    if (!chain || !chain->block)
        return MOTE_ESTATE;
    int64_t t = chain->times, k = chain->k;
    if (chain->capacity && t == chain->capacity)
        return mote_fail(&chain->message, MOTE_ESTATE, "the filter was opened for %lld times", (long long)t);
    int64_t slot = chain->capacity ? t + chain->lead : (t + chain->lead) % 2;
    int status = take_emission(chain, chain->emission + slot * k, log_emission);
    if (!status && t + chain->lead)
        status = ask(chain, t, &log_transition);
    if (status)
        return status;
    if (t + chain->lead)
        predict(chain, log_transition, slot, slot_of(chain, t - 1));
    chain->log_likelihood[slot] = weigh(chain, slot, log_emission != NULL);
    chain->total += chain->log_likelihood[slot];
    if (chain->log_likelihood[slot] == -INFINITY && !chain->impossible)
        chain->impossible = t + 1;
    chain->times = t + 1;
    chain->smoothed = 0;
    return MOTE_OK;
}

int mote_hidden_markov_filter(mote_hidden_markov *chain, const double *log_emission, int64_t times)
{
    int status = mote_hidden_markov_restart(chain, NULL);
    for (int64_t t = 0; t < times && !status; ++t)
        status = mote_hidden_markov_push(chain, log_emission ? log_emission + t * chain->k : NULL);
    return status;
}

/* MOTE_OK when backward passes are possible. */
static int needs_past(mote_hidden_markov *chain, const char *what)
{
    if (!chain || !chain->block)
        return MOTE_ESTATE;
    if (!chain->capacity)
        return mote_fail(&chain->message, MOTE_ESTATE, "%s: opened with times = 0, which keeps nothing of the past",
                         what);
    if (!chain->times)
        return mote_fail(&chain->message, MOTE_ESTATE, "%s: no observations yet", what);
    if (chain->impossible)
        return mote_fail(&chain->message, MOTE_ENUMERIC, "%s: no state is possible at time %lld", what,
                         (long long)(chain->impossible - 1));
    return MOTE_OK;
}

static int needs_smoothing(mote_hidden_markov *chain, const char *what)
{
    int status = needs_past(chain, what);
    if (!status && !chain->smoothed)
        status = mote_fail(&chain->message, MOTE_ESTATE, "%s: needs mote_hidden_markov_smooth over all times first",
                           what);
    return status;
}

/* P(x_s = i | x_{s+1} = j, y) in slot numbers, K values. */
static void backward_kernel(const mote_hidden_markov *chain, const double *log_transition, int64_t s, int64_t j,
                            double *out)
{
    int64_t k = chain->k;
    const double *filtered = chain->log_law[1] + s * k, predicted = chain->log_law[0][(s + 1) * k + j];
    for (int64_t i = 0; i < k; ++i)
        out[i] = filtered[i] + log_transition[i * k + j] - predicted;
    mote_vector()->exp(out, out, k);
}

int mote_hidden_markov_smooth(mote_hidden_markov *chain)
{
    const double *log_transition;
    int status = needs_past(chain, "smoothing");
    if (status)
        return status;
    int64_t k = chain->k, last = chain->times - 1 + chain->lead;
    memcpy(chain->law[2] + last * k, chain->law[1] + last * k, (size_t)k * sizeof(double));
    for (int64_t s = last - 1; s >= 0; --s) {
        double *law = chain->law[2] + s * k;
        status = ask(chain, s + 1 - chain->lead, &log_transition);
        if (status)
            return status;
        memset(law, 0, (size_t)k * sizeof *law);
        for (int64_t j = 0; j < k; ++j) {
            double probability = law[k + j];
            if (!(probability > 0))
                continue;
            backward_kernel(chain, log_transition, s, j, chain->scratch);
            for (int64_t i = 0; i < k; ++i)
                law[i] += probability * chain->scratch[i];
        }
    }
    chain->smoothed = 1;
    return MOTE_OK;
}

int mote_hidden_markov_pair(mote_hidden_markov *chain, int64_t t, double *out)
{
    const double *log_transition;
    int status = needs_smoothing(chain, "pair");
    if (status)
        return status;
    int64_t k = chain->k, s = slot_of(chain, t);
    if (s < 1)
        return mote_fail(&chain->message, MOTE_EINVAL, "pair: time %lld has no time before it, or is not kept",
                         (long long)t);
    status = ask(chain, t, &log_transition);
    for (int64_t j = 0; j < k && !status; ++j) {
        double probability = chain->law[2][s * k + j];
        if (probability > 0)
            backward_kernel(chain, log_transition, s - 1, j, chain->scratch);
        for (int64_t i = 0; i < k; ++i)
            out[i * k + j] = probability > 0 ? probability * chain->scratch[i] : 0;
    }
    return status;
}

int mote_hidden_markov_expectation(mote_hidden_markov *chain, mote_hidden_markov_term *h, void *ctx, double *value)
{
    const double *log_transition;
    double sum = 0;
    int status = needs_smoothing(chain, "expectation");
    if (status)
        return status;
    int64_t k = chain->k;
    for (int64_t i = 0; i < k; ++i)
        if (chain->law[2][i] > 0)
            sum += chain->law[2][i] * h(ctx, -chain->lead, -1, i);
    for (int64_t s = 1; s < chain->times + chain->lead; ++s) {
        int64_t t = s - chain->lead;
        status = ask(chain, t, &log_transition);
        if (status)
            return status;
        for (int64_t j = 0; j < k; ++j) {
            double probability = chain->law[2][s * k + j];
            if (!(probability > 0))
                continue;
            backward_kernel(chain, log_transition, s - 1, j, chain->scratch);
            for (int64_t i = 0; i < k; ++i)
                if (chain->scratch[i] > 0)
                    sum += probability * chain->scratch[i] * h(ctx, t, i, j);
        }
    }
    *value = sum;
    return MOTE_OK;
}

/* The i that maximises v_s(i) + log P_ij, the lowest of several. */
static int64_t best_before(const mote_hidden_markov *chain, const double *log_transition, int64_t s, int64_t j)
{
    int64_t k = chain->k, best = 0;
    const double *v = chain->best + s * k;
    for (int64_t i = 1; i < k; ++i)
        if (v[i] + log_transition[i * k + j] > v[best] + log_transition[best * k + j])
            best = i;
    return best;
}

int mote_hidden_markov_best_path(mote_hidden_markov *chain, int64_t *path, double *log_probability)
{
    const double *log_transition;
    int status = needs_past(chain, "best path");
    if (status)
        return status;
    int64_t k = chain->k, last = chain->times - 1 + chain->lead, end = 0;
    for (int64_t j = 0; j < k; ++j)
        chain->best[j] = mote_log(chain->model.initial.values[j]) + chain->emission[j];
    for (int64_t s = 1; s <= last; ++s) {
        status = ask(chain, s - chain->lead, &log_transition);
        for (int64_t j = 0; j < k && !status; ++j) {
            int64_t i = best_before(chain, log_transition, s - 1, j);
            chain->best[s * k + j] = chain->best[(s - 1) * k + i] + log_transition[i * k + j] +
                                     chain->emission[s * k + j];
        }
        if (status)
            return status;
    }
    for (int64_t j = 1; j < k; ++j)
        end = chain->best[last * k + j] > chain->best[last * k + end] ? j : end;
    path[last] = end;
    if (log_probability)
        *log_probability = chain->best[last * k + end];
    for (int64_t s = last - 1; s >= 0 && !status; --s) {
        status = ask(chain, s + 1 - chain->lead, &log_transition);
        if (!status)
            path[s] = best_before(chain, log_transition, s, path[s + 1]);
    }
    return status;
}

int mote_hidden_markov_sample(mote_hidden_markov *chain, mote_source *source, int64_t *path)
{
    const double *log_transition;
    int status = needs_past(chain, "path");
    if (status)
        return status;
    int64_t k = chain->k, last = chain->times - 1 + chain->lead;
    path[last] = mote_choose(source, chain->law[1] + last * k, k);
    for (int64_t s = last - 1; s >= 0 && !status; --s) {
        status = ask(chain, s + 1 - chain->lead, &log_transition);
        if (status)
            return status;
        backward_kernel(chain, log_transition, s, path[s + 1], chain->scratch);
        path[s] = mote_choose(source, chain->scratch, k);
        status = mote_source_status(source);
    }
    return status ? status : mote_source_status(source);
}

const char *mote_hidden_markov_message(const mote_hidden_markov *chain)
{
    return chain ? chain->message.text : "";
}

int64_t mote_hidden_markov_times(const mote_hidden_markov *chain)
{
    return chain ? chain->times : 0;
}

double mote_hidden_markov_log_likelihood(const mote_hidden_markov *chain)
{
    return chain ? chain->total : NAN;
}

double mote_hidden_markov_log_likelihood_at(const mote_hidden_markov *chain, int64_t t)
{
    int64_t slot = chain && chain->block ? slot_of(chain, t) : -1;
    return slot < 0 ? NAN : chain->log_likelihood[slot];
}

const double *mote_hidden_markov_law(const mote_hidden_markov *chain, int64_t law, int64_t t)
{
    if (!chain || !chain->block || law < MOTE_HIDDEN_MARKOV_PREDICTED || law > MOTE_HIDDEN_MARKOV_SMOOTHED ||
        (law == MOTE_HIDDEN_MARKOV_SMOOTHED && !chain->smoothed))
        return NULL;
    int64_t slot = slot_of(chain, t);
    return slot < 0 ? NULL : chain->law[law - 1] + slot * chain->k;
}
