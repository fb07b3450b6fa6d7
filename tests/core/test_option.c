/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "core/option.h"

#include <mote/mote.h>
#include <stdlib.h>

#include "core/number.h"
#include "tests/support/test.h"

MOTE_OPTION_TABLE(nested, "nested", mote_nested_options, MOTE_NESTED_OPTIONS);
static const mote_option prior_rows[] = {
#define mote_option_owner mote_prior_options
    MOTE_OPTION_ROWS(MOTE_RUN_OPTIONS) MOTE_OPTION_ROWS(MOTE_PRIOR_RUN_OPTIONS)
#undef mote_option_owner
};
static const mote_option_table prior = { "prior", MOTE_KIND_mote_prior_options, sizeof(mote_prior_options),
                                         sizeof prior_rows / sizeof *prior_rows, prior_rows, NULL };
static const mote_option_table *const tables[] = { &nested, &prior };

static mote_memory memory;
static mote_message message;

static int open_memory(void **state)
{
    (void)state;
    return mote_memory_open(&memory, NULL);
}

/* Zero means default: the default is 0, or 0 is outside the legal range. */
static void check_zero(const mote_option *option)
{
    int legal = option->minimum <= 0 && option->maximum >= 0;
    if (option->type == MOTE_OPTION_INTEGER || option->type == MOTE_OPTION_REAL) {
        if (option->standard != 0 && legal)
            fail_msg("%s: 0 is legal, so its default must be 0", option->key);
        if (option->standard < option->minimum || option->standard > option->maximum)
            fail_msg("%s: the default is outside the bounds", option->key);
    }
}

static void tables_are_sound(void **state)
{
    (void)state;
    for (size_t t = 0; t < sizeof tables / sizeof *tables; ++t) {
        /* The fields fill the struct after its head and hooks, 8 bytes each: nothing hides in padding. */
        assert_int_equal(tables[t]->size, 16 + 8 * tables[t]->count);
        for (int64_t i = 0; i < tables[t]->count; ++i) {
            const mote_option *option = &tables[t]->options[i];
            check_zero(option);
            assert_int_equal(option->offset, 16 + 8 * i);
            assert_true(strlen(option->help) > 10 && strlen(option->help) < 120);
            assert_ptr_equal(mote_option_find(tables[t], option->key), option); /* keys are unique */
            assert_int_equal(option->type == MOTE_OPTION_CHOICE, option->choices != NULL);
        }
    }
    assert_null(mote_option_find(&nested, "no_such"));
}

static void resolve_fills_defaults(void **state)
{
    (void)state;
    mote_nested_options options = { MOTE_VERSIONED(mote_nested_options), .live_points = 42, .checkpoint = "folder" };
    assert_status(mote_options_resolve(&nested, &options, &memory, &message), MOTE_OK);
    assert_int_equal(options.live_points, 42);
    assert_int_equal(options.seed, 0);
    assert_int_equal(options.threads, 1);
    assert_int_equal(options.bootstrap_rounds, 30);
    assert_close(options.precision, 1e-3, 0, 0);
    assert_close(options.slice_calls, 1.75, 0, 0);
    assert_string_equal(options.checkpoint, "folder");
    assert_null(options.worker_program);
    mote_options_release(&nested, &options, &memory);
    assert_null(options.checkpoint);
}

/* The struct keeps its own texts: the caller's may go. */
static void resolve_copies_texts(void **state)
{
    (void)state;
    char text[] = "first";
    mote_nested_options options = { MOTE_VERSIONED(mote_nested_options), .checkpoint = text };
    assert_status(mote_options_resolve(&nested, &options, &memory, &message), MOTE_OK);
    memset(text, 'x', sizeof text - 1);
    assert_string_equal(options.checkpoint, "first");
    mote_options_release(&nested, &options, &memory);
}

