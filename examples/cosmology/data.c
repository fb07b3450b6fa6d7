/* SPDX-License-Identifier: BSD-2-Clause */
/* Readers of the data files: whitespace-separated text, '#' starts a comment, blank lines are skipped.
 *
 * A format has a letter per column: z redshift, Z heliocentric redshift, m measured value, e its error (a standard
 * deviation), o fiducial Omega_m, u v coordinates of a table, q name of a BAO quantity, x ignored. Every line must
 * have exactly that many columns. Messages are "FILE:LINE: ...". Numbers are read in the C locale, which the entry
 * of the plug-in selects for its thread. */
#include <errno.h>
#include <math.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cosmology.h"

enum { LONGEST_LINE = 65536, MOST_NUMBERS = 1 << 22 };

int cosmology_fail(failure *why, int status, const char *format, ...)
{
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(why->text, sizeof why->text, format, arguments);
    va_end(arguments);
    return status;
}

/* Levenshtein's distance; words longer than 63 letters count as far away. */
static int64_t edit_distance(const char *a, const char *b)
{
    int64_t row[64];
    const size_t m = strlen(a), n = strlen(b);
    if (m > 63 || n > 63)
        return 64;
    for (size_t j = 0; j <= n; ++j)
        row[j] = (int64_t)j;
    for (size_t i = 1; i <= m; ++i) {
        int64_t corner = row[0];
        row[0] = (int64_t)i;
        for (size_t j = 1; j <= n; ++j) {
            const int64_t above = row[j], change = corner + (a[i - 1] != b[j - 1]);
            const int64_t step = (above < row[j - 1] ? above : row[j - 1]) + 1;
            row[j] = change < step ? change : step;
            corner = above;
        }
    }
    return row[n];
}

const char *cosmology_nearest(const char *text, const char *const *words, int64_t count)
{
    const char *best = NULL;
    int64_t least = (int64_t)strlen(text) / 3 > 2 ? (int64_t)strlen(text) / 3 : 2;
    for (int64_t i = 0; i < count; ++i) {
        const int64_t distance = edit_distance(text, words[i]);
        if (distance < least || (distance == least && !best)) {
            least = distance;
            best = words[i];
        }
    }
    return best;
}

/* ---- lines ---------------------------------------------------------------------------------------------------- */
typedef struct reader {
    const char *path;
    FILE *file;
    char *line, *next; /* the buffer, and the rest of the line */
    int64_t number;
} reader;

static int reader_open(reader *from, const char *path, failure *why)
{
    *from = (reader){ .path = path };
    from->file = fopen(path, "r");
    if (!from->file)
        return cosmology_fail(why, errno == ENOENT ? MOTE_ENOENT : MOTE_EIO, "%s: %s", path, strerror(errno));
    from->line = malloc(LONGEST_LINE);
    if (from->line)
        return MOTE_OK;
    fclose(from->file);
    return cosmology_fail(why, MOTE_ENOMEM, "%s: out of memory", path);
}

static void reader_close(reader *from)
{
    free(from->line);
    fclose(from->file);
}

/* The next line that holds something: MOTE_OK; MOTE_DONE at the end. */
static int reader_line(reader *from, failure *why)
{
    while (fgets(from->line, LONGEST_LINE, from->file)) {
        ++from->number;
        if (!strchr(from->line, '\n') && strlen(from->line) == LONGEST_LINE - 1)
            return cosmology_fail(why, MOTE_EPARSE, "%s:%lld: the line is longer than %d bytes", from->path,
                                  (long long)from->number, LONGEST_LINE - 2);
        from->line[strcspn(from->line, "#\r\n")] = 0;
        from->next = from->line + strspn(from->line, " \t");
        if (*from->next)
            return MOTE_OK;
    }
    if (ferror(from->file))
        return cosmology_fail(why, MOTE_EIO, "%s: %s", from->path, strerror(errno));
    return MOTE_DONE;
}

