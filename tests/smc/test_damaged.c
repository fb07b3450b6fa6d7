/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Checkpoints that lie: the state of every registered algorithm on state-space models, with eight bytes at a time
 * replaced by other numbers, behind the checksum (at every third byte, so that words are met whole and in parts). Such
 * a state is refused, or the run goes on and ends; nothing crashes, hangs or leaks, and no number of the file makes the
 * library ask for memory out of proportion to what the options ask for. */
#include <mote/mote.h>
#include <signal.h>
#include <unistd.h>

#include "core/checkpoint.h"
#include "tests/support/allocator.h"
#include "tests/support/state_space_runs.h"
#include "tests/support/test.h"

enum { TIMES = 5, MOST_STEPS = 8, EXTRAS = 3, SECONDS = 20, STRIDE = 3 };

/* ---- an allocator that watches sizes ---- */

typedef struct watch {
    test_allocator counter;
    size_t largest;
} watch;

static void *watched_allocate(void *ctx, size_t size)
{
    watch *self = ctx;
    self->largest = size > self->largest ? size : self->largest;
    return size > (size_t)1 << 26 ? NULL : test_allocate(&self->counter, size);
}

static void *watched_resize(void *ctx, void *block, size_t size)
{
    watch *self = ctx;
    self->largest = size > self->largest ? size : self->largest;
    return size > (size_t)1 << 26 ? NULL : test_resize(&self->counter, block, size);
}

static void watched_release(void *ctx, void *block)
{
    test_release(&((watch *)ctx)->counter, block);
}

/* ---- one word ---- */

typedef struct subject {
    const mote_algorithm *algorithm;
    small_option extra[EXTRAS];
    int64_t stream;
} subject;

typedef struct damage {
    const subject *subject;
    int64_t at;
    uint64_t word;
} damage;

static damage present; /* for the message when a run hangs or crashes */

static void report(int signal_number)
{
    char text[256];
    const int n = snprintf(text, sizeof text, "%s: signal %d, byte %lld = %llx\n", present.subject->algorithm->name,
                           signal_number, (long long)present.at, (unsigned long long)present.word);
    (void)!write(2, text, (size_t)n);
    _exit(1);
}

static mote_run *opened(const subject *s, watch *memory)
{
    static const small_option tiny[] = { { "particles", "8" }, { "parameter_particles", "4" }, { "noise_filters", "3" },
                                         { "iterations", "3" }, { "sweeps", "3" }, { "warm_up", "1" }, { "draws", "3" },
                                         { "variance_lag", "3" } };
    const mote_allocator allocator = { MOTE_VERSIONED(mote_allocator), watched_allocate, watched_resize,
                                       watched_release, memory };
    const mote_hooks hooks = { MOTE_VERSIONED(mote_hooks), .allocator = &allocator };
    case_a_cut cut;
    any_options options;
    mote_run *run = NULL;
    assert_status(small_options(s->algorithm, &options, "5"), MOTE_OK);
    assert_status(set_options(s->algorithm, &options, tiny, sizeof tiny / sizeof *tiny), MOTE_OK);
    for (int i = 0; i < EXTRAS && s->extra[i].key; ++i)
        assert_status(set_options(s->algorithm, &options, &s->extra[i], 1), MOTE_OK);
    options.first.hooks = &hooks;
    cut_case_a(&cut, learns(s->algorithm), s->stream ? 0 : TIMES);
    if (!s->stream)
        cut.model.series = &cut.series;
    const int status = mote_run_open(&run, s->algorithm, &cut.model, &options);
    if (status)
        print_error("%s: %s\n", s->algorithm->name, mote_run_message(run));
    assert_status(status, MOTE_OK);
    return run;
}

static int advance(const subject *s, mote_run *run, int64_t step)
{
    return s->stream && mote_run_step(run) == MOTE_WAITING ? push_case_a(run, step) : mote_run_step(run);
}

/* The state after `steps` steps; returns how many there were. */
static int64_t save_after(const subject *s, int64_t steps, mote_writer *writer, size_t *largest)
{
    watch memory = { { 0 }, 0 };
    mote_run *run = opened(s, &memory);
    int64_t done = 0;
    for (int status = MOTE_OK; !status && done < steps; ++done)
        status = s->stream && done == TIMES ? MOTE_DONE : advance(s, run, done);
    if (writer)
        assert_status(run->algorithm->save(run, writer), MOTE_OK);
    mote_run_close(&run);
    *largest = memory.largest;
    return done;
}

