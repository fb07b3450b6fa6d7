/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Files back into draws: our own bit for bit, other codes' conventions, and messages for what does not fit. */
#include "io/read.h"

#include <mote/output.h>
#include <stdlib.h>

#include "io/table.h"
#include "nested/evidence.h"
#include "tests/io/draws.h"
#include "tests/support/folder.h"

static mote_memory memory;
static char folder[256], root[300], message[1024];

static int enter(void **state)
{
    (void)state;
    int status = make_test_folder(folder);
    snprintf(root, sizeof root, "%s/run", folder);
    return status;
}

static int leave(void **state)
{
    (void)state;
    remove_test_folder(folder);
    return 0;
}

static void put(const char *ending, const char *text)
{
    char path[400];
    snprintf(path, sizeof path, "%s%s", root, ending);
    FILE *file = fopen(path, "w");
    assert_non_null(file);
    fputs(text, file);
    fclose(file);
}

static mote_draws *read_root(void)
{
    mote_draws *draws = NULL;
    int status = mote_draws_read(&draws, &memory, root, message, sizeof message);
    if (status)
        print_error("%s\n", message);
    assert_status(status, MOTE_OK);
    return draws;
}

static void refused(int expected, const char *part)
{
    mote_draws *draws = NULL;
    assert_status(mote_draws_read(&draws, &memory, root, message, sizeof message), expected);
    assert_null(draws);
    if (!strstr(message, part))
        print_error("message: %s\nwithout: %s\n", message, part);
    assert_non_null(strstr(message, part));
}

static void check_columns(const mote_draws *a, const mote_draws *b)
{
    assert_int_equal(a->count, b->count);
    assert_int_equal(a->parameter_count, b->parameter_count);
    for (int64_t j = 0; j < a->parameter_count; ++j) {
        assert_string_equal(a->parameters[j].name, b->parameters[j].name);
        assert_same_bytes(a->columns[j], b->columns[j], (size_t)a->count * sizeof(double));
    }
}

/* Values bit for bit, live counts exactly, weights and evidence by the reader's own arithmetic. */
static void dead_birth_round_trip(void **state)
{
    (void)state;
    for (int half = 0; half < 2; ++half) {
        mote_draws *draws = test_nested_draws(&memory, 100, half, 3);
        assert_status(mote_write_anesthetic(draws, root), MOTE_OK);
        mote_draws *back = read_root();
        check_columns(draws, back);
        size_t bytes = (size_t)draws->count * sizeof(double);
        assert_same_bytes(back->log_likelihood, draws->log_likelihood, bytes);
        assert_same_bytes(back->birth, draws->birth, bytes);
        assert_same_bytes(back->live_count, draws->live_count, bytes);
        assert_int_equal(back->live, draws->live);
        assert_close(back->log_evidence, draws->log_evidence, 1e-12, 0);
        for (int64_t i = 0; i < draws->count; ++i)
            assert_close(back->log_weight[i], draws->log_weight[i], 1e-10, 1e-10);
        const mote_deaths deaths = { draws->count, back->log_likelihood, back->birth, NULL, back->live_count, back->live };
        assert_close(back->log_evidence, mote_evidence_mean(&deaths, NULL), 1e-12, 0); /* the sampler's own rule */
        /* and it is the evidence: five standard errors */
        assert_close(back->log_evidence, log(0.062831853 / 4 / (half ? 2 : 1)), 0, 5 * draws->log_evidence_error);
        assert_string_equal(back->parameters[0].label, "x_\\mathrm{m}");
        assert_int_equal(back->parameters[2].prior, MOTE_PRIOR_DERIVED);
        mote_draws_free(back);
        mote_draws_free(draws);
    }
}

static void getdist_round_trip(void **state)
{
    (void)state;
    mote_draws *draws = test_nested_draws(&memory, 100, 0, 5);
    assert_status(mote_write_getdist(draws, root), MOTE_OK);
    mote_draws *back = read_root();
    check_columns(draws, back);
    for (int64_t i = 0; i < draws->count; ++i) {
        assert_close(back->log_weight[i], draws->log_weight[i], 0, 1e-12);
        assert_close(back->log_likelihood[i], draws->log_likelihood[i] - log(4.0), 1e-15, 0);
    }
    assert_close(back->parameters[1].argument[0], -1, 0, 0);
    assert_close(back->parameters[1].argument[1], 1, 0, 0);
    assert_null(back->chain);
    mote_draws_free(back);
    mote_draws_free(draws);
}

