/* SPDX-License-Identifier: GPL-3.0-or-later */
/* mote summarize DIR...: tables of runs, finished or running, from their JSON files. Bayes factors
 *
 *     log B = log Z_1 - log Z_2,  error sqrt(e_1^2 + e_2^2)
 *
 * are printed between runs whose data and likelihood have the same identity, with the priors beside them, since the
 * evidence is an average over the prior; an unknown identity matches nothing. The library decides
 * (mote_log_bayes_factor); cli/compare.c finds words for what differs. */
#include <math.h>
#include <mote/draws.h>
#include <mote/status.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include "cli/cli.h"
#include "cli/compare.h"
#include "cli/progress.h"
#include "cli/result.h"
#include "cli/summary.h"
#include "core/number.h"

enum { MOST_ROWS = 200 }; /* of the table of parameters */

/* ---- one run --------------------------------------------------------------------------------------------------- */

/* A number to the digits that its error supports: two of the error's. */
static const char *rounded(double value, double error, char text[MOTE_NUMBER_SIZE])
{
    const int digits = error > 0 && isfinite(error) ? 1 - (int)floor(log10(error)) : 4;
    if (!isfinite(value) || digits > 12 || fabs(value) >= 1e7 || digits < 0)
        return mote_number_format(text, value, 6);
    snprintf(text, MOTE_NUMBER_SIZE, "%.*f", digits, value);
    return text;
}

static void print_evidence(const mote_outcome *outcome)
{
    static const struct { const char *key, *text; } parts[] = {
        { "error_simulated", "volumes" }, { "error_bootstrap", "threads" }, { "error_tail", "tail" },
        { "error_constraint", "constraint" },
    };
    const double value = mote_outcome_number(outcome->json, "log_evidence"),
                 error = mote_outcome_number(outcome->json, "log_evidence_error");
    char a[MOTE_NUMBER_SIZE], b[MOTE_NUMBER_SIZE];
    if (isnan(value))
        return;
    printf("log Z = %s", rounded(value, error, a));
    if (isfinite(error))
        printf(" +- %s", rounded(error, error, b));
    int shown = 0;
    for (size_t i = 0; i < sizeof parts / sizeof *parts; ++i) {
        const double part = mote_outcome_result(outcome, parts[i].key);
        if (part > 0)
            printf("%s%s %.2g", shown++ ? ", " : "   (", parts[i].text, part);
    }
    printf("%s\n", shown ? ")" : "");
    const double mass = mote_outcome_result(outcome, "log_prior_mass");
    if (mass < 0)
        printf("log prior mass of the joint constraint %s\n", rounded(mass, 1e-3, a));
}

static void print_costs(const mote_outcome *outcome)
{
    const json_t *ledger = json_object_get(outcome->json, "ledger");
    char time[64];
    const double information = mote_outcome_result(outcome, "information");
    if (!isnan(information))
        printf("information %.2f nats, ", information);
    printf("effective sample size %.0f of %.0f draws, %.0f calls, time %s\n",
           mote_outcome_number(outcome->json, "effective_sample_size"), mote_outcome_number(outcome->json, "draws"),
           mote_outcome_number(ledger, "calls"), mote_duration(mote_outcome_number(ledger, "seconds"), time));
}

/* What the algorithm found beside draws and evidence; of nested runs the lines above say it. */
static void print_results(const mote_outcome *outcome)
{
    json_t *results = json_object_get(outcome->json, "results"), *result;
    const char *algorithm = mote_outcome_text(outcome->json, "algorithm"), *name;
    char number[MOTE_NUMBER_SIZE];
    int width = 0;
    if (!strcmp(algorithm, "nested") || !strcmp(algorithm, "prior"))
        return;
    json_object_foreach(results, name, result) width = (int)strlen(name) > width ? (int)strlen(name) : width;
    width = width < 40 ? width : 40;
    json_object_foreach(results, name, result)
    {
        const char *unit = mote_outcome_text(result, "unit");
        if (!strncmp(name, "log_evidence", 12) || !strcmp(name, "effective_sample_size"))
            continue; /* printed above */
        printf("%-*s %12s %s%s%s\n", width, name, mote_number_format(number, mote_outcome_number(result, "value"), 6), unit,
               *unit ? ", " : "", mote_outcome_text(result, "help"));
    }
}