static void expect_refused(mote_nested_options options, const char *text)
{
    assert_status(mote_options_resolve(&nested, &options, &memory, &message), MOTE_EOPTION);
    assert_string_equal(message.text, text);
    mote_options_release(&nested, &options, &memory); /* must not free the caller's texts */
}

static void resolve_refuses(void **state)
{
    (void)state;
    const mote_nested_options start = { MOTE_VERSIONED(mote_nested_options), .checkpoint = "literal" };
    mote_nested_options options = start;
    options.live_points = 1;
    expect_refused(options, "option 'live_points' = 1 must lie between 2 and 10000000 points");
    options = start, options.precision = 2;
    expect_refused(options, "option 'precision' = 2 must lie between 1e-12 and 1");
    options = start, options.precision = NAN;
    expect_refused(options, "option 'precision' = nan must lie between 1e-12 and 1");
    options = start, options.seed = -1;
    expect_refused(options, "option 'seed' = -1 must lie between 0 and 9e+18");
    options = start, options.step = 4;
    expect_refused(options, "option 'step' = 4 is none of the choices auto|bound|slice|walk (0 to 3)");
    options = start, options.step = -1;
    expect_refused(options, "option 'step' = -1 is none of the choices auto|bound|slice|walk (0 to 3)");
}

static void set_and_get(void **state)
{
    (void)state;
    static const struct {
        const char *key, *value, *back;
    } cases[] = { { "live_points", "1e3", "1000" },     { "live_points", "0", "500" },
                  { "live_points", " 77 ", "77" },      { "precision", "0.25", "0.25" },
                  { "precision", "0", "0.001" },        { "step", "slice", "slice" },
                  { "step", "0", "auto" },              { "checkpoint", "run/one", "run/one" },
                  { "checkpoint", "0", "" },            { "checkpoint", "", "" },
                  { "seed", "9007199254740993", "9007199254740993" } };
    mote_nested_options options = { MOTE_VERSIONED(mote_nested_options), .hooks = NULL };
    char text[64];
    for (size_t i = 0; i < sizeof cases / sizeof *cases; ++i) {
        assert_status(mote_option_set(&nested, &options, cases[i].key, cases[i].value, NULL, 0), MOTE_OK);
        assert_status(mote_option_get(&nested, &options, cases[i].key, text, sizeof text), MOTE_OK);
        assert_string_equal(text, cases[i].back);
    }
    assert_int_equal(options.seed, INT64_C(9007199254740993));
    assert_int_equal(options.step, MOTE_STEP_AUTO);
    assert_status(mote_option_get(&nested, &options, "seed", text, 4), MOTE_EINVAL);
    assert_status(mote_option_get(&nested, &options, "sneed", text, sizeof text), MOTE_EOPTION);
}

static void set_refuses(void **state)
{
    (void)state;
    static const struct {
        const char *key, *value, *message;
    } cases[] = {
        { "live_ponits", "5", "nested has no option 'live_ponits'; did you mean 'live_points'?" },
        { "qqqqqqq", "5", "nested has no option 'qqqqqqq'" },
        { "live_points", "many", "option 'live_points': 'many' is not a whole number" },
        { "live_points", "2.5", "option 'live_points': '2.5' is not a whole number" },
        { "live_points", "1", "option 'live_points' = 1 must lie between 2 and 10000000 points" },
        { "precision", "0,5", "option 'precision': '0,5' is not a number" },
        { "precision", "nan", "option 'precision' = nan must lie between 1e-12 and 1" },
        { "step", "slices", "option 'step': 'slices' is none of auto|bound|slice|walk" },
        { "step", "auto|bound", "option 'step': 'auto|bound' is none of auto|bound|slice|walk" },
    };
    mote_nested_options options = { MOTE_VERSIONED(mote_nested_options), .hooks = NULL }, before = options;
    char text[256];
    for (size_t i = 0; i < sizeof cases / sizeof *cases; ++i) {
        assert_status(mote_option_set(&nested, &options, cases[i].key, cases[i].value, text, sizeof text), MOTE_EOPTION);
        assert_string_equal(text, cases[i].message);
    }
    assert_same_bytes(&options, &before, sizeof options);
    mote_prior_options other = { MOTE_VERSIONED(mote_prior_options), .hooks = NULL };
    assert_status(mote_option_set(&nested, &other, "seed", "1", text, sizeof text), MOTE_EKIND);
    assert_string_equal(text, "a struct of kind mote_prior_options was passed where mote_nested_options is expected");
    options.head.size = 24; /* an older program: only `seed` fits */
    assert_status(mote_option_set(&nested, &options, "seed", "1", text, sizeof text), MOTE_OK);
    assert_status(mote_option_set(&nested, &options, "run_id", "1", text, sizeof text), MOTE_EVERSION);
}

