/* SPDX-License-Identifier: BSD-2-Clause */
/* A program written for MultiNest: only the name of the call has changed. 18 peaks, log Z = 235.856. */
#include <mote/multinest.h>

static void eggbox(double *Cube, int *ndim, int *npars, double *lnew, void *context)
{
    (void)npars, (void)context;
    double product = 1;
    for (int i = 0; i < *ndim; ++i) {
        Cube[i] *= 10 * 3.14159265358979323846; /* from the unit cube to physical parameters */
        product *= cos(Cube[i] / 2);
    }
    *lnew = pow(2 + product, 5);
}

static void dumper(int *nSamples, int *nlive, int *nPar, double **physLive, double **posterior, double **paramConstr,
                   double *maxLogLike, double *logZ, double *INSlogZ, double *logZerr, void *context)
{
    (void)nlive, (void)nPar, (void)physLive, (void)posterior, (void)paramConstr, (void)maxLogLike, (void)INSlogZ;
    (void)context;
    printf("log Z = %.3f +- %.3f\n", *logZ, *logZerr);
    printf("%d samples\n", *nSamples);
}

int main(void)
{
    int pWrap[] = { 0, 0 };
    int IS = 0, mmodal = 1, ceff = 0, nlive = 400, ndims = 2, nPar = 2, nClsPar = 2, maxModes = 100, updInt = 0;
    int seed = 1, fb = 1, resume = 0, outfile = 0, initMPI = 0, maxiter = 0;
    int status = mote_multinest_run(IS, mmodal, ceff, nlive, 0.1, 0.3, ndims, nPar, nClsPar, maxModes, updInt, -1e90,
                                    "eggbox-", seed, pWrap, fb, resume, outfile, initMPI, -1e90, maxiter, eggbox,
                                    dumper, NULL);
    return status != MOTE_OK;
}
