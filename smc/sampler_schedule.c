/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Schedules: a list in an option, and the file that freezes a run: its targets, numbers of steps and tuned kernels.
 *
 *     mote smc schedule 1
 *     kernel random_walk dimension 2 numbers 14 levels 2     numbers: of the tuning of one level
 *     0.013 70  1 0 ...                                      per level: power (data: terms), steps, kernel's numbers
 *     1 70  ...
 */
#include <errno.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/number.h"
#include "smc/sampler_state.h"

static const char TITLE[] = "mote smc schedule 1\n";
enum { LONGEST_FILE = 1 << 30 };

double mote_smc_scheduled(const mote_smc_state *state)
{
    return state->level < state->schedule_count ? state->schedule[state->level] : NAN;
}

static double last_value(const mote_smc_state *state)
{
    return state->data ? (double)state->space.target.term_count : 1;
}

/* Increasing, whole numbers for data, and the last one the posterior. */
static int check_schedule(mote_run *run, const char *option)
{
    const mote_smc_state *state = run->state;
    double before = 0;
    for (int64_t i = 0; i < state->schedule_count; ++i) {
        const double value = state->schedule[i];
        if (!(value > before) || value > last_value(state) || (state->data && value != floor(value)))
            return mote_fail(&run->message, MOTE_EOPTION, "option %s: entry %lld (%g) is not %s above %g and up to %g",
                             option, (long long)i + 1, value, state->data ? "a whole number" : "a number", before,
                             last_value(state));
        before = value;
    }
    if (before != last_value(state))
        return mote_fail(&run->message, MOTE_EOPTION,
                         "option %s: the last entry is %g, not %g: the posterior is not reached", option, before,
                         last_value(state));
    return MOTE_OK;
}

static int read_list(mote_run *run, const char *text)
{
    mote_smc_state *state = run->state;
    const char *cursor = text;
    double value;
    int status;
    int64_t n = 0;
    while ((status = mote_number_next(&cursor, &value)) == MOTE_OK)
        ++n;
    if (status != MOTE_DONE || !n)
        return mote_fail(&run->message, MOTE_EOPTION, "option schedule: entry %lld is not a number", (long long)n + 1);
    state->schedule = mote_memory_allocate(&run->memory, n, sizeof *state->schedule);
    if (!state->schedule)
        return mote_fail(&run->message, MOTE_ENOMEM, "no memory for a schedule of %lld levels", (long long)n);
    cursor = text;
    for (int64_t i = 0; i < n; ++i)
        (void)mote_number_next(&cursor, &state->schedule[i]);
    state->schedule_count = n;
    return check_schedule(run, "schedule");
}

/* ---- files ----------------------------------------------------------------------------------------------------- */

static int write_text(FILE *file, const char *text)
{
    const size_t length = strlen(text);
    return fwrite(text, 1, length, file) != length;
}

static int write_number(FILE *file, double value, const char *end)
{
    char text[MOTE_NUMBER_SIZE];
    return write_text(file, mote_number_format_shortest(text, value)) || write_text(file, end);
}

static int write_levels(const mote_smc_state *state, FILE *file)
{
    const int64_t width = mote_kernel_tuning_count(state->kernel);
    int failed = 0;
    for (int64_t i = 1; i <= state->level && !failed; ++i) {
        const mote_smc_record *record = &state->records[i];
        failed |= write_number(file, state->data ? record->term_count : record->inverse_temperature, " ");
        failed |= write_number(file, record->moved > 0 ? record->steps : 0, " ");
        for (int64_t j = 0; j < width && !failed; ++j)
            failed |= write_number(file, state->tunings[i * width + j], j + 1 < width ? " " : "\n");
    }
    return failed;
}

static int write_schedule(const mote_smc_state *state, FILE *file)
{
    char line[128];
    snprintf(line, sizeof line, "kernel %s dimension %lld numbers %lld levels %lld\n", mote_kernel_name(state->method),
             (long long)state->space.dimension, (long long)mote_kernel_tuning_count(state->kernel),
             (long long)state->level);
    return write_text(file, TITLE) || write_text(file, line) || write_levels(state, file);
}

int mote_smc_write_schedule(mote_run *run, const char *path)
{
    char buffer[4096];
    int status = mote_run_usable(run);
    if (status || !path)
        return status ? status : MOTE_EINVAL;
    if (run->algorithm != mote_smc)
        return mote_fail(&run->message, MOTE_EKIND, "this is a run of %s, not of smc", run->algorithm->name);
    const mote_smc_state *state = run->state;
    if (state->phase != MOTE_SMC_DONE || state->dead)
        return mote_fail(&run->message, MOTE_ESTATE, "the schedule is complete only when the run has finished");
    FILE *file = fopen(path, "w");
    if (!file)
        return mote_fail(&run->message, errno == ENOMEM ? MOTE_ENOMEM : MOTE_EIO, "%s: %s", path, strerror(errno));
    setvbuf(file, buffer, _IOFBF, sizeof buffer); /* no other memory is asked for */
    int failed = write_schedule(state, file);
    failed |= fclose(file) != 0;
    return failed ? mote_fail(&run->message, MOTE_EIO, "%s: %s", path, strerror(errno)) : MOTE_OK;
}

