/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The corner plot. NAME.dat holds one block for each curve, found by its name: d_SET_I density of one parameter over
 * its peak, p_I prior density in units of the first set's peak, f_SET_I_J_LEVEL the area inside of a contour as one closed path
 * (its loops joined by lines there and back, which enclose nothing; holes run the other way round), l_SET_I_J_LEVEL its
 * outline, open where it runs along the edge of the prior. LEVEL 0 is 95.4 %, 1 is 68.3 %. */
#include <math.h>
#include <mote/status.h>
#include <stdio.h>
#include <string.h>

#include "io/density.h"
#include "io/parameter_text.h"
#include "io/plot.h"

static const double shares[] = { 0.954499736103642, 0.682689492137086 };

/* Okabe & Ito's palette: told apart by the colour-blind, and in print. */
static const unsigned colours[MOTE_PLOT_SETS] = { 0x0072B2, 0xD55E00, 0x009E73, 0xCC79A7, 0xE69F00, 0x56B4E9 };

struct corner {
    const mote_plot_set *sets;
    const mote_plot_options *options;
    const char *name;
    int64_t count, panels;                                /* sets; parameters */
    int64_t column[MOTE_PLOT_SETS][MOTE_PLOT_PARAMETERS]; /* -1: not there */
    double peak[MOTE_PLOT_SETS][MOTE_PLOT_PARAMETERS];    /* 0: no density */
    double lower[MOTE_PLOT_PARAMETERS], upper[MOTE_PLOT_PARAMETERS];
    mote_table data, script;
};

static const mote_parameter *parameter_of(const struct corner *c, int64_t i)
{
    for (int64_t s = 0; s < c->count; ++s)
        if (c->column[s][i] >= 0)
            return &c->sets[s].draws->parameters[c->column[s][i]];
    return NULL;
}

static int choose_parameters(struct corner *c)
{
    const mote_draws *first = c->sets[0].draws;
    int64_t sampled = 0;
    for (int64_t i = 0; i < first->parameter_count; ++i)
        sampled += first->parameters[i].prior != MOTE_PRIOR_DERIVED;
    c->panels = c->options->parameters ? c->options->parameter_count : sampled < 10 ? sampled : 10;
    if (c->panels < 1 || c->panels > MOTE_PLOT_PARAMETERS)
        return mote_output_fail(MOTE_EINVAL, "a corner plot has 1 to %d parameters", MOTE_PLOT_PARAMETERS);
    for (int64_t i = 0; i < c->panels; ++i) {
        const char *name = c->options->parameters ? c->options->parameters[i] : first->parameters[i].name;
        for (int64_t s = 0; s < c->count; ++s)
            c->column[s][i] = mote_draws_find(c->sets[s].draws, name);
        if (!parameter_of(c, i))
            return mote_output_fail(MOTE_EINVAL, "no set of draws has a parameter %s", name);
    }
    return MOTE_OK;
}

static void start_block(mote_table *data, const char *name)
{
    mote_table_format(data, "\n\n# %s\n", name);
}

static void put_point(mote_table *data, double x, double y)
{
    mote_table_short(data, x);
    mote_table_text(data, " ");
    mote_table_short(data, y);
    mote_table_text(data, "\n");
}

/* The range of the panel grows to hold what is above 0.4 % of the peak: 3.3 sd of a normal law. */
static void widen(struct corner *c, int64_t i, const mote_density *density)
{
    int64_t first = 0, last = density->x.n - 1;
    while (first < last && density->values[first] < 0.004 * density->peak)
        ++first;
    while (last > first && density->values[last] < 0.004 * density->peak)
        --last;
    c->lower[i] = fmin(c->lower[i], density->x.lower + (double)first * density->x.step);
    c->upper[i] = fmax(c->upper[i], density->x.lower + (double)last * density->x.step);
}

