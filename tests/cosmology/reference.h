/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The table of evidences and moments by quadrature (data/cosmology/reference_quadrature.csv), and the model of a row
 * through the library's own loader. */
#ifndef MOTE_TESTS_COSMOLOGY_REFERENCE_H
#define MOTE_TESTS_COSMOLOGY_REFERENCE_H

#include <math.h>
#include <mote/config.h>
#include <mote/draws.h>
#include <mote/plugin.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { REFERENCE_COLUMNS = 6, REFERENCE_ROWS = 32 };

static const char *const reference_names[REFERENCE_COLUMNS] = { "omega_m", "omega_k", "w", "wa", "h", "hrd" };

typedef struct reference_row {
    char data[32], model[16];
    double log_evidence, mean[REFERENCE_COLUMNS], sd[REFERENCE_COLUMNS]; /* NaN where empty */
} reference_row;

/* One line "CC,LCDM,-5.3043,6.11,0.3423,0.0783,,,..."; 0 for lines of another kind. */
static inline int reference_parse(char *line, reference_row *out)
{
    char *field[16];
    int count = 0;
    for (char *next = line; next && count < 16; ++count) {
        field[count] = next;
        next = strpbrk(next, ",\n");
        if (next)
            *next++ = 0;
    }
    if (count < 16 || *line == '#' || !strcmp(line, "data"))
        return 0;
    snprintf(out->data, sizeof out->data, "%.31s", field[0]);
    snprintf(out->model, sizeof out->model, "%.15s", field[1]);
    for (char *letter = out->model; *letter; ++letter)
        *letter = (char)(*letter >= 'A' && *letter <= 'Z' ? *letter - 'A' + 'a' : *letter);
    out->log_evidence = strtod(field[2], NULL);
    for (int i = 0; i < REFERENCE_COLUMNS; ++i) {
        out->mean[i] = *field[4 + 2 * i] ? strtod(field[4 + 2 * i], NULL) : NAN;
        out->sd[i] = *field[5 + 2 * i] ? strtod(field[5 + 2 * i], NULL) : NAN;
    }
    return 1;
}

/* All rows; 0 when the file cannot be read. */
static inline int64_t reference_read(reference_row *rows)
{
    char line[512];
    int64_t count = 0;
    FILE *file = fopen(MOTE_SOURCE "/data/cosmology/reference_quadrature.csv", "r");
    while (file && count < REFERENCE_ROWS && fgets(line, sizeof line, file))
        count += reference_parse(line, &rows[count]);
    if (file)
        fclose(file);
    return count;
}

/* The plug-in with model and data of the row, as an ini file would ask for it. NULL with a message. */
static inline mote_loaded_plugin *reference_load(const reference_row *row, char *message, size_t size)
{
    char text[128];
    mote_config *file = NULL;
    mote_loaded_plugin *plugin = NULL;
    snprintf(text, sizeof text, "[model]\nmodel = %.15s\ndata = %.31s\n", row->model, row->data);
    if (!mote_config_parse(&file, text, MOTE_SOURCE "/examples/cosmology/row.ini", message, size))
        (void)mote_plugin_load(&plugin, MOTE_BUILD "/examples/cosmology/.libs/cosmology.so",
                               mote_config_section(file, "model"), message, size);
    mote_config_free(&file);
    return plugin;
}

/* Mean and sd of the row's columns; NaN where the model has no such parameter. */
static inline void reference_moments(const mote_draws *draws, double *mean, double *sd)
{
    for (int i = 0; i < REFERENCE_COLUMNS; ++i) {
        mote_summary summary = { .head = MOTE_VERSIONED(mote_summary) };
        int64_t at = mote_draws_find(draws, reference_names[i]);
        int known = at >= 0 && mote_draws_summary(draws, at, &summary) == 0;
        mean[i] = known ? summary.mean : NAN;
        sd[i] = known ? summary.sd : NAN;
    }
}

#endif
