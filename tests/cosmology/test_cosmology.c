/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The cosmology plug-in: chi-square of every set at two points against values computed twice, independently, with
 * dense quadratures; distances and growth against closed forms; batches against single rows; messages. */
#include <locale.h>

#include "tests/support/test.h"

#include "tests/cosmology/fixture.h"

/* ---- helpers -------------------------------------------------------------------------------------------------- */
static fixture *open_good(const char *text)
{
    fixture *out = fixture_open(text);
    if (out->status)
        print_error("%s\n", out->error);
    assert_status(out->status, MOTE_OK);
    return out;
}

typedef struct universe {
    double omega_m, omega_k, w, wa;
} universe;

static void set_universe(const fixture *from, double *theta, universe u)
{
    fixture_set(from, theta, "omega_m", u.omega_m);
    fixture_set(from, theta, "omega_k", u.omega_k);
    fixture_set(from, theta, "w", u.w);
    fixture_set(from, theta, "wa", u.wa);
    fixture_set(from, theta, "h", 0.7);
    fixture_set(from, theta, "hrd", 101);
    fixture_set(from, theta, "sigma8", 0.8);
}

/* ---- chi-squares ---------------------------------------------------------------------------------------------- */
static const struct {
    const char *name;
    double a, b; /* at flat LCDM, Om .3, and at Om .25, Ok .05, w -.9, wa .2 */
} check_values[] = {
    { "cc15", 6.4095, 6.8951 },       { "union3", 28.6580, 24.9981 },     { "boss_final", 5.9326, 11.4883 },
    { "mgs", 2.0530, 2.5905 },        { "cc31", 14.9832, 16.2703 },       { "union21b", 21.2933, 21.6358 },
    { "dr12_lrg", 1.5856, 4.2705 },   { "elg", .1073, .0038 },            { "pantheon40", 39.3275, 41.5112 },
    { "desi_dr1", 13.8012, 17.2476 }, { "dr16_lrg", 3.7946, 5.0164 },     { "lya_auto", 1.3705, 1.1899 },
    { "pantheon15", 19.4961, 23.7950 }, { "desi_dr2", 11.8371, 23.4594 }, { "dr16_qso", .8569, 1.0440 },
    { "lya_cross", 2.7622, 1.6908 },  { "jla31", 33.2190, 33.1785 },      { "boss_bao", 3.4163, 5.5091 },
    { "dr16_lrg_fs", 5.7401, 15.0593 }, { "fs8_gold", 14.1874, 14.5195 },
};
enum { CHECK_VALUES = sizeof check_values / sizeof *check_values };

static const universe point_a = { 0.30, 0, -1, 0 }, point_b = { 0.25, 0.05, -0.9, 0.2 };

static void chi_squares_have_the_check_values(void **unused)
{
    (void)unused;
    for (size_t i = 0; i < CHECK_VALUES; ++i) {
        char text[128], name[64];
        double theta[16], derived[16];
        snprintf(text, sizeof text, "model = owacdm\ndata = %s\n", check_values[i].name);
        snprintf(name, sizeof name, "chi2_%s", check_values[i].name);
        fixture *one = open_good(text);
        set_universe(one, theta, point_a);
        assert_close(-2 * fixture_evaluate(one, theta, derived), check_values[i].a, 0, 1e-3);
        assert_close(derived[fixture_place(one, name)], check_values[i].a, 0, 1e-3);
        set_universe(one, theta, point_b);
        assert_close(-2 * fixture_evaluate(one, theta, derived), check_values[i].b, 0, 1e-3);
        fixture_close(one);
    }
}

