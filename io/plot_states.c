/* SPDX-License-Identifier: GPL-3.0-or-later */
/* A filtered or smoothed series over time, one panel below the other:
 *   each state (the first six): 68 and 95 % bands, median, the smoothed mean dashed, observations of like size as
 * points each further observation effective sample size; log-evidence so far It is drawn from the tables that the
 * program writes beside a run: ROOT_steps.csv, ROOT_filtered.csv, ROOT_smoothed.csv. */
#include <math.h>
#include <mote/status.h>
#include <stdio.h>
#include <string.h>

#include "io/csv_read.h"
#include "io/parameter_text.h"
#include "io/plot.h"

enum { STATES = 6, OBSERVATIONS = 6, PANEL = 250, MARGIN = 70, NAME_SIZE = 160 };

/* A table of numbers with names, columns behind each other. */
typedef struct frame {
    mote_number_rows rows;
    char (*names)[NAME_SIZE];
    int64_t columns;
} frame;

typedef struct picture {
    const mote_memory *memory;
    frame steps, filtered, smoothed;
    char states[STATES][NAME_SIZE];
    int64_t state_count;
    int64_t observation[OBSERVATIONS], observation_count; /* columns of steps */
    int64_t over[OBSERVATIONS];                           /* the state in whose panel it stands; -1: its own panel */
    double first, last;                                   /* time */
    int panels, at;
    mote_table data, script;
} picture;

/* ---- tables ---- */

static int add_row(frame *f, const mote_csv *csv, char *message, size_t size)
{
    mote_number_rows *rows = &f->rows;
    const int64_t used = rows->rows * f->columns;
    if (used + f->columns > rows->room) {
        const int64_t room = 2 * rows->room + 1024 * f->columns;
        double *larger = mote_memory_resize(rows->memory, rows->values, rows->room, room, sizeof *larger);
        if (!larger)
            return MOTE_ENOMEM;
        rows->values = larger;
        rows->room = room;
    }
    for (int64_t k = 0; k < f->columns; ++k) {
        double *value = &rows->values[used + k];
        if (mote_csv_number(csv, k, value, message, size))
            *value = NAN; /* -inf, or a word */
    }
    ++rows->rows;
    return MOTE_OK;
}

/* MOTE_ENOENT when there is no such file. */
static int read_frame(frame *f, const mote_memory *memory, const char *root, const char *ending)
{
    char path[MOTE_PATH_SIZE], message[600] = "", other[600];
    mote_csv csv;
    snprintf(path, sizeof path, "%s%s", root, ending);
    f->rows = (mote_number_rows){ .memory = memory };
    int status = mote_csv_open(&csv, memory, path, NULL, message, sizeof message);
    if (status)
        return mote_output_fail(status, "%s", message);
    f->columns = csv.names ? csv.columns : 0;
    f->names = mote_memory_allocate(memory, f->columns ? f->columns : 1, sizeof *f->names);
    for (int64_t k = 0; f->names && k < f->columns; ++k)
        snprintf(f->names[k], NAME_SIZE, "%s", csv.names[k]);
    status = f->names ? MOTE_OK : MOTE_ENOMEM;
    while (!status && !(status = mote_csv_next(&csv, message, sizeof message)))
        status = add_row(f, &csv, other, sizeof other);
    mote_csv_close(&csv);
    return status == MOTE_DONE ? MOTE_OK
                               : mote_output_fail(status, "%s: %s", path, *message ? message : mote_strerror(status));
}

static void free_frame(frame *f)
{
    if (!f->rows.memory)
        return;
    mote_memory_release(f->rows.memory, f->names);
    mote_rows_free(&f->rows);
}

static int64_t column_of(const frame *f, const char *name, const char *ending)
{
    char full[2 * NAME_SIZE];
    snprintf(full, sizeof full, "%s%s", name, ending);
    for (int64_t k = 0; k < f->columns; ++k)
        if (!strcmp(f->names[k], full))
            return k;
    return -1;
}

static double value_of(const frame *f, int64_t row, int64_t column)
{
    return column < 0 || row >= f->rows.rows ? (double)NAN : f->rows.values[row * f->columns + column];
}

