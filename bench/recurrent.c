/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Learning the chaotic recurrent network of examples/ssm by stochastic gradients, at equal budgets of k N particles:
 * scores of the Parisian particle Gibbs sampler (N particles, k sweeps, the path carried on), of PaRIS (k N particles)
 * and of the plain genealogy (k N). Curves against iterations, mean and standard error over seeds, for
 *
 *   model      all weights, noise and scale, from no weights at all, with the bootstrap filter
 *   proposal   the guided proposal of the model as it is (recurrent_network_proposal.ini)
 *   both       all of these in the same sweeps (recurrent_network_learn.ini)
 *
 * at the mean of the last half of the iterates: minus the log of the likelihood's estimate for one time, by guided
 * filters. With 1000 particles that is the negative log-likelihood, a hundredth too high or so (.100 at the simulation's
 * parameters, .086 with 20000). Of the proposal alone it is the mean over filters with 100: the better the proposal, the
 * lower. With CPU seconds of learning for one seed, and the parameters at the end. `recurrent model >data` feeds
 * doc/figures/recurrent.gp.
 *
 * Usage: recurrent ["model proposal both", or some of them; default the first two [share of the iterations
 *        [seeds, 2 to 5; default 5]]] */
#include <math.h>
#include <mote/mote.h>
#include <mote/plugin.h>
#include <string.h>

#include "bench/bench.h"

enum { SEEDS = 5, TIMES = 500, UNITS = 5, METHODS = 3, PARAMETERS = 31, POINTS = 7 };
enum { GAIN, NOISE, SCALE, PRECISION, WIDTH, SPREAD, WEIGHT }; /* as the model declares them */

static int seeds = SEEDS;

static const char *const method_names[METHODS] = { "PPG", "PaRIS", "genealogy" };
static const int64_t methods[METHODS] = { MOTE_SCORE_PPG, MOTE_SCORE_PARIS, MOTE_SCORE_GENEALOGY };

typedef struct experiment {
    const char *name, *ini;
    int64_t objective, proposal; /* of learning: evaluation is by guided filters */
    int64_t particles, sweeps;
    double step_size;
    int64_t filters, filter_particles; /* of an evaluation */
    int64_t iterations[POINTS];
} experiment;

typedef struct model {
    mote_config *ini;
    mote_loaded_plugin *plugin;
    mote_ssm ssm;
    mote_series series;
    double values[TIMES * UNITS];
} model;

typedef struct curve {
    double value[POINTS][SEEDS], seconds[POINTS], theta[SEEDS][PARAMETERS];
} curve;

static void give_up(const char *why)
{
    fprintf(stderr, "recurrent: %s\n", why);
    exit(1);
}

static void read_series(model *m)
{
    char line[256];
    FILE *file = fopen(RECURRENT_FOLDER "/recurrent_network.csv", "r");
    if (!file || !fgets(line, sizeof line, file))
        give_up("no recurrent_network.csv");
    for (int t = 0; t < TIMES; ++t) {
        double *y = m->values + t * UNITS;
        if (fscanf(file, "%*f,%lf,%lf,%lf,%lf,%lf", y, y + 1, y + 2, y + 3, y + 4) != UNITS)
            give_up("recurrent_network.csv is too short");
    }
    fclose(file);
    m->series = (mote_series){ MOTE_VERSIONED(mote_series), .count = TIMES, .values = m->values };
}

static void open_model(model *m, const char *ini)
{
    char path[4096], message[400] = "";
    memset(m, 0, sizeof *m);
    snprintf(path, sizeof path, "%s/%s", RECURRENT_FOLDER, ini);
    if (mote_config_read(&m->ini, path, message, sizeof message) ||
        mote_plugin_load(&m->plugin, RECURRENT_PLUGIN, NULL, message, sizeof message) ||
        mote_plugin_override(m->plugin, mote_config_section(m->ini, "parameters"), message, sizeof message))
        give_up(message);
    read_series(m);
    m->ssm = *mote_plugin_ssm(m->plugin);
    m->ssm.series = &m->series;
    if (m->ssm.parameter_count != PARAMETERS)
        give_up("the model has other parameters");
}

