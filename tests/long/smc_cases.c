/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "tests/long/smc_cases.h"

#include <string.h>

#include "tests/support/quadrature_filter.h"
#include "tests/support/state_space_models.h"
#include "tests/support/state_space_reference.h"

static const double LOG_TWO_PI = 1.8378770664093454836;

static double log_normal(double x, double mean, double sd)
{
    const double z = (x - mean) / sd;
    return -0.5 * (z * z + LOG_TWO_PI) - log(sd);
}

/* ---- models with x' = mean(x) + sd N(0, 1) ---- */

static int first(void *ctx, const mote_block *block, mote_source *source)
{
    const smc_case *c = ctx;
    if (c->initial_sd > 0)
        mote_normals(source, block->state[0], block->n);
    for (int64_t i = 0; i < block->n; ++i)
        block->state[0][i] = c->initial_mean + (c->initial_sd > 0 ? c->initial_sd * block->state[0][i] : 0);
    return 0;
}

static int move(void *ctx, const mote_block *block, mote_source *source)
{
    const smc_case *c = ctx;
    mote_normals(source, block->state[0], block->n);
    for (int64_t i = 0; i < block->n; ++i)
        block->state[0][i] = c->mean(block->previous[0][i]) + c->sd * block->state[0][i];
    return 0;
}

static int weigh(void *ctx, const mote_block *block)
{
    const smc_case *c = ctx;
    for (int64_t i = 0; i < block->n; ++i)
        block->log_weight[i] = c->log_potential(c, block->step, block->state[0][i]);
    return 0;
}

static int density(void *ctx, const mote_block *block)
{
    const smc_case *c = ctx;
    for (int64_t i = 0; i < block->n; ++i)
        block->log_weight[i] = log_normal(block->state[0][i], c->mean(block->previous[0][i]), c->sd);
    return 0;
}

static int bound(void *ctx, const mote_block *block)
{
    const smc_case *c = ctx;
    for (int64_t i = 0; i < block->n; ++i)
        block->log_weight[i] = log_normal(0, 0, c->sd);
    return 0;
}

static int products(void *ctx, const mote_block *block, double *const *value)
{
    (void)ctx;
    for (int64_t i = 0; i < block->n; ++i)
        value[0][i] = block->previous ? block->previous[0][i] * block->state[0][i] : 0;
    return 0;
}

static const char *const x_name[] = { "x" }, *const y_name[] = { "y" }, *const h_name[] = { "h" };

static const mote_ssm normal_model = {
    MOTE_VERSIONED(mote_ssm), MOTE_STATES(x_name), MOTE_OBSERVATIONS(y_name), .initial = first, .transition = move,
    .log_potential = weigh, .log_transition = density, .log_transition_bound = bound, .additive = products,
    .additive_names = h_name, .additive_count = 1, .flags = MOTE_SSM_THREADSAFE,
};

static double mean_d(double x) { return CASE_D_RHO * x; }
static double mean_e(double x) { return CASE_E_MU + CASE_E_RHO * (x - CASE_E_MU); }
static double mean_g(double x) { return x + CASE_G_GROWTH - CASE_G_DECLINE * exp(CASE_G_THETA * x); }
static double mean_i(double x) { return CASE_I_LOG_R + x - CASE_I_C * exp(x); }

static double potential_d(const smc_case *c, int64_t t, double x)
{
    (void)c, (void)t;
    return -x * x;
}

static double potential_e(const smc_case *c, int64_t t, double x)
{
    return -0.5 * (c->values[t] * c->values[t] * exp(-x) + x + LOG_TWO_PI);
}

static double potential_g(const smc_case *c, int64_t t, double x)
{
    return log_normal(c->values[t], x, CASE_G_SD_Y);
}

static double potential_i(const smc_case *c, int64_t t, double x)
{
    const double y = c->values[t];
    return (y > 0 ? y * (log(CASE_I_PHI) + x) : 0) - CASE_I_PHI * exp(x) - lgamma(y + 1);
}

/* ---- C: three states ---- */

static int first_c(void *ctx, const mote_block *block, mote_source *source)
{
    (void)ctx;
    for (int64_t i = 0; i < block->n; ++i)
        block->state[0][i] = (double)mote_choose(source, case_c_initial, CASE_C_STATES);
    return 0;
}

static int move_c(void *ctx, const mote_block *block, mote_source *source)
{
    (void)ctx;
    for (int64_t i = 0; i < block->n; ++i)
        block->state[0][i] = (double)mote_choose(source, case_c_transition[(int)block->previous[0][i]], CASE_C_STATES);
    return 0;
}

static double potential_c(const smc_case *c, int64_t t, double x)
{
    (void)c;
    return case_c_log_emission(t, (int64_t)x);
}

static int density_c(void *ctx, const mote_block *block)
{
    (void)ctx;
    for (int64_t i = 0; i < block->n; ++i)
        block->log_weight[i] = log(case_c_transition[(int)block->previous[0][i]][(int)block->state[0][i]]);
    return 0;
}

