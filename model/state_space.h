/* SPDX-License-Identifier: GPL-3.0-or-later */
/* A state-space model, compiled: a checked deep copy of an mote_ssm, its parameter space, and what an algorithm may ask
 * of it by name. Nothing changes between open and close but a series that is pushed, so that many filters and threads
 * may read one. */
#ifndef MOTE_MODEL_STATE_SPACE_H
#define MOTE_MODEL_STATE_SPACE_H

#include <mote/ssm.h>

#include "core/checkpoint.h"
#include "core/run.h"
#include "model/space.h"

/* Particles of one block, and the alignment of columns in elements: a column never shares a block with another. */
enum { MOTE_BLOCK = 1024 };

typedef struct mote_state_space {
    mote_ssm model;       /* normalised copy; texts and series are ours */
    mote_space space;     /* of the parameters */
    char **names;         /* owned: states, observations, inputs, additive components, in this order */
    mote_series series;   /* owned copy; count 0 without one */
    int64_t has_series;
    struct mote_rao_blackwell *linear; /* the wrapper of a model with a linear part; NULL without one */
    int64_t pushed_capacity; /* rows of a series that grows, see mote_state_space_append */
    const mote_memory *memory;
} mote_state_space;

/* Checks everything and names what is at fault. */
int mote_state_space_open(mote_state_space *space, const mote_ssm *model, const mote_memory *memory,
                          mote_message *message);
void mote_state_space_close(mote_state_space *space);

/* For messages: the model's name, or "model". */
const char *mote_state_space_name(const mote_state_space *space);

/* What a model may or may not have. X(NAME, "the member's name", present) */
#define MOTE_CAPABILITY_LIST(X)                                                                        \
    X(LOG_INITIAL, "log_initial", model->log_initial)                                                  \
    X(LOG_TRANSITION, "log_transition", model->log_transition)                                         \
    X(LOG_TRANSITION_BOUND, "log_transition_bound", model->log_transition_bound)                       \
    X(PROPOSE, "propose", model->propose)                                                              \
    X(LOG_PROPOSE, "log_propose", model->log_propose)                                                  \
    X(LOOK_AHEAD, "look_ahead", model->look_ahead)                                                     \
    X(ADDITIVE, "additive", model->additive)                                                           \
    X(GRADIENT, "gradient", model->gradient)                                                           \
    X(INITIAL_MAP, "initial_map", model->initial_map)                                                  \
    X(TRANSITION_MAP, "transition_map", model->transition_map)                                         \
    X(SAMPLE_OBSERVATION, "sample_observation", model->sample_observation)                             \
    X(GAUSSIAN, "gaussian", model->gaussian)                                                           \
    X(ARTIFICIAL, "artificial", model->artificial)                                                     \
    X(LOG_ARTIFICIAL, "log_artificial", model->log_artificial)                                         \
    X(PROPOSE_BACKWARD, "propose_backward", model->propose_backward)                                   \
    X(LOG_PROPOSE_BACKWARD, "log_propose_backward", model->log_propose_backward)                       \
    X(FORK, "fork", model->fork)                                                                       \
    X(PACK, "pack and unpack", model->pack && model->unpack)                                           \
    X(PROPOSAL_GRADIENT, "proposal_gradient", model->proposal_gradient)

enum mote_capability {
#define MOTE_CAPABILITY_ENUMERATOR(name, text, present) MOTE_CAPABILITY_##name,
    MOTE_CAPABILITY_LIST(MOTE_CAPABILITY_ENUMERATOR)
#undef MOTE_CAPABILITY_ENUMERATOR
    MOTE_CAPABILITIES
};

int mote_state_space_has(const mote_state_space *space, int64_t capability);

/* MOTE_OK, or MOTE_EUNSUPPORTED: "<algorithm> needs <member>, which the model '<name>' lacks". */
int mote_state_space_needs(const mote_state_space *space, int64_t capability, const char *algorithm,
                           mote_message *message);

/* theta (theta_count values) of fixed parameters; the others are taken from `given` (NULL: MOTE_EINVAL names the first
 * parameter that is free). */
int mote_state_space_theta(const mote_state_space *space, const double *given, double *theta, mote_message *message);

/* "a = 1, b = 0.5": the parameters of a row, for messages; cut at the text's end. */
void mote_state_space_describe(const mote_state_space *space, const double *theta, char *text, size_t size);

/* Observation `index` of the series, in normal form: values and flags always set (NaN and 0 where missing). `values`
 * and `observed` have room for observation_count. *any: 1 when something is observed. */
typedef struct mote_datum {
    double time;
    double *values;
    int64_t *observed;
    double *input;
    int64_t any;
} mote_datum;

int mote_datum_open(mote_datum *datum, const mote_state_space *space, const mote_memory *memory);
void mote_datum_close(mote_datum *datum, const mote_memory *memory);
void mote_datum_from_series(mote_datum *datum, const mote_state_space *space, int64_t index);

/* The time that observation `index` has to follow, the one before it being at `previous`: 1 when `time` does. Times are
 * finite and increase. The first may be any one; with MOTE_SSM_START_BEFORE any from the initial time on, which itself
 * is allowed: the transition to it is one over no time. *after: the time that it had to follow. */
int mote_state_space_follows(const mote_state_space *space, int64_t index, double previous, double time, double *after);

/* The same from a pushed observation, number `index`, after one at `previous`. MOTE_EINVAL: a time that does not
 * follow, inputs that are missing. */
int mote_datum_from_observation(mote_datum *datum, const mote_state_space *space, const mote_observation *observation,
                                int64_t index, double previous, mote_message *message);

/* Keeps a pushed observation as the next row of `series`, for algorithms that go back to it (has_series stays 0). Not
 * while filters are at work. MOTE_ENOMEM leaves the series as it was. */
int mote_state_space_append(mote_state_space *space, const mote_datum *datum);
void mote_put_datum(mote_writer *writer, const mote_datum *datum, const mote_state_space *space);
void mote_get_datum(mote_reader *reader, mote_datum *datum, const mote_state_space *space);

/* Adds parameters, states and identity of the model, and the data, to the identity of a run. */
void mote_run_identify_state_space(mote_run *run, const mote_state_space *space);

#endif
