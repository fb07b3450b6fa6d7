/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Evidence and its errors on runs of a perfect sampler (tests/nested/perfect.h), where the truth is known in closed
 * form, and on runs small enough to be worked out by hand.
 *
 * Statistical cases have fixed seeds; false-alarm rates are those of fresh seeds. Planted faults they catch:
 * tests/planted/bootstrap_simulated_volumes, volume_bookkeeping, plateau_gap. */
#include "nested/evidence.h"

#include <mote/status.h>

#include "nested/volumes.h"
#include "tests/nested/perfect.h"
#include "tests/support/test.h"

enum { ROOM = 64 };

static mote_memory memory;

static mote_source source_of(int64_t seed)
{
    return mote_source_live(mote_source_key(seed, 1));
}

/* Computes a run, checking what must hold in every run. */
static mote_evidence compute(const mote_deaths *deaths, int64_t seed, int64_t simulations, int64_t bootstraps)
{
    mote_evidence evidence;
    mote_source source = source_of(seed);
    double *log_weight = calloc((size_t)deaths->n + 1, sizeof(double)), sum = 0;
    double *thread = calloc((size_t)deaths->n + 1, sizeof(double));
    assert_status(mote_evidence_compute(deaths, &source, simulations, bootstraps, &memory, log_weight, thread,
                                        &evidence), MOTE_OK);
    for (int64_t i = 0; i < deaths->n; ++i) {
        sum += exp(log_weight[i]);
        assert_true((log_weight[i] == -INFINITY) >= (deaths->log_likelihood[i] == -INFINITY));
    }
    if (evidence.log_evidence > -INFINITY)
        assert_close(sum, 1, 0, 1e-11);
    free(log_weight), free(thread);
    return evidence;
}

/* ---- by hand ---- */

static const double minus_infinity[] = { -INFINITY, -INFINITY, -INFINITY, -INFINITY };
static const double ones[] = { 1, 1, 1, 1, 1, 1, 1, 1 };

static void two_deaths_by_hand(void **state)
{
    (void)state;
    double log_l[] = { 0, log(2) }, count[] = { 2, 1 }, weight[2], a = exp(-0.5), b = exp(-1.5);
    mote_deaths deaths = { 2, log_l, minus_infinity, ones, count, 2 };
    double z = 1 + a / 2 + b / 2; /* nested/volumes.c */
    assert_close(mote_evidence_mean(&deaths, weight), log(z), 1e-15, 1e-15);
    assert_close(exp(weight[0]), ((1 - a) + (a - b) / 2) / z, 1e-14, 0);
    assert_close(exp(weight[1]), 2 * ((a - b) / 2 + b) / z, 1e-14, 0);
}

/* Points 1, 2, 2, 3 with n = 4..1: the gap above the plateau and the one inside are rectangles, the one below it is a
 * trapezoid. */
static void plateau_by_hand(void **state)
{
    (void)state;
    double log_l[] = { 0, log(2), log(2), log(3) }, count[] = { 4, 3, 2, 1 }, weight[4], x[5] = { 1 };
    mote_deaths deaths = { 4, log_l, minus_infinity, ones, count, 4 };
    for (int i = 0; i < 4; ++i)
        x[i + 1] = x[i] * exp(-1 / count[i]);
    double part[4] = { x[0] - x[1], 2 * (x[1] - x[2]), 2 * (x[2] - x[3]) + 2 * (x[3] - x[4]) / 2,
                       3 * (x[3] - x[4]) / 2 + 3 * x[4] };
    double z = part[0] + part[1] + part[2] + part[3];
    assert_close(mote_evidence_mean(&deaths, weight), log(z), 1e-15, 1e-15);
    for (int i = 0; i < 4; ++i)
        assert_close(exp(weight[i]), part[i] / z, 1e-14, 0);
}

static void one_death_is_its_likelihood(void **state)
{
    (void)state;
    double log_l = -123.456, count = 1;
    mote_deaths deaths = { 1, &log_l, minus_infinity, ones, &count, 1 };
    mote_evidence evidence = compute(&deaths, 1, 100, 20);
    assert_true(evidence.log_evidence == log_l && evidence.error_simulated == 0 && evidence.error_bootstrap == 0);
    assert_true(evidence.information == 0 && evidence.error_tail == 0);
    assert_close(evidence.effective_sample_size, 1, 1e-12, 0);
    assert_close(evidence.remaining, 1, 1e-12, 0);
}

