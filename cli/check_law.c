/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Does a sampler draw from its density? For x_1..n from the sampler and any law q that the density m covers,
 *
 *     mean of q(x_i) / m(x_i)  ->  Q(m > 0)        when m is the sampler's density and integrates to one
 *
 * so that a wrong constant, a wrong width and a wrong place all show. q: normal laws around the middle of the draws and
 * beside it, narrower than they are (0.7 times the covariance of the draws whose coordinates lie between their
 * quantiles of 10 and 90 %), from the first half of the draws; the second half is averaged. Draws that repeat each
 * other are taken for a discrete law and their counts compared with n m(x) by chi-square. Further: the maps of uniforms
 * against the sampler by the Kolmogorov-Smirnov distance, and the member `gaussian` by means and covariances. Each
 * question rejects at 5.5 standard errors (two-sided 4e-8) or at the like. */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "cli/check_ssm.h"
#include "core/linear.h"

enum { MOST_STATES = 32, PLACES = 3, PROPOSALS = 3, HALF = MOTE_CHECK_SAMPLE / 2 };
static const double limit = 5.5;

typedef struct law {
    const char *name, *density_name;
    mote_draw_function *draw;
    mote_density_function *density;
    int initial;                  /* 1: has no previous state */
} law;

/* The worst answer over all places where a law is asked. */
typedef struct verdict {
    double worst;                 /* standard errors */
    int asked, empty, odd, failed, degenerate, heavy;
} verdict;

static int64_t dimension(const mote_ssm_check *check)
{
    return check->space.model.state_count;
}

static void note(verdict *v, double z)
{
    ++v->asked;
    if (!(fabs(z) <= fabs(v->worst)))
        v->worst = z;
}

/* ---- samples ---- */

/* All previous states become that of particle i. */
static void spread_previous(mote_ssm_check *check, int64_t i)
{
    for (int64_t k = 0; k < dimension(check); ++k) {
        const double x = check->previous[k][i];
        for (int64_t j = 0; j < MOTE_CHECK_SAMPLE; ++j)
            check->previous[k][j] = x;
    }
}

static int by_size(const void *a, const void *b)
{
    const double x = *(const double *)a, y = *(const double *)b;
    return (x > y) - (x < y);
}

/* `again` becomes the sorted column. */
static const double *sorted(mote_ssm_check *check, const double *column, int64_t n)
{
    memcpy(check->again, column, (size_t)n * sizeof *column);
    qsort(check->again, (size_t)n, sizeof *check->again, by_size);
    return check->again;
}

/* More than half of the draws repeat another one, in every coordinate. */
static int is_discrete(mote_ssm_check *check)
{
    for (int64_t k = 0; k < dimension(check); ++k) {
        const double *x = sorted(check, check->state[k], check->n);
        int64_t repeated = 0;
        for (int64_t i = 1; i < check->n; ++i)
            repeated += x[i] == x[i - 1];
        if (repeated < check->n / 2)
            return 0;
    }
    return 1;
}

/* ---- discrete laws ---- */

typedef struct cell {
    const mote_ssm_check *check;
    int64_t index;
} cell;

static int by_state(const void *a, const void *b)
{
    const cell *x = a, *y = b;
    for (int64_t k = 0; k < x->check->space.model.state_count; ++k) {
        const double p = x->check->state[k][x->index], q = x->check->state[k][y->index];
        if (p != q)
            return p < q ? -1 : 1;
    }
    return 0;
}

/* Chi-square as a normal number (Wilson and Hilferty 1931). */
static double chi_square_z(double chi_square, double freedom)
{
    const double v = 2 / (9 * freedom);
    return (cbrt(chi_square / freedom) - (1 - v)) / sqrt(v);
}

static void ask_counts(mote_ssm_check *check, verdict *v)
{
    const int64_t n = check->n;
    cell *cells = calloc((size_t)n, sizeof *cells);
    double chi_square = 0, expected_rest = (double)n, seen_rest = (double)n, used = 0;
    for (int64_t i = 0; cells && i < n; ++i)
        cells[i] = (cell){ check, i };
    if (!cells)
        return;
    qsort(cells, (size_t)n, sizeof *cells, by_state);
    for (int64_t i = 0, j; i < n; i = j) {
        for (j = i + 1; j < n && !by_state(&cells[i], &cells[j]); ++j)
            continue;
        const double expected = (double)n * exp(check->value[cells[i].index]), seen = (double)(j - i);
        if (expected < 10)
            continue;
        chi_square += (seen - expected) * (seen - expected) / expected;
        expected_rest -= expected;
        seen_rest -= seen;
        ++used;
    }
    free(cells);
    const double error = (seen_rest - expected_rest) * (seen_rest - expected_rest);
    chi_square += expected_rest > 1 ? error / expected_rest : error;
    if (used > 0)
        note(v, chi_square_z(chi_square, used));
}

