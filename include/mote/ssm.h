/* SPDX-License-Identifier: BSD-2-Clause */
/* A state-space (Feynman-Kac) model: parameters, an initial law, a transition, a potential, and what else a model can
 * tell of itself. Written once; every particle algorithm runs it.
 *
 *     x_0 ~ initial;   x_t ~ transition(x_{t-1}, .);   weight *= G_t(x_{t-1}, x_t)
 *
 * Callbacks see blocks of particles as columns: state[d][i] is coordinate d of particle first + i, 64-byte aligned,
 * and i runs fastest, so that plain loops vectorise. A callback returns 0, or < 0: stop the run, the code reaches the
 * caller. It fills all of its output and keeps no pointer.
 *
 *     static int transition(void *ctx, const mote_block *block, mote_source *source)
 *     {
 *         const double persistence = *block->parameter[PERSISTENCE], *x = block->previous[0];
 *         double *next = block->state[0];
 *         mote_normals(source, next, block->n);
 *         for (int64_t i = 0; i < block->n; ++i)
 *             next[i] = persistence * x[i] + next[i];
 *         return 0;
 *     }
 *
 * Values of log_potential: finite; -inf = weight zero; NaN or +inf = failed (the run stops, naming time and particle,
 * or takes it as zero: an option). All draws come from `source`: what a particle draws depends on its id and the step,
 * never on threads or on the number of particles. */
#ifndef MOTE_SSM_H
#define MOTE_SSM_H

#include <mote/base.h>
#include <mote/parameter.h>
#include <mote/source.h>

MOTE_BEGIN

/* Particles at work. Which members are set depends on the callback, see mote_ssm. */
typedef struct mote_block {
    mote_head head;
    int64_t n;                      /* particles, 1 to 1024 (with opaque states: the whole population) */
    int64_t first;                  /* id of particle 0 of the block */
    int64_t step;                   /* number of the observation, from 0 */
    double time, time_previous;     /* of this observation and of the one before (the initial time before the first) */
    const double *const *parameter; /* parameter[p] of all non-derived parameters in declared order, physical units */
    int64_t parameter_stride;       /* 0: one value for all particles; 1: parameter[p][i] (iterated filtering) */
    const void *cache;              /* what `prepare` made of the parameters; NULL without it */
    const double *observation;      /* observation_count values, NaN where missing; NULL: nothing is observed */
    const int64_t *observed;        /* observation_count flags: 1 observed, 0 missing; NULL with observation = NULL */
    const double *input;            /* input_count values; NULL: none */
    const double *const *previous;  /* state_count columns of n: x_{t-1}; NULL for the initial law */
    double *const *state;           /* state_count columns of n: x_t */
    double *log_weight;             /* n values: output of the callbacks that give densities */
} mote_block;

/* One observation. Times increase; with MOTE_SSM_START_BEFORE the first may be at the model's initial_time, not before
 * it. `values` may be NULL (nothing observed); NaN entries are missing, and so are those
 * whose flag in `observed` is 0 (NULL: all flags 1). */
typedef struct mote_observation {
    mote_head head;
    double time;
    const double *values;    /* observation_count */
    const int64_t *observed; /* observation_count, or NULL */
    const double *input;     /* input_count, or NULL when the model has no inputs */
} mote_observation;

/* A whole series, as rows. time NULL: 0, 1, 2, ... (with MOTE_SSM_START_BEFORE: initial_time + 1, + 2, ...). */
typedef struct mote_series {
    mote_head head;
    int64_t count;
    const double *time;
    const double *values;    /* count rows of observation_count */
    const int64_t *observed; /* the same, or NULL */
    const double *input;     /* count rows of input_count, or NULL */
} mote_series;

/* The matrices of the linear part of one particle at one time (see mote_ssm.linear_system), k = linear_count, m =
 * observation_count, row-major. Handed out with the identity in `transition` and zeros elsewhere. */
typedef struct mote_linear_part {
    mote_head head;
    double *transition;             /* A, k x k */
    double *transition_offset;      /* b, k */
    double *transition_covariance;  /* Q, k x k */
    double *observation;            /* C, m x k */
    double *observation_offset;     /* c, m */
    double *observation_covariance; /* R, m x m */
} mote_linear_part;

