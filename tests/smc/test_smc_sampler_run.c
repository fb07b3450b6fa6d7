/* SPDX-License-Identifier: GPL-3.0-or-later */
/* SMC samplers as runs: the same bytes from every executor, with rows told in any order, after save and load at any
 * step; worker processes with gradients and terms; refusals by name; damaged checkpoints; memory that runs out. */
#define MOTE_FAULT_MALLOC 1
#include "tests/support/fault.h"

#include <stdlib.h>
#include <unistd.h>

#include "core/run.h"
#include "tests/smc/sampler_models.h"
#include "tests/support/fingerprint.h"
#include "tests/support/folder.h"

static conjugate model;
static mote_target target;
static char folder[256], path[300];

typedef struct variant {
    int64_t form, sequence, kernel, keep;
} variant;

static const variant variants[] = {
    { MOTE_SMC_WASTE_FREE, MOTE_SMC_TEMPERING, MOTE_SMC_RANDOM_WALK, 0 },
    { MOTE_SMC_WASTE_FREE, MOTE_SMC_TEMPERING, MOTE_SMC_MALA, MOTE_SMC_DRAWS_ALL },
    { MOTE_SMC_WASTE_FREE, MOTE_SMC_DATA, MOTE_SMC_INDEPENDENCE, 0 },
    { MOTE_SMC_PLAIN, MOTE_SMC_TEMPERING, MOTE_SMC_MALA, 0 },
    { MOTE_SMC_PLAIN, MOTE_SMC_DATA, MOTE_SMC_RANDOM_WALK, 0 },
    { MOTE_SMC_PERSISTENT, MOTE_SMC_TEMPERING, MOTE_SMC_RANDOM_WALK, 0 },
};
enum { VARIANTS = sizeof variants / sizeof *variants };

static mote_smc_options small(const variant *v)
{
    return (mote_smc_options){ MOTE_VERSIONED(mote_smc_options), .seed = 6, .particles = 60, .form = v->form,
                               .sequence = v->sequence, .kernel = v->kernel, .keep = v->keep,
                               .components = v->kernel == MOTE_SMC_INDEPENDENCE ? 2 : 0,
                               .chain_length = v->form == MOTE_SMC_WASTE_FREE ? 6 : 0,
                               .max_steps = v->form == MOTE_SMC_WASTE_FREE ? 0 : 6 };
}

static uint64_t hash_of(const mote_target *t, const mote_smc_options *options)
{
    mote_run *run = finished_run_of(mote_smc, t, options);
    uint64_t hash = fingerprint(mote_run_draws(run));
    mote_run_close(&run);
    assert_true(hash != 0);
    return hash;
}

static void executors_do_not_show(void **state)
{
    (void)state;
    for (int i = 0; i < VARIANTS; ++i) {
        mote_smc_options options = small(&variants[i]);
        const uint64_t expected = hash_of(&target, &options);
        for (int64_t threads = 1; threads <= 7; threads += 3) {
            options.executor = MOTE_EXECUTOR_THREADS;
            options.threads = threads;
            assert_true(hash_of(&target, &options) == expected);
        }
        options.batch_size = 3;
        options.executor = MOTE_EXECUTOR_SERIAL;
        assert_true(hash_of(&target, &options) == expected);
        options.seed = 7;
        assert_true(hash_of(&target, &options) != expected);
    }
}

/* Evaluates one pending row, the last or the first. */
static void tell_one(mote_run *run, int64_t last)
{
    mote_pending pending = { .head = MOTE_VERSIONED(mote_pending) };
    double value, gradient[CONJUGATE_MOST];
    assert_status(mote_run_pending(run, &pending), MOTE_OK);
    assert_true(pending.n > 0);
    const int64_t i = last ? pending.n - 1 : 0;
    const mote_batch batch = { MOTE_VERSIONED(mote_batch), .n = 1, .dimension = pending.dimension,
                               .stride = pending.stride, .theta = pending.theta + i * pending.stride,
                               .log_likelihood = &value, .gradient = pending.gradient ? gradient : NULL };
    if (pending.term_count)
        conjugate_terms(&model, &batch, pending.first_term, pending.term_count);
    else
        conjugate_batch(&model, &batch);
    if (pending.gradient)
        assert_status(mote_run_tell_gradient(run, pending.id[i], value, gradient, NULL, 0), MOTE_OK);
    else
        assert_status(mote_run_tell(run, pending.id[i], value, NULL, 0), MOTE_OK);
}