static void sets_add_up(void **unused)
{
    (void)unused;
    char text[1024] = "model = owacdm\nallow_overlap = yes\ndata =";
    for (size_t i = 0; i < CHECK_VALUES; ++i)
        snprintf(text + strlen(text), sizeof text - strlen(text), " %s", check_values[i].name);
    fixture *all = open_good(text);
    double theta[16], derived[64], sum = 0;
    set_universe(all, theta, point_b);
    const double value = fixture_evaluate(all, theta, derived);
    assert_close(-2 * value, derived[fixture_place(all, "chi2")], 1e-15, 0);
    for (size_t i = 0; i < CHECK_VALUES; ++i) {
        snprintf(text, sizeof text, "chi2_%s", check_values[i].name);
        assert_close(derived[fixture_place(all, text)], check_values[i].b, 0, 1e-3);
        sum += derived[fixture_place(all, text)];
    }
    assert_close(sum, derived[fixture_place(all, "chi2")], 1e-13, 0);
    fixture_close(all);
}

/* The combined DESI DR2 covariance is block diagonal: its tracers add up to it. */
static void tracers_add_up_to_dr2(void **unused)
{
    (void)unused;
    double theta[16], derived[32];
    fixture *one = open_good("model = owacdm\ndata = desi_dr2_bgs, desi_dr2_lrg1, desi_dr2_lrg2, desi_dr2_lrg3elg1, "
                             "desi_dr2_elg2, desi_dr2_qso, desi_dr2_lya\n");
    set_universe(one, theta, point_a);
    assert_close(-2 * fixture_evaluate(one, theta, derived), 11.8371, 0, 1e-3);
    fixture_close(one);
}

static void compressed_planck_has_its_known_answer(void **unused)
{
    (void)unused;
    const double h = 0.6736;
    double theta[16], derived[16];
    fixture *one = open_good("model = lcdm\ndata = plk18\n");
    fixture_set(one, theta, "h", h);
    fixture_set(one, theta, "omega_m", (0.14256 + 0.06 / 93.14) / (h * h));
    fixture_set(one, theta, "omega_b_h2", 0.02236);
    fixture_set(one, theta, "mnu", 0.06);
    fixture_set(one, theta, "neff", 3.046);
    assert_close(-2 * fixture_evaluate(one, theta, derived), 1.18, 0, 0.005);
    const double r_d = derived[fixture_place(one, "r_d")];
    assert_close(r_d, 147.0218, 0, 5e-5);
    assert_close(derived[fixture_place(one, "hrd")], h * r_d, 1e-14, 0);
    assert_close(derived[fixture_place(one, "omega_cb_h2")], 0.14256, 1e-14, 0);
    const cosmology *all = one->model.ctx;
    double squared[512], scratch[1024], dark[512], distance[1], integrand[512];
    point at;
    assert_true(all->redshifts.at.n <= 512);
    cosmology_point_set(&at, theta, all->index, 1, 1);
    cosmology_expansion(&at, all->model, &all->redshifts.at, fixture_exp, fixture_log, squared, dark, scratch);
    assert_true(cosmology_distances(&all->redshifts, 0, squared, integrand, distance));
    assert_close(HUBBLE_DISTANCE / h * distance[0], 13865.08, 0, 0.005);
    fixture_close(one);
}

/* ---- distances and growth ------------------------------------------------------------------------------------- */
/* Distances and growth at the plan's redshifts in any universe, past the prior's bounds too. */
static int solve(const fixture *one, universe u, double *distance, double *growth)
{
    const cosmology *all = one->model.ctx;
    const plan *redshifts = &all->redshifts;
    double theta[16], *block = malloc((size_t)redshifts->at.n * 5 * sizeof *block);
    double *dark = block + redshifts->at.n, *scratch = dark + redshifts->at.n;
    double *integrand = scratch + 2 * redshifts->at.n;
    point at;
    set_universe(one, theta, u);
    cosmology_point_set(&at, theta, all->index, 0, 0);
    cosmology_expansion(&at, all->model, &redshifts->at, fixture_exp, fixture_log, block, dark, scratch);
    const int possible = cosmology_distances(redshifts, u.omega_k, block, integrand, distance);
    if (possible && growth)
        cosmology_growth(redshifts, &at, block, dark, growth);
    free(block);
    return possible;
}

