/* SPDX-License-Identifier: GPL-3.0-or-later */
/* root.json through jansson, in any locale, without memory. `test_json FOLDER` writes roots for tests/io/peers.py there
 * instead of testing. */
#include <jansson.h>
#include <mote/output.h>
#include <stdlib.h>

#include "tests/support/comma.h"

#include "tests/io/root.h"

static double number(const json_t *object, const char *key)
{
    const json_t *value = json_object_get(object, key);
    assert_true(json_is_number(value));
    return json_number_value(value);
}

static void json_through_jansson(void **state)
{
    (void)state;
    mote_draws *draws = small();
    mote_run run;
    json_error_t error;
    test_run(&run, draws);
    draws->log_evidence = -12.1;
    assert_status(mote_draws_add_real(draws, "information", 0.1, "nats", "H"), MOTE_OK);
    assert_status(mote_draws_add_real(draws, "parent_child", NAN, "", ""), MOTE_OK);
    assert_status(mote_draws_add_count(draws, "births", 1LL << 40, "", ""), MOTE_OK);
    assert_status(mote_draws_add_warning(draws, "spike", "late \"jump\"\t"), MOTE_OK);
    assert_status(mote_write_json(&run, root), MOTE_OK);
    json_t *all = json_loads(text_of(".json"), JSON_REJECT_DUPLICATES, &error);
    if (!all)
        print_error("line %d: %s\n%s", error.line, error.text, text_of(".json"));
    assert_non_null(all);
    assert_string_equal(json_string_value(json_object_get(all, "identity")), "disc \"one\"\n\xEF\xBF\xBD");
    assert_string_equal(json_string_value(json_object_get(all, "finished_by")), "criterion");
    assert_close(number(all, "log_evidence"), -12.1, 0, 0);
    assert_true(json_is_null(json_object_get(all, "log_evidence_error")));
    json_t *results = json_object_get(all, "results"), *one = json_object_get(results, "information");
    assert_close(number(one, "value"), 0.1, 0, 0);
    assert_string_equal(json_string_value(json_object_get(one, "unit")), "nats");
    assert_true(json_is_null(json_object_get(json_object_get(results, "parent_child"), "value")));
    assert_true(json_integer_value(json_object_get(json_object_get(results, "births"), "value")) == 1LL << 40);
    assert_int_equal(json_object_size(results), 3);
    json_t *warnings = json_object_get(all, "warnings");
    assert_int_equal(json_array_size(warnings), 1);
    assert_string_equal(json_string_value(json_object_get(json_array_get(warnings, 0), "text")), "late \"jump\"\t");
    json_t *w = json_array_get(json_object_get(all, "parameters"), 0);
    assert_close(number(w, "mean"), (0.1 - 1.25) / 2, 1e-15, 0);
    assert_string_equal(json_string_value(json_object_get(w, "prior")), "uniform");
    assert_close(json_number_value(json_array_get(json_object_get(w, "prior_arguments"), 0)), -3, 0, 0);
    assert_int_equal(json_array_size(json_object_get(w, "prior_arguments")), 2);
    json_t *age = json_array_get(json_object_get(all, "parameters"), 1);
    assert_true(json_is_true(json_object_get(age, "derived")) && json_is_null(json_object_get(age, "mean")));
    json_t *options = json_object_get(all, "options");
    assert_close(number(options, "live_points"), 123, 0, 0);
    assert_close(number(options, "precision"), 1e-3, 0, 0);
    assert_string_equal(json_string_value(json_object_get(options, "step")), "slice");
    assert_true(json_is_null(json_object_get(options, "checkpoint")));
    json_t *ledger = json_object_get(all, "ledger");
    assert_true(json_integer_value(json_object_get(ledger, "calls")) == 9876543210LL);
    assert_close(number(json_object_get(ledger, "failed"), "timeout"), 7, 0, 0);
    json_decref(all);
    mote_draws_free(draws);
}

static void comma_locale(void **state)
{
    (void)state;
    mote_draws *draws = small();
    mote_run run;
    static char before[1 << 16];
    test_run(&run, draws);
    assert_status(mote_write_json(&run, root), MOTE_OK);
    snprintf(before, sizeof before, "%s", text_of(".json"));
    assert_non_null(strstr(before, "\"precision\": 0.001"));
    if (enter_comma_locale()) {
        assert_status(mote_write_json(&run, root), MOTE_OK);
        assert_string_equal(text_of(".json"), before);
        leave_comma_locale();
    }
    assert_status(mote_write_json(NULL, root), MOTE_EINVAL);
    mote_draws_free(draws);
}

/* Memory that ends anywhere in the summaries: no file, no left-over. */
static int64_t allowed;

static void *failing_allocate(void *ctx, size_t size)
{
    (void)ctx;
    return allowed-- > 0 ? malloc(size) : NULL;
}

static void *failing_resize(void *ctx, void *block, size_t size)
{
    (void)ctx;
    return allowed-- > 0 ? realloc(block, size) : NULL;
}

static void failing_release(void *ctx, void *block)
{
    (void)ctx;
    free(block);
}

static void json_without_memory(void **state)
{
    (void)state;
    mote_allocator allocator = { MOTE_VERSIONED(mote_allocator), failing_allocate, failing_resize, failing_release,
                                 NULL };
    mote_memory failing;
    mote_run run;
    mote_draws *draws = small();
    assert_status(mote_memory_open(&failing, &allocator), MOTE_OK);
    draws->memory = &failing;
    test_run(&run, draws);
    allowed = 1; /* the second parameter's summary fails */
    assert_status(mote_write_json(&run, root), MOTE_ENOMEM);
    assert_int_equal(count_test_files(folder, "run"), 0);
    draws->memory = &memory;
    mote_draws_free(draws);
}

/* Roots for tests/io/peers.py: FOLDER/full, FOLDER/half_empty. */
static int write_roots(const char *where)
{
    for (int half = 0; half < 2; ++half) {
        mote_run run;
        mote_draws *draws = test_nested_draws(&memory, 400, half, 7);
        test_run(&run, draws);
        snprintf(root, sizeof root, "%s/%s", where, half ? "half_empty" : "full");
        int status = mote_write_getdist(draws, root);
        status = status ? status : mote_write_anesthetic(draws, root);
        status = status ? status : mote_write_equal_weights(draws, root);
        status = status ? status : mote_write_csv(draws, root);
        status = status ? status : mote_write_json(&run, root);
        mote_draws_free(draws);
        if (status) {
            fprintf(stderr, "%s\n", mote_output_message());
            return 1;
        }
    }
    return 0;
}

int main(int argc, char **argv)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(json_through_jansson, enter, leave),
        cmocka_unit_test_setup_teardown(comma_locale, enter, leave),
        cmocka_unit_test_setup_teardown(json_without_memory, enter, leave),
    };
    mote_memory_open(&memory, NULL);
    return argc > 1 ? write_roots(argv[1]) : run_unit_tests(tests);
}
