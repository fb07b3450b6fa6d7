/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Parameter spaces: what is refused and how it is named, the maps of groups against exact laws, versioned structs,
 * failing memory, the likelihood adapter. */
#include "model/space.h"

#include "core/special.h"
#include "model/prior.h"

#include "tests/support/allocator.h"
#include "tests/support/test.h"

static int likelihood(void *ctx, const double *theta, double *log_likelihood, double *derived)
{
    (void)ctx;
    *log_likelihood = -theta[0];
    if (derived)
        derived[0] = 2.0 * theta[0];
    return theta[0] > 0.9 ? -7 : theta[0] > 0.5 ? 1 : 0;
}

static int batch_likelihood(void *ctx, const mote_batch *batch)
{
    (void)ctx;
    for (int64_t i = 0; i < batch->n; ++i)
        batch->log_likelihood[i] = batch->theta[i * batch->stride];
    return 0;
}

static mote_target target_of(const mote_parameter *parameters, int64_t count)
{
    return (mote_target){ MOTE_VERSIONED(mote_target), .parameters = parameters, .parameter_count = count,
                          .parameter_size = sizeof *parameters, .log_likelihood_point = likelihood };
}

static mote_memory memory;
static mote_message message;

static int start(void **state)
{
    (void)state;
    return mote_memory_open(&memory, NULL);
}

static void opened(mote_space *space, const mote_target *target)
{
    message.text[0] = 0;
    const int status = mote_space_open(space, target, &memory, &message);
    if (status)
        print_error("%s\n", message.text);
    assert_status(status, MOTE_OK);
}