static const plan *redshifts_of(const fixture *one)
{
    return &((const cosmology *)one->model.ctx)->redshifts;
}

static void distances_have_their_closed_forms(void **unused)
{
    (void)unused;
    static const char *const sets[] = { "union2", "pantheon40", "lya_auto", "plk18" };
    for (size_t s = 0; s < sizeof sets / sizeof *sets; ++s) {
        char text[64];
        snprintf(text, sizeof text, "model = owacdm\ndata = %s\n", sets[s]);
        fixture *one = open_good(text);
        const plan *at = redshifts_of(one);
        double *distance = malloc((size_t)at->count * sizeof *distance);
        assert_true(solve(one, (universe){ 1, 0, -1, 0 }, distance, NULL)); /* Einstein-de Sitter */
        for (int64_t j = 0; j < at->count; ++j)
            assert_close(distance[j], 2 * (1 - 1 / sqrt(1 + at->z[j])), 1e-11, 0);
        assert_true(solve(one, (universe){ 0, 0, -1, 0 }, distance, NULL)); /* de Sitter */
        for (int64_t j = 0; j < at->count; ++j)
            assert_close(distance[j], at->z[j], 1e-11, 0);
        assert_true(solve(one, (universe){ 0, 1, -1, 0 }, distance, NULL)); /* Milne */
        for (int64_t j = 0; j < at->count; ++j)
            assert_close(distance[j], (at->z[j] + 0.5 * at->z[j] * at->z[j]) / (1 + at->z[j]), 1e-11, 0);
        /* Mattig: matter 2, closed; D = 2 (Om z + (Om - 2)(sqrt(1 + Om z) - 1)) / (Om^2 (1 + z)) */
        const int64_t last = at->count - 1;
        if (solve(one, (universe){ 2, -1, -1, 0 }, distance, NULL))
            assert_close(distance[last], at->z[last] / (1 + at->z[last]), 1e-10, 0);
        free(distance);
        fixture_close(one);
    }
}

/* 5-point Gauss in 2000 panels of its own, and E^2 written again. */
static double naive_chi(universe u, double z, double *least)
{
    static const double node[] = { 0.046910077030668004, 0.23076534494715845, 0.5, 0.76923465505284155,
                                   0.95308992296933200 };
    static const double weight[] = { 0.11846344252809454, 0.23931433524968323, 0.28444444444444444, 0.23931433524968323,
                                     0.11846344252809454 };
    const double width = log1p(z) / 2000;
    double sum = 0;
    *least = HUGE_VAL;
    for (int i = 0; i < 2000; ++i)
        for (int k = 0; k < 5; ++k) {
            const double q = exp((i + node[k]) * width), a = 1 / q;
            const double squared = u.omega_m * q * q * q + u.omega_k * q * q + (1 - u.omega_m - u.omega_k) *
                                   pow(q, 3 * (1 + u.w + u.wa)) * exp(-3 * u.wa * (1 - a));
            *least = fmin(*least, squared);
            sum += weight[k] * width * q / sqrt(squared);
        }
    return sum;
}

static void distances_agree_with_a_dense_quadrature(void **unused)
{
    (void)unused;
    static const char *const sets[] = { "union2", "cc15 desi_dr2 pantheon40", "mgs", "lya_auto" };
    uint64_t seed = 1;
    for (size_t s = 0; s < sizeof sets / sizeof *sets; ++s) {
        char text[64];
        snprintf(text, sizeof text, "model = owacdm\ndata = %s\n", sets[s]);
        fixture *one = open_good(text);
        const plan *at = redshifts_of(one);
        double *distance = malloc((size_t)at->count * sizeof *distance), v[4], least;
        for (int i = 0; i < 40; ++i) {
            for (int k = 0; k < 4; ++k) {
                seed = seed * 6364136223846793005u + 1442695040888963407u;
                v[k] = (double)(seed >> 11) * 0x1p-53;
            }
            const universe u = { 0.1 + 0.4 * v[0], -0.3 + 0.6 * v[1], -3 + 4 * v[2], -3 + 5 * v[3] };
            const int64_t last = at->count - 1; /* CC's last redshift has no distance, but the others' last has */
            const int64_t j = at->need[last] & NEED_DISTANCE ? last : cosmology_plan_find(at, 1.484);
            const double chi = naive_chi(u, at->z[j], &least);
            const int possible = solve(one, u, distance, NULL);
            if (least > 0.03) {
                assert_true(possible);
                assert_close(distance[j], cosmology_curved(u.omega_k, chi), 1e-9, 0);
            } else if (least < -0.01) {
                assert_false(possible);
            }
        }
        free(distance);
        fixture_close(one);
    }
}