/* ---- continuous laws ---- */

typedef struct normal_law {
    int64_t d;
    double mean[MOST_STATES], lower[MOST_STATES * MOST_STATES]; /* Cholesky factor of the covariance */
    double log_constant;
} normal_law;

static int is_inside(const mote_ssm_check *check, const double (*range)[2], int64_t i)
{
    for (int64_t k = 0; k < dimension(check); ++k)
        if (check->state[k][i] < range[k][0] || check->state[k][i] > range[k][1])
            return 0;
    return 1;
}

/* From the first half of the draws; 0 when they lie on something thinner than the space. */
static int fit(mote_ssm_check *check, normal_law *q)
{
    const int64_t d = dimension(check);
    double range[MOST_STATES][2], covariance[MOST_STATES * MOST_STATES] = { 0 };
    int64_t kept = 0;
    for (int64_t k = 0; k < d; ++k) {
        const double *x = sorted(check, check->state[k], HALF);
        range[k][0] = x[HALF / 10];
        range[k][1] = x[HALF - HALF / 10];
    }
    for (int64_t i = 0; i < HALF; ++i)
        kept += is_inside(check, (const double(*)[2])range, i);
    const int all = kept < 500;
    *q = (normal_law){ .d = d };
    kept = all ? HALF : kept;
    for (int64_t i = 0; i < HALF; ++i)
        for (int64_t k = 0; k < d && (all || is_inside(check, (const double(*)[2])range, i)); ++k)
            q->mean[k] += check->state[k][i] / (double)kept;
    for (int64_t i = 0; i < HALF; ++i)
        for (int64_t k = 0; k < d && (all || is_inside(check, (const double(*)[2])range, i)); ++k)
            for (int64_t j = 0; j < d; ++j)
                covariance[k * d + j] += 0.7 * (check->state[k][i] - q->mean[k]) * (check->state[j][i] - q->mean[j]) /
                                         (double)kept;
    double largest = 0, smallest = INFINITY;
    if (mote_cholesky(q->lower, covariance, d))
        return 0;
    q->log_constant = -0.5 * (double)d * log(2 * 3.14159265358979323846);
    for (int64_t k = 0; k < d; ++k) {
        const double ratio = q->lower[k * d + k] / sqrt(covariance[k * d + k]);
        largest = fmax(largest, ratio);
        smallest = fmin(smallest, ratio);
        q->log_constant -= log(q->lower[k * d + k]);
    }
    return smallest > 1e-7 * largest;
}

static double log_normal(const normal_law *q, const double *x)
{
    double z[MOST_STATES], sum = 0;
    for (int64_t k = 0; k < q->d; ++k) {
        z[k] = x[k] - q->mean[k];
        for (int64_t j = 0; j < k; ++j)
            z[k] -= q->lower[k * q->d + j] * z[j];
        z[k] /= q->lower[k * q->d + k];
        sum += z[k] * z[k];
    }
    return q->log_constant - 0.5 * sum;
}

/* Mean of q/m over the second half, and the variance of that mean. 0 when a few draws carry it. */
static int average(const mote_ssm_check *check, const normal_law *q, double *mean, double *variance)
{
    double sum = 0, squares = 0, largest = 0, x[MOST_STATES];
    for (int64_t i = HALF; i < MOTE_CHECK_SAMPLE; ++i) {
        for (int64_t k = 0; k < q->d; ++k)
            x[k] = check->state[k][i];
        const double ratio = exp(log_normal(q, x) - check->value[i]);
        sum += ratio;
        squares += ratio * ratio;
        largest = fmax(largest, ratio);
    }
    const double n = MOTE_CHECK_SAMPLE - HALF;
    *mean = sum / n;
    *variance = (squares / n - *mean * *mean) / n;
    return largest * largest < 0.02 * squares;
}

