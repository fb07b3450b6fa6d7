/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Slice sampling above a contour. Invariance: a point uniform on a set, moved by chains whose frozen survivors are
 * independent of it, is uniform on the set. Chi-square on a grid; a false alarm at 1e-4 for each of the 40 cases, so
 * 0.4 % for the program with fresh seeds; seeds are fixed. Planted bugs that turn it red: slice_shrink.patch,
 * slice_step_out.patch. */
#include <mote/status.h>

#include "tests/nested/reference.h"
#include "tests/nested/sets.h"
#include "tests/support/test.h"

enum { SURVIVORS = 60, TRIALS = 20000 };

/* Moves TRIALS uniform points by chains of `steps`; the p-value that they are still uniform. */
static double moved_p_value(set_function set, const mote_nested_options *options, int64_t periodic, int64_t seed)
{
    mote_parameter parameters[2];
    mote_target target = set_target(&set, parameters, periodic);
    reference r;
    assert_status(reference_open(&r, &target, options, seed), MOTE_OK);
    mote_source at = mote_source_at(&r.source, MOTE_PURPOSE_USER, 0, 0);
    mote_stream stream = mote_stream_open(&at, 0);
    for (int64_t i = 0; i < SURVIVORS; ++i) {
        set_draw(set, &stream, r.cube + 2 * i);
        r.log_likelihood[i] = 0;
    }
    assert_status(mote_sampler_freeze(r.sampler, r.cube, r.log_likelihood, SURVIVORS, -0.5, -2, &r.source, 0),
                  MOTE_OK);
    set_counts counts = { .n = 0 };
    for (uint64_t i = 0; i < TRIALS; ++i) {
        mote_sampler_begin(r.sampler, 0, i);
        set_draw(set, &stream, mote_birth_chain_at(r.sampler, 0)->x);
        assert_status(reference_chain(&r, 0), MOTE_OK);
        set_count(&counts, mote_sampler_birth(r.sampler, 0).cube);
    }
    reference_close(&r);
    return set_p_value(&counts, set);
}

static mote_nested_options slice_options(int64_t direction, int64_t step_out, int64_t steps)
{
    mote_nested_options options = reference_options(SURVIVORS);
    options.step = MOTE_STEP_SLICE;
    options.direction = direction;
    options.step_out = step_out;
    options.steps = steps;
    return options;
}

static void chains_leave_the_uniform_law_alone(void **state)
{
    (void)state;
    static const struct {
        set_function set;
        int64_t periodic;
    } sets[] = { { in_banana, 0 }, { in_islands, 0 }, { in_wrapped, 1 }, { in_corner, 0 } };
    for (int64_t direction = MOTE_DIRECTION_MIXTURE; direction <= MOTE_DIRECTION_AXIS; ++direction)
        for (int64_t step_out = 0; step_out <= 3; step_out += 3)
            for (size_t s = 0; s < 4; ++s) {
                mote_nested_options options = slice_options(direction, step_out, step_out ? 1 : 2);
                double p = moved_p_value(sets[s].set, &options, sets[s].periodic, 11);
                if (p < 1e-4)
                    print_error("direction %d, step_out %d, set %d: p %g\n", (int)direction, (int)step_out, (int)s, p);
                assert_true(p >= 1e-4);
            }
}

/* A narrow width shows what a limit on stepping out does at the edges: the interval is mostly made of steps. */
static void the_limit_on_stepping_out_is_split_at_random(void **state)
{
    (void)state;
    mote_parameter parameters[2];
    set_function set = in_corner;
    mote_target target = set_target(&set, parameters, 0);
    mote_nested_options options = slice_options(MOTE_DIRECTION_AXIS, 4, 1);
    reference r;
    assert_status(reference_open(&r, &target, &options, 3), MOTE_OK);
    mote_source at = mote_source_at(&r.source, MOTE_PURPOSE_USER, 0, 0);
    mote_stream stream = mote_stream_open(&at, 0);
    for (int64_t i = 0; i < SURVIVORS; ++i)
        set_draw(set, &stream, r.cube + 2 * i);
    mote_sampler_freeze(r.sampler, r.cube, r.log_likelihood, SURVIVORS, -0.5, -2, &r.source, 0);
    r.sampler->width[MOTE_SLICE_AXIS] = 0.3;
    set_counts counts = { .n = 0 };
    for (uint64_t i = 0; i < 4 * TRIALS; ++i) {
        mote_sampler_begin(r.sampler, 0, i);
        set_draw(set, &stream, mote_birth_chain_at(r.sampler, 0)->x);
        assert_status(reference_chain(&r, 0), MOTE_OK);
        set_count(&counts, mote_sampler_birth(r.sampler, 0).cube);
    }
    reference_close(&r);
    assert_true(set_p_value(&counts, in_corner) >= 1e-4);
}

/* A likelihood above the contour at single points only: every slice shrinks onto its start. */
static int nowhere(void *ctx, const double *x, double *log_likelihood, double *derived)
{
    (void)ctx, (void)x, (void)derived;
    *log_likelihood = -1;
    return 0;
}

static void a_chain_that_collapses_is_an_error_not_a_copy(void **state)
{
    (void)state;
    mote_parameter parameters[2];
    set_function set = in_corner;
    mote_target target = set_target(&set, parameters, 0);
    target.log_likelihood_point = nowhere;
    mote_nested_options options = slice_options(MOTE_DIRECTION_MIXTURE, 0, 0);
    reference r;
    assert_status(reference_open(&r, &target, &options, 3), MOTE_OK);
    mote_source at = mote_source_at(&r.source, MOTE_PURPOSE_USER, 0, 0);
    mote_stream stream = mote_stream_open(&at, 0);
    for (int64_t i = 0; i < SURVIVORS; ++i)
        set_draw(set, &stream, r.cube + 2 * i);
    mote_sampler_freeze(r.sampler, r.cube, r.log_likelihood, SURVIVORS, -0.5, -2, &r.source, 0);
    mote_sampler_begin(r.sampler, 0, 0);
    assert_status(reference_chain(&r, 0), MOTE_ENUMERIC);
    assert_non_null(strstr(r.message.text, "collapsed"));
    assert_true(mote_birth_chain_at(r.sampler, 0)->collapsed > 0);
    reference_close(&r);
}

int main(void)
{
    const struct CMUnitTest tests[] = { cmocka_unit_test(chains_leave_the_uniform_law_alone),
                                        cmocka_unit_test(the_limit_on_stepping_out_is_split_at_random),
                                        cmocka_unit_test(a_chain_that_collapses_is_an_error_not_a_copy) };
    return run_unit_tests(tests);
}
