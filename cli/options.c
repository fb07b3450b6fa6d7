/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The option tables as the program looks at them: common options live in [run], a sampler's own in its section. */
#include <inttypes.h>
#include <mote/option.h>
#include <string.h>

#include "cli/cli.h"
#include "core/number.h"

int mote_option_is_common(const char *key)
{
#define IS(field, ...) || !strcmp(key, #field)
    return 0 MOTE_RUN_OPTIONS(IS, IS, IS, IS);
#undef IS
}

const mote_option *mote_any_option(const char *key, const mote_option_table **table)
{
    const mote_algorithm *algorithm;
    for (int64_t i = 0; (algorithm = mote_algorithm_at(i)); ++i) {
        const mote_option *option = mote_option_find(mote_algorithm_options(algorithm), key);
        if (option) {
            *table = mote_algorithm_options(algorithm);
            return option;
        }
    }
    return NULL;
}

static void print_bounds(const mote_option *option, FILE *out)
{
    char low[MOTE_NUMBER_SIZE], high[MOTE_NUMBER_SIZE];
    if (option->type == MOTE_OPTION_CHOICE)
        fprintf(out, "one of %s", option->choices);
    else if (option->type == MOTE_OPTION_TEXT)
        fputs("text", out);
    else
        fprintf(out, "%s from %s to %s%s%s", option->type == MOTE_OPTION_INTEGER ? "integer" : "number",
                mote_number_format(low, option->minimum, 6), mote_number_format(high, option->maximum, 6),
                *option->unit ? ", unit: " : "", option->unit);
}

/* Help line and bounds, as comments that an ini file may hold. */
void mote_option_print(const mote_option *option, FILE *out, const char *indent)
{
    fprintf(out, "%s%s\n%s(", indent, option->help, indent);
    print_bounds(option, out);
    fputs(")\n", out);
}
