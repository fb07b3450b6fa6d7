/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The run `smoother`, shared by its files: a filter forward that keeps its populations, then one method backward, time
 * by time; as often as there are replicates. One step of the run takes one observation or smooths one time. */
#ifndef MOTE_SMC_SMOOTHER_H
#define MOTE_SMC_SMOOTHER_H

#include <mote/smoother.h>

#include "smc/backward.h"
#include "smc/history.h"
#include "smc/information.h"
#include "smc/pairs.h"
#include "smc/paris.h"
#include "smc/stream.h"
#include "smc/variance.h"

typedef struct mote_smoother_state mote_smoother_state;

/* What a method is. smooth: time t, after all later ones: fills row t of estimate and adds its terms of the functional.
 * */
typedef struct mote_smoother_table {
    const char *name;
    int (*open)(mote_smoother_state *s);
    int (*reserve)(mote_smoother_state *s);                     /* the number of times is known; NULL: nothing more */
    int (*smooth)(mote_smoother_state *s, int64_t t);
    void (*save)(const mote_smoother_state *s, mote_writer *writer); /* NULL: nothing */
    void (*load)(mote_smoother_state *s, mote_reader *reader);
    void (*close)(mote_smoother_state *s);
} mote_smoother_table;

extern const mote_smoother_table mote_smoother_trajectories, mote_smoother_marginal, mote_smoother_two_filter,
    mote_smoother_two_filter_linear, mote_smoother_ancestors;

/* Estimates: rows of d for each time, and p components. */
typedef struct mote_smoother_estimate {
    double *mean, *variance, *error; /* error: of the mean; variance of it while under way, NaN unknown */
    double *value, *value_error;
} mote_smoother_estimate;

enum mote_smoother_phase { SMOOTHER_FORWARD, SMOOTHER_BACKWARD, SMOOTHER_DONE };

struct mote_smoother_state {
    mote_stream_state stream;
    mote_particle_filter filter;
    mote_history history;
    mote_variance variance;      /* of log Z */
    const mote_smoother_options *options;
    const mote_smoother_table *method;
    const mote_memory *memory;
    mote_message *message;
    mote_ledger *ledger;
    mote_source source;          /* of the replicate under way */
    int64_t n, d, p;             /* particles, coordinates, components of the functional */
    int (*functional)(void *ctx, const mote_block *block, double *const *value); /* NULL: none */
    int64_t phase;               /* enum mote_smoother_phase */
    int64_t count;               /* times: known when the filter is through */
    int64_t at;                  /* time that is smoothed next */
    int64_t replicate, used;     /* under way; through, and with weights */
    double *time;                /* count */
    mote_smoother_estimate now;  /* of the replicate under way */
    mote_smoother_estimate sum;  /* over replicates, of differences from `origin`: mean and value; their squares: error
                                  * and value_error; variance + squared difference of the mean: variance */
    mote_smoother_estimate origin; /* of the first replicate */
    mote_smoother_estimate result; /* as columns: [k count + t]; variance: the standard deviation; error: itself */
    double *log_evidence;        /* replicates */
    double error;                /* of log Z, of one replicate */

    /* methods: what they need of this */
    mote_backward backward;
    mote_pairs pairs;
    mote_information information;
    mote_resampler resampler;
    mote_alias alias;
    int64_t m;                   /* trajectories, or pairs */
    double **path;               /* [t d + k]: columns of m */
    double **path_value;         /* p columns of m */
    double *path_weight;         /* n: genealogy */
    double **weight;             /* [t]: n smoothing weights */
    int32_t *index, *parent, *start;
    double **column;             /* working columns of max(n, m) */
    const double **previous;     /* pointers for blocks */
    double **state;
    double **term;               /* p columns of MOTE_BLOCK */
    double **mean;               /* p columns of n */
};

/* Sum over i < count of weight[i] (NULL: 1/count) h_t(previous, state) for columns of `count`, into value[k] (+=), and
 * where each[k] is given added to each[k][i]. previous NULL: h_0. */
int mote_smoother_add_terms(mote_smoother_state *s, int64_t t, int64_t count, const double *const *previous,
                            double *const *state, const double *weight, double *const *each);

/* Row t from columns and weights (NULL: equal) through index (NULL: as they stand). */
void mote_smoother_set_row(mote_smoother_state *s, int64_t t, const double *const *state, const double *weight,
                           const int32_t *index, int64_t count);

/* run->draws: smc/smoother_access.c. */
int mote_smoother_draws(mote_run *run);

#endif
