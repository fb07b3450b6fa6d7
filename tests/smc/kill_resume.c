/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Kill and resume of every registered algorithm on state-space models (tests/support/kill_campaign.h), on case A as a
 * series, and pushed, where the caller asks the resumed run how many observations it has consumed and goes on from
 * there; and of filters that keep their past.
 *
 *     kill_resume [KILLS [SEED]] */
#include "tests/support/kill_campaign.h"
#include "tests/support/state_space_runs.h"

typedef struct subject {
    const mote_algorithm *algorithm;
    int64_t stream, free;
    small_option extra[2];
    char name[128];
} subject;

enum { SUBJECTS = 64, PUSHES = 50 };

/* Case A's potential, which takes some time in the child. */
static int slow_potential(void *ctx, const mote_block *block)
{
    if (ctx)
        pause_for(*(double *)ctx);
    return linear_gaussian_a.log_potential(NULL, block);
}

static int open_run(const void *what, mote_run **run, double *cost, const char *folder)
{
    const subject *s = what;
    const small_option checkpoint[] = { { "checkpoint", folder }, { "checkpoint_seconds", "1e-3" } };
    const size_t extras = s->extra[0].key ? s->extra[1].key ? 2 : 1 : 0;
    any_options options;
    case_a_cut cut;
    cut_case_a(&cut, (int)s->free, PUSHES);
    cut.model.series = s->stream ? NULL : &cut.series;
    cut.model.log_potential = slow_potential;
    cut.model.ctx = cost;
    cut.model.identity = "case A";
    int status = small_options(s->algorithm, &options, "6");
    status = status ? status : set_options(s->algorithm, &options, s->extra, extras);
    status = status || !folder ? status : set_options(s->algorithm, &options, checkpoint, 2);
    return status ? status : mote_run_open(run, s->algorithm, &cut.model, &options);
}

/* From where the run stands: a stream has been told of so many observations. */
static int drive(const void *what, mote_run *run, int left_alone)
{
    const subject *s = what;
    mote_progress progress = { .head = MOTE_VERSIONED(mote_progress) };
    int status = s->stream ? mote_run_progress(run, &progress) : MOTE_OK;
    for (int64_t t = progress.iterations; s->stream && t < PUSHES && !status; ++t) {
        status = push_case_a(run, t);
        status = status || left_alone ? status : mote_run_checkpoint(run);
    }
    return status ? status : mote_run_finish(run);
}

static int add(subject *subjects, kill_plan *plans, int n, subject s)
{
    const small_option *e = s.extra;
    if (n >= SUBJECTS)
        return n;
    s.free = learns(s.algorithm);
    subjects[n] = s;
    snprintf(subjects[n].name, sizeof s.name, "%s%s%s%s%s%s", mote_algorithm_name(s.algorithm),
             s.stream ? ", pushed" : "", e->key ? ", " : "", e->key ? e->key : "", e->key ? " = " : "",
             e->key ? e->value : "");
    plans[n] = (kill_plan){ subjects[n].name, open_run, drive, &subjects[n] };
    return n + 1;
}

int main(int count, char **arguments)
{
    static const small_option kept[][2] = {
        { { "history", "tree" }, { "record", "all" } }, { { "history", "lag" }, { "variance", "all" } },
        { { "points", "sobol" }, { "particles", "32" } }, { { "look_ahead", "on" }, { "threads", "2" } },
    };
    static subject subjects[SUBJECTS];
    static kill_plan plans[SUBJECTS];
    const mote_algorithm *algorithm;
    int n = 0;
    for (int64_t i = 0; (algorithm = state_space_algorithm(i)); ++i) {
        n = add(subjects, plans, n, (subject){ .algorithm = algorithm });
        if (takes_stream(algorithm))
            n = add(subjects, plans, n, (subject){ .algorithm = algorithm, .stream = 1 });
    }
    for (size_t k = 0; k < sizeof kept / sizeof *kept; ++k)
        n = add(subjects, plans, n, (subject){ mote_filter, .stream = k % 2, .extra = { kept[k][0], kept[k][1] } });
    return kill_main(plans, n, count, arguments);
}
