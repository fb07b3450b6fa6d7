/* SPDX-License-Identifier: BSD-2-Clause */
/* Metropolis-Hastings chains on a target (Metropolis et al. 1953; Hastings 1970): a warm-up that adapts the kernel,
 * then draws from a kernel that is frozen. */
#ifndef MOTE_METROPOLIS_H
#define MOTE_METROPOLIS_H

#include <mote/run.h>

MOTE_BEGIN

enum mote_metropolis_kernel { MOTE_METROPOLIS_AUTO, MOTE_METROPOLIS_RANDOM_WALK, MOTE_METROPOLIS_INDEPENDENCE,
                              MOTE_METROPOLIS_MALA };

#define MOTE_METROPOLIS_OPTIONS(INTEGER, REAL, CHOICE, TEXT)                                                           \
    INTEGER(chains, 4, "chains", 1, 100000, "independent chains; with threads they run at the same time")              \
    INTEGER(draws, 1000, "draws", 1, 1000000000, "draws of each chain that are kept")                                  \
    INTEGER(warm_up, 1000, "transitions", 40, 1000000000, "transitions of each chain that adapt the kernel, not kept") \
    INTEGER(thin, 1, "transitions", 1, 1000000, "transitions from one kept draw to the next")                          \
    CHOICE(kernel, "auto|random_walk|independence|mala",                                                               \
           "Markov kernel; auto: mala where the target has gradients, else random_walk")                               \
    INTEGER(components, 1, "", 1, 64, "kernel = independence: parts of its mixture")

typedef struct mote_metropolis_options {
    mote_head head;
    const mote_hooks *hooks; /* may be NULL */
    MOTE_OPTION_FIELDS(MOTE_RUN_OPTIONS)
    MOTE_OPTION_FIELDS(MOTE_METROPOLIS_OPTIONS)
} mote_metropolis_options;

/* The algorithm; its name is "metropolis". The model is a mote_target without conditional priors. Draws: chain c of
 * iteration k in row k chains + c, equal weights, column `chain`; no evidence. */
MOTE_API extern const mote_algorithm *const mote_metropolis;

MOTE_END
#endif