/* Steps with rows told one by one; every `period` steps the run is saved and goes on in a fresh one. */
static uint64_t told_hash(const mote_smc_options *options, int64_t period)
{
    mote_run *run = NULL;
    int status;
    int64_t steps = 0;
    assert_status(mote_run_open(&run, mote_smc, &target, options), MOTE_OK);
    while ((status = mote_run_step(run)) == MOTE_OK || status == MOTE_WAITING) {
        if (status == MOTE_WAITING)
            tell_one(run, steps % 3);
        if (++steps % period)
            continue;
        mote_run *next = NULL;
        assert_status(mote_run_save(run, path), MOTE_OK);
        mote_run_close(&run);
        assert_status(mote_run_open(&next, mote_smc, &target, options), MOTE_OK);
        status = mote_run_load(next, path);
        assert_well(next, status);
        run = next;
    }
    assert_status(status, MOTE_DONE);
    uint64_t hash = fingerprint(mote_run_draws(run));
    mote_run_close(&run);
    return hash;
}

static void stops_and_told_rows_do_not_show(void **state)
{
    (void)state;
    for (int i = 0; i < VARIANTS; ++i) {
        mote_smc_options options = small(&variants[i]);
        const uint64_t expected = hash_of(&target, &options);
        options.executor = MOTE_EXECUTOR_EXTERNAL;
        assert_true(told_hash(&options, INT64_MAX) == expected);
        assert_true(told_hash(&options, 13) == expected);
    }
}

static void saved_at_every_step(void **state)
{
    (void)state;
    for (int i = 0; i < VARIANTS; ++i) {
        const mote_smc_options options = small(&variants[i]);
        const uint64_t expected = hash_of(&target, &options);
        mote_run *run = NULL;
        int status = MOTE_OK;
        assert_status(mote_run_open(&run, mote_smc, &target, &options), MOTE_OK);
        while (status == MOTE_OK) {
            mote_run *next = NULL;
            status = mote_run_step(run);
            assert_true(status == MOTE_OK || status == MOTE_DONE);
            assert_status(mote_run_save(run, path), MOTE_OK);
            mote_run_close(&run);
            assert_status(mote_run_open(&next, mote_smc, &target, &options), MOTE_OK);
            assert_status(mote_run_load(next, path), MOTE_OK);
            run = next;
        }
        assert_true(fingerprint(mote_run_draws(run)) == expected);
        assert_status(mote_run_step(run), MOTE_DONE); /* a finished run that was loaded stays finished */
        mote_run_close(&run);
    }
}

/* Draws of a run under way: none before the first likelihoods, then the particles, weighted for the posterior. */
static void draws_under_way(void **state)
{
    (void)state;
    const mote_smc_options options = small(&variants[3]);
    mote_run *run = NULL;
    int64_t seen = 0;
    assert_status(mote_run_open(&run, mote_smc, &target, &options), MOTE_OK);
    assert_null(mote_run_draws(run));
    while (mote_run_step(run) == MOTE_OK) {
        const mote_draws *draws = mote_run_draws(run);
        if (!draws)
            continue;
        ++seen;
        assert_close(mote_log_sum(mote_draws_log_weight(draws), mote_draws_count(draws)), 0, 0, 1e-12);
        mote_progress progress = { .head = MOTE_VERSIONED(mote_progress) };
        assert_status(mote_run_progress(run, &progress), MOTE_OK);
        assert_true(progress.remaining >= 0 && progress.remaining <= 1);
    }
    assert_true(seen > 3);
    mote_run_close(&run);
}

/* ---- worker processes ------------------------------------------------------------------------------------------ */

