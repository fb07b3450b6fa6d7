/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Variates one at a time against gsl_ran_* on mt19937, one core. */
#include <gsl/gsl_randist.h>
#include <gsl/gsl_rng.h>
#include <mote/variate.h>

#include "bench/bench.h"
#include "core/source.h"

enum { N = 16384, WINDOWS = 40 };

static gsl_rng *twister;
static mote_stream stream;
static volatile double sink;

typedef struct law {
    const char *what;
    double (*ours)(double a, double b);
    double (*theirs)(double a, double b);
    double a, b;
} law;

static double our_exponential(double a, double b) { (void)a; (void)b; return mote_stream_exponential(&stream); }
static double our_gamma(double a, double b) { (void)b; return mote_stream_gamma(&stream, a); }
static double our_beta(double a, double b) { return mote_stream_beta(&stream, a, b); }
static double our_student(double a, double b) { (void)b; return mote_stream_student_t(&stream, a); }
static double our_poisson(double a, double b) { (void)b; return (double)mote_stream_poisson(&stream, a); }
static double our_binomial(double a, double b) { return (double)mote_stream_binomial(&stream, (int64_t)a, b); }
static double our_negative(double a, double b) { return (double)mote_stream_negative_binomial(&stream, a, b); }

static double gsl_exponential(double a, double b) { (void)b; return gsl_ran_exponential(twister, a); }
static double gsl_gamma(double a, double b) { return gsl_ran_gamma(twister, a, b); }
static double gsl_beta(double a, double b) { return gsl_ran_beta(twister, a, b); }
static double gsl_student(double a, double b) { (void)b; return gsl_ran_tdist(twister, a); }
static double gsl_poisson(double a, double b) { (void)b; return gsl_ran_poisson(twister, a); }
static double gsl_binomial(double a, double b) { return gsl_ran_binomial(twister, b, (unsigned)a); }
static double gsl_negative(double a, double b) { return gsl_ran_negative_binomial(twister, b / (a + b), b); }

static void ours(const bench_entry *entry)
{
    const law *of = entry->with;
    double sum = 0.0;
    for (int i = 0; i < N; ++i)
        sum += of->ours(of->a, of->b);
    sink = sum;
}

static void theirs(const bench_entry *entry)
{
    const law *of = entry->with;
    double sum = 0.0;
    for (int i = 0; i < N; ++i)
        sum += of->theirs(of->a, of->b);
    sink = sum;
}

int main(void)
{
    static const law laws[] = {
        { "exponential", our_exponential, gsl_exponential, 1.0, 0.0 },
        { "gamma(0.1)", our_gamma, gsl_gamma, 0.1, 1.0 },
        { "gamma(2.5)", our_gamma, gsl_gamma, 2.5, 1.0 },
        { "gamma(1000)", our_gamma, gsl_gamma, 1000.0, 1.0 },
        { "beta(0.5, 0.5)", our_beta, gsl_beta, 0.5, 0.5 },
        { "beta(3, 8)", our_beta, gsl_beta, 3.0, 8.0 },
        { "student_t(5)", our_student, gsl_student, 5.0, 0.0 },
        { "poisson(0.5)", our_poisson, gsl_poisson, 0.5, 0.0 },
        { "poisson(5)", our_poisson, gsl_poisson, 5.0, 0.0 },
        { "poisson(20)", our_poisson, gsl_poisson, 20.0, 0.0 },
        { "poisson(1000)", our_poisson, gsl_poisson, 1000.0, 0.0 },
        { "binomial(10, 0.3)", our_binomial, gsl_binomial, 10.0, 0.3 },
        { "binomial(100, 0.4)", our_binomial, gsl_binomial, 100.0, 0.4 },
        { "binomial(100000, 0.4)", our_binomial, gsl_binomial, 1e5, 0.4 },
        { "negative_binomial(12, 3)", our_negative, gsl_negative, 12.0, 3.0 },
    };
    mote_source source = mote_source_live(mote_source_key(1, 0));
    twister = gsl_rng_alloc(gsl_rng_mt19937);
    stream = mote_stream_open(&source, 0);
    bench_head("variates");
    printf("%-26s %10s %10s %8s\n", "what", "ours, ns", "gsl, ns", "ratio");
    for (size_t i = 0; i < sizeof laws / sizeof *laws; ++i) {
        bench_entry entries[2] = { { laws[i].what, ours, &laws[i], N, 0 }, { laws[i].what, theirs, &laws[i], N, 0 } };
        bench_measure(entries, 2, WINDOWS);
        const double nanoseconds[2] = { 1e9 * entries[0].best / N, 1e9 * entries[1].best / N };
        printf("%-26s %10.2f %10.2f %8.2f\n", laws[i].what, nanoseconds[0], nanoseconds[1],
               nanoseconds[1] / nanoseconds[0]);
    }
    printf("  (gsl: gsl_ran_* on mt19937)\n");
    gsl_rng_free(twister);
    return 0;
}
