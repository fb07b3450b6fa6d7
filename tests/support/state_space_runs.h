/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Runs of every registered algorithm on state-space models, with small options: what the tests walk that hold of
 * all of them (whole lives, memory, kills, threads). A new algorithm in the registry is met without a line here; an
 * option whose default is long gets a row in the table. */
#ifndef MOTE_TESTS_STATE_SPACE_RUNS_H
#define MOTE_TESTS_STATE_SPACE_RUNS_H

#include <mote/mote.h>
#include <stdio.h>

#include "core/run.h"
#include "tests/support/state_space_models.h"

/* Options of any algorithm: all begin alike. */
typedef union any_options {
    struct {
        mote_head head;
        const mote_hooks *hooks;
    } first;
    char room[4096];
} any_options;

typedef struct small_option {
    const char *key, *value;
} small_option;

static const small_option small_options_table[] = {
    { "particles", "40" },  { "draws", "6" },       { "warm_up", "4" },
    { "chains", "2" },      { "passes", "3" },      { "evaluations", "2" },
    { "fits", "2" },        { "trajectories", "8" }, { "sweeps", "6" },
    { "iterations", "4" },  { "parameter_particles", "10" },
};

/* 0, or the status of the option that could not be set. Options that the algorithm has not are left out. */
static inline int set_options(const mote_algorithm *algorithm, any_options *options, const small_option *rows, size_t n)
{
    const mote_option_table *table = mote_algorithm_options(algorithm);
    int status = MOTE_OK;
    for (size_t i = 0; i < n && !status; ++i)
        if (mote_option_find(table, rows[i].key))
            status = mote_option_set(table, options, rows[i].key, rows[i].value, NULL, 0);
    return status;
}

static inline int small_options(const mote_algorithm *algorithm, any_options *options, const char *seed)
{
    const mote_option_table *table = mote_algorithm_options(algorithm);
    const small_option first = { "seed", seed };
    *options = (any_options){ .room = { 0 } };
    if (table->size > (int64_t)sizeof *options)
        return MOTE_EINTERNAL;
    options->first.head = (mote_head){ (uint32_t)table->size, (uint32_t)table->kind };
    int status = set_options(algorithm, options, &first, 1);
    const size_t n = sizeof small_options_table / sizeof *small_options_table;
    return status ? status : set_options(algorithm, options, small_options_table, n);
}

/* Case A with a free parameter: for algorithms that learn one. */
static inline mote_ssm learning_model(void)
{
    static const mote_parameter rho_free[] = { MOTE_UNIFORM("rho", 0, 1), MOTE_FIXED("var_x", 1),
                                               MOTE_FIXED("var_y", 1), MOTE_FIXED("var_0", 1 / 0.19) };
    mote_ssm model = linear_gaussian_a;
    model.parameters = rho_free;
    return model;
}

/* 1 when the algorithm wants a free parameter, 0 when it takes none, by trying. */
static inline int learns(const mote_algorithm *algorithm)
{
    const mote_ssm model = learning_model();
    any_options options;
    mote_run *run = NULL;
    const int status = small_options(algorithm, &options, "1");
    const int open = status ? status : mote_run_open(&run, algorithm, &model, &options);
    mote_run_close(&run);
    return !open;
}

/* The model that the algorithm takes: case A whole, its first `times` observations, or (times 0) as a stream. */
typedef struct case_a_cut {
    mote_ssm model;
    mote_series series;
} case_a_cut;

static inline void cut_case_a(case_a_cut *cut, int with_free_parameter, int64_t times)
{
    cut->model = with_free_parameter ? learning_model() : linear_gaussian_a;
    cut->series = *linear_gaussian_a.series;
    cut->series.count = times;
    cut->model.series = times ? &cut->series : NULL;
}

/* Observation number `step` of case A to the run. */
static inline int push_case_a(mote_run *run, int64_t step)
{
    const mote_observation observation = { MOTE_VERSIONED(mote_observation), .time = (double)step,
                                           .values = linear_gaussian_a.series->values + step };
    return mote_run_push(run, &observation);
}

/* 1 when the algorithm filters a stream. */
static inline int takes_stream(const mote_algorithm *algorithm)
{
    return algorithm->push != NULL;
}

/* Algorithms of the registry on state-space models, by number; NULL past the last. */
static inline const mote_algorithm *state_space_algorithm(int64_t index)
{
    const mote_algorithm *algorithm;
    for (int64_t i = 0; (algorithm = mote_algorithm_at(i)); ++i)
        if (algorithm->model_kind == MOTE_KIND_mote_ssm && !index--)
            return algorithm;
    return NULL;
}

#endif