static mote_loaded_plugin *loaded(const char *section)
{
    char message[512] = "", text[1024];
    mote_config *config = NULL;
    mote_loaded_plugin *plugin = NULL;
    snprintf(text, sizeof text, "[model]\n%s", section);
    assert_status(mote_config_parse(&config, text, "test", message, sizeof message), MOTE_OK);
    int status = mote_plugin_load(&plugin, MOTE_BUILD "/tests/plugins/.libs/model.so",
                                  mote_config_section(config, "model"), message, sizeof message);
    if (status)
        print_error("%s\n", message);
    assert_status(status, MOTE_OK);
    mote_config_free(&config);
    return plugin;
}

static void workers_pass_gradients_and_terms(void **state)
{
    (void)state;
    for (int i = 0; i < VARIANTS; ++i) {
        mote_loaded_plugin *plugin = loaded("gradient = right\nterms = 4\n");
        mote_smc_options options = small(&variants[i]);
        const uint64_t expected = hash_of(mote_plugin_target(plugin), &options);
        options.executor = MOTE_EXECUTOR_PROCESSES;
        options.processes = 2;
        options.worker_program = MOTE_BUILD "/mote-worker";
        assert_true(hash_of(mote_plugin_target(plugin), &options) == expected);
        mote_plugin_release(&plugin);
    }
}

/* ---- refusals -------------------------------------------------------------------------------------------------- */

static void refused(const mote_target *t, mote_smc_options options, int status, const char *word)
{
    mote_run *run = NULL;
    assert_status(mote_run_open(&run, mote_smc, t, &options), status);
    if (!strstr(mote_run_message(run), word))
        print_error("'%s' lacks '%s'\n", mote_run_message(run), word);
    assert_non_null(strstr(mote_run_message(run), word));
    mote_run_close(&run);
}

static void what_cannot_be_is_named(void **state)
{
    (void)state;
    const mote_smc_options plain = { MOTE_VERSIONED(mote_smc_options), .particles = 100 };
    mote_smc_options o;
    mote_target bare = target;
    bare.log_likelihood_terms = NULL;
    bare.flags = 0;
#define REFUSED(t, status, word, ...) (o = plain, __VA_ARGS__, refused(t, o, status, word))
    REFUSED(&bare, MOTE_EUNSUPPORTED, "log_likelihood_terms", o.sequence = MOTE_SMC_DATA);
    REFUSED(&bare, MOTE_EUNSUPPORTED, "MOTE_HAS_GRADIENT", o.kernel = MOTE_SMC_MALA);
    REFUSED(&target, MOTE_EOPTION, "target_ess", o.target_ess = 1.5);
    REFUSED(&target, MOTE_EOPTION, "persistent", o.sequence = MOTE_SMC_DATA, o.form = MOTE_SMC_PERSISTENT);
    REFUSED(&target, MOTE_EOPTION, "keep = all", o.sequence = MOTE_SMC_DATA, o.keep = MOTE_SMC_DRAWS_ALL);
    REFUSED(&target, MOTE_EUNSUPPORTED, "biased", o.resampling = MOTE_RESAMPLE_METROPOLIS);
    REFUSED(&target, MOTE_EUNSUPPORTED, "unequal", o.resampling = MOTE_RESAMPLE_OPTIMAL);
    REFUSED(&target, MOTE_EUNSUPPORTED, "killing", o.resampling = MOTE_RESAMPLE_KILLING);
    REFUSED(&target, MOTE_EOPTION, "chain_length", o.form = MOTE_SMC_WASTE_FREE, o.chain_length = 51);
    REFUSED(&target, MOTE_EOPTION, "entry 2", o.schedule = "0.5 0.4 1");
    REFUSED(&target, MOTE_EOPTION, "not reached", o.schedule = "0.5 0.9");
    REFUSED(&target, MOTE_EOPTION, "entry 2", o.schedule = "0.5 x");
    REFUSED(&target, MOTE_EOPTION, "whole number", o.schedule = "0.5 3", o.sequence = MOTE_SMC_DATA);
    REFUSED(&target, MOTE_EOPTION, "exclude", o.schedule = "1", o.replay = "nowhere");
    REFUSED(&target, MOTE_ENOENT, "nowhere", o.replay = "/nowhere/schedule");
    REFUSED(&target, MOTE_EPARSE, "not a schedule", o.replay = MOTE_SOURCE "/registry.c");
#undef REFUSED
}