/* The next word of the line, ended by a zero; NULL when there is none. */
static char *reader_word(reader *from)
{
    char *word = from->next;
    if (!*word)
        return NULL;
    char *end = word + strcspn(word, " \t");
    from->next = end + strspn(end, " \t");
    *end = 0;
    return word;
}

static int parse_number(const reader *from, const char *word, double *value, failure *why)
{
    char *end;
    *value = strtod(word, &end);
    if (end == word || *end || !isfinite(*value))
        return cosmology_fail(why, MOTE_EPARSE, "%s:%lld: '%.40s' is not a number", from->path,
                              (long long)from->number, word);
    return MOTE_OK;
}

/* ---- tables --------------------------------------------------------------------------------------------------- */
static int parse_cell(const reader *from, char letter, const char *word, double *value, failure *why)
{
    *value = 0;
    if (letter == 'x')
        return MOTE_OK;
    if (letter != 'q')
        return parse_number(from, word, value, why);
    const int64_t quantity = cosmology_quantity(word);
    if (quantity < 0)
        return cosmology_fail(why, MOTE_EPARSE,
                              "%s:%lld: '%.40s' is no BAO quantity (DV_over_rs, DM_over_rs, DH_over_rs, f_sigma8, "
                              "bao_Hz_rs)", from->path, (long long)from->number, word);
    *value = (double)quantity;
    return MOTE_OK;
}

static int parse_row(reader *from, const char *format, double *row, failure *why)
{
    const int64_t columns = (int64_t)strlen(format);
    int64_t found = 0;
    for (char *word; (word = reader_word(from)); ++found) {
        const int status = found < columns ? parse_cell(from, format[found], word, &row[found], why) : MOTE_OK;
        if (status)
            return status;
    }
    if (found == columns)
        return MOTE_OK;
    return cosmology_fail(why, MOTE_EPARSE, "%s:%lld: %lld columns where %lld are expected", from->path,
                          (long long)from->number, (long long)found, (long long)columns);
}

/* A growing array of doubles. */
typedef struct numbers {
    int64_t count, room;
    double *value;
} numbers;

static double *numbers_grow(numbers *to, int64_t count)
{
    while (to->count + count > to->room) {
        const int64_t room = to->room ? 2 * to->room : 256;
        double *value = room > MOST_NUMBERS ? NULL : realloc(to->value, (size_t)room * sizeof *value);
        if (!value)
            return NULL;
        to->value = value;
        to->room = room;
    }
    to->count += count;
    return to->value + to->count - count;
}

static int read_rows(reader *from, const char *format, numbers *to, failure *why)
{
    for (;;) {
        int status = reader_line(from, why);
        if (status)
            return status == MOTE_DONE ? MOTE_OK : status;
        double *row = numbers_grow(to, (int64_t)strlen(format));
        if (!row)
            return cosmology_fail(why, MOTE_ENOMEM, "%s: too large", from->path);
        status = parse_row(from, format, row, why);
        if (status)
            return status;
    }
}

/* Rows to columns. */
static double *transpose(const double *value, int64_t rows, int64_t columns)
{
    double *out = malloc((size_t)(rows * columns) * sizeof *out);
    for (int64_t i = 0; out && i < rows; ++i)
        for (int64_t j = 0; j < columns; ++j)
            out[j * rows + i] = value[i * columns + j];
    return out;
}

int cosmology_read_table(table *out, const char *path, const char *format, failure *why)
{
    reader from;
    numbers cells = { 0 };
    int status = reader_open(&from, path, why);
    if (status)
        return status;
    status = read_rows(&from, format, &cells, why);
    reader_close(&from);
    out->rows = cells.count / (int64_t)strlen(format);
    if (!status && out->rows == 0)
        status = cosmology_fail(why, MOTE_EPARSE, "%s: no data in it", path);
    if (!status) {
        snprintf(out->format, sizeof out->format, "%s", format);
        out->value = transpose(cells.value, out->rows, (int64_t)strlen(format));
        if (!out->value)
            status = cosmology_fail(why, MOTE_ENOMEM, "%s: out of memory", path);
    }
    free(cells.value);
    return status;
}

