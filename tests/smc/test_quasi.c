/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Quasi-Monte Carlo points: the curve is a path through all cells, a shifted net has one point in each interval, the
 * inverse distribution function runs along sorted particles, and the evidence of case A converges at its known rate.
 * Seeds are fixed; the evidence stands within 5 standard errors (false alarm 6e-7), and the rate of 200 replicates has
 * an error of .05 where the bound leaves .3. */
#include <mote/filter.h>
#include <stdlib.h>

#include "smc/quasi.h"
#include "tests/support/filter_bench.h"
#include "tests/support/state_space_models.h"
#include "tests/support/test.h"

static void curve_visits_every_cell(void **unused)
{
    static const int64_t shapes[][2] = { { 1, 6 }, { 2, 4 }, { 3, 3 }, { 4, 2 } };
    (void)unused;
    for (int s = 0; s < 4; ++s) {
        const int64_t d = shapes[s][0], bits = shapes[s][1], cells = (int64_t)1 << (d * bits);
        int *at = calloc((size_t)cells, (size_t)d * sizeof *at);
        for (int64_t c = 0; c < cells; ++c) {
            uint32_t cell[4];
            for (int64_t k = 0; k < d; ++k)
                cell[k] = (uint32_t)(c >> (k * bits)) & ((1u << bits) - 1);
            const int64_t index = (int64_t)mote_hilbert_index(cell, d, bits);
            assert_in_range(index, 0, cells - 1);
            for (int64_t k = 0; k < d; ++k)
                at[index * d + k] += 1 + (int)((c >> (k * bits)) & ((1 << bits) - 1));
        }
        for (int64_t i = 0; i + 1 < cells; ++i) { /* each cell once, and neighbours follow each other */
            int distance = 0;
            for (int64_t k = 0; k < d; ++k)
                distance += abs(at[i * d + k] - at[(i + 1) * d + k]);
            assert_int_equal(distance, 1);
        }
        free(at);
    }
}

static void nets_have_one_point_in_each_interval(void **unused)
{
    mote_memory memory;
    mote_message message;
    mote_quasi quasi;
    (void)unused;
    mote_memory_open(&memory, NULL);
    assert_status(mote_quasi_open(&quasi, 256, 3, &memory, &message), MOTE_OK);
    for (uint32_t step = 0; step < 5; ++step) {
        mote_source source = mote_source_live(17);
        source.step = step;
        assert_status(mote_quasi_points(&quasi, &source), MOTE_OK);
        for (int64_t k = 0; k < 3; ++k) {
            int seen[256] = { 0 };
            for (int64_t i = 0; i < 256; ++i)
                ++seen[(int)(quasi.uniform[k][i] * 256)];
            for (int64_t i = 0; i < 256; ++i)
                assert_int_equal(seen[i], 1);
        }
        for (int64_t i = 0; i < 256; ++i)
            assert_int_equal((int)(quasi.first[i] * 256), i);
    }
    mote_quasi_close(&quasi, &memory);
    assert_status(mote_quasi_open(&quasi, 100, 1, &memory, &message), MOTE_EOPTION);
    assert_non_null(strstr(message.text, "power of two"));
    assert_status(mote_quasi_open(&quasi, 64, 40, &memory, &message), MOTE_EOPTION);
}

static void ancestors_follow_the_sorted_weights(void **unused)
{
    static const double x[8] = { 5, 1, 4, 2, 8, 7, 3, 6 }, weight[8] = { 0, 1, 1, 0, 4, 0, 1, 1 }, factor = 1;
    static const int32_t expected[8] = { 1, 6, 2, 7, 4, 4, 4, 4 }; /* by value: 1 (w 1), 3, 4, 6, then 8 (w 4) */
    double *state[1] = { (double *)x };
    int32_t ancestor[8];
    mote_memory memory;
    mote_message message;
    mote_quasi quasi;
    mote_source source = mote_source_live(3);
    (void)unused;
    mote_memory_open(&memory, NULL);
    assert_status(mote_quasi_open(&quasi, 8, 1, &memory, &message), MOTE_OK);
    assert_status(mote_quasi_points(&quasi, &source), MOTE_OK);
    mote_quasi_ancestors(&quasi, state, weight, &factor, ancestor);
    assert_same_bytes(ancestor, expected, sizeof expected);
    mote_quasi_close(&quasi, &memory);
}

/* Mean square error of log Z over replicates, and the mean ratio of Z with its error. */
static double mean_square(const mote_ssm *model, int64_t n, int replicates, double truth, double *ratio, double *error)
{
    const mote_filter_setup setup = { .particles = n, .quasi = 1 };
    filter_bench b;
    double sum = 0, mean = 0, square = 0;
    open_bench(&b, model, setup);
    for (int r = 0; r < replicates; ++r) {
        const mote_source source = mote_source_live(mote_source_key(11, r));
        const double log_evidence = run_bench(&b, &source), z = exp(log_evidence - truth);
        sum += (log_evidence - truth) * (log_evidence - truth) / replicates;
        mean += z / replicates;
        square += z * z / replicates;
    }
    *ratio = mean;
    *error = sqrt((square - mean * mean) / (replicates - 1));
    close_bench(&b);
    return sum;
}

