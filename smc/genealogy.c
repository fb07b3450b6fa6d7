/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "smc/genealogy.h"

#include <math.h>
#include <string.h>

int mote_genealogy_open(mote_genealogy *genealogy, int64_t n, int64_t lag, const mote_memory *memory)
{
    *genealogy = (mote_genealogy){ .memory = memory };
    genealogy->index = mote_memory_allocate(memory, n, sizeof *genealogy->index);
    genealogy->sum = mote_memory_allocate(memory, n, sizeof *genealogy->sum);
    int status =
        genealogy->index && genealogy->sum ? mote_lineage_open(&genealogy->lineage, memory, n, lag) : MOTE_ENOMEM;
    if (!status)
        return MOTE_OK;
    mote_memory_release(memory, genealogy->index);
    mote_memory_release(memory, genealogy->sum);
    *genealogy = (mote_genealogy){ 0 };
    return status;
}

void mote_genealogy_close(mote_genealogy *genealogy)
{
    const mote_memory *memory = genealogy->memory;
    if (!memory)
        return;
    mote_memory_release(memory, genealogy->index);
    mote_memory_release(memory, genealogy->sum);
    if (genealogy->lineage.memory)
        mote_lineage_close(&genealogy->lineage);
    *genealogy = (mote_genealogy){ 0 };
}

int mote_genealogy_reserve(mote_genealogy *genealogy)
{
    return mote_lineage_reserve(&genealogy->lineage);
}

/* Sum of the squared weights of families: `index` tells the family of each particle. */
static double concentration(mote_genealogy *genealogy, const double *weight)
{
    const int64_t n = genealogy->lineage.n;
    double total = 0;
    memset(genealogy->sum, 0, (size_t)n * sizeof(double));
    for (int64_t i = 0; i < n; ++i)
        genealogy->sum[genealogy->index[i]] += weight[i];
    for (int64_t i = 0; i < n; ++i)
        total += genealogy->sum[i] * genealogy->sum[i];
    return total;
}

/* -log(1 - h_g) from C_g and C_{g+1}; infinite when one ancestor is left, up to the rounding of its sum. */
static double term(double before, double after)
{
    const double one = 1 - 1e-12;
    return before < one && after < one ? log((1 - after) / (1 - before)) : INFINITY;
}

void mote_genealogy_resample(mote_genealogy *genealogy, const double *weight, const int32_t *ancestor)
{
    mote_lineage *lineage = &genealogy->lineage;
    if (lineage->count == lineage->lag) {
        mote_lineage_second(lineage, genealogy->index);
        const double after = concentration(genealogy, weight);
        mote_lineage_oldest(lineage, genealogy->index);
        genealogy->finished += term(concentration(genealogy, weight), after);
    }
    mote_lineage_push(lineage, ancestor);
    ++genealogy->generation;
}

double mote_genealogy_variance(mote_genealogy *genealogy, const double *weight, int multinomial)
{
    const mote_lineage *lineage = &genealogy->lineage;
    const double n = (double)lineage->n, events = (double)(genealogy->generation + 1);
    double sum = genealogy->finished, after = 0;
    if (lineage->n < 2)
        return NAN;
    for (int64_t i = 0; i < lineage->n; ++i)
        genealogy->index[i] = (int32_t)i;
    for (int64_t k = 0; k <= lineage->count; ++k) {
        if (k)
            mote_lineage_back(lineage, k, genealogy->index);
        const double before = concentration(genealogy, weight);
        sum += term(before, after);
        after = before;
    }
    if (isinf(sum))
        return NAN;
    return multinomial ? sum - events * log(n / (n - 1)) : sum - 1 / n;
}

void mote_genealogy_save(const mote_genealogy *genealogy, mote_writer *writer)
{
    mote_put_tag(writer, "genealogy");
    mote_put_integer(writer, genealogy->generation);
    mote_put_real(writer, genealogy->finished);
    mote_lineage_save(&genealogy->lineage, writer);
}

int mote_genealogy_load(mote_genealogy *genealogy, mote_reader *reader)
{
    mote_get_tag(reader, "genealogy");
    genealogy->generation = mote_get_count(reader, 0, MOTE_MOST_COUNT);
    genealogy->finished = mote_get_real(reader);
    int status = mote_lineage_load(&genealogy->lineage, reader);
    return status ? status : reader->status;
}
