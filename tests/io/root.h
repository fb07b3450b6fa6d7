/* SPDX-License-Identifier: GPL-3.0-or-later */
/* A root in a fresh folder for each case, the text of its files, and draws whose files are known by hand. */
#ifndef MOTE_TESTS_IO_ROOT_H
#define MOTE_TESTS_IO_ROOT_H

#include "tests/io/draws.h"
#include "tests/support/folder.h"

static mote_memory memory;
static char folder[256], root[300], path[400];

static inline int enter(void **state)
{
    (void)state;
    int status = make_test_folder(folder);
    snprintf(root, sizeof root, "%s/run", folder);
    return status;
}

static inline int leave(void **state)
{
    (void)state;
    remove_test_folder(folder);
    return 0;
}

/* The text of root + ending (static); "" when there is no such file. */
static inline const char *text_of(const char *ending)
{
    static char text[1 << 16];
    snprintf(path, sizeof path, "%s%s", root, ending);
    FILE *file = fopen(path, "r");
    size_t n = file ? fread(text, 1, sizeof text - 1, file) : 0;
    if (file)
        fclose(file);
    text[n] = 0;
    return text;
}

/* Three rows: L = 0, then two. Numbers are exact in binary, so that their text is known. */
static inline mote_draws *small(void)
{
    const mote_parameter parameters[] = {
        MOTE_UNIFORM("w", -3, 1, .label = "w_0", .boundary = MOTE_BOUNDARY_PERIODIC),
        MOTE_DERIVED("age", .unit = "Gyr"),
    };
    mote_draws *draws = mote_draws_create(&memory, parameters, 2, 3, MOTE_DRAWS_NESTED | MOTE_DRAWS_PRIOR);
    const double w[] = { 0.5, -1.25, 0.1 }, age[] = { 14, NAN, 13.5 }, l[] = { -INFINITY, -2, -1 };
    for (int i = 0; i < 3; ++i) {
        draws->columns[0][i] = w[i];
        draws->columns[1][i] = age[i];
        draws->log_likelihood[i] = l[i];
        draws->birth[i] = i == 2 ? MOTE_LOG_ZERO : -(double)INFINITY;
        draws->log_weight[i] = i ? log(0.5) : -(double)INFINITY;
        draws->log_prior[i] = -0.5;
        draws->live_count[i] = 2;
    }
    draws->live = 1;
    return draws;
}

#endif
