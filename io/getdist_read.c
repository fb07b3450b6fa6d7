/* SPDX-License-Identifier: GPL-3.0-or-later */
/* GetDist roots as draws: weight, minus log posterior (or what the writer put there), parameters. */
#include <math.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "core/message.h"
#include "io/read.h"
#include "io/table.h"

enum { BEFORE = 2 }; /* columns before the parameters */

/* Rows of all files, and where each file begins. */
struct chains {
    mote_number_rows rows;
    int64_t first[MOTE_READ_CHAINS + 1];
    int64_t count;
    char path[MOTE_PATH_SIZE]; /* of the last file: for messages */
};

static int add_file(struct chains *chains, char *message, size_t size)
{
    int64_t before = chains->rows.rows;
    int status = mote_rows_read(&chains->rows, chains->path, message, size);
    if (status)
        return status;
    for (int64_t i = before; i < chains->rows.rows; ++i) {
        double weight = chains->rows.values[i * chains->rows.columns];
        if (!(weight >= 0) || isinf(weight))
            return mote_fail_text(message, size, MOTE_EPARSE, "%s: row %lld has the weight %g", chains->path,
                                  (long long)(i - before + 1), weight);
    }
    chains->first[chains->count++] = before;
    chains->first[chains->count] = chains->rows.rows;
    return MOTE_OK;
}

/* root.txt, else root_1.txt ..., else root.1.txt ... */
static int read_files(struct chains *chains, const char *root, char *message, size_t size)
{
    for (int form = 0; form < 3 && chains->count == 0; ++form)
        for (int k = 1; k <= (form ? MOTE_READ_CHAINS : 1); ++k) {
            int length = form == 0   ? snprintf(chains->path, sizeof chains->path, "%s.txt", root)
                         : form == 1 ? snprintf(chains->path, sizeof chains->path, "%s_%d.txt", root, k)
                                     : snprintf(chains->path, sizeof chains->path, "%s.%d.txt", root, k);
            if (length >= (int)sizeof chains->path)
                return mote_fail_text(message, size, MOTE_EINVAL, "the path is longer than %d bytes",
                                      MOTE_PATH_SIZE - 1);
            int status = add_file(chains, message, size);
            if (status == MOTE_ENOENT)
                break;
            if (status)
                return status;
        }
    if (chains->count == 0)
        return mote_fail_text(message, size, MOTE_ENOENT, "%s.txt, %s_1.txt: no such file", root, root);
    return chains->rows.rows ? MOTE_OK
                             : mote_fail_text(message, size, MOTE_EPARSE, "%s: there are no rows", chains->path);
}

static void fill_columns(const struct chains *chains, const mote_names *names, mote_draws *draws)
{
    const double *values = chains->rows.values;
    int64_t columns = chains->rows.columns, at = 0;
    for (int derived = 0; derived <= 1; ++derived) /* draws hold derived parameters last */
        for (int64_t j = 0; j < names->count; ++j)
            if ((names->parameters[j].prior == MOTE_PRIOR_DERIVED) == derived) {
                for (int64_t i = 0; i < draws->count; ++i)
                    draws->columns[at][i] = values[i * columns + BEFORE + j];
                ++at;
            }
    for (int64_t i = 0; i < draws->count; ++i) {
        double minus = values[i * columns + 1];
        draws->log_weight[i] = log(values[i * columns]);
        draws->log_likelihood[i] = minus >= 1e30 ? -(double)INFINITY : -minus;
    }
}

/* Weights sum to 1. */
static int normalise(mote_draws *draws, const char *path, char *message, size_t size)
{
    double sum = mote_log_sum(draws->log_weight, draws->count);
    if (sum == -INFINITY)
        return mote_fail_text(message, size, MOTE_EPARSE, "%s: all weights are 0", path);
    for (int64_t i = 0; i < draws->count; ++i)
        draws->log_weight[i] -= sum;
    return MOTE_OK;
}

static int make_draws(mote_draws **draws, const struct chains *chains, const mote_names *names, char *message,
                      size_t size)
{
    mote_draws *made = mote_draws_create(names->memory, names->parameters, names->count, chains->rows.rows, 0);
    if (made && chains->count > 1)
        made->chain = mote_memory_allocate(names->memory, made->count, sizeof *made->chain);
    if (!made || (chains->count > 1 && !made->chain)) {
        mote_draws_free(made);
        return mote_fail_text(message, size, MOTE_ENOMEM, "%s: out of memory", chains->path);
    }
    fill_columns(chains, names, made);
    for (int64_t k = 0; made->chain && k < chains->count; ++k)
        for (int64_t i = chains->first[k]; i < chains->first[k + 1]; ++i)
            made->chain[i] = (double)k;
    *draws = made;
    return normalise(made, chains->path, message, size);
}

int mote_draws_read_getdist(mote_draws **draws, const mote_memory *memory, const char *root, char *message, size_t size)
{
    struct chains *chains = mote_memory_allocate(memory, 1, sizeof *chains);
    mote_names names = { .memory = memory };
    *draws = NULL;
    if (!chains)
        return mote_fail_text(message, size, MOTE_ENOMEM, "%s: out of memory", root);
    chains->rows.memory = memory;
    int status = read_files(chains, root, message, size);
    if (status == MOTE_OK)
        status = mote_names_match(&names, root, chains->path, chains->rows.columns, BEFORE, message, size);
    if (status == MOTE_OK)
        status = make_draws(draws, chains, &names, message, size);
    if (status) {
        mote_draws_free(*draws);
        *draws = NULL;
    }
    mote_rows_free(&chains->rows);
    mote_names_free(&names);
    mote_memory_release(memory, chains);
    return status;
}

int mote_draws_read(mote_draws **draws, const mote_memory *memory, const char *root, char *message, size_t size)
{
    char path[MOTE_PATH_SIZE];
    *draws = NULL;
    if (snprintf(path, sizeof path, "%s_dead-birth.txt", root) >= (int)sizeof path)
        return mote_fail_text(message, size, MOTE_EINVAL, "the path is longer than %d bytes", MOTE_PATH_SIZE - 1);
    return access(path, F_OK) == 0 ? mote_draws_read_anesthetic(draws, memory, root, message, size)
                                   : mote_draws_read_getdist(draws, memory, root, message, size);
}
