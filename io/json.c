/* SPDX-License-Identifier: GPL-3.0-or-later */
/* root.json: what a run found and how (layout: doc/files.rst), as a jansson tree that is written at once. Infinities are
 * the strings "inf" and "-inf", and what is not a number is null. Texts that are no UTF-8 keep their ASCII; every other
 * byte of them becomes U+FFFD. */
#include <errno.h>
#include <jansson.h>
#include <math.h>
#include <mote/output.h>
#include <string.h>

#include "core/run.h"
#include "io/parameter_text.h"
#include "io/table.h"
#include "model/draws.h"

/* ---- values: NULL when there is no memory, which whoever sets them notices ---- */

static json_t *text(const char *value)
{
    char safe[1024];
    size_t used = 0;
    errno = 0;
    json_t *string = value ? json_string(value) : json_null();
    if (string || errno == ENOMEM)
        return string;
    for (; *value && used + 4 < sizeof safe; ++value) {
        if ((unsigned char)*value < 0x80)
            safe[used++] = *value;
        else {
            memcpy(safe + used, "\xEF\xBF\xBD", 3);
            used += 3;
        }
    }
    return json_stringn(safe, used);
}

static json_t *real(double value)
{
    if (isnan(value))
        return json_null();
    if (isinf(value))
        return json_string(value > 0 ? "inf" : "-inf");
    return json_real(value);
}

/* A tree under construction: `failed` once anything could not be made. */
struct json {
    int failed;
};

static void set(struct json *json, json_t *object, const char *key, json_t *value)
{
    if (!value || json_object_set_new(object, key, value))
        json->failed = 1;
}

static void append(struct json *json, json_t *array, json_t *value)
{
    if (!value || json_array_append_new(array, value))
        json->failed = 1;
}

/* A new object or array as a member; NULL keys append to an array. The result may be NULL: setting in NULL fails. */
static json_t *begin(struct json *json, json_t *parent, const char *key, json_t *fresh)
{
    if (key)
        set(json, parent, key, fresh);
    else
        append(json, parent, fresh);
    return json->failed ? NULL : fresh;
}

/* ---- sections ---- */

static void add_results(struct json *json, json_t *all, const mote_draws *draws)
{
    json_t *results = begin(json, all, "results", json_object());
    json_t *warnings = begin(json, all, "warnings", json_array());
    for (int64_t i = 0; i < draws->result_count; ++i) {
        const mote_result *r = &draws->results[i];
        if (r->kind == MOTE_RESULT_WARNING) {
            json_t *one = begin(json, warnings, NULL, json_object());
            set(json, one, "name", text(r->name));
            set(json, one, "text", text(r->help));
            continue;
        }
        json_t *one = begin(json, results, r->name, json_object());
        set(json, one, "value", r->kind == MOTE_RESULT_COUNT ? json_integer((int64_t)r->value) : real(r->value));
        set(json, one, "unit", text(r->unit));
        set(json, one, "help", text(r->help));
    }
}

static const struct { const char *name; int arguments; } priors[] = {
    { NULL, 2 }, /* read from a file: its range */
#define PRIOR_ROW(name, text, count, arguments) { text, count },
    MOTE_PRIOR_LIST(PRIOR_ROW)
#undef PRIOR_ROW
};

static void add_summary(struct json *json, json_t *parameter, const mote_summary *s)
{
    const struct { const char *key; double value; } rows[] = {
        { "mean", s->mean }, { "sd", s->sd }, { "monte_carlo_error", s->monte_carlo_error }, { "median", s->median },
        { "lower_68", s->lower_68 }, { "upper_68", s->upper_68 }, { "lower_95", s->lower_95 },
        { "upper_95", s->upper_95 }, { "shortest_lower_68", s->shortest_lower_68 },
        { "shortest_upper_68", s->shortest_upper_68 }, { "shortest_lower_95", s->shortest_lower_95 },
        { "shortest_upper_95", s->shortest_upper_95 }, { "minimum", s->minimum }, { "maximum", s->maximum },
        { "best", s->best },
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; ++i)
        set(json, parameter, rows[i].key, real(rows[i].value));
}

static void add_parameter(struct json *json, json_t *parameters, const mote_parameter *p, const mote_summary *summary)
{
    json_t *one = begin(json, parameters, NULL, json_object());
    set(json, one, "name", text(p->name));
    set(json, one, "label", text(p->label ? p->label : p->name));
    set(json, one, "unit", text(p->unit ? p->unit : ""));
    set(json, one, "derived", json_boolean(p->prior == MOTE_PRIOR_DERIVED));
    set(json, one, "prior", text(priors[p->prior].name));
    json_t *arguments = begin(json, one, "prior_arguments", json_array());
    for (int k = 0; k < priors[p->prior].arguments; ++k)
        append(json, arguments, real(p->argument[k]));
    add_summary(json, one, summary);
}

static int add_parameters(struct json *json, json_t *all, const mote_draws *draws)
{
    int status = MOTE_OK;
    json_t *parameters = begin(json, all, "parameters", json_array());
    for (int64_t i = 0; i < draws->parameter_count && status == MOTE_OK; ++i) {
        mote_summary summary = { MOTE_VERSIONED(mote_summary), .mean = NAN };
        status = mote_draws_summary(draws, i, &summary);
        add_parameter(json, parameters, &draws->parameters[i], &summary);
    }
    return status;
}

/* The index-th of "first|second|...". */
static json_t *choice(const char *choices, int64_t index)
{
    for (; index > 0 && strchr(choices, '|'); --index)
        choices = strchr(choices, '|') + 1;
    return json_stringn(choices, strcspn(choices, "|"));
}

