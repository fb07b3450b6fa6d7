/* SPDX-License-Identifier: GPL-3.0-or-later */
/* root_dead-birth.txt and root_phys_live-birth.txt (mote, PolyChord, anesthetic) as draws.
 *
 * Rows that stand in both files count once. Live counts come from the births,
 *     n_i = #{j : birth_j < L_i} - #{deaths before i},   prior draws (birth <= -1e30) are born below everything,
 * log X_i = log X_{i-1} - 1/n_i, and the weights follow from the trapezoid rule at these mean volumes:
 *     Z = sum_i (L_{i-1} + L_i)/2 (X_{i-1} - X_i) + X_N L_N,  L_0 := L_1;
 * within a plateau, and in the gap before it, L_i alone (Fowlie, Handley & Su 2021).
 * Known answer: a constant likelihood L has log Z = log L exactly. */
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "core/message.h"
#include "io/read.h"
#include "io/table.h"

enum { BEHIND = 2 }; /* columns behind the parameters: logL, logL at birth */

/* Rows by ascending logL; stable bottom-up merge sort of row numbers. */
static void sort_index(const mote_number_rows *rows, int64_t column, int64_t *index, int64_t *scratch)
{
    int64_t n = rows->rows, d = rows->columns;
    const double *v = rows->values + column;
    for (int64_t i = 0; i < n; ++i)
        index[i] = i;
    for (int64_t width = 1; width < n; width *= 2) {
        for (int64_t start = 0; start < n; start += 2 * width) {
            int64_t middle = start + width < n ? start + width : n, end = middle + width < n ? middle + width : n;
            for (int64_t i = start, j = middle, k = start; k < end; ++k)
                scratch[k] = i < middle && (j >= end || v[index[i] * d] <= v[index[j] * d]) ? index[i++] : index[j++];
        }
        memcpy(index, scratch, (size_t)n * sizeof *index);
    }
}

/* The conventions of the head: logL <= -1e29 is zero likelihood, birth <= -1e30 is the prior. */
static int clean_rows(mote_number_rows *rows, const char *path, char *message, size_t size)
{
    for (int64_t i = 0; i < rows->rows; ++i) {
        double *death = rows->values + (i + 1) * rows->columns - 2, *birth = death + 1;
        if (isnan(*death) || isnan(*birth) || *death == INFINITY)
            return mote_fail_text(message, size, MOTE_EPARSE, "%s: row %lld: logL %g, birth %g", path,
                                  (long long)(i + 1), *death, *birth);
        *death = *death <= MOTE_LOG_ZERO ? -(double)INFINITY : *death;
        *birth = *birth <= -1e30 ? -(double)INFINITY : *birth < MOTE_LOG_ZERO ? MOTE_LOG_ZERO : *birth;
        if (*birth != -INFINITY && *death <= *birth)
            return mote_fail_text(message, size, MOTE_EPARSE, "%s: row %lld was born at %.17g and died at %.17g", path,
                                  (long long)(i + 1), *birth, *death);
    }
    return MOTE_OK;
}

/* Drops rows that equal an earlier one of the same logL. Returns how many of `index` stay. */
static int64_t drop_doubles(const mote_number_rows *rows, int64_t *index)
{
    size_t bytes = (size_t)rows->columns * sizeof(double);
    int64_t kept = 0, d = rows->columns;
    for (int64_t i = 0; i < rows->rows; ++i) {
        const double *row = rows->values + index[i] * d;
        int seen = 0;
        for (int64_t k = kept; k > 0 && !seen && rows->values[index[k - 1] * d + d - 2] == row[d - 2]; --k)
            seen = memcmp(rows->values + index[k - 1] * d, row, bytes) == 0;
        if (!seen)
            index[kept++] = index[i];
    }
    return kept;
}

/* Live counts of sorted deaths, given the sorted births. Every row was born below its death, so that each is >= 1. */
static void recount(mote_draws *draws, const mote_number_rows *rows, const int64_t *by_birth, int64_t n)
{
    int64_t born = 0, d = rows->columns;
    for (int64_t i = 0; i < draws->count; ++i) {
        double death = draws->log_likelihood[i];
        while (born < n) {
            double birth = rows->values[by_birth[born] * d + d - 1];
            if (!(birth == -INFINITY || birth < death))
                break;
            ++born;
        }
        draws->live_count[i] = (double)(born - i);
    }
}

