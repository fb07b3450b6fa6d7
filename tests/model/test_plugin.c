/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The plug-in loader: what it refuses and in which words, what it hands out, and that it tidies up. */
#define _XOPEN_SOURCE 700
#include <mote/plugin.h>
#include <stdlib.h>
#include <unistd.h>

#include "model/plugin.h"
#include "tests/support/test.h"

#define OBJECT(name) MOTE_BUILD "/tests/plugins/.libs/" name ".so"

static char message[1200];

/* Parses `text` and loads the model with its [model] section; *file must be freed after the plug-in. */
static int load(mote_loaded_plugin **plugin, mote_config **file, const char *path, const char *text)
{
    *message = '\0';
    assert_int_equal(mote_config_parse(file, text, "test.ini", message, sizeof message), MOTE_OK);
    return mote_plugin_load(plugin, path, mote_config_section(*file, "model"), message, sizeof message);
}

static void refused(const char *path, const char *text, int status, const char *first, const char *second)
{
    mote_loaded_plugin *plugin = NULL;
    mote_config *file = NULL;
    assert_int_equal(load(&plugin, &file, path, text), status);
    assert_null(plugin);
    if (!strstr(message, first) || !strstr(message, second))
        fail_msg("message '%s' does not name '%s' and '%s'", message, first, second);
    mote_config_free(&file);
}

static void each_fault_has_its_message(void **state)
{
    (void)state;
    refused(OBJECT("absent"), "[model]\n", MOTE_ENOENT, "absent.so", "no such plug-in");
    refused(MOTE_SOURCE "/README.md", "[model]\n", MOTE_EPLUGIN, "README.md", "cannot be loaded");
    refused(OBJECT("no_symbol"), "[model]\n", MOTE_EPLUGIN, "no_symbol.so", "symbol mote_plugin:");
    refused(OBJECT("no_abi"), "[model]\n", MOTE_EPLUGIN, "no_abi.so", "mote_plugin_abi");
    refused(OBJECT("newer"), "[model]\n", MOTE_EVERSION, "newer.so", "ABI 2");
    refused(OBJECT("wrong_kind"), "[model]\n", MOTE_EKIND, "wrong_kind.so", "mote_target");
    refused(OBJECT("no_target"), "[model]\n", MOTE_EPLUGIN, "no_target.so", "set no target");
}

static void bad_sections_name_file_and_line(void **state)
{
    (void)state;
    refused(OBJECT("model"), "[model]\nwidht = 1\n", MOTE_EOPTION, "test.ini:2", "widht");
    refused(OBJECT("model"), "[model]\n\nwidth = broad\n", MOTE_EPARSE, "test.ini:3", "width");
    refused(OBJECT("model"), "[model]\nopen = fail\n", MOTE_EINVAL, "model.so", "the tests asked for a failure");
    refused(OBJECT("model"), "[model]\ndata = absent.txt\n", MOTE_ENOENT, "absent.txt", "");
}

static void hands_out_the_target(void **state)
{
    mote_loaded_plugin *plugin = NULL;
    mote_config *file = NULL;
    (void)state;
    assert_int_equal(load(&plugin, &file, OBJECT("model"), "[model]\nwidth = 2\n"), MOTE_OK);
    const mote_target *target = mote_plugin_target(plugin);
    assert_string_equal(target->name, "pair");
    assert_int_equal(target->parameter_count, 4);
    assert_string_equal(target->parameters[1].name, "offset");
    assert_int_equal(target->flags, MOTE_THREADSAFE);
    assert_ptr_equal(target->plugin, plugin);
    assert_string_equal(target->identity, mote_plugin_fingerprint(plugin));
    const double theta[] = { 2, 0, 1 };
    double value, derived;
    assert_int_equal(target->log_likelihood_point(target->ctx, theta, &value, &derived), 0);
    assert_close(value, -0.5, 1e-15, 0);
    mote_plugin_release(&plugin);
    assert_null(plugin);
    mote_plugin_release(&plugin);
    mote_config_free(&file);
}