/* As CosmoMC and cobaya leave them: several chains, fixed parameters in .ranges, comments, blank lines, CR LF. */
static void chains_of_other_codes(void **state)
{
    (void)state;
    put("_1.txt", "# a comment\n 1  10.5   0.3 70 13.8\r\n\n2 11 .31 71 13.7 # trailing\n");
    put("_2.txt", "   0.1000000E+01   0.1050000E+02  3.2E-1 7.2d1 13\n");
    put(".paramnames", "omegam \\Omega_m #matter\n\nH0* H_0\nage*\n");
    put(".ranges", "omegam 0.1 0.5\n  H0 N 100\nnnu 3.046 3.046\n");
    refused(MOTE_EPARSE, "run_2.txt:1: column 5 is not a number");
    put("_2.txt", "   0.1000000E+01   0.1050000E+02  3.2E-1 7.2e1 13\n");
    mote_draws *draws = read_root();
    assert_int_equal(draws->count, 3);
    assert_string_equal(draws->parameters[0].label, "\\Omega_m");
    assert_string_equal(draws->parameters[2].name, "age");
    assert_string_equal(draws->parameters[2].label, "age");
    assert_close(draws->columns[1][2], 72, 0, 0);
    assert_close(draws->log_weight[1], log(0.5), 0, 1e-15);
    assert_close(draws->log_likelihood[0], -10.5, 0, 0);
    assert_close(draws->chain[1], 0, 0, 0);
    assert_close(draws->chain[2], 1, 0, 0);
    assert_close(draws->parameters[0].argument[1], 0.5, 0, 0);
    assert_close(draws->parameters[1].argument[0], -INFINITY, 0, 0);
    mote_draws_free(draws);
}

static void names_are_invented(void **state)
{
    (void)state;
    put(".txt", "1 2 3 4\n");
    mote_draws *draws = read_root();
    assert_int_equal(draws->parameter_count, 2);
    assert_string_equal(draws->parameters[1].name, "p2");
    mote_draws_free(draws);
}

/* PolyChord: the final live points in both files or only in the second, -1e30 for log 0 and for births. */
static void polychord_files(void **state)
{
    (void)state;
    /* three prior draws; 0.1 dies, 0.2 is born at its contour ... */
    put("_dead-birth.txt", "0.1 -3 -1e30\n0.2 -2 -0.1e31\n");
    put("_phys_live-birth.txt", "0.2 -2 -1E30\n0.3 -1 -3\n0.4 -0.5 -1e30\n");
    mote_draws *draws = read_root();
    assert_int_equal(draws->count, 4);
    assert_int_equal(draws->live, 3);
    const double n[] = { 3, 3, 2, 1 };
    assert_same_bytes(draws->live_count, n, sizeof n);
    double x1 = exp(-1 / 3.0), x2 = x1 * x1, x3 = x2 * exp(-0.5), x4 = x3 * exp(-1.0), l[4];
    for (int i = 0; i < 4; ++i)
        l[i] = exp(draws->log_likelihood[i]);
    double z = l[0] * (1 - x1) + (l[0] + l[1]) / 2 * (x1 - x2) + (l[1] + l[2]) / 2 * (x2 - x3) +
               (l[2] + l[3]) / 2 * (x3 - x4) + l[3] * x4;
    assert_close(draws->log_evidence, log(z), 1e-14, 1e-14);
    assert_close(mote_log_sum(draws->log_weight, 4), 0, 0, 1e-14);
    mote_draws_free(draws);
}

static void constant_likelihood(void **state)
{
    (void)state;
    put("_dead-birth.txt", "0.1 -3 -1e30\n0.2 -3 -1e30\n0.3 -3 -1e30\n");
    mote_draws *draws = read_root();
    assert_close(draws->log_evidence, -3, 0, 1e-15);
    assert_close(draws->live_count[0], 3, 0, 0);
    assert_close(draws->live_count[2], 1, 0, 0);
    mote_draws_free(draws);
    put("_dead-birth.txt", "0.1 -1e30 -1e30\n0.2 -inf -inf\n"); /* all zero */
    draws = read_root();
    assert_close(draws->log_evidence, -INFINITY, 0, 0);
    assert_close(mote_draws_effective_sample_size(draws), 0, 0, 0);
    mote_draws_free(draws);
}