static void structs_of_other_versions(void **state)
{
    (void)state;
    mote_allocator ours, theirs = { MOTE_VERSIONED(mote_allocator), .ctx = &ours };
    struct {
        mote_allocator known;
        int64_t later;
    } newer = { { { sizeof newer, MOTE_KIND_mote_allocator }, NULL, NULL, NULL, &ours }, 0 };
    const uint32_t kind = MOTE_KIND_mote_allocator;

    theirs.head.size = offsetof(mote_allocator, ctx); /* older: it ends before ctx */
    memset(&ours, 0xff, sizeof ours);
    assert_status(mote_struct_read(&ours, sizeof ours, kind, &theirs, &message), MOTE_OK);
    assert_null(ours.ctx);
    assert_int_equal(ours.head.size, sizeof ours);

    assert_status(mote_struct_read(&ours, sizeof ours, kind, &newer, &message), MOTE_OK);
    assert_ptr_equal(ours.ctx, &ours);
    newer.later = 1;
    assert_status(mote_struct_read(&ours, sizeof ours, kind, &newer, &message), MOTE_EVERSION);
    assert_non_null(strstr(message.text, "mote_allocator"));

    memset(&ours, 0xff, sizeof ours);
    assert_status(mote_struct_read(&ours, sizeof ours, kind, NULL, &message), MOTE_OK);
    assert_int_equal(ours.head.kind, kind);
    assert_null(ours.allocate);
    theirs.head.size = 4;
    assert_status(mote_struct_read(&ours, sizeof ours, kind, &theirs, &message), MOTE_EVERSION);
}

static void structs_of_other_kinds(void **state)
{
    (void)state;
    mote_hooks hooks = { MOTE_VERSIONED(mote_hooks), .log = NULL };
    mote_allocator ours;
    assert_status(mote_struct_read(&ours, sizeof ours, MOTE_KIND_mote_allocator, &hooks, &message), MOTE_EKIND);
    assert_string_equal(message.text, "a struct of kind mote_hooks (2) was passed where mote_allocator is expected");
    memset(&hooks, 0, sizeof hooks);
    assert_status(mote_struct_read(&ours, sizeof ours, MOTE_KIND_mote_allocator, &hooks, &message), MOTE_EKIND);
    assert_non_null(strstr(message.text, "MOTE_VERSIONED(mote_allocator)"));
    assert_string_equal(mote_kind_name(MOTE_KIND_mote_pending), "mote_pending");
    assert_string_equal(mote_kind_name(0), "unknown");
    assert_string_equal(mote_kind_name(UINT32_MAX), "unknown");
}