static void curvature_is_smooth_at_zero(void **unused)
{
    (void)unused;
    for (double chi = 0.5; chi < 4; chi += 0.7)
        for (int i = 1; i < 60; ++i) {
            const double y = 0.05 * i, k = y / (chi * chi), root = sqrt(k);
            assert_close(cosmology_curved(k, chi), sinh(root * chi) / root, 1e-14, 0);
            assert_close(cosmology_curved(-k, chi), sin(root * chi) / root, 1e-14, 0);
        }
    assert_true(cosmology_curved(0, 1.25) == 1.25);
}

/* D+ of LCDM with curvature: H integral da/(aH)^3 (Heath 1977), by a dense sum. */
static double heath(universe u, double a)
{
    const double lambda = 1 - u.omega_m - u.omega_k;
    double sum = 0;
    const int n = 20000;
    for (int i = 0; i < n; ++i) { /* b = a s^2 makes the integrand a smooth power of s */
        const double s = (i + 0.5) / n, b = a * s * s;
        const double rate = sqrt(u.omega_m / b + u.omega_k + lambda * b * b); /* a E */
        sum += 2 * a * s / n / (rate * rate * rate);
    }
    return sqrt(u.omega_m / (a * a * a) + u.omega_k / (a * a) + lambda) * sum;
}

static void growth_has_its_closed_forms(void **unused)
{
    (void)unused;
    fixture *one = open_good("model = owacdm\ndata = fs8_gold\n");
    const plan *at = redshifts_of(one);
    double distance[64], growth[64];
    assert_true(at->count <= 64 && solve(one, (universe){ 1, 0, -1, 0 }, distance, growth));
    for (int64_t j = 0; j < at->count; ++j)
        assert_close(growth[j], 0.8 / (1 + at->z[j]), 1e-7, 0);
    static const universe worlds[] = { { 0.3, 0, -1, 0 }, { 0.25, 0.1, -1, 0 }, { 0.4, -0.1, -1, 0 } };
    for (size_t i = 0; i < 3; ++i) {
        assert_true(solve(one, worlds[i], distance, growth));
        for (int64_t j = 0; j < at->count; ++j) {
            const double a = 1 / (1 + at->z[j]), step = 1e-3;
            const double slope = (heath(worlds[i], a * exp(step)) - heath(worlds[i], a * exp(-step))) / (2 * step);
            assert_close(growth[j], 0.8 * slope / heath(worlds[i], 1), 3e-6, 0);
        }
    }
    fixture_close(one);
}