static int bound_c(void *ctx, const mote_block *block)
{
    (void)ctx;
    for (int64_t i = 0; i < block->n; ++i)
        block->log_weight[i] = log(0.8);
    return 0;
}

/* ---- exact answers ---- */

double smc_case_term(const smc_case *c, int64_t t, double previous, double x)
{
    const double product = t ? previous * x : 0;
    return *c->name == 'T' ? product + x : product;
}

/* Sums over the three states of C or T, forwards. */
static void solve_finite(smc_case *c)
{
    const int tiny = *c->name == 'T';
    double law[3], expectation[3], square = 0, functional = 0;
    c->log_evidence = 0;
    for (int64_t t = 0; t < c->series.count; ++t) {
        double fresh[3], sums[3], sum = 0;
        for (int j = 0; j < 3; ++j) {
            fresh[j] = t ? 0 : tiny ? case_t_initial[j] : case_c_initial[j];
            sums[j] = t ? 0 : fresh[j] * smc_case_term(c, 0, NAN, j);
            for (int i = 0; t && i < 3; ++i) {
                const double p = law[i] * (tiny ? case_t_transition[i][j] : case_c_transition[i][j]);
                fresh[j] += p;
                sums[j] += p * (expectation[i] + smc_case_term(c, t, i, j));
            }
        }
        for (int j = 0; j < 3; ++j) {
            expectation[j] = sums[j] / fresh[j];
            law[j] = fresh[j] * (tiny ? case_t_potential[t][j] : exp(case_c_log_emission(t, j)));
            sum += law[j];
        }
        for (int j = 0; j < 3; ++j)
            law[j] /= sum;
        c->log_evidence += log(sum);
    }
    for (int j = 0; j < 3; ++j) {
        square += law[j] * j * j;
        functional += law[j] * expectation[j];
    }
    c->filtered_square = square;
    c->functional = functional;
}

static double log_initial_of(void *ctx, double x)
{
    const smc_case *c = ctx;
    return log_normal(x, c->initial_mean, c->initial_sd);
}

/* Linear-Gaussian cases have their slope among the parameters of the model. */
static double mean_of(const smc_case *c, double x)
{
    return c->mean ? c->mean(x) : c->model.parameters[LG_RHO].argument[0] * x;
}

static double log_transition_of(void *ctx, double previous, double x)
{
    const smc_case *c = ctx;
    return log_normal(x, mean_of(c, previous), c->sd);
}

static double log_potential_of(void *ctx, int64_t t, double x)
{
    const smc_case *c = ctx;
    return c->log_potential(c, t, x);
}

static double term_of(void *ctx, int64_t t, double previous, double x)
{
    return smc_case_term(ctx, t, previous, x);
}

static int solve_by_quadrature(smc_case *c)
{
    double edges[256];
    quadrature q;
    const quadrature_model model = {
        c->initial_sd > 0 ? log_initial_of : NULL, log_transition_of, log_potential_of, term_of, c->initial_mean, c
    };
    quadrature_edges(edges, c->lower, c->upper, c->panels);
    if (*c->name == 'I') { /* steep where there are many, and far below zero after a crash */
        quadrature_edges(edges, -60, -1, 70);
        quadrature_edges(edges + 70, -1, 4.6, 56);
    }
    if (quadrature_open(&q, &model, edges, c->panels))
        return -1;
    for (int64_t t = 0; t < c->series.count; ++t)
        quadrature_step(&q, t);
    c->log_evidence = q.log_likelihood;
    c->filtered_square = quadrature_moment(&q, 2);
    c->functional = quadrature_functional(&q);
    quadrature_close(&q);
    return 0;
}

/* ---- the cases ---- */

static double potential_lg(const smc_case *c, int64_t t, double x)
{
    return log_normal(c->values[t], x, sqrt(c->model.parameters[LG_VAR_Y].argument[0]));
}

static void make_linear(smc_case *c, const mote_parameter *parameters)
{
    c->model = linear_gaussian_a;
    c->model.parameters = parameters;
    c->log_potential = potential_lg;
    c->mean = NULL;
    c->sd = sqrt(parameters[LG_VAR_X].argument[0]);
    c->initial_sd = sqrt(parameters[LG_VAR_0].argument[0]);
    c->lower = -20, c->upper = 20, c->panels = 80;
}

static void make_normal(smc_case *c, double (*mean)(double), double (*potential)(const smc_case *, int64_t, double),
                        double sd)
{
    c->model = normal_model;
    c->model.ctx = c;
    c->mean = mean;
    c->log_potential = potential;
    c->sd = sd;
}

