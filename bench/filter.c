/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Bootstrap particle filter: ours, with the model as plain C callbacks on blocks, against a hand-fused loop for the one
 * model (the floor), and against the loop that one writes with GSL. Stochastic volatility (case E, T = 200) and a
 * linear-Gaussian model (case A), systematic resampling at every step, nanoseconds per particle and step, evidence
 * computed. Goals: at most 1.6 times the floor; at least 3.5 times faster than the GSL loop; N = 1000, T = 1000 in at
 * most 5 ms; two threads at least 1.8 times faster from N = 1e4 on. `filter_peer.py` puts `particles` beside it.
 *
 * Usage: filter [windows, default 20 [N T]] */
#include <gsl/gsl_randist.h>
#include <gsl/gsl_rng.h>
#include <math.h>
#include <mote/maths.h>
#include <string.h>

#include "bench/bench.h"
#include "smc/particle_filter.h"

enum { T = 200, LONG = 1000, MOST = 1 << 20, BLOCK = 1024 };

static const double MU = -1, RHO = 0.95, SIGMA = 0.25, LOG_TWO_PI = 1.8378770664093454836;
static double returns[LONG];

static void fill_returns(void)
{
    for (int t = 0; t < LONG; ++t)
        returns[t] = 1.4 * exp((-1 + 0.9 * sin(0.05 * t)) / 2) * sin(2.4 * t + 0.3 * sin(0.7 * t));
}

/* ---- the model, as a user writes it ---- */

static int initial(void *ctx, const mote_block *block, mote_source *source)
{
    double *x = block->state[0];
    (void)ctx;
    mote_normals(source, x, block->n);
    for (int64_t i = 0; i < block->n; ++i)
        x[i] = MU + SIGMA / sqrt(1 - RHO * RHO) * x[i];
    return 0;
}

static int transition(void *ctx, const mote_block *block, mote_source *source)
{
    const double *x = block->previous[0];
    double *next = block->state[0];
    (void)ctx;
    mote_normals(source, next, block->n);
    for (int64_t i = 0; i < block->n; ++i)
        next[i] = MU + RHO * (x[i] - MU) + SIGMA * next[i];
    return 0;
}

static int log_potential(void *ctx, const mote_block *block)
{
    const double square = block->observation[0] * block->observation[0], *x = block->state[0];
    double *out = block->log_weight;
    (void)ctx;
    for (int64_t i = 0; i < block->n; ++i)
        out[i] = -x[i];
    mote_exp_array(out, out, block->n);
    for (int64_t i = 0; i < block->n; ++i)
        out[i] = -0.5 * (square * out[i] + x[i] + LOG_TWO_PI);
    return 0;
}

static const char *const state_name[] = { "x" }, *const observation_name[] = { "y" };

typedef struct contest {
    int64_t n, steps;
    mote_state_space space;
    mote_datum datum;
    mote_particle_filter filter, threaded;
    mote_pool *pool;
    gsl_rng *generator;
    double *x[2], *w[2], *factor;
    int32_t *ancestor;
    uint64_t *fixed;
    double sum[4], square[4]; /* of log Z, by contestant */
    int64_t runs[4];
} contest;

static void keep(contest *c, int who, double log_evidence)
{
    c->sum[who] += log_evidence;
    c->square[who] += log_evidence * log_evidence;
    ++c->runs[who];
}

static void ours(const bench_entry *entry)
{
    contest *c = (contest *)entry->with;
    mote_source source = mote_source_live(mote_source_key(1, c->runs[0]));
    double log_evidence;
    if (mote_particle_filter_run(&c->filter, NULL, &source, &c->datum, &log_evidence))
        exit(1);
    keep(c, 0, log_evidence);
}

/* ---- the floor: one model, one scheme, everything by hand, on the same kernels ---- */

static void floor_ancestors(contest *c, const double *w, double total, double u)
{
    const mote_vector_table *v = mote_vector();
    const int64_t n = c->n;
    int32_t edge[BLOCK + 1] = { 0 };
    uint64_t before = 0, all = 0;
    const double scale = ldexp(1, 43) / total * 1.0;
    for (int64_t b = 0; b < n; b += BLOCK) {
        const int64_t m = n - b < BLOCK ? n - b : BLOCK;
        all += v->fixed(c->fixed + b, w + b, m, c->factor[b / BLOCK], scale, 1);
    }
    for (int64_t b = 0; b < n; b += BLOCK) {
        const int64_t m = n - b < BLOCK ? n - b : BLOCK;
        before = v->prefix(c->fixed + b, m, before);
        v->end_slots(edge + 1, c->fixed + b, m, all, (double)n / (double)all, u, n);
        v->expand(c->ancestor, edge, m, b);
        edge[0] = edge[m];
    }
}