static void derived_parameters_have_their_closed_forms(void **unused)
{
    (void)unused;
    double theta[16], derived[16];
    fixture *one = open_good("model = owacdm\ndata = cc15\n");
    set_universe(one, theta, (universe){ 1, 0, -1, 0 });
    fixture_evaluate(one, theta, derived);
    assert_close(derived[fixture_place(one, "age")], 2.0 / 3 * 9.7779222168 / 0.7, 1e-10, 0);
    assert_close(derived[fixture_place(one, "q0")], 0.5, 1e-14, 0);
    set_universe(one, theta, (universe){ 0.3, 0, -1, 0 });
    fixture_evaluate(one, theta, derived);
    assert_close(derived[fixture_place(one, "age")],
                 9.7779222168 / 0.7 * 2 / (3 * sqrt(0.7)) * asinh(sqrt(0.7 / 0.3)), 1e-9, 0);
    assert_close(derived[fixture_place(one, "q0")], 0.15 - 0.7, 1e-14, 0);
    assert_close(derived[fixture_place(one, "omega_de")], 0.7, 1e-14, 0);
    assert_close(derived[fixture_place(one, "H0")], 70, 1e-14, 0);
    set_universe(one, theta, (universe){ 0.25, 0.05, -0.9, 0.2 });
    fixture_evaluate(one, theta, derived);
    assert_close(derived[fixture_place(one, "q0")], 0.5 * (0.25 + 0.7 * (1 - 2.7)), 1e-13, 0);
    fixture_close(one);
}

/* Massive neutrinos: E^2 by Komatsu's formula written again; its slope by differences. */
static void neutrinos_follow_the_fit(void **unused)
{
    (void)unused;
    fixture *one = open_good("model = nuowacdm\ndata = plk18\n");
    const cosmology *all = one->model.ctx;
    double theta[16] = { 0 }, squared[512], dark[512], scratch[1024];
    set_universe(one, theta, (universe){ 0.3, 0.02, -0.9, 0.3 });
    fixture_set(one, theta, "omega_b_h2", 0.0224);
    fixture_set(one, theta, "neff", 3.046);
    for (double mass = 0; mass < 0.5; mass += 0.2) {
        point at;
        fixture_set(one, theta, "mnu", mass);
        cosmology_point_set(&at, theta, all->index, 1, 1);
        cosmology_expansion(&at, all->model, &all->redshifts.at, fixture_exp, fixture_log, squared, dark, scratch);
        for (int64_t k = 0; k < all->redshifts.at.n; k += 7) {
            const double a = all->redshifts.at.a[k], onu = mass / 93.14, y = 3 * 187 * (onu / 1e-3) * a;
            const double f = pow(1 + pow(0.3173 * y, 1.83), 1 / 1.83);
            const double radiation = 2.473e-5 / 0.49 / pow(a, 4) * (1 + 0.2271 * 3.046 * (2 + f) / 3);
            const double rest = (0.3 - onu / 0.49) / pow(a, 3) + 0.02 / (a * a) +
                                at.dark_energy * pow(a, -3 * (1 - 0.9 + 0.3)) * exp(-0.9 * (1 - a));
            assert_close(squared[k], rest + radiation, 1e-12, 0);
        }
        nodes near = all->redshifts.at;
        double x[2] = { 0.5 - 1e-5, 0.5 + 1e-5 }, a[2], q2[2], q3[2], q4[2];
        for (int i = 0; i < 2; ++i) {
            a[i] = exp(-x[i]);
            q2[i] = exp(2 * x[i]);
            q3[i] = exp(3 * x[i]);
            q4[i] = exp(4 * x[i]);
        }
        near = (nodes){ .n = 2, .a = a, .x = x, .q2 = q2, .q3 = q3, .q4 = q4 };
        cosmology_expansion(&at, all->model, &near, fixture_exp, fixture_log, squared, dark, scratch);
        const double difference = (squared[0] - squared[1]) / 2e-5;
        assert_close(cosmology_slope(&at, exp(-0.5), 0.5 * (dark[0] + dark[1])), difference, 1e-8, 0);
    }
    fixture_close(one);
}

