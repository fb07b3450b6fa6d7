/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Plots: scripts and data that gnuplot accepts (when there is one), and the numbers in them. `test_plot FOLDER` leaves
 * its pictures there. */
#include "io/plot.h"

#include <mote/output.h>
#include <stdlib.h>
#include <sys/stat.h>

#include "tests/io/root.h"

static const char *kept; /* folder of the command line */

static double noise(void)
{
    double radius = sqrt(-2 * log(test_uniform()));
    return radius * cos(6.283185307179586 * test_uniform());
}

/* Four parameters as in cosmology: one cut by its prior, two correlated, one with two peaks. */
static mote_draws *posterior(uint64_t seed, double shift)
{
    enum { N = 6000 };
    const mote_parameter parameters[] = {
        MOTE_UNIFORM("omega_m", 0.1, 0.5, .label = "\\Omega_\\mathrm{m}"),
        MOTE_NORMAL("h0", 70, 5, .label = "H_0", .unit = "km/s/Mpc"),
        MOTE_UNIFORM("mnu", 0, 1, .label = "\\Sigma m_\\nu", .unit = "eV"),
        MOTE_UNIFORM("w", -3, 1, .label = "w'"),
    };
    mote_draws *draws = mote_draws_create(&memory, parameters, 4, N, MOTE_DRAWS_PRIOR);
    test_noise = seed;
    for (int i = 0; i < N; ++i) {
        double a = noise(), b = noise();
        draws->columns[0][i] = 0.3 + shift + 0.02 * a;
        draws->columns[1][i] = 68 - 2.2 * a + 0.9 * b;
        draws->columns[2][i] = fmin(0.999, 0.15 * fabs(noise()) * (1 + 0.3 * tanh(a)));
        draws->columns[3][i] = (i % 3 ? -0.9 : -1.6) + 0.12 * noise() + shift;
        draws->log_weight[i] = -log(N);
        draws->log_likelihood[i] = -a * a / 2;
    }
    return draws;
}

static int draw_picture(const char *where, const char *name)
{
    char command[900];
    snprintf(command, sizeof command, "gnuplot -c '%s/%s.gp' '%s' > '%s/%s.log' 2>&1", where, name, where, where, name);
    if (system("gnuplot --version > /dev/null 2>&1"))
        return -1;
    return system(command);
}

static void check_picture(const char *where, const char *name, const char *terminal)
{
    int64_t size = -1;
    int status = draw_picture(where, name);
    if (status == -1) {
        print_message("no gnuplot: the picture is not drawn\n");
        return;
    }
    snprintf(root, sizeof root, "%.200s/%s", where, name);
    assert_string_equal(text_of(".log"), ""); /* gnuplot has nothing to complain of */
    assert_int_equal(status, 0);
    snprintf(path, sizeof path, "%s.%s", root, terminal);
    FILE *file = fopen(path, "rb");
    assert_non_null(file);
    if (!fseek(file, 0, SEEK_END))
        size = ftell(file);
    fclose(file);
    assert_true(size > 10000);
}

static void corner_of_two_sets(void **state)
{
    (void)state;
    const char *where = kept ? kept : folder;
    mote_draws *one = posterior(1, 0), *two = posterior(2, 0.03);
    const mote_plot_set sets[] = { { one, "DESI DR2_{x}" }, { two, "it's `touch /tmp/x` \\ + CC" } };
    const char *names[] = { "mnu", "w" };
    mote_plot_options options = { .folder = where, .prior = 1 };
    assert_status(mote_plot_corner(sets, 2, &options), MOTE_OK);
    check_picture(where, "corner", "png");
    options.name = "single";
    options.terminal = "svg";
    assert_status(mote_plot_corner(sets, 1, &options), MOTE_OK);
    check_picture(where, "single", "svg");
    options.terminal = "png";
    assert_status(mote_plot_corner(sets, 1, &options), MOTE_OK);
    check_picture(where, "single", "png");
    options = (mote_plot_options){ .folder = where, .name = "pair", .terminal = "pdf", .parameters = names,
                                   .parameter_count = 2 };
    assert_status(mote_plot_corner(sets, 2, &options), MOTE_OK);
    check_picture(where, "pair", "pdf");
    options.terminal = "png";
    options.parameter_count = 1;
    options.name = "one";
    assert_status(mote_plot_corner(sets, 2, &options), MOTE_OK);
    check_picture(where, "one", "png");
    mote_draws_free(one);
    mote_draws_free(two);
}