static void nothing_has_no_evidence(void **state)
{
    (void)state;
    double count[] = { 4, 3, 2, 1 };
    mote_deaths none = { 0, count, count, count, count, 0 };
    mote_deaths empty = { 4, minus_infinity, minus_infinity, ones, count, 4 };
    for (int i = 0; i < 2; ++i) {
        mote_evidence evidence = compute(i ? &empty : &none, 1, 100, 20);
        assert_true(evidence.log_evidence == -INFINITY && evidence.error_simulated == 0);
        assert_true(evidence.error_bootstrap == 0 && evidence.error_tail == 0 && isnan(evidence.information));
        assert_true(evidence.effective_sample_size == 0 && isnan(evidence.half_difference));
    }
}

static double constant(double x)
{
    (void)x;
    return -1234.5678;
}

static void constant_likelihood_is_exact(void **state)
{
    (void)state;
    perfect_run run = perfect_make(&(perfect_plan){ constant, NULL, 100, 0, 0, 0 }, 1);
    mote_deaths deaths = perfect_deaths(&run);
    mote_evidence evidence = compute(&deaths, 1, 1000, 200);
    assert_true(evidence.log_evidence == -1234.5678);
    assert_true(evidence.error_simulated == 0 && evidence.error_bootstrap == 0 && evidence.error_tail == 0);
    assert_true(evidence.information == 0 && evidence.half_difference == 0);
    assert_true(mote_evidence_mean(&deaths, NULL) == -1234.5678);
    perfect_close(&run);
}

/* Likelihoods and counts that leave the range of doubles: log L to -1e6 and +1e5, volumes to e^-5000. */
static void nothing_overflows(void **state)
{
    (void)state;
    enum { N = 10000 };
    double log_l[N], birth[N], prior[N], count[N];
    for (int i = 0; i < N; ++i) {
        log_l[i] = -1e6 + 110.0 * i;
        birth[i] = i < 2 ? -INFINITY : log_l[i - 2];
        prior[i] = i < 2;
        count[i] = i < N - 1 ? 2 : 1;
    }
    mote_deaths deaths = { N, log_l, birth, prior, count, 2 };
    mote_evidence evidence = compute(&deaths, 1, 50, 20);
    assert_true(isfinite(evidence.log_evidence) && isfinite(evidence.error_simulated));
    assert_close(evidence.log_evidence, log_l[N - 1] - N / 2.0, 0, 500); /* sd of log X is 50 */
    assert_close(evidence.error_simulated, 50, 0.5, 0);
}

/* ---- live counts, threads ---- */

/* Recounts a run and its threads: counts as the bookkeeping had them; every thread's points are disjoint in
 * likelihood; `threads` of them. */
static void check_births(const perfect_plan *plan, uint64_t seed, int64_t threads)
{
    perfect_run run = perfect_make(plan, seed);
    mote_deaths deaths = perfect_deaths(&run);
    double *count = calloc((size_t)run.n, sizeof(double)), *thread = calloc((size_t)run.n, sizeof(double));
    int64_t found = 0;
    assert_status(mote_evidence_recount(deaths.log_likelihood, deaths.birth, deaths.from_prior, deaths.n, &memory,
                                        count), MOTE_OK);
    assert_same_bytes(count, deaths.live_count, (size_t)run.n * sizeof(double));
    assert_status(mote_evidence_threads(&deaths, &memory, thread, &found), MOTE_OK);
    assert_int_equal(found, threads);
    double *last = calloc((size_t)found, sizeof(double)), *seen = calloc((size_t)found, sizeof(double));
    for (int64_t i = 0; i < run.n; ++i) {
        int64_t t = (int64_t)thread[i];
        assert_true(t >= 0 && t < found && seen[t] == (deaths.from_prior[i] == 0));
        assert_true(!seen[t] || deaths.birth[i] >= last[t]);
        seen[t] = 1, last[t] = deaths.log_likelihood[i];
    }
    free(count), free(thread), free(last), free(seen);
    perfect_close(&run);
}

