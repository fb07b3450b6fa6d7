/* SPDX-License-Identifier: GPL-3.0-or-later */
/* What differs between the identities of two runs, in words. An identity is one of (model/plugin.c)
 *
 *     OBJECT-SECTION-DATA           three hashes: of the plug-in, of its section [model], of its data files
 *     the plug-in's own words DATA  "cosmology 1; data cc15 desi_dr2; gaussian h 0.7 0.01 8f3a..."; DATA with files only
 *
 * Hashes say whether, not what: names come from the record in the run's folder, which holds the section and a line for
 * each data file. Words are taken apart at semicolons and blanks. */
#include "cli/compare.h"

#include <ctype.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "core/number.h"

enum { HASH = 16 /* digits */, FINGERPRINT = 3 * HASH + 2 };

typedef struct part {
    const char *text;
    size_t length;
} part;

typedef struct identity {
    part own;                        /* the plug-in's words; empty: it has none */
    part object, section, data;      /* hashes; empty where there are none */
    const mote_outcome *run;
} identity;

/* Appends to the sentence, with "; " between its parts. */
static void note(char *text, const char *format, ...) MOTE_PRINTF(2, 3);
static void note(char *text, const char *format, ...)
{
    size_t used = strlen(text);
    va_list arguments;
    va_start(arguments, format);
    if (used)
        used += (size_t)snprintf(text + used, MOTE_DIFFERENCE_TEXT - used, "; ");
    if (used < MOTE_DIFFERENCE_TEXT)
        vsnprintf(text + used, MOTE_DIFFERENCE_TEXT - used, format, arguments);
    va_end(arguments);
}

static int same(part a, part b)
{
    return a.length == b.length && !memcmp(a.text, b.text, a.length);
}

/* ---- parts of a text ------------------------------------------------------------------------------------------- */

/* The next part of `rest` between separators, without blanks around it. 0 at the end. */
static int next(part *rest, char separator, part *found)
{
    while (rest->length && (*rest->text == ' ' || *rest->text == separator))
        ++rest->text, --rest->length;
    if (!rest->length)
        return 0;
    const char *end = memchr(rest->text, separator, rest->length);
    found->text = rest->text;
    found->length = end ? (size_t)(end - rest->text) : rest->length;
    rest->text += found->length;
    rest->length -= found->length;
    while (found->length && found->text[found->length - 1] == ' ')
        --found->length;
    return 1;
}

static int has(part whole, char separator, part wanted)
{
    for (part one; next(&whole, separator, &one);)
        if (same(one, wanted))
            return 1;
    return 0;
}

static part first_word(part clause)
{
    part word = { "", 0 };
    (void)next(&clause, ' ', &word);
    return word;
}

static int has_number(part clause)
{
    for (part word; next(&clause, ' ', &word);)
        if (isdigit((unsigned char)word.text[word.length > 1 && strchr("+-.", *word.text)]))
            return 1;
    return 0;
}

/* ---- the plug-in's words --------------------------------------------------------------------------------------- */

static void note_words(const identity *of, part clause, part other, char *text)
{
    char list[1024] = "";
    for (part rest = clause, word; next(&rest, ' ', &word);)
        if (!has(other, ' ', word) && strlen(list) + word.length + 2 < sizeof list)
            snprintf(list + strlen(list), sizeof list - strlen(list), " %.*s", (int)word.length, word.text);
    if (*list)
        note(text, "%.*s:%s only in %s", (int)first_word(clause).length, clause.text, list, of->run->title);
}

/* The clause of `of` that differs from `clause` and begins with its word; both lists of words. 0: there is none. */
static int partner(const identity *of, const identity *from, part clause, part *found)
{
    for (part rest = of->own; !has_number(clause) && next(&rest, ';', found);)
        if (same(first_word(*found), first_word(clause)) && !has_number(*found) && !has(from->own, ';', *found))
            return 1;
    return 0;
}

/* The first clause names the likelihood; the others say what is in it. */
static void compare_words(const identity *a, const identity *b, char *text)
{
    part x = { "", 0 }, y = { "", 0 }, other, rest = a->own, rest_b = b->own;
    (void)next(&rest, ';', &x);
    (void)next(&rest_b, ';', &y);
    if (!same(x, y))
        note(text, "likelihood: '%.*s' and '%.*s'", (int)x.length, x.text, (int)y.length, y.text);
    for (; next(&rest, ';', &x);) {
        if (has(b->own, ';', x))
            continue;
        if (partner(b, a, x, &other)) {
            note_words(a, x, other, text);
            note_words(b, other, x, text);
        } else
            note(text, "'%.*s' only in %s", (int)x.length, x.text, a->run->title);
    }
    for (; next(&rest_b, ';', &y);)
        if (!has(a->own, ';', y) && !partner(a, b, y, &other))
            note(text, "'%.*s' only in %s", (int)y.length, y.text, b->run->title);
    if (!*text)
        note(text, "the same parts in another order");
}

/* ---- hashes, with names from the record ------------------------------------------------------------------------- */

static const char *model_of(const identity *of)
{
    const char *name = mote_config_get(mote_config_section(of->run->record, "run"), "model", "?"),
               *slash = strrchr(name, '/');
    return slash ? slash + 1 : name;
}

static void compare_objects(const identity *a, const identity *b, char *text)
{
    if (strcmp(model_of(a), model_of(b)) != 0)
        note(text, "likelihood: the models %s and %s", model_of(a), model_of(b));
    else
        note(text, "likelihood: two builds of %s", model_of(a));
}