const double *cosmology_column(const table *from, char letter)
{
    const char *place = strchr(from->format, letter);
    return place && *place ? from->value + (place - from->format) * from->rows : NULL;
}

/* ---- covariance matrices -------------------------------------------------------------------------------------- */
static int read_all(reader *from, numbers *to, failure *why)
{
    int status;
    while ((status = reader_line(from, why)) == MOTE_OK)
        for (char *word; (word = reader_word(from));) {
            double *cell = numbers_grow(to, 1);
            if (!cell)
                return cosmology_fail(why, MOTE_ENOMEM, "%s: too large", from->path);
            if ((status = parse_number(from, word, cell, why)))
                return status;
        }
    return status == MOTE_DONE ? MOTE_OK : status;
}

/* A header in front of the matrix: nothing, "n" or "n n". Its length, or -1 when the count does not fit. */
static int64_t header_length(const numbers *cells, int64_t n)
{
    const int64_t extra = cells->count - n * n;
    if (extra < 0 || extra > 2)
        return -1;
    for (int64_t i = 0; i < extra; ++i)
        if (cells->value[i] != (double)n)
            return -1;
    return extra;
}

static int check_symmetry(const double *c, int64_t n, const char *path, failure *why)
{
    for (int64_t i = 0; i < n; ++i)
        for (int64_t j = 0; j < i; ++j)
            if (!(fabs(c[i * n + j] - c[j * n + i]) <= 1e-6 * sqrt(fabs(c[i * n + i] * c[j * n + j]))))
                return cosmology_fail(why, MOTE_EPARSE, "%s: not symmetric: element (%lld, %lld) is %g, but "
                                      "(%lld, %lld) is %g", path, (long long)i + 1, (long long)j + 1, c[i * n + j],
                                      (long long)j + 1, (long long)i + 1, c[j * n + i]);
    return MOTE_OK;
}

int cosmology_read_covariance(double **out, int64_t n, const char *path, failure *why)
{
    reader from;
    numbers cells = { 0 };
    int status = reader_open(&from, path, why);
    if (status)
        return status;
    status = read_all(&from, &cells, why);
    reader_close(&from);
    const int64_t header = status ? 0 : header_length(&cells, n);
    if (header < 0)
        status = cosmology_fail(why, MOTE_EPARSE, "%s: %lld numbers where a covariance matrix of %lld x %lld = %lld is "
                                "expected", path, (long long)cells.count, (long long)n, (long long)n,
                                (long long)(n * n));
    if (!status && header > 0)
        memmove(cells.value, cells.value + header, (size_t)(n * n) * sizeof *cells.value);
    if (!status)
        status = check_symmetry(cells.value, n, path, why);
    if (status)
        free(cells.value);
    else
        *out = cells.value;
    return status;
}

/* ---- named blocks: a line with the name, then `count` numbers ------------------------------------------------- */
static int find_block(reader *from, const char *name, failure *why)
{
    int status;
    while ((status = reader_line(from, why)) == MOTE_OK) {
        const char *word = reader_word(from);
        if (!strcmp(word, name))
            return MOTE_OK;
    }
    return status != MOTE_DONE ? status
                               : cosmology_fail(why, MOTE_EPARSE, "%s: no block named '%s'", from->path, name);
}

static int read_block(reader *from, const char *name, double *out, int64_t count, failure *why)
{
    int status = find_block(from, name, why);
    for (int64_t i = 0; !status && i < count;) {
        status = reader_line(from, why);
        if (status)
            break;
        for (char *word; !status && i < count && (word = reader_word(from));)
            status = parse_number(from, word, &out[i++], why);
    }
    if (status == MOTE_DONE)
        status = cosmology_fail(why, MOTE_EPARSE, "%s: block '%s' ends before its %lld numbers", from->path, name,
                                (long long)count);
    return status;
}

int cosmology_read_block(double *out, int64_t count, const char *path, const char *name, failure *why)
{
    reader from;
    int status = reader_open(&from, path, why);
    if (status)
        return status;
    status = read_block(&from, name, out, count, why);
    reader_close(&from);
    return status;
}
