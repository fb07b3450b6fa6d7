/* SPDX-License-Identifier: GPL-3.0-or-later */
/* A source whose numbers are correlated with those of an earlier use: what the correlated pseudo-marginal method needs
 * (Deligiannidis, Doucet and Pitt 2018, JRSS B 80, 839; Dahlin, Lindsten, Kronander and Schon 2015, arXiv:1511.05483).
 *
 *     z' = rho z + sqrt(1 - rho^2) e,   e ~ N(0, 1) of a live source, z the normal kept at the same address
 *
 * leaves N(0, 1) invariant and is reversible, so a filter that draws all its numbers from z' proposes by a kernel which
 * is reversible for the law of what a filter draws; log Z of z and of z' then have nearly the same noise, which cancels
 * in the ratio. Normals are z', uniforms Phi(z'). Whatever else a model draws (bits, choices, exponentials, streams)
 * has no such form and is refused by name.
 *
 * Normals are kept by address: `initial` draw calls at the first law, `transition` at each step, and one for the
 * ancestors, of every particle. All of them move for a proposal, also those that its filter does not come to. How many
 * calls a model makes, a trial run finds; a call beyond that gets fresh normals (rho = 0), which is exact as well.
 * Known answer: tests/smc/test_correlated.c. */
#ifndef MOTE_SMC_CORRELATED_H
#define MOTE_SMC_CORRELATED_H

#include "core/memory.h"
#include "core/source.h"

/* Where normals are kept, the same for all chains. */
typedef struct mote_correlation {
    double rho, complement;      /* complement = sqrt(1 - rho^2) */
    int64_t particles, times;
    int64_t initial, transition; /* draw calls that are kept */
    int64_t size;                /* normals of one chain */
} mote_correlation;

/* The present normals of a chain, and those of its newest proposal. */
typedef struct mote_kept_normals {
    double *now, *next;
    int64_t any;                 /* 0: there are no present ones yet */
} mote_kept_normals;

/* One use. A position of it is `mote_correlated_source`. */
typedef struct mote_correlated {
    mote_source opened;          /* first: positions point here; its status is the first failure */
    mote_source live;
    const mote_correlation *layout;
    mote_kept_normals *kept;     /* NULL: nothing is kept, calls are counted */
    int64_t initial, transition; /* most draw calls seen at an address */
    const char *offence;         /* what was drawn that has no correlated form; NULL: nothing */
} mote_correlated;

/* Size from the other fields. */
void mote_correlation_measure(mote_correlation *layout);

int mote_kept_normals_open(mote_kept_normals *kept, const mote_correlation *layout, const mote_memory *memory);
void mote_kept_normals_close(mote_kept_normals *kept, const mote_memory *memory);

/* The proposal becomes present. */
void mote_kept_normals_accept(mote_kept_normals *kept);

/* Readies `use` and returns a position of it; `live` gives the fresh normals. */
mote_source mote_correlated_source(mote_correlated *use, const mote_source *live, const mote_correlation *layout,
                                   mote_kept_normals *kept);

#endif