static int64_t letters_in(const char *path)
{
    int64_t n = 0;
    FILE *file = fopen(path, "r");
    while (file && fgetc(file) != EOF)
        ++n;
    if (file)
        fclose(file);
    return n;
}

static void release_is_called_once_also_after_a_failure(void **state)
{
    char path[] = "/tmp/mote-release-XXXXXX", text[200];
    const int descriptor = mkstemp(path);
    mote_loaded_plugin *plugin = NULL;
    mote_config *file = NULL;
    (void)state;
    assert_true(descriptor >= 0);
    close(descriptor);
    const char *const endings[] = { "", "open = fail\n", "unknown = 1\n" };
    for (int i = 0; i < 3; ++i) {
        snprintf(text, sizeof text, "[model]\nreleased = %s\n%s", path, endings[i]);
        assert_int_equal(!load(&plugin, &file, OBJECT("model"), text), i == 0);
        mote_plugin_release(&plugin);
        mote_config_free(&file);
        assert_int_equal(letters_in(path), i + 1);
    }
    unlink(path);
}

/* Denormal arithmetic in this thread must survive a plug-in whose start-up code switches it off. */
static void arithmetic_mode_is_restored(void **state)
{
    mote_loaded_plugin *plugin = NULL;
    mote_config *file = NULL;
    (void)state;
    volatile double tiny = 2.2250738585072014e-308;
    assert_int_equal(load(&plugin, &file, OBJECT("flush"), "[model]\n"), MOTE_OK);
    tiny = tiny / 4;
    assert_true(tiny > 0);
    mote_plugin_release(&plugin);
    mote_config_free(&file);
}

static void identity_of(char *identity, char *fingerprint, const char *text)
{
    mote_loaded_plugin *plugin = NULL;
    mote_config *file = NULL;
    assert_int_equal(load(&plugin, &file, OBJECT("model"), text), MOTE_OK);
    snprintf(identity, 100, "%s", mote_plugin_target(plugin)->identity);
    snprintf(fingerprint, 100, "%s", mote_plugin_fingerprint(plugin));
    mote_plugin_release(&plugin);
    mote_config_free(&file);
}

static void identity_covers_object_section_and_data(void **state)
{
    char a[100], b[100], print_a[100], print_b[100], path[] = "/tmp/mote-data-XXXXXX", text[200];
    const int descriptor = mkstemp(path);
    (void)state;
    assert_true(descriptor >= 0 && write(descriptor, "1 0.5\n", 6) == 6);
    identity_of(a, print_a, "[model]\nwidth = 2\n");
    identity_of(b, print_b, "[model]\nwidth = 2\n");
    assert_string_equal(a, b);
    identity_of(b, print_b, "[model]\nwidth = 3\n");
    assert_string_not_equal(a, b);

    snprintf(text, sizeof text, "[model]\ndata = %s\nidentity = yes\n", path);
    identity_of(a, print_a, text);
    assert_non_null(strstr(a, "pair of normals"));
    assert_true(write(descriptor, "2 0.0\n", 6) == 6);
    identity_of(b, print_b, text);
    assert_string_not_equal(a, b);
    assert_string_not_equal(print_a, print_b);

    /* A plug-in that names its likelihood can be compared across its own settings, not resumed across them. */
    snprintf(text, sizeof text, "[model]\ndata = %s\nidentity = yes\nwidth = 4\n", path);
    identity_of(a, print_a, text);
    assert_string_equal(a, b);
    assert_string_not_equal(print_a, print_b);
    close(descriptor);
    unlink(path);
}

/* ---- [parameters] ------------------------------------------------------------------------------------------------ */

static int override(mote_loaded_plugin **plugin, mote_config **file, const char *text)
{
    assert_int_equal(load(plugin, file, OBJECT("model"), text), MOTE_OK);
    return mote_plugin_override(*plugin, mote_config_section(*file, "parameters"), message, sizeof message);
}

