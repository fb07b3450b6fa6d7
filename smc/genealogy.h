/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The variance of log Z from the genealogy of a single run: the fixed-lag form of the estimators of Chan & Lai (2013),
 * Lee & Whiteley (2018), Olsson & Douc (2019). Generations g = resampling events, g = 0 the first particles; W the
 * weights at the end of generation u = min(g + lag, last), C_g^u = sum over ancestors e of generation g of (sum of W
 * over the descendants of e)^2:
 *
 *     h_g = (C_g^u - C_{g+1}^u) / (1 - C_{g+1}^u),  C_{last+1} = 0
 *     var(log Z) = sum_g -log(1 - h_g) - 1/N;  multinomial: sum_g (-log(1 - h_g) - log(N / (N - 1)))
 *
 * Known answer: without resampling and with equal weights, -log(1 - 1/N) - 1/N = O(1/N^2). */
#ifndef MOTE_SMC_GENEALOGY_H
#define MOTE_SMC_GENEALOGY_H

#include "smc/lineage.h"

typedef struct mote_genealogy {
    const mote_memory *memory;
    mote_lineage lineage;
    int64_t generation;  /* resampling events so far */
    double finished;     /* sum of the terms whose lag has passed */
    int32_t *index;      /* n */
    double *sum;         /* n */
} mote_genealogy;

int mote_genealogy_open(mote_genealogy *genealogy, int64_t n, int64_t lag, const mote_memory *memory);
void mote_genealogy_close(mote_genealogy *genealogy);

/* Room for one more generation; MOTE_ENOMEM leaves everything as it was. */
int mote_genealogy_reserve(mote_genealogy *genealogy);

/* `weight`: the n normalised weights at the end of the present generation, from which `ancestor` was drawn. */
void mote_genealogy_resample(mote_genealogy *genealogy, const double *weight, const int32_t *ancestor);

/* Variance of log Z with the present generation as the last; NaN for n = 1, and where one ancestor is left within the
 * lag: no error bar can be had then. May be negative by chance. */
double mote_genealogy_variance(mote_genealogy *genealogy, const double *weight, int multinomial);

void mote_genealogy_save(const mote_genealogy *genealogy, mote_writer *writer);
int mote_genealogy_load(mote_genealogy *genealogy, mote_reader *reader);

#endif
