/* SPDX-License-Identifier: BSD-2-Clause */
/* A filter fed from standard input: numbers come in, one on a line, and each is answered at once with the level behind
 * them.
 *
 *     level' = level + 0.3 N(0, 1),   number = level + Student-t(3)        outliers do not move it much
 *
 *     seq 1 10 | ./stream
 *
 * The same for a plug-in, with no program to write: `mote filter` with [data] file = - */
#include <math.h>
#include <mote/mote.h>
#include <stdio.h>

static int initial(void *ctx, const mote_block *b, mote_source *source)
{
    (void)ctx;
    mote_normals(source, b->state[0], b->n);
    for (int64_t i = 0; i < b->n; ++i)
        b->state[0][i] *= 10;
    return 0;
}

static int transition(void *ctx, const mote_block *b, mote_source *source)
{
    (void)ctx;
    mote_normals(source, b->state[0], b->n);
    for (int64_t i = 0; i < b->n; ++i)
        b->state[0][i] = b->previous[0][i] + 0.3 * b->state[0][i];
    return 0;
}

static int log_potential(void *ctx, const mote_block *b)
{
    (void)ctx;
    for (int64_t i = 0; i < b->n; ++i) {
        const double z = b->observation[0] - b->state[0][i];
        b->log_weight[i] = -1.000888849580544 - 2 * log1p(z * z / 3); /* 2 / (pi sqrt 3) (1 + z^2/3)^-2 */
    }
    return 0;
}

int main(void)
{
    static const char *const states[] = { "level" }, *const observations[] = { "number" };
    const mote_ssm model = { MOTE_VERSIONED(mote_ssm), MOTE_STATES(states),      MOTE_OBSERVATIONS(observations),
                             .initial = initial,       .transition = transition, .log_potential = log_potential,
                             .name = "level" };
    const mote_filter_options options = { MOTE_VERSIONED(mote_filter_options), .particles = 2000, .seed = 1 };
    mote_observation seen = { MOTE_VERSIONED(mote_observation), .time = 0 };
    mote_run *run = NULL;
    double number;
    int status = mote_run_open(&run, mote_filter, &model, &options);
    for (seen.values = &number; !status && scanf("%lf", &number) == 1; ++seen.time) {
        status = mote_run_push(run, &seen);
        printf("%g  level %.2f +- %.2f  log evidence %.3f\n", number, mote_filter_mean(run, 0), mote_filter_sd(run, 0),
               mote_filter_log_evidence(run));
        fflush(stdout);
    }
    if (status)
        fprintf(stderr, "%s\n", mote_run_message(run));
    mote_run_close(&run);
    return status ? 1 : 0;
}