static int write_density(struct corner *c, int64_t s, int64_t i)
{
    mote_density density;
    char name[64];
    int status = mote_density_1d(c->sets[s].draws, c->column[s][i], &density);
    if (status == MOTE_EINVAL) /* no spread: nothing to draw */
        return MOTE_OK;
    if (status)
        return status;
    c->peak[s][i] = density.peak;
    widen(c, i, &density);
    snprintf(name, sizeof name, "d_%d_%d", (int)s, (int)i);
    start_block(&c->data, name);
    for (int64_t k = 0; k < density.x.n; ++k)
        put_point(&c->data, density.x.lower + (double)k * density.x.step, density.values[k] / density.peak);
    mote_density_free(&density);
    return MOTE_OK;
}

/* A prior whose density is known parameter by parameter. */
static int has_prior(const mote_parameter *p)
{
    return p->prior != MOTE_PRIOR_NONE && p->prior != MOTE_PRIOR_SORTED && p->prior != MOTE_PRIOR_DIRICHLET &&
           p->prior != MOTE_PRIOR_CONDITIONAL && p->prior != MOTE_PRIOR_FIXED && p->prior != MOTE_PRIOR_DERIVED;
}

/* Peak density of the first set that has the parameter: the prior is drawn in its units. 0: no set has it. */
static double first_peak(const struct corner *c, int64_t i)
{
    int64_t s = 0;
    while (s < c->count - 1 && !(c->peak[s][i] > 0))
        ++s;
    return c->peak[s][i] > 0 ? c->peak[s][i] : 0;
}

static void write_prior(struct corner *c, int64_t i)
{
    const mote_parameter *p = parameter_of(c, i);
    char name[64];
    if (!c->options->prior || !has_prior(p) || !(first_peak(c, i) > 0))
        return;
    snprintf(name, sizeof name, "p_%d", (int)i);
    start_block(&c->data, name);
    for (int k = 0; k <= 400; ++k) {
        double x = c->lower[i] + (c->upper[i] - c->lower[i]) * k / 400.0;
        put_point(&c->data, x, exp(mote_prior_log_density(p, x)) / first_peak(c, i));
    }
}

/* All loops as one path that starts and ends at the first point of the first loop. */
static void write_area(mote_table *data, const mote_contour *contour)
{
    for (int64_t k = 0; k < contour->loops; ++k) {
        for (int64_t at = contour->start[k]; at < contour->start[k + 1]; ++at)
            put_point(data, contour->x[at], contour->y[at]);
        put_point(data, contour->x[contour->start[k]], contour->y[contour->start[k]]);
        if (k > 0)
            put_point(data, contour->x[0], contour->y[0]);
    }
}

/* 1 when both points lie on one side of the grid. */
static int on_edge(const mote_density *d, double x0, double y0, double x1, double y1)
{
    double right = d->x.lower + d->x.step * (double)(d->x.n - 1), top = d->y.lower + d->y.step * (double)(d->y.n - 1);
    return (x0 == x1 && (x0 == d->x.lower || x0 == right)) || (y0 == y1 && (y0 == d->y.lower || y0 == top));
}

static void write_outline(mote_table *data, const mote_contour *contour, const mote_density *density)
{
    const double *x = contour->x, *y = contour->y;
    for (int64_t k = 0; k < contour->loops; ++k) {
        int64_t first = contour->start[k], n = contour->start[k + 1] - first;
        for (int64_t i = 0; i <= n; ++i) {
            int64_t at = first + i % n, before = first + (i + n - 1) % n;
            if (i > 0 && on_edge(density, x[before], y[before], x[at], y[at]))
                mote_table_text(data, "\n");
            put_point(data, x[at], y[at]);
        }
        mote_table_text(data, "\n");
    }
}

static int write_contour(struct corner *c, const mote_density *density, double level, int64_t s, int64_t i, int64_t j,
                         int l)
{
    mote_contour contour;
    char name[64];
    int status = mote_contour_trace(density, level, &contour);
    if (status)
        return status;
    snprintf(name, sizeof name, "f_%d_%d_%d_%d", (int)s, (int)i, (int)j, l);
    start_block(&c->data, name);
    write_area(&c->data, &contour);
    name[0] = 'l';
    start_block(&c->data, name);
    write_outline(&c->data, &contour, density);
    mote_contour_free(&contour);
    return MOTE_OK;
}

static int has_both(const struct corner *c, int64_t s, int64_t i, int64_t j)
{
    return c->peak[s][i] > 0 && c->peak[s][j] > 0;
}