enum mote_ssm_flag {
    MOTE_SSM_THREADSAFE = 1,   /* callbacks may be called from several threads at once */
    MOTE_SSM_START_BEFORE = 2, /* the initial law holds at initial_time: propagate to the first observation, then weigh */
    MOTE_SSM_ROW_PARAMETERS = 4, /* callbacks read parameter[p][0] only: with parameters of their own, particles come in
                                  * blocks of one */
    MOTE_SSM_PAIR_POTENTIAL = 8 /* log_potential looks at `previous`: backward weights are then W m G instead of W m, and
                                 * log_transition_bound bounds m G (m where nothing is observed) */
};

typedef struct mote_ssm {
    mote_head head;
    const mote_parameter *parameters; /* as of a target: see MOTE_PARAMETERS; parameter_count 0: none */
    int64_t parameter_count;
    int64_t parameter_size;
    const char *const *states;        /* names of the state's coordinates */
    int64_t state_count;              /* >= 1 */
    const char *const *observations;  /* names */
    int64_t observation_count;        /* may be 0 */
    const char *const *inputs;
    int64_t input_count;
    double initial_time;              /* used with MOTE_SSM_START_BEFORE; observations from this time on */

    /* Required (log_potential: unless there is a linear part, see the end). initial: fills state. transition: state
     * from previous. log_potential: log_weight = log G_t(previous, state); not called where nothing is observed unless
     * observation_count is 0 (previous: NULL at step 0 unless the initial law holds earlier). */
    int (*initial)(void *ctx, const mote_block *block, mote_source *source);
    int (*transition)(void *ctx, const mote_block *block, mote_source *source);
    int (*log_potential)(void *ctx, const mote_block *block);

    /* Once for each set of parameters: fills `cache`, cache_size bytes, zeroed, 64-byte aligned. */
    int (*prepare)(void *ctx, const double *theta, void *cache);
    int64_t cache_size;

    /* Densities, into log_weight: of the initial law at state; of the transition from previous to state; and a bound of
     * the latter over all `previous`. Smoothers need them; a transition without a density leaves them NULL. */
    int (*log_initial)(void *ctx, const mote_block *block);
    int (*log_transition)(void *ctx, const mote_block *block);
    int (*log_transition_bound)(void *ctx, const mote_block *block);

    /* A proposal that looks at the observation, and its density. With them, weights are G m / q. */
    int (*propose_initial)(void *ctx, const mote_block *block, mote_source *source);
    int (*propose)(void *ctx, const mote_block *block, mote_source *source);
    int (*log_propose_initial)(void *ctx, const mote_block *block);
    int (*log_propose)(void *ctx, const mote_block *block);

    /* Look-ahead of auxiliary filters: log_weight = log eta_t(previous), some guess of log p(y_t | x_{t-1}); the
     * observation is that of the coming step, state is not set. */
    int (*look_ahead)(void *ctx, const mote_block *block);

    /* An additive functional H = h_0(x_0) + sum_t h_t(x_{t-1}, x_t) of additive_count components: value[k][i].
     * previous is NULL for h_0. */
    int (*additive)(void *ctx, const mote_block *block, double *const *value);
    const char *const *additive_names;
    int64_t additive_count;

    /* d/d theta_p of log initial (previous NULL) or log transition, plus that of log G: value[p][i], one column for each
     * non-derived parameter in declared order, physical units. */
    int (*gradient)(void *ctx, const mote_block *block, double *const *value);

    /* The initial law and the transition as functions of uniforms: uniform[d][i] inside (0, 1), state_count columns.
     * Quasi-Monte Carlo needs them. */
    int (*initial_map)(void *ctx, const mote_block *block, const double *const *uniform);
    int (*transition_map)(void *ctx, const mote_block *block, const double *const *uniform);

    /* Draws an observation given state: value[k][i], observation_count columns. For simulation and predictive checks. */
    int (*sample_observation)(void *ctx, const mote_block *block, mote_source *source, double *const *value);

    /* Opaque states: column 0 holds handles of the model's own objects. Every block is then the whole population. fork is
     * called at the start of a step that resampled: from the handles in previous it makes those of the new particles, in
     * all columns of state, and gives up what no particle took over. Then, and in steps that did not resample, transition
     * finds the particles' own handles in state and moves them in place; previous is NULL throughout. drop gives up the
     * handles of n particles. pack writes the object of a handle and returns its size (it writes nothing when `room` does not
     * suffice); unpack makes a new one. A failed step cannot be taken back: the run ends, and goes on from a checkpoint. */
    int (*fork)(void *ctx, const mote_block *block, const int32_t *ancestor);
    void (*drop)(void *ctx, const double *handle, int64_t n);
    int64_t (*pack)(void *ctx, double handle, void *bytes, int64_t room);
    int (*unpack)(void *ctx, const void *bytes, int64_t size, double *handle);

    const mote_series *series; /* copied at open; NULL: observations are pushed */
    void *ctx;                 /* borrowed: outlives every run, unchanged during one */
    const char *name;          /* for messages; NULL: "model" */
    const char *identity;      /* of model and data; NULL: unknown */
    int64_t flags;             /* enum mote_ssm_flag */
    const struct mote_loaded_plugin *plugin;

    /* A part z of linear_count coordinates (1 to 24) that is linear and Gaussian given the sampled states, and is
     * integrated out exactly, each particle carrying its mean and covariance (Rao-Blackwell):
     *     z_0 ~ N(mean, covariance);  z_t = A z_{t-1} + b + N(0, Q);  y_t = C z_t + c + N(0, R)
     * with matrices that may depend on the sampled states of particle i (block->state[d][i], previous[d][i]). The
     * potential is p(y_t | y_{0..t-1}, sampled states), times exp(log_potential) where that is given, too; log_potential may
     * then be NULL. States that follow the model's own: z's means, then the lower triangle of its covariance by rows.
     * Of the optional members only prepare, look_ahead and sample_observation are used beside a linear part. */
    int64_t linear_count;
    int (*linear_initial)(void *ctx, const mote_block *block, int64_t i, double *mean, double *covariance);
    int (*linear_system)(void *ctx, const mote_block *block, int64_t i, const mote_linear_part *part);

    /* The transition as a normal law (previous NULL: the initial law): mean[d][i], and one covariance for all particles of
     * a step, state_count x state_count, positive definite, a function of parameters, time and inputs. For twisted models. */
    int (*gaussian)(void *ctx, const mote_block *block, double *const *mean, double *covariance);

    /* For two-filter smoothing: artificial laws gamma_t of the state, one for each time, that are positive wherever x_t can
     * be; the nearer gamma_t is to the law of x_t without observations, the better. artificial: state from gamma_t;
     * log_artificial: log gamma_t at state, up to a constant of t. propose_backward: state x_t given the later state
     * x_{t+1} in `previous`, and its log-density; without them x_t is drawn from gamma_t. Step, time, observation and input
     * of the block are those of t; time_previous is the time of t + 1. */
    int (*artificial)(void *ctx, const mote_block *block, mote_source *source);
    int (*log_artificial)(void *ctx, const mote_block *block);
    int (*propose_backward)(void *ctx, const mote_block *block, mote_source *source);
    int (*log_propose_backward)(void *ctx, const mote_block *block);

    /* d/d theta_p of log_propose (previous NULL: of log_propose_initial): value[p][i], columns as of `gradient`. For
     * proposals that learn: parameters may be the model's, the proposal's or both's. */
    int (*proposal_gradient)(void *ctx, const mote_block *block, double *const *value);
} mote_ssm;

#define MOTE_STATES(array)       .states = (array), .state_count = sizeof(array) / sizeof *(array)
#define MOTE_OBSERVATIONS(array) .observations = (array), .observation_count = sizeof(array) / sizeof *(array)
#define MOTE_INPUTS(array)       .inputs = (array), .input_count = sizeof(array) / sizeof *(array)

MOTE_END
#endif
