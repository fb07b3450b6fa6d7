/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Hidden Markov models against known answers and against all paths. */
#include <mote/hidden_markov.h>

#include <stdlib.h>

#include "tests/support/fault.h"
#include "tests/support/state_space_reference.h"
#include "tests/support/test.h"

enum { K = 3, TIMES = 5, PATHS = 729 }; /* with propagate_first: 3^6 paths */

static mote_hidden_markov *opened(const mote_hidden_markov_model *model, int64_t times)
{
    mote_hidden_markov *chain = NULL;
    if (mote_hidden_markov_open(&chain, model, times, NULL))
        print_error("%s\n", mote_hidden_markov_message(chain));
    assert_string_equal(mote_hidden_markov_message(chain), "");
    return chain;
}

static void assert_law(const double *law, const double *expected, double tolerance)
{
    assert_non_null(law);
    for (int i = 0; i < K; ++i)
        assert_close(law[i], expected[i], 0, tolerance);
}

static void case_c(void **state)
{
    (void)state;
    double emission[CASE_C_TIMES][K];
    mote_hidden_markov_model model = { MOTE_VERSIONED(mote_hidden_markov_model), MOTE_VECTOR(case_c_initial),
                                       MOTE_MATRIX(case_c_transition), .propagate_first = 0 };
    mote_hidden_markov *chain = opened(&model, CASE_C_TIMES);
    for (int64_t t = 0; t < CASE_C_TIMES; ++t)
        for (int64_t j = 0; j < K; ++j)
            emission[t][j] = case_c_log_emission(t, j);
    assert_status(mote_hidden_markov_filter(chain, emission[0], CASE_C_TIMES), MOTE_OK);
    assert_status(mote_hidden_markov_smooth(chain), MOTE_OK);
    assert_int_equal(mote_hidden_markov_times(chain), CASE_C_TIMES);
    assert_close(mote_hidden_markov_log_likelihood(chain), CASE_C_LOG_LIKELIHOOD, 0, 6e-13);
    assert_law(mote_hidden_markov_law(chain, MOTE_HIDDEN_MARKOV_FILTERED, 29), case_c_filtered_last, 6e-11);
    assert_law(mote_hidden_markov_law(chain, MOTE_HIDDEN_MARKOV_SMOOTHED, 29), case_c_filtered_last, 6e-11);
    assert_law(mote_hidden_markov_law(chain, MOTE_HIDDEN_MARKOV_SMOOTHED, 0), case_c_smoothed_first, 6e-11);
    assert_law(mote_hidden_markov_law(chain, MOTE_HIDDEN_MARKOV_SMOOTHED, 12), case_c_smoothed_12, 6e-11);
    mote_hidden_markov_close(&chain);
}

/* ---- case T */
static double term_h(void *ctx, int64_t t, int64_t previous, int64_t x)
{
    (void)ctx;
    return (double)(t ? previous * x + x : x);
}

static mote_hidden_markov *filtered_t(void)
{
    double emission[CASE_T_TIMES][K];
    mote_hidden_markov_model model = { MOTE_VERSIONED(mote_hidden_markov_model), MOTE_VECTOR(case_t_initial),
                                       MOTE_MATRIX(case_t_transition), .propagate_first = 0 };
    mote_hidden_markov *chain = opened(&model, CASE_T_TIMES);
    for (int t = 0; t < CASE_T_TIMES; ++t)
        for (int j = 0; j < K; ++j)
            emission[t][j] = log(case_t_potential[t][j]);
    assert_status(mote_hidden_markov_filter(chain, emission[0], CASE_T_TIMES), MOTE_OK);
    return chain;
}

