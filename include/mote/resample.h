/* SPDX-License-Identifier: BSD-2-Clause */
/* Resampling: `count` ancestors among n weighted particles, so that particle i has count W_i offspring in expectation,
 * W_i = weight_i / sum. All schemes take time in proportion to n. */
#ifndef MOTE_RESAMPLE_H
#define MOTE_RESAMPLE_H

#include <mote/source.h>

MOTE_BEGIN

enum mote_resampling {
    MOTE_RESAMPLE_SYSTEMATIC = 0, /* one uniform: count W_i rounded down or up */
    MOTE_RESAMPLE_STRATIFIED,     /* one uniform for each stratum of 1/count */
    MOTE_RESAMPLE_MULTINOMIAL,    /* independent draws, returned in ascending order */
    MOTE_RESAMPLE_RESIDUAL,       /* floor(count W_i), the rest multinomial */
    MOTE_RESAMPLE_SSP,            /* pairwise rounding (Srinivasan sampling process): down or up */
    MOTE_RESAMPLE_KILLING,        /* i keeps slot i with probability W_i / max W, else a draw from W */
    MOTE_RESAMPLE_OPTIMAL,        /* without replacement, unequal output weights (Fearnhead and Clifford 2003) */
    MOTE_RESAMPLE_METROPOLIS,     /* a Metropolis chain in each slot: biased */
    MOTE_RESAMPLE_REJECTION,      /* the law of killing without sums */
    MOTE_RESAMPLE_MINIMUM_ERROR   /* largest remainders, no randomness: biased */
};

/* What a scheme is, as a sum of these. */
enum mote_resampling_flag {
    MOTE_RESAMPLING_UNBIASED = 1,    /* E[offspring_i] = count W_i; of the output weight where that is unequal */
    MOTE_RESAMPLING_CONDITIONAL = 2, /* can be drawn given that one slot has a given ancestor */
    MOTE_RESAMPLING_ORDERED = 4,     /* ancestors ascend */
    MOTE_RESAMPLING_WEIGHTED = 8,    /* output weights are unequal and must be used */
    MOTE_RESAMPLING_EQUAL_COUNT = 16 /* count must be n */
};

MOTE_API const char *mote_resampling_name(int64_t choice);    /* "systematic"; NULL for an unknown number */
MOTE_API int64_t mote_resampling_find(const char *name);      /* the number; -1 for an unknown name */
MOTE_API int64_t mote_resampling_flags(int64_t choice);       /* 0 for an unknown number */

/* One resampling of plain weights: any scale, zeros allowed, n and count up to 2^31 - 1. ancestor[0..count-1] are
 * indices 0..n-1; output_weight (count numbers that sum to one; NULL when not wanted, but needed by a scheme whose
 * output weights are unequal) are the weights that the offspring carry. The source's present address is drawn from.
 * MOTE_EINVAL for a negative weight, NaN, infinity or a bad size; MOTE_ENUMERIC when all weights are zero, before
 * anything is drawn; MOTE_EUNSUPPORTED for optimal without output_weight. */
MOTE_API int mote_resample_ancestors(mote_source *source, int64_t choice, const double *weight, int64_t n,
                                     int64_t count, int32_t *ancestor, double *output_weight);

MOTE_END
#endif