/* The table that the bands come from. */
static const frame *bands_of(const picture *p)
{
    return p->filtered.rows.rows ? &p->filtered : &p->smoothed;
}

/* ---- what is shown where ---- */

static void widen(double value, double *lower, double *upper)
{
    if (value < *lower)
        *lower = value;
    if (value > *upper)
        *upper = value;
}

/* Range of a state's panel: its 95 % band, or two sd where there are no quantiles. */
static void band_range(const picture *p, const char *state, double *lower, double *upper)
{
    const frame *f = bands_of(p);
    const int64_t low = column_of(f, state, "_lower_95"), high = column_of(f, state, "_upper_95");
    const int64_t mean = column_of(f, state, "_mean"), sd = column_of(f, state, "_sd");
    *lower = INFINITY;
    *upper = -INFINITY;
    for (int64_t i = 0; i < f->rows.rows; ++i) {
        const double m = value_of(f, i, mean), s = value_of(f, i, sd);
        widen(low < 0 ? m - 2 * s : value_of(f, i, low), lower, upper);
        widen(high < 0 ? m + 2 * s : value_of(f, i, high), lower, upper);
        widen(m, lower, upper);
    }
}

static void observation_range(const picture *p, int64_t column, double *lower, double *upper)
{
    *lower = INFINITY;
    *upper = -INFINITY;
    for (int64_t i = 0; i < p->steps.rows.rows; ++i)
        widen(value_of(&p->steps, i, column), lower, upper);
}

/* An observation goes over the first state whose band it fills in like size: at least a third, at most twice as wide.
 */
static int64_t place_of(const picture *p, int64_t column)
{
    double low, high, lower, upper;
    observation_range(p, column, &low, &high);
    for (int64_t k = 0; k < p->state_count; ++k) {
        band_range(p, p->states[k], &lower, &upper);
        const double width = upper - lower, margin = 0.5 * width;
        if (low > lower - margin && high < upper + margin && high - low > width / 3)
            return k;
    }
    return -1;
}

static void find_panels(picture *p)
{
    const frame *f = bands_of(p);
    for (int64_t k = 0; f->rows.rows && k < f->columns && p->state_count < STATES; ++k) {
        const size_t length = strlen(f->names[k]);
        if (length > 5 && !strcmp(f->names[k] + length - 5, "_mean"))
            snprintf(p->states[p->state_count++], NAME_SIZE, "%.*s", (int)length - 5, f->names[k]);
    }
    p->panels = (int)p->state_count + (column_of(&p->steps, "increment", "") >= 0 ? 2 : 0);
    for (int64_t k = 1; k < p->steps.columns && p->observation_count < OBSERVATIONS; ++k) {
        if (!strcmp(p->steps.names[k], "increment"))
            break;
        double low, high;
        observation_range(p, k, &low, &high);
        if (!(low <= high))
            continue; /* all of it is missing */
        p->observation[p->observation_count] = k;
        p->over[p->observation_count] = place_of(p, k);
        p->panels += p->over[p->observation_count++] < 0;
    }
    p->first = value_of(&p->steps, 0, 0);
    p->last = value_of(&p->steps, p->steps.rows.rows - 1, 0);
    if (!(p->last > p->first))
        p->last = p->first + 1;
}

/* ---- data ---- */

static void put_row(mote_table *data, const double *values, int n)
{
    for (int i = 0; i < n; ++i)
        if (!isfinite(values[i]))
            return;
    for (int i = 0; i < n; ++i) {
        mote_table_text(data, i ? " " : "");
        mote_table_short(data, values[i]);
    }
    mote_table_text(data, "\n");
}