static void case_t(void **state)
{
    (void)state;
    mote_hidden_markov *chain = filtered_t();
    double value, log_probability, law[CASE_T_PATHS], sum = 0, h = 0;
    int64_t path[CASE_T_TIMES], best = 0;
    assert_close(exp(mote_hidden_markov_log_likelihood(chain)), CASE_T_EVIDENCE, 0, 6e-16);
    assert_status(mote_hidden_markov_expectation(chain, term_h, NULL, &value), MOTE_ESTATE);
    assert_status(mote_hidden_markov_smooth(chain), MOTE_OK);
    assert_status(mote_hidden_markov_expectation(chain, term_h, NULL, &value), MOTE_OK);
    assert_close(value, CASE_T_H, 0, 6e-13);
    const double *last = mote_hidden_markov_law(chain, MOTE_HIDDEN_MARKOV_SMOOTHED, 3);
    assert_close(last[1] + 2 * last[2], CASE_T_LAST, 0, 6e-6);
    case_t_law(law);
    for (int64_t i = 0; i < CASE_T_PATHS; ++i) {
        case_t_path(i, path);
        assert_int_equal(case_t_number(path), i);
        best = law[i] > law[best] ? i : best;
        sum += case_t_weight(path);
        h += law[i] * case_t_functional(path);
    }
    assert_close(sum, CASE_T_EVIDENCE, 0, 6e-16);
    assert_close(h, CASE_T_H, 0, 6e-13);
    assert_status(mote_hidden_markov_best_path(chain, path, &log_probability), MOTE_OK);
    assert_int_equal(case_t_number(path), best);
    assert_close(log_probability, log(case_t_weight(path)), 1e-14, 0);
    mote_hidden_markov_close(&chain);
}

/* Every outcome of a sampled path, with its probability. */
static void paths_have_their_law(void **state)
{
    (void)state;
    mote_hidden_markov *chain = filtered_t();
    mote_source *source = NULL;
    double law[CASE_T_PATHS], found[CASE_T_PATHS] = { 0 };
    int64_t path[CASE_T_TIMES];
    case_t_law(law);
    assert_status(mote_source_open_enumerate(&source), MOTE_OK);
    while (mote_source_enumerate_next(source)) {
        assert_status(mote_hidden_markov_sample(chain, source, path), MOTE_OK);
        found[case_t_number(path)] += mote_source_enumerate_weight(source);
    }
    assert_status(mote_source_status(source), MOTE_OK);
    for (int i = 0; i < CASE_T_PATHS; ++i)
        assert_close(found[i], law[i], 0, 1e-15);
    mote_source_close(&source);
    mote_hidden_markov_close(&chain);
}

/* ---- a chain with everything: transitions that change, nothing seen at time 2, an impossible state at time 3 */
typedef struct changing {
    double now[K][K];
    int64_t bad;
} changing;

static double transition(int64_t t, int64_t i, int64_t j)
{
    double sum = 0;
    for (int64_t k = 0; k < K; ++k)
        sum += 1.1 + sin((double)(3 * t + i + 2 * k * k));
    return (1.1 + sin((double)(3 * t + i + 2 * j * j))) / sum;
}

static int step(void *ctx, int64_t t, mote_matrix *matrix)
{
    changing *c = ctx;
    for (int i = 0; i < K; ++i)
        for (int j = 0; j < K; ++j)
            c->now[i][j] = transition(t, i, j);
    if (t == 2 && c->bad)
        c->now[1][2] = -0.1;
    matrix->values = c->now[0];
    return 0;
}

static double log_emission_at(int64_t t, int64_t j)
{
    return t == 2 ? 0 : t == 3 && j == 1 ? -INFINITY : -400 * (double)t + cos((double)(t * t + j));
}

static void all_paths(int64_t lead, double *weight, double *total)
{
    int64_t length = TIMES + lead;
    *total = 0;
    for (int64_t number = 0; number < (lead ? PATHS : PATHS / K); ++number) {
        int64_t path[TIMES + 1], rest = number;
        for (int64_t s = 0; s < length; ++s, rest /= K)
            path[s] = rest % K;
        double w = case_c_initial[path[0]];
        for (int64_t s = 0; s < length; ++s) {
            int64_t t = s - lead;
            w *= (s ? transition(t, path[s - 1], path[s]) : 1) * (t < 0 ? 1 : exp(log_emission_at(t, path[s]) +
                                                                                 (t == 2 ? 0 : 400 * (double)t)));
        }
        *total += weight[number] = w;
    }
}

