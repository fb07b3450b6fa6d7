/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Save and load of a run. Body: tag, library version, identity (key-value lines), life cycle, ledger, and the
 * algorithm's state. A checkpoint of another model, data set or option set is refused, and the message names what
 * differs. */
#include <stdatomic.h>
#include <stdio.h>
#include <string.h>

#include "core/run.h"

static void put_ledger(mote_writer *writer, const mote_ledger *ledger)
{
    mote_put_tag(writer, "ledger");
    mote_put_integer(writer, ledger->calls);
    mote_put_integer(writer, ledger->batches);
    mote_put_integer(writer, ledger->gradients);
    mote_put_integers(writer, ledger->failed, 16);
    mote_put_integer(writer, ledger->reissued);
    mote_put_integer(writer, ledger->workers_started);
    mote_put_integer(writer, ledger->checkpoints);
    mote_put_real(writer, ledger->likelihood_seconds);
    mote_put_integer(writer, ledger->backward_draws);
    mote_put_integer(writer, ledger->backward_trials);
    mote_put_integer(writer, ledger->backward_fallbacks);
    mote_put_integer(writer, ledger->transition_densities);
}

static void get_ledger(mote_reader *reader, mote_ledger *ledger)
{
    mote_get_tag(reader, "ledger");
    ledger->calls = mote_get_integer(reader);
    ledger->batches = mote_get_integer(reader);
    ledger->gradients = mote_get_integer(reader);
    mote_get_integers(reader, ledger->failed, 16);
    ledger->reissued = mote_get_integer(reader);
    ledger->workers_started = mote_get_integer(reader);
    ledger->checkpoints = mote_get_integer(reader);
    ledger->likelihood_seconds = mote_get_real(reader);
    ledger->backward_draws = mote_get_integer(reader);
    ledger->backward_trials = mote_get_integer(reader);
    ledger->backward_fallbacks = mote_get_integer(reader);
    ledger->transition_densities = mote_get_integer(reader);
}

/* After these errors the state may be wrong: it must not become a checkpoint. */
static int doubtful(mote_run *run)
{
    if (run->status == MOTE_ESOURCE || run->status == MOTE_EINTERNAL)
        return mote_fail(&run->message, MOTE_ESTATE, "not saved: the run ended with '%s'", mote_strerror(run->status));
    if (run->in_doubt)
        return mote_fail(&run->message, MOTE_ESTATE, "not saved: %s failed in the middle of a step that cannot be "
                         "taken back; the last checkpoint stays the place to resume from", run->algorithm->name);
    return MOTE_OK;
}

static int write_state(mote_run *run, mote_writer *writer)
{
    mote_put_tag(writer, "run");
    mote_put_text(writer, mote_version());
    mote_put_integer(writer, run->identity.length);
    for (mote_reader reader = { run->identity.bytes, run->identity.length, 0, MOTE_OK }; reader.position < reader.length;)
        mote_put_text(writer, mote_get_text(&reader));
    mote_put_integer(writer, run->steps);
    mote_put_real(writer, mote_run_seconds(run));
    put_ledger(writer, &run->ledger);
    int status = run->algorithm->save(run, writer);
    return status ? status : writer->status;
}

/* The next pair of an identity; NULL and NULL at its end. */
static const char *next_pair(mote_reader *identity, const char **value)
{
    const int more = identity->position < identity->length;
    const char *key = more ? mote_get_text(identity) : NULL;
    *value = more ? mote_get_text(identity) : NULL;
    return key && *value ? key : NULL;
}

enum { SHOWN = 120, BEFORE = 20 }; /* characters of a value, and of what two long ones have in common */

/* A long value from a little before the place where it differs from the other one, with ... for what is left out. */
static const char *shown(char text[SHOWN + 8], const char *value, const char *other)
{
    size_t first = 0;
    while (value[first] && value[first] == other[first])
        ++first;
    first = strlen(value) <= SHOWN && strlen(other) <= SHOWN ? 0 : first > BEFORE ? first - BEFORE : 0;
    while (first > 0 && ((unsigned char)value[first] & 0xc0) == 0x80) /* within a character of several bytes */
        --first;
    const size_t rest = strlen(value + first);
    snprintf(text, SHOWN + 8, "%s%.*s%s", first ? "..." : "", SHOWN, value + first, rest > SHOWN ? "..." : "");
    return text;
}

/* Compares the stored identity with the run's, pair by pair. */
static int compare_identity(mote_run *run, mote_reader *reader)
{
    mote_reader ours = { run->identity.bytes, run->identity.length, 0, MOTE_OK };
    int64_t length = mote_get_count(reader, 0, reader->length - reader->position);
    mote_reader theirs = { reader->bytes + reader->position, length, 0, reader->status };
    reader->position += length;
    for (;;) {
        const char *value, *stored, *key = next_pair(&ours, &value), *stored_key = next_pair(&theirs, &stored);
        if (theirs.status || (!stored_key && theirs.position < theirs.length))
            return mote_fail(&run->message, MOTE_ECORRUPT, "the checkpoint's identity cannot be read");
        if (!key && !stored_key)
            return MOTE_OK;
        if (!key || !stored_key)
            return mote_fail(&run->message, MOTE_EIDENTITY, "%s has %s = %s, %s has no such entry",
                             key ? "this run" : "the checkpoint", key ? key : stored_key, key ? value : stored,
                             key ? "the checkpoint" : "this run");
        char text[SHOWN + 8], stored_text[SHOWN + 8];
        if (strcmp(key, stored_key) || strcmp(value, stored))
            return mote_fail(&run->message, MOTE_EIDENTITY, "the checkpoint was made with %s = %s, this run has %s = %s",
                             stored_key, shown(stored_text, stored, value), key, shown(text, value, stored));
    }
}

