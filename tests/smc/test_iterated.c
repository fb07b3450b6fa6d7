/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Iterated filtering: the maximum of case A in rho, known exactly; the same through a cache and through rows of single
 * parameters; saved and resumed; refusals. Fixed seeds; the end point scatters by .015 over seeds and is asked to lie
 * within .06 of the maximum, where a swarm that loses its parameters stays at its start, 0. */
#include <mote/iterated_filtering.h>

#include "model/draws.h"
#include "tests/support/filter_bench.h"
#include "tests/support/state_space_models.h"
#include "tests/support/test.h"

static const mote_parameter rho_free[] = { MOTE_UNIFORM("rho", -1, 1), MOTE_FIXED("var_x", 1), MOTE_FIXED("var_y", 1),
                                           MOTE_FIXED("var_0", 1 / 0.19) };
static const double MAXIMUM = 0.830289496689, LOG_LIKELIHOOD = -74.950042747373;

static mote_ssm free_model(void)
{
    mote_ssm model = linear_gaussian_a;
    model.parameters = rho_free;
    return model;
}

static mote_iterated_filtering_options usual(void)
{
    return (mote_iterated_filtering_options){ .head = MOTE_VERSIONED(mote_iterated_filtering_options),
                                              .particles = 1000,
                                              .seed = 1, .passes = 60, .cooling = 0.1, .perturbation = 0.05 };
}

static double end_of(mote_run *run)
{
    double theta[4];
    int64_t last = -1;
    while (!mote_iterated_filtering_record(run, last + 1, NULL, theta))
        ++last;
    return theta[0];
}

static double result_of(mote_run *run, const char *name)
{
    const mote_draws *draws = mote_run_draws(run);
    const mote_result *result = mote_draws_result(draws, name);
    return result ? result->value : NAN;
}

static void reaches_the_maximum(void **unused)
{
    const mote_ssm model = free_model();
    const mote_iterated_filtering_options options = usual();
    (void)unused;
    mote_run *run = open_run_of(mote_iterated_filtering, &model, &options);
    assert_status(mote_run_finish(run), MOTE_OK);
    print_message("rho %.4f, log-likelihood %.3f(%.3f)\n", end_of(run), result_of(run, "log_likelihood"),
                  result_of(run, "log_likelihood_error"));
    assert_close(end_of(run), MAXIMUM, 0, 0.06);
    assert_close(result_of(run, "log_likelihood"), LOG_LIKELIHOOD, 0, 0.5);
    const double mean = mote_draws_quantile(mote_run_draws(run), 0, 0.5);
    assert_close(mean, MAXIMUM, 0, 0.1);
    mote_run_close(&run);
}

static int nothing_to_prepare(void *ctx, const double *theta, void *cache)
{
    (void)ctx;
    *(double *)cache = theta[0];
    return 0;
}

/* A cache of its own for each particle: the same model, the same numbers but for the particles that share a pair. */
static void caches_belong_to_particles(void **unused)
{
    mote_ssm model = free_model();
    mote_iterated_filtering_options options = usual();
    (void)unused;
    options.passes = 5;
    model.prepare = nothing_to_prepare;
    model.cache_size = sizeof(double);
    mote_run *run = open_run_of(mote_iterated_filtering, &model, &options);
    assert_status(mote_run_finish(run), MOTE_OK);
    const double with_cache = end_of(run);
    mote_run_close(&run);
    model.prepare = NULL;
    model.cache_size = 0;
    model.flags |= MOTE_SSM_ROW_PARAMETERS;
    run = open_run_of(mote_iterated_filtering, &model, &options);
    assert_status(mote_run_finish(run), MOTE_OK);
    assert_true(end_of(run) == with_cache);
    mote_run_close(&run);
}

/* Blocks of particles on threads, called at once or one by one with a scratch of the thread's own: the same numbers. */
static void threads_do_not_show(void **unused)
{
    static const int64_t counts[] = { 1, 2, 7 };
    (void)unused;
    for (int one_by_one = 0; one_by_one < 2; ++one_by_one) {
        double first = NAN;
        for (int k = 0; k < 3; ++k) {
            mote_ssm model = free_model();
            mote_iterated_filtering_options options = usual();
            options.particles = 9000;
            options.passes = 2;
            options.threads = counts[k];
            model.flags |= one_by_one ? MOTE_SSM_ROW_PARAMETERS : 0;
            mote_run *run = open_run_of(mote_iterated_filtering, &model, &options);
            assert_status(mote_run_finish(run), MOTE_OK);
            first = k ? first : end_of(run);
            assert_true(end_of(run) == first && first != 0);
            mote_run_close(&run);
        }
    }
}

/* A state that is the parameter it was drawn with; counts the transitions that see another one. */
static int keep_parameter(void *ctx, const mote_block *block, mote_source *source)
{
    (void)ctx;
    (void)source;
    for (int64_t i = 0; i < block->n; ++i)
        block->state[0][i] = block->parameter[0][i * block->parameter_stride];
    return 0;
}