/* Share of q where the density is above zero, from 4,000 draws of q. They take the place of the sample. */
static double covered(mote_ssm_check *check, const law *l, const normal_law *q, uint32_t place)
{
    const int64_t d = q->d, n = check->n = 4000;
    mote_source source = mote_source_at(check->live, MOTE_PURPOSE_PRIOR, 1000 + place, 0);
    double z[MOST_STATES];
    int64_t inside = 0;
    for (int64_t i = 0; i < n; ++i) {
        mote_normals(&source, z, d);
        for (int64_t k = 0; k < d; ++k) {
            check->state[k][i] = q->mean[k];
            for (int64_t j = 0; j <= k; ++j)
                check->state[k][i] += q->lower[k * d + j] * z[j];
        }
    }
    if (mote_ssm_check_density(check, l->density, !l->initial, MOTE_BLOCK, check->value))
        return NAN;
    for (int64_t i = 0; i < n; ++i)
        inside += check->value[i] > -INFINITY;
    check->n = MOTE_CHECK_SAMPLE;
    return (double)inside / (double)n;
}

static void ask_density(mote_ssm_check *check, const law *l, verdict *v, uint32_t place)
{
    double mean[PROPOSALS], variance[PROPOSALS];
    normal_law q[PROPOSALS];
    int usable[PROPOSALS];
    if (!fit(check, &q[0])) {
        ++v->degenerate;
        return;
    }
    for (int s = 0; s < PROPOSALS; ++s) {
        q[s] = q[0];
        for (int64_t k = 0; k < q[0].d; ++k) /* shifts by 0.7 along the first and the last axis of the factor */
            q[s].mean[k] += s == 1                      ? 0.7 * q[0].lower[k * q[0].d]
                            : s == 2 && k == q[0].d - 1 ? -0.7 * q[0].lower[k * q[0].d + k]
                                                        : 0;
        usable[s] = average(check, &q[s], &mean[s], &variance[s]);
    }
    for (int s = 0; s < PROPOSALS; ++s) {
        const double share = covered(check, l, &q[s], 10 * place + (uint32_t)s), n = 4000;
        if (!usable[s])
            ++v->heavy;
        else
            note(v, (mean[s] - share) / sqrt(variance[s] + (share * (1 - share) + 1 / n) / n * (share < 1)));
    }
}

/* One law at the present step, given one previous state. */
static void ask_place(mote_ssm_check *check, const law *l, verdict *v, uint32_t place)
{
    check->n = MOTE_CHECK_SAMPLE;
    if (mote_ssm_check_draw(check, l->draw, !l->initial, MOTE_BLOCK, 2000 + place) ||
        mote_ssm_check_density(check, l->density, !l->initial, MOTE_BLOCK, check->value)) {
        ++v->failed;
        return;
    }
    for (int64_t i = 0; i < check->n; ++i) {
        v->odd += isnan(check->value[i]) || check->value[i] == INFINITY;
        v->empty += check->value[i] == -INFINITY;
    }
    if (v->odd || v->empty)
        return;
    if (is_discrete(check))
        ask_counts(check, v);
    else
        ask_density(check, l, v, place);
}

static void say(mote_ssm_check *check, const law *l, const verdict *v)
{
    mote_check *report = &check->report;
    if (v->failed)
        mote_check_say(report, MOTE_VERDICT_FAIL, "%s: the model failed", l->density_name);
    else if (v->odd)
        mote_check_say(report, MOTE_VERDICT_FAIL, "%s: %d values are no numbers", l->density_name, v->odd);
    else if (v->empty)
        mote_check_say(report, MOTE_VERDICT_FAIL, "%s is zero at %d draws of %s", l->density_name, v->empty, l->name);
    else if (v->degenerate)
        mote_check_say(report, MOTE_VERDICT_FAIL,
                       "%s: draws of %s lie on a surface, where no density exists: leave it out", l->density_name,
                       l->name);
    else if (fabs(v->worst) > limit || isnan(v->worst))
        mote_check_say(report, MOTE_VERDICT_FAIL, "%s is not the normalised density of %s: off by %.1f standard errors",
                       l->density_name, l->name, fabs(v->worst));
    else if (!v->asked)
        mote_check_say(report, MOTE_VERDICT_NOTE, "%s: the draws of %s are too uneven to tell", l->density_name,
                       l->name);
    else
        mote_check_say(report, MOTE_VERDICT_OK,
                       "%s is the normalised density of %s: within %.1f standard errors at %d places", l->density_name,
                       l->name, fabs(v->worst), v->asked);
}