/* Numbers of a block of a data file: x in column 1, y in column 2. */
static int64_t read_block(const char *name, double *x, double *y, int64_t most)
{
    char line[400], wanted[80];
    int64_t n = 0, inside = 0;
    snprintf(wanted, sizeof wanted, "# %s\n", name);
    snprintf(path, sizeof path, "%s.dat", root);
    FILE *file = fopen(path, "r");
    assert_non_null(file);
    while (fgets(line, sizeof line, file)) {
        if (line[0] == '#')
            inside = !strcmp(line, wanted);
        else if (inside && n < most && sscanf(line, "%lf %lf", &x[n], &y[n]) == 2)
            ++n;
    }
    fclose(file);
    return n;
}

static void numbers_of_a_corner(void **state)
{
    (void)state;
    static double x[20000], y[20000];
    mote_draws *draws = posterior(1, 0);
    const mote_plot_set set = { draws, NULL };
    mote_plot_options options = { .folder = folder, .prior = 1 };
    assert_status(mote_plot_corner(&set, 1, &options), MOTE_OK);
    snprintf(root, sizeof root, "%.200s/corner", folder);
    int64_t n = read_block("d_0_2", x, y, 20000);
    assert_int_equal(n, 401);
    assert_close(x[0], 0, 0, 0); /* begins at the bound of the prior, at full height: no dip */
    assert_true(y[0] > 0.9);
    n = read_block("p_2", x, y, 20000);
    assert_int_equal(n, 401);
    assert_close(y[0], y[400], 0, 1e-12); /* uniform, its height against the posterior's peak: 1/(half-normal peak) */
    assert_close(y[0], 1 / 5.3, 0.15, 0);
    n = read_block("f_0_0_1_1", x, y, 20000);
    assert_true(n > 50);
    double inside = 0; /* draws inside of the path, by crossings to the right */
    for (int64_t i = 0; i < draws->count; ++i) {
        int odd = 0;
        double a = draws->columns[0][i], b = draws->columns[1][i];
        for (int64_t k = 0; k < n; ++k) {
            int64_t m = (k + 1) % n;
            if ((y[k] > b) != (y[m] > b) && a < x[k] + (b - y[k]) / (y[m] - y[k]) * (x[m] - x[k]))
                odd = !odd;
        }
        inside += odd;
    }
    assert_close(inside / (double)draws->count, 0.6827, 0, 0.004);
    assert_true(read_block("l_0_2_3_0", x, y, 20000) > 50);
    assert_int_equal(read_block("f_0_1_0_0", x, y, 20000), 0); /* below the diagonal only */
    mote_draws_free(draws);
}

static void diagnostics_of_a_run(void **state)
{
    (void)state;
    const char *where = kept ? kept : folder;
    mote_draws *draws = test_nested_draws(&memory, 400, 1, 4);
    mote_plot_options options = { .folder = where };
    assert_status(mote_plot_diagnostics(draws, &options), MOTE_OK);
    check_picture(where, "diagnostics", "png");
    mote_memory_release(&memory, draws->birth);
    draws->birth = NULL;
    assert_status(mote_plot_diagnostics(draws, &options), MOTE_EUNSUPPORTED);
    mote_draws_free(draws);
}

/* Writes ROOT + ending: 20 rows of the time and `columns` functions of it. */
static void write_series(const char *ending, const char *names, int columns, const double *scale)
{
    char file[400];
    snprintf(file, sizeof file, "%s%s", root, ending);
    FILE *out = fopen(file, "w");
    assert_non_null(out);
    fprintf(out, "%s\n", names);
    for (int t = 0; t < 20; ++t) {
        fprintf(out, "%d", t);
        for (int k = 0; k < columns; ++k)
            if (isnan(scale[k]) || (k == 1 && t == 3))
                fprintf(out, ",");
            else
                fprintf(out, ",%.6f", scale[k] * (1 + 0.1 * t));
        fprintf(out, "\n");
    }
    fclose(out);
}

/* Observation a has the size of state x and stands in its panel; b is a thousand times larger and has its own; c is
 * missing throughout. Bands without quantiles are one and two standard deviations. */
static void states_of_a_filter(void **state)
{
    (void)state;
    const char *where = kept ? kept : folder;
    const mote_plot_options options = { .folder = where };
    double x[64], y[64];
    assert_status(mote_plot_states(&memory, root, &options), MOTE_ENOENT);
    write_series("_steps.csv", "t,a,b,c,increment,log_evidence,effective_sample_size,resampled", 7,
                 (double[]){ 1.5, 1000, NAN, -1, -3, 50, 0 });
    write_series("_filtered.csv", "time,x_mean,x_sd", 2, (double[]){ 1, 0.5 });
    write_series("_smoothed.csv", "time,x_mean,x_sd", 2, (double[]){ 1.1, 0.4 });
    assert_status(mote_plot_states(&memory, root, &options), MOTE_OK);
    check_picture(where, "states", "png");
    snprintf(root, sizeof root, "%.200s/states", where);
    assert_int_equal(read_block("state0", x, y, 64), 19); /* the sd of time 3 is missing */
    assert_close(y[0], 0, 1e-6, 1e-6);                    /* 1 - 2 * 0.5 */
    assert_int_equal(read_block("smooth0", x, y, 64), 20);
    assert_close(y[10], 2.2, 1e-6, 0);
    assert_int_equal(read_block("observation0", x, y, 64), 20);
    assert_int_equal(read_block("observation1", x, y, 64), 19);
    assert_int_equal(read_block("observation2", x, y, 64), 0);
    const char *script = text_of(".gp");
    assert_non_null(strstr(script, "index 'smooth0' using 1:2 with lines lw 2.5 dt (9,5) lc rgb '#D55E00', data index 'observation0'"));
    assert_non_null(strstr(script, "plot data index 'observation1'"));
    assert_null(strstr(script, "observation2"));
}