static void parameters_are_overridden(void **state)
{
    mote_loaded_plugin *plugin = NULL;
    mote_config *file = NULL;
    (void)state;
    assert_int_equal(override(&plugin, &file, "[parameters]\nslope = normal 1 0.25\noffset = 0.5\n"
                                              "scale = log_uniform 0.1 10 reflective\noffset.label = c_0\n"
                                              "slope.unit = km\n"), MOTE_OK);
    const mote_parameter *parameters = mote_plugin_target(plugin)->parameters;
    assert_int_equal(parameters[0].prior, MOTE_PRIOR_NORMAL);
    assert_true(parameters[0].argument[0] == 1 && parameters[0].argument[1] == 0.25);
    assert_string_equal(parameters[0].label, "b");
    assert_string_equal(parameters[0].unit, "km");
    assert_int_equal(parameters[1].prior, MOTE_PRIOR_FIXED);
    assert_true(parameters[1].argument[0] == 0.5 && parameters[1].argument[1] == 0);
    assert_string_equal(parameters[1].label, "c_0");
    assert_int_equal(parameters[2].prior, MOTE_PRIOR_LOG_UNIFORM);
    assert_int_equal(parameters[2].boundary, MOTE_BOUNDARY_REFLECTIVE);
    mote_plugin_release(&plugin);
    mote_config_free(&file);
}

static void override_refused(const char *line, const char *first, const char *second)
{
    char text[300];
    mote_loaded_plugin *plugin = NULL;
    mote_config *file = NULL;
    snprintf(text, sizeof text, "[model]\n[parameters]\n%s\n", line);
    assert_int_equal(override(&plugin, &file, text), MOTE_EOPTION);
    if (!strstr(message, "test.ini:3") || !strstr(message, first) || !strstr(message, second))
        fail_msg("'%s': message '%s' does not name '%s' and '%s'", line, message, first, second);
    mote_plugin_release(&plugin);
    mote_config_free(&file);
}

static void bad_overrides_name_file_line_and_reason(void **state)
{
    (void)state;
    override_refused("slop = 1", "'slop'", "did you mean 'slope'");
    override_refused("slope = unifrm 0 1", "'unifrm'", "did you mean 'uniform'");
    override_refused("slope = uniform 1", "2 numbers", "lower upper");
    override_refused("slope = uniform 0 1 2", "2 numbers", "uniform");
    override_refused("slope = uniform 1 0", "slope = uniform 1 0", "");
    override_refused("slope = normal 0 -1", "slope = normal 0 -1", "");
    override_refused("slope = uniform 0 wide", "'wide'", "not a number");
    override_refused("chi2_pair = uniform 0 1", "computed by the model", "");
    override_refused("slope = derived", "only the model", "");
    override_refused("slope = conditional", "prior_transform", "");
    override_refused("slope.colour = red", "label and unit", "");
}

static void text_gives_the_same_model_again(void **state)
{
    mote_loaded_plugin *plugin = NULL, *again = NULL;
    mote_config *file = NULL;
    (void)state;
    assert_int_equal(override(&plugin, &file, "[model]\nwidth = 3\n[parameters]\nscale = 2\n"), MOTE_OK);
    mote_config_free(&file);
    const int status = mote_plugin_load_text(&again, mote_plugin_path(plugin), mote_plugin_text(plugin), message,
                                             sizeof message);
    if (status)
        fail_msg("%s", message);
    assert_string_equal(mote_plugin_fingerprint(again), mote_plugin_fingerprint(plugin));
    assert_true(mote_plugin_target(again)->parameters[2].argument[0] == 2);
    assert_string_equal(mote_plugin_text(again), mote_plugin_text(plugin));
    mote_plugin_release(&again);
    mote_plugin_release(&plugin);
}