static void what_does_not_fit(void **state)
{
    (void)state;
    refused(MOTE_ENOENT, "run.txt");
    put(".txt", "# nothing\n");
    refused(MOTE_EPARSE, "no rows");
    put(".txt", "1 2 3\n1 2\n");
    refused(MOTE_EPARSE, "run.txt:2: 2 columns, but the rows before have 3");
    put(".txt", "1 2 3 4\n");
    put(".paramnames", "a\nb\nc*\n");
    refused(MOTE_EPARSE, "run.txt: 4 columns, but ");
    refused(MOTE_EPARSE, "expected 5 columns (the derived parameters");
    put(".paramnames", "a\na b\n");
    refused(MOTE_EPARSE, "run.paramnames:2: this parameter was named before");
    put(".paramnames", "a\n*\n");
    refused(MOTE_EPARSE, "run.paramnames:2: a name is missing");
    put(".paramnames", "a\nb\n");
    put(".ranges", "a 0 1\nb one 2\n");
    refused(MOTE_EPARSE, "run.ranges:2: expected");
    put(".ranges", "a 2 1\n");
    refused(MOTE_EPARSE, "run.ranges:1: expected");
    put(".ranges", "");
    put(".txt", "1 2 3 4\n-1 2 3 4\n");
    refused(MOTE_EPARSE, "run.txt: row 2 has the weight -1");
    put(".txt", "nan 2 3 4\n");
    refused(MOTE_EPARSE, "row 1 has the weight");
    put(".txt", "0 2 3 4\n");
    refused(MOTE_EPARSE, "all weights are 0");
    put("_dead-birth.txt", "1 2 -3 -2\n");
    refused(MOTE_EPARSE, "row 1 was born at -2 and died at -3");
    put("_dead-birth.txt", "1 -1 -2\n");
    refused(MOTE_EPARSE, "names 2 parameters: expected 4 columns");
    put("_dead-birth.txt", "");
    refused(MOTE_EPARSE, "no rows");
}

static void untrusted_sizes(void **state)
{
    (void)state;
    char path[400];
    snprintf(path, sizeof path, "%s.txt", root);
    FILE *file = fopen(path, "w");
    for (int i = 0; i < 300000; ++i)
        fputs("1 1 ", file);
    fclose(file);
    refused(MOTE_EPARSE, "run.txt:1: the line is longer");
    file = fopen(path, "w");
    for (int i = 0; i < MOTE_READ_COLUMNS + 1; ++i)
        fputs("1 ", file);
    fclose(file);
    refused(MOTE_EPARSE, "run.txt:1: more than 4096 columns");
    file = fopen(path, "w");
    fwrite("1 2 3\n\0\0\n", 1, 9, file);
    fclose(file);
    refused(MOTE_EPARSE, "run.txt:2: this is not a text file");
}

/* Every allocation fails once; nothing leaks (run under valgrind or the leak sanitizer too). */
static int64_t allowed, held;

static void *failing_allocate(void *ctx, size_t size)
{
    (void)ctx;
    void *block = allowed-- > 0 ? malloc(size) : NULL;
    held += block != NULL;
    return block;
}

static void *failing_resize(void *ctx, void *block, size_t size)
{
    (void)ctx;
    void *fresh = allowed-- > 0 ? realloc(block, size) : NULL;
    held += fresh && !block;
    return fresh;
}

static void failing_release(void *ctx, void *block)
{
    (void)ctx;
    held -= block != NULL;
    free(block);
}

static void every_failed_allocation(void **state)
{
    (void)state;
    mote_allocator allocator = { MOTE_VERSIONED(mote_allocator), failing_allocate, failing_resize, failing_release,
                                 NULL };
    mote_memory failing;
    mote_draws *draws = NULL, *small = test_nested_draws(&memory, 10, 0, 3);
    assert_status(mote_memory_open(&failing, &allocator), MOTE_OK);
    assert_status(mote_write_anesthetic(small, root), MOTE_OK);
    assert_status(mote_write_getdist(small, root), MOTE_OK);
    for (int kind = 0; kind < 2; ++kind) {
        int status = MOTE_ENOMEM;
        for (int64_t limit = 0; status == MOTE_ENOMEM && limit < 200; ++limit) {
            allowed = limit;
            status = kind ? mote_draws_read_getdist(&draws, &failing, root, message, sizeof message)
                          : mote_draws_read_anesthetic(&draws, &failing, root, message, sizeof message);
            mote_draws_free(draws);
            assert_int_equal(held, 0);
        }
        assert_status(status, MOTE_OK);
    }
    mote_draws_free(small);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(dead_birth_round_trip, enter, leave),
        cmocka_unit_test_setup_teardown(getdist_round_trip, enter, leave),
        cmocka_unit_test_setup_teardown(chains_of_other_codes, enter, leave),
        cmocka_unit_test_setup_teardown(names_are_invented, enter, leave),
        cmocka_unit_test_setup_teardown(polychord_files, enter, leave),
        cmocka_unit_test_setup_teardown(constant_likelihood, enter, leave),
        cmocka_unit_test_setup_teardown(what_does_not_fit, enter, leave),
        cmocka_unit_test_setup_teardown(untrusted_sizes, enter, leave),
        cmocka_unit_test_setup_teardown(every_failed_allocation, enter, leave),
    };
    mote_memory_open(&memory, NULL);
    return run_unit_tests(tests);
}
