/* SPDX-License-Identifier: GPL-3.0-or-later */
/* A run from inside: what the life cycle keeps, and what an algorithm fills in. */
#ifndef MOTE_CORE_RUN_H
#define MOTE_CORE_RUN_H

#include <mote/run.h>
#include <stdatomic.h>

#include "core/checkpoint.h"
#include "core/executor.h"
#include "core/memory.h"
#include "core/message.h"
#include "core/source.h"

/* The common options, resolved: the struct that MOTE_RUN_OPTIONS makes. */
typedef struct mote_settings {
    MOTE_OPTION_FIELDS(MOTE_RUN_OPTIONS)
} mote_settings;

struct mote_algorithm {
    const char *name;
    const char *help;          /* one line */
    uint32_t model_kind;       /* MOTE_KIND_ of the model struct */
    size_t model_size;
    const mote_option_table *options;
    size_t state_size;         /* of run->state, zeroed before open */
    const char *free_options;  /* " precision dlogz ": options that may differ when a checkpoint is resumed */
    int (*open)(mote_run *run, const void *model);
    int (*step)(mote_run *run);                    /* MOTE_OK, MOTE_DONE, MOTE_WAITING or an error */
    int (*push)(mote_run *run, const mote_observation *observation); /* checks and copies; NULL: takes none */
    void (*end)(mote_run *run);                    /* no more observations will come; NULL: nothing to do */
    int (*save)(mote_run *run, mote_writer *writer);
    int (*load)(mote_run *run, mote_reader *reader);
    int (*draws)(mote_run *run);                   /* fills run->draws */
    void (*free_draws)(mote_draws *draws);
    void (*progress)(mote_run *run, mote_progress *progress);
    void (*close)(mote_run *run);                  /* also after a failed open */
};

/* The state of a run (checkpointed: key, step count, seconds, algorithm state) and its diagnostics. */
struct mote_run {
    const mote_algorithm *algorithm;
    mote_memory memory;
    mote_message message;
    mote_hooks hooks;
    void *options;             /* the algorithm's struct: full size, defaults filled in, texts copied */
    mote_settings settings;    /* its common part */
    mote_source source;        /* at the run's key */
    void *state;               /* the algorithm's */
    mote_executor executor;    /* opened by the algorithm through mote_run_executor */
    mote_ledger ledger;
    mote_writer identity;      /* lines "key=value": model, data and options that decide the result */
    int64_t steps;
    int64_t boundary;          /* set by the algorithm: 1 between complete blocks, where call limits may look */
    int64_t finished_by;
    int64_t opened;            /* 1 once the algorithm's open succeeded */
    int status;                /* of the last step: an error is final */
    int in_doubt;              /* set by the algorithm: the step that failed had changed the state, nothing is saved */
    mote_draws *draws;         /* built by the algorithm, freed at the next step */
    double seconds_before;     /* wall time of earlier sessions */
    double started;            /* clock at open */
    double last_checkpoint, last_progress;
    int lock;                  /* descriptor of the checkpoint folder's lock, -1 */
    atomic_int stop;
};

/* Opens run->executor for `function` as the options say. */
int mote_run_open_executor(mote_run *run, const mote_row_function *function, int64_t capacity);

/* Adds the line "key=value" to the run's identity: algorithms do so for their model at open. */
void mote_run_identify(mote_run *run, const char *key, const char *value);

/* The value of a key of the identity ("identity": that of likelihood and data); NULL when there is none. */
const char *mote_run_identity(const mote_run *run, const char *key);

/* MOTE_EMODEL with the reason when too many of the first rows have failed. *settled becomes 1 when the first rows are
 * through, and nothing is looked at from then on; algorithms carry it in their checkpoints. */
int mote_run_check_failures(mote_run *run, int64_t *settled);

/* MOTE_OK, or the reason why `run` cannot be used (NULL, failed open or load). */
int mote_run_usable(const mote_run *run);

/* Sends one line to the log hook. */
void mote_run_log(const mote_run *run, int64_t level, const char *format, ...) MOTE_PRINTF(3, 4);

/* Seconds since some fixed moment; wall time of the run so far. */
double mote_clock(void);
double mote_run_seconds(const mote_run *run);

#endif
