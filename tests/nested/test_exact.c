/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Nested sampling with its defaults on problems of known evidence, two fixed seeds each. A run fails when its pull
 * (log Z - truth) / error passes 4.5: with right errors, a false alarm of 7e-6 a run, 2e-4 for the whole program. The
 * campaigns of check-long look at means and spreads over 100 seeds. */
#include <mote/nested.h>

#include "tests/support/problems.h"
#include "tests/support/test.h"

static void run_problem(const char *name, int64_t dimension, int64_t seed)
{
    static mote_problem problem;
    mote_run *run = NULL;
    mote_nested_result result = { .head = MOTE_VERSIONED(mote_nested_result) };
    mote_nested_options options = { MOTE_VERSIONED(mote_nested_options), .seed = seed, .simulations = 300,
                                    .bootstraps = 100 };
    assert_status(mote_problem_open(&problem, name, dimension), MOTE_OK);
    int status = mote_run_open(&run, mote_nested, &problem.target, &options);
    if (!status)
        status = mote_run_finish(run);
    if (status)
        print_error("%s-%d: %s\n", name, (int)dimension, mote_run_message(run));
    assert_status(status, MOTE_OK);
    assert_status(mote_nested_get_result(run, &result), MOTE_OK);
    double difference = result.log_evidence - problem.log_evidence;
    mote_ledger ledger = { .head = MOTE_VERSIONED(mote_ledger) };
    mote_run_ledger(run, &ledger);
    print_message("%-12s %2d seed %d  calls %8lld  log Z %12.5f  truth %12.5f  error %.4f  pull %6.2f  warnings %lld\n",
                  name, (int)problem.dimension, (int)seed, (long long)ledger.calls, result.log_evidence,
                  problem.log_evidence, result.log_evidence_error, difference / result.log_evidence_error,
                  (long long)result.warnings);
    if (!strcmp(name, "constant")) {
        assert_true(result.log_evidence == problem.log_evidence);
        assert_true(result.log_evidence_error == 0);
    } else {
        assert_true(fabs(difference) < 4.5 * result.log_evidence_error);
        assert_true(result.log_evidence_error < 0.4);
    }
    mote_run_close(&run);
}

#define PROBLEM(name, dimension)                         \
    static void name##_##dimension(void **state)         \
    {                                                    \
        (void)state;                                     \
        run_problem(#name, dimension, 1);                \
        run_problem(#name, dimension, 2);                \
    }

PROBLEM(eggbox, 2)
PROBLEM(rosenbrock, 2)
PROBLEM(himmelblau, 2)
PROBLEM(shells, 2)
PROBLEM(shells, 5)
PROBLEM(gauss, 2)
PROBLEM(gauss, 10)
PROBLEM(loggamma, 10)
PROBLEM(cake, 2)
PROBLEM(half_empty, 2)
PROBLEM(constant, 2)

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(eggbox_2),     cmocka_unit_test(rosenbrock_2), cmocka_unit_test(himmelblau_2),
        cmocka_unit_test(shells_2),     cmocka_unit_test(shells_5),     cmocka_unit_test(gauss_2),
        cmocka_unit_test(gauss_10),     cmocka_unit_test(loggamma_10),  cmocka_unit_test(cake_2),
        cmocka_unit_test(half_empty_2), cmocka_unit_test(constant_2),
    };
    return run_unit_tests(tests);
}