/* ---- contract ------------------------------------------------------------------------------------------------- */
static void batches_equal_single_rows(void **unused)
{
    (void)unused;
    enum { ROWS = 37, STRIDE = 12 };
    fixture *one = open_good("model = owacdm\ndata = cc15 desi_dr2 pantheon40 plk18\n");
    const int64_t dimension = fixture_dimension(one), count = one->model.target->parameter_count - dimension;
    double theta[ROWS * STRIDE], log_likelihood[ROWS], derived[ROWS * 32], single[32];
    assert_true(dimension <= STRIDE && count <= 32);
    for (int64_t i = 0; i < ROWS; ++i) {
        set_universe(one, theta + i * STRIDE, (universe){ 0.1 + 0.01 * (double)i, -0.2 + 0.01 * (double)i, -1.5, 0.1 });
        fixture_set(one, theta + i * STRIDE, "omega_b_h2", 0.022);
        fixture_set(one, theta + i * STRIDE, "mnu", 0.06);
        fixture_set(one, theta + i * STRIDE, "neff", 3.046);
    }
    const mote_batch batch = { MOTE_VERSIONED(mote_batch), .n = ROWS, .dimension = dimension, .stride = STRIDE,
                               .theta = theta, .log_likelihood = log_likelihood, .derived_count = count,
                               .derived_stride = 32, .derived = derived };
    assert_status(one->model.target->log_likelihood(one->model.target->ctx, &batch), 0);
    for (int64_t i = 0; i < ROWS; ++i) {
        const double value = fixture_evaluate(one, theta + i * STRIDE, single);
        assert_true(isfinite(value));
        assert_same_bytes(&value, &log_likelihood[i], sizeof value);
        assert_same_bytes(single, derived + i * 32, (size_t)count * sizeof *single);
    }
    assert_true(one->model.target->flags & MOTE_THREADSAFE);
    fixture_close(one);
}

static void a_bounce_has_no_likelihood(void **unused)
{
    (void)unused;
    double theta[16], derived[16];
    fixture *one = open_good("model = owacdm\ndata = pantheon40 mgs\n");
    set_universe(one, theta, (universe){ 0.1, -0.3, -3, 0 });
    assert_true(fixture_evaluate(one, theta, derived) == -HUGE_VAL);
    set_universe(one, theta, point_a);
    assert_true(isfinite(fixture_evaluate(one, theta, derived)));
    fixture_set(one, theta, "hrd", 80); /* outside MGS's table */
    assert_true(fixture_evaluate(one, theta, derived) == -HUGE_VAL);
    fixture_close(one);
}

static void parameters_are_as_documented(void **unused)
{
    (void)unused;
    static const struct {
        const char *text, *names;
    } cases[] = {
        { "data = pantheon40\n", "omega_m" },
        { "data = PB\n", "omega_m" },
        { "model = olcdm\ndata = desi_dr2\n", "omega_m omega_k hrd" },
        { "model = wcdm\ndata = cc15\n", "omega_m w h" },
        { "model = cpl\ndata = cc15+desi_dr2+pantheon40\n", "omega_m w wa h hrd" },
        { "model = owacdm\ndata = boss_final\n", "omega_m omega_k w wa hrd sigma8" },
        { "data = fs8_gold\n", "omega_m sigma8" },
        { "data = plk18 desi_dr2\n", "omega_m h omega_b_h2 mnu neff" },
        { "data = desi_dr2\ngaussian.H0 = 73 1\n", "omega_m h hrd" },
        { "data = desi_dr2\nsound_horizon = computed\n", "omega_m h omega_b_h2 mnu neff" },
        { "model = nulcdm\ndata = cc15\n", "omega_m h mnu neff" },
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; ++i) {
        char names[256] = "";
        fixture *one = open_good(cases[i].text);
        for (int64_t k = 0; k < fixture_dimension(one); ++k)
            snprintf(names + strlen(names), sizeof names - strlen(names), "%s%s", k ? " " : "",
                     one->model.target->parameters[k].name);
        assert_string_equal(names, cases[i].names);
        fixture_close(one);
    }
}