/* Against the definition, by counting; and uniform for an exact sampler: |mean - 1/2| < 5 sd. */
static void insertion_ranks(void **state)
{
    (void)state;
    mote_draws *draws = test_nested_draws(&memory, 60, 1, 9);
    double *rank = calloc((size_t)draws->count, sizeof *rank), *sorted = calloc((size_t)draws->count, sizeof *rank);
    int64_t n = 0, m = 0;
    double sum = 0, naive = 0;
    const double *l = draws->log_likelihood, *birth = draws->birth;
    assert_status(mote_insertion_ranks(draws, rank, &n), MOTE_OK);
    for (int64_t j = 0; j < draws->count; ++j) {
        double s = 0, r = 0;
        for (int64_t i = 0; i < draws->count; ++i) {
            s += birth[i] < birth[j] && l[i] > birth[j];
            r += birth[i] < birth[j] && l[i] > birth[j] && l[i] < l[j];
        }
        if (birth[j] != -INFINITY && s > 0) {
            naive += sorted[m] = (r + 0.5) / (s + 1);
            ++m;
        }
    }
    assert_int_equal(n, m);
    for (int64_t i = 0; i < n; ++i)
        sum += rank[i];
    assert_close(sum, naive, 1e-12, 0);
    assert_close(sum / (double)n, 0.5, 0, 5 / sqrt(12.0 * (double)n));
    free(rank);
    free(sorted);
    mote_draws_free(draws);
}

static void refusals(void **state)
{
    (void)state;
    mote_draws *draws = posterior(1, 0);
    const mote_plot_set set = { draws, "a" }, empty = { NULL, "b" };
    const char *unknown[] = { "omega" };
    mote_plot_options options = { .folder = folder, .parameters = unknown, .parameter_count = 1 };
    assert_status(mote_plot_corner(&set, 1, &options), MOTE_EINVAL);
    assert_non_null(strstr(mote_output_message(), "omega"));
    options = (mote_plot_options){ .folder = folder, .terminal = "gif" };
    assert_status(mote_plot_corner(&set, 1, &options), MOTE_EINVAL);
    options = (mote_plot_options){ .folder = folder, .name = "../x" };
    assert_status(mote_plot_corner(&set, 1, &options), MOTE_EINVAL);
    assert_status(mote_plot_corner(&set, 0, &options), MOTE_EINVAL);
    assert_status(mote_plot_corner(&empty, 1, &options), MOTE_EINVAL);
    for (int64_t i = 0; i < draws->count; ++i) /* a column without spread is left out, the others stay */
        draws->columns[1][i] = 70;
    options = (mote_plot_options){ .folder = folder };
    assert_status(mote_plot_corner(&set, 1, &options), MOTE_OK);
    check_picture(folder, "corner", "png");
    mote_draws_free(draws);
}

static void fixed_numbers(void **state)
{
    (void)state;
    char text[MOTE_PLOT_NUMBER];
    assert_string_equal(mote_plot_fixed(text, -0.046, 2), "-0.05");
    assert_string_equal(mote_plot_fixed(text, -0.001, 2), "0.00");
    assert_string_equal(mote_plot_fixed(text, 12.5, 0), "13");
    assert_string_equal(mote_plot_fixed(text, 3.07, 3), "3.070");
}

int main(int argc, char **argv)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(corner_of_two_sets, enter, leave),
        cmocka_unit_test_setup_teardown(numbers_of_a_corner, enter, leave),
        cmocka_unit_test_setup_teardown(diagnostics_of_a_run, enter, leave),
        cmocka_unit_test_setup_teardown(states_of_a_filter, enter, leave),
        cmocka_unit_test(insertion_ranks),
        cmocka_unit_test_setup_teardown(refusals, enter, leave),
        cmocka_unit_test(fixed_numbers),
    };
    mote_memory_open(&memory, NULL);
    kept = argc > 1 ? argv[1] : NULL;
    return run_unit_tests(tests);
}
