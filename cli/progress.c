/* SPDX-License-Identifier: GPL-3.0-or-later */
#define _DEFAULT_SOURCE  /* struct winsize: POSIX has it since 2024 */
#define _DARWIN_C_SOURCE /* the same on macOS */
#include "cli/progress.h"

#include <inttypes.h>
#include <math.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include "core/run.h"

static const double interval = 0.2; /* s */
static const int64_t usual_width = 80;

char *mote_duration(double seconds, char text[64])
{
    if (!(seconds >= 0 && seconds < 1e12)) {
        snprintf(text, 64, "-");
        return text;
    }
    if (seconds < 9.95) {
        snprintf(text, 64, "%.1f s", seconds);
        return text;
    }
    const int64_t s = (int64_t)(seconds + 0.5), minutes = s / 60 % 60, hours = s / 3600 % 24, days = s / 86400;
    if (days)
        snprintf(text, 64, "%" PRId64 " d %02d:%02d:%02d", days, (int)hours, (int)minutes, (int)(s % 60));
    else if (hours)
        snprintf(text, 64, "%d:%02d:%02d", (int)hours, (int)minutes, (int)(s % 60));
    else
        snprintf(text, 64, "%d:%02d", (int)minutes, (int)(s % 60));
    return text;
}

/* Adds text at the end as far as there is room. */
static void append(char *text, const char *format, ...) MOTE_PRINTF(2, 3);
static void append(char *text, const char *format, ...)
{
    const size_t used = strlen(text);
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(text + used, MOTE_LINE_SIZE - used, format, arguments);
    va_end(arguments);
}

void mote_live_line_format(const mote_progress *progress, char text[MOTE_LINE_SIZE])
{
    char time[64];
    *text = '\0';
    append(text, "%s: %" PRId64 " iterations", progress->algorithm ? progress->algorithm : "run", progress->iterations);
    if (!isnan(progress->log_evidence))
        append(text, "  log Z %.2f", progress->log_evidence);
    if (!isnan(progress->log_evidence_error))
        append(text, " +- %.2f", progress->log_evidence_error);
    if (!isnan(progress->remaining))
        append(text, "  remaining %.2g", progress->remaining);
    append(text, "  calls %" PRId64, progress->calls);
    if (!isnan(progress->efficiency))
        append(text, "  efficiency %.1f %%", 100 * progress->efficiency);
    append(text, "  time %s", mote_duration(progress->seconds, time));
    if (!isnan(progress->seconds_left))
        append(text, "  left %s", mote_duration(progress->seconds_left, time));
}

void mote_live_line_fit(char text[MOTE_LINE_SIZE], int64_t columns)
{
    while ((int64_t)strlen(text) > columns) {
        char *last = NULL;
        for (char *at = text; (at = strstr(at, "  ")); at += 2)
            last = at;
        if (!last) {
            text[columns > 0 ? columns : 0] = '\0';
            return;
        }
        *last = '\0';
    }
}

/* Columns of the terminal on standard error; it may be resized at any time. */
static int64_t terminal_width(void)
{
    struct winsize size = { .ws_col = 0 };
    const char *given = getenv("COLUMNS");
    const int64_t columns = given ? strtol(given, NULL, 10) : 0;
    if (!ioctl(STDERR_FILENO, TIOCGWINSZ, &size) && size.ws_col)
        return size.ws_col;
    return columns > 0 ? columns : usual_width;
}

void mote_live_line_open(mote_live_line *line, int quiet)
{
    line->shown = !quiet && isatty(STDERR_FILENO);
    line->drawn = 0;
    line->last = -1;
}

void mote_live_line_show(mote_live_line *line, const mote_progress *progress)
{
    char text[MOTE_LINE_SIZE];
    if (!line->shown || mote_clock() - line->last < interval)
        return;
    mote_live_line_format(progress, text);
    mote_live_line_fit(text, terminal_width() - 1); /* in the last column some terminals begin the next line */
    fprintf(stderr, "\r%s\033[K", text);
    fflush(stderr);
    line->last = mote_clock();
    line->drawn = 1;
}

void mote_live_line_wipe(mote_live_line *line)
{
    if (line->drawn)
        fputs("\r\033[K", stderr);
    line->drawn = 0;
}
