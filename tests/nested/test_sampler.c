/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The sampler as a whole: births strictly above the threshold, nothing from failed rows, the joint constraint, the
 * same bytes in any order of values and after a checkpoint in mid-chain, tuning, switching, and memory that runs out. */
#include <mote/status.h>

#include "nested/birth.h"
#include "tests/nested/reference.h"
#include "tests/support/problems.h"
#include "tests/support/test.h"

static mote_problem problem;

/* A likelihood of whole numbers: every contour is a plateau. */
static int stairs(void *ctx, const double *x, double *log_likelihood, double *derived)
{
    (void)ctx, (void)derived;
    *log_likelihood = floor(-20 * (fabs(x[0] - 0.5) + fabs(x[1] - 0.5)));
    return 0;
}

static void check_birth(void *ctx, const reference *r, double threshold, const mote_birth *birth)
{
    int64_t *checked = ctx;
    double value = reference_evaluate(r, birth->theta), theta[2];
    assert_true(birth->log_likelihood > threshold);
    assert_true(birth->log_likelihood == value);
    assert_status(mote_space_transform(&r->space, birth->cube, theta), MOTE_OK);
    assert_same_bytes(theta, birth->theta, sizeof theta);
    assert_true(birth->calls > 0);
    ++*checked;
}

static void births_lie_strictly_above(void **state)
{
    (void)state;
    assert_status(mote_problem_open(&problem, "gauss", 2), MOTE_OK);
    problem.target.log_likelihood_point = stairs;
    for (int64_t step = MOTE_STEP_BOUND; step <= MOTE_STEP_WALK; ++step) {
        mote_nested_options options = reference_options(100);
        int64_t checked = 0;
        options.step = step;
        options.max_iterations = 300;
        reference r;
        assert_status(reference_open(&r, &problem.target, &options, 1), MOTE_OK);
        r.birth = check_birth;
        r.ctx = &checked;
        assert_status(reference_run(&r), MOTE_OK);
        assert_true(checked > 100);
        reference_close(&r);
    }
}

static int below_diagonal(void *ctx, const double *theta)
{
    (void)ctx;
    return theta[0] + theta[1] < 1;
}

static void check_constraint(void *ctx, const reference *r, double threshold, const mote_birth *birth)
{
    (void)r, (void)threshold;
    assert_true(birth->theta[0] + birth->theta[1] < 1);
    *(int64_t *)ctx += birth->rejected;
}

/* Half of a symmetric problem: the renormalised prior doubles density, the evidence stays. */
static void the_joint_constraint_costs_no_rows(void **state)
{
    (void)state;
    assert_status(mote_problem_open(&problem, "gauss", 2), MOTE_OK);
    problem.target.constraint = below_diagonal;
    for (int64_t step = MOTE_STEP_BOUND; step <= MOTE_STEP_WALK; ++step) {
        mote_nested_options options = reference_options(200);
        int64_t rejected = 0;
        options.step = step;
        reference r;
        assert_status(reference_open(&r, &problem.target, &options, 2), MOTE_OK);
        r.birth = check_constraint;
        r.ctx = &rejected;
        assert_status(reference_run(&r), MOTE_OK);
        assert_true(rejected > 0);
        assert_close(r.log_z, problem.log_evidence, 0, 0.55); /* 4.5 sd */
        reference_close(&r);
    }
}

/* ---- order and checkpoints -------------------------------------------------------------------------------------- */

enum { N = 80, K = 8 };

static void open_frozen(reference *r, int64_t step)
{
    mote_nested_options options = reference_options(N);
    assert_status(mote_problem_open(&problem, "himmelblau", 0), MOTE_OK);
    options.deaths_per_step = K;
    options.step = step;
    options.direction = step == MOTE_STEP_SLICE ? MOTE_DIRECTION_WHITENED : MOTE_DIRECTION_MIXTURE;
    assert_status(reference_open(r, &problem.target, &options, 3), MOTE_OK);
    assert_status(reference_prior(r), MOTE_OK);
    for (int i = 0; i < 10; ++i)
        assert_status(reference_step(r), MOTE_OK);
    mote_sort_index(r->order, r->spare, r->log_likelihood, N);
    double threshold = r->log_likelihood[r->order[K - 1]];
    for (int64_t i = 0; i < N - K; ++i) {
        memcpy(r->survivors + 2 * i, r->cube + 2 * r->order[K + i], 2 * sizeof(double));
        r->survivor_log_likelihood[i] = r->log_likelihood[r->order[K + i]];
    }
    assert_status(mote_sampler_freeze(r->sampler, r->survivors, r->survivor_log_likelihood, N - K, threshold, -1,
                                      &r->source, 10), MOTE_OK);
    for (uint64_t i = 0; i < K; ++i)
        mote_sampler_begin(r->sampler, (int64_t)i, 1000 + i);
}

