/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The Kalman filter as an object (mote/kalman.h): checks, memory, and the forward pass over kalman_step.c. All memory
 * is taken at open; histories are slots, one for each time that is kept (kalman_parts.h).
 * Kalman 1960. Known answers: tests/model/test_kalman.c. */
#include <math.h>
#include <string.h>

#include "core/linear.h"
#include "core/option.h"
#include "model/kalman_parts.h"

/* The matrices of one time by name and shape; what may be absent gets a default at open. */
enum shape { ONE = 0, STATES, OBSERVATIONS };
enum use { OPTIONAL_ZERO, OPTIONAL_IDENTITY, REQUIRED, COVARIANCE };
typedef struct matrix_member {
    const char *name;
    size_t offset;
    enum shape rows, columns;
    enum use use;
} matrix_member;

#define MEMBER(name, rows, columns, use) { #name, offsetof(mote_kalman_matrices, name), rows, columns, use }
static const matrix_member members[] = {
    MEMBER(transition, STATES, STATES, OPTIONAL_IDENTITY),
    MEMBER(transition_offset, STATES, ONE, OPTIONAL_ZERO),
    MEMBER(transition_covariance, STATES, STATES, COVARIANCE),
    MEMBER(observation, OBSERVATIONS, STATES, REQUIRED),
    MEMBER(observation_offset, OBSERVATIONS, ONE, OPTIONAL_ZERO),
    MEMBER(observation_covariance, OBSERVATIONS, OBSERVATIONS, COVARIANCE),
};
static const matrix_member initial_mean = { "initial_mean", 0, STATES, ONE, REQUIRED };
static const matrix_member initial_covariance = { "initial_covariance", 0, STATES, STATES, COVARIANCE };
enum { MEMBERS = sizeof members / sizeof *members };

static mote_matrix *matrix_of(mote_kalman_matrices *matrices, const matrix_member *member)
{
    return (mote_matrix *)(void *)((char *)matrices + member->offset);
}

static int64_t extent(const mote_kalman *kalman, enum shape shape)
{
    return shape == ONE ? 1 : shape == STATES ? kalman->d : kalman->m;
}

static int64_t size_of(const mote_kalman *kalman, const matrix_member *member)
{
    return extent(kalman, member->rows) * extent(kalman, member->columns);
}

/* " at time 3", or "" at open. */
static const char *place(char text[32], int64_t t)
{
    text[0] = 0;
    if (t > INT64_MIN)
        mote_fail_text(text, 32, 0, " at time %lld", (long long)t);
    return text;
}

static int check_covariance(mote_kalman *kalman, const matrix_member *member, const double *a, int64_t d,
                            const char *where)
{
    for (int64_t i = 0; i < d; ++i)
        for (int64_t j = 0; j < i; ++j) {
            double difference = a[i * d + j] - a[j * d + i];
            if (fabs(difference) > 1e-10 * sqrt(fabs(a[i * d + i] * a[j * d + j])))
                return mote_fail(&kalman->message, MOTE_EINVAL, "%s%s: not symmetric: elements (%lld, %lld) are %g, %g",
                                 member->name, where, (long long)i, (long long)j, a[i * d + j], a[j * d + i]);
        }
    if (mote_semidefinite_factor(kalman->scratch, a, NULL, d))
        return mote_fail(&kalman->message, MOTE_EINVAL, "%s%s: not positive semi-definite", member->name, where);
    return MOTE_OK;
}

static int check_matrix(mote_kalman *kalman, const matrix_member *member, const mote_matrix *matrix, int64_t t)
{
    char text[32];
    const char *where = place(text, t);
    int64_t rows = extent(kalman, member->rows), columns = extent(kalman, member->columns);
    if (!matrix->values)
        return mote_fail(&kalman->message, MOTE_EINVAL, "%s%s: absent", member->name, where);
    if (matrix->rows != rows || matrix->columns != columns)
        return mote_fail(&kalman->message, MOTE_EINVAL, "%s%s: %lld x %lld, expected %lld x %lld", member->name, where,
                         (long long)matrix->rows, (long long)matrix->columns, (long long)rows, (long long)columns);
    for (int64_t i = 0; i < rows * columns; ++i)
        if (!isfinite(matrix->values[i]))
            return mote_fail(&kalman->message, MOTE_EINVAL, "%s%s: element (%lld, %lld) is %g", member->name, where,
                             (long long)(i / columns), (long long)(i % columns), matrix->values[i]);
    return member->use == COVARIANCE ? check_covariance(kalman, member, matrix->values, rows, where) : MOTE_OK;
}