/* Fixed values and prior medians, where learning starts. */
static void start_of(const model *m, double *theta)
{
    for (int p = 0; p < PARAMETERS; ++p) {
        const mote_parameter *at = &m->ssm.parameters[p];
        theta[p] = at->prior == MOTE_PRIOR_FIXED ? at->argument[0] : mote_prior_quantile(at, 0.5, 0.5);
    }
}

static void close_model(model *m)
{
    mote_plugin_release(&m->plugin);
    mote_config_free(&m->ini);
}

/* Minus the mean of log Z over guided filters, for one time. */
static double evaluate(const experiment *e, const model *m, const double *theta)
{
    double sum = 0;
    for (int64_t r = 0; r < e->filters; ++r) {
        const mote_filter_options options = { .head = MOTE_VERSIONED(mote_filter_options), .seed = 100, .run_id = r,
                                              .particles = e->filter_particles, .proposal = MOTE_PROPOSAL_GUIDED,
                                              .theta = theta, .variance = MOTE_VARIANCE_OFF };
        mote_run *run = NULL;
        if (mote_run_open(&run, mote_filter, &m->ssm, &options) || mote_run_finish(run))
            give_up(mote_run_message(run));
        sum += mote_filter_log_evidence(run) / (double)e->filters;
        mote_run_close(&run);
    }
    return -sum / TIMES;
}

/* One run of learning, looked at on its way. A model that learns without its proposal is evaluated with `guide`'s. */
static void learn(const experiment *e, const model *m, const double *guide, int method, int seed, curve *c)
{
    const int ppg = methods[method] == MOTE_SCORE_PPG;
    const mote_score_ascent_options options = {
        .head = MOTE_VERSIONED(mote_score_ascent_options), .seed = seed + 1, .score = methods[method],
        .particles = ppg ? e->particles : e->particles * e->sweeps, .sweeps = ppg ? e->sweeps : 0, .objective = e->objective,
        .proposal = e->proposal, .backward = methods[method] == MOTE_SCORE_GENEALOGY ? 0 : MOTE_BACKWARD_MCMC, .iterations = 1000000, .step_size = e->step_size,
    };
    mote_run *run = NULL;
    double seconds = 0, *theta = c->theta[seed];
    int64_t done = 0;
    start_of(m, theta);
    if (mote_run_open(&run, mote_score_ascent, &m->ssm, &options))
        give_up(mote_run_message(run));
    for (int p = 0; p < POINTS; ++p) {
        const double start = bench_seconds();
        for (; done < e->iterations[p]; ++done)
            if (mote_run_step(run))
                give_up(mote_run_message(run));
        seconds += bench_seconds() - start;
        if (done)
            mote_score_ascent_result(run, theta);
        if (e->objective == MOTE_OBJECTIVE_LIKELIHOOD)
            memcpy(theta + PRECISION, guide + PRECISION, (WEIGHT - PRECISION) * sizeof *theta);
        c->value[p][seed] = done || !seed ? evaluate(e, m, theta) : c->value[p][0];
        c->seconds[p] += seconds / seeds;
    }
    mote_run_close(&run);
}

static void mean_of(const double *value, int stride, double *mean, double *error)
{
    double square = 0;
    *mean = 0;
    for (int s = 0; s < seeds; ++s)
        *mean += value[s * stride] / seeds;
    for (int s = 0; s < seeds; ++s)
        square += (value[s * stride] - *mean) * (value[s * stride] - *mean) / (seeds - 1);
    *error = sqrt(square / seeds);
}

static void print_curves(const experiment *e, const curve *c)
{
    printf("# %s: N = %lld, k = %lld, Adam from %g; %lld filters of %lld\n#%8s", e->name, (long long)e->particles,
           (long long)e->sweeps, e->step_size, (long long)e->filters, (long long)e->filter_particles, "iteration");
    for (int k = 0; k < METHODS; ++k)
        printf(" %10s %8s %7s", method_names[k], "+-", "s");
    printf("\n");
    for (int p = 0; p < POINTS; ++p) {
        printf("%9lld", (long long)e->iterations[p]);
        for (int k = 0; k < METHODS; ++k) {
            double mean, error;
            mean_of(c[k].value[p], 1, &mean, &error);
            printf(" %10.4f %8.4f %7.2f", mean, error, c[k].seconds[p]);
        }
        printf("\n");
    }
}

