/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Opaque states: the model of case A whose particles are objects of its own, behind handles, that remember their whole
 * path. Against the same model on columns: the same evidence, to the bit, for any number of resamplings; no object is
 * lost or given up twice; checkpoints carry the objects; without pack they are refused by name. */
#include <mote/filter.h>
#include <mote/iterated_filtering.h>
#include <mote/paris.h>
#include <mote/particle_gibbs.h>
#include <mote/ppg.h>
#include <stdlib.h>

#include "tests/support/filter_bench.h"
#include "tests/support/state_space_models.h"
#include "tests/support/test.h"

enum { OBJECTS = 4096, LONGEST = 64 };

typedef struct object {
    int used, length;
    double path[LONGEST];
} object;

static object objects[OBJECTS];
static int alive, faults;

static int take(void)
{
    for (int i = 0; i < OBJECTS; ++i)
        if (!objects[i].used) {
            objects[i] = (object){ .used = 1 };
            ++alive;
            return i;
        }
    ++faults;
    return 0;
}

static void give_up(double handle)
{
    object *o = &objects[(int)handle];
    faults += !o->used;
    o->used = 0;
    --alive;
}

/* The plain model moves `x`; the object keeps it. */
static int call_plain(const mote_block *block, mote_source *source, int first)
{
    double previous[OBJECTS], state[OBJECTS];
    const double *before[1] = { previous };
    double *after[1] = { state };
    mote_block plain = *block;
    for (int64_t i = 0; !first && i < block->n; ++i) {
        const object *o = &objects[(int)block->state[0][i]];
        previous[i] = o->path[o->length - 1];
    }
    plain.previous = first ? NULL : before;
    plain.state = after;
    int status = first ? linear_gaussian_a.initial(NULL, &plain, source) : linear_gaussian_a.transition(NULL, &plain,
                                                                                                        source);
    for (int64_t i = 0; i < block->n; ++i) {
        if (first)
            block->state[0][i] = take();
        object *o = &objects[(int)block->state[0][i]];
        o->path[o->length++] = state[i];
    }
    return status;
}

static int opaque_initial(void *ctx, const mote_block *block, mote_source *source)
{
    (void)ctx;
    return call_plain(block, source, 1);
}

static int opaque_transition(void *ctx, const mote_block *block, mote_source *source)
{
    (void)ctx;
    faults += block->previous != NULL;
    return call_plain(block, source, 0);
}

static int opaque_log_potential(void *ctx, const mote_block *block)
{
    double state[OBJECTS];
    double *column[1] = { state };
    mote_block plain = *block;
    for (int64_t i = 0; i < block->n; ++i) {
        const object *o = &objects[(int)block->state[0][i]];
        faults += o->length != block->step + 1;
        state[i] = o->path[o->length - 1];
    }
    plain.state = column;
    return linear_gaussian_a.log_potential(ctx, &plain);
}

static int opaque_fork(void *ctx, const mote_block *block, const int32_t *ancestor)
{
    (void)ctx;
    for (int64_t i = 0; i < block->n; ++i) {
        const int copy = take();
        objects[copy] = objects[(int)block->previous[0][ancestor[i]]];
        block->state[0][i] = copy;
    }
    for (int64_t i = 0; i < block->n; ++i)
        give_up(block->previous[0][i]);
    return 0;
}

static void opaque_drop(void *ctx, const double *handle, int64_t n)
{
    (void)ctx;
    for (int64_t i = 0; i < n; ++i)
        give_up(handle[i]);
}

static int64_t opaque_pack(void *ctx, double handle, void *bytes, int64_t room)
{
    const object *o = &objects[(int)handle];
    const int64_t size = o->length * (int64_t)sizeof(double);
    (void)ctx;
    if (room >= size)
        memcpy(bytes, o->path, (size_t)size);
    return size;
}

static int opaque_unpack(void *ctx, const void *bytes, int64_t size, double *handle)
{
    const int fresh = take();
    (void)ctx;
    objects[fresh].length = (int)(size / (int64_t)sizeof(double));
    memcpy(objects[fresh].path, bytes, (size_t)size);
    *handle = fresh;
    return 0;
}

static mote_ssm opaque(void)
{
    mote_ssm model = linear_gaussian_a;
    model.initial = opaque_initial;
    model.transition = opaque_transition;
    model.log_potential = opaque_log_potential;
    model.fork = opaque_fork;
    model.drop = opaque_drop;
    model.pack = opaque_pack;
    model.unpack = opaque_unpack;
    model.flags = 0;
    return model;
}

static const int64_t PARTICLES = 1500; /* more than a block of columns */

static mote_filter_options usual(void)
{
    return (mote_filter_options){ .head = MOTE_VERSIONED(mote_filter_options), .particles = PARTICLES, .seed = 8 };
}

static void the_same_filter_behind_handles(void **unused)
{
    const mote_ssm model = opaque();
    mote_filter_options options = usual();
    (void)unused;
    for (options.resample = MOTE_RULE_ESS; options.resample <= MOTE_RULE_ALWAYS; ++options.resample) {
        mote_run *plain = open_filter_run(&linear_gaussian_a, &options), *run = open_filter_run(&model, &options);
        assert_status(mote_run_finish(plain), MOTE_OK);
        assert_status(mote_run_finish(run), MOTE_OK);
        assert_true(mote_filter_log_evidence(run) == mote_filter_log_evidence(plain));
        for (int64_t i = 0; i < PARTICLES; ++i) {
            const object *o = &objects[(int)mote_filter_state(run, 0)[i]];
            assert_int_equal(o->length, 50);
            assert_true(o->path[49] == mote_filter_state(plain, 0)[i]);
        }
        assert_int_equal(alive, PARTICLES);
        mote_run_close(&run);
        mote_run_close(&plain);
        assert_int_equal(alive, 0);
        assert_int_equal(faults, 0);
    }
}