static void identity_text(void **state)
{
    (void)state;
    static const char *const skip[] = { "threads", NULL };
    mote_nested_options options = { MOTE_VERSIONED(mote_nested_options), .seed = INT64_C(9007199254740993),
                                    .threads = 8, .live_points = 500, .precision = 0.1, .step = MOTE_STEP_WALK };
    char *text = mote_options_text(&nested, &options, skip, &memory);
    assert_string_equal(text, "seed=9007199254740993\nprecision=0.1\nstep=walk\n");
    options.threads = 2; /* skipped; and resolving changes nothing */
    assert_status(mote_options_resolve(&nested, &options, &memory, &message), MOTE_OK);
    char *again = mote_options_text(&nested, &options, skip, &memory);
    assert_string_equal(again, text);
    assert_status(mote_options_compare(&nested, text, again, &message), MOTE_OK);
    mote_memory_release(&memory, again);

    options.precision = 0.2;
    again = mote_options_text(&nested, &options, skip, &memory);
    assert_status(mote_options_compare(&nested, text, again, &message), MOTE_EIDENTITY);
    assert_string_equal(message.text, "option 'precision' was 0.1 when the state was saved and is 0.2 now");
    mote_memory_release(&memory, again);
    assert_status(mote_options_compare(&nested, text, "seed=9007199254740993\nprecision=0.1\n", &message),
                  MOTE_EIDENTITY);
    assert_string_equal(message.text, "option 'step' was walk when the state was saved and is auto now");
    assert_status(mote_options_compare(&nested, "colour=red\n", "", &message), MOTE_EIDENTITY);
    mote_memory_release(&memory, text);
    mote_options_release(&nested, &options, &memory);
}

struct page {
    char text[16384];
    int lines;
};

static void keep_line(void *ctx, const char *text)
{
    struct page *page = ctx;
    size_t length = strlen(page->text);
    snprintf(page->text + length, sizeof page->text - length, "%s\n", text);
    ++page->lines;
}

static void dump_is_an_ini_section(void **state)
{
    (void)state;
    static struct page page;
    mote_nested_options options = { MOTE_VERSIONED(mote_nested_options), .live_points = 42, .step = MOTE_STEP_SLICE };
    mote_options_dump(&nested, &options, keep_line, &page);
    assert_int_equal(page.lines, 1 + 2 * nested.count);
    assert_non_null(strstr(page.text, "[nested]\n# seed of all random numbers"));
    assert_non_null(strstr(page.text, "# number of live points (between 2 and 10000000 points)\nlive_points = 42\n"));
    assert_non_null(strstr(page.text, "\nstep = slice\n"));
    assert_non_null(strstr(page.text, "\n# precision = 0.001\n"));
    memset(&page, 0, sizeof page);
    mote_options_dump(&nested, NULL, keep_line, &page);
    assert_non_null(strstr(page.text, "\n# live_points = 500\n"));
    assert_non_null(strstr(page.text, "\n# checkpoint = \n"));
}

/* ---- options without effect ---- */

typedef union any_options {
    mote_head head;
    char room[4096];
} any_options;

static any_options empty_options(const mote_option_table *table)
{
    any_options options = { .room = { 0 } };
    assert_true(table->size <= (int64_t)sizeof options);
    options.head = (mote_head){ (uint32_t)table->size, (uint32_t)table->kind };
    return options;
}

/* Some value of the option that counts as given. */
static void give(const mote_option_table *table, any_options *options, const mote_option *option)
{
    char number[64];
    const char *text = option->type == MOTE_OPTION_TEXT ? "text" : number;
    if (option->type == MOTE_OPTION_CHOICE)
        mote_choice_name(option->choices, 1, number, sizeof number);
    else if (option->type != MOTE_OPTION_TEXT)
        snprintf(number, sizeof number, "%.17g", option->standard == option->maximum ? option->minimum : option->maximum);
    if (mote_option_set(table, options, option->key, text, message.text, sizeof message.text))
        fail_msg("%s", message.text);
}