static void floor_run(const bench_entry *entry)
{
    contest *c = (contest *)entry->with;
    const mote_vector_table *v = mote_vector();
    const int64_t n = c->n;
    const uint64_t key = mote_source_key(2, c->runs[1]);
    double log_evidence = 0, total = (double)n, maxima[MOST / BLOCK], sums[MOST / BLOCK], lw[BLOCK], gathered[BLOCK];
    for (int64_t t = 0; t < c->steps; ++t) {
        const double square = returns[t] * returns[t], *x = c->x[t & 1], *w = c->w[t & 1];
        double *next = c->x[1 - (t & 1)], *weight = c->w[1 - (t & 1)], maximum = -INFINITY, u;
        if (t) {
            v->philox_uniforms(&u, key, 1, (uint32_t)t, 0, 0, 1);
            floor_ancestors(c, w, total, u);
        }
        for (int64_t b = 0; b < n; b += BLOCK) {
            const int64_t m = n - b < BLOCK ? n - b : BLOCK;
            double *to = next + b;
            v->philox_normals(to, key, 2, (uint32_t)t, 0, b, m);
            if (!t)
                for (int64_t i = 0; i < m; ++i)
                    to[i] = MU + SIGMA / sqrt(1 - RHO * RHO) * to[i];
            else {
                for (int64_t i = 0; i < m; ++i)
                    gathered[i] = x[c->ancestor[b + i]];
                for (int64_t i = 0; i < m; ++i)
                    to[i] = MU + RHO * (gathered[i] - MU) + SIGMA * to[i];
            }
            for (int64_t i = 0; i < m; ++i)
                lw[i] = -to[i];
            v->exp(lw, lw, m);
            for (int64_t i = 0; i < m; ++i)
                lw[i] = -0.5 * (square * lw[i] + to[i] + LOG_TWO_PI);
            v->weigh(weight + b, lw, m, &maxima[b / BLOCK], &sums[b / BLOCK]);
            maximum = maxima[b / BLOCK] > maximum ? maxima[b / BLOCK] : maximum;
        }
        total = 0;
        for (int64_t b = 0; b < (n + BLOCK - 1) / BLOCK; ++b) {
            c->factor[b] = mote_exp(maxima[b] - maximum);
            total += sums[b] * c->factor[b];
        }
        log_evidence += maximum + mote_log(total / (double)n);
    }
    keep(c, 1, log_evidence);
}

/* ---- the GSL loop ---- */

static void gsl_run(const bench_entry *entry)
{
    contest *c = (contest *)entry->with;
    const int64_t n = c->n;
    double log_evidence = 0, total = 0;
    for (int64_t t = 0; t < c->steps; ++t) {
        double *x = c->x[t & 1], *next = c->x[1 - (t & 1)], *w = c->w[0], maximum = -INFINITY;
        if (t) {
            const double u = gsl_rng_uniform(c->generator);
            double cumulative = w[0];
            int64_t j = 0;
            for (int64_t i = 0; i < n; ++i) {
                const double point = ((double)i + u) / (double)n * total;
                while (cumulative < point && j < n - 1)
                    cumulative += w[++j];
                next[i] = MU + RHO * (x[j] - MU) + SIGMA * gsl_ran_gaussian_ziggurat(c->generator, 1);
            }
        } else {
            for (int64_t i = 0; i < n; ++i)
                next[i] = MU + gsl_ran_gaussian_ziggurat(c->generator, SIGMA / sqrt(1 - RHO * RHO));
        }
        for (int64_t i = 0; i < n; ++i) {
            w[i] = -0.5 * (returns[t] * returns[t] * exp(-next[i]) + next[i] + LOG_TWO_PI);
            maximum = w[i] > maximum ? w[i] : maximum;
        }
        total = 0;
        for (int64_t i = 0; i < n; ++i)
            total += w[i] = exp(w[i] - maximum);
        log_evidence += maximum + log(total / (double)n);
    }
    keep(c, 2, log_evidence);
}

/* ---- contests ---- */

static mote_memory memory;

static void open_contest(contest *c, int64_t n, int64_t steps)
{
    static mote_message message;
    const mote_series series = { MOTE_VERSIONED(mote_series), .count = steps, .values = returns };
    const mote_ssm model = { .head = MOTE_VERSIONED(mote_ssm), MOTE_STATES(state_name), MOTE_OBSERVATIONS(observation_name),
                             .initial = initial, .transition = transition, .log_potential = log_potential,
                             .series = &series, .flags = MOTE_SSM_THREADSAFE };
    const mote_filter_setup setup = { .particles = n, .rule = MOTE_RULE_ALWAYS };
    memset(c, 0, sizeof *c);
    c->n = n;
    c->steps = steps;
    c->generator = gsl_rng_alloc(gsl_rng_mt19937);
    for (int k = 0; k < 2; ++k) {
        c->x[k] = mote_memory_allocate_aligned(&memory, n + BLOCK, sizeof(double));
        c->w[k] = mote_memory_allocate_aligned(&memory, n + BLOCK, sizeof(double));
    }
    c->factor = mote_memory_allocate(&memory, n / BLOCK + 1, sizeof(double));
    c->ancestor = mote_memory_allocate(&memory, n + BLOCK, sizeof(int32_t));
    c->fixed = mote_memory_allocate_aligned(&memory, n + BLOCK, sizeof(uint64_t));
    if (mote_pool_open(&c->pool, &memory, 2) || mote_state_space_open(&c->space, &model, &memory, &message) ||
        mote_datum_open(&c->datum, &c->space, &memory) ||
        mote_particle_filter_open(&c->filter, &c->space, &setup, &memory, NULL, &message) ||
        mote_particle_filter_open(&c->threaded, &c->space, &setup, &memory, c->pool, &message)) {
        printf("cannot open: %s\n", message.text);
        exit(1);
    }
}

