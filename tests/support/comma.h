/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Puts the program under a locale whose decimal point is a comma. */
#ifndef MOTE_TESTS_COMMA_H
#define MOTE_TESTS_COMMA_H

#include <locale.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static inline int is_comma_locale(const char *name)
{
    return setlocale(LC_ALL, name) && !strcmp(localeconv()->decimal_point, ",");
}

/* 1 when an installed one, or one that localedef could make in the build folder, is in force; else 0 and the C
 * locale. */
static inline int enter_comma_locale(void)
{
    static const char *const names[] = { "de_DE.UTF-8", "de_DE.utf8", "fr_FR.UTF-8", "ru_RU.UTF-8", "de_DE" };
    for (size_t i = 0; i < sizeof names / sizeof *names; ++i)
        if (is_comma_locale(names[i]))
            return 1;
    const char *locales = MOTE_BUILD "/tests/locale";
    if (!system("mkdir -p '" MOTE_BUILD "/tests/locale' && { test -d '" MOTE_BUILD "/tests/locale/de_DE.UTF-8' || "
                "localedef -i de_DE -f UTF-8 '" MOTE_BUILD "/tests/locale/de_DE.UTF-8'; } >/dev/null 2>&1") &&
        !setenv("LOCPATH", locales, 1) && is_comma_locale("de_DE.UTF-8"))
        return 1;
    setlocale(LC_ALL, "C");
    return 0;
}

static inline void leave_comma_locale(void)
{
    setlocale(LC_ALL, "C");
}

#endif