static void print_failed(const mote_outcome *outcome)
{
    json_t *failed = json_object_get(json_object_get(outcome->json, "ledger"), "failed");
    const char *reason;
    json_t *count;
    double total = 0;
    json_object_foreach(failed, reason, count) total += json_number_value(count);
    if (!(total > 0))
        return;
    printf("failed evaluations:");
    json_object_foreach(failed, reason, count) if (json_number_value(count) > 0)
        printf(" %s %.0f", reason, json_number_value(count));
    printf(" (%.3g %% of the prior draws, %.3g %% of all calls)\n", 100 * mote_outcome_result(outcome, "failed_prior_share"),
           100 * mote_outcome_result(outcome, "failed_share"));
}

static void print_warnings(const mote_outcome *outcome)
{
    const json_t *warnings = json_object_get(outcome->json, "warnings");
    for (size_t i = 0; i < json_array_size(warnings); ++i) {
        const char *text = mote_outcome_text(json_array_get(warnings, i), "text");
        printf("warning: %s.\n", text);
    }
}

/* Width of the column that holds the parameters' names. */
static int name_width(const json_t *list)
{
    size_t width = 9;
    for (size_t i = 0; i < json_array_size(list); ++i) {
        const size_t length = strlen(mote_outcome_text(json_array_get(list, i), "name"));
        width = length > width ? length : width;
    }
    return (int)(width < 40 ? width : 40);
}

static void print_parameters(const mote_outcome *outcome)
{
    static const char *const keys[] = { "mean", "sd", "lower_68", "upper_68", "best" };
    const json_t *list = json_object_get(outcome->json, "parameters");
    const int width = name_width(list);
    char text[MOTE_NUMBER_SIZE], prior[MOTE_PRIOR_TEXT];
    printf("\n%-*s %12s %12s %12s %12s %12s  %s\n", width, "parameter", "mean", "sd", "68 % from", "to", "best", "prior");
    const size_t shown = json_array_size(list) < MOST_ROWS ? json_array_size(list) : MOST_ROWS;
    for (size_t i = 0; i < shown; ++i) {
        const json_t *parameter = json_array_get(list, i);
        const double sd = mote_outcome_number(parameter, "sd");
        printf("%-*s", width, mote_outcome_text(parameter, "name"));
        for (size_t k = 0; k < sizeof keys / sizeof *keys; ++k)
            printf(" %12s", rounded(mote_outcome_number(parameter, keys[k]), sd / 10, text));
        printf("  %s\n", mote_prior_text(parameter, prior));
    }
    if (shown < json_array_size(list))
        printf("and %d more in the JSON file\n", (int)(json_array_size(list) - shown));
}

static void print_outcome(const mote_outcome *outcome)
{
    const char *by = mote_outcome_text(outcome->json, "finished_by");
    const int unfinished = !strcmp(by, "unfinished") || !strcmp(by, "stop");
    printf("%s: %s, %s%s%s\n", outcome->title, mote_outcome_text(outcome->json, "algorithm"),
           unfinished ? "not finished" : "ended by ", unfinished ? "" : by,
           unfinished ? ": what follows is the state when the files were written" : "");
    print_evidence(outcome);
    print_costs(outcome);
    print_results(outcome);
    print_failed(outcome);
    print_warnings(outcome);
    print_parameters(outcome);
}

int mote_summarize(const char *folder)
{
    mote_outcome outcome;
    int code = mote_outcome_read(&outcome, folder);
    if (!code)
        print_outcome(&outcome);
    mote_outcome_free(&outcome);
    return code;
}

/* ---- several runs ------------------------------------------------------------------------------------------------ */

static void print_cell(const json_t *parameter)
{
    char mean[MOTE_NUMBER_SIZE], sd[MOTE_NUMBER_SIZE], cell[80];
    const double error = mote_outcome_number(parameter, "sd");
    if (parameter)
        snprintf(cell, sizeof cell, "%s +- %s", rounded(mote_outcome_number(parameter, "mean"), error, mean),
                 rounded(error, error, sd));
    else
        snprintf(cell, sizeof cell, "-");
    printf("  %24s", cell);
}

