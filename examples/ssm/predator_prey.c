/* SPDX-License-Identifier: BSD-2-Clause */
/* Predators and prey as a Markov jump process (Lotka and Volterra; Gillespie 1977; Boys, Wilkinson and Kirkwood 2008):
 * three kinds of events, at the rates
 *
 *     birth    prey + 1                      birth prey
 *     meal     prey - 1, predators + 1       meal prey predators
 *     death    predators - 1                 death predators
 *
 * simulated event by event from a private stream of each particle, and seen now and then with normal errors. There is
 * no density of the transition: smoothers that need one refuse the model by name; the filter, PMMH, iterated filtering
 * and SMC^2 do not ask for it. A population that explodes is cut off after `most_events` events (key of [model]). */
#define MOTE_PLUGIN_LINKS_NOTHING
#include <math.h>
#include <mote/plugin.h>

enum { BIRTH, MEAL, DEATH, ERROR };
enum { PREY, PREDATORS };

static int initial(void *ctx, const mote_block *b, mote_source *source)
{
    (void)ctx;
    for (int64_t i = 0; i < b->n; ++i) {
        mote_stream stream = mote_stream_open(source, b->first + i);
        b->state[PREY][i] = (double)mote_stream_poisson(&stream, 50);
        b->state[PREDATORS][i] = (double)mote_stream_poisson(&stream, 100);
    }
    return 0;
}

static void simulate(const mote_block *b, mote_stream *stream, double *prey, double *predators, int64_t most_events)
{
    double time = b->time_previous;
    for (int64_t events = 0; events < most_events; ++events) {
        const double birth = *b->parameter[BIRTH] * *prey, meal = *b->parameter[MEAL] * *prey * *predators;
        const double death = *b->parameter[DEATH] * *predators, rate = birth + meal + death;
        if (!(rate > 0) || (time += mote_stream_exponential(stream) / rate) > b->time)
            return;
        const double u = rate * mote_stream_uniform(stream);
        *prey += u < birth ? 1 : u < birth + meal ? -1 : 0;
        *predators += u < birth ? 0 : u < birth + meal ? 1 : -1;
    }
}

static int transition(void *ctx, const mote_block *b, mote_source *source)
{
    const int64_t *most_events = ctx;
    for (int64_t i = 0; i < b->n; ++i) {
        mote_stream stream = mote_stream_open(source, b->first + i);
        double prey = b->previous[PREY][i], predators = b->previous[PREDATORS][i];
        simulate(b, &stream, &prey, &predators, *most_events);
        b->state[PREY][i] = prey;
        b->state[PREDATORS][i] = predators;
    }
    return 0;
}

/* Either of the two may be missing in the data. */
static int log_potential(void *ctx, const mote_block *b)
{
    const double sd = *b->parameter[ERROR];
    (void)ctx;
    for (int64_t i = 0; i < b->n; ++i) {
        b->log_weight[i] = 0;
        for (int k = 0; k < 2; ++k) {
            const double z = b->observed[k] ? (b->observation[k] - b->state[k][i]) / sd : 0;
            b->log_weight[i] -= b->observed[k] ? 0.5 * z * z + log(sd) + 0.918938533204672742 : 0;
        }
    }
    return 0;
}

MOTE_PLUGIN_ENTRY(const mote_host *host, const mote_config *section, mote_model *model)
{
    static const mote_parameter parameters[] = {
        MOTE_LOG_UNIFORM("birth", 0.05, 5),
        MOTE_LOG_UNIFORM("meal", 0.0005, 0.05),
        MOTE_LOG_UNIFORM("death", 0.05, 5),
        MOTE_FIXED("error", 10),
    };
    static const char *const states[] = { "prey", "predators" }, *const observations[] = { "prey_seen",
                                                                                           "predators_seen" };
    static const mote_ssm ssm = {
        MOTE_VERSIONED(mote_ssm), MOTE_PARAMETERS(parameters), MOTE_STATES(states), MOTE_OBSERVATIONS(observations),
        .initial = initial, .transition = transition, .log_potential = log_potential, .name = "predators and prey",
        .flags = MOTE_SSM_THREADSAFE | MOTE_SSM_ROW_PARAMETERS,
    };
    static mote_ssm mine;
    static int64_t most_events;
    char text[400];
    if (host->config_integer(section, "most_events", 100000, &most_events, text, sizeof text)) {
        host->error(host->ctx, text);
        return MOTE_EPARSE;
    }
    mine = ssm;
    mine.ctx = &most_events;
    model->ssm = &mine;
    return 0;
}