static void schedules_belong_to_their_kernel(void **state)
{
    (void)state;
    mote_smc_options options = small(&variants[0]);
    char text[] = "mote smc schedule 1\nkernel random_walk dimension 3 numbers 26 levels 2\n0.5 5 1 2\n";
    mote_run *run = NULL;
    assert_status(mote_run_open(&run, mote_smc, &target, &options), MOTE_OK);
    assert_status(mote_smc_write_schedule(run, path), MOTE_ESTATE);
    mote_run_close(&run);
    run = finished_run_of(mote_smc, &target, &options);
    assert_status(mote_smc_write_schedule(run, path), MOTE_OK);
    assert_status(mote_smc_write_schedule(run, "/nowhere/schedule"), MOTE_EIO);
    mote_run_close(&run);
    options.replay = path;
    options.kernel = MOTE_SMC_INDEPENDENCE;
    refused(&target, options, MOTE_EIDENTITY, "random_walk");
    options.kernel = MOTE_SMC_RANDOM_WALK;
    FILE *file = fopen(path, "w"); /* cut short */
    assert_non_null(file);
    fputs(text, file);
    fclose(file);
    refused(&target, options, MOTE_EPARSE, "level 1");
}

static int failing(void *ctx, const mote_batch *rows)
{
    conjugate_batch(ctx, rows);
    for (int64_t i = 0; i < rows->n; ++i)
        if (rows->theta[i * rows->stride] < 1)
            rows->log_likelihood[i] = NAN;
    return 0;
}

static void a_failing_model_ends_the_run(void **state)
{
    (void)state;
    mote_target t = target;
    mote_run *run = NULL;
    mote_smc_options options = small(&variants[0]);
    options.failed_window = 50;
    t.log_likelihood = failing;
    assert_status(mote_run_open(&run, mote_smc, &t, &options), MOTE_OK);
    assert_status(mote_run_finish(run), MOTE_EMODEL);
    assert_non_null(strstr(mote_run_message(run), "failed_share"));
    mote_run_close(&run);
}

/* ---- checkpoints that lie -------------------------------------------------------------------------------------- */

/* Every word of the state replaced in turn by other numbers: refused, or a run that ends. Never a crash. */
static void damaged_numbers_are_survived(void **state)
{
    (void)state;
    static const uint64_t words[] = { 0, 1, UINT64_MAX, UINT64_C(1) << 62, UINT64_C(0x7ff8000000000000) };
    for (int i = 0; i < VARIANTS; ++i) {
        mote_smc_options options = small(&variants[i]);
        mote_run *run = NULL;
        mote_writer writer;
        options.particles = 12;
        options.chain_length = options.chain_length ? 3 : 0;
        options.executor = MOTE_EXECUTOR_EXTERNAL;
        assert_status(mote_run_open(&run, mote_smc, &target, &options), MOTE_OK);
        for (int told = 0; told < 20;) {
            int status = mote_run_step(run);
            assert_true(status == MOTE_OK || status == MOTE_WAITING);
            if (status == MOTE_WAITING) {
                tell_one(run, 0);
                ++told;
            }
        }
        mote_writer_open(&writer, &run->memory);
        assert_status(run->algorithm->save(run, &writer), MOTE_OK);
        for (int64_t at = 0; at + 8 <= writer.length; at += 8)
            for (int w = 0; w < 5; ++w) {
                mote_run *other = NULL;
                mote_reader reader;
                unsigned char kept[8];
                memcpy(kept, writer.bytes + at, 8);
                for (int b = 0; b < 8; ++b)
                    writer.bytes[at + b] = (unsigned char)(words[w] >> (8 * b));
                assert_status(mote_run_open(&other, mote_smc, &target, &options), MOTE_OK);
                mote_reader_open(&reader, writer.bytes, writer.length);
                int status = other->algorithm->load(other, &reader);
                for (int step = 0; !status && step < 30; ++step) {
                    status = mote_run_step(other);
                    if (status == MOTE_WAITING) {
                        mote_pending pending = { .head = MOTE_VERSIONED(mote_pending) };
                        (void)mote_run_pending(other, &pending);
                        if (pending.n)
                            (void)mote_run_tell_gradient(other, pending.id[0], -1, pending.theta, NULL, 0);
                        status = pending.n ? MOTE_OK : MOTE_DONE;
                    }
                }
                mote_run_close(&other);
                memcpy(writer.bytes + at, kept, 8);
            }
        mote_writer_close(&writer);
        mote_run_close(&run);
    }
}