/* Loads the damaged state, and goes on with it when it is taken. */
static int try_state(const subject *s, const mote_writer *writer, size_t largest)
{
    watch memory = { { 0 }, 0 };
    mote_reader reader;
    mote_run *run = opened(s, &memory);
    mote_reader_open(&reader, writer->bytes, writer->length);
    alarm(SECONDS);
    const int loaded = run->algorithm->load(run, &reader);
    int status = loaded;
    for (int64_t step = 0; !status && step < MOST_STEPS; ++step)
        status = s->stream ? push_case_a(run, TIMES + step) : mote_run_step(run);
    if (!loaded && (status == MOTE_OK || status == MOTE_DONE))
        (void)mote_run_draws(run);
    mote_run_close(&run);
    alarm(0);
    if (memory.counter.live || loaded == MOTE_ENOMEM || memory.largest > 4 * largest + ((size_t)1 << 20)) {
        print_error("%s, byte %lld = %llx: load %d, then %d; %lld blocks left, largest request %zu\n",
                    s->algorithm->name, (long long)present.at, (unsigned long long)present.word, loaded, status,
                    (long long)memory.counter.live, memory.largest);
        return 1;
    }
    return 0;
}

/* ---- all words ---- */

static int damage_all(const subject *s, int64_t steps, int64_t *tried)
{
    static const uint64_t words[] = { 0, 1, UINT64_MAX, UINT64_C(1) << 62, 2147482000, 1000000 };
    mote_memory memory;
    mote_writer writer;
    size_t largest;
    int failed = 0;
    mote_memory_open(&memory, NULL);
    mote_writer_open(&writer, &memory);
    save_after(s, steps, &writer, &largest);
    for (int64_t at = 0; at + 8 <= writer.length; at += STRIDE)
        for (size_t w = 0; w < sizeof words / sizeof *words; ++w, ++*tried) {
            unsigned char kept[8];
            memcpy(kept, writer.bytes + at, 8);
            for (int b = 0; b < 8; ++b)
                writer.bytes[at + b] = (unsigned char)(words[w] >> (8 * b));
            present = (damage){ s, at, words[w] };
            failed += try_state(s, &writer, largest);
            memcpy(writer.bytes + at, kept, 8);
        }
    mote_writer_close(&writer);
    return failed;
}

static int damage_run(const subject *s)
{
    size_t largest;
    const int64_t steps = save_after(s, INT64_MAX, NULL, &largest);
    int64_t tried = 0;
    const int failed = damage_all(s, steps * 2 / 3, &tried);
    print_message("%s%s: %lld states, %d faults\n", s->algorithm->name, s->stream ? " (stream)" : "", (long long)tried,
                  failed);
    return failed;
}

static void lies_are_survived(void **unused)
{
    static const subject more[] = {
        { NULL, { { "history", "tree" }, { "record", "all" } }, 0 },
        { NULL, { { "history", "lag" }, { "history_lag", "2" }, { "variance", "all" } }, 0 },
        { NULL, { { "history", "full" } }, 1 },
    };
    const mote_algorithm *algorithm;
    int failed = 0;
    (void)unused;
    signal(SIGALRM, report);
    signal(SIGSEGV, report);
    for (int64_t i = 0; (algorithm = state_space_algorithm(i)); ++i)
        failed += damage_run(&(subject){ .algorithm = algorithm });
    for (size_t k = 0; k < sizeof more / sizeof *more; ++k) {
        subject s = more[k];
        s.algorithm = mote_filter;
        failed += damage_run(&s);
    }
    failed += damage_run(&(subject){ mote_pmmh, { { "correlation", "0.9" }, { "tune", "on" } }, 0 });
    failed += damage_run(&(subject){ mote_smoother, { { "trajectories", "0" }, { "method", "genealogy" } }, 0 });
    failed += damage_run(&(subject){ mote_paris, { { "trace", "on" } }, 1 });
    failed += damage_run(&(subject){ mote_smc2, { { "kernel", "independence" } }, 1 });
    assert_int_equal(failed, 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = { cmocka_unit_test(lies_are_survived) };
    return run_unit_tests(tests);
}
