/* SPDX-License-Identifier: BSD-2-Clause */
/* Options: each is declared once, in a list such as MOTE_NESTED_OPTIONS, with field (= key in files), default,
 * unit, bounds and help. From the list come the options struct, the string setter, --help, the range checks and
 * the manual. Zero always means "the default": either the default is 0 or 0 lies outside the legal range. */
#ifndef MOTE_OPTION_H
#define MOTE_OPTION_H

#include <mote/base.h>

MOTE_BEGIN

/* An option list is a macro of four entry macros:
 *   INTEGER(field, default, unit, minimum, maximum, help)     int64_t
 *   REAL(field, default, unit, minimum, maximum, help)        double, both bounds inclusive
 *   CHOICE(field, "first|second|...", help)                   int64_t enumerator, 0 = the first = the default
 *   TEXT(field, default, help)                                const char *, NULL = the default */
#define MOTE_FIELD_INTEGER(field, standard, unit, minimum, maximum, help) int64_t field;
#define MOTE_FIELD_REAL(field, standard, unit, minimum, maximum, help)    double field;
#define MOTE_FIELD_CHOICE(field, choices, help)                           int64_t field;
#define MOTE_FIELD_TEXT(field, standard, help)                            const char *field;
#define MOTE_OPTION_FIELDS(LIST) \
    LIST(MOTE_FIELD_INTEGER, MOTE_FIELD_REAL, MOTE_FIELD_CHOICE, MOTE_FIELD_TEXT)

enum mote_option_type {
    MOTE_OPTION_INTEGER = 1,
    MOTE_OPTION_REAL,
    MOTE_OPTION_CHOICE,
    MOTE_OPTION_TEXT
};

/* One row of an option table, as programs and bindings may ask for it. */
typedef struct mote_option {
    const char *key;     /* field name, and key in ini files */
    const char *unit;    /* "" when there is none */
    const char *help;
    const char *choices; /* "first|second" for a choice, NULL otherwise */
    const char *text;    /* default of a text option, may be NULL */
    int64_t type;        /* enum mote_option_type */
    int64_t offset;      /* of the field in the options struct, bytes */
    double standard;     /* default of an integer or real option */
    double minimum, maximum;
} mote_option;

/* An option that takes effect with some choices of a companion only. Where the other options leave it without effect, it
 * is refused when it is given another value than its default. */
typedef struct mote_option_use {
    const char *key, *companion;
    const char *choices; /* of the companion, as in "lag|all"; NULL: the companion, a text, is not given */
} mote_option_use;

typedef struct mote_option_table {
    const char *name; /* of the algorithm, and of its section in ini files */
    int64_t kind;     /* MOTE_KIND_ of the options struct */
    int64_t size;     /* of the options struct, bytes */
    int64_t count;
    const mote_option *options;
    const mote_option_use *uses; /* ended by a NULL key; may be NULL */
} mote_option_table;

/* Sets the option `key` of the options struct `options` (whose kind must be the table's) from text, as ini files
 * and bindings do: integers and reals in C notation, also 1e4 for an integer; choices by name; "0" is the default.
 * Text values are kept by reference. On MOTE_EOPTION `message` (of `size` bytes, may be NULL) says what is wrong and
 * names the nearest key. */
MOTE_API int mote_option_set(const mote_option_table *table, void *options, const char *key, const char *value,
                             char *message, size_t size);

/* The row of `key`, or NULL. */
MOTE_API const mote_option *mote_option_find(const mote_option_table *table, const char *key);

/* Writes the value that the option has in `options` (the default where the field is 0) as text; returns status. */
MOTE_API int mote_option_get(const mote_option_table *table, const void *options, const char *key, char *text,
                             size_t size);

MOTE_END
#endif
