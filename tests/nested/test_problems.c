/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The truths of the test problems, computed at open, against values from independent dense quadrature. */
#include <mote/status.h>

#include "tests/support/problems.h"
#include "tests/support/test.h"

static mote_problem problem;

static void evidences_agree_with_independent_quadrature(void **state)
{
    (void)state;
    static const struct {
        const char *name;
        int64_t dimension;
        double log_evidence, digits;
    } rows[] = {
        { "eggbox", 2, 235.85594, 6e-6 },      { "shells", 2, -1.74564, 6e-6 },
        { "shells", 3, -2.84176, 6e-6 },       { "shells", 5, -5.67360, 6e-6 },
        { "shells", 8, -10.80198, 6e-6 },      { "shells", 10, -14.59049, 6e-6 },
        { "shells", 15, -24.91141, 6e-6 },     { "shells", 20, -36.08655, 6e-6 },
        { "shells", 30, -60.12777, 6e-6 },     { "shells", 50, -112.41512, 6e-6 },
        { "rosenbrock", 2, -5.804132, 6e-7 },  { "himmelblau", 2, -5.503849, 6e-7 },
        { "gauss", 2, -1.1e-6, 6e-8 },         { "gauss", 10, -5.7e-6, 6e-8 },
        { "gauss", 100, -5.7e-5, 6e-7 },       { "equicorr", 3, -8.98720, 6e-6 },
        { "equicorr", 10, -29.95732, 6e-6 },   { "loggamma", 2, -2.27e-5, 6e-8 },
        { "loggamma", 10, -2.27e-5, 6e-8 },    { "spike", 2, 4.61512, 6e-6 },
        { "spike", 10, 4.61512, 6e-6 },        { "spike", 20, 4.61512, 2e-5 },
        { "rastrigin", 1, -3.8108665, 6e-8 },  { "cake", 2, -0.481122, 6e-7 },
        { "cake", 5, -0.611786, 6e-7 },        { "cake", 10, -0.684917, 6e-7 },
        { "half_empty", 2, -0.0124977, 6e-8 }, { "half_empty", 10, -0.0125023, 6e-8 },
        { "constant", 2, -3, 0 },
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; ++i) {
        assert_status(mote_problem_open(&problem, rows[i].name, rows[i].dimension), MOTE_OK);
        assert_close(problem.log_evidence, rows[i].log_evidence, 0, rows[i].digits);
    }
}

/* The regression by quadrature over its two coefficients: the likelihood is normalised in the data, so the prior
 * mean of the likelihood is the evidence. */
static void regression_agrees_with_a_sum_over_the_prior(void **state)
{
    (void)state;
    assert_status(mote_problem_open(&problem, "regression", 0), MOTE_OK);
    enum { CELLS = 800 };
    double sum = 0, step = 16.0 / CELLS;
    for (int i = 0; i < CELLS; ++i)
        for (int j = 0; j < CELLS; ++j) {
            double z[2] = { -8 + step * i, -8 + step * j }, value;
            double b[2] = { 2 * z[0], z[1] };
            problem.target.log_likelihood_point(problem.target.ctx, b, &value, NULL);
            sum += exp(value - 0.5 * (z[0] * z[0] + z[1] * z[1]));
        }
    assert_close(problem.log_evidence, log(sum * step * step / 6.283185307179586), 0, 1e-9);
}

static void what_does_not_exist_is_refused(void **state)
{
    (void)state;
    assert_status(mote_problem_open(&problem, "nonsense", 2), MOTE_EINVAL);
    assert_status(mote_problem_open(&problem, "eggbox", 3), MOTE_EINVAL);
    assert_status(mote_problem_open(&problem, "loggamma", 3), MOTE_EINVAL);
    for (int64_t i = 0; mote_problem_name(i); ++i)
        assert_status(mote_problem_open(&problem, mote_problem_name(i), 0), MOTE_OK);
}

int main(void)
{
    const struct CMUnitTest tests[] = { cmocka_unit_test(evidences_agree_with_independent_quadrature),
                                        cmocka_unit_test(regression_agrees_with_a_sum_over_the_prior),
                                        cmocka_unit_test(what_does_not_exist_is_refused) };
    return run_unit_tests(tests);
}