static int64_t state_of(int64_t number, int64_t s)
{
    for (; s > 0; --s)
        number /= K;
    return number % K;
}

static void compare_with_all_paths(int64_t lead)
{
    static double weight[PATHS];
    changing c = { .bad = 0 };
    double total, emission[TIMES][K], pair[K * K], log_probability;
    int64_t n = lead ? PATHS : PATHS / K, path[TIMES + 1], best = 0;
    mote_hidden_markov_model model = { MOTE_VERSIONED(mote_hidden_markov_model), MOTE_VECTOR(case_c_initial),
                                       MOTE_MATRIX(case_c_transition), lead, step, &c };
    mote_hidden_markov *chain = opened(&model, TIMES + 2), *last = opened(&model, 0);
    all_paths(lead, weight, &total);
    for (int64_t t = 0; t < TIMES; ++t) {
        for (int64_t j = 0; j < K; ++j)
            emission[t][j] = log_emission_at(t, j);
        assert_status(mote_hidden_markov_push(chain, t == 2 ? NULL : emission[t]), MOTE_OK);
        assert_status(mote_hidden_markov_push(last, t == 2 ? NULL : emission[t]), MOTE_OK);
        assert_same_bytes(mote_hidden_markov_law(chain, MOTE_HIDDEN_MARKOV_FILTERED, t),
                          mote_hidden_markov_law(last, MOTE_HIDDEN_MARKOV_FILTERED, t), K * sizeof(double));
    }
    assert_close(mote_hidden_markov_log_likelihood(chain), log(total) - 400 * (1 + 3 + 4), 1e-15, 0);
    assert_true(mote_hidden_markov_log_likelihood_at(chain, 2) == 0);
    assert_status(mote_hidden_markov_smooth(chain), MOTE_OK);
    for (int64_t t = -lead; t < TIMES; ++t) {
        double law[K] = { 0 }, pairs[K * K] = { 0 };
        for (int64_t i = 0; i < n; ++i) {
            int64_t x = state_of(i, t + lead);
            law[x] += weight[i] / total;
            if (t > -lead)
                pairs[state_of(i, t + lead - 1) * K + x] += weight[i] / total;
        }
        assert_law(mote_hidden_markov_law(chain, MOTE_HIDDEN_MARKOV_SMOOTHED, t), law, 1e-14);
        if (t == -lead)
            assert_status(mote_hidden_markov_pair(chain, t, pair), MOTE_EINVAL);
        else {
            assert_status(mote_hidden_markov_pair(chain, t, pair), MOTE_OK);
            for (int i = 0; i < K * K; ++i)
                assert_close(pair[i], pairs[i], 0, 1e-14);
        }
    }
    for (int64_t i = 0; i < n; ++i)
        best = weight[i] > weight[best] ? i : best;
    assert_status(mote_hidden_markov_best_path(chain, path, &log_probability), MOTE_OK);
    assert_close(log_probability, log(weight[best]) - 400 * (1 + 3 + 4), 1e-14, 0);
    for (int64_t s = 0; s < TIMES + lead; ++s)
        assert_int_equal(path[s], state_of(best, s));
    mote_hidden_markov_close(&chain);
    mote_hidden_markov_close(&last);
}

static void everything_is_the_law_of_all_paths(void **state)
{
    (void)state;
    compare_with_all_paths(0);
    compare_with_all_paths(1);
}

