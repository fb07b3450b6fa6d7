/* SPDX-License-Identifier: GPL-3.0-or-later */
/* mote plot DIR...: corner plot and run diagnostics. The library writes data and scripts; gnuplot draws. Runs are read
 * from their result files, so that running folders and chains of other codes (GetDist roots) can be plotted too. */
#define _XOPEN_SOURCE 700 /* realpath */
#include <errno.h>
#include <mote/output.h>
#include <spawn.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>

#include "cli/job.h"
#include "cli/result.h"
#include "io/plot.h"
#include "io/read.h"

enum { NAMES_SIZE = 2048 };
extern char **environ;

typedef struct plot_job {
    mote_memory memory;
    const mote_arguments *arguments;
    mote_draws *draws[MOTE_PLOT_SETS];
    char labels[MOTE_PLOT_SETS][256];
    int count;
    char folder[MOTE_JOB_PATH];
    char names[NAMES_SIZE];                     /* --parameters, cut at the commas */
    const char *parameters[MOTE_PLOT_PARAMETERS];
    mote_plot_options options;
} plot_job;

/* ---- reading ----------------------------------------------------------------------------------------------------- */

/* Chains know ranges only; the JSON beside them knows the priors. Those of groups stay unknown. */
static void recall_priors(mote_draws *draws, const char *path)
{
    mote_outcome outcome;
    struct stat about;
    char file[MOTE_JOB_PATH + 8];
    snprintf(file, sizeof file, "%s.json", path);
    if (stat(file, &about) || mote_outcome_read(&outcome, path))
        return;
    for (int64_t i = 0; i < draws->parameter_count; ++i) {
        mote_parameter *parameter = &draws->parameters[i];
        const json_t *known = mote_outcome_parameter(&outcome, parameter->name);
        const int64_t prior = known ? mote_prior_from_name(mote_outcome_text(known, "prior")) : MOTE_PRIOR_NONE;
        const json_t *arguments = json_object_get(known, "prior_arguments");
        if (prior == MOTE_PRIOR_NONE || prior > MOTE_PRIOR_STUDENT || parameter->prior == MOTE_PRIOR_DERIVED)
            continue;
        parameter->prior = prior;
        for (size_t k = 0; k < 4; ++k)
            parameter->argument[k] = json_number_value(json_array_get(arguments, k));
    }
    mote_outcome_free(&outcome);
}

static const char *last_part(const char *path)
{
    const char *slash = strrchr(path, '/');
    return slash ? slash + 1 : path;
}

/* ROOT.txt is a name of the chain that GetDist calls ROOT. */
static void drop_ending(char *root)
{
    char file[MOTE_JOB_PATH + 8];
    struct stat about;
    const size_t length = strlen(root);
    snprintf(file, sizeof file, "%s.txt", root);
    if (length > 4 && !strcmp(root + length - 4, ".txt") && stat(file, &about))
        root[length - 4] = '\0';
}

static int read_set(plot_job *drawing, const char *path)
{
    char root[MOTE_JOB_PATH], message[1200];
    int code = mote_outcome_root(path, root, sizeof root);
    if (code)
        return code;
    drop_ending(root);
    int status = mote_draws_read(&drawing->draws[drawing->count], &drawing->memory, root, message, sizeof message);
    if (status)
        return mote_complain(mote_exit_code(status), "%s", message);
    recall_priors(drawing->draws[drawing->count], root);
    snprintf(drawing->labels[drawing->count], sizeof drawing->labels[0], "%.255s", last_part(root));
    ++drawing->count;
    return 0;
}

static int has_twin(const plot_job *drawing, int i)
{
    for (int k = 0; k < drawing->count; ++k)
        if (k != i && !strcmp(drawing->labels[i], drawing->labels[k]))
            return 1;
    return 0;
}

/* "runs/a/" and "runs/a" are a, and "." is the name of the current folder; chains that are no folder: "folder/root". */
static void name_after_folder(char label[256], const char *path)
{
    char copy[MOTE_JOB_PATH];
    struct stat about;
    char *real = *last_part(path) == '.' || path[strspn(path, "./")] == '\0' ? realpath(path, NULL) : NULL;
    snprintf(copy, sizeof copy, "%s", real ? real : path);
    free(real);
    for (size_t length = strlen(copy); length > 1 && copy[length - 1] == '/'; --length)
        copy[length - 1] = '\0';
    char *name = copy + (last_part(copy) - copy);
    if (name - copy > 1 && (stat(path, &about) || !S_ISDIR(about.st_mode))) {
        name[-1] = '\0';
        const size_t folder = (size_t)(last_part(copy) - copy);
        name[-1] = '/';
        name = copy + folder;
    }
    snprintf(label, 256, "%.255s", name);
}