static void evidence_converges_faster_than_random(void **unused)
{
    double ratio, error;
    (void)unused;
    const double few = mean_square(&linear_gaussian_a, 64, 200, LINEAR_GAUSSIAN_A_LOG_EVIDENCE, &ratio, &error);
    assert_close(ratio, 1, 0, 5 * error);
    const double many = mean_square(&linear_gaussian_a, 1024, 200, LINEAR_GAUSSIAN_A_LOG_EVIDENCE, &ratio, &error);
    assert_close(ratio, 1, 0, 5 * error);
    print_message("mean square of log Z: %.2e at 64, %.2e at 1024, slope %.2f\n", few, many,
                  log(many / few) / log(16.0));
    assert_true(log(many / few) / log(16.0) < -1.8);
}

/* ---- two coordinates: twice case A ---- */

static int pair_map(void *ctx, const mote_block *block, const double *const *uniform)
{
    int status = 0;
    for (int k = 0; k < 2 && !status; ++k) {
        mote_block one = *block;
        one.state = block->state + k;
        one.previous = block->previous ? block->previous + k : NULL;
        status = linear_gaussian_a.transition_map(ctx, &one, uniform + k);
    }
    return status;
}

static int pair_log_potential(void *ctx, const mote_block *block)
{
    double second[1024];
    mote_block one = *block;
    int status = linear_gaussian_a.log_potential(ctx, block);
    one.state = block->state + 1;
    one.log_weight = second;
    status = status ? status : linear_gaussian_a.log_potential(ctx, &one);
    for (int64_t i = 0; i < block->n; ++i)
        block->log_weight[i] += second[i];
    return status;
}

static void hilbert_sorted_states_work(void **unused)
{
    static const char *const names[] = { "x1", "x2" };
    mote_ssm pair = linear_gaussian_a;
    double ratio, error;
    (void)unused;
    pair.states = names;
    pair.state_count = 2;
    pair.initial_map = pair.transition_map = pair_map;
    pair.log_potential = pair_log_potential;
    const double square = mean_square(&pair, 1024, 40, 2 * LINEAR_GAUSSIAN_A_LOG_EVIDENCE, &ratio, &error);
    assert_close(ratio, 1, 0, 5 * error);
    print_message("two coordinates, mean square of log Z at 1024: %.2e\n", square);
    assert_true(square < 0.02); /* random numbers: twice 2.6e-2 */
}

static void what_it_needs_is_named(void **unused)
{
    mote_filter_options options = { .head = MOTE_VERSIONED(mote_filter_options), .particles = 64,
                                    .points = MOTE_POINTS_SOBOL };
    mote_run *run = NULL;
    (void)unused;
    assert_status(mote_run_open(&run, mote_filter, &toy_d, &options), MOTE_EUNSUPPORTED);
    assert_non_null(strstr(mote_run_message(run), "needs initial_map"));
    mote_run_close(&run);
    options.proposal = MOTE_PROPOSAL_GUIDED;
    assert_status(mote_run_open(&run, mote_filter, &linear_gaussian_a, &options), MOTE_EUNSUPPORTED);
    mote_run_close(&run);
    options.proposal = 0;
    options.resampling = MOTE_RESAMPLE_MULTINOMIAL;
    assert_status(mote_run_open(&run, mote_filter, &linear_gaussian_a, &options), MOTE_EUNSUPPORTED);
    assert_non_null(strstr(mote_run_message(run), "option resampling has no meaning"));
    mote_run_close(&run);
    options.resampling = 0;
    options.resample = MOTE_RULE_NEVER;
    assert_status(mote_run_open(&run, mote_filter, &linear_gaussian_a, &options), MOTE_EUNSUPPORTED);
    assert_non_null(strstr(mote_run_message(run), "resample = never"));
    mote_run_close(&run);
    options.resample = 0;
    options.look_ahead = MOTE_LOOK_AHEAD_ON;
    assert_status(mote_run_open(&run, mote_filter, &linear_gaussian_a, &options), MOTE_EUNSUPPORTED);
    assert_non_null(strstr(mote_run_message(run), "look_ahead = on"));
    mote_run_close(&run);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(curve_visits_every_cell),
        cmocka_unit_test(nets_have_one_point_in_each_interval),
        cmocka_unit_test(ancestors_follow_the_sorted_weights),
        cmocka_unit_test(evidence_converges_faster_than_random),
        cmocka_unit_test(hilbert_sorted_states_work),
        cmocka_unit_test(what_it_needs_is_named),
    };
    return run_unit_tests(tests);
}