/* The state that is left at the end had the weight e^-2000 before. */
static void small_weights_are_kept(void **state)
{
    (void)state;
    const double initial[2] = { 0.5, 0.5 }, stay[2][2] = { { 1, 0 }, { 0, 1 } };
    const double emission[3][2] = { { -2000, 0 }, { 0, 0 }, { 0, -5000 } };
    mote_hidden_markov_model model = { MOTE_VERSIONED(mote_hidden_markov_model), MOTE_VECTOR(initial),
                                       MOTE_MATRIX(stay), .propagate_first = 0 };
    mote_hidden_markov *chain = opened(&model, 3);
    assert_status(mote_hidden_markov_filter(chain, emission[0], 3), MOTE_OK);
    assert_close(mote_hidden_markov_log_likelihood(chain), -2000 - log(2), 1e-15, 0);
    assert_status(mote_hidden_markov_smooth(chain), MOTE_OK);
    assert_close(mote_hidden_markov_law(chain, MOTE_HIDDEN_MARKOV_SMOOTHED, 0)[0], 1, 1e-12, 0);
    mote_hidden_markov_close(&chain);
}

static void impossible_observations(void **state)
{
    (void)state;
    const double initial[2] = { 1, 0 }, stay[2][2] = { { 1, 0 }, { 0, 1 } };
    const double emission[3][2] = { { 0, 0 }, { -INFINITY, 0 }, { -1, -2 } };
    int64_t path[3];
    mote_hidden_markov_model model = { MOTE_VERSIONED(mote_hidden_markov_model), MOTE_VECTOR(initial),
                                       MOTE_MATRIX(stay), .propagate_first = 0 };
    mote_hidden_markov *chain = opened(&model, 3);
    assert_status(mote_hidden_markov_filter(chain, emission[0], 3), MOTE_OK);
    assert_true(mote_hidden_markov_log_likelihood(chain) == -INFINITY);
    assert_true(mote_hidden_markov_law(chain, MOTE_HIDDEN_MARKOV_FILTERED, 2)[0] == 1);
    assert_status(mote_hidden_markov_smooth(chain), MOTE_ENUMERIC);
    assert_non_null(strstr(mote_hidden_markov_message(chain), "no state is possible at time 1"));
    assert_status(mote_hidden_markov_best_path(chain, path, NULL), MOTE_ENUMERIC);
    assert_status(mote_hidden_markov_filter(chain, NULL, 3), MOTE_OK); /* nothing seen */
    assert_close(mote_hidden_markov_log_likelihood(chain), 0, 0, 1e-15);
    assert_status(mote_hidden_markov_smooth(chain), MOTE_OK);
    mote_hidden_markov_close(&chain);
}

static void refuse(const mote_hidden_markov_model *model, int status, const char *text)
{
    mote_hidden_markov *chain = NULL;
    assert_status(mote_hidden_markov_open(&chain, model, 4, NULL), status);
    if (!strstr(mote_hidden_markov_message(chain), text))
        print_error("message: %s\n", mote_hidden_markov_message(chain));
    assert_non_null(strstr(mote_hidden_markov_message(chain), text));
    assert_status(mote_hidden_markov_push(chain, NULL), MOTE_ESTATE);
    assert_null(mote_hidden_markov_law(chain, MOTE_HIDDEN_MARKOV_FILTERED, 0));
    mote_hidden_markov_close(&chain);
    assert_null(chain);
}

