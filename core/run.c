/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The life cycle of a run: open, step, finish, close. The driver is a thin loop over step; users may write their own.
 *
 *     until step says DONE:  stop asked?  limit reached?  progress due?  checkpoint due?
 */
#include "core/run.h"

#include <math.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#include "core/option.h"

double mote_clock(void)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (double)now.tv_sec + 1e-9 * (double)now.tv_nsec;
}

double mote_run_seconds(const mote_run *run)
{
    return run->seconds_before + mote_clock() - run->started;
}

void mote_run_log(const mote_run *run, int64_t level, const char *format, ...)
{
    char text[512];
    va_list arguments;
    if (!run->hooks.log)
        return;
    va_start(arguments, format);
    vsnprintf(text, sizeof text, format, arguments);
    va_end(arguments);
    run->hooks.log(run->hooks.ctx, level, text);
}

/* The layout that MOTE_RUN_OPTIONS gives every options struct. */
typedef struct common_options {
    mote_head head;
    const mote_hooks *hooks;
    mote_settings settings;
} common_options;

/* Reads head and hooks of the caller's options; the allocator is needed before anything can be copied. */
static int read_hooks(mote_hooks *hooks, const mote_algorithm *algorithm, const void *options, mote_message *message)
{
    const common_options *common = options;
    *hooks = (mote_hooks){ .head = MOTE_VERSIONED(mote_hooks) };
    if (!options)
        return MOTE_OK;
    if (common->head.kind != (uint32_t)algorithm->options->kind)
        return mote_fail(message, MOTE_EKIND, "open of %s: the options struct is of another kind (%u)",
                         algorithm->name, (unsigned)common->head.kind);
    if (common->head.size < offsetof(common_options, settings) || !common->hooks)
        return MOTE_OK;
    return mote_struct_read(hooks, sizeof *hooks, MOTE_KIND_mote_hooks, common->hooks, message);
}

static int read_options(mote_run *run, const void *options)
{
    const mote_option_table *table = run->algorithm->options;
    int status = MOTE_OK;
    run->options = mote_memory_allocate(&run->memory, table->size, 1);
    run->state = mote_memory_allocate(&run->memory, (int64_t)run->algorithm->state_size, 1);
    if (!run->options || !run->state)
        return mote_fail(&run->message, MOTE_ENOMEM, "open of %s: no memory for its state", run->algorithm->name);
    *(mote_head *)run->options = (mote_head){ (uint32_t)table->size, (uint32_t)table->kind };
    if (options)
        status = mote_struct_read(run->options, (size_t)table->size, (uint32_t)table->kind, options, &run->message);
    if (!status)
        status = mote_options_resolve(table, run->options, &run->memory, &run->message);
    if (!status)
        run->settings = ((const common_options *)run->options)->settings;
    return status;
}

/* Options that only decide who computes, where files go and when to stop may differ between a run and its resumption. */
static int decides_result(const mote_algorithm *algorithm, const char *key)
{
    static const char free_options[] = " executor threads processes batch_size max_calls max_seconds retries row_seconds"
                                       " worker_memory worker_program checkpoint checkpoint_seconds ";
    char word[64];
    snprintf(word, sizeof word, " %s ", key);
    return !strstr(free_options, word) && !(algorithm->free_options && strstr(algorithm->free_options, word));
}

void mote_run_identify(mote_run *run, const char *key, const char *value)
{
    mote_put_text(&run->identity, key);
    mote_put_text(&run->identity, value ? value : "");
}

/* Texts, whose length has no bound, are taken as they are. */
static int identify_options(mote_run *run)
{
    const mote_option_table *table = run->algorithm->options;
    char text[512];
    int status = MOTE_OK;
    mote_run_identify(run, "algorithm", run->algorithm->name);
    for (int64_t i = 0; !status && i < table->count; ++i) {
        const mote_option *option = &table->options[i];
        const char *value = text;
        if (!decides_result(run->algorithm, option->key))
            continue;
        if (option->type == MOTE_OPTION_TEXT)
            value = mote_option_text(option, run->options);
        else
            status = mote_option_get(table, run->options, option->key, text, sizeof text);
        if (status)
            return mote_fail(&run->message, status, "option %s: its value has no text for the identity", option->key);
        mote_run_identify(run, option->key, value ? value : option->text);
    }
    return MOTE_OK;
}

static void identify_source(mote_run *run)
{
    char text[32];
    snprintf(text, sizeof text, "%016llx", (unsigned long long)run->source.key);
    mote_run_identify(run, "source", text);
}

static int check_model(const mote_algorithm *algorithm, const void *model, mote_message *message)
{
    if (!model)
        return mote_fail(message, MOTE_EINVAL, "open of %s: the model is NULL", algorithm->name);
    if (((const mote_head *)model)->kind != algorithm->model_kind)
        return mote_fail(message, MOTE_EKIND, "open of %s: the model is of kind %u, not a %s", algorithm->name,
                         (unsigned)((const mote_head *)model)->kind, mote_kind_name(algorithm->model_kind));
    return MOTE_OK;
}