/* One call of chain i; 1 when it has finished. */
static int advance(reference *r, int64_t i)
{
    const mote_chain_table *table = mote_sampler_table(r->sampler);
    double theta[2];
    int status = table->want(mote_birth_chain_at(r->sampler, i), theta);
    if (status == MOTE_OK)
        status = table->take(mote_birth_chain_at(r->sampler, i),
                             &(mote_row_value){ .log_likelihood = reference_evaluate(r, theta) });
    assert_true(status == MOTE_OK || status == MOTE_DONE);
    return status == MOTE_DONE;
}

static void collect(reference *r, double *out)
{
    for (int64_t i = 0; i < K; ++i) {
        mote_birth birth = mote_sampler_birth(r->sampler, i);
        double *row = out + 6 * i;
        row[0] = birth.cube[0], row[1] = birth.cube[1], row[2] = birth.log_likelihood;
        row[3] = (double)birth.parent, row[4] = (double)birth.calls, row[5] = (double)birth.rejected;
    }
}

static void the_order_of_values_does_not_show(void **state)
{
    (void)state;
    for (int64_t step = MOTE_STEP_BOUND; step <= MOTE_STEP_WALK; ++step) {
        double first[6 * K], second[6 * K];
        reference r;
        open_frozen(&r, step);
        for (int64_t i = 0; i < K; ++i) /* one chain after the other */
            while (!advance(&r, i))
                ;
        collect(&r, first);
        reference_close(&r);
        open_frozen(&r, step);
        int64_t done[K] = { 0 }, left = K;
        for (int64_t turn = 0; left > 0; ++turn) { /* in turn, from the last */
            int64_t i = K - 1 - turn % K;
            if (!done[i] && advance(&r, i))
                done[i] = 1, --left;
        }
        collect(&r, second);
        reference_close(&r);
        assert_same_bytes(first, second, sizeof first);
    }
}

static void a_checkpoint_in_mid_chain_goes_on(void **state)
{
    (void)state;
    for (int64_t step = MOTE_STEP_BOUND; step <= MOTE_STEP_WALK; ++step) {
        double first[6 * K], second[6 * K];
        int64_t done[K] = { 0 };
        reference r, fresh;
        mote_writer writer;
        mote_reader reader;
        open_frozen(&r, step);
        for (int64_t i = 0; i < K; ++i)
            done[i] = advance(&r, i);
        mote_writer_open(&writer, &r.memory);
        mote_sampler_save(r.sampler, &writer);
        assert_status(writer.status, MOTE_OK);
        mote_nested_options options = r.options;
        assert_status(reference_open(&fresh, &problem.target, &options, 99), MOTE_OK);
        mote_reader_open(&reader, writer.bytes, writer.length);
        assert_status(mote_sampler_load(fresh.sampler, &reader), MOTE_OK);
        for (int64_t i = 0; i < K; ++i) {
            while (!done[i] && !advance(&r, i))
                ;
            while (!done[i] && !advance(&fresh, i))
                ;
        }
        collect(&r, first);
        collect(&fresh, second);
        assert_same_bytes(first, second, sizeof first);
        mote_sampler_adapt(r.sampler, K);
        mote_sampler_adapt(fresh.sampler, K);
        assert_same_bytes(r.sampler->width, fresh.sampler->width, sizeof r.sampler->width);
        mote_reader_open(&reader, writer.bytes, writer.length / 2); /* cut short: refused */
        assert_status(mote_sampler_load(fresh.sampler, &reader), MOTE_ECORRUPT);
        mote_writer_close(&writer);
        reference_close(&fresh);
        reference_close(&r);
    }
}

