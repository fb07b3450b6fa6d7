/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The shared object and the shipped ini files through the library's own readers and loader. */
#include <dlfcn.h>
#include <mote/config.h>
#include <mote/plugin.h>

#include "tests/support/test.h"

#define OBJECT MOTE_BUILD "/examples/cosmology/.libs/cosmology.so"

static double point(const mote_target *target, const double *theta, int64_t dimension)
{
    double value = NAN;
    const mote_batch batch = { MOTE_VERSIONED(mote_batch), .n = 1, .dimension = dimension, .stride = dimension,
                               .theta = theta, .log_likelihood = &value };
    assert_status(target->log_likelihood(target->ctx, &batch), 0);
    return value;
}

/* At point A of the check values CC15, DESI DR2 and Pantheon give 6.4095 + 11.8371 + 39.3275. */
static void shipped_ini_files_open(void **unused)
{
    (void)unused;
    static const struct {
        const char *name;
        double theta[5];
        int64_t dimension;
    } files[] = { { "lcdm", { 0.3, 0.7, 101 }, 3 },
                  { "cpl", { 0.3, -1, 0, 0.7, 101 }, 5 },
                  { "reference", { 0.3, 0.7, 101 }, 3 } };
    for (size_t i = 0; i < sizeof files / sizeof *files; ++i) {
        char path[1024], message[1024] = "";
        mote_config *file = NULL;
        mote_loaded_plugin *plugin = NULL;
        snprintf(path, sizeof path, "%s/examples/cosmology/%s.ini", MOTE_SOURCE, files[i].name);
        assert_status(mote_config_read(&file, path, message, sizeof message), MOTE_OK);
        const mote_config *model = mote_config_section(file, "model");
        if (mote_plugin_load(&plugin, OBJECT, model, message, sizeof message))
            fail_msg("%s", message);
        assert_null(mote_config_unused(model));
        assert_close(-2 * point(mote_plugin_target(plugin), files[i].theta, files[i].dimension),
                     6.4095 + 11.8371 + 39.3275, 0, 1e-3);
        mote_plugin_release(&plugin);
        mote_config_free(&file);
    }
}

static void messages_reach_the_caller(void **unused)
{
    (void)unused;
    char message[1024] = "";
    mote_config *file = NULL;
    mote_loaded_plugin *plugin = NULL;
    static const char *const text = "[model]\ndata = cc15\nmodel = lcmd\n";
    assert_status(mote_config_parse(&file, text, "a.ini", message, sizeof message), MOTE_OK);
    const mote_config *model = mote_config_section(file, "model");
    assert_int_not_equal(mote_plugin_load(&plugin, OBJECT, model, message, sizeof message), MOTE_OK);
    assert_non_null(strstr(message, "a.ini:3"));
    assert_non_null(strstr(message, "did you mean lcdm?"));
    mote_plugin_release(&plugin);
    mote_config_free(&file);
}

static void the_shared_object_loads_alone(void **unused)
{
    (void)unused;
    void *object = dlopen(OBJECT, RTLD_NOW | RTLD_LOCAL);
    if (!object)
        fail_msg("%s", dlerror());
    assert_non_null(dlsym(object, "mote_plugin"));
    const int64_t *abi = dlsym(object, "mote_plugin_abi");
    assert_non_null(abi);
    assert_int_equal(*abi, MOTE_PLUGIN_ABI);
    assert_null(dlsym(object, "cosmology_batch")); /* nothing else is exported */
    dlclose(object);
}

int main(void)
{
    const struct CMUnitTest tests[] = { cmocka_unit_test(the_shared_object_loads_alone),
                                        cmocka_unit_test(shipped_ini_files_open),
                                        cmocka_unit_test(messages_reach_the_caller) };
    return run_unit_tests(tests);
}
