/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Births from inside: what a sampler freezes for one step of the run, the chain of one birth, and the table that a
 * method fills in. The only readers are the files of the sampler.
 *
 * A birth is right when each of its moves leaves the uniform law on {log L > L*} alone and nothing that a move uses
 * was made from the moving point: survivors, clusters and widths are frozen, and a pair of survivors that gives a
 * direction never contains the start point. */
#ifndef MOTE_NESTED_BIRTH_H
#define MOTE_NESTED_BIRTH_H

#include "nested/bound.h"
#include "nested/sampler.h"

/* Directions of the slice sampler; each kind has a width of its own, in units of its direction's length. */
enum mote_slice_kind {
    MOTE_SLICE_PAIR,        /* two survivors of one cluster */
    MOTE_SLICE_BETWEEN,     /* two survivors of different clusters */
    MOTE_SLICE_HIT_AND_RUN, /* L z */
    MOTE_SLICE_WHITENED,    /* sqrt(d) L e_j of a random orthonormal basis */
    MOTE_SLICE_AXIS,        /* sqrt(d) sd_j along a coordinate */
    MOTE_SLICE_KINDS
};

/* Plain fields of a chain, listed once for the struct and its checkpoint. `kind_*` count likelihood calls and steps
 * by kind of direction: what widths are tuned on. */
#define MOTE_BIRTH_INTEGERS(X)                                                                              \
    X(parent) X(calls) X(rejected) X(moves) X(step) X(last_step) X(phase) X(left) X(right) X(kind) X(tries) \
    X(basis_used) X(axis) X(collapsed)
#define MOTE_BIRTH_REALS(X) X(log_likelihood) X(low) X(high) X(width) X(place) X(least) X(most)

typedef struct mote_birth_chain {
    mote_sampler *sampler;
    mote_stream stream;
#define MOTE_BIRTH_FIELD(name) int64_t name;
    MOTE_BIRTH_INTEGERS(MOTE_BIRTH_FIELD)
#undef MOTE_BIRTH_FIELD
#define MOTE_BIRTH_FIELD(name) double name;
    MOTE_BIRTH_REALS(MOTE_BIRTH_FIELD)
#undef MOTE_BIRTH_FIELD
    int64_t kind_steps[MOTE_SLICE_KINDS], kind_calls[MOTE_SLICE_KINDS];
    double *x, *y, *direction; /* cube: current point, proposal, direction; d each */
    double *theta, *derived;   /* of x; theta is filled at the end */
    double *basis;             /* d x d, whitened directions only */
} mote_birth_chain;

typedef struct mote_birth_method {
    void (*begin)(mote_birth_chain *chain);
    /* Puts the next proposal, a point of the open unit cube, into y. MOTE_OK, or an error. */
    int (*propose)(mote_birth_chain *chain);
    /* Is y above the threshold? MOTE_OK: goes on; MOTE_DONE: x is the newborn; an error. A method that takes y as its
     * new x calls mote_birth_move. */
    int (*answer)(mote_birth_chain *chain, int above, double log_likelihood, const double *derived);
} mote_birth_method;

extern const mote_birth_method mote_birth_region, mote_birth_slice, mote_birth_walk;

struct mote_sampler {
    const mote_space *space;
    const mote_nested_options *options;
    const mote_memory *memory;
    mote_message *message;
    const mote_birth_method *method;   /* in use */
    int64_t dimension, max_live, max_births, periodic;

    /* frozen for the step */
    int64_t n;
    double threshold;
    mote_source source;                /* at the births */
    double *cube, *log_likelihood;     /* max_live x d, max_live */
    mote_bound bound;
    int64_t clusters;                  /* parts of the bound, for the steps; 0 while the region is in use */
    int64_t *cluster, *member, *first; /* survivor -> cluster; survivors by cluster, first[c] .. first[c + 1] - 1 */

    /* adapted between steps */
    int64_t steps;                     /* per birth, of the step methods */
    double width[MOTE_SLICE_KINDS];
    double scale;                      /* of the walk */
    double region_calls, region_births;/* fading sums */
    double first_cost, last_cost;      /* calls per birth just after the last rebuild, and in the last step */
    double collapsed;                  /* slices that shrank to nothing, whole run */

    size_t chain_size;
    char *chains;
    double *storage;                   /* of the chains' vectors */
};

mote_birth_chain *mote_birth_chain_at(const mote_sampler *sampler, int64_t i);

/* y becomes x. */
void mote_birth_move(mote_birth_chain *chain, double log_likelihood, const double *derived);

/* A cluster with probability by its number of survivors. */
int64_t mote_birth_cluster(mote_birth_chain *chain);

/* Brings a coordinate back into the open cube: wraps a periodic axis, and cuts rounding errors on the others. */
static inline double mote_birth_inside(double u)
{
    const double lowest = 0x1p-1000, highest = 1 - 0x1p-53;
    u = u > lowest ? u : lowest;
    return u < highest ? u : highest;
}

void mote_birth_wrap(const mote_sampler *sampler, double *y);

#endif