/* ---- tuning ----------------------------------------------------------------------------------------------------- */

static void widths_reach_the_wanted_calls(void **state)
{
    (void)state;
    assert_status(mote_problem_open(&problem, "gauss", 10), MOTE_OK);
    for (int wide = 0; wide < 2; ++wide) {
        mote_nested_options options = reference_options(200);
        options.step = MOTE_STEP_SLICE;
        options.slice_calls = wide ? 2.5 : 1.6;
        reference r;
        assert_status(reference_open(&r, &problem.target, &options, 5), MOTE_OK);
        assert_status(reference_run(&r), MOTE_OK);
        double calls = (double)(r.calls - r.n) / (double)r.births / 20;
        assert_close(calls, options.slice_calls, 0.1, 0); /* the first steps in an empty cube take fewer */
        assert_true(mote_sampler_steps(r.sampler) == 20);
        mote_sampler_double_steps(r.sampler);
        assert_true(mote_sampler_steps(r.sampler) == 40);
        reference_close(&r);
    }
}

/* A thin shell costs a region far more than slices: auto goes over, once. */
static void auto_leaves_the_region_when_it_costs_more(void **state)
{
    (void)state;
    assert_status(mote_problem_open(&problem, "shells", 5), MOTE_OK);
    mote_nested_options options = reference_options(200);
    reference r;
    assert_status(reference_open(&r, &problem.target, &options, 5), MOTE_OK);
    assert_true(!mote_sampler_uses_steps(r.sampler) && mote_sampler_steps(r.sampler) == 0);
    assert_status(reference_run(&r), MOTE_OK);
    assert_true(r.switched_at < -2);
    assert_true(mote_sampler_uses_steps(r.sampler));
    assert_true(mote_sampler_switch(r.sampler) == 0);
    reference_close(&r);
}

/* ---- memory ----------------------------------------------------------------------------------------------------- */

typedef struct counter {
    int64_t left, blocks;
} counter;

static void *counted_allocate(void *ctx, size_t size)
{
    counter *c = ctx;
    if (c->left-- <= 0)
        return NULL;
    ++c->blocks;
    return malloc(size);
}

static void *counted_resize(void *ctx, void *block, size_t size)
{
    (void)ctx;
    return realloc(block, size);
}

static void counted_release(void *ctx, void *block)
{
    counter *c = ctx;
    c->blocks -= block != NULL;
    free(block);
}

static void memory_that_runs_out_is_an_error(void **state)
{
    (void)state;
    assert_status(mote_problem_open(&problem, "gauss", 3), MOTE_OK);
    counter count = { 1000, 0 };
    mote_allocator allocator = { MOTE_VERSIONED(mote_allocator), counted_allocate, counted_resize, counted_release,
                                 &count };
    mote_memory memory;
    mote_message message;
    mote_space space;
    mote_nested_options options = reference_options(50);
    assert_status(mote_memory_open(&memory, &allocator), MOTE_OK);
    assert_status(mote_space_open(&space, &problem.target, &memory, &message), MOTE_OK);
    int64_t before = count.blocks;
    int status = MOTE_ENOMEM;
    for (int64_t limit = 0; status != MOTE_OK; ++limit) {
        mote_sampler *sampler = NULL;
        count.left = limit;
        status = mote_sampler_open(&sampler, &space, &options, 50, 5, &memory, &message);
        assert_true(status == MOTE_OK || status == MOTE_ENOMEM);
        assert_true(limit < 200);
        mote_sampler_close(&sampler);
        assert_int_equal(count.blocks, before);
    }
    mote_space_close(&space);
    assert_int_equal(count.blocks, 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(births_lie_strictly_above),
        cmocka_unit_test(the_joint_constraint_costs_no_rows),
        cmocka_unit_test(the_order_of_values_does_not_show),
        cmocka_unit_test(a_checkpoint_in_mid_chain_goes_on),
        cmocka_unit_test(widths_reach_the_wanted_calls),
        cmocka_unit_test(auto_leaves_the_region_when_it_costs_more),
        cmocka_unit_test(memory_that_runs_out_is_an_error),
    };
    return run_unit_tests(tests);
}