static int make_b(smc_case *c)
{
    static const mote_parameter parameters[] = { MOTE_FIXED("rho", CASE_B_RHO), MOTE_FIXED("var_x", CASE_B_VARIANCE_X),
                                                 MOTE_FIXED("var_y", CASE_B_VARIANCE_Y),
                                                 MOTE_FIXED("var_0", CASE_B_VARIANCE_X) };
    make_linear(c, parameters);
    return case_b_observations(c->values);
}

static void make_c(smc_case *c)
{
    make_normal(c, mean_d, potential_c, 1);
    c->model.initial = first_c, c->model.transition = move_c;
    c->model.log_transition = density_c, c->model.log_transition_bound = bound_c;
}

static void make_e(smc_case *c)
{
    make_normal(c, mean_e, potential_e, CASE_E_SIGMA);
    c->initial_mean = CASE_E_MU, c->initial_sd = CASE_E_SIGMA / sqrt(1 - CASE_E_RHO * CASE_E_RHO);
    c->lower = -11, c->upper = 9, c->panels = 40;
    for (int64_t t = 0; t < CASE_E_TIMES; ++t)
        c->values[t] = case_e_observation(t);
}

/* The whole case has this many times and this log-likelihood. */
static int make(smc_case *c, int64_t *times, double *log_likelihood)
{
    static const struct { char name; int64_t times; double log_likelihood;
    } known[] = { { 'A', CASE_A_TIMES, CASE_A_LOG_LIKELIHOOD }, { 'B', CASE_B_TIMES, CASE_B_LOG_LIKELIHOOD },
                  { 'C', CASE_C_TIMES, CASE_C_LOG_LIKELIHOOD }, { 'D', 20, 0 },
                  { 'E', CASE_E_TIMES, CASE_E_LOG_LIKELIHOOD }, { 'G', CASE_G_TIMES, CASE_G_LOG_LIKELIHOOD },
                  { 'I', CASE_I_TIMES, CASE_I_LOG_LIKELIHOOD }, { 'T', CASE_T_TIMES, 0 } };
    int status = 0;
    for (size_t i = 0; i < sizeof known / sizeof *known; ++i)
        if (known[i].name == *c->name)
            *times = known[i].times, *log_likelihood = known[i].log_likelihood;
    switch (*c->name) {
    case 'A': make_linear(c, linear_gaussian_a.parameters); case_a_observations(c->values, CASE_A_TIMES); break;
    case 'B': status = make_b(c); break;
    case 'C': make_c(c); break;
    case 'D':
        make_normal(c, mean_d, potential_d, CASE_D_SD);
        c->initial_sd = 1;
        c->lower = -8, c->upper = 8, c->panels = 40;
        *log_likelihood = case_d_log_evidence(*times);
        break;
    case 'E': make_e(c); break;
    case 'G':
        make_normal(c, mean_g, potential_g, CASE_G_SD_X);
        c->initial_sd = 1;
        c->lower = -8, c->upper = 14, c->panels = 45;
        status = case_g_observations(c->values);
        break;
    case 'I': make_normal(c, mean_i, potential_i, CASE_I_SIGMA); c->initial_mean = log(CASE_I_FIRST); c->panels = 126;
              status = case_i_observations(c->values); break;
    case 'T': c->model = chain_t; *log_likelihood = log(CASE_T_EVIDENCE); break;
    default: status = -1;
    }
    return status;
}

static int solve(smc_case *c, double log_likelihood)
{
    const int finite = *c->name == 'C' || *c->name == 'T';
    c->model.series = &c->series;
    if (finite)
        solve_finite(c);
    else if (solve_by_quadrature(c))
        return -1;
    if (isnan(log_likelihood) || fabs(c->log_evidence - log_likelihood) < 1e-9)
        return 0;
    fprintf(stderr, "case %s: log Z %.12f, published %.12f\n", c->name, c->log_evidence, log_likelihood);
    return -1;
}

int smc_case_open(smc_case *c, const char *name, int64_t times)
{
    int64_t all = 0;
    double log_likelihood = NAN;
    memset(c, 0, sizeof *c);
    c->name = name;
    if (make(c, &all, &log_likelihood))
        return -1;
    c->series = (mote_series){ MOTE_VERSIONED(mote_series), .count = times ? times : all };
    if (c->model.observation_count)
        c->series.values = c->values;
    return solve(c, times && times != all ? NAN : log_likelihood);
}

int smc_case_open_a(smc_case *c, double rho, int64_t times)
{
    static mote_parameter parameters[] = { MOTE_FIXED("rho", CASE_A_RHO), MOTE_FIXED("var_x", 1),
                                           MOTE_FIXED("var_y", 1), MOTE_FIXED("var_0", CASE_A_INITIAL) };
    memset(c, 0, sizeof *c);
    c->name = "A";
    parameters[LG_RHO].argument[0] = rho;
    make_linear(c, parameters);
    case_a_observations(c->values, times);
    c->series = (mote_series){ MOTE_VERSIONED(mote_series), .count = times, .values = c->values };
    return solve(c, NAN);
}