static void recount_is_the_bookkeeping(void **state)
{
    (void)state;
    check_births(&(perfect_plan){ perfect_ball, NULL, 50, 0, 1, 0 }, 1, 50);
    check_births(&(perfect_plan){ perfect_ball, NULL, 50, 0, 7, 0 }, 2, 50);
    check_births(&(perfect_plan){ perfect_ball, NULL, 50, 0, 49, 0 }, 3, 50);
    check_births(&(perfect_plan){ perfect_ball, NULL, 50, 500, 3, 0 }, 4, 500);
    check_births(&(perfect_plan){ perfect_cake, perfect_cake_contour, 80, 0, 5, 0 }, 5, 80);
    check_births(&(perfect_plan){ perfect_half_empty, perfect_half_empty_contour, 80, 0, 3, 0 }, 6, 80);
    check_births(&(perfect_plan){ perfect_half_empty, perfect_half_empty_contour, 80, 160, 1, 0 }, 7, 160);
}

/* Two prior points at L = 0 and one above; births at 0, at 1 (an extra one) and a thread that ends. */
static void threads_open_and_end(void **state)
{
    (void)state;
    double log_l[] = { -INFINITY, 1, 2, 3, 4, 5 }, birth[] = { -INFINITY, -INFINITY, -INFINITY, 1, 1, 3 };
    double prior[] = { 1, 1, 0, 0, 0, 0 }, count[6], thread[6], expected[] = { 2, 2, 3, 2, 2, 1 };
    double threads[] = { 0, 1, 0, 1, 2, 1 };
    mote_deaths deaths = { 6, log_l, birth, prior, count, 1 };
    int64_t found = 0;
    assert_status(mote_evidence_recount(log_l, birth, prior, 6, &memory, count), MOTE_OK);
    assert_same_bytes(count, expected, sizeof expected);
    assert_status(mote_evidence_threads(&deaths, &memory, thread, &found), MOTE_OK);
    assert_int_equal(found, 3);
    assert_same_bytes(thread, threads, sizeof threads);
}

/* ---- statistics of many runs ---- */

typedef struct spread {
    double n, sum, square;
} spread;

static void spread_add(spread *s, double x)
{
    s->n += 1, s->sum += x, s->square += x * x;
}

static double spread_mean(const spread *s)
{
    return s->sum / s->n;
}

static double spread_sd(const spread *s)
{
    return sqrt((s->square - s->sum * s->sum / s->n) / (s->n - 1));
}

typedef struct ensemble {
    spread log_z, simulated, bootstrap, pull, half, information;
} ensemble;

static ensemble repeat(const perfect_plan *plan, double truth, int runs, int64_t simulations, int64_t bootstraps)
{
    ensemble e = { 0 };
    for (int i = 0; i < runs; ++i) {
        perfect_run run = perfect_make(plan, 1000 + (uint64_t)i);
        mote_deaths deaths = perfect_deaths(&run);
        mote_evidence evidence = compute(&deaths, i, simulations, bootstraps);
        double error = fmax(evidence.error_simulated, evidence.error_bootstrap);
        spread_add(&e.log_z, evidence.log_evidence);
        spread_add(&e.simulated, evidence.error_simulated);
        spread_add(&e.bootstrap, evidence.error_bootstrap);
        spread_add(&e.pull, (evidence.log_evidence - truth) / hypot(error, evidence.error_tail));
        spread_add(&e.half, evidence.half_difference);
        spread_add(&e.information, evidence.information);
        perfect_close(&run);
    }
    print_message("log Z %.4f (true %.4f) sd %.4f, simulated %.4f, bootstrap %.4f, pull %.3f sd %.3f, half sd %.3f, "
                  "H %.3f\n", spread_mean(&e.log_z), truth, spread_sd(&e.log_z), spread_mean(&e.simulated),
                  spread_mean(&e.bootstrap), spread_mean(&e.pull), spread_sd(&e.pull), spread_sd(&e.half),
                  spread_mean(&e.information));
    return e;
}

/* In units of their standard deviations over fresh seeds (mean pull n^-1/2, sd of pulls and true spread (2n)^-1/2 of
 * themselves) all bands are 4 wide: five numbers of 6e-5 each, so a right program fails in 3e-4 of fresh ensembles.
 * With t drawn in the bootstrap its error would be 1.41 times the true spread, 16 of these units at 400 runs. */
