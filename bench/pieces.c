/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The pieces that a nested-sampling run is made of, one by one, on one core: what each costs without the others. For
 * following a change from one version to the next on the same machine; no goals here.
 * Usage: pieces [windows, default 20] */
#include <unistd.h>

#include "bench/nested.h"
#include "core/option.h"
#include "core/run.h"
#include "model/space.h"
#include "nested/evidence.h"
#include "nested/birth.h"
#include "tests/cosmology/reference.h"
#include "tests/nested/perfect.h"

enum { ROWS = 2000, POINTS = 475, CHAINS = 25, BUILDS = 4 };

static mote_memory memory;
static mote_message message;
static volatile double sink;

static void check(int status, const char *what)
{
    if (!status)
        return;
    fprintf(stderr, "%s: status %d %s\n", what, status, message.text);
    exit(1);
}

static void fill_uniform(double *out, int64_t n)
{
    mote_source source = mote_source_live(7);
    mote_uniforms(&source, out, n);
}

/* ---- the map from the cube --------------------------------------------------------------------------------------- */

static void transform(const bench_entry *entry)
{
    static double cube[20], theta[20];
    fill_uniform(cube, 20);
    for (int i = 0; i < ROWS; ++i) {
        cube[i % 20] = 1 - cube[i % 20];
        check(mote_space_transform(entry->with, cube, theta), "transform");
        sink = theta[i % 20];
    }
}

/* ---- crew and serial executor ------------------------------------------------------------------------------------ */

typedef struct counting_chain {
    int64_t left;
} counting_chain;

static int count_want(void *chain, double *theta)
{
    (void)chain;
    memset(theta, 0, 20 * sizeof *theta);
    return MOTE_OK;
}

static int count_take(void *chain, const mote_row_value *value)
{
    (void)value;
    return --((counting_chain *)chain)->left > 0 ? MOTE_OK : MOTE_DONE;
}

static int zero(void *ctx, const mote_batch *batch)
{
    (void)ctx;
    for (int64_t i = 0; i < batch->n; ++i)
        batch->log_likelihood[i] = 0;
    return MOTE_OK;
}

static mote_executor executor;

static void open_executor(void)
{
    static mote_ledger ledger;
    static mote_settings settings = { .retries = 2 };
    const mote_row_function function = { .evaluate = zero, .dimension = 20, .name = "zero" };
    executor = (mote_executor){ .type = mote_executor_serial, .memory = &memory, .message = &message,
                                .ledger = &ledger, .settings = &settings };
    check(mote_executor_open(&executor, &function, CHAINS), "executor");
}

/* 25 chains of 80 rows each. */
static void drive_crew(const bench_entry *entry)
{
    static const mote_chain_table table = { count_want, count_take };
    static counting_chain chains[CHAINS];
    mote_crew crew;
    (void)entry;
    check(mote_crew_open(&crew, &executor, &memory, CHAINS), "crew");
    for (int i = 0; i < CHAINS; ++i)
        chains[i].left = ROWS / CHAINS;
    mote_crew_start(&crew, &table, chains, sizeof *chains, CHAINS, 0);
    int status;
    while ((status = mote_crew_advance(&crew)) == MOTE_CREW_PAUSED)
        ;
    check(status, "crew");
    mote_crew_close(&crew, &memory);
}

/* ---- births ------------------------------------------------------------------------------------------------------ */

typedef struct birth_set {
    mote_space *space;
    mote_nested_options options;
    mote_sampler *sampler;
    double *cube, *log_likelihood;
    double log_volume;
} birth_set;

static void freeze(birth_set *set)
{
    mote_source source = mote_source_live(3);
    check(mote_sampler_freeze(set->sampler, set->cube, set->log_likelihood, POINTS, -1, set->log_volume, &source, 1),
          "freeze");
}