static int count_moved(void *ctx, const mote_block *block, mote_source *source)
{
    (void)source;
    for (int64_t i = 0; i < block->n; ++i) {
        *(int *)ctx += block->previous[0][i] != block->parameter[0][i * block->parameter_stride];
        block->state[0][i] = block->previous[0][i];
    }
    return 0;
}

static int no_preference(void *ctx, const mote_block *block)
{
    (void)ctx;
    for (int64_t i = 0; i < block->n; ++i)
        block->log_weight[i] = 0;
    return 0;
}

/* Also where a transition leads from x_0 to the first observation. Size 0: a parameter stays. */
static void initial_parameters_move_once(void **unused)
{
    static const int64_t flags[] = { 0, MOTE_SSM_START_BEFORE };
    (void)unused;
    for (int k = 0; k < 4; ++k) {
        int moved = 0;
        mote_ssm model = free_model();
        mote_iterated_filtering_options options = usual();
        options.passes = 1;
        options.initial_parameters = k < 2 ? "rho" : NULL;
        options.perturbations = k < 2 ? NULL : "rho 0";
        model.initial = keep_parameter;
        model.transition = count_moved;
        model.log_potential = no_preference;
        model.ctx = &moved;
        model.flags = (model.flags & ~(int64_t)(MOTE_SSM_THREADSAFE | MOTE_SSM_START_BEFORE)) | flags[k % 2];
        mote_run *run = open_run_of(mote_iterated_filtering, &model, &options);
        assert_status(mote_run_step(run), MOTE_OK);
        assert_int_equal(moved, 0);
        assert_true((end_of(run) == 0) == (k >= 2));
        mote_run_close(&run);
    }
}

static void resuming_does_not_show(void **unused)
{
    const mote_ssm model = free_model();
    mote_iterated_filtering_options options = usual();
    const char *path = "test_iterated.checkpoint";
    (void)unused;
    options.passes = 3;
    mote_run *whole = open_run_of(mote_iterated_filtering, &model, &options),
        *run = open_run_of(mote_iterated_filtering, &model, &options);
    assert_status(mote_run_finish(whole), MOTE_OK);
    for (int status = MOTE_OK; status != MOTE_DONE;) {
        status = mote_run_step(run);
        assert_true(status == MOTE_OK || status == MOTE_DONE);
        assert_status(mote_run_save(run, path), MOTE_OK);
        mote_run_close(&run);
        run = open_run_of(mote_iterated_filtering, &model, &options);
        assert_status(mote_run_load(run, path), MOTE_OK);
    }
    assert_true(end_of(run) == end_of(whole));
    assert_true(result_of(run, "log_likelihood") == result_of(whole, "log_likelihood"));
    remove(path);
    mote_run_close(&run);
    mote_run_close(&whole);
}

static void check_refusal(const mote_ssm *model, const mote_iterated_filtering_options *options, int status,
                          const char *text)
{
    mote_run *run = NULL;
    assert_status(mote_run_open(&run, mote_iterated_filtering, model, options), status);
    if (!strstr(mote_run_message(run), text))
        fail_msg("'%s' lacks '%s'", mote_run_message(run), text);
    mote_run_close(&run);
}

static void what_is_wrong_is_named(void **unused)
{
    char more_name[66][8];
    for (int k = 0; k < 66; ++k)
        snprintf(more_name[k], sizeof more_name[k], "more_%d", k);
    mote_ssm model = free_model();
    mote_iterated_filtering_options options = usual();
    const double outside[4] = { 2, 1, 1, 1 };
    (void)unused;
    options.perturbations = "rho 0.1 sigma 0.2";
    check_refusal(&model, &options, MOTE_EOPTION, "'sigma'");
    options.perturbations = "rho";
    check_refusal(&model, &options, MOTE_EOPTION, "'rho' is not followed by a size");
    options.perturbations = NULL;
    options.initial_parameters = "var_x";
    check_refusal(&model, &options, MOTE_EOPTION, "'var_x'");
    options.initial_parameters = NULL;
    options.start = outside;
    check_refusal(&model, &options, MOTE_EINVAL, "outside the prior");
    options.start = NULL;
    mote_parameter many[70];
    for (int k = 0; k < 70; ++k)
        many[k] = k < 4 ? model.parameters[k] : (mote_parameter)MOTE_FIXED(more_name[k - 4], 1);
    model.parameters = many;
    model.parameter_count = 70;
    check_refusal(&model, &options, MOTE_EUNSUPPORTED, "at most 64 parameters");
    model = free_model();
    model.series = NULL;
    check_refusal(&model, &options, MOTE_EUNSUPPORTED, "series");
    check_refusal(&linear_gaussian_a, &options, MOTE_EINVAL, "all are fixed");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(reaches_the_maximum),
        cmocka_unit_test(caches_belong_to_particles),
        cmocka_unit_test(threads_do_not_show),
        cmocka_unit_test(initial_parameters_move_once),
        cmocka_unit_test(resuming_does_not_show),
        cmocka_unit_test(what_is_wrong_is_named),
    };
    return run_unit_tests(tests);
}