/* The whole file, with a terminating zero; released by the caller. */
static int read_file(mote_run *run, const char *path, char **text)
{
    FILE *file = fopen(path, "r");
    long size = -1;
    *text = NULL;
    if (!file)
        return mote_fail(&run->message,
                         errno == ENOENT ? MOTE_ENOENT : errno == ENOMEM ? MOTE_ENOMEM : MOTE_EIO,
                         "option replay: %s: %s", path, strerror(errno));
    setvbuf(file, NULL, _IONBF, 0); /* read at once into its block: no other memory is asked for */
    if (!fseek(file, 0, SEEK_END))
        size = ftell(file);
    int status = size < 0 || size > LONGEST_FILE || fseek(file, 0, SEEK_SET) ? MOTE_EIO : MOTE_OK;
    if (!status && !(*text = mote_memory_allocate(&run->memory, (int64_t)size + 1, 1)))
        status = MOTE_ENOMEM;
    if (!status && fread(*text, 1, (size_t)size, file) != (size_t)size)
        status = MOTE_EIO;
    fclose(file);
    return status ? mote_fail(&run->message, status, "option replay: %s: %s", path, mote_strerror(status)) : MOTE_OK;
}

static int read_levels(mote_run *run, const char *cursor, int64_t levels)
{
    mote_smc_state *state = run->state;
    const int64_t width = mote_kernel_tuning_count(state->kernel);
    for (int64_t i = 0; i < levels; ++i) {
        int status = mote_number_next(&cursor, &state->schedule[i]);
        status = status ? status : mote_number_next(&cursor, &state->replayed_steps[i]);
        for (int64_t j = 0; j < width && !status; ++j)
            status = mote_number_next(&cursor, &state->replayed_tunings[i * width + j]);
        const double steps = state->replayed_steps[i];
        if (status || !(steps >= 0 && steps <= 1e9 && steps == floor(steps)))
            return mote_fail(&run->message, MOTE_EPARSE, "option replay: %s: level %lld cannot be read",
                             state->options->replay, (long long)i + 1);
    }
    state->schedule_count = levels;
    return check_schedule(run, "replay");
}

static int parse(mote_run *run, const char *text)
{
    mote_smc_state *state = run->state;
    const char *name = mote_kernel_name(state->method), *path = state->options->replay;
    long long dimension, numbers, levels;
    char kernel[32];
    int end = 0;
    const int64_t width = mote_kernel_tuning_count(state->kernel), size = (int64_t)strlen(text);
    if (strncmp(text, TITLE, sizeof TITLE - 1)
        || sscanf(text + sizeof TITLE - 1, "kernel %31s dimension %lld numbers %lld levels %lld%n", kernel, &dimension,
                  &numbers, &levels, &end) != 4 || !end)
        return mote_fail(&run->message, MOTE_EPARSE, "option replay: %s is not a schedule of an smc run", path);
    if (strcmp(kernel, name) || dimension != state->space.dimension || numbers != width)
        return mote_fail(&run->message, MOTE_EIDENTITY,
                         "option replay: %s was made with kernel %s in %lld dimensions, this "
                         "run has %s in %lld",
                         path, kernel, dimension, name, (long long)state->space.dimension);
    if (levels < 1 || levels > size / 2)
        return mote_fail(&run->message, MOTE_EPARSE, "option replay: %s cannot hold %lld levels", path, levels);
    state->schedule = mote_memory_allocate(&run->memory, levels, sizeof(double));
    state->replayed_steps = mote_memory_allocate(&run->memory, levels, sizeof(double));
    state->replayed_tunings = mote_memory_allocate(&run->memory, levels * width, sizeof(double));
    if (!state->schedule || !state->replayed_steps || !state->replayed_tunings)
        return mote_fail(&run->message, MOTE_ENOMEM, "no memory for a schedule of %lld levels", levels);
    return read_levels(run, text + sizeof TITLE - 1 + end, levels);
}

static int read_replay(mote_run *run, const char *path)
{
    char *text, number[32];
    int status = read_file(run, path, &text);
    if (!status)
        status = parse(run, text);
    if (!status) { /* the content is what decides the result, not where it lies */
        snprintf(number, sizeof number, "%016llx", (unsigned long long)mote_hash(MOTE_HASH_START, text, strlen(text)));
        mote_run_identify(run, "replay_content", number);
    }
    mote_memory_release(&run->memory, text);
    return status;
}

int mote_smc_read_schedule(mote_run *run)
{
    const mote_smc_options *o = run->options;
    if (o->schedule && o->replay)
        return mote_fail(&run->message, MOTE_EOPTION, "option schedule and option replay exclude each other");
    return o->replay ? read_replay(run, o->replay) : o->schedule ? read_list(run, o->schedule) : MOTE_OK;
}