/* Runs of one ini file have the same name, and their folders tell them apart; the whole path does if those agree. */
static void tell_apart(plot_job *drawing)
{
    for (int pass = 0; pass < 2; ++pass) {
        int same[MOTE_PLOT_SETS];
        for (int i = 0; i < drawing->count; ++i)
            same[i] = has_twin(drawing, i);
        for (int i = 0; i < drawing->count; ++i)
            if (same[i] && !pass)
                name_after_folder(drawing->labels[i], drawing->arguments->operands[i]);
            else if (same[i])
                snprintf(drawing->labels[i], sizeof drawing->labels[i], "%.255s", drawing->arguments->operands[i]);
    }
}

static int read_all(plot_job *drawing)
{
    const mote_arguments *arguments = drawing->arguments;
    int code = 0;
    if (arguments->count < 1 || arguments->count > MOTE_PLOT_SETS)
        return mote_complain(MOTE_EXIT_USAGE, "plot: one to %d output folders, or roots of chains, are needed",
                             (int)MOTE_PLOT_SETS);
    for (int i = 0; !code && i < arguments->count; ++i)
        code = read_set(drawing, arguments->operands[i]);
    if (!code)
        tell_apart(drawing);
    return code;
}

/* ---- options ----------------------------------------------------------------------------------------------------- */

static int some_set_has(const plot_job *drawing, const char *name)
{
    for (int64_t i = 0; i < drawing->count; ++i)
        if (mote_draws_find(drawing->draws[i], name) >= 0)
            return 1;
    return 0;
}

static int split_parameters(plot_job *drawing, const char *list)
{
    int64_t n = 0;
    snprintf(drawing->names, sizeof drawing->names, "%s", list);
    for (char *at = drawing->names; *at;) {
        const size_t length = strcspn(at, ",");
        const int last = at[length] == '\0';
        at[length] = '\0';
        if (n == MOTE_PLOT_PARAMETERS)
            return mote_complain(MOTE_EXIT_USAGE, "plot: at most %d parameters", (int)MOTE_PLOT_PARAMETERS);
        if (!some_set_has(drawing, at))
            return mote_complain(MOTE_EXIT_USAGE, "plot: %s%s has no parameter '%s'", drawing->labels[0],
                                 drawing->count > 1 ? ", and no other run," : "", at);
        for (int64_t k = 0; k < n; ++k)
            if (!strcmp(drawing->parameters[k], at))
                return mote_complain(MOTE_EXIT_USAGE, "plot: parameter '%s' is named twice", at);
        drawing->parameters[n++] = at;
        at += length + !last;
    }
    drawing->options.parameters = drawing->parameters;
    drawing->options.parameter_count = n;
    return 0;
}

/* Plots go to DIR/plots of the first run, or to ./plots for a root. */
static void choose_folder(plot_job *drawing)
{
    struct stat about;
    const char *first = drawing->arguments->operands[0], *given = mote_argument(drawing->arguments, "output");
    const int is_folder = !stat(first, &about) && S_ISDIR(about.st_mode);
    snprintf(drawing->folder, sizeof drawing->folder, "%s%s", given ? given : is_folder ? first : "plots",
             !given && is_folder ? "/plots" : "");
    drawing->options.folder = drawing->folder;
}

static int choose_options(plot_job *drawing)
{
    const mote_arguments *arguments = drawing->arguments;
    const char *format = mote_argument(arguments, "format"), *list = mote_argument(arguments, "parameters");
    drawing->options.terminal = format ? format : "png";
    drawing->options.prior = mote_argument(arguments, "prior") != NULL;
    if (strcmp(drawing->options.terminal, "png") && strcmp(drawing->options.terminal, "svg") &&
        strcmp(drawing->options.terminal, "pdf"))
        return mote_complain(MOTE_EXIT_USAGE, "plot: --format %s: png, svg or pdf", format);
    choose_folder(drawing);
    return list ? split_parameters(drawing, list) : 0;
}

/* ---- drawing ----------------------------------------------------------------------------------------------------- */

static int call_gnuplot(const char *script, const char *folder)
{
    const char *program = getenv("MOTE_GNUPLOT");
    char *const argv[] = { (char *)(program ? program : MOTE_GNUPLOT), "-c", (char *)script, (char *)folder, NULL };
    pid_t pid;
    int state = 0, failed = posix_spawnp(&pid, argv[0], NULL, NULL, argv, environ);
    if (failed)
        return mote_complain(MOTE_EXIT_UNAVAILABLE, "%s: %s; data and script are written, to draw: gnuplot -c %s %s",
                             argv[0], strerror(failed), script, folder);
    while (waitpid(pid, &state, 0) < 0 && errno == EINTR)
        continue;
    if (WIFEXITED(state) && WEXITSTATUS(state) == 127)
        return mote_complain(MOTE_EXIT_UNAVAILABLE, "%s could not be started; data and script are written", argv[0]);
    return WIFEXITED(state) && !WEXITSTATUS(state)
               ? 0
               : mote_complain(MOTE_EXIT_INTERNAL, "gnuplot failed on %s", script);
}

