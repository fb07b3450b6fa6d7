/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Two reference cases that are no linear-Gaussian model:
 *
 * Cox: x_0 ~ N(mu, sigma^2 / (1 - phi^2)), x_t = mu + phi (x_{t-1} - mu) + sigma N(0, 1), y_t ~ Poisson(e^{x_t}), with
 *     phi = .9, sigma = .5, mu = 0. Its score in (phi, sigma, mu) is the smoothed mean of the additive functional
 *     grad log p(x_0) + sum grad log m(x_{t-1}, x_t) (Fisher's identity), here by quadrature, which is checked against
 *     differences of the log-likelihood. PaRIS, the forward smoother and the genealogy at about equal cost; iterated
 *     filtering to the exact maximum in mu.
 * Bearings-only: x = (v1, v2, p1, p2), v' = v + 2e-4 N, p' = p + v, y ~ N(atan(p2 / p1), 1e-3). Positions move without
 *     noise: there is no transition density, and what needs one must say so.
 *
 * Statistical comparisons use fixed seeds and stand within 5 standard errors: false alarm 6e-7 each. */
#include <math.h>
#include <mote/iterated_filtering.h>
#include <mote/paris.h>
#include <mote/particle_gibbs.h>
#include <mote/ppg.h>
#include <mote/score_ascent.h>
#include <mote/smoother.h>

#include "model/draws.h"
#include "tests/support/filter_bench.h"
#include "tests/support/quadrature_filter.h"

/* ---- the Cox process ---- */

enum { PHI, SIGMA, MU, COX_PARAMETERS, COX_TIMES = 100 };
static const double LOG_TWO_PI = 1.8378770664093454836;
static const double cox_theta[] = { 0.9, 0.5, 0 };
static double cox_counts[COX_TIMES];

static double log_normal(double x, double mean, double sd)
{
    return -0.5 * ((x - mean) * (x - mean) / (sd * sd) + LOG_TWO_PI) - log(sd);
}

static double cox_log_initial(const double *p, double x)
{
    return log_normal(x, p[MU], p[SIGMA] / sqrt(1 - p[PHI] * p[PHI]));
}

static double cox_log_transition(const double *p, double previous, double x)
{
    return log_normal(x, p[MU] + p[PHI] * (previous - p[MU]), p[SIGMA]);
}

static double cox_log_potential(double y, double x)
{
    return y * x - exp(x) - lgamma(y + 1);
}

/* Gradient of log p(x_0), `previous` NaN, or of log m. */
static void cox_score_term(const double *p, double previous, double x, double *out)
{
    const double a = x - p[MU], b = previous - p[MU], variance = p[SIGMA] * p[SIGMA], rest = 1 - p[PHI] * p[PHI];
    if (isnan(previous)) {
        out[PHI] = p[PHI] * a * a / variance - p[PHI] / rest;
        out[SIGMA] = a * a * rest / (variance * p[SIGMA]) - 1 / p[SIGMA];
        out[MU] = a * rest / variance;
        return;
    }
    const double move = a - p[PHI] * b;
    out[PHI] = move * b / variance;
    out[SIGMA] = move * move / (variance * p[SIGMA]) - 1 / p[SIGMA];
    out[MU] = move * (1 - p[PHI]) / variance;
}

static void theta_of(const mote_block *block, double *p)
{
    for (int k = 0; k < COX_PARAMETERS; ++k)
        p[k] = *block->parameter[k];
}

static int cox_initial(void *ctx, const mote_block *block, mote_source *source)
{
    double p[COX_PARAMETERS];
    (void)ctx;
    theta_of(block, p);
    mote_normals(source, block->state[0], block->n);
    for (int64_t i = 0; i < block->n; ++i)
        block->state[0][i] = p[MU] + p[SIGMA] / sqrt(1 - p[PHI] * p[PHI]) * block->state[0][i];
    return 0;
}

static int cox_transition(void *ctx, const mote_block *block, mote_source *source)
{
    double p[COX_PARAMETERS];
    (void)ctx;
    theta_of(block, p);
    mote_normals(source, block->state[0], block->n);
    for (int64_t i = 0; i < block->n; ++i)
        block->state[0][i] = p[MU] + p[PHI] * (block->previous[0][i] - p[MU]) + p[SIGMA] * block->state[0][i];
    return 0;
}

static int cox_potential(void *ctx, const mote_block *block)
{
    (void)ctx;
    for (int64_t i = 0; i < block->n; ++i)
        block->log_weight[i] = cox_log_potential(block->observation[0], block->state[0][i]);
    return 0;
}

static int cox_density(void *ctx, const mote_block *block)
{
    double p[COX_PARAMETERS];
    (void)ctx;
    theta_of(block, p);
    for (int64_t i = 0; i < block->n; ++i)
        block->log_weight[i] = block->previous ? cox_log_transition(p, block->previous[0][i], block->state[0][i])
                                               : cox_log_initial(p, block->state[0][i]);
    return 0;
}

static int cox_bound(void *ctx, const mote_block *block)
{
    (void)ctx;
    for (int64_t i = 0; i < block->n; ++i)
        block->log_weight[i] = log_normal(0, 0, *block->parameter[SIGMA]);
    return 0;
}

static int cox_gradient(void *ctx, const mote_block *block, double *const *value)
{
    double p[COX_PARAMETERS], term[COX_PARAMETERS];
    (void)ctx;
    theta_of(block, p);
    for (int64_t i = 0; i < block->n; ++i) {
        cox_score_term(p, block->previous ? block->previous[0][i] : NAN, block->state[0][i], term);
        for (int k = 0; k < COX_PARAMETERS; ++k)
            value[k][i] = term[k];
    }
    return 0;
}

static const char *const one_state[] = { "x" }, *const one_observation[] = { "y" };
static const mote_parameter cox_parameters[] = { MOTE_FIXED("phi", 0.9), MOTE_FIXED("sigma", 0.5),
                                                 MOTE_FIXED("mu", 0) };
static const mote_parameter mu_free[] = { MOTE_FIXED("phi", 0.9), MOTE_FIXED("sigma", 0.5), MOTE_NORMAL("mu", 0, 2) };
static const mote_series cox_series = { MOTE_VERSIONED(mote_series), .count = COX_TIMES, .values = cox_counts };
static const mote_ssm cox = { MOTE_VERSIONED(mote_ssm),
                              MOTE_PARAMETERS(cox_parameters),
                              MOTE_STATES(one_state),
                              MOTE_OBSERVATIONS(one_observation),
                              .initial = cox_initial,
                              .transition = cox_transition,
                              .log_potential = cox_potential,
                              .log_initial = cox_density,
                              .log_transition = cox_density,
                              .log_transition_bound = cox_bound,
                              .gradient = cox_gradient,
                              .series = &cox_series,
                              .flags = MOTE_SSM_ROW_PARAMETERS,
                              .name = "cox" };

/* ---- its quadrature ---- */

typedef struct cox_integrand {
    double theta[COX_PARAMETERS];
    int component;
} cox_integrand;

static double integrand_initial(void *ctx, double x) { return cox_log_initial(((cox_integrand *)ctx)->theta, x); }
static double integrand_transition(void *ctx, double previous, double x)
{
    return cox_log_transition(((cox_integrand *)ctx)->theta, previous, x);
}
static double integrand_potential(void *ctx, int64_t t, double x)
{
    (void)ctx;
    return cox_log_potential(cox_counts[t], x);
}
static double integrand_score(void *ctx, int64_t t, double previous, double x)
{
    double term[COX_PARAMETERS];
    const cox_integrand *self = ctx;
    cox_score_term(self->theta, t ? previous : NAN, x, term);
    return term[self->component];
}

/* Log-likelihood; the score's component too, unless `score` is NULL. */
static double cox_exact(const double *theta, int component, double *score)
{
    enum { PANELS = 12 };
    quadrature q;
    double edges[PANELS + 1];
    cox_integrand self = { { theta[0], theta[1], theta[2] }, component };
    const quadrature_model model = { integrand_initial, integrand_transition, integrand_potential,
                                     score ? integrand_score : NULL, 0, &self };
    quadrature_edges(edges, -8, 7, PANELS);
    assert_int_equal(quadrature_open(&q, &model, edges, PANELS), 0);
    for (int64_t t = 0; t < COX_TIMES; ++t)
        quadrature_step(&q, t);
    const double log_likelihood = q.log_likelihood;
    if (score)
        *score = quadrature_functional(&q);
    quadrature_close(&q);
    return log_likelihood;
}

static double exact_score[COX_PARAMETERS];

/* Counts that rise and fall between 0 and 14. */
static int make_counts(void **state)
{
    (void)state;
    for (int t = 0; t < COX_TIMES; ++t)
        cox_counts[t] = floor(exp(1.1 * sin(0.21 * t) + 0.9 * sin(1.3 * t * (1 + 0.002 * t))) + 0.5);
    for (int k = 0; k < COX_PARAMETERS; ++k)
        cox_exact(cox_theta, k, &exact_score[k]);
    return 0;
}

static void score_is_the_slope_of_the_likelihood(void **unused)
{
    (void)unused;
    for (int k = 0; k < COX_PARAMETERS; ++k) {
        const double step = 1e-4;
        double up[] = { 0.9, 0.5, 0 }, down[] = { 0.9, 0.5, 0 };
        up[k] += step;
        down[k] -= step;
        const double slope = (cox_exact(up, k, NULL) - cox_exact(down, k, NULL)) / (2 * step);
        assert_close(exact_score[k], slope, 1e-5, 1e-5);
    }
}

/* ---- three on-line smoothers ---- */

typedef struct spread { double mean[COX_PARAMETERS], error[COX_PARAMETERS], rmse[COX_PARAMETERS]; } spread;

static spread scores_by(int64_t smoother, int64_t particles, int replicates)
{
    spread s = { { 0 }, { 0 }, { 0 } };
    for (int r = 0; r < replicates; ++r) {
        const mote_paris_options options = { MOTE_VERSIONED(mote_paris_options), .particles = particles,
                                             .seed = 100 + r, .smoother = smoother,
                                             .functional = MOTE_FUNCTIONAL_GRADIENT };
        mote_run *run = open_run_of(mote_paris, &cox, &options);
        assert_status(mote_run_finish(run), MOTE_OK);
        for (int k = 0; k < COX_PARAMETERS; ++k) {
            const double off = mote_paris_estimate(run, k) - exact_score[k];
            s.mean[k] += off / replicates;
            s.rmse[k] += off * off / replicates;
        }
        mote_run_close(&run);
    }
    for (int k = 0; k < COX_PARAMETERS; ++k) {
        s.error[k] = sqrt((s.rmse[k] - s.mean[k] * s.mean[k]) / (replicates - 1));
        s.rmse[k] = sqrt(s.rmse[k]);
    }
    return s;
}

static void three_smoothers_find_the_score(void **unused)
{
    const spread s[] = { scores_by(MOTE_ON_LINE_PARIS, 1000, 30), scores_by(MOTE_ON_LINE_FORWARD, 100, 30),
                         scores_by(MOTE_ON_LINE_GENEALOGY, 10000, 30) };
    (void)unused;
    for (int k = 0; k < COX_PARAMETERS; ++k) {
        print_message("%s: %.4f; PaRIS %.3f(%.3f), forward %.3f(%.3f), genealogy %.3f(%.3f); rmse %.3f %.3f %.3f\n",
                      cox_parameters[k].name, exact_score[k], s[0].mean[k], s[0].error[k], s[1].mean[k], s[1].error[k],
                      s[2].mean[k], s[2].error[k], s[0].rmse[k], s[1].rmse[k], s[2].rmse[k]);
        /* of order 1/N is the bias of each; at these N, and of 30 replicates, within their noise (forward: -2.2, .5, .5
         * errors) */
        for (int way = 0; way < 3; ++way)
            assert_close(s[way].mean[k], 0, 0, 5 * s[way].error[k]);
    }
}

/* ---- the maximum in mu ---- */

/* By golden sections, of a unimodal function. */
static double best_mu(double *log_likelihood)
{
    const double ratio = (sqrt(5) - 1) / 2;
    double low = -2, high = 2;
    double theta[] = { 0.9, 0.5, 0 };
    for (int step = 0; step < 40; ++step) {
        const double left = high - ratio * (high - low), right = low + ratio * (high - low);
        theta[MU] = left;
        const double at_left = cox_exact(theta, MU, NULL);
        theta[MU] = right;
        if (at_left > cox_exact(theta, MU, NULL))
            high = right;
        else
            low = left;
    }
    theta[MU] = (low + high) / 2;
    *log_likelihood = cox_exact(theta, MU, NULL);
    return theta[MU];
}

/* mu at the last pass of the record. */
static double end_of(mote_run *run)
{
    double theta[COX_PARAMETERS] = { 0 };
    for (int64_t pass = 0; !mote_iterated_filtering_record(run, pass, NULL, theta); ++pass)
        ;
    return theta[MU];
}

static void two_learners_find_the_maximum(void **unused)
{
    double log_likelihood, score;
    const double maximum = best_mu(&log_likelihood), theta[] = { 0.9, 0.5, maximum };
    mote_ssm model = cox;
    (void)unused;
    cox_exact(theta, MU, &score);
    assert_close(score, 0, 0, 1e-3);
    model.parameters = mu_free;
    const mote_iterated_filtering_options swarm = { .head = MOTE_VERSIONED(mote_iterated_filtering_options),
                                                    .particles = 500, .seed = 3, .passes = 50, .cooling = 0.1,
                                                    .perturbation = 0.05 };
    const mote_score_ascent_options climb = { .head = MOTE_VERSIONED(mote_score_ascent_options), .particles = 30,
                                              .seed = 4, .iterations = 300 };
    mote_run *iterated = open_run_of(mote_iterated_filtering, &model, &swarm);
    mote_run *ascent = open_run_of(mote_score_ascent, &model, &climb);
    assert_status(mote_run_finish(iterated), MOTE_OK);
    assert_status(mote_run_finish(ascent), MOTE_OK);
    const double by_swarm = end_of(iterated);
    double learnt[COX_PARAMETERS];
    assert_status(mote_score_ascent_result(ascent, learnt), MOTE_OK);
    const double by_score = learnt[MU];
    print_message("mu %.5f, log-likelihood %.4f: iterated filtering %.4f, ascent %.4f\n", maximum, log_likelihood,
                  by_swarm, by_score);
    assert_close(by_swarm, maximum, 0, 0.25);
    assert_close(by_score, maximum, 0, 0.05);
    mote_run_close(&iterated);
    mote_run_close(&ascent);
}

/* ---- bearings only ---- */

enum { V1, V2, P1, P2, TRACK_STATES, TRACK_TIMES = 20 };
static const double start[] = { 0.003, -0.003, 1, 1 }, TURN = 2e-4, BEARING = 1e-3;

static int track_initial(void *ctx, const mote_block *block, mote_source *source)
{
    (void)ctx, (void)source;
    for (int d = 0; d < TRACK_STATES; ++d)
        for (int64_t i = 0; i < block->n; ++i)
            block->state[d][i] = start[d];
    return 0;
}

static int track_transition(void *ctx, const mote_block *block, mote_source *source)
{
    (void)ctx;
    for (int d = V1; d <= V2; ++d) {
        mote_normals(source, block->state[d], block->n);
        for (int64_t i = 0; i < block->n; ++i) {
            block->state[d][i] = block->previous[d][i] + TURN * block->state[d][i];
            block->state[P1 + d][i] = block->previous[P1 + d][i] + block->previous[d][i];
        }
    }
    return 0;
}

static int track_potential(void *ctx, const mote_block *block)
{
    (void)ctx;
    for (int64_t i = 0; i < block->n; ++i)
        block->log_weight[i] = log_normal(block->observation[0], atan2(block->state[P2][i], block->state[P1][i]),
                                          BEARING);
    return 0;
}

static int track_additive(void *ctx, const mote_block *block, double *const *value)
{
    (void)ctx;
    for (int64_t i = 0; i < block->n; ++i)
        value[0][i] = block->state[V1][i];
    return 0;
}

static const char *const track_states[] = { "v1", "v2", "p1", "p2" }, *const bearing[] = { "bearing" },
                        *const sum[] = { "sum_v1" };
static double bearings[TRACK_TIMES];
static const mote_series track_series = { MOTE_VERSIONED(mote_series), .count = TRACK_TIMES, .values = bearings };
static const mote_ssm track = { MOTE_VERSIONED(mote_ssm),
                                MOTE_STATES(track_states),
                                MOTE_OBSERVATIONS(bearing),
                                .initial = track_initial,
                                .transition = track_transition,
                                .log_potential = track_potential,
                                .additive = track_additive,
                                .additive_names = sum,
                                .additive_count = 1,
                                .series = &track_series,
                                .name = "bearings" };

static void make_bearings(void)
{
    double p1 = start[P1], p2 = start[P2];
    for (int t = 0; t < TRACK_TIMES; ++t) {
        bearings[t] = atan2(p2, p1) + BEARING * sin(7.0 * t);
        p1 += start[V1];
        p2 += start[V2];
    }
}

static void moves_without_density_are_refused_by_name(void **unused)
{
    const mote_paris_options paris = { .head = MOTE_VERSIONED(mote_paris_options) };
    const mote_ppg_options ppg = { .head = MOTE_VERSIONED(mote_ppg_options) };
    const char *needed = "log_transition, which the model 'bearings' lacks";
    (void)unused;
    make_bearings();
    assert_refused(mote_paris, &track, &paris, MOTE_EUNSUPPORTED, needed);
    assert_refused(mote_ppg, &track, &ppg, MOTE_EUNSUPPORTED, needed);
    for (int64_t method = MOTE_SMOOTHER_FFBSI; method <= MOTE_SMOOTHER_GENEALOGY; ++method) {
        const mote_smoother_options smoother = { .head = MOTE_VERSIONED(mote_smoother_options), .method = method };
        if (method < MOTE_SMOOTHER_FIXED_LAG)
            assert_refused(mote_smoother, &track, &smoother, MOTE_EUNSUPPORTED, "which the model 'bearings' lacks");
    }
    for (int64_t kernel = 0; kernel < 2; ++kernel) {
        const mote_particle_gibbs_options gibbs = { .head = MOTE_VERSIONED(mote_particle_gibbs_options),
                                                    .path_kernel = kernel };
        assert_refused(mote_particle_gibbs, &track, &gibbs, MOTE_EUNSUPPORTED, needed);
    }
}

/* What needs no density goes on: the track is found to within its noise. */
static void moves_without_density_are_filtered_and_smoothed(void **unused)
{
    (void)unused;
    make_bearings();
    for (int64_t method = MOTE_SMOOTHER_FIXED_LAG; method <= MOTE_SMOOTHER_GENEALOGY; ++method) {
        const mote_smoother_options options = { .head = MOTE_VERSIONED(mote_smoother_options), .particles = 2000,
                                                .seed = 1, .method = method, .smoothing_lag = TRACK_TIMES };
        mote_run *run = open_run_of(mote_smoother, &track, &options);
        assert_status(mote_run_finish(run), MOTE_OK);
        for (int t = 0; t < TRACK_TIMES; ++t) {
            const double p1 = mote_smoother_mean(run, P1)[t], p2 = mote_smoother_mean(run, P2)[t];
            assert_close(atan2(p2, p1), bearings[t], 0, 3 * BEARING);
        }
        mote_run_close(&run);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(score_is_the_slope_of_the_likelihood),
        cmocka_unit_test(three_smoothers_find_the_score),
        cmocka_unit_test(two_learners_find_the_maximum),
        cmocka_unit_test(moves_without_density_are_refused_by_name),
        cmocka_unit_test(moves_without_density_are_filtered_and_smoothed),
    };
    return cmocka_run_group_tests(tests, make_counts, NULL) == 0 ? 0 : 1;
}
