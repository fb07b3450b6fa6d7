/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Numbers as text. printf and strtod round correctly but follow the decimal point of the locale that the host program
 * has set. Formatting replaces whatever printf used as the point; parsing checks the grammar here and lets strtod work
 * under the C locale of the calling thread only (uselocale), so that nothing process-wide is touched. */
#include "core/number.h"

#include <locale.h>
#include <math.h>
#include <mote/status.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { EXACT_DIGITS = 17 };

/* isspace and isdigit depend on the locale. */
static int is_blank(char c)
{
    return c == ' ' || (c >= '\t' && c <= '\r');
}

static int is_digit(char c)
{
    return c >= '0' && c <= '9';
}

static const char *skip_blanks(const char *text)
{
    while (is_blank(*text))
        ++text;
    return text;
}

/* Any byte of a formatted finite number that is no digit, sign or exponent mark belongs to the locale's point, which
 * may have several bytes. */
static void restore_point(char *text)
{
    char *out = text;
    int inside = 0;
    for (const char *in = text; *in; ++in) {
        int point = !is_digit(*in) && *in != '-' && *in != '+' && *in != 'e';
        if (!point)
            *out++ = *in;
        else if (!inside)
            *out++ = '.';
        inside = point;
    }
    *out = '\0';
}

char *mote_number_format(char *text, double value, int digits)
{
    if (isnan(value))
        return memcpy(text, "nan", 4);
    if (isinf(value))
        return value > 0 ? memcpy(text, "inf", 4) : memcpy(text, "-inf", 5);
    if (digits < 1)
        digits = 1;
    if (digits > EXACT_DIGITS)
        digits = EXACT_DIGITS;
    snprintf(text, MOTE_NUMBER_SIZE, "%.*g", digits, value);
    restore_point(text);
    return text;
}

char *mote_number_format_shortest(char *text, double value)
{
    double back;
    for (int digits = 15; digits < EXACT_DIGITS; ++digits)
        if (!mote_number_parse(mote_number_format(text, value, digits), &back) && back == value)
            return text;
    return mote_number_format(text, value, EXACT_DIGITS);
}

static const char *skip_digits(const char *text)
{
    while (is_digit(*text))
        ++text;
    return text;
}

/* The end of [digits][.digits][e[sign]digits] with at least one digit before the exponent; NULL when there is none. */
static const char *decimal_end(const char *text)
{
    const char *end = skip_digits(text);
    int64_t digits = end - text;
    if (*end == '.') {
        const char *fraction = skip_digits(end + 1);
        digits += fraction - (end + 1);
        end = fraction;
    }
    if (!digits)
        return NULL;
    if (*end == 'e' || *end == 'E') {
        const char *exponent = end + 1 + (end[1] == '-' || end[1] == '+');
        if (is_digit(*exponent))
            end = skip_digits(exponent);
    }
    return end;
}

/* "nan", "inf" and "infinity" in any case; NULL otherwise. */
static const char *word_end(const char *text, double *value)
{
    static const struct {
        const char *word;
        double value;
    } words[] = { { "nan", NAN }, { "infinity", INFINITY }, { "inf", INFINITY } };
    for (size_t w = 0; w < sizeof words / sizeof *words; ++w) {
        size_t i = 0;
        while (words[w].word[i] && (text[i] | 0x20) == words[w].word[i])
            ++i;
        if (!words[w].word[i]) {
            *value = words[w].value;
            return text + i;
        }
    }
    return NULL;
}

/* strtod under the C locale; MOTE_EPARSE when it disagrees about the end or the value overflows. */
static int convert(const char *text, const char *end, double *value)
{
    locale_t plain = newlocale(LC_ALL_MASK, "C", (locale_t)0);
    if (plain == (locale_t)0)
        return MOTE_ENOMEM;
    locale_t before = uselocale(plain);
    char *stop;
    double x = strtod(text, &stop);
    uselocale(before);
    freelocale(plain);
    if (stop != end || isinf(x))
        return MOTE_EPARSE;
    *value = x;
    return MOTE_OK;
}

/* One number that starts at `text`; *end is set behind it. */
static int read_number(const char *text, const char **end, double *value)
{
    const char *start = text + (*text == '-' || *text == '+');
    const char *stop = word_end(start, value);
    if (stop) {
        *value = *text == '-' ? -*value : *value;
    } else {
        stop = decimal_end(start);
        int status = stop ? convert(text, stop, value) : MOTE_EPARSE;
        if (status)
            return status;
    }
    *end = stop;
    return MOTE_OK;
}

int mote_number_parse(const char *text, double *value)
{
    double x;
    const char *end;
    int status = read_number(skip_blanks(text), &end, &x);
    if (status)
        return status;
    if (*skip_blanks(end))
        return MOTE_EPARSE;
    *value = x;
    return MOTE_OK;
}

/* Plain decimal digits, exactly: doubles hold whole numbers only up to 2^53. */
static int parse_digits(const char *text, int64_t *value)
{
    int negative = *text == '-';
    const char *digit = text + (*text == '-' || *text == '+');
    uint64_t limit = (uint64_t)INT64_MAX + (uint64_t)negative, sum = 0;
    if (!is_digit(*digit))
        return MOTE_EPARSE;
    for (; is_digit(*digit); ++digit) {
        uint64_t unit = (uint64_t)(*digit - '0');
        if (sum > (limit - unit) / 10)
            return MOTE_EPARSE;
        sum = 10 * sum + unit;
    }
    if (*skip_blanks(digit))
        return MOTE_EPARSE;
    *value = negative && sum ? -(int64_t)(sum - 1) - 1 : (int64_t)sum;
    return MOTE_OK;
}

int mote_number_parse_integer(const char *text, int64_t *value)
{
    double x;
    text = skip_blanks(text);
    if (!parse_digits(text, value))
        return MOTE_OK;
    int status = mote_number_parse(text, &x);
    if (status)
        return status;
    if (!(x >= -0x1p63 && x < 0x1p63) || x != floor(x) || !text[strcspn(text, ".eE")])
        return MOTE_EPARSE;
    *value = (int64_t)x;
    return MOTE_OK;
}

int mote_number_next(const char **cursor, double *value)
{
    const char *start = skip_blanks(*cursor);
    if (!*start) {
        *cursor = start;
        return MOTE_DONE;
    }
    return read_number(start, cursor, value);
}
