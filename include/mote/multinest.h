/* SPDX-License-Identifier: BSD-2-Clause */
/* MultiNest's call on mote's nested sampler: the argument list and the callbacks of MultiNest 3.10 to 3.12 (README and
 * C examples of that package), so that a program changes one name:
 *
 *     run(IS, mmodal, ceff, nlive, ..., LogLike, dumper, context);
 *     int status = mote_multinest_run(IS, mmodal, ceff, nlive, ..., LogLike, dumper, context);
 *
 * LogLike gets the unit cube in Cube[0..ndims-1] and leaves nPar physical parameters in Cube[0..nPar-1]. They become
 * derived parameters p1, p2, ...; the sampled ones are cube1, cube2, ... and stand in front of them in the files.
 *
 * Taken over: nlive, tol (the same stopping rule, log(Z + X L_max) - log Z < tol), efr (0.001 to 1), ndims, nPar,
 * updInt (a dump every 10 updInt deaths, at most ten a second, and one at the end), root, seed (negative: the clock),
 * pWrap, fb (progress and messages on stderr), resume (with a folder ROOTcheckpoint), outfile, logZero, maxiter.
 * logZero: points below it have zero likelihood; MultiNest draws them again, which changes the prior.
 *
 * Without a counterpart, and ignored: IS (mote has no importance nested sampling yet: INSlogZ of the dumper is NaN),
 * mmodal, ceff, nClsPar, maxModes, Ztol (no separation into modes yet), initMPI.
 *
 * Arrays of the dumper are stored by columns, as MultiNest's: physLive[0] is nlive x (nPar + 1), parameters and log
 * likelihood; posterior[0] is nSamples x (nPar + 2), parameters, log likelihood, probability; paramConstr[0] has nPar
 * means, standard deviations, maximum-likelihood values, and values of the sample that weighs most.
 *
 * Returns a status (mote/status.h); a limit such as maxiter ends with 0. LogLike is called from this thread only. */
#ifndef MOTE_MULTINEST_H
#define MOTE_MULTINEST_H

#include <math.h>
#include <mote/adapter.h>

typedef void mote_multinest_likelihood(double *Cube, int *ndim, int *npars, double *lnew, void *context);
typedef void mote_multinest_dumper(int *nSamples, int *nlive, int *nPar, double **physLive, double **posterior,
                                   double **paramConstr, double *maxLogLike, double *logZ, double *INSlogZ,
                                   double *logZerr, void *context);

typedef struct mote_multinest_problem {
    mote_multinest_likelihood *likelihood;
    mote_multinest_dumper *dumper;
    void *context;
    double *cube; /* nPar values */
    double log_zero;
    int ndims, nPar;
} mote_multinest_problem;

static inline int mote_multinest_point(void *ctx, const double *theta, double *log_likelihood, double *derived)
{
    mote_multinest_problem *problem = (mote_multinest_problem *)ctx;
    int ndims = problem->ndims, nPar = problem->nPar;
    memset(problem->cube, 0, (size_t)nPar * sizeof *theta);
    memcpy(problem->cube, theta, (size_t)ndims * sizeof *theta);
    *log_likelihood = -INFINITY;
    problem->likelihood(problem->cube, &ndims, &nPar, log_likelihood, problem->context);
    if (*log_likelihood < problem->log_zero)
        *log_likelihood = -INFINITY;
    memcpy(derived, problem->cube, (size_t)problem->nPar * sizeof *derived);
    return 0;
}

/* Rows first .. first + n - 1, by columns: parameters, log likelihood and, where asked for, probability. */
static inline void mote_multinest_columns(const mote_multinest_problem *problem, const mote_draws *draws,
                                          int64_t first, int64_t n, int with_weight, double *out)
{
    for (int j = 0; j < problem->nPar; ++j)
        memcpy(out + j * n, mote_draws_column(draws, problem->ndims + j) + first, (size_t)n * sizeof *out);
    memcpy(out + problem->nPar * n, mote_draws_log_likelihood(draws) + first, (size_t)n * sizeof *out);
    for (int64_t i = 0; with_weight && i < n; ++i)
        out[(problem->nPar + 1) * n + i] = exp(mote_draws_log_weight(draws)[first + i]);
}

static inline void mote_multinest_constraints(const mote_multinest_problem *problem, const mote_draws *draws,
                                              double *out)
{
    const double *log_weight = mote_draws_log_weight(draws);
    const mote_head head = MOTE_VERSIONED(mote_summary);
    int64_t heaviest = 0, nPar = problem->nPar;
    for (int64_t i = 1; i < mote_draws_count(draws); ++i)
        if (log_weight[i] > log_weight[heaviest])
            heaviest = i;
    for (int64_t j = 0; j < nPar; ++j) {
        mote_summary summary;
        memset(&summary, 0, sizeof summary);
        summary.head = head;
        if (mote_draws_summary(draws, problem->ndims + j, &summary))
            summary.mean = summary.sd = summary.best = NAN;
        out[j] = summary.mean;
        out[nPar + j] = summary.sd;
        out[2 * nPar + j] = summary.best;
        out[3 * nPar + j] = mote_draws_column(draws, problem->ndims + j)[heaviest];
    }
}

