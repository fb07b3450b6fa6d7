/* SPDX-License-Identifier: GPL-3.0-or-later */
/* root.json: what a run found and how (layout: doc/files.rst). Written directly: numbers through core/number.h in any
 * locale, no memory. Infinities are the strings "inf" and "-inf", and what is not a number is null. Bytes of texts that
 * are no UTF-8 become U+FFFD. */
#include <math.h>
#include <mote/output.h>
#include <string.h>

#include "core/run.h"
#include "io/parameter_text.h"
#include "io/table.h"
#include "model/draws.h"

/* The file and its commas: `first` of the innermost object or array. */
struct json {
    mote_table table;
    int depth, first;
};

static void next_line(struct json *json)
{
    mote_table_end_row(&json->table);
    for (int i = 0; i < json->depth; ++i)
        mote_table_text(&json->table, "  ");
}

/* Bytes of a well-formed UTF-8 character at text (Unicode 15, table 3-7); 0 when there is none. */
static int character(const unsigned char *text)
{
    static const struct { unsigned char first, last, low, high; int bytes; } forms[] = {
        { 0x01, 0x7F, 0, 0, 1 },       { 0xC2, 0xDF, 0x80, 0xBF, 2 }, { 0xE0, 0xE0, 0xA0, 0xBF, 3 },
        { 0xE1, 0xEC, 0x80, 0xBF, 3 }, { 0xED, 0xED, 0x80, 0x9F, 3 }, { 0xEE, 0xEF, 0x80, 0xBF, 3 },
        { 0xF0, 0xF0, 0x90, 0xBF, 4 }, { 0xF1, 0xF3, 0x80, 0xBF, 4 }, { 0xF4, 0xF4, 0x80, 0x8F, 4 },
    };
    for (size_t i = 0; i < sizeof forms / sizeof *forms; ++i) {
        if (text[0] < forms[i].first || text[0] > forms[i].last)
            continue;
        if (forms[i].bytes > 1 && (text[1] < forms[i].low || text[1] > forms[i].high))
            return 0;
        for (int k = 2; k < forms[i].bytes; ++k)
            if (text[k] < 0x80 || text[k] > 0xBF)
                return 0;
        return forms[i].bytes;
    }
    return 0;
}

static void put_text(struct json *json, const char *text)
{
    mote_table *table = &json->table;
    if (!text) {
        mote_table_text(table, "null");
        return;
    }
    mote_table_text(table, "\"");
    for (const unsigned char *c = (const unsigned char *)text; *c;) {
        int n = character(c);
        char piece[8] = { 0 };
        if (n)
            memcpy(piece, c, (size_t)n);
        if (n == 0)
            mote_table_text(table, "\\ufffd");
        else if (*c == '"' || *c == '\\')
            mote_table_format(table, "\\%c", *c);
        else if (*c < 0x20 || *c == 0x7F)
            mote_table_format(table, "\\u%04x", *c);
        else
            mote_table_text(table, piece);
        c += n ? n : 1;
    }
    mote_table_text(table, "\"");
}

/* Comma, line and key (NULL inside arrays) of the next member. */
static void member(struct json *json, const char *key)
{
    if (!json->first)
        mote_table_text(&json->table, ",");
    json->first = 0;
    next_line(json);
    if (key) {
        put_text(json, key);
        mote_table_text(&json->table, ": ");
    }
}

static void begin(struct json *json, const char *key, const char *bracket)
{
    if (json->depth)
        member(json, key);
    mote_table_text(&json->table, bracket);
    ++json->depth;
    json->first = 1;
}

static void end(struct json *json, const char *bracket)
{
    --json->depth;
    if (!json->first)
        next_line(json);
    mote_table_text(&json->table, bracket);
    json->first = 0;
}

static void text(struct json *json, const char *key, const char *value)
{
    member(json, key);
    put_text(json, value);
}

static void whole(struct json *json, const char *key, int64_t value)
{
    member(json, key);
    mote_table_format(&json->table, "%lld", (long long)value);
}

static void real(struct json *json, const char *key, double value)
{
    member(json, key);
    if (isnan(value))
        mote_table_text(&json->table, "null");
    else if (isinf(value))
        mote_table_text(&json->table, value > 0 ? "\"inf\"" : "\"-inf\"");
    else
        mote_table_short(&json->table, value);
}

/* ---- sections ---- */

static void write_results(struct json *json, const mote_draws *draws)
{
    begin(json, "results", "{");
    for (int64_t i = 0; i < draws->result_count; ++i) {
        const mote_result *r = &draws->results[i];
        if (r->kind == MOTE_RESULT_WARNING)
            continue;
        begin(json, r->name, "{");
        if (r->kind == MOTE_RESULT_COUNT)
            whole(json, "value", (int64_t)r->value);
        else
            real(json, "value", r->value);
        text(json, "unit", r->unit);
        text(json, "help", r->help);
        end(json, "}");
    }
    end(json, "}");
    begin(json, "warnings", "[");
    for (int64_t i = 0; i < draws->result_count; ++i)
        if (draws->results[i].kind == MOTE_RESULT_WARNING) {
            begin(json, NULL, "{");
            text(json, "name", draws->results[i].name);
            text(json, "text", draws->results[i].help);
            end(json, "}");
        }
    end(json, "]");
}

static const struct { const char *name; int arguments; } priors[] = {
    { NULL, 2 }, /* read from a file: its range */
#define PRIOR_ROW(name, text, count, arguments) { text, count },
    MOTE_PRIOR_LIST(PRIOR_ROW)
#undef PRIOR_ROW
};