static void write_state(picture *p, int64_t k)
{
    static const char *const ends[] = { "_lower_95", "_lower_68", "_median", "_upper_68", "_upper_95" };
    static const double sds[] = { -2, -1, 0, 1, 2 };
    const frame *f = bands_of(p);
    const int64_t mean = column_of(f, p->states[k], "_mean"), sd = column_of(f, p->states[k], "_sd");
    mote_table_format(&p->data, "# state%d\n", (int)k);
    for (int64_t i = 0; i < f->rows.rows; ++i) {
        double row[6] = { value_of(f, i, 0) };
        for (int e = 0; e < 5; ++e) {
            row[1 + e] = value_of(f, i, column_of(f, p->states[k], ends[e]));
            if (isnan(row[1 + e]))
                row[1 + e] = value_of(f, i, mean) + sds[e] * value_of(f, i, sd);
        }
        put_row(&p->data, row, 6);
    }
    mote_table_format(&p->data, "\n\n# smooth%d\n", (int)k);
    const int64_t smooth = column_of(&p->smoothed, p->states[k], "_mean");
    for (int64_t i = 0; i < p->smoothed.rows.rows; ++i)
        put_row(&p->data, (double[]){ value_of(&p->smoothed, i, 0), value_of(&p->smoothed, i, smooth) }, 2);
    mote_table_text(&p->data, "\n\n");
}

static int write_data(picture *p, const mote_plot_options *options)
{
    int status = mote_plot_open(&p->data, options, "states", ".dat");
    if (status)
        return status;
    for (int64_t k = 0; k < p->state_count; ++k)
        write_state(p, k);
    for (int64_t k = 0; k < p->observation_count; ++k) {
        mote_table_format(&p->data, "# observation%d\n", (int)k);
        for (int64_t i = 0; i < p->steps.rows.rows; ++i)
            put_row(&p->data, (double[]){ value_of(&p->steps, i, 0), value_of(&p->steps, i, p->observation[k]) }, 2);
        mote_table_text(&p->data, "\n\n");
    }
    const int64_t size = column_of(&p->steps, "effective_sample_size", ""),
                  evidence = column_of(&p->steps, "log_evidence", "");
    mote_table_text(&p->data, "# steps\n");
    for (int64_t i = 0; i < p->steps.rows.rows; ++i)
        put_row(&p->data,
                (double[]){ value_of(&p->steps, i, 0), value_of(&p->steps, i, size), value_of(&p->steps, i, evidence) },
                3);
    return mote_table_close(&p->data);
}

/* ---- script ---- */

static void set_range(picture *p, char axis, double lower, double upper, int bare)
{
    mote_table_format(&p->script, "set %crange [", axis);
    mote_table_short(&p->script, lower);
    mote_table_text(&p->script, ":");
    mote_table_short(&p->script, upper);
    mote_table_text(&p->script, "]\n");
    mote_plot_tics(&p->script, axis, lower, upper, axis == 'x' ? 8 : 4, bare);
}

/* The next panel from above with its two axes. */
static void panel(picture *p, const char *label, double lower, double upper)
{
    const double height = (double)p->panels * PANEL + 2 * MARGIN, top = 1 - (MARGIN + (double)p->at * PANEL) / height;
    const int last = ++p->at == p->panels;
    char text[2 * NAME_SIZE];
    mote_text_to_gnuplot(label, text, sizeof text);
    mote_table_text(&p->script, "\n");
    mote_plot_place(&p->script, 0.085, 0.975, top - (PANEL - 30) / height, top);
    mote_table_format(&p->script, "set ylabel '%s' offset 0.5,0\nset xlabel '%s'\n", text, last ? "time" : "");
    if (!(upper > lower))
        upper = lower + 1;
    const double margin = 0.06 * (upper - lower);
    set_range(p, 'x', p->first, p->last, !last);
    set_range(p, 'y', lower - margin, upper + margin, 0);
}

static void title(picture *p, int64_t k)
{
    const char *kind = p->filtered.rows.rows ? "filtered" : "smoothed";
    char text[2 * NAME_SIZE];
    mote_table_format(&p->script, "set title '%s: median, 68 %% and 95 %% bands%s", kind,
                      p->filtered.rows.rows && p->smoothed.rows.rows ? "; dashed: smoothed mean" : "");
    for (int64_t i = 0; i < p->observation_count; ++i)
        if (p->over[i] == k) {
            mote_text_to_gnuplot(p->steps.names[p->observation[i]], text, sizeof text);
            mote_table_format(&p->script, "; points: %s", text);
        }
    mote_table_text(&p->script, "' offset 0,-0.6\n");
}