static void checkpoints_carry_objects(void **unused)
{
    const mote_ssm model = opaque();
    const mote_filter_options options = usual();
    const char *path = "test_opaque.checkpoint";
    (void)unused;
    mote_run *whole = open_filter_run(&linear_gaussian_a, &options), *run = open_filter_run(&model, &options);
    assert_status(mote_run_finish(whole), MOTE_OK);
    for (int t = 0; t < 50; ++t) {
        assert_true(mote_run_step(run) <= MOTE_DONE);
        if (t % 7)
            continue;
        assert_status(mote_run_save(run, path), MOTE_OK);
        mote_run_close(&run);
        run = open_filter_run(&model, &options);
        assert_status(mote_run_load(run, path), MOTE_OK);
    }
    assert_true(mote_filter_log_evidence(run) == mote_filter_log_evidence(whole));
    mote_run_close(&run);
    mote_run_close(&whole);
    remove(path);
    assert_int_equal(alive, 0);
    assert_int_equal(faults, 0);
}

static int fails_at_seven(void *ctx, const mote_block *block)
{
    const int status = opaque_log_potential(ctx, block);
    return block->step == 7 ? 3 : status;
}

/* What a failed step has used up is not saved again, neither by hand nor on the way out. */
static void failed_steps_leave_nothing_to_save(void **unused)
{
    mote_ssm model = opaque();
    mote_filter_options options = usual();
    const char *path = "test_opaque.checkpoint", *way_out = "test_opaque.failed";
    (void)unused;
    model.log_potential = fails_at_seven;
    for (options.resample = MOTE_RULE_ALWAYS; options.resample <= MOTE_RULE_NEVER; ++options.resample) {
        options.checkpoint = NULL;
        mote_run *run = open_filter_run(&model, &options);
        for (int t = 0; t < 7; ++t)
            assert_status(mote_run_step(run), MOTE_OK);
        assert_status(mote_run_save(run, path), MOTE_OK);
        assert_status(mote_run_step(run), MOTE_EMODEL);
        assert_true(mote_run_save(run, path) >= 16);
        mote_run_close(&run);
        options.checkpoint = way_out;
        run = open_filter_run(&model, &options);
        assert_status(mote_run_load(run, path), MOTE_OK);
        assert_int_equal(mote_filter_count(run), 7);
        assert_status(mote_run_finish(run), MOTE_EMODEL);
        mote_run_close(&run);
        assert_int_not_equal(remove(way_out), 0); /* it was not written */
        remove(path);
        assert_int_equal(alive, 0);
        assert_int_equal(faults, 0);
    }
}

static void check_refusal(const mote_algorithm *algorithm, const mote_ssm *model, const void *options, const char *text)
{
    mote_run *run = NULL;
    assert_status(mote_run_open(&run, algorithm, model, options), MOTE_EUNSUPPORTED);
    if (!strstr(mote_run_message(run), text))
        fail_msg("'%s' lacks '%s'", mote_run_message(run), text);
    mote_run_close(&run);
}

/* Handles are not numbers: whatever would copy them, or look at those of the step before, says so. */
static void what_copies_states_refuses_handles(void **unused)
{
    static const mote_parameter free_parameter[] = { MOTE_UNIFORM("rho", 0, 1), MOTE_FIXED("var_x", 1),
                                                     MOTE_FIXED("var_y", 1), MOTE_FIXED("var_0", 5) };
    mote_ssm model = opaque();
    mote_filter_options options = usual();
    (void)unused;
    options.proposal = MOTE_PROPOSAL_GUIDED;
    check_refusal(mote_filter, &model, &options, "opaque states");
    check_refusal(mote_particle_gibbs, &model, NULL, "opaque states");
    check_refusal(mote_ppg, &model, NULL, "opaque states");
    check_refusal(mote_paris, &model, NULL, "opaque states");
    model.parameters = free_parameter;
    check_refusal(mote_iterated_filtering, &model, NULL, "handles");
    assert_int_equal(alive, 0);
}

static void what_is_missing_is_named(void **unused)
{
    mote_ssm model = opaque();
    mote_filter_options options = usual();
    mote_run *run = NULL;
    (void)unused;
    model.pack = NULL;
    model.unpack = NULL;
    run = open_filter_run(&model, &options);
    assert_status(mote_run_step(run), MOTE_OK);
    assert_status(mote_run_save(run, "test_opaque.checkpoint"), MOTE_EUNSUPPORTED);
    assert_non_null(strstr(mote_run_message(run), "pack and unpack"));
    mote_run_close(&run);
    model.drop = NULL;
    assert_status(mote_run_open(&run, mote_filter, &model, &options), MOTE_EINVAL);
    assert_non_null(strstr(mote_run_message(run), "fork and drop"));
    mote_run_close(&run);
    assert_int_equal(alive, 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_same_filter_behind_handles),
        cmocka_unit_test(checkpoints_carry_objects),
        cmocka_unit_test(failed_steps_leave_nothing_to_save),
        cmocka_unit_test(what_copies_states_refuses_handles),
        cmocka_unit_test(what_is_missing_is_named),
    };
    return run_unit_tests(tests);
}