static void what_is_refused(void **state)
{
    (void)state;
    double initial[K] = { 0.5, 0.3, 0.2 }, matrix[K][K];
    memcpy(matrix, case_c_transition, sizeof matrix);
    const mote_hidden_markov_model good = { MOTE_VERSIONED(mote_hidden_markov_model), MOTE_VECTOR(initial),
                                            MOTE_MATRIX(matrix), .propagate_first = 0 };
    mote_hidden_markov_model model = good;
    model.transition.rows = 2;
    refuse(&model, MOTE_EINVAL, "transition: 2 x 3, expected 3 x 3");
    model = good;
    model.transition.values = NULL;
    refuse(&model, MOTE_EINVAL, "transition: absent");
    model = good;
    model.initial.rows = 0;
    refuse(&model, MOTE_EINVAL, "1 to 4096 states");
    refuse(NULL, MOTE_EINVAL, "no model");
    initial[0] = -0.5;
    refuse(&good, MOTE_EINVAL, "initial: element (0, 0) is -0.5");
    initial[0] = NAN;
    refuse(&good, MOTE_EINVAL, "initial: element (0, 0) is");
    initial[0] = 0.4;
    refuse(&good, MOTE_EINVAL, "initial: row 0 sums to 0.9");
    initial[0] = 0.5;
    matrix[2][1] = 0.26;
    refuse(&good, MOTE_EINVAL, "transition: row 2 sums to 1.01");
    matrix[2][1] = 0.25;

    const double bad[K] = { 0, NAN, 0 }, infinite[K] = { INFINITY, 0, 0 };
    changing c = { .bad = 1 };
    model = good;
    model.step = step;
    model.ctx = &c;
    mote_hidden_markov *chain = opened(&model, 4);
    assert_status(mote_hidden_markov_smooth(chain), MOTE_ESTATE);
    assert_status(mote_hidden_markov_push(chain, bad), MOTE_EINVAL);
    assert_non_null(strstr(mote_hidden_markov_message(chain), "state 1 at time 0 is"));
    assert_status(mote_hidden_markov_push(chain, infinite), MOTE_EINVAL);
    assert_status(mote_hidden_markov_filter(chain, NULL, 4), MOTE_EINVAL);
    assert_non_null(strstr(mote_hidden_markov_message(chain), "transition at time 2: element (1, 2) is -0.1"));
    assert_int_equal(mote_hidden_markov_times(chain), 2);
    c.bad = 0;
    assert_status(mote_hidden_markov_push(chain, NULL), MOTE_OK);
    assert_status(mote_hidden_markov_push(chain, NULL), MOTE_OK);
    assert_status(mote_hidden_markov_push(chain, NULL), MOTE_ESTATE);
    model.propagate_first = 1;
    assert_status(mote_hidden_markov_restart(chain, &model), MOTE_EINVAL);
    mote_hidden_markov_close(&chain);
    chain = opened(&good, 0);
    assert_status(mote_hidden_markov_filter(chain, NULL, 9), MOTE_OK);
    assert_status(mote_hidden_markov_smooth(chain), MOTE_ESTATE);
    assert_null(mote_hidden_markov_law(chain, MOTE_HIDDEN_MARKOV_FILTERED, 7));
    mote_hidden_markov_close(&chain);
    mote_hidden_markov_close(NULL);
    assert_string_equal(mote_hidden_markov_message(NULL), "");
}

static int memory_body(void *ctx, const mote_allocator *allocator)
{
    (void)ctx;
    int64_t path[4];
    mote_hidden_markov_model model = { MOTE_VERSIONED(mote_hidden_markov_model), MOTE_VECTOR(case_c_initial),
                                       MOTE_MATRIX(case_c_transition), .propagate_first = 1 };
    mote_hidden_markov *chain = NULL;
    int status = mote_hidden_markov_open(&chain, &model, 3, allocator);
    int64_t calls = ((test_allocator *)allocator->ctx)->calls;
    if (!status)
        status = mote_hidden_markov_filter(chain, NULL, 3);
    if (!status)
        status = mote_hidden_markov_smooth(chain);
    if (!status)
        status = mote_hidden_markov_best_path(chain, path, NULL);
    if (!status && ((test_allocator *)allocator->ctx)->calls != calls)
        status = MOTE_EINTERNAL; /* memory was taken after open */
    mote_hidden_markov_close(&chain);
    return status;
}

static void memory_is_taken_at_open(void **state)
{
    (void)state;
    fault_report report = fault_walk(memory_body, NULL, FAULT_ONCE);
    assert_int_equal(fault_count(&report), 0);
    assert_int_equal(report.points, 2);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(case_c),
        cmocka_unit_test(case_t),
        cmocka_unit_test(paths_have_their_law),
        cmocka_unit_test(everything_is_the_law_of_all_paths),
        cmocka_unit_test(small_weights_are_kept),
        cmocka_unit_test(impossible_observations),
        cmocka_unit_test(what_is_refused),
        cmocka_unit_test(memory_is_taken_at_open),
    };
    return run_unit_tests(tests);
}
