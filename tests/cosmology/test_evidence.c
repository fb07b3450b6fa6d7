/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Evidences of the plug-in by tensor Gauss-Legendre quadrature over its priors, against the table that was computed
 * independently (data/cosmology/reference_quadrature.csv): log Z within 2e-3 and means within a hundredth of a sd.
 * Each axis covers the prior or, where the likelihood is narrow, six standard deviations around the table's mean, with
 * nodes closer than the conditional widths. The three CPL rows have too many dimensions for this. */
#include "tests/support/test.h"

#include "tests/cosmology/fixture.h"
#include "tests/cosmology/reference.h"

enum { AXES = 4, MOST_NODES = 64 };

typedef struct grid {
    int64_t axes, count[AXES];
    double at[AXES][MOST_NODES], log_weight[AXES][MOST_NODES]; /* of the prior */
    int64_t column[AXES];
} grid;

static void add_axis(grid *to, const mote_parameter *parameter, const reference_row *expected, int64_t dimension)
{
    /* per column of the table: alone or with few others, and in four dimensions */
    static const int64_t few[] = { 56, 56, 56, 56, 28, 56 }, many[] = { 30, 26, 26, 26, 12, 30 };
    double node[MOST_NODES], weight[MOST_NODES], lower = parameter->argument[0], upper = parameter->argument[1];
    const double width = upper - lower;
    int64_t c = 0;
    while (strcmp(reference_names[c], parameter->name))
        ++c;
    assert_false(isnan(expected->mean[c]));
    lower = fmax(lower, expected->mean[c] - 6 * expected->sd[c]);
    upper = fmin(upper, expected->mean[c] + 6 * expected->sd[c]);
    const int64_t count = dimension < 4 ? few[c] : many[c];
    cosmology_gauss_legendre(count, node, weight);
    for (int64_t i = 0; i < count; ++i) {
        to->at[to->axes][i] = lower + (upper - lower) * node[i];
        to->log_weight[to->axes][i] = log(weight[i] * (upper - lower) / width);
    }
    to->count[to->axes] = count;
    to->column[to->axes++] = c;
}

typedef struct sums {
    double total, moment[AXES]; /* relative to exp(shift) */
    double shift;
} sums;

/* Sums over the last axis for one choice of the others. */
static void add_line(const grid *over, const fixture *one, double *theta, double log_prior, sums *to)
{
    const int64_t last = over->axes - 1, count = over->count[last];
    double rows[MOST_NODES * AXES], values[MOST_NODES];
    for (int64_t i = 0; i < count; ++i) {
        theta[last] = over->at[last][i];
        memcpy(rows + i * over->axes, theta, (size_t)over->axes * sizeof *theta);
    }
    const mote_batch batch = { MOTE_VERSIONED(mote_batch), .n = count, .dimension = over->axes,
                               .stride = over->axes, .theta = rows, .log_likelihood = values };
    assert_status(one->model.target->log_likelihood(one->model.target->ctx, &batch), 0);
    for (int64_t i = 0; i < count; ++i) {
        const double mass = exp(values[i] + log_prior + over->log_weight[last][i] - to->shift);
        to->total += mass;
        for (int64_t k = 0; k < over->axes; ++k)
            to->moment[k] += mass * rows[i * over->axes + k];
    }
}

static void integrate(const grid *over, const fixture *one, sums *to)
{
    int64_t index[AXES] = { 0 }, axis;
    double theta[AXES];
    do {
        double log_prior = 0;
        for (int64_t k = 0; k + 1 < over->axes; ++k) {
            theta[k] = over->at[k][index[k]];
            log_prior += over->log_weight[k][index[k]];
        }
        add_line(over, one, theta, log_prior, to);
        for (axis = over->axes - 2; axis >= 0 && ++index[axis] == over->count[axis]; --axis)
            index[axis] = 0;
    } while (axis >= 0);
}

static void check_row(const reference_row *expected)
{
    char text[128];
    snprintf(text, sizeof text, "model = %s\ndata = %s\nderived = no\n", expected->model, expected->data);
    fixture *one = fixture_open(text);
    assert_status(one->status, MOTE_OK);
    const mote_target *target = one->model.target;
    grid over = { .axes = 0 };
    for (int64_t i = 0; i < target->parameter_count; ++i)
        add_axis(&over, &target->parameters[i], expected, target->parameter_count);
    sums result = { .shift = expected->log_evidence };
    integrate(&over, one, &result);
    print_message("%-10s %-6s log Z %9.4f, table %9.4f\n", expected->data, expected->model,
                  result.shift + log(result.total), expected->log_evidence);
    assert_close(result.shift + log(result.total), expected->log_evidence, 0, 2e-3);
    for (int64_t k = 0; k < over.axes; ++k) {
        const int64_t c = over.column[k];
        const double rounding = 6e-4; /* of the table, with some of the grid's */
        assert_close(result.moment[k] / result.total, expected->mean[c], 0, 0.01 * expected->sd[c] + rounding);
    }
    fixture_close(one);
}

static void evidences_are_those_of_the_table(void **unused)
{
    (void)unused;
    reference_row rows[REFERENCE_ROWS];
    int64_t count = reference_read(rows), checked = 0;
    for (int64_t i = 0; i < count; ++i)
        if (strcmp(rows[i].model, "cpl")) {
            check_row(&rows[i]);
            ++checked;
        }
    assert_int_equal(checked, 19);
}

int main(void)
{
    const struct CMUnitTest tests[] = { cmocka_unit_test(evidences_are_those_of_the_table) };
    return run_unit_tests(tests);
}