#define OPENED(space, ...)                                                                \
    const mote_parameter space##_list[] = { __VA_ARGS__ };                                \
    const mote_target space##_target = target_of(space##_list, (int64_t)(sizeof space##_list / sizeof *space##_list)); \
    mote_space space;                                                                     \
    opened(&space, &space##_target)

static void refused(const mote_target *target, int expected, const char *name)
{
    mote_space space;
    message.text[0] = 0;
    assert_status(mote_space_open(&space, target, &memory, &message), expected);
    if (!strstr(message.text, name))
        print_error("message: %s\n", message.text);
    assert_non_null(strstr(message.text, name));
    mote_space_close(&space); /* allowed after a failed open */
}

#define REFUSED(name, ...)                                                                              \
    do {                                                                                                \
        const mote_parameter list_[] = { __VA_ARGS__ };                                                 \
        const mote_target target_ = target_of(list_, (int64_t)(sizeof list_ / sizeof *list_));          \
        refused(&target_, MOTE_EINVAL, "'" name "'");                                                   \
    } while (0)

static void faults_name_the_parameter(void **state)
{
    (void)state;
    REFUSED("2x", MOTE_UNIFORM("2x", 0, 1));
    REFUSED("", MOTE_UNIFORM("", 0, 1));
    REFUSED("a b", MOTE_UNIFORM("a b", 0, 1));
    REFUSED("\xc3\xa9", MOTE_UNIFORM("\xc3\xa9", 0, 1));
    REFUSED("x", MOTE_UNIFORM("x", 0, 1), MOTE_NORMAL("y", 0, 1), MOTE_DERIVED("x"));
    REFUSED("y", MOTE_UNIFORM("x", 0, 1), MOTE_UNIFORM("y", 1, 0));
    REFUSED("y", MOTE_UNIFORM("x", 0, 1), MOTE_NORMAL("y", 0, 0));
    REFUSED("z", MOTE_UNIFORM("x", 0, 1), MOTE_FIXED("z", NAN));
    REFUSED("w", { .name = "w" });
    REFUSED("w", { .name = "w", .prior = 99 });
    REFUSED("c", MOTE_UNIFORM("x", 0, 1), MOTE_CONDITIONAL("c"));
    REFUSED("d", MOTE_UNIFORM("x", 0, 1), MOTE_DIRICHLET("d", 1));
    REFUSED("d", MOTE_DIRICHLET("d", 1), MOTE_UNIFORM("x", 0, 1), MOTE_DIRICHLET("e", 1));
    REFUSED("d", MOTE_DIRICHLET("d", 1), MOTE_DIRICHLET("e", 1, .group = 1));
    REFUSED("t", MOTE_SORTED("s", 0, 1), MOTE_SORTED("t", 0, 2));
    REFUSED("p", MOTE_NORMAL("p", 0, 1, .boundary = MOTE_BOUNDARY_PERIODIC));
    REFUSED("p", MOTE_SORTED("p", 0, 1, .boundary = MOTE_BOUNDARY_REFLECTIVE));
    REFUSED("p", MOTE_UNIFORM("p", 0, 1, .boundary = 3));
    REFUSED("q", MOTE_UNIFORM("q", 0, 1, .speed = -1));
    const mote_parameter nameless[] = { MOTE_UNIFORM("x", 0, 1), { .prior = MOTE_PRIOR_UNIFORM,
                                                                   .argument = { 0, 1 } } };
    const mote_target target = target_of(nameless, 2);
    refused(&target, MOTE_EINVAL, "number 2");
}

static void faults_of_the_target(void **state)
{
    (void)state;
    const mote_parameter list[] = { MOTE_UNIFORM("x", 0, 1) };
    mote_target target = target_of(list, 1);
    refused(NULL, MOTE_EINVAL, "NULL");
    target.head.kind = MOTE_KIND_mote_nested_options;
    refused(&target, MOTE_EKIND, "mote_target");
    target = target_of(NULL, 1);
    refused(&target, MOTE_EINVAL, "no parameters");
    target = target_of(list, 1);
    target.parameter_size = 0;
    refused(&target, MOTE_EINVAL, "MOTE_PARAMETERS");
    target = target_of(list, 1);
    target.log_likelihood_point = NULL;
    refused(&target, MOTE_EINVAL, "log_likelihood");
    target = target_of(list, 1);
    target.flags = MOTE_HAS_GRADIENT;
    refused(&target, MOTE_EINVAL, "MOTE_HAS_GRADIENT");
    target.flags = 1 << 10;
    refused(&target, MOTE_EVERSION, "flags");
    const mote_parameter fixed[] = { MOTE_FIXED("h", 0.7), MOTE_DERIVED("age") };
    target = target_of(fixed, 2);
    refused(&target, MOTE_EINVAL, "to sample");
}

static void structs_of_other_versions(void **state)
{
    (void)state;
    struct newer_parameter { mote_parameter now; double later; } list[2] = {
        { MOTE_UNIFORM("x", 0, 1), 0.0 }, { MOTE_NORMAL("y", 3, 1, .label = "\\eta"), 0.0 } };
    struct newer_target { mote_target now; double later; } target = { target_of(&list[0].now, 2), 0.0 };
    target.now.parameter_size = sizeof *list;
    target.now.head.size = sizeof target;
    mote_space space;
    opened(&space, &target.now);
    assert_string_equal(space.parameters[1].label, "\\eta");
    assert_int_equal(space.target.head.size, sizeof(mote_target));
    assert_int_equal(space.target.parameter_size, sizeof(mote_parameter));
    assert_ptr_equal(space.target.parameters, space.parameters);
    mote_space_close(&space);
    list[1].later = 1.0;
    refused(&target.now, MOTE_EVERSION, "'y'");
    list[1].later = 0.0;
    target.later = 1.0;
    refused(&target.now, MOTE_EVERSION, "mote_target");

    /* An older header: no fields after `flags`; the memory behind it is not read. */
    mote_target old = target_of(&list[0].now, 2);
    old.parameter_size = sizeof *list;
    old.head.size = offsetof(mote_target, flags);
    old.flags = 1 << 10;
    opened(&space, &old);
    assert_int_equal(space.target.flags, 0);
    mote_space_close(&space);
    old.parameter_count = 1;
    old.parameter_size = offsetof(mote_parameter, prior); /* a parameter without a prior */
    refused(&old, MOTE_EINVAL, "'x'");
}

static void counts_and_names_of_coordinates(void **state)
{
    (void)state;
    OPENED(space, MOTE_FIXED("f", 2.5), MOTE_UNIFORM("u", -1, 3, .boundary = MOTE_BOUNDARY_PERIODIC, .speed = 2),
           MOTE_DERIVED("q"), MOTE_DIRICHLET("d", 1, .speed = 3), MOTE_DIRICHLET("e", 2, .speed = 1),
           MOTE_DIRICHLET("g", 3, .speed = 5), MOTE_SORTED("s", 0, 1), MOTE_SORTED("t", 0, 1), MOTE_NORMAL("n", 0, 1));
    assert_int_equal(space.dimension, 6);
    assert_int_equal(space.theta_count, 8);
    assert_int_equal(space.sampled_count, 7);
    assert_int_equal(space.derived_count, 1);
    assert_int_equal(space.derived_parameter[0], 2);
    assert_int_equal(space.simple, 0);
    const int64_t theta[] = { 1, 2, 3, 5, 6, 7 }, speed[] = { 2, 1, 1, 0, 0, 0 }, parameter[] = { 0, 1, 3, 4, 5, 6, 7,
                                                                                                  8 };
    for (int i = 0; i < 6; ++i) {
        assert_int_equal(space.cube_theta[i], theta[i]);
        assert_int_equal(space.speed[i], speed[i]);
        assert_int_equal(space.boundary[i], i == 0 ? MOTE_BOUNDARY_PERIODIC : MOTE_BOUNDARY_HARD);
    }
    for (int i = 0; i < 8; ++i)
        assert_int_equal(space.theta_parameter[i], parameter[i]);
    mote_space_close(&space);
}

/* Entry by entry the same bits as the public quantile, in any mixture of kinds. */
static void transform_has_the_bits_of_the_quantile(void **state)
{
    (void)state;
    OPENED(space, MOTE_UNIFORM("a", -1, 3), MOTE_UNIFORM("b", 0.1, 0.3), MOTE_FIXED("f", 2.5),
           MOTE_LOG_UNIFORM("c", 1e-3, 7),
           MOTE_LOG_UNIFORM("l", 1e-200, 1e200), MOTE_NORMAL("d", 1, 2), MOTE_GAMMA("e", 2, 3), MOTE_UNIFORM("g", 5, 6),
           MOTE_FIXED("h", -1), MOTE_BETA("i", 2, 0.5), MOTE_STUDENT("j", 3, 0, 1), MOTE_TRUNCATED_NORMAL("k", 0, 1, 8,
                                                                                                          9));
    double cube[12], theta[12];
    assert_int_equal(space.simple, 1);
    for (int trial = 0; trial < 50; ++trial) {
        for (int i = 0; i < space.dimension; ++i)
            cube[i] = fmod(0.5 + (trial * 12 + i) * 0.61803398874989485, 1.0);
        assert_status(mote_space_transform(&space, cube, theta), MOTE_OK);
        for (int i = 0; i < space.dimension; ++i) {
            const int64_t at = space.cube_theta[i];
            const double expected = mote_prior_quantile(&space.parameters[space.theta_parameter[at]], cube[i],
                                                        1.0 - cube[i]);
            assert_same_bytes(&theta[at], &expected, sizeof expected);
        }
        assert_true(theta[2] == 2.5 && theta[8] == -1.0);
    }
    mote_space_close(&space);
}

static void uniform_stays_inside(void **state)
{
    (void)state;
    const double below_one = 1.0 - 0x1p-53;
    for (int i = 1; i < 2000; ++i) {
        const mote_parameter p = MOTE_UNIFORM("x", -0.1 * i, 0.37 * i + 1e-3 / i);
        const double x = mote_prior_quantile(&p, below_one, 0x1p-53);
        assert_true(x >= p.argument[0] && x <= p.argument[1]);
    }
}

/* x_(i) of N has law Beta(i, N + 1 - i): with all other coordinates integrated out on a midpoint grid, P(x_i <= c) must
 * be the order statistic's. In each coordinate the map is a power, so I integrate over u exactly by conditioning:
 * P(x_N <= c) = c^N, and x_1 at N = 2 by quadrature. */
static void sorted_group_is_ordered_with_the_laws_of_order_statistics(void **state)
{
    (void)state;
    enum { N = 3, GRID = 60 };
    OPENED(space, MOTE_SORTED("a", -2, 6), MOTE_SORTED("b", -2, 6), MOTE_SORTED("c", -2, 6));
    double moment[N][3] = { { 0 } }, cube[N], theta[N];
    for (int k = 0; k < GRID * GRID * GRID; ++k) {
        const int index[N] = { k % GRID, k / GRID % GRID, k / GRID / GRID };
        for (int i = 0; i < N; ++i)
            cube[i] = (index[i] + 0.5) / GRID;
        assert_status(mote_space_transform(&space, cube, theta), MOTE_OK);
        assert_true(-2 <= theta[0] && theta[0] <= theta[1] && theta[1] <= theta[2] && theta[2] <= 6);
        for (int i = 0; i < N; ++i)
            for (int m = 0; m < 3; ++m)
                moment[i][m] += pow((theta[i] + 2) / 8, m + 1) / (GRID * GRID * GRID);
    }
    /* E x^m of Beta(i, N + 1 - i); the midpoint rule errs by O(1/GRID^(1 + m/N)). A planted u^(1/(i+1)) moves them by
     * 0.05. */
    for (int i = 0; i < N; ++i) {
        double expected = 1.0;
        for (int m = 0; m < 3; ++m) {
            expected *= (i + 1.0 + m) / (N + 1.0 + m);
            assert_close(moment[i][m], expected, 0.0, 4e-4);
        }
    }
    /* The marginal laws, exactly: the largest, and the next given the largest. */
    for (int k = 1; k < 20; ++k) {
        const double u = k / 20.0, full[N] = { 1.0, 1.0, u }, middle[N] = { 1.0, u, 1.0 };
        assert_status(mote_space_transform(&space, full, theta), MOTE_OK);
        assert_close(mote_beta_cdf((theta[2] + 2) / 8, N, 1, NULL), u, 1e-13, 0.0);
        assert_status(mote_space_transform(&space, middle, theta), MOTE_OK);
        assert_close(mote_beta_cdf((theta[1] + 2) / 8, N - 1, 1, NULL), u, 1e-13, 0.0);
    }
    const double ordered[N] = { -1, 0, 4 }, disordered[N] = { 0, -1, 4 }, outside[N] = { -1, 0, 7 };
    assert_close(mote_space_log_prior(&space, ordered), log(6.0) - 3 * log(8.0), 1e-14, 0.0);
    assert_close(mote_space_log_prior(&space, disordered), -INFINITY, 0.0, 0.0);
    assert_close(mote_space_log_prior(&space, outside), -INFINITY, 0.0, 0.0);
    mote_space_close(&space);
}

static void neighbouring_groups_stay_apart(void **state)
{
    (void)state;
    OPENED(space, MOTE_SORTED("a", 0, 1), MOTE_SORTED("b", 0, 1), MOTE_SORTED("c", 0, 1, .group = 1),
           MOTE_SORTED("d", 0, 1, .group = 1));
    const double cube[4] = { 0.25, 0.25, 0.5, 0.01 };
    double theta[4];
    assert_status(mote_space_transform(&space, cube, theta), MOTE_OK);
    assert_close(theta[0], 0.125, 1e-15, 0.0);
    assert_close(theta[1], 0.5, 1e-15, 0.0);
    assert_close(theta[2], 0.05, 1e-15, 0.0);
    assert_close(theta[3], 0.1, 1e-15, 0.0);
    assert_close(mote_space_log_prior(&space, theta), 2 * log(2.0), 1e-14, 0.0);
    mote_space_close(&space);
}

/* Means and covariances by the midpoint rule over the cube, and the density's integral over the simplex. */
static void dirichlet_group_has_its_moments(void **state)
{
    (void)state;
    enum { K = 3, GRID = 200 };
    const double a[K] = { 1.5, 4.0, 2.5 }, total = 8.0;
    OPENED(space, MOTE_DIRICHLET("x", 1.5), MOTE_DIRICHLET("y", 4), MOTE_DIRICHLET("z", 2.5));
    double mean[K] = { 0 }, product[K][K] = { { 0 } }, integral = 0.0, theta[K];
    for (int k = 0; k < GRID * GRID; ++k) {
        const double cube[K - 1] = { (k % GRID + 0.5) / GRID, (k / GRID + 0.5) / GRID };
        assert_status(mote_space_transform(&space, cube, theta), MOTE_OK);
        assert_close(theta[0] + theta[1] + theta[2], 1.0, 1e-15, 0.0);
        for (int i = 0; i < K; ++i) {
            mean[i] += theta[i] / (GRID * GRID);
            for (int j = 0; j < K; ++j)
                product[i][j] += theta[i] * theta[j] / (GRID * GRID);
        }
        const double x = cube[0], y = cube[1] * (1 - x), point[K] = { x, y, 1.0 - x - y };
        integral += exp(mote_space_log_prior(&space, point)) * (1 - x) / (GRID * GRID);
    }
    for (int i = 0; i < K; ++i) {
        assert_close(mean[i], a[i] / total, 0.0, 2e-4);
        for (int j = 0; j < K; ++j)
            assert_close(product[i][j], a[i] * (a[j] + (i == j)) / (total * (total + 1)), 0.0, 2e-4);
    }
    assert_close(integral, 1.0, 1e-3, 0.0); /* the midpoint rule at x^(1/2) errs by 4e-4 */
    const double off[K] = { 0.3, 0.3, 0.3 }, negative[K] = { 0.6, 0.6, -0.2 };
    assert_close(mote_space_log_prior(&space, off), -INFINITY, 0.0, 0.0);
    assert_close(mote_space_log_prior(&space, negative), -INFINITY, 0.0, 0.0);
    mote_space_close(&space);
}

/* b uniform on [0, a]; c fixed; the cube holds all sampled coordinates in declared order. */
static int conditional(void *ctx, const double *cube, double *theta)
{
    if (theta[1] == theta[1] || theta[2] != 4.0) /* unset entries are NaN, the others are filled */
        return -5;
    theta[1] = cube[1] * theta[0];
    return *(const int *)ctx;
}

static double conditional_density(void *ctx, const double *theta)
{
    (void)ctx;
    return theta[1] >= 0.0 && theta[1] <= theta[0] ? -log(theta[0]) : -INFINITY;
}

static void conditional_prior_through_the_callback(void **state)
{
    (void)state;
    int answer = 0;
    const mote_parameter list[] = { MOTE_UNIFORM("a", 1, 3), MOTE_CONDITIONAL("b"), MOTE_FIXED("c", 4) };
    mote_target target = target_of(list, 3);
    target.prior_transform = conditional;
    target.ctx = &answer;
    mote_space space;
    const double cube[2] = { 0.5, 0.25 };
    double theta[3];
    opened(&space, &target);
    assert_int_equal(space.simple, 0);
    assert_status(mote_space_transform(&space, cube, theta), MOTE_OK);
    assert_true(theta[0] == 2.0 && theta[1] == 0.5 && theta[2] == 4.0);
    assert_true(isnan(mote_space_log_prior(&space, theta)));
    answer = -3;
    assert_status(mote_space_transform(&space, cube, theta), -3);
    answer = 1;
    assert_status(mote_space_transform(&space, cube, theta), MOTE_EMODEL);
    mote_space_close(&space);
    target.conditional_log_density = conditional_density;
    opened(&space, &target);
    assert_close(mote_space_log_prior(&space, theta), -2 * log(2.0), 1e-15, 0.0);
    mote_space_close(&space);
}

/* Inverse, order, sum, known point at 0, and the determinant by central differences in the free entries. */
static void real_line_and_back(void **state)
{
    (void)state;
    enum { D = 7 };
    OPENED(space, MOTE_SORTED("a", 0, 4), MOTE_SORTED("b", 0, 4), MOTE_SORTED("c", 0, 4), MOTE_FIXED("f", 9),
           MOTE_DIRICHLET("x", 2), MOTE_DIRICHLET("y", 1), MOTE_DIRICHLET("z", 3), MOTE_UNIFORM("u", -1, 1),
           MOTE_GAMMA("g", 2, 1));
    const int64_t *free_entry = space.cube_theta; /* the last Dirichlet member is not free */
    double y[D] = { 0 }, theta[9], back[D], log_jacobian;
    assert_int_equal(space.dimension, D);
    assert_status(mote_space_constrain(&space, y, theta, &log_jacobian), MOTE_OK);
    const double expected[9] = { 1, 2, 3, 9, 1.0 / 3, 1.0 / 3, 1.0 / 3, 0, 1 };
    for (int i = 0; i < 9; ++i)
        assert_close(theta[i], expected[i], 1e-15, 1e-15);
    for (int trial = 0; trial < 40; ++trial) {
        double matrix[D][D], ahead[9], behind[9], unused, log_determinant = 0.0;
        const double h = 1e-5;
        for (int i = 0; i < D; ++i)
            y[i] = 6.0 * (fmod(0.3 + (trial * D + i) * 0.61803398874989485, 1.0) - 0.5);
        assert_status(mote_space_constrain(&space, y, theta, &log_jacobian), MOTE_OK);
        assert_true(0 < theta[0] && theta[0] < theta[1] && theta[1] < theta[2] && theta[2] < 4);
        assert_close(theta[4] + theta[5] + theta[6], 1.0, 1e-15, 0.0);
        assert_status(mote_space_unconstrain(&space, theta, back), MOTE_OK);
        for (int j = 0; j < D; ++j) {
            assert_close(back[j], y[j], 1e-12, 1e-12);
            back[j] = y[j] + h;
            mote_space_constrain(&space, back, ahead, &unused);
            back[j] = y[j] - h;
            mote_space_constrain(&space, back, behind, &unused);
            back[j] = y[j];
            for (int i = 0; i < D; ++i)
                matrix[i][j] = (ahead[free_entry[i]] - behind[free_entry[i]]) / (2 * h);
        }
        for (int k = 0; k < D; ++k) { /* elimination; the matrix is triangular up to order, pivots are not zero */
            for (int i = k + 1; i < D; ++i)
                for (int j = D - 1; j >= k; --j)
                    matrix[i][j] -= matrix[i][k] / matrix[k][k] * matrix[k][j];
            log_determinant += log(fabs(matrix[k][k]));
        }
        assert_close(log_jacobian, log_determinant, 0.0, 1e-7);
    }
    mote_space_close(&space);
}

/* The integral over R^2 of exp(log prior + log Jacobian), by the trapezoidal rule: tests density and transform at once.
 * */
static double line_integral(const mote_space *space)
{
    double sum = 0.0;
    for (double a = -40.0; a < 40.0; a += 0.125)
        for (double b = -40.0; b < 40.0; b += 0.125) {
            double theta[3], log_jacobian;
            const double y[2] = { a, b };
            assert_status(mote_space_constrain(space, y, theta, &log_jacobian), MOTE_OK);
            sum += 0.125 * 0.125 * exp(mote_space_log_prior(space, theta) + log_jacobian);
        }
    return sum;
}

static void densities_of_groups_integrate_to_one(void **state)
{
    (void)state;
    OPENED(sorted, MOTE_SORTED("a", -1, 4), MOTE_SORTED("b", -1, 4));
    assert_close(line_integral(&sorted), 1.0, 1e-9, 0.0);
    mote_space_close(&sorted);
    OPENED(simplex, MOTE_DIRICHLET("a", 1.5), MOTE_DIRICHLET("b", 0.8), MOTE_DIRICHLET("c", 4));
    assert_close(line_integral(&simplex), 1.0, 1e-9, 0.0);
    mote_space_close(&simplex);
}

static void conditional_priors_have_no_transform(void **state)
{
    (void)state;
    const mote_parameter list[] = { MOTE_UNIFORM("a", 1, 3), MOTE_CONDITIONAL("b") };
    mote_target target = target_of(list, 2);
    target.prior_transform = conditional;
    mote_space space;
    double y[2] = { 0 }, theta[2] = { 2, 1 }, log_jacobian;
    opened(&space, &target);
    assert_status(mote_space_constrain(&space, y, theta, &log_jacobian), MOTE_EUNSUPPORTED);
    assert_status(mote_space_unconstrain(&space, theta, y), MOTE_EUNSUPPORTED);
    mote_space_close(&space);
}

static int below_diagonal(void *ctx, const double *theta)
{
    (void)ctx;
    return theta[0] < 0 ? -4 : (theta[0] > theta[1]) * 5;
}

static void constraint_and_log_prior(void **state)
{
    (void)state;
    const mote_parameter list[] = { MOTE_UNIFORM("a", -1, 1), MOTE_NORMAL("b", 0, 1), MOTE_FIXED("c", 4) };
    mote_target target = target_of(list, 3);
    mote_space space;
    const double theta[3] = { 0.5, 0.25, 4 }, above[3] = { 0.5, 0.75, 4 }, stop[3] = { -0.5, 0, 4 },
        out[3] = { 2, 0, 4 };
    opened(&space, &target);
    assert_int_equal(mote_space_inside(&space, above), 1);
    assert_close(mote_space_log_prior(&space, theta), -log(2.0) - 0.03125 - 0.91893853320467274178, 1e-15, 0.0);
    assert_close(mote_space_log_prior(&space, out), -INFINITY, 0.0, 0.0);
    mote_space_close(&space);
    target.constraint = below_diagonal;
    opened(&space, &target);
    assert_int_equal(mote_space_inside(&space, theta), 1);
    assert_int_equal(mote_space_inside(&space, above), 0);
    assert_int_equal(mote_space_inside(&space, stop), -4);
    mote_space_close(&space);
}

static void point_functions_become_rows(void **state)
{
    (void)state;
    OPENED(space, MOTE_UNIFORM("a", 0, 1), MOTE_FIXED("b", 0), MOTE_DERIVED("c"));
    mote_row_function function;
    mote_space_row_function(&space, &function);
    assert_true(function.points_only && !function.thread_safe && function.dimension == 2 &&
                function.derived_count == 1);
    assert_string_equal(function.name, "target");
    double theta[4][3] = { { 0.1 }, { 0.6 }, { 0.3 }, { 0.95 } }, value[4], derived[4][2] = { { 0 } };
    int64_t reason[4] = { 0 }, id[4] = { 0 };
    mote_batch batch = { MOTE_VERSIONED(mote_batch), .n = 3, .dimension = 2, .stride = 3, .theta = theta[0],
                         .log_likelihood = value, .derived_count = 1, .derived_stride = 2, .derived = derived[0],
                         .id = id,
                         .reason = reason };
    assert_status(function.evaluate(function.ctx, &batch), MOTE_OK);
    assert_true(value[0] == -0.1 && isnan(value[1]) && value[2] == -0.3);
    assert_true(derived[0][0] == 0.2 && isnan(derived[1][0]) && derived[2][0] == 0.6 && derived[1][1] == 0.0);
    assert_true(reason[0] == MOTE_REASON_NONE && reason[1] == MOTE_REASON_RETURNED && reason[2] == MOTE_REASON_NONE);
    batch.n = 4;
    assert_status(function.evaluate(function.ctx, &batch), -7);
    mote_space_close(&space);
}

static void batch_functions_pass_through(void **state)
{
    (void)state;
    const mote_parameter list[] = { MOTE_UNIFORM("a", 0, 1) };
    mote_target target = target_of(list, 1);
    mote_space space;
    mote_row_function function;
    target.log_likelihood = batch_likelihood; /* wins over the point function */
    target.ctx = &space;
    target.name = "mine";
    target.flags = MOTE_THREADSAFE;
    opened(&space, &target);
    mote_space_row_function(&space, &function);
    assert_true(function.evaluate == batch_likelihood && function.ctx == &space && !function.points_only);
    assert_true(function.thread_safe == 1 && function.derived_count == 0);
    assert_string_equal(function.name, "mine");
    mote_space_close(&space);
}

static void descriptors_are_copied(void **state)
{
    (void)state;
    char name[] = "alpha", label[] = "\\alpha", unit[] = "km", title[] = "model";
    mote_parameter list[] = { MOTE_UNIFORM(name, 0, 1, .label = label, .unit = unit) };
    mote_target target = target_of(list, 1);
    mote_space space;
    target.name = target.identity = title;
    opened(&space, &target);
    name[0] = label[0] = unit[0] = title[0] = '?';
    memset(list, 0, sizeof list);
    assert_string_equal(space.parameters[0].name, "alpha");
    assert_string_equal(space.parameters[0].label, "\\alpha");
    assert_string_equal(space.parameters[0].unit, "km");
    assert_string_equal(space.target.name, "model");
    assert_string_equal(space.target.identity, "model");
    assert_true(space.parameters[0].argument[1] == 1.0);
    mote_space_close(&space);
}

static void every_failed_allocation_is_reported_and_nothing_leaks(void **state)
{
    (void)state;
    const mote_parameter list[] = { MOTE_UNIFORM("a", 0, 1, .label = "A"), MOTE_DIRICHLET("b", 1, .unit = "m"),
                                    MOTE_DIRICHLET("c", 1) };
    mote_target target = target_of(list, 3);
    target.name = target.identity = "text";
    int failures = 0;
    for (int status = MOTE_ENOMEM; status; ++failures) {
        test_allocator counter = { .fail_at = failures + 1 };
        const mote_allocator allocator = test_allocator_of(&counter);
        mote_memory counted;
        mote_space space;
        assert_status(mote_memory_open(&counted, &allocator), MOTE_OK);
        status = mote_space_open(&space, &target, &counted, &message);
        assert_true(status == MOTE_ENOMEM || status == MOTE_OK);
        assert_true(status == MOTE_OK || counter.live == 0);
        mote_space_close(&space);
        assert_int_equal(counter.live, 0);
        assert_true(failures < 100);
    }
    assert_int_equal(failures, 18); /* 2 texts, 1 array, 5 texts, 9 arrays, and the success */
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(faults_name_the_parameter),
        cmocka_unit_test(faults_of_the_target),
        cmocka_unit_test(structs_of_other_versions),
        cmocka_unit_test(counts_and_names_of_coordinates),
        cmocka_unit_test(transform_has_the_bits_of_the_quantile),
        cmocka_unit_test(uniform_stays_inside),
        cmocka_unit_test(sorted_group_is_ordered_with_the_laws_of_order_statistics),
        cmocka_unit_test(neighbouring_groups_stay_apart),
        cmocka_unit_test(dirichlet_group_has_its_moments),
        cmocka_unit_test(conditional_prior_through_the_callback),
        cmocka_unit_test(real_line_and_back),
        cmocka_unit_test(densities_of_groups_integrate_to_one),
        cmocka_unit_test(conditional_priors_have_no_transform),
        cmocka_unit_test(constraint_and_log_prior),
        cmocka_unit_test(point_functions_become_rows),
        cmocka_unit_test(batch_functions_pass_through),
        cmocka_unit_test(descriptors_are_copied),
        cmocka_unit_test(every_failed_allocation_is_reported_and_nothing_leaks),
    };
    return cmocka_run_group_tests(tests, start, NULL) == 0 ? 0 : 1;
}
