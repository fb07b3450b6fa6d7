/* SPDX-License-Identifier: GPL-3.0-or-later */
/* From the best point to the maximum likelihood, after the stop rule has fired, and the Laplace evidence there.
 *
 * A quadratic model in the unit cube, from batches of rows: the value at x +- h_j e_j along every axis (h_j tuned so
 * that it falls by about half a nat), the mixed differences at x + h_i e_i + h_j e_j, a Newton step, and the best of
 * several lengths of it. Ends when a round gains less than 1e-7 nats. The point never gets worse. The first batch asks for the best point itself again: another value than before means
 * that the likelihood is noisy, and the run is flagged.
 *
 * Missed peak: log Z_Laplace = L_max + (d/2) log 2 pi - (1/2) log det(-H). When that exceeds the run's log Z by more
 * than 3 standard errors and more than 1 nat (it is an approximation), the run is flagged. Known answer: for a normal
 * likelihood inside the box both are equal.
 *
 * Nothing of it is checkpointed: a run that is resumed here climbs again, to the same bytes. */
#ifndef MOTE_NESTED_POLISH_H
#define MOTE_NESTED_POLISH_H

#include <mote/run.h>

typedef struct mote_polish mote_polish;

/* Enters the phase, or DONE when there is nothing to polish. MOTE_ENOMEM leaves the state as it was. */
int mote_polish_start(mote_run *run);
int mote_polish_step(mote_run *run);
void mote_polish_close(mote_run *run);

#endif