/* Survivors uniform in a ball of radius 0.3 around the centre. */
static void open_births(birth_set *set, mote_space *space, int64_t step)
{
    int64_t d = space->dimension;
    mote_source source = mote_source_live(5);
    *set = (birth_set){ .space = space, .options = { MOTE_VERSIONED(mote_nested_options), .step = step } };
    check(mote_options_resolve(mote_algorithm_options(mote_nested), &set->options, &memory, &message), "options");
    check(mote_sampler_open(&set->sampler, space, &set->options, 500, CHAINS, &memory, &message), "sampler");
    set->cube = calloc((size_t)(POINTS * d), sizeof(double));
    set->log_likelihood = calloc(POINTS, sizeof(double));
    mote_normals(&source, set->cube, POINTS * d);
    for (int64_t i = 0; i < POINTS; ++i) {
        double *x = set->cube + i * d, square = 0;
        for (int64_t j = 0; j < d; ++j)
            square += x[j] * x[j];
        double radius = 0.3 * pow((double)(i + 1) / POINTS, 1 / (double)d) / sqrt(square);
        for (int64_t j = 0; j < d; ++j)
            x[j] = 0.5 + radius * x[j];
    }
    double log_ball = 0.5 * (double)d * log(3.14159265358979323846) - lgamma(0.5 * (double)d + 1);
    set->log_volume = log_ball + (double)d * log(0.3);
    freeze(set);
}

/* Chains one after another; five answers of eight are "above": 1.6 rows per slice step. */
static void birth_rows(const bench_entry *entry)
{
    const birth_set *set = entry->with;
    static uint64_t number;
    size_t size;
    double theta[64];
    const mote_chain_table *table = mote_sampler_table(set->sampler);
    void *chain = mote_sampler_chains(set->sampler, &size);
    int status = MOTE_DONE;
    for (int i = 0; i < ROWS; ++i) {
        if (status == MOTE_DONE)
            check(mote_sampler_begin(set->sampler, 0, number++), "begin");
        while ((status = table->want(chain, theta)) == MOTE_DONE) /* it ended where it stands, without another row */
            check(mote_sampler_begin(set->sampler, 0, number++), "begin");
        check(status, "want");
        status = table->take(chain, &(mote_row_value){ .log_likelihood = i % 2 || i % 8 == 0 ? 0 : -2 });
        check(status == MOTE_DONE ? 0 : status, "take");
    }
}

static void rebuild(const bench_entry *entry)
{
    birth_set *set = *(birth_set *const *)entry->with;
    for (int i = 0; i < BUILDS; ++i) {
        set->sampler->bound.built = 0;
        freeze(set);
    }
}

/* ---- the ending -------------------------------------------------------------------------------------------------- */

static perfect_run deaths;

static void evidence(const bench_entry *entry)
{
    (void)entry;
    mote_deaths table = perfect_deaths(&deaths);
    mote_source source = mote_source_live(11);
    mote_evidence out;
    double *weight = calloc((size_t)deaths.n, sizeof *weight), *thread = calloc((size_t)deaths.n, sizeof *thread);
    check(mote_evidence_compute(&table, &source, 1000, 200, &memory, weight, thread, &out), "evidence");
    sink = out.log_evidence;
    free(weight);
    free(thread);
}

/* ---- checkpoint -------------------------------------------------------------------------------------------------- */

static mote_run *long_run;
static char checkpoint[64];

static void open_long_run(const mote_problem *problem)
{
    mote_nested_options options = { MOTE_VERSIONED(mote_nested_options), .seed = 1, .max_iterations = 20000,
                                    .live_points = 1000, .precision = 1e-12, .polish = 1 };
    check(mote_run_open(&long_run, mote_nested, &problem->target, &options), "open");
    check(mote_run_finish(long_run), mote_run_message(long_run));
    snprintf(checkpoint, sizeof checkpoint, "/tmp/mote-bench-%ld.checkpoint", (long)getpid());
}

static void save(const bench_entry *entry)
{
    (void)entry;
    check(mote_run_save(long_run, checkpoint), mote_run_message(long_run));
}

/* ---- cosmology --------------------------------------------------------------------------------------------------- */

typedef struct universe {
    mote_loaded_plugin *plugin;
    mote_space space;
    mote_row_function function;
    double theta[CHAINS * 16];
} universe;

/* 25 draws from the prior of a dark-energy model with three data sets. */
static int open_universe(universe *u)
{
    char text[1024] = "";
    const reference_row row = { .data = "CC+DR2+PB", .model = "cpl" };
    u->plugin = reference_load(&row, text, sizeof text);
    if (!u->plugin) {
        printf("# cosmology left out: %s\n", text);
        return 0;
    }
    double cube[CHAINS * 16];
    check(mote_space_open(&u->space, mote_plugin_target(u->plugin), &memory, &message), "cosmology");
    mote_space_row_function(&u->space, &u->function);
    fill_uniform(cube, CHAINS * 16);
    for (int i = 0; i < CHAINS; ++i)
        check(mote_space_transform(&u->space, cube + 16 * i, u->theta + u->space.theta_count * i), "transform");
    return 1;
}

