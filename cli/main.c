/* SPDX-License-Identifier: GPL-3.0-or-later */
/* mote VERB [FLAGS] [OPERANDS]: finds the verb and runs it. */
#include <signal.h>
#include <stdlib.h>
#include <string.h>

#include "cli/cli.h"
#include "core/message.h"

static const mote_verb *const verbs[] = {
    &mote_verb_run,  &mote_verb_resume, &mote_verb_filter, &mote_verb_smooth, &mote_verb_summarize,  &mote_verb_plot,
    &mote_verb_eval, &mote_verb_check,  &mote_verb_new,    &mote_verb_config, &mote_verb_completion,
};
enum { VERBS = sizeof verbs / sizeof *verbs };

const mote_verb *mote_verb_at(int64_t index)
{
    return index >= 0 && index < VERBS ? verbs[index] : NULL;
}

const mote_verb *mote_verb_find(const char *name)
{
    for (int64_t i = 0; i < VERBS; ++i)
        if (!strcmp(verbs[i]->name, name))
            return verbs[i];
    return NULL;
}

static const char *verb_name(const void *ctx, int64_t i)
{
    (void)ctx;
    return verbs[i]->name;
}

static void print_help(FILE *out)
{
    fprintf(out, "usage: mote VERB [FLAGS] [OPERANDS]\n\n"
                 "Bayesian evidence and posteriors, and the states of dynamic models, from an ini file.\n\n");
    for (int i = 0; i < VERBS; ++i)
        fprintf(out, "  %-10s %-22s %s\n", verbs[i]->name, verbs[i]->operands, verbs[i]->help);
    fprintf(out,
            "\n  mote VERB --help   flags of a verb\n  mote --version     version and licence\n\n"
            "Exit codes: 0 done, 64 usage, 65 bad data, 66 no input, 69 no gnuplot, 70 internal, 73 cannot create\n"
            "output, 74 I/O error, 75 stopped and resumable, 78 configuration.\n");
}

static void print_version(void)
{
    printf("mote %s\nLicence GPL-3.0-or-later; there is no warranty.\n", mote_version());
}

static int unknown_verb(const char *name)
{
    const char *nearest = mote_nearest(name, VERBS, verb_name, NULL);
    if (nearest)
        return mote_complain(MOTE_EXIT_USAGE, "unknown verb '%s'; did you mean '%s'?", name, nearest);
    return mote_complain(MOTE_EXIT_USAGE, "unknown verb '%s'; `mote --help` lists them", name);
}

static int run_verb(const mote_verb *verb, const char *program, int argc, char **argv)
{
    mote_arguments arguments = { .program = program };
    int code = mote_arguments_parse(&arguments, verb, argc, argv);
    if (!code && mote_argument(&arguments, "help"))
        mote_verb_help(verb, stdout);
    else if (!code)
        code = verb->run(&arguments);
    mote_arguments_free(&arguments);
    return code;
}

/* Our threads call BLAS, which must not start its own beside them. The environment is for worker programs. */
void openblas_set_num_threads(int n) __attribute__((weak));

static void one_blas_thread(void)
{
    setenv("OPENBLAS_NUM_THREADS", "1", 1);
    if (openblas_set_num_threads)
        openblas_set_num_threads(1);
}

int main(int argc, char **argv)
{
    int code = MOTE_EXIT_OK;
    one_blas_thread();
    signal(SIGXFSZ, SIG_IGN); /* a file size limit is an error of write, as a full disk is */
    if (argc < 2) {
        print_help(stderr);
        return MOTE_EXIT_USAGE;
    }
    const mote_verb *verb = mote_verb_find(argv[1]);
    if (verb)
        code = run_verb(verb, argv[0], argc - 1, argv + 1);
    else if (!strcmp(argv[1], "--help") || !strcmp(argv[1], "-h") || !strcmp(argv[1], "help"))
        print_help(stdout);
    else if (!strcmp(argv[1], "--version"))
        print_version();
    else
        code = unknown_verb(argv[1]);
    if ((fflush(stdout) || ferror(stdout)) && !code)
        code = mote_complain(MOTE_EXIT_IO, "the output could not be written");
    return code;
}
