/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Random numbers and vector mathematics against GSL and the C library, one core, arrays of 65536. Goals of the manual:
 * normals 9 times faster than gsl_ran_gaussian_ziggurat on mt19937 with v4 and 6 times with v3. */
#include <gsl/gsl_randist.h>
#include <gsl/gsl_rng.h>
#include <math.h>
#include <mote/source.h>

#include "bench/bench.h"
#include "core/source.h"
#include "core/stream_inline.h"
#include "core/vector_variants.h"

enum { N = 65536, WINDOWS = 40 };

static double out[N], in[N];
static gsl_rng *twister;
static mote_stream stream;
static volatile double sink;

static void our_normals(const bench_entry *entry)
{
    const mote_vector_table *table = entry->with;
    static uint32_t draw;
    table->philox_normals(out, 1, 3, 0, draw++, 0, N);
}

static void our_uniforms(const bench_entry *entry)
{
    const mote_vector_table *table = entry->with;
    table->philox_uniforms(out, 1, 3, 0, 0, 0, N);
}

static void our_bits(const bench_entry *entry)
{
    static uint64_t bits[N];
    const mote_vector_table *table = entry->with;
    table->philox_bits(bits, 1, 3, 0, 0, 0, N);
}

static void our_exp(const bench_entry *entry)
{
    const mote_vector_table *table = entry->with;
    table->exp(out, in, N);
}

static void our_log(const bench_entry *entry)
{
    const mote_vector_table *table = entry->with;
    table->log(out, in, N);
}

static void our_scalar_exp(const bench_entry *entry)
{
    (void)entry;
    for (int i = 0; i < N; ++i)
        out[i] = mote_exp(in[i]);
}

static void our_scalar_log(const bench_entry *entry)
{
    (void)entry;
    for (int i = 0; i < N; ++i)
        out[i] = mote_log(in[i]);
}

static void our_stream_uniforms(const bench_entry *entry)
{
    (void)entry;
    double sum = 0;
    for (int i = 0; i < N; ++i)
        sum += mote_stream_uniform(&stream);
    sink = sum;
}

static void our_stream_inline(const bench_entry *entry)
{
    (void)entry;
    double sum = 0;
    for (int i = 0; i < N; ++i)
        sum += mote_stream_uniform_inline(&stream);
    sink = sum;
}

static void our_stream_normals(const bench_entry *entry)
{
    (void)entry;
    mote_stream_normals(&stream, out, N);
}

static void our_stream_normal(const bench_entry *entry)
{
    (void)entry;
    for (int i = 0; i < N; ++i)
        out[i] = mote_stream_normal(&stream);
}

static void gsl_ziggurat(const bench_entry *entry)
{
    (void)entry;
    for (int i = 0; i < N; ++i)
        out[i] = gsl_ran_gaussian_ziggurat(twister, 1.0);
}

static void gsl_uniforms(const bench_entry *entry)
{
    (void)entry;
    for (int i = 0; i < N; ++i)
        out[i] = gsl_rng_uniform(twister);
}

static void libm_exp(const bench_entry *entry)
{
    (void)entry;
    for (int i = 0; i < N; ++i)
        out[i] = exp(in[i]);
}

static void libm_log(const bench_entry *entry)
{
    (void)entry;
    for (int i = 0; i < N; ++i)
        out[i] = log(in[i]);
}

/* Every build of one kernel, up to two more contestants, and the yardstick. */
static void group(const char *what, void (*ours)(const bench_entry *), const bench_entry *more, int count,
                  const char *name, void (*theirs)(const bench_entry *))
{
    bench_entry entries[8];
    char names[8][40];
    const mote_vector_table *table;
    int n = 0;
    for (int64_t v = 0; (table = mote_vector_variant(v)); ++v, ++n) {
        snprintf(names[n], sizeof names[n], "%s, %s", what, table->name);
        entries[n] = (bench_entry){ names[n], ours, table, N, 0 };
    }
    for (int i = 0; i < count; ++i)
        entries[n++] = more[i];
    entries[n++] = (bench_entry){ name, theirs, NULL, N, 0 };
    bench_measure(entries, n, WINDOWS);
    bench_print(entries, n);
}

int main(void)
{
    mote_source source = mote_source_live(mote_source_key(1, 0));
    twister = gsl_rng_alloc(gsl_rng_mt19937);
    stream = mote_stream_open(&source, 0);
    bench_head("normals");
    const bench_entry normals[] = { { "stream normals, many", our_stream_normals, NULL, N, 0 },
                                    { "stream normal, one at a time", our_stream_normal, NULL, N, 0 } };
    group("normals", our_normals, normals, 2, "gsl_ran_gaussian_ziggurat, mt19937", gsl_ziggurat);
    const bench_entry uniforms[] = { { "stream uniform", our_stream_uniforms, NULL, N, 0 },
                                     { "stream uniform, inline", our_stream_inline, NULL, N, 0 } };
    group("uniforms", our_uniforms, uniforms, 2, "gsl_rng_uniform, mt19937", gsl_uniforms);
    group("Philox words", our_bits, NULL, 0, "gsl_rng_uniform, mt19937", gsl_uniforms);
    for (int i = 0; i < N; ++i)
        in[i] = -20.0 * (i + 0.5) / N;
    const bench_entry one_exp[] = { { "exp, one at a time", our_scalar_exp, NULL, N, 0 } };
    group("exp", our_exp, one_exp, 1, "exp of the C library", libm_exp);
    for (int i = 0; i < N; ++i)
        in[i] = (i + 0.5) / N;
    const bench_entry one_log[] = { { "log, one at a time", our_scalar_log, NULL, N, 0 } };
    group("log", our_log, one_log, 1, "log of the C library", libm_log);
    gsl_rng_free(twister);
    return 0;
}