static void check_ensemble(const ensemble *e)
{
    double mean = 4 / sqrt(e->pull.n), sd = 4 / sqrt(2 * e->pull.n);
    assert_true(fabs(spread_mean(&e->pull)) < mean);
    assert_close(spread_sd(&e->pull), 1, sd, 0);
    assert_close(spread_mean(&e->simulated), spread_sd(&e->log_z), sd, 0);
    assert_close(spread_mean(&e->bootstrap), spread_sd(&e->log_z), sd, 0);
    assert_close(spread_sd(&e->half), 1, sd + 0.05, 0); /* .05: the error itself is estimated, 60 replicates */
    assert_true(fabs(spread_mean(&e->half)) < mean);
}

static void gaussian_pulls(void **state)
{
    (void)state;
    double truth = perfect_ball_logz();
    ensemble e = repeat(&(perfect_plan){ perfect_ball, NULL, 100, 0, 1, 0 }, truth, 400, 60, 60);
    check_ensemble(&e);
    assert_close(spread_mean(&e.information), -2.5 - truth, 0, 0.15);
    assert_close(spread_mean(&e.simulated), sqrt((-2.5 - truth) / 100), 0.05, 0);
}

static void several_deaths_pulls(void **state)
{
    (void)state;
    ensemble e = repeat(&(perfect_plan){ perfect_ball, NULL, 100, 0, 25, 0 }, perfect_ball_logz(), 200, 60, 60);
    check_ensemble(&e);
}

static void more_prior_draws_pulls(void **state)
{
    (void)state;
    ensemble e = repeat(&(perfect_plan){ perfect_ball, NULL, 60, 600, 1, 0 }, perfect_ball_logz(), 200, 60, 60);
    check_ensemble(&e);
}

static void wedding_cake_pulls(void **state)
{
    (void)state;
    double z = 0;
    for (int i = 0; i < 60; ++i)
        z += exp2(-i - 1) * exp(perfect_cake(exp2(-i)));
    assert_close(log(z), -0.481122, 0, 5e-7);
    ensemble e = repeat(&(perfect_plan){ perfect_cake, perfect_cake_contour, 100, 0, 5, 0 }, log(z), 200, 60, 60);
    check_ensemble(&e);
}

static void half_empty_pulls(void **state)
{
    (void)state;
    double truth = perfect_ball_logz() - log(2);
    perfect_plan plan = { perfect_half_empty, perfect_half_empty_contour, 100, 0, 5, 0 };
    ensemble e = repeat(&plan, truth, 200, 60, 60);
    check_ensemble(&e);
}

/* ---- relations between runs ---- */

/* All points of two runs in order of likelihood, recounted. */
static perfect_run merge(const perfect_run *a, const perfect_run *b)
{
    perfect_run both = { .live = a->live + b->live };
    for (int64_t i = 0, j = 0; i < a->n || j < b->n;) {
        int first = j == b->n || (i < a->n && a->log_likelihood[i] <= b->log_likelihood[j]);
        const perfect_run *from = first ? a : b;
        int64_t at = first ? i++ : j++;
        perfect_record(&both, from->log_likelihood[at], from->birth[at], from->from_prior[at], 0);
    }
    assert_status(mote_evidence_recount(both.log_likelihood, both.birth, both.from_prior, both.n, &memory,
                                        both.live_count), MOTE_OK);
    return both;
}

/* A run of 100 merged with one of 50 is a run of 150: counts, pulls, and errors smaller by sqrt(2/3). Bands as above
 * for 200 merged runs: false alarm 3e-4. */
