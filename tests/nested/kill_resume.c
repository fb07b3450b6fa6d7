/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Kill and resume of nested sampling (tests/support/kill_campaign.h), with each way of steps, and asked and told.
 *
 *     kill_resume [KILLS [SEED]] */
#include <mote/mote.h>

#include "tests/support/kill_campaign.h"

static int hill(void *ctx, const double *theta, double *log_likelihood, double *derived)
{
    double a = (theta[0] - 0.5) / 0.1, b = (theta[1] - theta[0]) / 0.1, c = theta[2] / 0.3;
    *log_likelihood = -0.5 * (a * a + b * b + c * c);
    derived[0] = theta[0] * theta[1];
    if (ctx) /* the child's: some time passes between the rows */
        pause_for(*(double *)ctx);
    return 0;
}

static const mote_parameter parameters[] = { MOTE_UNIFORM("x", 0, 1, .boundary = MOTE_BOUNDARY_PERIODIC),
                                             MOTE_UNIFORM("y", 0, 1), MOTE_NORMAL("z", 0, 1), MOTE_DERIVED("product") };

typedef struct way {
    int64_t step, external;
} way;

/* The run that is left alone is never asked and told. */
static int open_run(const void *what, mote_run **run, double *cost, const char *checkpoint)
{
    const way *w = what;
    const int external = w->external && checkpoint;
    mote_target target = { MOTE_VERSIONED(mote_target), MOTE_PARAMETERS(parameters), .log_likelihood_point = hill,
                           .ctx = cost, .name = "hill", .identity = "hill" };
    mote_nested_options options = { MOTE_VERSIONED(mote_nested_options), .live_points = 40, .seed = 9, .step = w->step,
                                    .steps = 4, .simulations = 20, .bootstraps = 10, .checkpoint = checkpoint,
                                    .executor = external ? MOTE_EXECUTOR_EXTERNAL : MOTE_EXECUTOR_SERIAL,
                                    .checkpoint_seconds = 1e-3, .batch_size = 7 };
    return mote_run_open(run, mote_nested, &target, &options);
}

/* Tells half of the pending rows, from the back, and keeps a checkpoint of the others: what ask and tell do. */
static int ask_and_tell(mote_run *run)
{
    mote_pending rows = { .head = MOTE_VERSIONED(mote_pending) };
    int status;
    while ((status = mote_run_finish(run)) == MOTE_WAITING) {
        mote_run_pending(run, &rows);
        for (int64_t k = rows.n; k > rows.n / 2; --k) {
            double value, derived;
            mote_pending now = { .head = MOTE_VERSIONED(mote_pending) };
            mote_run_pending(run, &now);
            hill(NULL, now.theta + (k - 1) * now.stride, &value, &derived);
            if (mote_run_tell(run, now.id[k - 1], value, &derived, 0))
                return MOTE_EINTERNAL;
        }
        status = mote_run_checkpoint(run);
        if (status)
            return status;
    }
    return status;
}

static int drive(const void *what, mote_run *run, int left_alone)
{
    return ((const way *)what)->external && !left_alone ? ask_and_tell(run) : mote_run_finish(run);
}

int main(int count, char **arguments)
{
    static const way slice = { MOTE_STEP_SLICE, 0 }, bound = { MOTE_STEP_BOUND, 0 }, walk = { MOTE_STEP_WALK, 0 },
                     automatic = { MOTE_STEP_AUTO, 0 }, asked = { MOTE_STEP_SLICE, 1 };
    static const kill_plan plans[] = { { "slice", open_run, drive, &slice }, { "bound", open_run, drive, &bound },
                                       { "walk", open_run, drive, &walk }, { "auto", open_run, drive, &automatic },
                                       { "slice, asked and told", open_run, drive, &asked } };
    return kill_main(plans, sizeof plans / sizeof *plans, count, arguments);
}
