// SPDX-License-Identifier: GPL-3.0-or-later
// All public headers in one C++17 program, and both adapters used from it.
#include <cmath>
#include <cstdio>
#include <mote/gsl.h>
#include <mote/mote.h>
#include <mote/multinest.h>
#include <mote/polychord.h>

static void multinest_likelihood(double *cube, int *, int *, double *value, void *)
{
    *value = -0.5 * (cube[0] - 0.5) * (cube[0] - 0.5) / 0.01;
}

static double polychord_likelihood(double *theta, int, double *, int)
{
    return -0.5 * (theta[0] - 0.5) * (theta[0] - 0.5) / 0.01;
}

static double log_evidence, log_evidence_error;

static void multinest_dumper(int *, int *, int *, double **, double **, double **, double *, double *value, double *,
                             double *error, void *)
{
    log_evidence = *value;
    log_evidence_error = *error;
}

static void polychord_dumper(int, int, int, double *, double *, double *, double value, double error)
{
    log_evidence = value;
    log_evidence_error = error;
}

static int report(const char *name, int status)
{
    const double expected = std::log(std::sqrt(2 * 3.14159265358979) * 0.1);
    const bool good = status == MOTE_OK && std::fabs(log_evidence - expected) < 4.5 * log_evidence_error;
    std::printf("%s - %s\n", good ? "ok" : "not ok", name);
    log_evidence = NAN;
    return good ? 0 : 1;
}

int main()
{
    mote_polychord_settings settings;
    mote_polychord_defaults(&settings, 1, 0);
    settings.nlive = 100;
    settings.seed = 1;
    settings.feedback = 0;
    int failures = report("PolyChord's call from C++", mote_polychord_run(polychord_likelihood, nullptr,
                                                                         polychord_dumper, &settings));
    failures += report("MultiNest's call from C++",
                       mote_multinest_run(0, 0, 0, 100, 0.5, 0.3, 1, 1, 1, 1, 0, -1e90, nullptr, 1, nullptr, 0, 0, 0,
                                          0, -1e90, 0, multinest_likelihood, multinest_dumper, nullptr));
    return failures ? 1 : 0;
}
