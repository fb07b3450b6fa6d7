/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Markov kernels on targets. A kernel is bound to a parameter space and leaves invariant, on the real line,
 *
 *     log density(y) = inverse_temperature * log-likelihood + log prior + log |d theta / d y|
 *
 * It owns chains: plain structs with `want` and `take` that a crew (core/crew.h) drives, so that any executor gives the
 * same bytes. A chain keeps the log-likelihood of its point and never asks for it again: with rows that are estimates
 * (a particle filter's evidence, keyed by the row's id) a random walk is particle marginal Metropolis-Hastings, and
 * the `id` of the current point names the row that it accepted last.
 *
 *     mote_kernel_open                                 by name: "random_walk", "independence", "mala"
 *     mote_kernel_tune (weighted points)               mean, covariance, scale, mixture
 *     mote_kernel_set_inverse_temperature
 *     for each chain: mote_kernel_place, mote_kernel_begin
 *     mote_crew_start(crew, mote_kernel_table, mote_kernel_chains(...), ...); mote_crew_advance ... until MOTE_OK
 *     mote_kernel_statistics, mote_kernel_current; mote_kernel_adapt, mote_kernel_learn
 *     mote_kernel_close
 *
 * A method is one file with one table (mcmc/kernel_parts.h). A transition may ask for any number of rows, so that
 * methods with trajectories fit the same chains. Nothing adapts while chains are under way. */
#ifndef MOTE_MCMC_KERNEL_H
#define MOTE_MCMC_KERNEL_H

#include "core/crew.h"
#include "core/source.h"
#include "mcmc/kernel_points.h"

typedef struct mote_kernel mote_kernel;
typedef struct mote_kernel_method mote_kernel_method;

typedef struct mote_kernel_settings {
    int64_t components; /* of the independence proposal; 0: 1 */
    double scale;       /* factor on the method's default scale to begin with; 0: 1 */
} mote_kernel_settings;

typedef struct mote_kernel_statistics {
    int64_t transitions, accepted; /* since the chains began */
    int64_t rows;                  /* likelihood rows asked for */
    double acceptance;             /* mean of min(1, acceptance ratio); NaN without transitions */
    double squared_jump;           /* mean of |L^-1 (y_after - y_before)|^2, L L' the tuned covariance */
} mote_kernel_statistics;

/* NULL: no such method; of index i, in the order of the choices below; NULL past the end. */
const mote_kernel_method *mote_kernel_find(const char *name);
const mote_kernel_method *mote_kernel_at(int64_t index);
const char *mote_kernel_name(const mote_kernel_method *method);
int64_t mote_kernel_needs_gradient(const mote_kernel_method *method);

/* `space` is borrowed. Refuses by name a space with conditional priors and, where gradients are needed, a target
 * without them. `chains` is the most that can be under way. */
int mote_kernel_open(mote_kernel **kernel, const mote_kernel_method *method, const mote_kernel_settings *settings,
                     const mote_space *space, int64_t chains, const mote_memory *memory, mote_message *message);
void mote_kernel_close(mote_kernel **kernel);

void mote_kernel_set_inverse_temperature(mote_kernel *kernel, double inverse_temperature);

/* Fits to n points (`y`: n rows of `dimension`) with weights >= 0, in any scale; NULL: all equal. The first call also
 * sets the units of the identity part. Points whose weights sum to nothing leave everything as it was. */
void mote_kernel_tune(mote_kernel *kernel, const double *y, const double *weight, int64_t n);

/* Adaptive Metropolis (Haario, Saksman & Tamminen 2001): moves mean and covariance towards n points by `gain`. */
void mote_kernel_learn(mote_kernel *kernel, const double *y, int64_t n, double gain);

/* The method's own law from mean and covariance as they are: after mote_kernel_learn, where no points are kept. */
void mote_kernel_refit(mote_kernel *kernel);

/* log scale += gain (acceptance - the method's target). */
void mote_kernel_adapt(mote_kernel *kernel, double acceptance, double gain);
double mote_kernel_scale(const mote_kernel *kernel);
double mote_kernel_target_acceptance(const mote_kernel *kernel); /* NaN: there is no scale to adapt */
const double *mote_kernel_mean(const mote_kernel *kernel);       /* `dimension` values, as tuned or learned */

/* log_base of a point from its y (theta is filled); 1: inside the support, 0: not; < 0: the model's code. And the
 * reverse, from theta: y, where the support ends to rounding, is cut to the finite. */
int mote_kernel_fill_y(const mote_kernel *kernel, mote_kernel_point *point);
int mote_kernel_fill_theta(const mote_kernel *kernel, mote_kernel_point *point);

/* The value of a row for a point whose y and theta are set: log-likelihood, derived, slopes, id. */
void mote_kernel_fill_value(const mote_kernel *kernel, mote_kernel_point *point, const mote_row_value *value);

/* Chain i: its current point (all of it is copied), then `steps` transitions with a stream of its own. Every
 * transition's state goes into rows `trace`, trace + 1, ... of the kernel's trace population; -1: nowhere. */
void mote_kernel_place(mote_kernel *kernel, int64_t i, const mote_kernel_point *point);
void mote_kernel_begin(mote_kernel *kernel, int64_t i, const mote_source *source, uint32_t step, int64_t number,
                       int64_t steps, int64_t trace);
/* `steps` transitions more with the same stream, after all of the chain's have been made. */
void mote_kernel_continue(mote_kernel *kernel, int64_t i, int64_t steps);
void mote_kernel_set_trace(mote_kernel *kernel, mote_kernel_points *trace); /* rows reserved by the owner */

extern const mote_chain_table *const mote_kernel_table;
void *mote_kernel_chains(mote_kernel *kernel, size_t *chain_size);

/* Valid when no row of the chain is out: the current point, vectors inside. */
mote_kernel_point mote_kernel_current(const mote_kernel *kernel, int64_t i);

/* The point whose value chain i awaits, between want and take. */
mote_kernel_point mote_kernel_pending(const mote_kernel *kernel, int64_t i);
mote_kernel_statistics mote_kernel_statistics_of(const mote_kernel *kernel, int64_t first, int64_t n);

/* Squared length of y_after - y_before in units of the tuned covariance. */
double mote_kernel_squared_distance(const mote_kernel *kernel, const double *before, const double *after);

/* Everything that later transitions depend on, with the first n chains, pending proposals included. load on a freshly
 * opened kernel; the trace population is its owner's. */
void mote_kernel_save(const mote_kernel *kernel, int64_t n, mote_writer *writer);
void mote_kernel_load(mote_kernel *kernel, int64_t n, mote_reader *reader);

/* The tuned part alone, as numbers: for schedules that are replayed. */
int64_t mote_kernel_tuning_count(const mote_kernel *kernel);
void mote_kernel_get_tuning(const mote_kernel *kernel, double *values);
void mote_kernel_set_tuning(mote_kernel *kernel, const double *values);

#endif
