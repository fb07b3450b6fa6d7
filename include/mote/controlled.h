/* SPDX-License-Identifier: BSD-2-Clause */
/* Controlled sequential Monte Carlo and the iterated auxiliary particle filter: evidences of small variance, by filters
 * on a model that has learnt to look ahead. */
#ifndef MOTE_CONTROLLED_H
#define MOTE_CONTROLLED_H

#include <mote/filter.h>

MOTE_BEGIN

enum mote_controlled_method { MOTE_CONTROLLED, MOTE_ITERATED_AUXILIARY };
enum mote_quadratic { MOTE_QUADRATIC_FULL, MOTE_QUADRATIC_DIAGONAL };

#define MOTE_CONTROLLED_OPTIONS(INTEGER, REAL, CHOICE, TEXT)                                                           \
    MOTE_PARTICLE_OPTIONS(INTEGER, REAL, CHOICE, TEXT)                                                                 \
    CHOICE(method, "controlled|iterated_auxiliary",                                                                    \
           "a fixed number of fits; or fits until log Z is stable, with twice the particles where it is not")          \
    INTEGER(fits, 5, "fits", 1, 1000, "fits of the look-ahead; with iterated_auxiliary the most that are made")        \
    CHOICE(quadratic, "full|diagonal", "the look-ahead: exp of a quadratic with all products, or with squares alone")  \
    REAL(tolerance, 0.5, "nats", 0, 1e6, "iterated_auxiliary: stable means that the last 4 log Z vary by less")        \
    INTEGER(max_particles, 0, "particles", 0, 1000000000, "iterated_auxiliary: most particles; 0: 16 times the first")

typedef struct mote_controlled_options {
    mote_head head;
    const mote_hooks *hooks;
    MOTE_OPTION_FIELDS(MOTE_RUN_OPTIONS)
    MOTE_OPTION_FIELDS(MOTE_CONTROLLED_OPTIONS)
    const double *theta; /* as in mote_filter_options */
} mote_controlled_options;

/* The algorithm. The model is a mote_ssm with its series and the member `gaussian`. A step is one filter, followed by one
 * fit; the last step runs the final model with fresh numbers, and its evidence is unbiased. Draws: its last population. */
MOTE_API extern const mote_algorithm *const mote_controlled;

/* log Z of filter `index` (0: the model as it is; the last: the answer) and the mean square that its fit left (NaN for the
 * last). MOTE_EINVAL for one that has not been. */
MOTE_API int mote_controlled_record(const mote_run *run, int64_t index, double *log_evidence, double *residual);

MOTE_END
#endif