/* Names and priors agree; likelihood and data may not. */
static void warn_of_unknown_model(const mote_run *run)
{
    const char *identity = mote_run_identity(run, "identity");
    if (identity && !*identity)
        mote_run_log(run, MOTE_LOG_WARNING, "the model has no identity: whether its likelihood and data are those of "
                     "the checkpoint cannot be checked");
}

static int read_state(mote_run *run, const unsigned char *bytes, int64_t length)
{
    mote_reader reader;
    mote_reader_open(&reader, bytes, length);
    mote_get_tag(&reader, "run");
    const char *version = mote_get_text(&reader);
    if (reader.status || !version)
        return mote_fail(&run->message, MOTE_ECORRUPT, "the file is not a checkpoint of a run");
    if (strcmp(version, mote_version()))
        return mote_fail(&run->message, MOTE_EVERSION, "the checkpoint was written by mote %s, this is mote %s", version,
                         mote_version());
    int status = compare_identity(run, &reader);
    if (status)
        return status;
    run->steps = mote_get_integer(&reader);
    run->seconds_before = mote_get_real(&reader);
    run->started = mote_clock();
    get_ledger(&reader, &run->ledger);
    run->executor.batches_before = run->ledger.batches;
    if (run->ledger.likelihood_seconds > 0)
        run->executor.seconds_before = run->ledger.likelihood_seconds;
    warn_of_unknown_model(run);
    if (!reader.status)
        status = run->algorithm->load(run, &reader);
    if (!status && !reader.status && reader.position != reader.length)
        reader.status = MOTE_ECORRUPT;
    if (reader.status)
        return mote_fail(&run->message, reader.status, "the checkpoint's state cannot be read");
    return status;
}

/* A run that already worked cannot be overwritten: half of it would be the old one's. A failed load spoils the run. */
static int load_bytes(mote_run *run, const unsigned char *bytes, int64_t length)
{
    int status = read_state(run, bytes, length);
    if (status)
        run->opened = 0;
    return run->status = status;
}

static int fresh(mote_run *run)
{
    int status = mote_run_usable(run);
    if (!status && run->steps)
        status = mote_fail(&run->message, MOTE_ESTATE, "a checkpoint is loaded into a freshly opened run only");
    return status;
}

int mote_run_save(mote_run *run, const char *path)
{
    mote_writer writer;
    int status = mote_run_usable(run);
    if (!status && !path)
        status = mote_fail(&run->message, MOTE_EINVAL, "save: the path is NULL");
    if (!status)
        status = doubtful(run);
    if (status)
        return status;
    mote_writer_open(&writer, &run->memory);
    run->message.text[0] = '\0';
    status = write_state(run, &writer);
    if (!status)
        status = mote_file_store(path, &writer, &run->message);
    else if (!run->message.text[0])
        mote_fail(&run->message, status, "save to %s: %s", path, mote_strerror(status));
    mote_writer_close(&writer);
    return status;
}

int mote_run_load(mote_run *run, const char *path)
{
    unsigned char *bytes = NULL;
    int64_t length;
    int status = fresh(run);
    if (!status && !path)
        status = mote_fail(&run->message, MOTE_EINVAL, "load: the path is NULL");
    if (!status)
        status = mote_file_load(path, &run->memory, &bytes, &length, &run->message);
    if (!status)
        status = load_bytes(run, bytes, length);
    if (run)
        mote_memory_release(&run->memory, bytes);
    return status;
}

int mote_run_checkpoint(mote_run *run)
{
    mote_writer writer;
    int status = mote_run_usable(run);
    if (!status && !run->settings.checkpoint)
        status = mote_fail(&run->message, MOTE_ESTATE, "option checkpoint names no folder");
    if (!status)
        status = doubtful(run);
    if (status)
        return status;
    mote_writer_open(&writer, &run->memory);
    ++run->ledger.checkpoints;
    status = write_state(run, &writer);
    status = status ? mote_fail(&run->message, status, "checkpoint in %s: %s", run->settings.checkpoint,
                                mote_strerror(status))
                    : mote_generation_store(run->settings.checkpoint, &writer, &run->message);
    mote_writer_close(&writer);
    run->last_checkpoint = mote_clock();
    return status;
}

int mote_run_resume(mote_run *run)
{
    unsigned char *bytes = NULL;
    int64_t length;
    int status = fresh(run);
    if (!status && !run->settings.checkpoint)
        status = mote_fail(&run->message, MOTE_ESTATE, "option checkpoint names no folder");
    if (!status)
        status = mote_generation_load(run->settings.checkpoint, &run->memory, &bytes, &length, &run->message);
    if (!status) {
        if (run->message.text[0])
            mote_run_log(run, MOTE_LOG_WARNING, "%s", run->message.text);
        status = load_bytes(run, bytes, length);
    }
    if (run)
        mote_memory_release(&run->memory, bytes);
    return status;
}