static int set_up(mote_run *run, const void *model, const void *options)
{
    int status = check_model(run->algorithm, model, &run->message);
    if (!status)
        status = read_options(run, options);
    if (status)
        return status;
    uint64_t key = mote_source_key(run->settings.seed, run->settings.run_id);
    run->source = run->hooks.source ? *run->hooks.source : mote_source_live(key);
    status = identify_options(run);
    if (status)
        return status;
    if (run->hooks.source) /* its key takes the place of seed and run_id */
        identify_source(run);
    status = run->algorithm->open(run, model);
    if (!status && run->identity.status)
        status = MOTE_ENOMEM;
    if (!status && run->settings.checkpoint)
        status = mote_folder_lock(run->settings.checkpoint, &run->lock, &run->message);
    if (status && !*run->message.text) /* an error that came without its reason gets at least its name */
        mote_fail(&run->message, status, "open of %s: %s", run->algorithm->name, mote_strerror(status));
    return status;
}

int mote_run_open(mote_run **out, const mote_algorithm *algorithm, const void *model, const void *options)
{
    mote_memory memory;
    mote_hooks hooks;
    mote_message message = { "" };
    if (!out)
        return MOTE_EINVAL;
    *out = NULL;
    if (!algorithm)
        return MOTE_EINVAL;
    int status = read_hooks(&hooks, algorithm, options, &message);
    int bad_allocator = mote_memory_open(&memory, status ? NULL : hooks.allocator);
    mote_run *run = mote_memory_allocate(&memory, 1, sizeof *run);
    if (!run)
        return MOTE_ENOMEM;
    *out = run;
    run->algorithm = algorithm;
    run->memory = memory;
    run->message = message;
    run->hooks = hooks;
    run->lock = -1;
    run->started = run->last_checkpoint = mote_clock();
    run->ledger = (mote_ledger){ MOTE_VERSIONED(mote_ledger), .likelihood_seconds = NAN };
    mote_writer_open(&run->identity, &run->memory);
    if (!status && bad_allocator)
        status = mote_fail(&run->message, bad_allocator, "open of %s: hooks.allocator is incomplete or of another kind",
                           algorithm->name);
    if (!status)
        status = set_up(run, model, options);
    run->opened = !status;
    return run->status = status;
}

int mote_run_open_executor(mote_run *run, const mote_row_function *function, int64_t capacity)
{
    const mote_executor_type *const types[] = { NULL, mote_executor_serial, mote_executor_threads,
                                                mote_executor_processes, mote_executor_external };
    int64_t choice = run->settings.executor;
    if (choice == MOTE_EXECUTOR_AUTO)
        choice = function->thread_safe && run->settings.threads > 1 ? MOTE_EXECUTOR_THREADS : MOTE_EXECUTOR_SERIAL;
    if (choice == MOTE_EXECUTOR_SERIAL && run->settings.threads > 1)
        mote_run_log(run, MOTE_LOG_WARNING, "option threads = %lld is not used: %s", (long long)run->settings.threads,
                     function->thread_safe ? "executor = serial" : "the model does not say that it is thread-safe");
    if (choice == MOTE_EXECUTOR_THREADS && !function->thread_safe)
        return mote_fail(&run->message, MOTE_EUNSUPPORTED,
                         "option executor = threads: the model '%s' does not say that it is thread-safe "
                         "(MOTE_THREADSAFE); use serial or processes", function->name);
    if (!types[choice])
        return mote_fail(&run->message, MOTE_EUNSUPPORTED, "option executor: this one is not built in");
    run->executor = (mote_executor){ .type = types[choice], .memory = &run->memory, .message = &run->message,
                                     .ledger = &run->ledger, .settings = &run->settings };
    return mote_executor_open(&run->executor, function, capacity);
}

int mote_run_usable(const mote_run *run)
{
    return !run ? MOTE_EINVAL : !run->opened ? run->status ? run->status : MOTE_ESTATE : MOTE_OK;
}

static void forget_draws(mote_run *run)
{
    if (run->draws)
        run->algorithm->free_draws(run->draws);
    run->draws = NULL;
}

static int is_error(int status)
{
    return status >= MOTE_ENOMEM || status < 0;
}

/* The step of the algorithm. An error that came without its reason gets at least its name. */
static int step_and_explain(mote_run *run)
{
    char *text = run->message.text, before = *text;
    *text = '\0';
    int status = run->algorithm->step(run);
    if (!is_error(status) && mote_source_status(&run->source)) /* what was drawn since is not what was asked for */
        status = mote_source_status(&run->source);
    if (is_error(status) && !*text && status < 0)
        mote_fail(&run->message, status, "%s: the model asked to stop with code %d", run->algorithm->name, status);
    else if (is_error(status) && !*text)
        mote_fail(&run->message, status, "%s: %s", run->algorithm->name, mote_strerror(status));
    else if (!*text)
        *text = before; /* the last failure, whenever that was */
    return status;
}