static int write_contours(struct corner *c, int64_t s, int64_t i, int64_t j)
{
    const mote_draws *draws = c->sets[s].draws;
    mote_density density;
    double level[2] = { 0, 0 };
    int status = mote_density_2d(draws, c->column[s][i], c->column[s][j], &density);
    if (status)
        return status;
    status = mote_density_levels(&density, draws, c->column[s][i], c->column[s][j], shares, 2, level);
    for (int l = 0; l < 2 && status == MOTE_OK; ++l)
        status = write_contour(c, &density, level[l], s, i, j, l);
    mote_density_free(&density);
    return status;
}

static int write_data(struct corner *c)
{
    int status = mote_plot_open(&c->data, c->options, c->name, ".dat");
    if (status)
        return status;
    mote_table_text(&c->data, "# blocks: see the head of the script");
    for (int64_t i = 0; i < c->panels; ++i) {
        c->lower[i] = INFINITY;
        c->upper[i] = -INFINITY;
        for (int64_t s = 0; s < c->count && status == MOTE_OK; ++s)
            if (c->column[s][i] >= 0)
                status = write_density(c, s, i);
        write_prior(c, i);
    }
    for (int64_t j = 0; j < c->panels; ++j)
        for (int64_t i = 0; i < j; ++i)
            for (int64_t s = 0; s < c->count && status == MOTE_OK; ++s)
                if (has_both(c, s, i, j))
                    status = write_contours(c, s, i, j);
    if (status)
        mote_table_drop(&c->data);
    int closed = mote_table_close(&c->data);
    return status ? mote_output_fail(status, "%s: %s", c->name, mote_strerror(status)) : closed;
}

/* ---- the script ---- */

/* Geometry in pixels: panels of `panel`, `gap` apart, and room for texts. */
struct layout {
    double panel, gap, left, bottom, right, top, width, height, points;
};

static struct layout lay_out(const struct corner *c)
{
    double k = (double)c->panels, scale = k <= 5 ? 1 : fmax(0.55, 5 / k);
    struct layout l = { .panel = (k < 3 ? 420 : 300) * scale, .gap = 14 * scale, .points = 17 * fmax(scale, 0.6) };
    double text = l.points / 17;
    l.left = 170 * text;
    l.bottom = 125 * text;
    l.right = 25;
    l.top = (c->count == 1 || k == 1 ? 60 : 30) * text + (k == 1 && c->count > 1 ? 34 * text * (double)c->count : 0);
    l.width = l.left + k * l.panel + (k - 1) * l.gap + l.right;
    l.height = l.bottom + k * l.panel + (k - 1) * l.gap + l.top;
    return l;
}

static void place(struct corner *c, const struct layout *l, int64_t column, int64_t row)
{
    double x = l->left + (double)column * (l->panel + l->gap);
    double y = l->bottom + (double)(c->panels - 1 - row) * (l->panel + l->gap);
    mote_plot_place(&c->script, x / l->width, (x + l->panel) / l->width, y / l->height, (y + l->panel) / l->height);
}

static void put_label(struct corner *c, const char *axis, int64_t i, const char *offset)
{
    const mote_parameter *p = parameter_of(c, i);
    char label[512], unit[128] = "", text[128];
    mote_label_to_gnuplot(p->label ? p->label : p->name, label, sizeof label);
    if (p->unit && *p->unit) {
        mote_text_to_gnuplot(p->unit, text, sizeof text - 4);
        snprintf(unit, sizeof unit, " [%.120s]", text);
    }
    mote_table_format(&c->script, "set %s '%s%s' offset %s\n", axis, label, unit, offset);
}