static void plot_state(picture *p, int64_t k)
{
    double lower, upper, low, high;
    band_range(p, p->states[k], &lower, &upper);
    for (int64_t i = 0; i < p->observation_count; ++i)
        if (p->over[i] == k) {
            observation_range(p, p->observation[i], &low, &high);
            widen(low, &lower, &upper);
            widen(high, &lower, &upper);
        }
    panel(p, p->states[k], lower, upper);
    if (k == 0)
        title(p, k);
    const int n = (int)k;
    mote_table_format(&p->script,
                      "plot data index 'state%d' using 1:2:6 with filledcurves fc rgb '#D6E6F2', "
                      "data index 'state%d' using 1:3:5 with filledcurves fc rgb '#9CC3E0', "
                      "data index 'state%d' using 1:4 with lines lw 3 lc rgb '#0072B2'", n, n, n);
    if (p->filtered.rows.rows && p->smoothed.rows.rows)
        mote_table_format(&p->script, ", data index 'smooth%d' using 1:2 with lines lw 2.5 dt (9,5) lc rgb '#D55E00'",
                          n);
    for (int64_t i = 0; i < p->observation_count; ++i)
        if (p->over[i] == k)
            mote_table_format(
                &p->script, ", data index 'observation%d' using 1:2 with points pt 7 ps 0.55 lc rgb '#202020'", (int)i);
    mote_table_text(&p->script, "\nunset title\n");
}

static void plot_observation(picture *p, int64_t i)
{
    double lower, upper;
    observation_range(p, p->observation[i], &lower, &upper);
    panel(p, p->steps.names[p->observation[i]], lower, upper);
    mote_table_format(&p->script,
                      "plot data index 'observation%d' using 1:2 with points pt 7 ps 0.55 lc rgb '#202020'\n", (int)i);
}

static void plot_steps(picture *p)
{
    const int64_t size = column_of(&p->steps, "effective_sample_size", ""),
                  evidence = column_of(&p->steps, "log_evidence", "");
    double most = 0, lower = INFINITY, upper = -INFINITY;
    for (int64_t i = 0; i < p->steps.rows.rows; ++i) {
        most = fmax(most, value_of(&p->steps, i, size));
        widen(value_of(&p->steps, i, evidence), &lower, &upper);
    }
    panel(p, "effective size", 0, most);
    mote_table_text(
        &p->script,
        "plot data index 'steps' using 1:2 with filledcurves y1=0 fc rgb '#D9EEE6', data index 'steps' using "
        "1:2 with lines lw 2.5 lc rgb '#009E73'\n");
    panel(p, "log evidence", lower, upper);
    mote_table_text(&p->script, "plot data index 'steps' using 1:3 with lines lw 3 lc rgb '#CC79A7'\n");
}

static int write_script(picture *p, const mote_plot_options *options)
{
    int status = mote_plot_begin(&p->script, options, "states", 1500, (double)p->panels * PANEL + 2 * MARGIN, 16);
    if (status)
        return status;
    for (int64_t k = 0; k < p->state_count; ++k)
        plot_state(p, k);
    for (int64_t k = 0; k < p->observation_count; ++k)
        if (p->over[k] < 0)
            plot_observation(p, k);
    if (column_of(&p->steps, "increment", "") >= 0)
        plot_steps(p);
    mote_table_text(&p->script, "unset multiplot\n");
    return mote_table_close(&p->script);
}

int mote_plot_states(const mote_memory *memory, const char *root, const mote_plot_options *options)
{
    picture *p = mote_memory_allocate(memory, 1, sizeof *p);
    if (!p)
        return mote_output_fail(MOTE_ENOMEM, "states: out of memory");
    p->memory = memory;
    int status = read_frame(&p->steps, memory, root, "_steps.csv");
    for (int i = 0; i < 2 && !status; ++i) { /* either may be left away */
        status = read_frame(i ? &p->smoothed : &p->filtered, memory, root, i ? "_smoothed.csv" : "_filtered.csv");
        status = status == MOTE_ENOENT ? MOTE_OK : status;
    }
    if (!status && p->steps.rows.rows < 1)
        status = mote_output_fail(MOTE_EINVAL, "%s: there is no row to draw", root);
    if (!status) {
        find_panels(p);
        status = write_data(p, options);
        status = status ? status : write_script(p, options);
    }
    free_frame(&p->steps);
    free_frame(&p->filtered);
    free_frame(&p->smoothed);
    mote_memory_release(memory, p);
    return status;
}
