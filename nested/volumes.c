/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Gaps, heights and the order of births: see nested/volumes.h for the mathematics.
 *
 * Known answer: two deaths with n = 2, 1 and log L = 0, log 2: heights 1, 3/2 over the gaps and 2 below the last, so
 * Z = 1 + e^(-1/2)/2 + e^(-3/2)/2 at mean volumes. */
#include "nested/volumes.h"

#include <math.h>
#include <mote/draws.h>

#include "core/linear.h"
#include "core/vector.h"

static const double log_2 = 0.69314718055994530942;
static const double reach = 700; /* |log y| beyond this needs sum 1/n_i^2 > 10^4: no run, but it must stay defined */

double mote_volumes_log_height(const mote_deaths *deaths, int64_t i, int *whole)
{
    const double *log_l = deaths->log_likelihood;
    int rectangle = i == 0 || log_l[i] == log_l[i - 1] || (i + 1 < deaths->n && log_l[i] == log_l[i + 1]);
    if (whole)
        *whole = rectangle;
    return rectangle ? log_l[i] : mote_log_add(log_l[i - 1], log_l[i]) - log_2;
}

/* log(f_{i+1} - f_i), the step of the height at death i. */
static double log_step(const mote_deaths *deaths, int64_t i)
{
    double next = i + 1 < deaths->n ? mote_volumes_log_height(deaths, i + 1, NULL) : deaths->log_likelihood[i];
    double step = mote_log_subtract(next, mote_volumes_log_height(deaths, i, NULL));
    return isnan(step) ? -INFINITY : step; /* the two heights differ by rounding alone */
}

static void fill(mote_volumes *volumes)
{
    const mote_deaths *deaths = volumes->deaths;
    const mote_vector_table *vector = mote_vector();
    double log_x = 0, first = mote_volumes_log_height(deaths, 0, NULL);
    for (int64_t i = 0; i < deaths->n; ++i) {
        volumes->inverse[i] = 1 / deaths->live_count[i];
        log_x -= volumes->inverse[i];
        volumes->log_mean[i] = log_x;
        volumes->gain[i] = log_x + log_step(deaths, i);
    }
    volumes->log_z = mote_log_add(first, mote_log_sum(volumes->gain, deaths->n));
    for (int64_t i = 0; i < deaths->n; ++i)
        volumes->gain[i] -= volumes->log_z;
    vector->exp(volumes->gain, volumes->gain, deaths->n);
    volumes->first = mote_exp(first - volumes->log_z);
}

int mote_volumes_open(mote_volumes *volumes, const mote_deaths *deaths, const mote_memory *memory)
{
    *volumes = (mote_volumes){ .deaths = deaths };
    volumes->inverse = mote_memory_allocate_aligned(memory, deaths->n, sizeof(double));
    volumes->log_mean = mote_memory_allocate_aligned(memory, deaths->n, sizeof(double));
    volumes->gain = mote_memory_allocate_aligned(memory, deaths->n, sizeof(double));
    volumes->ratio = mote_memory_allocate_aligned(memory, deaths->n, sizeof(double));
    if (!volumes->inverse || !volumes->log_mean || !volumes->gain || !volumes->ratio)
        return MOTE_ENOMEM;
    fill(volumes);
    return MOTE_OK;
}

void mote_volumes_close(mote_volumes *volumes, const mote_memory *memory)
{
    mote_memory_release_aligned(memory, volumes->inverse);
    mote_memory_release_aligned(memory, volumes->log_mean);
    mote_memory_release_aligned(memory, volumes->gain);
    mote_memory_release_aligned(memory, volumes->ratio);
    *volumes = (mote_volumes){ 0 };
}

/* Eight partial sums in a fixed shape: the compiler may use any vector width and the bits stay. */
static double dot(const double *a, const double *b, int64_t n)
{
    double part[8] = { 0 };
    int64_t i = 0;
    for (; i + 8 <= n; i += 8)
        for (int j = 0; j < 8; ++j)
            part[j] += a[i + j] * b[i + j];
    for (; i < n; ++i)
        part[0] += a[i] * b[i];
    return ((part[0] + part[4]) + (part[2] + part[6])) + ((part[1] + part[5]) + (part[3] + part[7]));
}

double mote_volumes_gain(mote_volumes *volumes, int64_t begin, int64_t n)
{
    double *ratio = volumes->ratio + begin;
    for (int64_t i = 0; i < n; ++i) {
        double x = ratio[i] < reach ? ratio[i] : reach;
        ratio[i] = x > -reach ? x : -reach;
    }
    mote_vector()->exp(ratio, ratio, n);
    return dot(volumes->gain + begin, ratio, n);
}

/* Sums of 1/j and of 1/j^2 for j = kept + 1 .. n by their asymptotic series: from kept = 2,000 on the next terms are
 * below 1e-15 and 1e-10. */
double mote_volumes_left(int64_t n, int64_t deaths, double *variance)
{
    double all = (double)n, kept = (double)(n - deaths);
    if (variance)
        *variance = (1 / kept - 1 / all) - (1 / (kept * kept) - 1 / (all * all)) / 2;
    return mote_log(kept / all) + (1 / kept - 1 / all) / 2 - (1 / (kept * kept) - 1 / (all * all)) / 12;
}

static void sort_births(mote_births *births, int64_t *scratch, double *key, const double *birth,
                        const double *from_prior, int64_t n)
{
    for (int64_t i = 0; i < n; ++i)
        key[i] = from_prior[i] != 0 ? -INFINITY : birth[i];
    mote_sort_index(births->index, scratch, key, n);
    for (int64_t i = 0; i < n; ++i)
        if (from_prior[births->index[i]] == 0)
            births->index[births->later++] = births->index[i];
    births->prior = n - births->later;
}

int mote_births_open(mote_births *births, const double *birth, const double *from_prior, int64_t n,
                     const mote_memory *memory)
{
    *births = (mote_births){ 0 };
    births->index = mote_memory_allocate(memory, n, sizeof(int64_t));
    int64_t *scratch = mote_memory_allocate(memory, n, sizeof(int64_t));
    double *key = mote_memory_allocate(memory, n, sizeof(double));
    int status = births->index && scratch && key ? MOTE_OK : MOTE_ENOMEM;
    if (!status)
        sort_births(births, scratch, key, birth, from_prior, n);
    mote_memory_release(memory, scratch);
    mote_memory_release(memory, key);
    return status;
}

void mote_births_close(mote_births *births, const mote_memory *memory)
{
    mote_memory_release(memory, births->index);
    *births = (mote_births){ 0 };
}

void mote_spread_add(mote_spread *spread, double x)
{
    double step = x - spread->mean;
    ++spread->n;
    spread->mean += step / (double)spread->n;
    spread->square += step * (x - spread->mean);
}

double mote_spread_sd(const mote_spread *spread)
{
    return spread->n < 2 ? NAN : sqrt(spread->square / (double)(spread->n - 1));
}