/* Median with the distances to the 68 % quantiles, rounded to two digits of the smaller. */
static int put_title(struct corner *c, int64_t i)
{
    mote_summary s = { MOTE_VERSIONED(mote_summary), .mean = NAN };
    const mote_parameter *p = parameter_of(c, i);
    char label[512], a[MOTE_PLOT_NUMBER], b[MOTE_PLOT_NUMBER], d[MOTE_PLOT_NUMBER];
    int status = mote_draws_summary(c->sets[0].draws, c->column[0][i], &s);
    double up = s.upper_68 - s.median, down = s.median - s.lower_68, least = fmin(up, down);
    if (status || !(least > 0) || fabs(s.median) > 1e6 || least < 1e-6) /* unreadable as a fixed number */
        return status;
    int decimals = (int)fmax(0, 1 - floor(log10(least)));
    mote_label_to_gnuplot(p->label ? p->label : p->name, label, sizeof label);
    mote_table_format(&c->script, "set title '%s = %s@^{+%s}_{−%s}' offset 0,-0.4\n", label,
                      mote_plot_fixed(a, s.median, decimals), mote_plot_fixed(b, up, decimals),
                      mote_plot_fixed(d, down, decimals));
    return MOTE_OK;
}

/* rgb of a colour with `white` of white mixed in, and transparency 0..255. */
static void put_colour(mote_table *script, unsigned colour, double white, unsigned transparency)
{
    unsigned mixed = 0;
    for (int shift = 0; shift <= 16; shift += 8) {
        double part = (double)(colour >> shift & 0xFF);
        mixed |= (unsigned)(part + (255 - part) * white + 0.5) << shift;
    }
    mote_table_format(script, "rgb '#%02X%06X'", transparency, mixed);
}

static void put_range(mote_table *script, const char *axis, double lower, double upper)
{
    mote_table_format(script, "set %srange [", axis);
    mote_table_short(script, lower);
    mote_table_text(script, ":");
    mote_table_short(script, upper);
    mote_table_text(script, "]\n");
}

/* The set that was named first is drawn last, on top of the others. */
static void plot_density(struct corner *c, int64_t i)
{
    const char *comma = "plot ";
    for (int64_t s = c->count - 1; s >= 0; --s) {
        if (!(c->peak[s][i] > 0))
            continue;
        mote_table_format(&c->script, "%sdata index 'd_%d_%d' using 1:2 with filledcurves y1=0 fc ", comma, (int)s, (int)i);
        put_colour(&c->script, colours[s], 0, 0xD8);
        mote_table_format(&c->script, ", data index 'd_%d_%d' using 1:2 with lines lw 3 lc ", (int)s, (int)i);
        put_colour(&c->script, colours[s], 0, 0);
        comma = ", ";
    }
    if (c->options->prior && has_prior(parameter_of(c, i)) && first_peak(c, i) > 0)
        mote_table_format(&c->script, "%sdata index 'p_%d' using 1:2 with lines lw 2.5 dt (8,5) lc rgb '#707070'", comma,
                          (int)i);
    mote_table_text(&c->script, "\n");
}

static void plot_contours(struct corner *c, int64_t i, int64_t j)
{
    const char *comma = "plot ";
    unsigned clear = c->count > 1 ? 0x58 : 0;
    for (int64_t s = c->count - 1; s >= 0; --s)
        for (int l = 0; l < 2 && has_both(c, s, i, j); ++l) {
            mote_table_format(&c->script, "%sdata index 'f_%d_%d_%d_%d' using 1:2 with filledcurves closed fc ", comma,
                              (int)s, (int)i, (int)j, l);
            put_colour(&c->script, colours[s], l ? 0.12 : 0.58, clear);
            mote_table_format(&c->script, ", data index 'l_%d_%d_%d_%d' using 1:2 with lines lw 1.8 lc ", (int)s, (int)i,
                              (int)j, l);
            put_colour(&c->script, colours[s], 0, 0);
            comma = ", ";
        }
    mote_table_text(&c->script, "\n");
}