/* What is absent and may be gets dimensions and default values in `values`. */
static void fill_default(const mote_kalman *kalman, const matrix_member *member, mote_matrix *matrix, double *values)
{
    int64_t rows = extent(kalman, member->rows), columns = extent(kalman, member->columns);
    if (matrix->values || member->use == REQUIRED || member->use == COVARIANCE)
        return;
    memset(values, 0, (size_t)(rows * columns) * sizeof *values);
    for (int64_t i = 0; i < rows && member->use == OPTIONAL_IDENTITY; ++i)
        values[i * columns + i] = 1;
    *matrix = (mote_matrix){ values, rows, columns };
}

static int copy_matrix(mote_kalman *kalman, const matrix_member *member, mote_matrix *matrix, double **values)
{
    fill_default(kalman, member, matrix, *values);
    int status = check_matrix(kalman, member, matrix, INT64_MIN);
    if (status)
        return status;
    memmove(*values, matrix->values, (size_t)size_of(kalman, member) * sizeof **values);
    matrix->values = *values;
    *values += size_of(kalman, member);
    return MOTE_OK;
}

/* Doubles that one copy of a model's matrices takes. */
static int64_t constant_size(const mote_kalman *kalman)
{
    int64_t sum = size_of(kalman, &initial_mean) + size_of(kalman, &initial_covariance);
    for (int i = 0; i < MEMBERS; ++i)
        sum += size_of(kalman, &members[i]);
    return sum;
}

/* Into the second half of `constants`, then to the first: a model that is refused changes nothing. */
static int copy_model(mote_kalman *kalman, mote_kalman_model *model)
{
    int64_t size = constant_size(kalman);
    double *values = kalman->constants + size;
    int status = copy_matrix(kalman, &initial_mean, &model->initial_mean, &values);
    if (!status)
        status = copy_matrix(kalman, &initial_covariance, &model->initial_covariance, &values);
    for (int i = 0; i < MEMBERS && !status; ++i)
        status = copy_matrix(kalman, &members[i], matrix_of(&model->constant, &members[i]), &values);
    if (status)
        return status;
    memcpy(kalman->constants, kalman->constants + size, (size_t)size * sizeof *values);
    model->initial_mean.values -= size;
    model->initial_covariance.values -= size;
    for (int i = 0; i < MEMBERS; ++i)
        matrix_of(&model->constant, &members[i])->values -= size;
    kalman->model = *model;
    return MOTE_OK;
}

int mote_kalman_ask(mote_kalman *kalman, int64_t t, mote_kalman_matrices *matrices)
{
    mote_kalman_matrices *constant = &kalman->model.constant;
    *matrices = *constant;
    if (!kalman->model.step)
        return MOTE_OK;
    int status = kalman->model.step(kalman->model.ctx, t, matrices);
    if (status)
        return mote_fail(&kalman->message, status < 0 ? status : MOTE_EMODEL,
                         "the step function answered %d at time %lld", status, (long long)t);
    for (int i = 0; i < MEMBERS && !status; ++i) {
        const mote_matrix *matrix = matrix_of(matrices, &members[i]);
        if (matrix->values != matrix_of(constant, &members[i])->values)
            status = check_matrix(kalman, &members[i], matrix, t);
    }
    return status;
}

int64_t mote_kalman_slot(const mote_kalman *kalman, int64_t t)
{
    int64_t last = kalman->times - 1;
    if (t > last || t < -kalman->lead || (!kalman->capacity && t < last))
        return -1;
    return kalman->capacity ? t + kalman->lead : (t + kalman->lead) % 2;
}

/* The initial law as time -1, when there is one before the first observation. */
static void begin(mote_kalman *kalman)
{
    int64_t d = kalman->d;
    kalman->times = kalman->smoothed = 0;
    kalman->total = 0;
    for (int law = 0; law < 2 && kalman->lead; ++law) {
        memcpy(kalman->law[law].mean, kalman->model.initial_mean.values, (size_t)d * sizeof(double));
        memcpy(kalman->law[law].covariance, kalman->model.initial_covariance.values, (size_t)(d * d) * sizeof(double));
    }
    for (int64_t i = 0; i < kalman->m; ++i)
        kalman->observed[i] = NAN;
    kalman->log_likelihood[0] = 0;
}

int mote_kalman_restart(mote_kalman *kalman, const mote_kalman_model *model)
{
    mote_kalman_model copy;
    if (!kalman || !kalman->block)
        return MOTE_ESTATE;
    int status = MOTE_OK;
    if (model) {
        status = mote_struct_read(&copy, sizeof copy, MOTE_KIND_mote_kalman_model, model, &kalman->message);
        if (!status && (copy.states != kalman->d || copy.observations != kalman->m ||
                        (copy.propagate_first != 0) != kalman->lead))
            status = mote_fail(&kalman->message, MOTE_EINVAL,
                               "restart: states, observations, propagate_first must be those of open: %lld, %lld, %lld",
                               (long long)kalman->d, (long long)kalman->m, (long long)kalman->lead);
        status = status ? status : copy_model(kalman, &copy);
    }
    if (!status)
        begin(kalman);
    return status;
}