/* All parameters of all runs, each once, in order of appearance. */
static void print_side_by_side(const mote_outcome *outcomes, int n)
{
    printf("\n%-20s", "");
    for (int i = 0; i < n; ++i) {
        const size_t length = strlen(outcomes[i].title);
        printf("  %24s", length > 24 ? outcomes[i].title + length - 24 : outcomes[i].title);
    }
    putchar('\n');
    for (int i = 0; i < n; ++i) {
        const json_t *list = json_object_get(outcomes[i].json, "parameters");
        for (size_t k = 0; k < json_array_size(list); ++k) {
            const char *name = mote_outcome_text(json_array_get(list, k), "name");
            int seen = 0;
            for (int j = 0; j < i; ++j)
                seen |= mote_outcome_parameter(&outcomes[j], name) != NULL;
            if (seen)
                continue;
            printf("%-20s", name);
            for (int j = 0; j < n; ++j)
                print_cell(mote_outcome_parameter(&outcomes[j], name));
            putchar('\n');
        }
    }
}

static mote_evidence_estimate evidence_of(const mote_outcome *outcome)
{
    return (mote_evidence_estimate){ MOTE_VERSIONED(mote_evidence_estimate),
                                     mote_outcome_number(outcome->json, "log_evidence"),
                                     mote_outcome_number(outcome->json, "log_evidence_error"), outcome->identity };
}

static void print_bayes_factor(const mote_outcome *a, const mote_outcome *b)
{
    const mote_evidence_estimate first = evidence_of(a), second = evidence_of(b);
    double log_factor, error;
    char value[MOTE_NUMBER_SIZE], width[MOTE_NUMBER_SIZE], text[MOTE_DIFFERENCE_TEXT];
    int status = mote_log_bayes_factor(&first, &second, 0, &log_factor, &error);
    printf("%s against %s: ", a->title, b->title);
    if (!status)
        printf("log B = %s +- %s\n", rounded(log_factor, error, value), rounded(error, error, width));
    else if (!*a->identity || !*b->identity)
        printf("no Bayes factor: the identity of data and likelihood of %s is unknown\n",
               *a->identity ? b->title : a->title);
    else if (status == MOTE_EIDENTITY)
        printf("no Bayes factor: data or likelihood differ: %s\n", mote_identity_difference(a, b, text));
    else
        printf("no Bayes factor: %s has no evidence\n", isfinite(first.log_evidence) ? b->title : a->title);
    if (*mote_prior_difference(a, b, text))
        printf("  different priors of parameters that both have: %s\n", text);
}

static void print_priors(const mote_outcome *outcome)
{
    const json_t *list = json_object_get(outcome->json, "parameters");
    char text[MOTE_PRIOR_TEXT];
    printf("  priors of %s:", outcome->title);
    for (size_t i = 0, shown = 0; i < json_array_size(list); ++i) {
        const json_t *parameter = json_array_get(list, i);
        if (*mote_prior_text(parameter, text))
            printf("%s %s %s", shown++ ? "," : "", mote_outcome_text(parameter, "name"), text);
    }
    const double mass = mote_outcome_result(outcome, "log_prior_mass");
    if (mass < 0)
        printf("; joint constraint of log mass %.3f", mass);
    putchar('\n');
}

static void print_comparison(const mote_outcome *outcomes, int n)
{
    print_side_by_side(outcomes, n);
    putchar('\n');
    for (int i = 0; i < n; ++i)
        for (int j = i + 1; j < n; ++j)
            print_bayes_factor(&outcomes[i], &outcomes[j]);
    for (int i = 0; i < n; ++i)
        print_priors(&outcomes[i]);
}

static int run(const mote_arguments *arguments)
{
    const int n = arguments->count;
    if (n < 1)
        return mote_complain(MOTE_EXIT_USAGE, "summarize: an output folder is needed");
    mote_outcome *outcomes = calloc((size_t)n, sizeof *outcomes);
    int code = outcomes ? 0 : mote_complain(MOTE_EXIT_INTERNAL, "%s", mote_strerror(MOTE_ENOMEM)), read = 0;
    while (!code && read < n) {
        code = mote_outcome_read(&outcomes[read], arguments->operands[read]);
        ++read;
    }
    for (int i = 0; !code && i < n; ++i) {
        if (i)
            putchar('\n');
        print_outcome(&outcomes[i]);
    }
    if (!code && n > 1)
        print_comparison(outcomes, n);
    for (int i = 0; i < read; ++i)
        mote_outcome_free(&outcomes[i]);
    free(outcomes);
    return code;
}

const mote_verb mote_verb_summarize = {
    .name = "summarize",
    .operands = "DIR...",
    .help = "Print parameters, evidence, costs and warnings of runs, and compare them",
    .details = "DIR is the output folder of a finished or a running run, or the root of its files. Several are put side by\n"
               "side; Bayes factors appear where the identities of data and likelihood match.",
    .run = run,
};
