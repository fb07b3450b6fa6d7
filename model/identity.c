/* SPDX-License-Identifier: GPL-3.0-or-later */
/* What makes two targets the same for a checkpoint: names, priors, boundaries, and the identity that the model gave. */
#include <stdio.h>
#include <string.h>

#include "core/number.h"
#include "core/run.h"
#include "model/plugin.h"
#include "model/space.h"

void mote_parameter_describe(const mote_parameter *parameter, char *text, size_t size)
{
    static const char *const boundaries[] = { "", " periodic", " reflective" };
    static const int64_t counts[] = {
        0,
#define COUNT(name, word, count, arguments) count,
        MOTE_PRIOR_LIST(COUNT)
#undef COUNT
    };
    char number[MOTE_NUMBER_SIZE];
    int length = snprintf(text, size, "%s", mote_prior_name(parameter->prior));
    for (int64_t i = 0; i < counts[parameter->prior] && length >= 0 && (size_t)length < size; ++i)
        length += snprintf(text + length, size - (size_t)length, " %s",
                           mote_number_format(number, parameter->argument[i], 17));
    if (length >= 0 && (size_t)length < size && parameter->boundary >= 0 && parameter->boundary <= 2)
        snprintf(text + length, size - (size_t)length, "%s", boundaries[parameter->boundary]);
}

void mote_run_identify_space(mote_run *run, const mote_space *space)
{
    const mote_loaded_plugin *plugin = space->target.plugin;
    char text[256];
    mote_run_identify(run, "model", space->target.name);
    /* A plug-in's own word may leave out what decides values: its settings, its build. */
    mote_run_identify(run, "identity",
                      plugin ? mote_plugin_fingerprint(plugin) : space->target.identity);
    for (int64_t i = 0; i < space->parameter_count; ++i) {
        const mote_parameter *parameter = &space->parameters[i];
        mote_parameter_describe(parameter, text, sizeof text);
        size_t length = strlen(text);
        if (parameter->prior == MOTE_PRIOR_SORTED || parameter->prior == MOTE_PRIOR_DIRICHLET)
            snprintf(text + length, sizeof text - length, " group %lld", (long long)parameter->group);
        mote_run_identify(run, parameter->name, text);
    }
}