static void hands_out_a_state_space_model(void **state)
{
    mote_loaded_plugin *plugin = NULL;
    mote_config *file = NULL;
    (void)state;
    assert_int_equal(load(&plugin, &file, OBJECT("ssm"), "[model]\nseries = yes\n[parameters]\nrho = 0.25\nrho.label = "
                                                         "r\n"),
                     MOTE_OK);
    assert_null(mote_plugin_target(plugin));
    assert_int_equal(mote_plugin_override(plugin, mote_config_section(file, "parameters"), message, sizeof message),
                     MOTE_OK);
    const mote_ssm *ssm = mote_plugin_ssm(plugin);
    assert_non_null(ssm);
    assert_string_equal(ssm->name, "autoregression");
    assert_int_equal(ssm->parameters[0].prior, MOTE_PRIOR_FIXED);
    assert_true(ssm->parameters[0].argument[0] == 0.25);
    assert_string_equal(ssm->parameters[0].label, "r");
    assert_int_equal(ssm->series->count, 20);
    assert_string_equal(ssm->identity, mote_plugin_fingerprint(plugin));
    mote_plugin_release(&plugin);
    mote_config_free(&file);
}

static void both_models_take_the_parameters(void **state)
{
    mote_loaded_plugin *plugin = NULL;
    mote_config *file = NULL;
    (void)state;
    assert_int_equal(load(&plugin, &file, OBJECT("ssm"), "[model]\nboth = yes\n[parameters]\nspread = uniform 0.1 2\n"),
                     MOTE_OK);
    assert_int_equal(mote_plugin_override(plugin, mote_config_section(file, "parameters"), message, sizeof message),
                     MOTE_OK);
    assert_int_equal(mote_plugin_ssm(plugin)->parameters[1].prior, MOTE_PRIOR_UNIFORM);
    assert_int_equal(mote_plugin_target(plugin)->parameters[1].prior, MOTE_PRIOR_UNIFORM);
    mote_plugin_release(&plugin);
    mote_config_free(&file);
    assert_int_equal(load(&plugin, &file, OBJECT("ssm"), "[parameters]\nsprat = 1\n"), MOTE_OK);
    assert_int_equal(mote_plugin_override(plugin, mote_config_section(file, "parameters"), message, sizeof message),
                     MOTE_EOPTION);
    assert_non_null(strstr(message, "did you mean 'spread'"));
    mote_plugin_release(&plugin);
    mote_config_free(&file);
}

static void a_series_changes_the_identity(void **state)
{
    static const double values[2] = { 1, 2 };
    const mote_series series = { MOTE_VERSIONED(mote_series), .count = 2, .values = values };
    mote_loaded_plugin *plugin = NULL;
    mote_config *file = NULL;
    char before[200];
    (void)state;
    assert_int_equal(load(&plugin, &file, OBJECT("ssm"), ""), MOTE_OK);
    snprintf(before, sizeof before, "%s", mote_plugin_identity(plugin));
    assert_int_equal(mote_plugin_set_series(plugin, &series, MOTE_SOURCE "/data/timeseries/nutria.txt"), MOTE_OK);
    assert_string_not_equal(before, mote_plugin_identity(plugin));
    assert_ptr_equal(mote_plugin_ssm(plugin)->series, &series);
    mote_plugin_release(&plugin);
    mote_config_free(&file);
    assert_int_equal(load(&plugin, &file, OBJECT("model"), ""), MOTE_OK);
    assert_int_equal(mote_plugin_set_series(plugin, &series, NULL), MOTE_ESTATE);
    mote_plugin_release(&plugin);
    mote_config_free(&file);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(each_fault_has_its_message),
        cmocka_unit_test(bad_sections_name_file_and_line),
        cmocka_unit_test(hands_out_the_target),
        cmocka_unit_test(release_is_called_once_also_after_a_failure),
        cmocka_unit_test(arithmetic_mode_is_restored),
        cmocka_unit_test(identity_covers_object_section_and_data),
        cmocka_unit_test(parameters_are_overridden),
        cmocka_unit_test(bad_overrides_name_file_line_and_reason),
        cmocka_unit_test(text_gives_the_same_model_again),
        cmocka_unit_test(hands_out_a_state_space_model),
        cmocka_unit_test(both_models_take_the_parameters),
        cmocka_unit_test(a_series_changes_the_identity),
    };
    return run_unit_tests(tests);
}
