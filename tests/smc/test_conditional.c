/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Conditional particle filters: by enumeration of all draws on the tiny chain, every kernel leaves the law of paths
 * given the observations invariant to 1e-12 with every exact scheme of resampling, and where the theory says so is
 * reversible; what does not fit is refused by name. */
#include "smc/conditional.h"

#include <stdlib.h>

#include "tests/support/filter_bench.h"
#include "tests/support/path_law.h"

typedef struct kernel_under_test {
    mote_memory memory;
    mote_message message;
    mote_state_space space;
    mote_conditional conditional;
} kernel_under_test;

static int open_kernel(kernel_under_test *k, const mote_ssm *model, mote_conditional_setup setup)
{
    memset(k, 0, sizeof *k);
    mote_memory_open(&k->memory, NULL);
    assert_status(mote_state_space_open(&k->space, model, &k->memory, &k->message), MOTE_OK);
    return mote_conditional_open(&k->conditional, &k->space, &setup, &k->memory, NULL, &k->message);
}

static void close_kernel(kernel_under_test *k)
{
    mote_conditional_close(&k->conditional);
    mote_state_space_close(&k->space);
}

/* Row of the kernel's matrix: the law of the next path from path number `from`. */
static void row_of_kernel(mote_conditional *c, int from, double *law)
{
    double path[CHAIN_TIMES];
    mote_source *source;
    assert_status(mote_source_open_enumerate(&source), MOTE_OK);
    while (mote_source_enumerate_next(source)) {
        path_of_number(from, (int)c->times, path);
        const int status = mote_conditional_sweep(c, (const double[]){ 0 }, source, path, path);
        if (status)
            print_error("%s\n", c->message->text);
        assert_status(status, MOTE_OK);
        law[number_of_path(path, (int)c->times)] += mote_source_enumerate_weight(source);
    }
    assert_status(mote_source_status(source), MOTE_OK);
    mote_source_close(&source);
}

/* |pi P - pi| at its largest. With `reversible` also pi_i P_ij = pi_j P_ji. */
static void check_invariance(const mote_ssm *model, int times, mote_conditional_setup setup, int reversible)
{
    enum { MOST = 81 };
    const mote_series series = { MOTE_VERSIONED(mote_series), .count = times };
    static double matrix[MOST][MOST];
    double law[MOST], after[MOST] = { 0 };
    mote_ssm cut = *model;
    kernel_under_test k;
    cut.series = &series;
    const int paths = path_law(&cut, times, law);
    assert_status(open_kernel(&k, &cut, setup), MOTE_OK);
    memset(matrix, 0, sizeof matrix);
    for (int i = 0; i < paths; ++i)
        if (law[i] > 0)
            row_of_kernel(&k.conditional, i, matrix[i]);
    for (int i = 0; i < paths; ++i)
        for (int j = 0; j < paths; ++j)
            after[j] += law[i] * matrix[i][j];
    for (int i = 0; i < paths; ++i) {
        assert_close(after[i], law[i], 0, 1e-12);
        for (int j = 0; reversible && j < i; ++j)
            assert_close(law[i] * matrix[i][j], law[j] * matrix[j][i], 0, 1e-12);
    }
    close_kernel(&k);
}

static const int64_t schemes[] = { MOTE_RESAMPLE_MULTINOMIAL, MOTE_RESAMPLE_SYSTEMATIC, MOTE_RESAMPLE_STRATIFIED,
                                   MOTE_RESAMPLE_RESIDUAL, MOTE_RESAMPLE_KILLING, MOTE_RESAMPLE_SSP };
enum { SCHEMES = sizeof schemes / sizeof *schemes };

static mote_conditional_setup setup_of(int64_t scheme, int64_t rule, int64_t kernel, int64_t way)
{
    return (mote_conditional_setup){ { .particles = 2, .resampling = scheme, .rule = rule, .threshold = 0.7 }, kernel,
                                     { way, 1, 1, 1 } };
}

/* Two times, every scheme, rule, kernel and way of drawing. With multinomial resampling at every step plain and
 * backward are reversible. */
static void two_times(void **unused)
{
    static const int64_t ways[] = { MOTE_BACKWARD_EXACT, MOTE_BACKWARD_HYBRID, MOTE_BACKWARD_MCMC };
    (void)unused;
    for (int s = 0; s < SCHEMES; ++s)
        for (int64_t rule = MOTE_RULE_ESS; rule <= MOTE_RULE_NEVER; ++rule)
            for (int64_t kernel = MOTE_PATH_BACKWARD; kernel <= MOTE_PATH_PLAIN; ++kernel)
                for (int w = 0; w < (kernel == MOTE_PATH_PLAIN ? 1 : 3); ++w)
                    check_invariance(&chain_t, 2, setup_of(schemes[s], rule, kernel, ways[w]),
                                     schemes[s] == MOTE_RESAMPLE_MULTINOMIAL && rule == MOTE_RULE_ALWAYS &&
                                         kernel != MOTE_PATH_ANCESTOR);
}

/* Three times, a scheme each; tests/long compares others with the law by chi-square. */
static void three_times(void **unused)
{
    (void)unused;
    check_invariance(&chain_t, 3, setup_of(MOTE_RESAMPLE_SYSTEMATIC, MOTE_RULE_ALWAYS, MOTE_PATH_BACKWARD,
                                           MOTE_BACKWARD_EXACT), 0);
    check_invariance(&chain_t, 3, setup_of(MOTE_RESAMPLE_STRATIFIED, MOTE_RULE_ESS, MOTE_PATH_BACKWARD,
                                           MOTE_BACKWARD_EXACT), 0);
    check_invariance(&chain_t, 3, setup_of(MOTE_RESAMPLE_KILLING, MOTE_RULE_ESS, MOTE_PATH_PLAIN, MOTE_BACKWARD_EXACT),
                     0);
    check_invariance(&chain_t, 3, setup_of(MOTE_RESAMPLE_SYSTEMATIC, MOTE_RULE_ESS, MOTE_PATH_ANCESTOR,
                                           MOTE_BACKWARD_EXACT), 0);
}

