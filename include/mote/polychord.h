/* SPDX-License-Identifier: BSD-2-Clause */
/* PolyChord's call on mote's nested sampler: callbacks and settings of PolyChordLite 1.22 (its interfaces.hpp and
 * interfaces.F90), so that a program changes the names:
 *
 *     Settings settings(nDims, nDerived);              mote_polychord_settings settings;
 *                                                      mote_polychord_defaults(&settings, nDims, nDerived);
 *     settings.nlive = 500;                            settings.nlive = 500;
 *     run_polychord(likelihood, prior, dumper, settings);
 *                                                      mote_polychord_run(likelihood, prior, dumper, &settings);
 *
 * Parameters are p1, p2, ... in physical units (conditional parameters whose transform is `prior`; NULL: the unit
 * cube), derived ones d1, d2, ....
 *
 * Taken over: nDims, nDerived, nlive, num_repeats (steps of the slice sampler for each birth), nprior (draws from the
 * prior to begin with), feedback > 0 (progress and messages on stderr), precision_criterion (the same rule: the live
 * points' share of the evidence), logzero (log likelihoods at or below it are zero likelihood), max_ndead,
 * posteriors (GetDist files), equals, write_dead and write_live (anesthetic's files), write_stats (JSON), write_resume
 * and read_resume (a folder BASE_DIR/FILE_ROOT.checkpoint), maximise (a climb to the maximum likelihood at the end),
 * compression_factor (how often the dumper is called, at most ten times a second, and once at the end), base_dir (which
 * must exist), file_root, grade_dims (speed classes), seed (negative: the clock).
 *
 * Without a counterpart, and ignored: nfail, do_clustering, cluster_posteriors, boost_posterior, write_paramnames
 * (always), write_phantom, write_prior, synchronous, grade_frac, loglikes and nlives (live points that vary in number).
 *
 * Rows of the dumper hold npars = nDims + nDerived + 2 numbers: parameters, derived, birth contour, log likelihood;
 * `dead` has all points, the live ones at its end; logweights are normalised; prior draws are born at logzero.
 *
 * Returns a status (mote/status.h); max_ndead ends with 0. Callbacks are called from this thread only. */
#ifndef MOTE_POLYCHORD_H
#define MOTE_POLYCHORD_H

#include <math.h>
#include <mote/adapter.h>

typedef double mote_polychord_likelihood(double *theta, int nDims, double *phi, int nDerived);
typedef void mote_polychord_prior(double *cube, double *theta, int nDims);
typedef void mote_polychord_dumper(int ndead, int nlive, int npars, double *live, double *dead, double *logweights,
                                   double logZ, double logZerr);

/* Fields have PolyChord's names; truth values are 0 and 1. */
typedef struct mote_polychord_settings {
    int nDims, nDerived, nlive, num_repeats, nprior, nfail;
    int do_clustering, feedback;
    double precision_criterion, logzero;
    int max_ndead;
    double boost_posterior;
    int posteriors, equals, cluster_posteriors;
    int write_resume, write_paramnames, read_resume, write_stats, write_live, write_dead, write_phantom, write_prior;
    int maximise;
    double compression_factor;
    int synchronous;
    const char *base_dir, *file_root;
    int nGrade;               /* entries of grade_frac and grade_dims */
    const double *grade_frac;
    const int *grade_dims;    /* parameters in each speed class, slowest first */
    int n_nlives;
    const double *loglikes;
    const int *nlives;
    int seed;
} mote_polychord_settings;

static inline void mote_polychord_defaults(mote_polychord_settings *settings, int nDims, int nDerived)
{
    memset(settings, 0, sizeof *settings);
    settings->nDims = nDims;
    settings->nDerived = nDerived;
    settings->nlive = 500;
    settings->num_repeats = 5 * nDims;
    settings->nprior = settings->nfail = settings->max_ndead = settings->seed = -1;
    settings->feedback = 1;
    settings->precision_criterion = 0.001;
    settings->logzero = -1e30;
    settings->compression_factor = 0.36787944117144233;
    settings->synchronous = 1;
    settings->base_dir = "chains";
    settings->file_root = "test";
}

typedef struct mote_polychord_problem {
    mote_polychord_likelihood *likelihood;
    mote_polychord_prior *prior;
    mote_polychord_dumper *dumper;
    const mote_polychord_settings *settings;
    double *cube, *theta; /* copies that the callbacks may write to */
} mote_polychord_problem;

static inline int mote_polychord_point(void *ctx, const double *theta, double *log_likelihood, double *derived)
{
    mote_polychord_problem *problem = (mote_polychord_problem *)ctx;
    const mote_polychord_settings *settings = problem->settings;
    double none = 0;
    memcpy(problem->theta, theta, (size_t)settings->nDims * sizeof *theta);
    *log_likelihood = problem->likelihood(problem->theta, settings->nDims, derived ? derived : &none,
                                          settings->nDerived);
    if (*log_likelihood <= settings->logzero)
        *log_likelihood = -INFINITY;
    return 0;
}

static inline int mote_polychord_transform(void *ctx, const double *cube, double *theta)
{
    mote_polychord_problem *problem = (mote_polychord_problem *)ctx;
    memcpy(problem->cube, cube, (size_t)problem->settings->nDims * sizeof *cube);
    problem->prior(problem->cube, theta, problem->settings->nDims);
    return 0;
}

