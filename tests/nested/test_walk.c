/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The random walk above a contour: uniform start, uniform end (chi-square, false alarm 1e-4 for each of four sets;
 * seeds are fixed), and no chain returns its start point. Planted bug: walk_start_point.patch. */
#include <mote/status.h>

#include "tests/nested/reference.h"
#include "tests/nested/sets.h"
#include "tests/support/test.h"

enum { SURVIVORS = 60, TRIALS = 20000 };

static void freeze_on(reference *r, set_function set, mote_stream *stream)
{
    mote_source at = mote_source_at(&r->source, MOTE_PURPOSE_USER, 0, 0);
    *stream = mote_stream_open(&at, 0);
    for (int64_t i = 0; i < SURVIVORS; ++i)
        set_draw(set, stream, r->cube + 2 * i);
    assert_status(mote_sampler_freeze(r->sampler, r->cube, r->log_likelihood, SURVIVORS, -0.5, -2, &r->source, 0),
                  MOTE_OK);
}

static void chains_leave_the_uniform_law_alone(void **state)
{
    (void)state;
    static const struct {
        set_function set;
        int64_t periodic;
    } sets[] = { { in_banana, 0 }, { in_islands, 0 }, { in_wrapped, 1 }, { in_corner, 0 } };
    mote_nested_options options = reference_options(SURVIVORS);
    options.step = MOTE_STEP_WALK;
    for (size_t s = 0; s < 4; ++s) {
        mote_parameter parameters[2];
        set_function set = sets[s].set;
        mote_target target = set_target(&set, parameters, sets[s].periodic);
        mote_stream stream;
        reference r;
        assert_status(reference_open(&r, &target, &options, 5), MOTE_OK);
        freeze_on(&r, set, &stream);
        set_counts counts = { .n = 0 };
        for (uint64_t i = 0; i < TRIALS; ++i) {
            mote_sampler_begin(r.sampler, 0, i);
            mote_birth_chain *chain = mote_birth_chain_at(r.sampler, 0);
            set_draw(set, &stream, chain->x);
            chain->moves = 1; /* a walk that stays is as uniform as one that moves */
            assert_status(reference_chain(&r, 0), MOTE_OK);
            set_count(&counts, mote_sampler_birth(r.sampler, 0).cube);
        }
        reference_close(&r);
        assert_true(set_p_value(&counts, set) >= 1e-4);
    }
}

/* Far too large steps: most walks of a few proposals stay where they are, and must go on. */
static void no_walk_returns_its_start(void **state)
{
    (void)state;
    mote_parameter parameters[2];
    set_function set = in_banana;
    mote_target target = set_target(&set, parameters, 0);
    mote_nested_options options = reference_options(SURVIVORS);
    options.step = MOTE_STEP_WALK;
    options.steps = 3;
    mote_stream stream;
    reference r;
    assert_status(reference_open(&r, &target, &options, 6), MOTE_OK);
    freeze_on(&r, set, &stream);
    r.sampler->scale = 5;
    for (uint64_t i = 0; i < 1000; ++i) {
        mote_sampler_begin(r.sampler, 0, i);
        assert_status(reference_chain(&r, 0), MOTE_OK);
        mote_birth birth = mote_sampler_birth(r.sampler, 0);
        assert_true(birth.cube[0] != r.cube[2 * birth.parent] || birth.cube[1] != r.cube[2 * birth.parent + 1]);
    }
    reference_close(&r);
}

int main(void)
{
    const struct CMUnitTest tests[] = { cmocka_unit_test(chains_leave_the_uniform_law_alone),
                                        cmocka_unit_test(no_walk_returns_its_start) };
    return run_unit_tests(tests);
}
