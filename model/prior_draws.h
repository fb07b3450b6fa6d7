/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Independent draws from the prior (within the joint constraint, if there is one) with their likelihoods, as chains of
 * a crew: the start of nested sampling and of particle samplers, tries at a plateau, the prior sampler. Draw number i
 * has its own stream, so that a block of draws is the same whatever evaluates it. */
#ifndef MOTE_MODEL_PRIOR_DRAWS_H
#define MOTE_MODEL_PRIOR_DRAWS_H

#include "core/crew.h"
#include "core/source.h"
#include "model/space.h"

/* Draws outside the constraint, in a row, after which a constraint counts as unsatisfiable. */
enum { MOTE_PRIOR_OUTSIDE_LIMIT = 1000000 };

typedef struct mote_prior_draw {
    struct mote_prior_draws *shared;
    mote_stream stream;
    double *cube, *theta, *derived;
    double log_likelihood;
    int64_t reason;
    int64_t tries;   /* rows still allowed */
    int64_t found;   /* 1: log_likelihood > threshold */
} mote_prior_draw;

typedef struct mote_prior_draws {
    const mote_space *space;
    const mote_memory *memory;
    mote_message *message;
    mote_prior_draw *draws;
    double *values;      /* of all draws: cube, theta, derived */
    int64_t capacity;
    double threshold;    /* accepted above it; NaN: everything is accepted */
} mote_prior_draws;

int mote_prior_draws_open(mote_prior_draws *draws, const mote_space *space, int64_t capacity,
                          const mote_memory *memory, mote_message *message);
void mote_prior_draws_close(mote_prior_draws *draws);

/* Readies chain i for draw `number`; it ends with the first draw above the threshold, or after `tries` rows. */
void mote_prior_draws_begin(mote_prior_draws *draws, int64_t i, const mote_source *source, uint32_t purpose,
                            uint32_t step, int64_t number, int64_t tries);

extern const mote_chain_table mote_prior_draws_table;

/* One draw of cube and theta inside the constraint, without a likelihood. */
int mote_prior_draw_inside(const mote_space *space, mote_stream *stream, double *cube, double *theta,
                           mote_message *message);

void mote_prior_draws_save(const mote_prior_draws *draws, int64_t n, mote_writer *writer);
void mote_prior_draws_load(mote_prior_draws *draws, int64_t n, mote_reader *reader);

/* The log of the prior mass inside the joint constraint and its standard error, from `n` draws that cost no
 * likelihood: 0 and 0 without a constraint. MOTE_EMODEL when none is inside. */
int mote_prior_mass(const mote_space *space, const mote_source *source, int64_t n, double *scratch, double *log_mass,
                    double *error, mote_message *message);

#endif
