/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Learning at length: all coefficients and variances of linear-Gaussian models by score ascent, against the exact
 * maximum of the likelihood, and what the stated errors are worth.
 *
 *     learning [NAME]        one, paris; all
 *
 * one: 32 seeds, one state, T = 100, eight particles. For each parameter: the root mean square of deviation over stated
 * error, which is 1 for an honest error, between 1/2 and 2 (the end of an ascent of finite steps has a bias of some
 * tenths of an error, and iterates that remember long state too little), no deviation of more than 6 stated errors.
 * paris: the same ascent along scores of PaRIS misses by more than 20 stated errors, in each parameter and seed. Fixed
 * seeds. */
#include <math.h>
#include <mote/mote.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tests/support/linear_gaussian_free.h"

static const double truth[] = { 0.8, 1, 1 }, far_away[] = { 0.3, 2, 0.5 };

typedef struct plan {
    const char *name;
    int64_t score, particles, iterations, seeds;
} plan;

static int failures;

static void check(int good, const char *name, const char *parameter, const char *what, double found, double limit)
{
    failures += !good;
    printf("%s - %s, %s: %s %.3f (limit %.3f)\n", good ? "ok" : "not ok", name, parameter, what, found, limit);
    fflush(stdout);
}

static void learn(const plan *p, const linear_gaussian_free *c, int64_t seed, double *theta, double *error)
{
    const mote_score_ascent_options options = { MOTE_VERSIONED(mote_score_ascent_options), .particles = p->particles,
                                                .sweeps = p->score == MOTE_SCORE_PPG ? 1 : 0, .score = p->score, .proposal = MOTE_PROPOSAL_GUIDED,
                                                .backward = MOTE_BACKWARD_MCMC, .iterations = p->iterations,
                                                .step_rule = MOTE_STEP_POWER, .step_size = 40, .step_delay = 25,
                                                .evaluations = 2, .seed = seed,
                                                .theta = far_away };
    mote_run *run = NULL;
    if (mote_run_open(&run, mote_score_ascent, &c->model, &options) || mote_run_finish(run) ||
        mote_score_ascent_result(run, theta) || mote_score_ascent_error(run, error)) {
        printf("not ok - %s: %s\n", p->name, mote_run_message(run));
        exit(1);
    }
    mote_run_close(&run);
}

/* One parameter: deviations and stated errors over the seeds. */
static void judge(const plan *p, const char *parameter, const double *deviation, const double *error)
{
    const double n = (double)p->seeds;
    double mean = 0, square = 0, stated = 0, units = 0, worst = 0, least = INFINITY;
    for (int64_t s = 0; s < p->seeds; ++s) {
        const double z = fabs(deviation[s]) / error[s];
        mean += deviation[s] / n;
        square += deviation[s] * deviation[s] / n;
        stated += error[s] * error[s] / n;
        units += z * z / n;
        worst = fmax(worst, z);
        least = fmin(least, z);
    }
    const double spread = sqrt((square - mean * mean) * n / (n - 1));
    printf("# %s, %s: off by %.5f +- %.5f, spread %.5f, stated error %.5f\n", p->name, parameter, mean, spread / sqrt(n),
           spread, sqrt(stated));
    if (p->score == MOTE_SCORE_PARIS) {
        check(least > 20, p->name, parameter, "smallest deviation in stated errors", least, 20);
        return;
    }
    check(units > 0.25 && units < 4, p->name, parameter, "deviation over stated error", sqrt(units), 2);
    check(worst < 6, p->name, parameter, "largest deviation in stated errors", worst, 6);
}

static void carry_out(const plan *p)
{
    enum { SEEDS = 64 };
    static linear_gaussian_free c;
    static double deviation[FREE_PARAMETERS][SEEDS], error[FREE_PARAMETERS][SEEDS];
    double exact[FREE_PARAMETERS], theta[FREE_PARAMETERS], stated[FREE_PARAMETERS], value;
    if (linear_gaussian_free_open(&c, 1, 100, truth, 3))
        exit(1);
    memcpy(exact, truth, (size_t)c.parameters * sizeof *exact);
    if (linear_gaussian_free_maximum(&c, 1e-10, exact, &value, NULL)) {
        printf("not ok - %s: no maximum found\n", p->name);
        exit(1);
    }
    for (int64_t s = 0; s < p->seeds; ++s) {
        learn(p, &c, s + 1, theta, stated);
        for (int64_t k = 0; k < c.parameters; ++k) {
            deviation[k][s] = theta[k] - exact[k];
            error[k][s] = stated[k];
        }
    }
    for (int64_t k = 0; k < c.parameters; ++k)
        judge(p, c.parameter[k].name, deviation[k], error[k]);
}

int main(int argc, char **argv)
{
    const plan plans[] = { { "one", MOTE_SCORE_PPG, 8, 3000, 32 },
                           { "paris", MOTE_SCORE_PARIS, 8, 3000, 8 } };
    const char *name = argc > 1 ? argv[1] : "all";
    for (size_t i = 0; i < sizeof plans / sizeof *plans; ++i)
        if (!strcmp(name, "all") || !strcmp(name, plans[i].name))
            carry_out(&plans[i]);
    return failures != 0;
}