/* What was learned at the end, mean over seeds, beside the example's own parameters. */
static void print_parameters(const curve *c, const double *truth)
{
    static const char *const names[] = { "gain", "noise", "scale", "precision", "width", "spread" };
    for (int p = NOISE; p < WEIGHT; ++p) {
        printf("# %-10s", names[p]);
        for (int k = 0; k < METHODS; ++k) {
            double mean, error;
            mean_of(&c[k].theta[0][p], PARAMETERS, &mean, &error);
            printf("  %8.4f +- %6.4f", mean, error);
        }
        printf("    example %g\n", truth[p]);
    }
    printf("# %-10s", "W, rms off");
    for (int k = 0; k < METHODS; ++k) {
        double off[SEEDS] = { 0 }, mean, error;
        for (int s = 0; s < seeds; ++s) {
            for (int p = WEIGHT; p < PARAMETERS; ++p)
                off[s] += (c[k].theta[s][p] - truth[p]) * (c[k].theta[s][p] - truth[p]) / (UNITS * UNITS);
            off[s] = sqrt(off[s]);
        }
        mean_of(off, 1, &mean, &error);
        printf("  %8.4f +- %6.4f", mean, error);
    }
    printf("\n# the example's own parameters: %.4f\n\n\n", c[METHODS].value[0][0]);
}

static void perform(const experiment *e)
{
    static curve curves[METHODS + 1]; /* and one point of the example itself */
    static model m, example;
    double *own = curves[METHODS].theta[0];
    open_model(&m, e->ini);
    open_model(&example, "recurrent_network.ini");
    memset(curves, 0, sizeof curves);
    start_of(&example, own);
    curves[METHODS].value[0][0] = evaluate(e, &example, own);
    for (int seed = 0; seed < seeds; ++seed)
        for (int k = 0; k < METHODS; ++k)
            learn(e, &m, own, k, seed, &curves[k]);
    print_curves(e, curves);
    print_parameters(curves, own);
    close_model(&example);
    close_model(&m);
}

int main(int argc, char **argv)
{
    experiment experiments[] = {
        { .name = "model", .ini = "recurrent_network_learn.ini", .objective = MOTE_OBJECTIVE_LIKELIHOOD,
          .particles = 16, .sweeps = 2, .step_size = 0.1, .filters = 1, .filter_particles = 1000,
          .iterations = { 0, 5, 10, 20, 40, 80, 120 } },
        { .name = "proposal", .ini = "recurrent_network_proposal.ini", .objective = MOTE_OBJECTIVE_PROPOSAL,
          .proposal = MOTE_PROPOSAL_GUIDED, .particles = 16, .sweeps = 2, .step_size = 0.1, .filters = 4,
          .filter_particles = 100, .iterations = { 0, 5, 10, 20, 40, 60, 80 } },
        { .name = "both", .ini = "recurrent_network_learn.ini", .objective = MOTE_OBJECTIVE_BOTH,
          .proposal = MOTE_PROPOSAL_GUIDED, .particles = 16, .sweeps = 2, .step_size = 0.1, .filters = 1,
          .filter_particles = 1000, .iterations = { 0, 5, 10, 20, 40, 60, 80 } },
    };
    const char *which = argc > 1 ? argv[1] : "model proposal";
    if (argc > 3)
        seeds = atoi(argv[3]) > SEEDS ? SEEDS : atoi(argv[3]) < 2 ? 2 : atoi(argv[3]);
    bench_head("learning a recurrent network at equal budgets k N");
    for (int e = 0; e < 3; ++e) {
        for (int p = 0; p < POINTS && argc > 2; ++p)
            experiments[e].iterations[p] = (int64_t)ceil(atof(argv[2]) * (double)experiments[e].iterations[p]);
        if (strstr(which, experiments[e].name))
            perform(&experiments[e]);
    }
    return 0;
}