/* Three particles at two times of two states, every scheme and kernel. */
static void three_particles(void **unused)
{
    const mote_ssm small = two_state_chain();
    (void)unused;
    for (int s = 0; s < SCHEMES; ++s)
        for (int64_t kernel = MOTE_PATH_BACKWARD; kernel <= MOTE_PATH_PLAIN; ++kernel) {
            mote_conditional_setup setup = setup_of(schemes[s], MOTE_RULE_ALWAYS, kernel, MOTE_BACKWARD_EXACT);
            setup.filter.particles = 3;
            check_invariance(&small, 2, setup, schemes[s] == MOTE_RESAMPLE_MULTINOMIAL && kernel != MOTE_PATH_ANCESTOR);
        }
}

/* Guided and tilted weights; three particles; a potential that looks at the pair. */
static void other_weights(void **unused)
{
    const mote_ssm pair = pair_chain();
    (void)unused;
    for (int64_t kernel = MOTE_PATH_BACKWARD; kernel <= MOTE_PATH_PLAIN; ++kernel)
        for (int64_t rule = MOTE_RULE_ESS; rule <= MOTE_RULE_ALWAYS; ++rule) {
            mote_conditional_setup setup = setup_of(MOTE_RESAMPLE_SYSTEMATIC, rule, kernel, MOTE_BACKWARD_EXACT);
            check_invariance(&pair, 2, setup, 0);
            setup.filter.guided = 1;
            check_invariance(&chain_t, 2, setup, 0);
            check_invariance(&pair, 2, setup, 0);
            setup.filter.look_ahead = 1;
            check_invariance(&chain_t, 2, setup, 0);
            setup.filter.guided = 0;
            check_invariance(&chain_t, 2, setup, 0);
            setup = setup_of(MOTE_RESAMPLE_SYSTEMATIC, rule, kernel, MOTE_BACKWARD_EXACT);
            setup.filter.particles = 3;
            check_invariance(&chain_t, 2, setup, 0);
        }
}

/* ---- what does not fit ---- */

static void check_refusal(const mote_ssm *model, mote_conditional_setup setup, int status, const char *text)
{
    kernel_under_test k;
    assert_status(open_kernel(&k, model, setup), status);
    if (!strstr(k.message.text, text))
        fail_msg("'%s' lacks '%s'", k.message.text, text);
    close_kernel(&k);
}

static void what_does_not_fit_is_named(void **unused)
{
    mote_conditional_setup setup = setup_of(MOTE_RESAMPLE_OPTIMAL, MOTE_RULE_ALWAYS, MOTE_PATH_PLAIN, 0);
    mote_ssm streamed = chain_t;
    (void)unused;
    check_refusal(&chain_t, setup, MOTE_EUNSUPPORTED, "optimal");
    setup.filter.resampling = MOTE_RESAMPLE_METROPOLIS;
    check_refusal(&chain_t, setup, MOTE_EUNSUPPORTED, "metropolis");
    setup.filter.resampling = 0;
    setup.filter.particles = 1;
    check_refusal(&chain_t, setup, MOTE_EOPTION, "at least 2");
    setup.filter.particles = 2;
    setup.filter.quasi = 1;
    check_refusal(&chain_t, setup, MOTE_EOPTION, "sobol");
    setup.filter.quasi = 0;
    streamed.series = NULL;
    check_refusal(&streamed, setup, MOTE_EUNSUPPORTED, "series");
    mote_ssm earlier = linear_gaussian_a;
    earlier.flags |= MOTE_SSM_START_BEFORE;
    earlier.initial_time = -1;
    setup.filter.guided = 1;
    check_refusal(&earlier, setup, MOTE_EUNSUPPORTED, "proposal = guided");
    setup.filter.guided = 0;
    earlier.flags |= MOTE_SSM_PAIR_POTENTIAL;
    check_refusal(&earlier, setup, MOTE_EUNSUPPORTED, "MOTE_SSM_PAIR_POTENTIAL");
    setup.kernel = MOTE_PATH_BACKWARD;
    check_refusal(&toy_d, setup, MOTE_EUNSUPPORTED, "log_transition");
}

static int never(void *ctx, const mote_block *block)
{
    (void)ctx;
    for (int64_t i = 0; i < block->n; ++i)
        block->log_weight[i] = block->step == 1 ? -INFINITY : 0;
    return 0;
}

static void impossible_paths_are_named(void **unused)
{
    mote_ssm model = chain_t;
    double path[CHAIN_TIMES] = { 0 };
    const mote_source source = mote_source_live(1);
    kernel_under_test k;
    (void)unused;
    model.log_potential = never;
    assert_status(open_kernel(&k, &model, setup_of(0, 0, MOTE_PATH_BACKWARD, MOTE_BACKWARD_EXACT)), MOTE_OK);
    assert_status(mote_conditional_sweep(&k.conditional, (const double[]){ 0 }, &source, path, path), MOTE_ENUMERIC);
    assert_non_null(strstr(k.message.text, "path"));
    assert_status(mote_conditional_first(&k.conditional, (const double[]){ 0 }, &source, path), MOTE_ENUMERIC);
    close_kernel(&k);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(two_times),
        cmocka_unit_test(three_times),
        cmocka_unit_test(three_particles),
        cmocka_unit_test(other_weights),
        cmocka_unit_test(what_does_not_fit_is_named),
        cmocka_unit_test(impossible_paths_are_named),
    };
    return run_unit_tests(tests);
}
