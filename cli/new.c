/* SPDX-License-Identifier: GPL-3.0-or-later */
/* mote new target NAME: a folder with a model, its Makefile and an ini file that build and run as they are. */
#include <ctype.h>
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "cli/cli.h"

/* '@' stands for the name. The templates are in the public domain as far as the law allows: do with them what you like. */
static const char model_template[] =
    "/* SPDX-License-Identifier: BSD-2-Clause */\n"
    "/* A straight line y = intercept + slope x through points with known errors. */\n"
    "#include <mote/plugin.h>\n"
    "\n"
    "static const double x[] = { 1, 2, 3, 4, 5 }, y[] = { 2.1, 3.9, 6.2, 7.8, 10.1 }, sd = 0.2;\n"
    "\n"
    "static int log_likelihood(void *ctx, const double *theta, double *value, double *derived)\n"
    "{\n"
    "    (void)ctx;\n"
    "    double chi_squared = 0;\n"
    "    for (int i = 0; i < 5; ++i) {\n"
    "        const double residual = (y[i] - theta[0] - theta[1] * x[i]) / sd;\n"
    "        chi_squared += residual * residual;\n"
    "    }\n"
    "    *value = -0.5 * chi_squared;\n"
    "    derived[0] = theta[0] + 10 * theta[1]; /* return 0; or > 0: this point failed; or < 0: stop the run */\n"
    "    return 0;\n"
    "}\n"
    "\n"
    "MOTE_PLUGIN_ENTRY(const mote_host *host, const mote_config *section, mote_model *model)\n"
    "{\n"
    "    static const mote_parameter parameters[] = {\n"
    "        MOTE_UNIFORM(\"intercept\", -5, 5, .label = \"a\"),\n"
    "        MOTE_UNIFORM(\"slope\", 0, 4, .label = \"b\"),\n"
    "        MOTE_DERIVED(\"y_at_10\", .label = \"y(10)\"),\n"
    "    };\n"
    "    static const mote_target target = { MOTE_VERSIONED(mote_target), MOTE_PARAMETERS(parameters),\n"
    "                                        .log_likelihood_point = log_likelihood, .flags = MOTE_THREADSAFE,\n"
    "                                        .name = \"@\" };\n"
    "    (void)host, (void)section; /* host->config_real(section, \"key\", ...) reads [model] of the ini file */\n"
    "    model->target = &target;\n"
    "    return 0;\n"
    "}\n";

static const char make_template[] =
    "# SPDX-License-Identifier: BSD-2-Clause\n"
    "# make: builds the plug-in; make run: runs it. No -ffast-math: it changes the arithmetic of the whole program.\n"
    "MOTE = mote\n"
    "CFLAGS = -O2 -Wall -Wextra\n"
    "# where the headers are when pkg-config does not know mote: make MOTE_CFLAGS=-I/path/to/include\n"
    "MOTE_CFLAGS = $(shell pkg-config --cflags mote 2>/dev/null)\n"
    "\n"
    "@.so: @.c\n"
    "\t$(CC) -std=c11 $(CFLAGS) $(MOTE_CFLAGS) -fPIC -shared -o $@ @.c -lm\n"
    "\n"
    "check: @.so\n"
    "\t$(MOTE) check ./@.so\n"
    "\n"
    "run: @.so\n"
    "\t$(MOTE) run --resume @.ini\n"
    "\n"
    "clean:\n"
    "\trm -f @.so\n"
    ".PHONY: check run clean\n";

static const char ini_template[] =
    "# mote run @.ini\n"
    "[run]\n"
    "model = @.so\n"
    "sampler = nested\n"
    "seed = 1\n"
    "\n"
    "[nested]\n"
    "live_points = 200\n"
    "\n"
    "[model]\n"
    "# keys that the model reads\n"
    "\n"
    "[parameters]\n"
    "# slope = uniform 0 10      another prior\n"
    "# intercept = 0             fixed\n";

/* '$@' of make stays as it is; every other '@' becomes the name. */
static void fill(const char *template, const char *name, FILE *out)
{
    for (const char *at = template; *at; ++at)
        if (*at == '@' && (at == template || at[-1] != '$'))
            fputs(name, out);
        else
            fputc(*at, out);
}

static int write_file(const char *folder, const char *file, const char *ending, const char *template, const char *name)
{
    char path[4096];
    snprintf(path, sizeof path, "%s/%s%s", folder, file, ending);
    FILE *out = fopen(path, "wx");
    if (!out)
        return mote_complain(MOTE_EXIT_CANNOT_CREATE, "%s: %s", path, strerror(errno));
    fill(template, name, out);
    int failed = fflush(out) || ferror(out), reason = errno;
    failed |= fclose(out) != 0;
    return failed ? mote_complain(MOTE_EXIT_IO, "%s: %s", path, strerror(reason)) : 0;
}

static int legal_name(const char *name)
{
    if (!isalpha((unsigned char)*name) && *name != '_')
        return 0;
    for (; *name; ++name)
        if (!isalnum((unsigned char)*name) && *name != '_' && *name != '-')
            return 0;
    return 1;
}

static int run(const mote_arguments *arguments)
{
    if (arguments->count != 2 || strcmp(arguments->operands[0], "target") != 0)
        return mote_complain(MOTE_EXIT_USAGE, "new: write `mote new target NAME`");
    const char *name = arguments->operands[1];
    if (!legal_name(name) || strlen(name) > 100)
        return mote_complain(MOTE_EXIT_USAGE, "new: '%s' is no name: letters, digits, _ and -, a letter first", name);
    if (mkdir(name, 0777))
        return mote_complain(MOTE_EXIT_CANNOT_CREATE, "%s: %s", name, strerror(errno));
    int code = write_file(name, name, ".c", model_template, name);
    code = code ? code : write_file(name, "Makefile", "", make_template, name);
    code = code ? code : write_file(name, name, ".ini", ini_template, name);
    if (!code)
        printf("%s/: %s.c, Makefile, %s.ini. Now: cd %s && make run\n", name, name, name, name);
    return code;
}

const mote_verb mote_verb_new = {
    .name = "new",
    .operands = "target NAME",
    .help = "Write a folder with a model, its Makefile and an ini file that run as they are",
    .run = run,
};