static void merged_runs_are_one_run(void **state)
{
    (void)state;
    ensemble e = { 0 };
    double truth = perfect_ball_logz();
    for (uint64_t i = 0; i < 200; ++i) {
        perfect_run a = perfect_make(&(perfect_plan){ perfect_ball, NULL, 100, 0, 5, 0 }, 5000 + i);
        perfect_run b = perfect_make(&(perfect_plan){ perfect_ball, NULL, 50, 0, 1, 0 }, 9000 + i), ab = merge(&a, &b);
        mote_deaths deaths = perfect_deaths(&ab);
        int64_t middle = ab.n / 2;
        assert_true(ab.live_count[0] == 150 && ab.live_count[ab.n - 1] == 1);
        assert_true(ab.live_count[middle] >= 145 && ab.live_count[middle] <= 150);
        mote_evidence evidence = compute(&deaths, (int64_t)i, 60, 60);
        spread_add(&e.simulated, evidence.error_simulated);
        spread_add(&e.bootstrap, evidence.error_bootstrap);
        spread_add(&e.pull, (evidence.log_evidence - truth) / fmax(evidence.error_simulated, evidence.error_bootstrap));
        perfect_close(&a), perfect_close(&b), perfect_close(&ab);
    }
    assert_true(fabs(spread_mean(&e.pull)) < 0.283);
    assert_close(spread_sd(&e.pull), 1, 0.2, 0);
    assert_close(spread_mean(&e.simulated), sqrt((-2.5 - truth) / 150), 0.05, 0);
    assert_close(spread_mean(&e.bootstrap), sqrt((-2.5 - truth) / 150), 0.1, 0);
}

/* Labels within a stratum are names: renamed threads give the bootstrap other resamples of the same law. The sd over
 * 2000 replicates is good to 1.6 %, two of them agree within 9 % but for 6e-5 of fresh seeds. */
static void labels_of_threads_do_not_matter(void **state)
{
    (void)state;
    perfect_run run = perfect_make(&(perfect_plan){ perfect_ball, NULL, 40, 0, 4, 0 }, 11);
    mote_deaths deaths = perfect_deaths(&run);
    mote_source source = source_of(3);
    mote_volumes volumes;
    double *thread = calloc((size_t)run.n, sizeof(double)), error[2], half[2];
    int64_t threads = 0;
    assert_status(mote_volumes_open(&volumes, &deaths, &memory), MOTE_OK);
    assert_status(mote_evidence_threads(&deaths, &memory, thread, &threads), MOTE_OK);
    assert_int_equal(threads, 40);
    for (int renamed = 0; renamed < 2; ++renamed) {
        assert_status(mote_bootstrap(&volumes, thread, threads, &source, 2000, &memory, &error[renamed],
                                     &half[renamed]), MOTE_OK);
        for (int64_t i = 0; i < run.n; ++i)
            thread[i] = (double)(((int64_t)thread[i] * 7 + 3) % threads);
    }
    assert_true(error[0] != error[1] && half[0] != half[1]);
    assert_close(error[0], error[1], 0.09, 0);
    mote_volumes_close(&volumes, &memory);
    free(thread);
    perfect_close(&run);
}

static void same_bytes_every_time(void **state)
{
    (void)state;
    perfect_run run = perfect_make(&(perfect_plan){ perfect_half_empty, perfect_half_empty_contour, 50, 0, 3, 0 }, 4);
    mote_deaths deaths = perfect_deaths(&run);
    mote_evidence a = compute(&deaths, 5, 50, 50), b = compute(&deaths, 5, 50, 50), c = compute(&deaths, 6, 50, 50);
    assert_same_bytes(&a, &b, sizeof a);
    assert_true(a.log_evidence != c.log_evidence && a.error_bootstrap != c.error_bootstrap);
    perfect_close(&run);
}

/* Over many simulations the mean log Z approaches that of mean volumes but for curvature, and mean weights their
 * values at mean volumes: 4 sd of the mean of 4000, and the second order H/(2n). */
static void simulations_centre_on_the_mean(void **state)
{
    (void)state;
    perfect_run run = perfect_make(&(perfect_plan){ perfect_ball, NULL, 400, 0, 10, 0 }, 8);
    mote_deaths deaths = perfect_deaths(&run);
    mote_evidence evidence = compute(&deaths, 2, 4000, 2);
    double mean = mote_evidence_mean(&deaths, NULL);
    assert_close(evidence.log_evidence, mean, 0, 4 * evidence.error_simulated / sqrt(4000) + 6.0 / 800);
    perfect_close(&run);
}