static void write_summary(struct json *json, const mote_summary *s)
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
        real(json, rows[i].key, rows[i].value);
}

static int write_parameters(struct json *json, const mote_draws *draws)
{
    int status = MOTE_OK;
    begin(json, "parameters", "[");
    for (int64_t i = 0; i < draws->parameter_count && status == MOTE_OK; ++i) {
        const mote_parameter *p = &draws->parameters[i];
        mote_summary summary = { MOTE_VERSIONED(mote_summary), .mean = NAN };
        status = mote_draws_summary(draws, i, &summary);
        begin(json, NULL, "{");
        text(json, "name", p->name);
        text(json, "label", p->label ? p->label : p->name);
        text(json, "unit", p->unit ? p->unit : "");
        member(json, "derived");
        mote_table_text(&json->table, p->prior == MOTE_PRIOR_DERIVED ? "true" : "false");
        text(json, "prior", priors[p->prior].name);
        begin(json, "prior_arguments", "[");
        for (int k = 0; k < priors[p->prior].arguments; ++k)
            real(json, NULL, p->argument[k]);
        end(json, "]");
        write_summary(json, &summary);
        end(json, "}");
    }
    end(json, "]");
    return status;
}

/* The index-th of "first|second|...". */
static void choice(struct json *json, const char *key, const char *choices, int64_t index)
{
    char name[64] = "";
    for (; index > 0 && strchr(choices, '|'); --index)
        choices = strchr(choices, '|') + 1;
    size_t n = strcspn(choices, "|");
    memcpy(name, choices, n < sizeof name ? n : sizeof name - 1);
    text(json, key, name);
}

static void write_options(struct json *json, const mote_option_table *table, const void *options)
{
    begin(json, "options", "{");
    for (int64_t i = 0; table && i < table->count; ++i) {
        const mote_option *o = &table->options[i];
        const char *field = (const char *)options + o->offset;
        int64_t integer;
        double number;
        const char *words;
        memcpy(&integer, field, sizeof integer);
        memcpy(&number, field, sizeof number);
        memcpy(&words, field, sizeof words);
        if (o->type == MOTE_OPTION_INTEGER)
            whole(json, o->key, integer);
        else if (o->type == MOTE_OPTION_REAL)
            real(json, o->key, number);
        else if (o->type == MOTE_OPTION_CHOICE)
            choice(json, o->key, o->choices, integer);
        else
            text(json, o->key, words);
    }
    end(json, "}");
}

static void write_ledger(struct json *json, const mote_ledger *ledger)
{
    static const char *const reasons[] = {
#define REASON_ROW(name, value, text) [value] = #name,
        MOTE_REASON_LIST(REASON_ROW)
#undef REASON_ROW
    };
    begin(json, "ledger", "{");
    whole(json, "calls", ledger->calls);
    whole(json, "batches", ledger->batches);
    whole(json, "gradients", ledger->gradients);
    begin(json, "failed", "{");
    for (size_t i = 1; i < sizeof reasons / sizeof *reasons; ++i) {
        char key[32] = "";
        for (size_t k = 0; reasons[i][k] && k + 1 < sizeof key; ++k)
            key[k] = (char)(reasons[i][k] + ('a' - 'A'));
        whole(json, key, ledger->failed[i]);
    }
    end(json, "}");
    whole(json, "reissued", ledger->reissued);
    whole(json, "workers_started", ledger->workers_started);
    whole(json, "checkpoints", ledger->checkpoints);
    real(json, "seconds", ledger->seconds);
    real(json, "likelihood_seconds", ledger->likelihood_seconds);
    end(json, "}");
}

static void write_run(struct json *json, mote_run *run, const mote_draws *draws)
{
    static const char *const finished[] = { "unfinished", "criterion", "calls", "seconds", "stop", "iterations",
                                            "plateau", "error" };
    int64_t by = run->finished_by;
    begin(json, "mote", "{");
    text(json, "version", MOTE_VERSION_STRING);
    whole(json, "format", 1);
    end(json, "}");
    text(json, "algorithm", run->algorithm->name);
    const char *identity = mote_run_identity(run, "identity");
    text(json, "identity", identity ? identity : "");
    text(json, "finished_by", by >= 0 && by < (int64_t)(sizeof finished / sizeof *finished) ? finished[by] : "unknown");
    real(json, "log_evidence", draws->log_evidence);
    real(json, "log_evidence_error", draws->log_evidence_error);
    whole(json, "draws", draws->count);
    real(json, "effective_sample_size", mote_draws_effective_sample_size(draws));
}

int mote_write_json(mote_run *run, const char *root)
{
    struct json json = { .depth = 0, .first = 1 };
    const mote_draws *draws = run ? mote_run_draws(run) : NULL;
    mote_ledger ledger = { MOTE_VERSIONED(mote_ledger), .calls = 0 };
    if (!draws)
        return mote_output_fail(MOTE_EINVAL, "mote_write_json: the run has no draws");
    int status = mote_run_ledger(run, &ledger);
    if (status == MOTE_OK)
        status = mote_table_open(&json.table, root, ".json");
    if (status)
        return status;
    begin(&json, NULL, "{");
    write_run(&json, run, draws);
    write_results(&json, draws);
    int written = write_parameters(&json, draws);
    write_options(&json, run->algorithm->options, run->options);
    write_ledger(&json, &ledger);
    end(&json, "}");
    mote_table_end_row(&json.table);
    if (written) /* the file would be incomplete: drop it */
        mote_table_drop(&json.table);
    status = mote_table_close(&json.table);
    return written ? mote_output_fail(written, "%s.json: %s", root, mote_strerror(written)) : status;
}