static void priors_are_those_of_the_reference(void **unused)
{
    (void)unused;
    static const struct {
        const char *name;
        double lower, upper;
    } priors[] = { { "omega_m", .1, .5 }, { "omega_k", -.3, .3 }, { "w", -3, 1 },
                   { "wa", -3, 2 },       { "h", .4, .9 },        { "hrd", 80, 125 } };
    fixture *one = open_good("model = owacdm\ndata = cc15 desi_dr2\n");
    for (size_t i = 0; i < sizeof priors / sizeof *priors; ++i) {
        const mote_parameter *parameter = &one->model.target->parameters[fixture_place(one, priors[i].name)];
        assert_int_equal(parameter->prior, MOTE_PRIOR_UNIFORM);
        assert_true(parameter->argument[0] == priors[i].lower && parameter->argument[1] == priors[i].upper);
        assert_non_null(parameter->label);
    }
    fixture_close(one);
}

static void gaussian_terms_are_added(void **unused)
{
    (void)unused;
    double theta[16], derived[32];
    fixture *plain = open_good("data = cc15\n"), *one = open_good("data = cc15\ngaussian.h = 0.73 0.01\n"
                               "gaussian.age = 13 0.5\ngaussian.omega_lambda = 0.68 0.02\n");
    set_universe(one, theta, point_a);
    const double before = fixture_evaluate(plain, theta, derived), age = derived[fixture_place(plain, "age")];
    const double expected = 9 + (age - 13) * (age - 13) / 0.25 + 1;
    assert_close(fixture_evaluate(one, theta, derived), before - 0.5 * expected, 1e-12, 0);
    assert_close(derived[fixture_place(one, "chi2")], -2 * before + expected, 1e-12, 0);
    assert_non_null(strstr(one->model.target->identity, "gaussian h 0.72999999999999998"));
    assert_string_not_equal(one->model.target->identity, plain->model.target->identity);
    fixture_close(plain);
    fixture_close(one);
}

/* Runs are comparable when their data agree, whatever the model and the order in the ini. */
static void identity_is_that_of_the_data(void **unused)
{
    (void)unused;
    double theta[16], one_derived[32], other_derived[32];
    fixture *one = open_good("model = lcdm\ndata = pantheon40 cc15 dr2\n");
    fixture *other = open_good("model = cpl\ndata = desi_dr2, pb, cc15\n");
    fixture *fewer = open_good("model = cpl\ndata = desi_dr2 cc15\n");
    assert_string_equal(one->model.target->identity, other->model.target->identity);
    assert_string_not_equal(one->model.target->identity, fewer->model.target->identity);
    set_universe(one, theta, point_a);
    const double value = fixture_evaluate(one, theta, one_derived);
    set_universe(other, theta, point_a);
    assert_close(fixture_evaluate(other, theta, other_derived), value, 1e-14, 0);
    fixture_close(one);
    fixture_close(other);
    fixture_close(fewer);
}

static void files_are_identified(void **unused)
{
    (void)unused;
    fixture *one = open_good("data = pantheon40 elg\n");
    assert_int_equal(one->identified_count, 3);
    assert_string_equal(one->identified[0], "lcparam_DS17f.txt");
    assert_string_equal(one->identified[1], "sys_DS17f.txt");
    assert_string_equal(one->identified[2], "sdss_DR16_ELG_BAO_DVtable.txt");
    fixture_close(one);
}

static void numbers_do_not_depend_on_the_locale(void **unused)
{
    (void)unused;
    if (!setlocale(LC_NUMERIC, "de_DE.UTF-8"))
        skip();
    double theta[16], derived[16];
    fixture *one = open_good("data = pantheon40\ngaussian.omega_m = 0.3 0.5\n");
    set_universe(one, theta, point_a);
    assert_close(-2 * fixture_evaluate(one, theta, derived), 39.3275, 0, 1e-3);
    fixture_close(one);
    setlocale(LC_NUMERIC, "C");
}