static json_t *option_value(const mote_option *option, const void *options)
{
    const char *field = (const char *)options + option->offset, *words;
    int64_t integer;
    double number;
    memcpy(&integer, field, sizeof integer);
    memcpy(&number, field, sizeof number);
    memcpy(&words, field, sizeof words);
    switch (option->type) {
    case MOTE_OPTION_INTEGER: return json_integer(integer);
    case MOTE_OPTION_REAL: return real(number);
    case MOTE_OPTION_CHOICE: return choice(option->choices, integer);
    default: return text(words);
    }
}

static void add_options(struct json *json, json_t *all, const mote_option_table *table, const void *options)
{
    json_t *object = begin(json, all, "options", json_object());
    for (int64_t i = 0; table && i < table->count; ++i)
        set(json, object, table->options[i].key, option_value(&table->options[i], options));
}

static void add_ledger(struct json *json, json_t *all, const mote_ledger *ledger)
{
    static const char *const reasons[] = {
#define REASON_ROW(name, value, text) [value] = #name,
        MOTE_REASON_LIST(REASON_ROW)
#undef REASON_ROW
    };
    json_t *object = begin(json, all, "ledger", json_object());
    set(json, object, "calls", json_integer(ledger->calls));
    set(json, object, "batches", json_integer(ledger->batches));
    set(json, object, "gradients", json_integer(ledger->gradients));
    json_t *failed = begin(json, object, "failed", json_object());
    for (size_t i = 1; i < sizeof reasons / sizeof *reasons; ++i) {
        char key[32] = "";
        for (size_t k = 0; reasons[i][k] && k + 1 < sizeof key; ++k)
            key[k] = (char)(reasons[i][k] + ('a' - 'A'));
        set(json, failed, key, json_integer(ledger->failed[i]));
    }
    set(json, object, "reissued", json_integer(ledger->reissued));
    set(json, object, "workers_started", json_integer(ledger->workers_started));
    set(json, object, "checkpoints", json_integer(ledger->checkpoints));
    set(json, object, "seconds", real(ledger->seconds));
    set(json, object, "likelihood_seconds", real(ledger->likelihood_seconds));
    set(json, object, "backward_draws", json_integer(ledger->backward_draws));
    set(json, object, "backward_trials", json_integer(ledger->backward_trials));
    set(json, object, "backward_fallbacks", json_integer(ledger->backward_fallbacks));
    set(json, object, "transition_densities", json_integer(ledger->transition_densities));
}

static void add_run(struct json *json, json_t *all, mote_run *run, const mote_draws *draws)
{
    static const char *const finished[] = { "unfinished", "criterion", "calls", "seconds", "stop", "iterations",
                                            "plateau", "error" };
    int64_t by = run->finished_by;
    json_t *mote = begin(json, all, "mote", json_object());
    set(json, mote, "version", text(MOTE_VERSION_STRING));
    set(json, mote, "format", json_integer(1));
    set(json, all, "algorithm", text(run->algorithm->name));
    const char *identity = mote_run_identity(run, "identity");
    set(json, all, "identity", text(identity ? identity : ""));
    set(json, all, "finished_by",
        text(by >= 0 && by < (int64_t)(sizeof finished / sizeof *finished) ? finished[by] : "unknown"));
    set(json, all, "log_evidence", real(draws->log_evidence));
    set(json, all, "log_evidence_error", real(draws->log_evidence_error));
    set(json, all, "draws", json_integer(draws->count));
    set(json, all, "effective_sample_size", real(mote_draws_effective_sample_size(draws)));
}

/* ---- the file ---- */

static int put(const char *bytes, size_t size, void *table)
{
    char piece[256];
    for (; size; bytes += strlen(piece), size -= strlen(piece)) {
        size_t n = size < sizeof piece - 1 ? size : sizeof piece - 1;
        memcpy(piece, bytes, n);
        piece[n] = '\0';
        mote_table_text(table, piece);
    }
    return 0;
}

static int write_tree(const json_t *all, const char *root)
{
    mote_table table;
    int status = mote_table_open(&table, root, ".json");
    if (status)
        return status;
    int dropped = json_dump_callback(all, put, &table, JSON_INDENT(2) | JSON_REAL_PRECISION(17));
    mote_table_end_row(&table);
    if (dropped)
        mote_table_drop(&table);
    status = mote_table_close(&table);
    return dropped ? mote_output_fail(MOTE_ENOMEM, "%s.json: no memory", root) : status;
}

int mote_write_json(mote_run *run, const char *root)
{
    struct json json = { 0 };
    const mote_draws *draws = run ? mote_run_draws(run) : NULL;
    mote_ledger ledger = { MOTE_VERSIONED(mote_ledger), .calls = 0 };
    if (!draws)
        return mote_output_fail(MOTE_EINVAL, "mote_write_json: the run has no draws");
    int status = mote_run_ledger(run, &ledger);
    if (status)
        return mote_output_fail(status, "%s.json: %s", root, mote_strerror(status));
    json_t *all = json_object();
    json.failed = !all;
    add_run(&json, all, run, draws);
    add_results(&json, all, draws);
    status = add_parameters(&json, all, draws);
    add_options(&json, all, run->algorithm->options, run->options);
    add_ledger(&json, all, &ledger);
    if (!status && json.failed)
        status = MOTE_ENOMEM;
    status = status ? mote_output_fail(status, "%s.json: %s", root, mote_strerror(status)) : write_tree(all, root);
    json_decref(all);
    return status;
}
