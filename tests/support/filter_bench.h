/* SPDX-License-Identifier: GPL-3.0-or-later */
/* A particle filter without a run, and runs of `filter` that must open: for the tests of collectors and smoothers. */
#ifndef MOTE_TESTS_FILTER_BENCH_H
#define MOTE_TESTS_FILTER_BENCH_H

#include <mote/filter.h>

#include "core/run.h"
#include "smc/particle_filter.h"
#include "tests/support/runs.h"
#include "tests/support/state_space_models.h"
#include "tests/support/test.h"

typedef struct filter_bench {
    mote_memory memory;
    mote_message message;
    mote_state_space space;
    mote_datum datum;
    mote_particle_filter filter;
    double theta[8];
} filter_bench;

static inline void open_bench(filter_bench *b, const mote_ssm *model, mote_filter_setup setup)
{
    memset(b, 0, sizeof *b);
    mote_memory_open(&b->memory, NULL);
    assert_status(mote_state_space_open(&b->space, model, &b->memory, &b->message), MOTE_OK);
    assert_status(mote_datum_open(&b->datum, &b->space, &b->memory), MOTE_OK);
    assert_status(mote_state_space_theta(&b->space, NULL, b->theta, &b->message), MOTE_OK);
    assert_status(mote_particle_filter_open(&b->filter, &b->space, &setup, &b->memory, NULL, &b->message), MOTE_OK);
}

static inline void close_bench(filter_bench *b)
{
    mote_particle_filter_close(&b->filter);
    mote_datum_close(&b->datum, &b->memory);
    mote_state_space_close(&b->space);
}

static inline double run_bench(filter_bench *b, const mote_source *source)
{
    double log_evidence;
    assert_status(mote_particle_filter_run(&b->filter, b->theta, source, &b->datum, &log_evidence), MOTE_OK);
    return log_evidence;
}

static inline mote_run *open_filter_run(const mote_ssm *model, const mote_filter_options *options)
{
    return open_run_of(mote_filter, model, options);
}

/* Opening fails with this status and a message that holds `text`. */
static inline void assert_refused(const mote_algorithm *algorithm, const mote_ssm *model, const void *options,
                                  int status,
                                  const char *text)
{
    mote_run *run = NULL;
    const int answer = mote_run_open(&run, algorithm, model, options);
    if (answer != status || !strstr(mote_run_message(run), text))
        fail_msg("status %d, '%s' lacks '%s'", answer, mote_run_message(run), text);
    mote_run_close(&run);
}

/* Saves the run, opens a new one with the same options and loads. */
static inline void reload_run(mote_run **run, const mote_algorithm *algorithm, const mote_ssm *model,
                              const void *options,
                              const char *path)
{
    assert_status(mote_run_save(*run, path), MOTE_OK);
    mote_run_close(run);
    *run = open_run_of(algorithm, model, options);
    const int status = mote_run_load(*run, path);
    if (status)
        print_error("%s\n", mote_run_message(*run));
    assert_status(status, MOTE_OK);
    remove(path);
}

/* The same by the algorithm's own state, without a file: fast enough for every step. */
static inline void transplant_run(mote_run **run, const mote_algorithm *algorithm, const mote_ssm *model,
                                  const void *options)
{
    mote_run *fresh = open_run_of(algorithm, model, options);
    mote_writer writer;
    mote_reader reader;
    mote_writer_open(&writer, &fresh->memory);
    assert_status(algorithm->save(*run, &writer), MOTE_OK);
    mote_run_close(run);
    mote_reader_open(&reader, writer.bytes, writer.length);
    assert_status(algorithm->load(fresh, &reader), MOTE_OK);
    assert_int_equal(reader.position, reader.length);
    mote_writer_close(&writer);
    *run = fresh;
}

#endif