static void likelihood(const bench_entry *entry)
{
    universe *u = *(universe *const *)entry->with;
    double value[CHAINS], derived[CHAINS * 16];
    int64_t id[CHAINS] = { 0 }, reason[CHAINS] = { 0 };
    const mote_batch batch = { MOTE_VERSIONED(mote_batch), .n = CHAINS, .dimension = u->space.theta_count,
                               .stride = u->space.theta_count, .theta = u->theta, .log_likelihood = value,
                               .derived_count = u->space.derived_count, .derived_stride = u->space.derived_count,
                               .derived = derived, .id = id, .reason = reason };
    check(u->function.evaluate(u->function.ctx, &batch), "likelihood");
    sink = value[0];
}

/* ------------------------------------------------------------------------------------------------------------------ */

static void print(const bench_entry *entries, int count)
{
    printf("%-58s %12s\n", "piece", "each");
    for (int i = 0; i < count; ++i) {
        double each = entries[i].best / entries[i].items;
        if (each < 1e-6)
            printf("%-58s %9.1f ns\n", entries[i].what, 1e9 * each);
        else if (each < 1e-3)
            printf("%-58s %9.2f us\n", entries[i].what, 1e6 * each);
        else
            printf("%-58s %9.2f ms\n", entries[i].what, 1e3 * each);
    }
}

int main(int argc, char **argv)
{
    int windows = argc > 1 && atoi(argv[1]) > 0 ? atoi(argv[1]) : 20;
    static mote_problem problem20, problem10;
    static mote_space space20, space10;
    static birth_set slice20, slice10, region10, walk10;
    check(mote_memory_open(&memory, NULL), "memory");
    bench_open_problem(&problem20, "gauss", 20);
    bench_open_problem(&problem10, "gauss", 10);
    check(mote_space_open(&space20, &problem20.target, &memory, &message), "space");
    check(mote_space_open(&space10, &problem10.target, &memory, &message), "space");
    open_executor();
    open_births(&slice20, &space20, MOTE_STEP_SLICE);
    open_births(&slice10, &space10, MOTE_STEP_SLICE);
    open_births(&region10, &space10, MOTE_STEP_BOUND);
    open_births(&walk10, &space10, MOTE_STEP_WALK);
    const perfect_plan plan = { .log_likelihood = perfect_ball, .live = 1250, .deaths = 62 };
    deaths = perfect_make(&plan, 1);
    open_long_run(&problem20);
    static universe cosmos;
    universe *cosmos_pointer = &cosmos;
    birth_set *slice_pointer = &slice20, *region_pointer = &region10;
    char evidence_name[64], save_name[64];
    snprintf(evidence_name, sizeof evidence_name, "evidence of %d deaths, 1000 simulations, 200 bootstraps",
             (int)deaths.n);
    snprintf(save_name, sizeof save_name, "checkpoint of 20000 deaths in 20-D, with fsync");
    bench_entry entries[16] = {
        { "cube to theta, 20 uniform priors", transform, &space20, ROWS, 0 },
        { "crew and serial executor, per row of 20", drive_crew, NULL, ROWS, 0 },
        { "slice births: want and take, per row, 20-D", birth_rows, &slice20, ROWS, 0 },
        { "slice births: want and take, per row, 10-D", birth_rows, &slice10, ROWS, 0 },
        { "walk births: want and take, per row, 10-D", birth_rows, &walk10, ROWS, 0 },
        { "ellipsoid births: want and take, per row, 10-D", birth_rows, &region10, ROWS, 0 },
        { "clusters of 475 points, 20-D", rebuild, &slice_pointer, BUILDS, 0 },
        { "ellipsoids of 475 points with leave-out, 10-D", rebuild, &region_pointer, BUILDS, 0 },
        { evidence_name, evidence, NULL, 1, 0 },
        { save_name, save, NULL, 1, 0 },
    };
    int count = 10;
    if (open_universe(&cosmos))
        entries[count++] = (bench_entry){ "cosmology: cpl, chronometers, DESI, Pantheon, per call", likelihood,
                                          &cosmos_pointer, CHAINS, 0 };
    bench_measure(entries, count, windows);
    bench_head("pieces of a run");
    print(entries, count);
    remove(checkpoint);
    mote_run_close(&long_run);
    mote_plugin_release(&cosmos.plugin);
    perfect_close(&deaths);
    return 0;
}