static void close_contest(contest *c)
{
    mote_particle_filter_close(&c->filter);
    mote_particle_filter_close(&c->threaded);
    mote_datum_close(&c->datum, &memory);
    mote_state_space_close(&c->space);
    mote_pool_close(&c->pool);
    gsl_rng_free(c->generator);
    for (int k = 0; k < 2; ++k) {
        mote_memory_release_aligned(&memory, c->x[k]);
        mote_memory_release_aligned(&memory, c->w[k]);
    }
    mote_memory_release(&memory, c->factor);
    mote_memory_release(&memory, c->ancestor);
    mote_memory_release_aligned(&memory, c->fixed);
}

static double spread(const contest *c, int who)
{
    const double n = (double)c->runs[who], mean = c->sum[who] / n;
    return sqrt(fmax(c->square[who] / n - mean * mean, 0));
}

/* Wall time with one and with two threads, interleaved: the sum over the steps of each step's fastest window, since windows
 * of a whole run are seldom left alone on a shared machine. */
static void wall(mote_particle_filter *filter, mote_datum *datum, int64_t run, double *best)
{
    mote_source source = mote_source_live(mote_source_key(1, run));
    if (mote_particle_filter_start(filter, NULL, &source))
        exit(1);
    for (int64_t t = 0; t < filter->space->series.count; ++t) {
        struct timespec from, to;
        mote_datum_from_series(datum, filter->space, t);
        clock_gettime(CLOCK_MONOTONIC, &from);
        if (mote_particle_filter_step(filter, datum))
            exit(1);
        clock_gettime(CLOCK_MONOTONIC, &to);
        best[t] = fmin(best[t], (double)(to.tv_sec - from.tv_sec) + 1e-9 * (double)(to.tv_nsec - from.tv_nsec));
    }
}

static double threads_gain(contest *c, int windows)
{
    static double one[LONG], two[LONG];
    double sum_one = 0, sum_two = 0;
    for (int64_t t = 0; t < c->steps; ++t)
        one[t] = two[t] = 1e300;
    for (int i = 0; i < windows; ++i) {
        wall(&c->filter, &c->datum, i, one);
        wall(&c->threaded, &c->datum, i, two);
    }
    for (int64_t t = 0; t < c->steps; ++t) {
        sum_one += one[t];
        sum_two += two[t];
    }
    return sum_one / sum_two;
}

static void run_contest(int64_t n, int64_t steps, int windows)
{
    static contest c;
    open_contest(&c, n, steps);
    bench_entry entries[] = { { "ours", ours, &c, (double)(n * steps), 0 },
                              { "floor", floor_run, &c, (double)(n * steps), 0 },
                              { "GSL loop", gsl_run, &c, (double)(n * steps), 0 } };
    bench_measure(entries, 3, windows);
    double ns[3];
    for (int k = 0; k < 3; ++k)
        ns[k] = 1e9 * entries[k].best / entries[k].items;
    printf("%9lld %6lld %8.2f %8.2f %8.2f %10.2f %10.2f %10.2f %9.4f %9.4f %9.4f %9.2f\n", (long long)n, (long long)steps, ns[0],
           ns[1], ns[2], ns[0] / ns[1], ns[2] / ns[0], threads_gain(&c, windows), c.sum[0] / (double)c.runs[0], spread(&c, 0),
           spread(&c, 1), 1e3 * entries[0].best);
    fflush(stdout);
    close_contest(&c);
}

int main(int argc, char **argv)
{
    const int windows = argc > 1 ? atoi(argv[1]) : 20;
    mote_memory_open(&memory, NULL);
    fill_returns();
    bench_head("bootstrap filter, stochastic volatility, ns per particle and step");
    printf("#       N      T     ours    floor      GSL ours/floor   GSL/ours  2 threads  mean logZ   sd ours  sd floor   ours ms\n");
    if (argc > 3) {
        run_contest(atoll(argv[2]), atoll(argv[3]), windows);
        return 0;
    }
    run_contest(1000, LONG, windows);
    run_contest(1024, T, windows);
    run_contest(10000, T, windows);
    run_contest(100000, T / 4, windows);
    run_contest(1000000, T / 20, windows / 2 > 3 ? windows / 2 : 3);
    return 0;
}