static inline int mote_polychord_dump(mote_adapter *adapter, const mote_draws *draws)
{
    const mote_polychord_problem *problem = (const mote_polychord_problem *)adapter->ctx;
    int64_t n = mote_draws_count(draws), live = mote_adapter_live(draws, adapter->options.live_points);
    int64_t parameters = mote_draws_parameter_count(draws), row = parameters + 2;
    double *dead = (double *)malloc((size_t)(n * (row + 1)) * sizeof *dead);
    if (!dead)
        return MOTE_ENOMEM;
    for (int64_t i = 0; i < n; ++i) {
        for (int64_t j = 0; j < parameters; ++j)
            dead[i * row + j] = mote_draws_column(draws, j)[i];
        dead[i * row + parameters] = fmax(mote_draws_birth(draws)[i], problem->settings->logzero);
        dead[i * row + parameters + 1] = fmax(mote_draws_log_likelihood(draws)[i], problem->settings->logzero);
    }
    memcpy(dead + n * row, mote_draws_log_weight(draws), (size_t)n * sizeof *dead);
    problem->dumper((int)n, (int)live, (int)row, dead + (n - live) * row, dead, dead + n * row,
                    mote_draws_log_evidence(draws), mote_draws_log_evidence_error(draws));
    free(dead);
    return MOTE_OK;
}

static inline void mote_polychord_parameters(mote_adapter *adapter, const mote_polychord_settings *settings, int prior)
{
    int grade = 0, left = settings->nGrade > 0 && settings->grade_dims ? settings->grade_dims[0] : settings->nDims;
    for (int i = 0; i < settings->nDims; ++i) {
        while (left <= 0 && grade + 1 < settings->nGrade)
            left = settings->grade_dims[++grade];
        --left;
        mote_adapter_name(adapter, i, "p", i + 1, prior ? MOTE_PRIOR_CONDITIONAL : MOTE_PRIOR_UNIFORM, 0, prior ? 0 : 1)
            ->speed = grade;
    }
    for (int j = 0; j < settings->nDerived; ++j)
        mote_adapter_name(adapter, settings->nDims + j, "d", j + 1, MOTE_PRIOR_DERIVED, 0, 0);
}

static inline int mote_polychord_options(mote_adapter *adapter, const mote_polychord_settings *settings)
{
    mote_nested_options *options = &adapter->options;
    options->live_points = settings->nlive;
    options->step = MOTE_STEP_SLICE;
    options->steps = settings->num_repeats;
    options->prior_draws = settings->nprior > 0 ? settings->nprior : 0;
    options->precision = settings->precision_criterion;
    options->max_iterations = settings->max_ndead > 0 ? settings->max_ndead : 0;
    options->seed = mote_adapter_seed(settings->seed);
    if (settings->compression_factor > 0 && settings->compression_factor < 1) {
        double interval = -log(settings->compression_factor) * settings->nlive;
        adapter->interval = interval < 1 ? 1 : (int64_t)interval;
    }
    adapter->getdist = settings->posteriors;
    adapter->anesthetic = settings->write_dead || settings->write_live;
    adapter->equal_weights = settings->equals;
    adapter->json = settings->write_stats;
    adapter->resume = settings->read_resume;
    adapter->feedback = settings->feedback > 0;
    return mote_option_set(mote_algorithm_options(mote_nested), options, "polish", settings->maximise ? "on" : "off",
                           NULL, 0);
}

static inline int mote_polychord_prepare(mote_adapter *adapter, mote_polychord_problem *problem, char *root,
                                         char *folder, size_t size)
{
    const mote_polychord_settings *settings = problem->settings;
    int status = mote_adapter_open(adapter, (int64_t)settings->nDims + settings->nDerived);
    problem->cube = (double *)calloc(2 * (size_t)settings->nDims, sizeof *problem->cube);
    problem->theta = problem->cube ? problem->cube + settings->nDims : NULL;
    if (status || !problem->cube)
        return status ? status : MOTE_ENOMEM;
    const char *base = settings->base_dir ? settings->base_dir : ".", *file = settings->file_root;
    int length = snprintf(root, size, "%s/%s", base, file ? file : "mote");
    if (length < 0 || (size_t)length + sizeof ".checkpoint" > size)
        return MOTE_EINVAL;
    memcpy(folder, root, (size_t)length);
    memcpy(folder + length, ".checkpoint", sizeof ".checkpoint");
    mote_polychord_parameters(adapter, settings, problem->prior != NULL);
    adapter->target.log_likelihood_point = mote_polychord_point;
    adapter->target.prior_transform = problem->prior ? mote_polychord_transform : NULL;
    adapter->target.ctx = adapter->ctx = problem;
    adapter->root = root;
    adapter->dump = problem->dumper ? mote_polychord_dump : NULL;
    adapter->options.checkpoint = settings->write_resume || settings->read_resume ? folder : NULL;
    return mote_polychord_options(adapter, settings);
}

/* `prior` and `dumper` may be NULL. */
static inline int mote_polychord_run(mote_polychord_likelihood *likelihood, mote_polychord_prior *prior,
                                     mote_polychord_dumper *dumper, const mote_polychord_settings *settings)
{
    mote_adapter adapter;
    mote_polychord_problem problem = { likelihood, prior, dumper, settings, NULL, NULL };
    char root[1100], folder[1100];
    if (!likelihood || !settings || settings->nDims < 1 || settings->nDerived < 0)
        return MOTE_EINVAL;
    int status = mote_polychord_prepare(&adapter, &problem, root, folder, sizeof root);
    if (!status)
        status = mote_adapter_run(&adapter);
    free(problem.cube);
    mote_adapter_close(&adapter);
    return status;
}

#endif
