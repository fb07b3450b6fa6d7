/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Options from inside: lists become tables, tables fill in defaults and check ranges; versioned structs are read.
 *
 *     MOTE_OPTION_TABLE(table, "nested", mote_nested_options, MOTE_NESTED_OPTIONS);   (once per file)
 *
 *     mote_struct_read(copy, sizeof *copy, MOTE_KIND_mote_nested_options, options, message)   a full-size copy
 *     mote_options_resolve(&table, copy, memory, message)      defaults, ranges, own copies of the texts
 *     mote_options_release(&table, copy, memory)               frees those copies */
#ifndef MOTE_CORE_OPTION_H
#define MOTE_CORE_OPTION_H

#include <mote/option.h>
#include <mote/run.h>

#include "core/memory.h"
#include "core/message.h"

/* Rows of an option list as initialisers of mote_option. The struct that holds the fields is called
 * mote_option_owner, a typedef of the file: the entries of a list cannot be told its name. */
#define MOTE_OPTION_ROW_INTEGER(field, standard, unit, minimum, maximum, help) \
    { #field, unit, help, NULL, NULL, MOTE_OPTION_INTEGER, (int64_t)offsetof(mote_option_owner, field), standard, \
      minimum, maximum },
#define MOTE_OPTION_ROW_REAL(field, standard, unit, minimum, maximum, help) \
    { #field, unit, help, NULL, NULL, MOTE_OPTION_REAL, (int64_t)offsetof(mote_option_owner, field), standard, \
      minimum, maximum },
#define MOTE_OPTION_ROW_CHOICE(field, choices, help) \
    { #field, "", help, choices, NULL, MOTE_OPTION_CHOICE, (int64_t)offsetof(mote_option_owner, field), 0, 0, 0 },
#define MOTE_OPTION_ROW_TEXT(field, standard, help) \
    { #field, "", help, NULL, standard, MOTE_OPTION_TEXT, (int64_t)offsetof(mote_option_owner, field), 0, 0, 0 },
#define MOTE_OPTION_ROWS(LIST) \
    LIST(MOTE_OPTION_ROW_INTEGER, MOTE_OPTION_ROW_REAL, MOTE_OPTION_ROW_CHOICE, MOTE_OPTION_ROW_TEXT)

/* The static table of an algorithm: the common options, then its own. */
#define MOTE_OPTION_TABLE(variable, name, type, LIST) MOTE_OPTION_TABLE_USES(variable, name, type, LIST, NULL)

/* The same with an array of mote_option_use. */
#define MOTE_OPTION_TABLE_USES(variable, name, type, LIST, uses)                                                   \
    typedef type mote_option_owner;                                                                                \
    static const mote_option variable##_rows[] = { MOTE_OPTION_ROWS(MOTE_RUN_OPTIONS) MOTE_OPTION_ROWS(LIST) };    \
    static const mote_option_table variable = { name, MOTE_KIND_##type, (int64_t)sizeof(type),                     \
                                                (int64_t)(sizeof variable##_rows / sizeof *variable##_rows),       \
                                                variable##_rows, uses }

/* "mote_target" for MOTE_KIND_mote_target; "unknown" for a number that no struct has. */
const char *mote_kind_name(uint32_t kind);

/* Reads a struct of any version into ours of `size` bytes and `kind`: what the caller's lacks is zero. MOTE_EKIND
 * names both kinds; MOTE_EVERSION when the caller's is larger and something we do not know is set in it. A NULL
 * `source` gives a struct of zeros. The head of the copy has our size. */
int mote_struct_read(void *destination, size_t size, uint32_t kind, const void *source, mote_message *message);

/* Answers into a struct of the caller's version: as much as it has room for, by the size in its head (filled by
 * MOTE_VERSIONED); what we do not know is zeroed. MOTE_EKIND for another kind. */
int mote_struct_give(void *destination, uint32_t kind, const void *source, size_t size);

/* Refuses what is given (other than its default) and has no use, fills defaults where a field is 0, checks ranges and choices, replaces texts by
 * copies. `options` has full size. MOTE_EOPTION names option, value, bounds and unit, or the option's companion. After any result the struct may be released. */
int mote_options_resolve(const mote_option_table *table, void *options, const mote_memory *memory,
                         mote_message *message);
void mote_options_release(const mote_option_table *table, void *options, const mote_memory *memory);

/* "key=value" lines of every option that differs from its default, in table order, for the identity of a run. Keys
 * in `skip` (ended by NULL; may be NULL) are left out: those that never change a result. Released by the caller with
 * mote_memory_release; NULL when there is no memory. */
char *mote_options_text(const mote_option_table *table, const void *options, const char *const *skip,
                        const mote_memory *memory);

/* MOTE_OK when two such texts are the same; MOTE_EIDENTITY with the first option that differs and both its values. */
int mote_options_compare(const mote_option_table *table, const char *saved, const char *present,
                         mote_message *message);

/* Writes the table as ini text, line by line without line ends: help, unit and bounds as comments, then "key = value"
 * where set and "# key = default" where not. `options` may be NULL. */
void mote_options_dump(const mote_option_table *table, const void *options, void (*line)(void *ctx, const char *text),
                       void *ctx);

/* For the files of this module: fields of an options struct, and one entry of "first|second|...". */
int64_t mote_option_integer(const mote_option *option, const void *options);
double mote_option_real(const mote_option *option, const void *options);
const char *mote_option_text(const mote_option *option, const void *options);
int64_t mote_choice_count(const char *choices);
int64_t mote_choice_find(const char *choices, const char *name);               /* -1: no such one */
void mote_choice_name(const char *choices, int64_t i, char *text, size_t size); /* "" out of range */

/* "must lie between 2 and 10000000 points". */
void mote_option_bounds(const mote_option *option, char *text, size_t size);

#endif