/* Cuts `block` into the histories; with no block it only counts. */
static int64_t divide(mote_kalman *kalman)
{
    int64_t d = kalman->d, m = kalman->m, most = (d > m ? d : m) + 1, used = 0;
    int64_t slots = kalman->capacity ? kalman->capacity + kalman->lead : 2, kept = kalman->capacity ? slots : 0;
    double **const parts[] = { &kalman->law[0].covariance, &kalman->law[1].covariance, &kalman->law[0].mean,
                               &kalman->law[1].mean, &kalman->law[2].covariance, &kalman->law[2].mean, &kalman->gain,
                               &kalman->spread, &kalman->observed, &kalman->log_likelihood, &kalman->scratch,
                               &kalman->constants };
    const int64_t sizes[] = { slots * d * d, slots * d * d, slots * d, slots * d, kept * d * d, kept * d, kept * d * d,
                              kept * d * d, slots * m, slots, MOTE_KALMAN_AREAS * most * most,
                              2 * constant_size(kalman) };
    for (size_t i = 0; i < sizeof sizes / sizeof *sizes; ++i) {
        *parts[i] = kalman->block ? kalman->block + used : NULL;
        used += sizes[i];
    }
    return used;
}

static int open_checked(mote_kalman *kalman, const mote_kalman_model *model, int64_t times)
{
    mote_kalman_model copy;
    int status = mote_struct_read(&copy, sizeof copy, MOTE_KIND_mote_kalman_model, model, &kalman->message);
    if (status)
        return status;
    if (copy.states < 1 || copy.states > 4096 || copy.observations < 1 || copy.observations > 4096)
        return mote_fail(&kalman->message, MOTE_EINVAL, "states and observations are 1 to 4096, not %lld and %lld",
                         (long long)copy.states, (long long)copy.observations);
    if (times < 0 || times > INT64_C(1) << 32)
        return mote_fail(&kalman->message, MOTE_EINVAL, "times: %lld, expected 0 to 2^32", (long long)times);
    kalman->d = copy.states;
    kalman->m = copy.observations;
    kalman->lead = copy.propagate_first != 0;
    kalman->capacity = times;
    kalman->block = mote_memory_allocate_aligned(&kalman->memory, divide(kalman), sizeof(double));
    if (!kalman->block)
        return mote_fail(&kalman->message, MOTE_ENOMEM, "no memory for %lld times of %lld states", (long long)times,
                         (long long)kalman->d);
    divide(kalman);
    status = copy_model(kalman, &copy);
    if (!status)
        begin(kalman);
    return status;
}

int mote_kalman_open(mote_kalman **kalman, const mote_kalman_model *model, int64_t times,
                     const mote_allocator *allocator)
{
    mote_memory memory;
    if (!kalman)
        return MOTE_EINVAL;
    *kalman = NULL;
    int status = mote_memory_open(&memory, allocator);
    if (status)
        return status;
    mote_kalman *self = mote_memory_allocate(&memory, 1, sizeof *self);
    if (!self)
        return MOTE_ENOMEM;
    self->memory = memory;
    *kalman = self;
    if (!model)
        return mote_fail(&self->message, MOTE_EINVAL, "no model");
    status = open_checked(self, model, times);
    if (status && self->block) { /* nothing can be pushed into a filter that did not open */
        mote_memory_release_aligned(&self->memory, self->block);
        self->block = NULL;
        self->capacity = self->times = 0;
    }
    return status;
}

void mote_kalman_close(mote_kalman **kalman)
{
    if (!kalman || !*kalman)
        return;
    mote_memory memory = (*kalman)->memory;
    mote_memory_release_aligned(&memory, (*kalman)->block);
    mote_memory_release(&memory, *kalman);
    *kalman = NULL;
}

/* Values with NaN for what is missing. */
static int take_values(mote_kalman *kalman, double *out, const double *values, const int64_t *observed)
{
    for (int64_t i = 0; i < kalman->m; ++i) {
        int wanted = values && (!observed || observed[i]);
        out[i] = wanted ? values[i] : NAN;
        if (wanted && isinf(values[i]))
            return mote_fail(&kalman->message, MOTE_EINVAL, "observation %lld at time %lld is %g", (long long)i,
                             (long long)kalman->times, values[i]);
    }
    return MOTE_OK;
}