int mote_run_step(mote_run *run)
{
    int status = mote_run_usable(run);
    if (status || is_error(run->status))
        return status ? status : run->status;
    forget_draws(run);
    status = step_and_explain(run);
    ++run->steps;
    run->ledger.seconds = mote_run_seconds(run);
    if (is_error(status))
        run->finished_by = MOTE_FINISHED_BY_ERROR;
    else if (status == MOTE_DONE && !run->finished_by)
        run->finished_by = MOTE_FINISHED_BY_CRITERION;
    return run->status = status;
}

int mote_run_push(mote_run *run, const mote_observation *observation)
{
    int status = mote_run_usable(run);
    if (status || is_error(run->status))
        return status ? status : run->status;
    if (!run->algorithm->push)
        return mote_fail(&run->message, MOTE_ESTATE, "push: %s takes no observations", run->algorithm->name);
    status = run->algorithm->push(run, observation);
    return status ? status : mote_run_step(run);
}

/* MOTE_OK: go on; anything else ends the loop of finish. */
static int limit_reached(mote_run *run)
{
    run->finished_by = atomic_load(&run->stop) ? MOTE_FINISHED_BY_STOP
                       : run->settings.max_seconds > 0 && mote_run_seconds(run) >= run->settings.max_seconds
                           ? MOTE_FINISHED_BY_SECONDS
                       : run->settings.max_calls && run->boundary && run->ledger.calls >= run->settings.max_calls
                           ? MOTE_FINISHED_BY_CALLS
                           : MOTE_NOT_FINISHED;
    return run->finished_by != MOTE_NOT_FINISHED;
}

static int report_progress(mote_run *run)
{
    mote_progress progress = { .head = MOTE_VERSIONED(mote_progress) };
    if (!run->hooks.progress || mote_clock() - run->last_progress < 0.1)
        return 0;
    run->last_progress = mote_clock();
    if (mote_run_progress(run, &progress))
        return 0;
    return run->hooks.progress(run->hooks.ctx, &progress);
}

static int checkpoint_if_due(mote_run *run)
{
    if (!run->settings.checkpoint || mote_clock() - run->last_checkpoint < run->settings.checkpoint_seconds)
        return MOTE_OK;
    return mote_run_checkpoint(run);
}

/* After an error of the model or of its workers, or for lack of memory, what was reached is kept, where the step
 * changes what counts only at its end, or takes itself back; algorithms whose step cannot do so set in_doubt, and the
 * last checkpoint stays. The error stays the answer, whether that succeeds or not. */
static int keep_what_was_reached(mote_run *run, int status)
{
    if (run->settings.checkpoint
        && (status < 0 || status == MOTE_EMODEL || status == MOTE_EWORKER || status == MOTE_ENOMEM)) {
        const mote_message reason = run->message;
        if (mote_run_checkpoint(run))
            mote_run_log(run, MOTE_LOG_WARNING, "%s", run->message.text);
        run->message = reason;
    }
    return status;
}

int mote_run_finish(mote_run *run)
{
    int status = mote_run_usable(run);
    if (status || is_error(run->status))
        return status ? status : run->status;
    if (run->algorithm->end)
        run->algorithm->end(run);
    while (!limit_reached(run)) {
        status = mote_run_step(run);
        if (status)
            break;
        if (report_progress(run))
            atomic_store(&run->stop, 1);
        status = checkpoint_if_due(run);
        if (status)
            return status;
    }
    if (is_error(status))
        return keep_what_was_reached(run, status);
    if (status == MOTE_WAITING)
        return status;
    atomic_store(&run->stop, 0);
    status = run->settings.checkpoint ? mote_run_checkpoint(run) : MOTE_OK;
    return status ? status : run->finished_by == MOTE_FINISHED_BY_STOP ? MOTE_STOPPED : MOTE_OK;
}

void mote_run_stop(mote_run *run)
{
    if (run)
        atomic_store(&run->stop, 1);
}

void mote_run_close(mote_run **handle)
{
    mote_run *run = handle ? *handle : NULL;
    if (!run)
        return;
    mote_memory memory = run->memory;
    forget_draws(run);
    if (run->state)
        run->algorithm->close(run);
    mote_executor_close(&run->executor);
    if (run->options)
        mote_options_release(run->algorithm->options, run->options, &memory);
    mote_folder_unlock(run->lock);
    mote_writer_close(&run->identity);
    mote_memory_release(&memory, run->options);
    mote_memory_release(&memory, run->state);
    mote_memory_release(&memory, run);
    *handle = NULL;
}
