/* SPDX-License-Identifier: BSD-2-Clause */
/* Maximum likelihood by stochastic gradient ascent: the score of a state-space model's parameters, estimated by
 * smoothing (Fisher's identity), moves them on the real line of their transforms. With the Parisian particle Gibbs
 * sampler the gradients have no bias that matters, so that few particles will do; the path is carried from iteration to
 * iteration.
 *
 *     mote_score_ascent_options options = { MOTE_VERSIONED(mote_score_ascent_options), .particles = 32,
 *                                           .iterations = 500 };
 *     mote_run_open(&run, mote_score_ascent, &model, &options);
 *     mote_run_finish(run);
 *     mote_score_ascent_result(run, theta);
 *
 * The same loop fits a proposal to the law of the path given the observations (objective = proposal: Markov score
 * climbing), by the model's proposal_gradient. */
#ifndef MOTE_SCORE_ASCENT_H
#define MOTE_SCORE_ASCENT_H

#include <mote/ppg.h>

MOTE_BEGIN

enum mote_score { MOTE_SCORE_PPG, MOTE_SCORE_PARIS, MOTE_SCORE_FORWARD, MOTE_SCORE_GENEALOGY };
enum mote_objective { MOTE_OBJECTIVE_LIKELIHOOD, MOTE_OBJECTIVE_PROPOSAL, MOTE_OBJECTIVE_BOTH };
enum mote_step_rule { MOTE_STEP_ADAM, MOTE_STEP_POWER, MOTE_STEP_CONSTANT };

#define MOTE_SCORE_ASCENT_OPTIONS(INTEGER, REAL, CHOICE, TEXT)                                                         \
    MOTE_CONDITIONAL_FILTER_OPTIONS(INTEGER, REAL, CHOICE, TEXT)                                                       \
    CHOICE(score, "ppg|paris|forward|genealogy",                                                                       \
           "who estimates the score; all but the first with a bias of order 1 / particles")                            \
    INTEGER(sweeps, 2, "sweeps", 1, 1000000000, "score = ppg: sweeps of an iteration")                                 \
    INTEGER(dropped, 0, "sweeps", 0, 1000000000, "score = ppg: of these, dropped at the beginning")                    \
    INTEGER(backward_draws, 2, "", 1, 1024, "parents drawn for each particle")                                         \
    MOTE_BACKWARD_OPTIONS(INTEGER, REAL, CHOICE, TEXT)                                                                 \
    CHOICE(objective, "likelihood|proposal|both", "what is learned: the model, its proposal, or both in one sweep")   \
    INTEGER(iterations, 500, "iterations", 1, 1000000000, "steps of ascent")                                           \
    CHOICE(step_rule, "adam|power|constant",                                                                           \
           "Adam with decaying steps, steps of score / times that decay, or constant ones")                            \
    REAL(step_size, 0.3, "", 1e-12, 1e12, "first step size, on the real line")                                         \
    REAL(step_decay, 0.5, "", 1e-9, 1, "step n is step_size / (n + step_delay)^step_decay")                            \
    REAL(step_delay, 0, "iterations", 0, 1e9, "against large first steps: a twentieth of the iterations is ample")     \
    REAL(longest_step, 1, "", 1e-9, 1e12, "no coordinate moves further than this in an iteration, on the real line")   \
    REAL(averaged, 0.5, "", 1e-9, 1, "share of the iterations, the last ones, whose mean is the result")               \
    INTEGER(evaluations, 10, "filters", 2, 100000, "plain filters that evaluate the likelihood at the result")           \
    INTEGER(evaluation_particles, 1000, "particles", 1, 1000000000, "of each of these filters")

typedef struct mote_score_ascent_options {
    mote_head head;
    const mote_hooks *hooks;
    MOTE_OPTION_FIELDS(MOTE_RUN_OPTIONS)
    MOTE_OPTION_FIELDS(MOTE_SCORE_ASCENT_OPTIONS)
    const double *theta; /* values of all non-derived parameters to start from; NULL: prior medians */
} mote_score_ascent_options;

/* The algorithm. The model is a mote_ssm with a series, gradient (or proposal_gradient), log_transition, and a
 * parameter that is not fixed. Draws: the record, a row for each iteration: the parameters before it, its gradient on
 * the real line as gradient_NAME, log_likelihood what the filter inside estimated (of a conditional filter: with
 * the bias of its path). Results: the mean of the last iterations (NAME) with its error (NAME_error), and the
 * log-likelihood there by plain filters. */
MOTE_API extern const mote_algorithm *const mote_score_ascent;

/* The result so far: the mean, on the real line, of the last share `averaged` of the iterations done, in physical
 * units; values of all non-derived parameters. MOTE_ESTATE before the first iteration. */
MOTE_API int mote_score_ascent_result(mote_run *run, double *theta);

/* Its standard errors by batch means of the iterates: how far the mean may lie from where the ascent ends, by the noise
 * of the scores. With score = ppg that is the maximum of the likelihood. Not in it: the bias of other scores, and what
 * the maximum owes to the data at hand. Values of all non-derived parameters, 0 for fixed ones, NaN below 40 averaged
 * iterations. */
MOTE_API int mote_score_ascent_error(mote_run *run, double *error);

MOTE_END
#endif