/* Prediction and update in slot `slot`, from the filtered law in slot `before` (-1: the initial law). */
static int step(mote_kalman *kalman, const mote_kalman_matrices *matrices, int64_t slot, int64_t before)
{
    int64_t d = kalman->d, square = d * d;
    const mote_kalman_model *model = &kalman->model;
    const mote_kalman_history *predicted = &kalman->law[0], *filtered = &kalman->law[1];
    double *mean = predicted->mean + slot * d, *covariance = predicted->covariance + slot * square;
    mote_kalman_batch batch = { MOTE_VERSIONED(mote_kalman_batch), d, kalman->m, 1, mean, d, covariance, square,
                                kalman->scratch };
    memcpy(mean, before < 0 ? model->initial_mean.values : filtered->mean + before * d, (size_t)d * sizeof *mean);
    memcpy(covariance, before < 0 ? model->initial_covariance.values : filtered->covariance + before * square,
           (size_t)square * sizeof *mean);
    if (before >= 0 && mote_kalman_predict(&batch, matrices))
        return MOTE_EINTERNAL;
    for (int64_t i = 0; i < d; ++i)
        if (!isfinite(mean[i]) || !isfinite(covariance[i * d + i]))
            return MOTE_ENUMERIC;
    batch.mean = filtered->mean + slot * d;
    batch.covariance = filtered->covariance + slot * square;
    memcpy(batch.mean, mean, (size_t)d * sizeof *mean);
    memcpy(batch.covariance, covariance, (size_t)square * sizeof *mean);
    return mote_kalman_update(&batch, matrices, kalman->observed + slot * kalman->m, kalman->log_likelihood + slot);
}

int mote_kalman_push(mote_kalman *kalman, const double *values, const int64_t *observed)
{
    mote_kalman_matrices matrices;
    if (!kalman || !kalman->block)
        return MOTE_ESTATE;
    int64_t t = kalman->times, before = t + kalman->lead ? mote_kalman_slot(kalman, t - 1) : -1;
    if (kalman->capacity && t == kalman->capacity)
        return mote_fail(&kalman->message, MOTE_ESTATE, "the filter was opened for %lld times", (long long)t);
    int64_t slot = kalman->capacity ? t + kalman->lead : (t + kalman->lead) % 2;
    int status = mote_kalman_ask(kalman, t, &matrices);
    if (!status)
        status = take_values(kalman, kalman->observed + slot * kalman->m, values, observed);
    if (status)
        return status;
    status = step(kalman, &matrices, slot, before);
    if (status || !isfinite(kalman->log_likelihood[slot]))
        return mote_fail(&kalman->message, MOTE_ENUMERIC,
                         "time %lld: C P C' + R is not positive definite, or the states or the density are not finite",
                         (long long)t);
    kalman->total += kalman->log_likelihood[slot];
    kalman->times = t + 1;
    kalman->smoothed = 0;
    return MOTE_OK;
}

int mote_kalman_filter(mote_kalman *kalman, const double *values, const int64_t *observed, int64_t times)
{
    int status = mote_kalman_restart(kalman, NULL);
    for (int64_t t = 0; t < times && !status; ++t)
        status = mote_kalman_push(kalman, values ? values + t * kalman->m : NULL,
                                  observed ? observed + t * kalman->m : NULL);
    return status;
}

const char *mote_kalman_message(const mote_kalman *kalman)
{
    return kalman ? kalman->message.text : "";
}

int64_t mote_kalman_times(const mote_kalman *kalman)
{
    return kalman ? kalman->times : 0;
}

double mote_kalman_log_likelihood(const mote_kalman *kalman)
{
    return kalman ? kalman->total : NAN;
}

double mote_kalman_log_likelihood_at(const mote_kalman *kalman, int64_t t)
{
    int64_t slot = kalman && kalman->block ? mote_kalman_slot(kalman, t) : -1;
    return slot < 0 ? NAN : kalman->log_likelihood[slot];
}

/* The slot of a law that can be shown, or -1. */
static int64_t shown(const mote_kalman *kalman, int64_t law, int64_t t)
{
    if (!kalman || !kalman->block || law < MOTE_KALMAN_PREDICTED || law > MOTE_KALMAN_SMOOTHED ||
        (law == MOTE_KALMAN_SMOOTHED && !kalman->smoothed))
        return -1;
    return mote_kalman_slot(kalman, t);
}

const double *mote_kalman_mean(const mote_kalman *kalman, int64_t law, int64_t t)
{
    int64_t slot = shown(kalman, law, t);
    return slot < 0 ? NULL : kalman->law[law - 1].mean + slot * kalman->d;
}

const double *mote_kalman_covariance(const mote_kalman *kalman, int64_t law, int64_t t)
{
    int64_t slot = shown(kalman, law, t);
    return slot < 0 ? NULL : kalman->law[law - 1].covariance + slot * kalman->d * kalman->d;
}