static int starts_before(const mote_ssm_check *check)
{
    return (check->space.model.flags & MOTE_SSM_START_BEFORE) != 0;
}

static void ask_law(mote_ssm_check *check, const law *l, int needs_observation)
{
    verdict v = { .worst = 0 };
    uint32_t place = 0;
    if (!l->draw || !l->density || dimension(check) > MOST_STATES)
        return;
    for (int64_t row = 0; row < MOTE_CHECK_ROWS; ++row) {
        int status = mote_ssm_check_begin(check, row);
        if (!status && !l->initial && !starts_before(check))
            status = mote_ssm_check_advance(check);
        for (int64_t i = 0; i < (l->initial ? 1 : PLACES) && !status; ++i) {
            if (needs_observation && !check->datum.any)
                break;
            if (!l->initial)
                spread_previous(check, 7 * i);
            ask_place(check, l, &v, place++);
            if (!l->initial &&
                (mote_ssm_check_begin(check, row) || (!starts_before(check) && mote_ssm_check_advance(check))))
                break;
        }
    }
    if (place)
        say(check, l, &v);
}

/* ---- maps of uniforms ---- */

/* Largest distance between the distribution functions of n sorted numbers each, over its standard error. */
static double distance(const double *a, const double *b, int64_t n)
{
    int64_t i = 0, j = 0, worst = 0;
    while (i < n && j < n) {
        const double x = a[i] < b[j] ? a[i] : b[j];
        while (i < n && a[i] <= x)
            ++i;
        while (j < n && b[j] <= x)
            ++j;
        const int64_t gap = i > j ? i - j : j - i;
        worst = gap > worst ? gap : worst;
    }
    return (double)worst / (double)n * sqrt((double)n / 2);
}

/* n values of each coordinate by the map, columns behind each other; the model's code. */
static int draw_by_map(mote_ssm_check *check, int (*map)(void *, const mote_block *, const double *const *),
                       int has_previous, double *to, int64_t n)
{
    const int64_t d = dimension(check);
    int status = MOTE_OK;
    for (int64_t first = 0; first < n && !status; first += MOTE_BLOCK) {
        mote_block block = mote_ssm_check_block(check, first, MOTE_BLOCK, has_previous);
        mote_source source = mote_source_at(check->live, MOTE_PURPOSE_PRIOR, 4000, first);
        double *uniform[MOST_STATES];
        block.previous = has_previous ? (const double *const *)check->previous : NULL; /* all of them are equal */
        for (int64_t k = 0; k < d; ++k) {
            uniform[k] = check->small_previous[k];
            mote_uniforms(&source, uniform[k], MOTE_BLOCK);
        }
        mote_ssm_check_at(check, has_previous ? "transition_map" : "initial_map");
        status = map(check->space.model.ctx, &block, (const double *const *)uniform);
        for (int64_t k = 0; k < d; ++k)
            memcpy(to + k * n + first, check->small_state[k], MOTE_BLOCK * sizeof(double));
    }
    return status;
}

/* One map against its sampler; the largest distance of a coordinate, NaN when the model failed. */
static double map_distance(mote_ssm_check *check, mote_draw_function *draw,
                           int (*map)(void *, const mote_block *, const double *const *), int has_previous)
{
    const int64_t d = dimension(check), n = 16 * MOTE_BLOCK;
    double *mapped = mote_memory_allocate(&check->memory, d * n, sizeof *mapped), worst = 0;
    check->n = n;
    if (!mapped || mote_ssm_check_draw(check, draw, has_previous, MOTE_BLOCK, 3000) ||
        draw_by_map(check, map, has_previous, mapped, n))
        worst = NAN;
    for (int64_t k = 0; k < d && !isnan(worst); ++k) {
        qsort(mapped + k * n, (size_t)n, sizeof(double), by_size);
        worst = fmax(worst, distance(sorted(check, check->state[k], n), mapped + k * n, n));
    }
    mote_memory_release(&check->memory, mapped);
    return worst;
}