static void compare_sections(const identity *a, const identity *b, char *text)
{
    const mote_config *x = mote_config_section(a->run->record, "model"), *y = mote_config_section(b->run->record, "model");
    const size_t before = strlen(text);
    const char *key;
    for (int64_t i = 0; (key = mote_config_key(x, i)); ++i)
        if (strcmp(mote_config_get(x, key, ""), mote_config_get(y, key, "(not set)")) != 0)
            note(text, "[model] %s: %s and %s", key, mote_config_get(x, key, ""), mote_config_get(y, key, "(not set)"));
    for (int64_t i = 0; (key = mote_config_key(y, i)); ++i)
        if (!mote_config_get(x, key, NULL))
            note(text, "[model] %s: (not set) and %s", key, mote_config_get(y, key, ""));
    if (strlen(text) == before)
        note(text, "[model]: the same keys in another order");
}

/* Data file `i` of the record: hash and name without folders. NULL past the end. */
static const char *data_file(const identity *of, int i, const char **hash)
{
    char key[32];
    snprintf(key, sizeof key, "data.%d", i + 1);
    const char *line = mote_config_get(mote_config_section(of->run->record, "record"), key, NULL);
    if (!line || strlen(line) < HASH + 2)
        return NULL;
    const char *slash = strrchr(line, '/');
    *hash = line;
    return slash ? slash + 1 : line + HASH + 1;
}

/* Those of `a` that `b` lacks; with `contents` also those of another content. */
static void compare_files(const identity *a, const identity *b, int contents, char *text)
{
    const char *name, *other, *hash, *their_hash = NULL;
    for (int i = 0; (name = data_file(a, i, &hash)); ++i) {
        int named = 0, equal = 0;
        for (int k = 0; (other = data_file(b, k, &their_hash)); ++k)
            if (!strcmp(name, other)) {
                named = 1;
                equal |= !strncmp(hash, their_hash, HASH);
            }
        if (!named)
            note(text, "data file %s only in %s", name, a->run->title);
        else if (!equal && contents)
            note(text, "content of the data file %s", name);
    }
}

static void compare_data(const identity *a, const identity *b, char *text)
{
    const size_t before = strlen(text);
    compare_files(a, b, 1, text);
    compare_files(b, a, 0, text);
    if (strlen(text) == before)
        note(text, "data files");
}

/* ---- both kinds -------------------------------------------------------------------------------------------------- */

static int is_hash(const char *text)
{
    return strspn(text, "0123456789abcdef") >= HASH;
}

static identity read_identity(const mote_outcome *run)
{
    const char *text = run->identity;
    const size_t length = strlen(text);
    const part none = { "", 0 };
    identity found = { .own = { text, length }, .object = none, .section = none, .data = none, .run = run };
    if (length == FINGERPRINT && is_hash(text) && is_hash(text + HASH + 1) && is_hash(text + 2 * HASH + 2)) {
        found = (identity){ none, { text, HASH }, { text + HASH + 1, HASH }, { text + 2 * HASH + 2, HASH }, run };
    } else if (length > HASH + 1 && text[length - HASH - 1] == ' ' && is_hash(text + length - HASH)) {
        found.own.length -= HASH + 1;
        found.data = (part){ text + length - HASH, HASH };
    }
    return found;
}

const char *mote_identity_difference(const mote_outcome *first, const mote_outcome *second,
                                     char text[MOTE_DIFFERENCE_TEXT])
{
    const identity a = read_identity(first), b = read_identity(second);
    *text = '\0';
    if (!a.own.length != !b.own.length)
        note(text, "likelihood: the models %s and %s%s", model_of(&a), model_of(&b),
             strcmp(model_of(&a), model_of(&b)) != 0 ? "" : ", one of which does not say what it measures");
    else if (!same(a.own, b.own)) /* sets that differ have other files, which say nothing new */
        compare_words(&a, &b, text);
    else {
        if (!same(a.object, b.object))
            compare_objects(&a, &b, text);
        if (!same(a.section, b.section))
            compare_sections(&a, &b, text);
        if (!same(a.data, b.data))
            compare_data(&a, &b, text);
    }
    return text;
}

/* ---- priors ------------------------------------------------------------------------------------------------------ */

const char *mote_prior_text(const json_t *parameter, char text[MOTE_PRIOR_TEXT])
{
    char number[MOTE_NUMBER_SIZE];
    const json_t *arguments = json_object_get(parameter, "prior_arguments");
    const char *prior = mote_outcome_text(parameter, "prior");
    snprintf(text, MOTE_PRIOR_TEXT, "%s", !strcmp(prior, "derived") ? "" : prior);
    for (size_t i = 0; *text && i < json_array_size(arguments); ++i) {
        const size_t used = strlen(text);
        snprintf(text + used, MOTE_PRIOR_TEXT - used, " %s",
                 mote_number_format(number, json_number_value(json_array_get(arguments, i)), 6));
    }
    return text;
}

const char *mote_prior_difference(const mote_outcome *a, const mote_outcome *b, char text[MOTE_DIFFERENCE_TEXT])
{
    const json_t *list = json_object_get(a->json, "parameters");
    char x[MOTE_PRIOR_TEXT], y[MOTE_PRIOR_TEXT];
    *text = '\0';
    for (size_t i = 0; i < json_array_size(list); ++i) {
        const json_t *parameter = json_array_get(list, i);
        const char *name = mote_outcome_text(parameter, "name");
        const json_t *other = mote_outcome_parameter(b, name);
        const size_t used = strlen(text);
        if (other && strcmp(mote_prior_text(parameter, x), mote_prior_text(other, y)) != 0)
            snprintf(text + used, MOTE_DIFFERENCE_TEXT - used, "%s%s", used ? ", " : "", name);
    }
    return text;
}