/* ---- memory ---------------------------------------------------------------------------------------------------- */

typedef struct plan {
    mote_smc_options options;
    uint64_t hash;
} plan;

/* A run that is out of memory can be saved, and ends elsewhere with the same bytes. */
static int rescue(mote_run *broken, plan *p)
{
    mote_run *run = NULL;
    p->options.hooks = NULL;
    int status = mote_run_save(broken, path);
    if (!status)
        status = mote_run_open(&run, mote_smc, &target, &p->options);
    if (!status)
        status = mote_run_load(run, path);
    if (!status)
        status = mote_run_finish(run);
    uint64_t hash = status ? 0 : fingerprint(mote_run_draws(run));
    mote_run_close(&run);
    return status ? -2 : hash == p->hash ? MOTE_ENOMEM : -3;
}

static int life(plan *p, const mote_allocator *allocator, int once)
{
    const mote_hooks hooks = { MOTE_VERSIONED(mote_hooks), .allocator = allocator };
    mote_run *run = NULL;
    p->options.hooks = &hooks;
    int status = mote_run_open(&run, mote_smc, &target, &p->options), opened = !status;
    if (opened)
        status = mote_run_finish(run);
    if (status && !*mote_run_message(run))
        status = -1;
    if (opened && status == MOTE_ENOMEM && once)
        status = rescue(run, p);
    if (!status && !mote_run_draws(run))
        status = MOTE_ENOMEM;
    if (!status)
        status = mote_smc_write_schedule(run, path);
    mote_run_close(&run);
    return status;
}

static int life_once(void *ctx, const mote_allocator *allocator)
{
    return life(ctx, allocator, 1);
}

static int life_stay(void *ctx, const mote_allocator *allocator)
{
    return life(ctx, allocator, 0);
}

static void memory_may_run_out(void **state)
{
    (void)state;
    for (int i = 0; i < VARIANTS; ++i) {
        plan p = { .options = small(&variants[i]) };
        p.options.particles = 18;
        p.options.variance_lag = p.options.form == MOTE_SMC_PLAIN ? 3 : 0; /* the window of a longer lag grows by
                                                                            * several blocks, and takes what it gets */
        p.hash = hash_of(&target, &p.options);
        fault_report once = fault_walk(life_once, &p, FAULT_ONCE), stay = fault_walk(life_stay, &p, FAULT_STAY);
        assert_int_equal(fault_count(&once), 0);
        assert_int_equal(fault_count(&stay), 0);
        assert_true(once.points > 50);
#ifdef MOTE_FAULT_HAS_MALLOC
        fault_report all = fault_walk(life_stay, &p, FAULT_MALLOC);
        assert_int_equal(fault_count(&all), 0);
        assert_true(all.points > once.points); /* the stream of the schedule */
#endif
    }
}

static int set_up(void **state)
{
    (void)state;
    target = conjugate_target(&model, 3, 0.2);
    if (make_test_folder(folder))
        return -1;
    snprintf(path, sizeof path, "%s/run", folder);
    return 0;
}

static int tear_down(void **state)
{
    (void)state;
    remove_test_folder(folder);
    return 0;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(memory_may_run_out),
        cmocka_unit_test(executors_do_not_show),
        cmocka_unit_test(stops_and_told_rows_do_not_show),
        cmocka_unit_test(saved_at_every_step),
        cmocka_unit_test(draws_under_way),
        cmocka_unit_test(workers_pass_gradients_and_terms),
        cmocka_unit_test(what_cannot_be_is_named),
        cmocka_unit_test(schedules_belong_to_their_kernel),
        cmocka_unit_test(a_failing_model_ends_the_run),
        cmocka_unit_test(damaged_numbers_are_survived),
    };
    return cmocka_run_group_tests(tests, set_up, tear_down) == 0 ? 0 : 1;
}
