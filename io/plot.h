/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Plots: mote computes densities, contours and levels and writes them as FOLDER/NAME.dat with a script FOLDER/NAME.gp;
 * gnuplot only draws. To draw:  gnuplot -c FOLDER/NAME.gp FOLDER   (or, inside of the folder, gnuplot NAME.gp). The
 * picture is FOLDER/NAME.png, .svg or .pdf. Failures: mote_output_message(). */
#ifndef MOTE_IO_PLOT_H
#define MOTE_IO_PLOT_H

#include "io/table.h"
#include "model/draws.h"

enum { MOTE_PLOT_PARAMETERS = 24, MOTE_PLOT_SETS = 6 };

typedef struct mote_plot_options {
    const char *folder;            /* made when it does not exist (its parent must) */
    const char *name;              /* of the files; NULL: "corner", "diagnostics" */
    const char *terminal;          /* "png" (NULL), "svg", "pdf" */
    const char *const *parameters; /* names; NULL: the sampled parameters of the first set, at most 10 */
    int64_t parameter_count;
    int64_t prior;                 /* 1: prior densities, dashed */
} mote_plot_options;

typedef struct mote_plot_set {
    const mote_draws *draws;
    const char *label; /* in the legend */
} mote_plot_set;

/* One-dimensional densities on the diagonal, filled 68.3 % and 95.4 % contours below, all sets over each other.
 * Parameters are matched by name; a set without one is left out of its panels. */
int mote_plot_corner(const mote_plot_set *sets, int64_t count, const mote_plot_options *options);

/* A nested run: log L and posterior mass against log X, live points, insertion ranks, growth of the evidence.
 * MOTE_EUNSUPPORTED for other draws. */
int mote_plot_diagnostics(const mote_draws *draws, const mote_plot_options *options);

/* A filter or smoother over time, from ROOT_steps.csv and ROOT_filtered.csv or ROOT_smoothed.csv (cli/filter_files.h):
 * FOLDER/states. MOTE_ENOENT when the tables are not there. */
int mote_plot_states(const mote_memory *memory, const char *root, const mote_plot_options *options);

/* ---- shared by the plots ---- */

/* Opens FOLDER/NAME + ending, making the folder. */
int mote_plot_open(mote_table *table, const mote_plot_options *options, const char *name, const char *ending);

/* The head of a script: terminal of `width` x `height` pixels at 150 per inch, font of `points` at that size. */
int mote_plot_begin(mote_table *script, const mote_plot_options *options, const char *name, double width, double height,
                    double points);

/* "set xtics (...)" for axis 'x' or 'y' over [lower, upper]: about `wanted` round numbers, away from the ends when they
 * are three or less (neighbouring panels have ends too); without texts when `bare`. */
void mote_plot_tics(mote_table *script, char axis, double lower, double upper, int wanted, int bare);

/* A number with `decimals` digits behind the point, for every locale; `text` has MOTE_PLOT_NUMBER bytes. */
enum { MOTE_PLOT_NUMBER = 48 };
char *mote_plot_fixed(char *text, double value, int decimals);

/* Margins of a panel in parts of the picture. */
void mote_plot_place(mote_table *script, double left, double right, double bottom, double top);

/* Insertion ranks of nested draws, in (0, 1), in order of birth contours (Fowlie, Handley & Su 2020): of each point not
 * from the prior, (r + 1/2)/(s + 1), r of the s points alive at its birth contour lie below it. `rank` has room for
 * `count`; MOTE_ENOMEM. */
int mote_insertion_ranks(const mote_draws *draws, double *rank, int64_t *n);

#endif
