/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The mote program from inside: verbs, their flags, exit codes and messages. A verb is one file and one line in the
 * table of main.c; help, completion and the manual's tables come from there. */
#ifndef MOTE_CLI_CLI_H
#define MOTE_CLI_CLI_H

#include <mote/config.h>
#include <mote/run.h>
#include <stdio.h>

/* sysexits.h, as far as used. */
enum mote_exit {
    MOTE_EXIT_OK = 0,
    MOTE_EXIT_USAGE = 64,
    MOTE_EXIT_DATA = 65,
    MOTE_EXIT_NO_INPUT = 66,
    MOTE_EXIT_UNAVAILABLE = 69, /* gnuplot is missing */
    MOTE_EXIT_INTERNAL = 70,
    MOTE_EXIT_CANNOT_CREATE = 73,
    MOTE_EXIT_IO = 74,
    MOTE_EXIT_STOPPED = 75, /* stopped on request: resumable */
    MOTE_EXIT_CONFIG = 78
};

typedef struct mote_flag {
    const char *name;     /* long form, without dashes */
    int letter;           /* short form, or 0 */
    const char *argument; /* "FILE"; NULL when it takes none */
    const char *help;
} mote_flag;

typedef struct mote_arguments mote_arguments;

typedef struct mote_verb {
    const char *name, *operands, *help;
    const char *details;      /* paragraph of the verb's --help */
    const mote_flag *flags;   /* up to a NULL name */
    int has_options;          /* 1: every option of every sampler is a flag too */
    int (*run)(const mote_arguments *arguments);
} mote_verb;

struct mote_arguments {
    const mote_verb *verb;
    const char *program; /* argv[0] */
    const char *sampler; /* set by verbs that stand for one; NULL: that of the ini file */
    int count;
    char *const *operands;
    struct mote_given {
        const char *name, *value;
        const mote_option_table *table; /* of a sampler's option; NULL for a flag of the verb */
    } *given; /* in order */
    int given_count;
};

/* The verbs: one table in main.c. NULL past the end. */
const mote_verb *mote_verb_at(int64_t index);
const mote_verb *mote_verb_find(const char *name);

/* arguments.c. 0, or an exit code after a message. --help is a flag of every verb. */
int mote_arguments_parse(mote_arguments *arguments, const mote_verb *verb, int argc, char **argv);
void mote_arguments_free(mote_arguments *arguments);
const char *mote_argument(const mote_arguments *arguments, const char *name); /* last value; "" ; NULL: not given */
void mote_verb_help(const mote_verb *verb, FILE *out);

/* exit.c: the one place that turns a status into an exit code; the second form for faults of an ini file. */
int mote_exit_code(int status);
int mote_exit_code_of_config(int status);
int mote_complain(int code, const char *format, ...) MOTE_PRINTF(2, 3); /* "mote: ..." on stderr; returns code */
/* Names the values that hold " #": most likely with a comment of another kind of file. */
void mote_point_at_comments(const mote_config *file);

/* options.c: which options are common to all samplers (section [run]) and which belong to one. */
int mote_option_is_common(const char *key);
const mote_option *mote_any_option(const char *key, const mote_option_table **table);
void mote_option_print(const mote_option *option, FILE *out, const char *indent);

/* signals.c: SIGINT and SIGTERM ask the run to stop; a second SIGINT ends the program. */
void mote_signals_watch(mote_run *run); /* NULL: back to the system's handlers */
int mote_signals_seen(void);            /* the number of the last; 0 */

/* The same for a program that waits for lines, in the thread that calls `note`: from then on the two are noted, and end
 * waits by `await` only, now or later; whatever else is going on is finished first, and a read goes on. await: 1 when
 * the descriptor can be read, 0 after a signal, -1 after so many seconds (INFINITY: never). */
void mote_signals_note(void);
int mote_signals_await(int descriptor, double seconds);

/* run.c: what `mote run` does, and its flags. */
int mote_run_ini(const mote_arguments *arguments);
extern const mote_flag mote_run_flags[];

/* Verbs. */
extern const mote_verb mote_verb_run, mote_verb_resume, mote_verb_filter, mote_verb_smooth, mote_verb_summarize,
    mote_verb_plot, mote_verb_eval, mote_verb_check, mote_verb_new, mote_verb_config, mote_verb_completion;

#endif