/* log of the mean weight of each death, not normalised; see the head. */
static void weigh(mote_draws *draws)
{
    const double *l = draws->log_likelihood;
    double log_x = 0;
    for (int64_t i = 0; i < draws->count; ++i)
        draws->log_weight[i] = -INFINITY;
    for (int64_t i = 0; i < draws->count; ++i) {
        double after = log_x - 1 / draws->live_count[i], shell = mote_log_subtract(log_x, after);
        int plateau = i == 0 || l[i] == l[i - 1] || (i + 1 < draws->count && l[i] == l[i + 1]);
        if (plateau) {
            draws->log_weight[i] = mote_log_add(draws->log_weight[i], l[i] + shell);
        } else {
            draws->log_weight[i] = mote_log_add(draws->log_weight[i], l[i] + shell - log(2.0));
            draws->log_weight[i - 1] = mote_log_add(draws->log_weight[i - 1], l[i - 1] + shell - log(2.0));
        }
        log_x = after;
    }
    int64_t last = draws->count - 1;
    draws->log_weight[last] = mote_log_add(draws->log_weight[last], l[last] + log_x);
    draws->log_evidence = mote_log_sum(draws->log_weight, draws->count);
    for (int64_t i = 0; i < draws->count && isfinite(draws->log_evidence); ++i)
        draws->log_weight[i] -= draws->log_evidence;
}

static void fill_columns(mote_draws *draws, const mote_number_rows *rows, const mote_names *names, const int64_t *index)
{
    int64_t at = 0, d = rows->columns;
    for (int derived = 0; derived <= 1; ++derived)
        for (int64_t j = 0; j < names->count; ++j)
            if ((names->parameters[j].prior == MOTE_PRIOR_DERIVED) == derived) {
                for (int64_t i = 0; i < draws->count; ++i)
                    draws->columns[at][i] = rows->values[index[i] * d + j];
                ++at;
            }
    for (int64_t i = 0; i < draws->count; ++i) {
        draws->log_likelihood[i] = rows->values[index[i] * d + d - 2];
        draws->birth[i] = rows->values[index[i] * d + d - 1];
    }
}

/* `index` has room for twice the rows: the order of deaths, and scratch that then holds the order of births. */
static int make_draws(mote_draws **draws, mote_number_rows *rows, const mote_names *names, int64_t *index, const char *path,
                      char *message, size_t size)
{
    int64_t *other = index + rows->rows;
    sort_index(rows, rows->columns - 2, index, other);
    int64_t n = drop_doubles(rows, index);
    *draws = mote_draws_create(names->memory, names->parameters, names->count, n, MOTE_DRAWS_NESTED);
    if (!*draws)
        return mote_fail_text(message, size, MOTE_ENOMEM, "%s: out of memory", path);
    fill_columns(*draws, rows, names, index);
    /* births in order: pack the rows that stayed, then sort them */
    mote_number_rows births = { names->memory, (*draws)->birth, n, 1, n };
    sort_index(&births, 0, other, index);
    recount(*draws, &births, other, n);
    weigh(*draws);
    return MOTE_OK;
}

static int read_rows(mote_number_rows *rows, const char *root, char *path, int64_t *live, char *message, size_t size)
{
    if (snprintf(path, MOTE_PATH_SIZE, "%s_phys_live-birth.txt", root) >= MOTE_PATH_SIZE)
        return mote_fail_text(message, size, MOTE_EINVAL, "the path is longer than %d bytes", MOTE_PATH_SIZE - 1);
    int status = mote_rows_read(rows, path, message, size);
    if (status && status != MOTE_ENOENT)
        return status;
    *live = rows->rows;
    snprintf(path, MOTE_PATH_SIZE, "%s_dead-birth.txt", root);
    status = mote_rows_read(rows, path, message, size);
    if (status == MOTE_OK && rows->rows == 0)
        return mote_fail_text(message, size, MOTE_EPARSE, "%s: there are no rows", path);
    return status;
}

int mote_draws_read_anesthetic(mote_draws **draws, const mote_memory *memory, const char *root, char *message,
                               size_t size)
{
    char path[MOTE_PATH_SIZE];
    mote_number_rows rows = { .memory = memory };
    mote_names names = { .memory = memory };
    int64_t live = 0, *index = NULL;
    *draws = NULL;
    int status = read_rows(&rows, root, path, &live, message, size);
    if (status == MOTE_OK)
        status = mote_names_match(&names, root, path, rows.columns, BEHIND, message, size);
    if (status == MOTE_OK)
        status = clean_rows(&rows, path, message, size);
    if (status == MOTE_OK) {
        index = mote_memory_allocate(memory, 2 * rows.rows, sizeof *index);
        status = index ? make_draws(draws, &rows, &names, index, path, message, size)
                       : mote_fail_text(message, size, MOTE_ENOMEM, "%s: out of memory", path);
    }
    if (status == MOTE_OK)
        (*draws)->live = live;
    if (status) {
        mote_draws_free(*draws);
        *draws = NULL;
    }
    mote_memory_release(memory, index);
    mote_names_free(&names);
    mote_rows_free(&rows);
    return status;
}