static inline int mote_multinest_dump(mote_adapter *adapter, const mote_draws *draws)
{
    mote_multinest_problem *problem = (mote_multinest_problem *)adapter->ctx;
    int64_t n = mote_draws_count(draws), live = mote_adapter_live(draws, adapter->options.live_points);
    int64_t nPar = problem->nPar, live_size = live * (nPar + 1), size = n * (nPar + 2);
    double *memory = (double *)malloc((size_t)(live_size + size + 4 * nPar) * sizeof *memory);
    if (!memory)
        return MOTE_ENOMEM;
    double *live_rows = memory, *rows = memory + live_size, *constraints = rows + size;
    mote_multinest_columns(problem, draws, n - live, live, 0, live_rows);
    mote_multinest_columns(problem, draws, 0, n, 1, rows);
    mote_multinest_constraints(problem, draws, constraints);
    int samples = (int)n, live_count = (int)live, parameters = problem->nPar;
    double maximum = -INFINITY, logZ = mote_draws_log_evidence(draws), importance = NAN;
    double error = mote_draws_log_evidence_error(draws);
    for (int64_t i = 0; i < n; ++i)
        if (mote_draws_log_likelihood(draws)[i] > maximum)
            maximum = mote_draws_log_likelihood(draws)[i];
    problem->dumper(&samples, &live_count, &parameters, &live_rows, &rows, &constraints, &maximum, &logZ, &importance,
                    &error, problem->context);
    free(memory);
    return MOTE_OK;
}

static inline void mote_multinest_parameters(mote_adapter *adapter, int ndims, int nPar, const int *pWrap)
{
    for (int i = 0; i < ndims; ++i)
        mote_adapter_name(adapter, i, "cube", i + 1, MOTE_PRIOR_UNIFORM, 0, 1)->boundary =
            pWrap && pWrap[i] ? MOTE_BOUNDARY_PERIODIC : MOTE_BOUNDARY_HARD;
    for (int j = 0; j < nPar; ++j)
        mote_adapter_name(adapter, ndims + j, "p", j + 1, MOTE_PRIOR_DERIVED, 0, 0);
}

static inline int mote_multinest_run(int IS, int mmodal, int ceff, int nlive, double tol, double efr, int ndims,
                                     int nPar, int nClsPar, int maxModes, int updInt, double Ztol, const char *root,
                                     int seed, int *pWrap, int fb, int resume, int outfile, int initMPI,
                                     double logZero, int maxiter, mote_multinest_likelihood *LogLike,
                                     mote_multinest_dumper *dumper, void *context)
{
    mote_adapter adapter;
    mote_multinest_problem problem = { LogLike, dumper, context, NULL, logZero, ndims, nPar };
    char folder[1100];
    (void)IS, (void)mmodal, (void)ceff, (void)nClsPar, (void)maxModes, (void)Ztol, (void)initMPI;
    if (ndims < 1 || nPar < ndims || !LogLike)
        return MOTE_EINVAL;
    int status = mote_adapter_open(&adapter, (int64_t)ndims + nPar);
    problem.cube = (double *)calloc((size_t)nPar, sizeof *problem.cube);
    if (status || !problem.cube || snprintf(folder, sizeof folder, "%scheckpoint", root ? root : "") >= 1100)
        status = status ? status : problem.cube ? MOTE_EINVAL : MOTE_ENOMEM;
    else {
        mote_multinest_parameters(&adapter, ndims, nPar, pWrap);
        adapter.target.log_likelihood_point = mote_multinest_point;
        adapter.target.ctx = adapter.ctx = &problem;
        adapter.options.live_points = nlive;
        adapter.options.dlogz = tol;
        adapter.options.efficiency = efr;
        adapter.options.max_iterations = maxiter > 0 ? maxiter : 0;
        adapter.options.seed = mote_adapter_seed(seed);
        adapter.options.checkpoint = root && (resume || outfile) ? folder : NULL;
        adapter.root = outfile ? root : NULL;
        adapter.getdist = adapter.anesthetic = adapter.equal_weights = adapter.json = 1;
        adapter.dump = dumper ? mote_multinest_dump : NULL;
        adapter.interval = updInt > 0 && (dumper || outfile) ? 10 * (int64_t)updInt : 0;
        adapter.resume = resume;
        adapter.feedback = fb;
        status = mote_adapter_run(&adapter);
    }
    free(problem.cube);
    mote_adapter_close(&adapter);
    return status;
}

#endif