/* Coloured squares and names in the empty corner at the upper right. */
static void put_legend(struct corner *c, const struct layout *l)
{
    double text = l->points / 17, size = 26 * text, line = 44 * text;
    double x = c->panels > 1 ? l->left + l->panel + 4 * l->gap + 20 * text : l->left, y = l->height - 24 * text;
    for (int64_t s = 0; s < c->count && c->count > 1; ++s, y -= line) {
        char label[512], n[5][MOTE_PLOT_NUMBER];
        mote_text_to_gnuplot(c->sets[s].label ? c->sets[s].label : "", label, sizeof label);
        mote_plot_fixed(n[0], x / l->width, 5);
        mote_plot_fixed(n[1], (y - size) / l->height, 5);
        mote_plot_fixed(n[2], (x + size) / l->width, 5);
        mote_plot_fixed(n[3], y / l->height, 5);
        mote_table_format(&c->script, "set object %d rectangle from screen %s, screen %s to screen %s, screen %s fc ",
                          (int)s + 1, n[0], n[1], n[2], n[3]);
        put_colour(&c->script, colours[s], 0.12, 0);
        mote_table_text(&c->script, " fs solid noborder\n");
        mote_plot_fixed(n[4], (x + 1.5 * size) / l->width, 5);
        mote_plot_fixed(n[0], (y - size / 2) / l->height, 5);
        mote_table_format(&c->script, "set label %d '%.500s' at screen %s, screen %s left font ',%s'\n", (int)s + 1, label,
                          n[4], n[0], mote_plot_fixed(n[1], 1.15 * l->points, 1));
    }
}

static int write_panel(struct corner *c, const struct layout *l, int64_t i, int64_t j)
{
    mote_table *script = &c->script;
    int bottom = j == c->panels - 1, status = MOTE_OK;
    mote_table_text(script, "\nunset title; unset xlabel; unset ylabel; unset ytics\n");
    place(c, l, i, j);
    put_range(script, "x", c->lower[i], c->upper[i]);
    mote_plot_tics(script, 'x', c->lower[i], c->upper[i], 3, !bottom);
    if (bottom)
        put_label(c, "xlabel", i, "0,-0.3");
    if (i == j) {
        if (c->count == 1)
            status = put_title(c, i);
        mote_table_text(script, "set yrange [0:1.06]\n");
        plot_density(c, i);
        return status;
    }
    put_range(script, "y", c->lower[j], c->upper[j]);
    mote_plot_tics(script, 'y', c->lower[j], c->upper[j], 3, i > 0);
    if (i == 0)
        put_label(c, "ylabel", j, "-1.2,0");
    plot_contours(c, i, j);
    return MOTE_OK;
}

/* 1 when some set has a density in this panel. */
static int is_drawn(const struct corner *c, int64_t i, int64_t j)
{
    for (int64_t s = 0; s < c->count; ++s)
        if (has_both(c, s, i, j))
            return 1;
    return 0;
}

static int write_script(struct corner *c)
{
    struct layout l = lay_out(c);
    int status = mote_plot_begin(&c->script, c->options, c->name, l.width, l.height, l.points);
    if (status)
        return status;
    put_legend(c, &l);
    for (int64_t j = 0; j < c->panels; ++j)
        for (int64_t i = 0; i <= j && status == MOTE_OK; ++i)
            if (is_drawn(c, i, j)) {
                status = write_panel(c, &l, i, j);
                mote_table_text(&c->script, "unset object; unset label\n");
            }
    mote_table_text(&c->script, "unset multiplot\n");
    if (status)
        mote_table_drop(&c->script);
    int closed = mote_table_close(&c->script);
    return status ? mote_output_fail(status, "%s: %s", c->name, mote_strerror(status)) : closed;
}

int mote_plot_corner(const mote_plot_set *sets, int64_t count, const mote_plot_options *options)
{
    if (!sets || !options || count < 1 || count > MOTE_PLOT_SETS)
        return mote_output_fail(MOTE_EINVAL, "a corner plot shows 1 to %d sets of draws", MOTE_PLOT_SETS);
    for (int64_t s = 0; s < count; ++s)
        if (!sets[s].draws)
            return mote_output_fail(MOTE_EINVAL, "set %d of a corner plot has no draws", (int)s + 1);
    struct corner *c = mote_memory_allocate(sets[0].draws->memory, 1, sizeof *c);
    if (!c)
        return mote_output_fail(MOTE_ENOMEM, "corner plot: out of memory");
    c->sets = sets;
    c->count = count;
    c->options = options;
    c->name = options->name ? options->name : "corner";
    int status = choose_parameters(c);
    if (status == MOTE_OK)
        status = write_data(c);
    if (status == MOTE_OK)
        status = write_script(c);
    mote_memory_release(sets[0].draws->memory, c);
    return status;
}