/* ---- constraints ------------------------------------------------------------------------------------------------- */
/* The share of a grid of N x N mid-points over the priors of w and wa that lies inside. */
static double share_inside(const char *inequalities)
{
    enum { N = 400 };
    char text[256];
    double theta[16] = { 0 };
    int64_t inside = 0;
    snprintf(text, sizeof text, "model = cpl\ndata = cc15\nconstraint = %s\n", inequalities);
    fixture *one = open_good(text);
    fixture_set(one, theta, "omega_m", 0.3);
    fixture_set(one, theta, "h", 0.7);
    for (int64_t i = 0; i < N; ++i)
        for (int64_t k = 0; k < N; ++k) {
            fixture_set(one, theta, "w", -3 + 4 * (i + 0.5) / N);
            fixture_set(one, theta, "wa", -3 + 5 * (k + 0.5) / N);
            inside += one->model.target->constraint(one->model.target->ctx, theta);
        }
    fixture_close(one);
    return (double)inside / (N * N);
}

static void constraints_cut_the_prior(void **unused)
{
    (void)unused;
    /* Areas by hand. Along a straight edge the grid errs by less than a cell for each row: 1/N = .0025. */
    assert_close(share_inside("w + wa < 0"), 15.5 / 20, 0, 2.5e-3);
    assert_close(share_inside("0 >= wa + w"), 15.5 / 20, 0, 2.5e-3);
    assert_close(share_inside("-w > wa"), 15.5 / 20, 0, 2.5e-3);
    assert_close(share_inside("w + wa < 0, w > -1"), 6.0 / 20, 0, 2.5e-3);
    assert_close(share_inside("w > -1,wa<=.5"), 7.0 / 20, 0, 1e-12);
    assert_close(share_inside("2*w - 1.5 > 3 - 4 w"), 0.0625, 0, 1e-12); /* w > .75: a sixteenth */
    assert_close(share_inside("omega_m < h, 1 + w > -1 - 1"), 1, 0, 0);
    assert_close(share_inside("omega_m > h"), 0, 0, 0);
    fixture *none = open_good("model = cpl\ndata = cc15\n");
    assert_null(none->model.target->constraint);
    fixture_close(none);
    fixture *edge = open_good("model = cpl\ndata = cc15\nconstraint = w <= -1\n");
    double theta[16] = { 0 };
    fixture_set(edge, theta, "w", -1);
    assert_int_equal(edge->model.target->constraint(edge->model.target->ctx, theta), 1);
    fixture_set(edge, theta, "w", NAN);
    assert_int_equal(edge->model.target->constraint(edge->model.target->ctx, theta), 0);
    fixture_close(edge);
    edge = open_good("model = cpl\ndata = cc15\nconstraint = w < -1\n");
    fixture_set(edge, theta, "w", -1);
    assert_int_equal(edge->model.target->constraint(edge->model.target->ctx, theta), 0);
    fixture_close(edge);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(chi_squares_have_the_check_values),
        cmocka_unit_test(sets_add_up),
        cmocka_unit_test(tracers_add_up_to_dr2),
        cmocka_unit_test(compressed_planck_has_its_known_answer),
        cmocka_unit_test(distances_have_their_closed_forms),
        cmocka_unit_test(distances_agree_with_a_dense_quadrature),
        cmocka_unit_test(curvature_is_smooth_at_zero),
        cmocka_unit_test(growth_has_its_closed_forms),
        cmocka_unit_test(derived_parameters_have_their_closed_forms),
        cmocka_unit_test(neutrinos_follow_the_fit),
        cmocka_unit_test(batches_equal_single_rows),
        cmocka_unit_test(a_bounce_has_no_likelihood),
        cmocka_unit_test(parameters_are_as_documented),
        cmocka_unit_test(priors_are_those_of_the_reference),
        cmocka_unit_test(gaussian_terms_are_added),
        cmocka_unit_test(identity_is_that_of_the_data),
        cmocka_unit_test(files_are_identified),
        cmocka_unit_test(numbers_do_not_depend_on_the_locale),
        cmocka_unit_test(constraints_cut_the_prior),
    };
    return run_unit_tests(tests);
}