static int draw(const plot_job *drawing, const char *name)
{
    char script[2 * MOTE_JOB_PATH];
    snprintf(script, sizeof script, "%s/%s.gp", drawing->folder, name);
    int code = mote_argument(drawing->arguments, "no-draw") ? 0 : call_gnuplot(script, drawing->folder);
    if (!code)
        printf("%s/%s.%s\n", drawing->folder, name,
               mote_argument(drawing->arguments, "no-draw") ? "gp" : drawing->options.terminal);
    return code;
}

static int plot_corner(plot_job *drawing)
{
    mote_plot_set sets[MOTE_PLOT_SETS];
    for (int i = 0; i < drawing->count; ++i) {
        const mote_plot_set set = { drawing->draws[i], drawing->labels[i] };
        sets[i] = set;
    }
    drawing->options.name = "corner";
    int status = mote_plot_corner(sets, drawing->count, &drawing->options);
    return status ? mote_complain(mote_exit_code(status), "%s", mote_output_message()) : draw(drawing, "corner");
}

/* One picture for each nested run; chains without births have none. */
static int plot_diagnostics(plot_job *drawing)
{
    int code = 0;
    for (int i = 0; !code && i < drawing->count; ++i) {
        char name[300];
        if (!mote_draws_birth(drawing->draws[i]))
            continue;
        if (drawing->count > 1)
            snprintf(name, sizeof name, "diagnostics-%d-%s", i + 1, last_part(drawing->labels[i]));
        else
            snprintf(name, sizeof name, "diagnostics");
        drawing->options.name = name;
        int status = mote_plot_diagnostics(drawing->draws[i], &drawing->options);
        code = status ? mote_complain(mote_exit_code(status), "%s", mote_output_message()) : draw(drawing, name);
    }
    return code;
}

/* Filters and smoothers leave tables over time: each gets its own picture. *code: of a folder that cannot be read. */
static int has_states(const char *path, char *root, size_t size, int *code)
{
    char file[MOTE_JOB_PATH + 16];
    struct stat about;
    *code = mote_outcome_root(path, root, size);
    if (*code)
        return 0;
    snprintf(file, sizeof file, "%s_steps.csv", root);
    return !stat(file, &about);
}

static int plot_states(plot_job *drawing)
{
    const mote_arguments *arguments = drawing->arguments;
    char root[MOTE_JOB_PATH];
    int code;
    if (arguments->count != 1)
        return mote_complain(MOTE_EXIT_USAGE, "plot: pictures of filters and smoothers show one run each");
    (void)has_states(arguments->operands[0], root, sizeof root, &code);
    code = code ? code : choose_options(drawing);
    if (code)
        return code;
    int status = mote_plot_states(&drawing->memory, root, &drawing->options);
    return status ? mote_complain(mote_exit_code(status), "%s", mote_output_message()) : draw(drawing, "states");
}

static int any_states(const mote_arguments *arguments, int *code)
{
    char root[MOTE_JOB_PATH];
    struct stat about;
    int n = 0;
    *code = 0;
    for (int i = 0; !*code && i < arguments->count; ++i)
        n += !stat(arguments->operands[i], &about) && has_states(arguments->operands[i], root, sizeof root, code);
    return n;
}

static int run(const mote_arguments *arguments)
{
    plot_job *drawing = calloc(1, sizeof *drawing);
    if (!drawing || mote_memory_open(&drawing->memory, NULL))
        return mote_complain(MOTE_EXIT_INTERNAL, "%s", mote_strerror(MOTE_ENOMEM));
    drawing->arguments = arguments;
    int code;
    const int states = any_states(arguments, &code);
    code = code ? code : states ? plot_states(drawing) : read_all(drawing);
    code = code || states ? code : choose_options(drawing);
    code = code || states ? code : plot_corner(drawing);
    code = code || states ? code : plot_diagnostics(drawing);
    for (int i = 0; i < drawing->count; ++i)
        mote_draws_free(drawing->draws[i]);
    free(drawing);
    return code;
}

static const mote_flag flags[] = {
    { "parameters", 'p', "A,B,...", "parameters of the corner plot (default: the first ten sampled ones)" },
    { "prior", 0, NULL, "draw the priors, dashed" },
    { "format", 'f', "FORMAT", "png, svg or pdf (default: png)" },
    { "output", 'o', "DIR", "folder of the plots (default: plots in the first run's folder)" },
    { "no-draw", 0, NULL, "write data and scripts, and do not start gnuplot" },
    { NULL, 0, NULL, NULL },
};

const mote_verb mote_verb_plot = {
    .name = "plot",
    .operands = "DIR...",
    .help = "Draw corner plot, marginals and run diagnostics of runs; bands over the data of a filter",
    .details =
        "DIR is the output folder of a finished or a running run, or the root of chains that GetDist reads. Data and\n"
        "gnuplot scripts stay beside the pictures, to be changed and drawn again.",
    .flags = flags,
    .run = run,
};