static void ask_map(mote_ssm_check *check, const char *name, int initial)
{
    const mote_ssm *m = &check->space.model;
    int (*map)(void *, const mote_block *, const double *const *) = initial ? m->initial_map : m->transition_map;
    if (!map || dimension(check) > MOST_STATES || mote_ssm_check_begin(check, 1))
        return;
    if (!initial && !starts_before(check) && mote_ssm_check_advance(check))
        return;
    if (!initial)
        spread_previous(check, 3);
    const double z = map_distance(check, initial ? m->initial : m->transition, map, !initial);
    /* P(distance > 2.9) = 2 exp(-2 2.9^2) = 1e-7 */
    if (!(z < 2.9))
        mote_check_say(&check->report, MOTE_VERDICT_FAIL,
                       "%s does not give the law of %s: Kolmogorov-Smirnov distance %.1f, up to "
                       "2.9 is chance",
                       name, initial ? "initial" : "transition", z);
    else
        mote_check_say(&check->report, MOTE_VERDICT_OK, "%s gives the law of %s", name,
                       initial ? "initial" : "transition");
}

/* ---- the member `gaussian` ---- */

static double moment_z(const mote_ssm_check *check, const double *mean, const double *covariance)
{
    const int64_t d = dimension(check);
    const double n = (double)check->n;
    double worst = 0;
    for (int64_t k = 0; k < d; ++k)
        for (int64_t j = 0; j <= k; ++j) {
            double first = 0, second = 0;
            for (int64_t i = 0; i < check->n; ++i) {
                first += (check->state[k][i] - mean[k]) / n;
                second += (check->state[k][i] - mean[k]) * (check->state[j][i] - mean[j]) / n;
            }
            const double a = covariance[k * d + k], b = covariance[j * d + j], c = covariance[k * d + j];
            worst = fmax(worst, fabs(first) / sqrt(a / n));
            worst = fmax(worst, fabs(second - c) / sqrt((a * b + c * c) / n));
            if (isnan(first + second + c))
                return NAN;
        }
    return worst;
}

static void ask_gaussian(mote_ssm_check *check)
{
    const mote_ssm *m = &check->space.model;
    const int64_t d = dimension(check);
    double *mean[MOST_STATES], centre[MOST_STATES], covariance[MOST_STATES * MOST_STATES] = { 0 };
    if (!m->gaussian || d > MOST_STATES || mote_ssm_check_begin(check, 1) ||
        (!starts_before(check) && mote_ssm_check_advance(check)))
        return;
    spread_previous(check, 3);
    check->n = MOTE_CHECK_SAMPLE;
    for (int64_t k = 0; k < d; ++k)
        mean[k] = &centre[k];
    const mote_block block = { MOTE_VERSIONED(mote_block),
                               .n = 1,
                               .step = check->step,
                               .time = check->time,
                               .time_previous = check->time_previous,
                               .parameter = check->parameter,
                               .cache = check->cache,
                               .input = m->input_count ? check->datum.input : NULL,
                               .previous = (const double *const *)check->previous,
                               .state = check->small_state };
    mote_ssm_check_at(check, "gaussian");
    int status = m->gaussian(m->ctx, &block, mean, covariance);
    status = status ? status : mote_ssm_check_draw(check, m->transition, 1, MOTE_BLOCK, 3100);
    const double z = status ? (double)NAN : moment_z(check, centre, covariance);
    if (!(z < limit))
        mote_check_say(&check->report, MOTE_VERDICT_FAIL,
                       "gaussian: moments of the transition are off by %.1f standard errors", z);
    else
        mote_check_say(&check->report, MOTE_VERDICT_OK,
                       "gaussian: moments of the transition within %.1f standard errors", z);
}

void mote_ssm_check_laws(mote_ssm_check *check)
{
    const mote_ssm *m = &check->space.model;
    const law laws[] = {
        { "initial", "log_initial", m->initial, m->log_initial, 1 },
        { "transition", "log_transition", m->transition, m->log_transition, 0 },
        { "propose_initial", "log_propose_initial", m->propose_initial, m->log_propose_initial, 1 },
        { "propose", "log_propose", m->propose, m->log_propose, 0 },
    };
    for (int i = 0; i < 4; ++i)
        ask_law(check, &laws[i], i > 1);
    ask_map(check, "initial_map", 1);
    ask_map(check, "transition_map", 0);
    ask_gaussian(check);
}