/* The option with choice `choice` of its companion: refused by both names when that leaves it without effect. */
static void check_pair(const mote_option_table *table, const mote_option_use *use, int64_t choice)
{
    const mote_option *option = mote_option_find(table, use->key), *companion = mote_option_find(table, use->companion);
    any_options options = empty_options(table);
    char chosen[64] = "";
    give(table, &options, option);
    if (use->choices) {
        mote_choice_name(companion->choices, choice, chosen, sizeof chosen);
        assert_status(mote_option_set(table, &options, use->companion, chosen, NULL, 0), MOTE_OK);
    } else {
        give(table, &options, companion);
    }
    *message.text = '\0';
    const int status = mote_options_resolve(table, &options, &memory, &message);
    mote_options_release(table, &options, &memory);
    if (use->choices && mote_choice_find(use->choices, chosen) >= 0) { /* another companion may still be at fault */
        assert_true(!status || !strstr(message.text, use->companion));
        return;
    }
    if (status != MOTE_EOPTION || !strstr(message.text, use->key) || !strstr(message.text, "no effect"))
        fail_msg("%s: %s with %s = %s: status %d, '%s'", table->name, use->key, use->companion, chosen, status, message.text);
}

static void check_use(const mote_option_table *table, const mote_option_use *use)
{
    const mote_option *companion = mote_option_find(table, use->companion);
    char name[64];
    if (!mote_option_find(table, use->key) || !companion)
        fail_msg("%s: %s or %s is no option", table->name, use->key, use->companion);
    assert_int_equal(companion->type, use->choices ? MOTE_OPTION_CHOICE : MOTE_OPTION_TEXT);
    for (int64_t i = 0; use->choices && i < mote_choice_count(use->choices); ++i) {
        mote_choice_name(use->choices, i, name, sizeof name);
        if (mote_choice_find(companion->choices, name) < 0)
            fail_msg("%s: %s = %s is no choice", table->name, use->companion, name);
    }
    for (int64_t i = 0; i < (use->choices ? mote_choice_count(companion->choices) : 1); ++i)
        check_pair(table, use, i);
}

/* 1 when the help says "companion = choice: ..." of an option of the table. */
static int belongs_to(const mote_option_table *table, const mote_option *option, char *companion, size_t size)
{
    const char *equals = strstr(option->help, " = "), *colon = strchr(option->help, ':');
    const size_t length = equals ? (size_t)(equals - option->help) : size;
    if (!equals || !colon || colon < equals || length >= size || memchr(option->help, ' ', length))
        return 0;
    memcpy(companion, option->help, length);
    companion[length] = '\0';
    return mote_option_find(table, companion) != NULL;
}

static void given_options_have_an_effect(void **state)
{
    const mote_algorithm *algorithm;
    char companion[64];
    (void)state;
    for (int64_t a = 0; (algorithm = mote_algorithm_at(a)); ++a) {
        const mote_option_table *table = mote_algorithm_options(algorithm);
        for (const mote_option_use *use = table->uses; use && use->key; ++use)
            check_use(table, use);
        for (int64_t i = 0; table->uses && i < table->count; ++i) {
            const mote_option *option = &table->options[i];
            const mote_option_use *use = table->uses;
            if (!belongs_to(table, option, companion, sizeof companion))
                continue;
            while (use->key && (strcmp(use->key, option->key) || strcmp(use->companion, companion)))
                ++use;
            if (!use->key)
                fail_msg("%s: %s says that it belongs to %s and is not refused", table->name, option->key, companion);
        }
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(tables_are_sound),          cmocka_unit_test(resolve_fills_defaults),
        cmocka_unit_test(resolve_copies_texts),      cmocka_unit_test(resolve_refuses),
        cmocka_unit_test(set_and_get),               cmocka_unit_test(set_refuses),
        cmocka_unit_test(structs_of_other_versions), cmocka_unit_test(structs_of_other_kinds),
        cmocka_unit_test(given_options_have_an_effect),
        cmocka_unit_test(identity_text),             cmocka_unit_test(dump_is_an_ini_section),
    };
    return cmocka_run_group_tests(tests, open_memory, NULL) ? 1 : 0;
}