/* Fed death by death: the final sum less the last point's X_N L_N, as long as there is no plateau. */
static void running_sum_is_the_final_sum(void **state)
{
    (void)state;
    perfect_run run = perfect_make(&(perfect_plan){ perfect_ball, NULL, 50, 0, 3, 0 }, 21);
    mote_deaths deaths = perfect_deaths(&run);
    mote_running_evidence running;
    double *weight = calloc((size_t)run.n, sizeof(double)), h = 0;
    mote_running_evidence_start(&running);
    for (int64_t i = 0; i < run.n; ++i)
        mote_running_evidence_add(&running, run.log_likelihood[i], run.live_count[i]);
    double z = mote_evidence_mean(&deaths, weight), last = running.log_x + run.log_likelihood[run.n - 1];
    for (int64_t i = 0; i < run.n; ++i)
        h += exp(weight[i]) * (run.log_likelihood[i] - z);
    assert_close(log(exp(running.log_z - z) + exp(last - z)), 0, 0, 1e-12);
    assert_close(running.information, h, 0, 1e-3);
    assert_int_equal(running.deaths, run.n);
    free(weight);
    perfect_close(&run);
}

/* ---- memory ---- */

static int64_t allowed, held;

static void *scarce_allocate(void *ctx, size_t size)
{
    (void)ctx;
    if (allowed-- <= 0)
        return NULL;
    ++held;
    return malloc(size);
}

static void *scarce_resize(void *ctx, void *block, size_t size)
{
    (void)ctx;
    return allowed-- <= 0 ? NULL : realloc(block, size);
}

static void scarce_release(void *ctx, void *block)
{
    (void)ctx;
    held -= block != NULL;
    free(block);
}

static void every_failed_allocation_is_reported(void **state)
{
    (void)state;
    static const mote_allocator scarce = { MOTE_VERSIONED(mote_allocator), scarce_allocate, scarce_resize,
                                           scarce_release, NULL };
    mote_memory few;
    assert_status(mote_memory_open(&few, &scarce), MOTE_OK);
    perfect_run run = perfect_make(&(perfect_plan){ perfect_ball, NULL, 10, 0, 1, 0 }, 1);
    mote_deaths deaths = perfect_deaths(&run);
    mote_source source = source_of(1);
    mote_evidence evidence;
    double *weight = calloc((size_t)run.n, sizeof(double)), *thread = calloc((size_t)run.n, sizeof(double));
    int status = MOTE_ENOMEM;
    int64_t limit = 0;
    for (; status == MOTE_ENOMEM && limit < ROOM; ++limit) {
        allowed = limit;
        status = mote_evidence_compute(&deaths, &source, 10, 10, &few, weight, thread, &evidence);
        assert_int_equal(held, 0);
    }
    assert_status(status, MOTE_OK);
    assert_true(limit > 10);
    for (limit = 0; limit < 3; ++limit) {
        allowed = limit;
        assert_status(mote_evidence_recount(deaths.log_likelihood, deaths.birth, deaths.from_prior, deaths.n, &few,
                                            weight), MOTE_ENOMEM);
        assert_int_equal(held, 0);
    }
    free(weight), free(thread);
    perfect_close(&run);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(two_deaths_by_hand),
        cmocka_unit_test(plateau_by_hand),
        cmocka_unit_test(one_death_is_its_likelihood),
        cmocka_unit_test(nothing_has_no_evidence),
        cmocka_unit_test(constant_likelihood_is_exact),
        cmocka_unit_test(nothing_overflows),
        cmocka_unit_test(recount_is_the_bookkeeping),
        cmocka_unit_test(threads_open_and_end),
        cmocka_unit_test(gaussian_pulls),
        cmocka_unit_test(several_deaths_pulls),
        cmocka_unit_test(more_prior_draws_pulls),
        cmocka_unit_test(wedding_cake_pulls),
        cmocka_unit_test(half_empty_pulls),
        cmocka_unit_test(merged_runs_are_one_run),
        cmocka_unit_test(labels_of_threads_do_not_matter),
        cmocka_unit_test(same_bytes_every_time),
        cmocka_unit_test(simulations_centre_on_the_mean),
        cmocka_unit_test(running_sum_is_the_final_sum),
        cmocka_unit_test(every_failed_allocation_is_reported),
    };
    mote_memory_open(&memory, NULL);
    return run_unit_tests(tests);
}
