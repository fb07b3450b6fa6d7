/* SPDX-License-Identifier: GPL-3.0-or-later */
/* One worker process as its run sees it: started on one end of a socket pair, greeted, given rows, and buried with the
 * reason of its end.
 *
 *     ENDED -> mote_worker_start -> STARTING -> mote_worker_ready -> IDLE -> rows sent -> BUSY -> reply read -> IDLE
 *
 * From every state mote_worker_bury (it has ended, or is to be taken for ended) or mote_worker_stop lead to ENDED. */
#ifndef MOTE_CORE_WORKER_PROCESS_H
#define MOTE_CORE_WORKER_PROCESS_H

#include <sys/types.h>

#include "core/executor.h"

enum mote_worker_state { MOTE_WORKER_ENDED, MOTE_WORKER_STARTING, MOTE_WORKER_IDLE, MOTE_WORKER_BUSY };

typedef struct mote_worker {
    int64_t state;
    pid_t pid;          /* 0: none */
    int socket;         /* -1: none */
    int64_t n, *slots;  /* rows it works on */
    int64_t served;     /* rows evaluated since its start; 0: a fresh worker */
    double deadline;    /* on mote_clock; INFINITY: none */
    int64_t *reply;     /* words received so far */
    size_t received;    /* bytes */
    int killed;         /* by us, for its time limit */
} mote_worker;

/* The program's environment as workers get it, in one block; NULL when there is no memory. */
char **mote_worker_environment(const mote_memory *memory);

/* Starts the program and greets it; answers come later. MOTE_EWORKER, with the reason in the run's message. */
int mote_worker_start(mote_worker *worker, const mote_executor *executor, char *const *environment);

/* Waits for its word that the model is loaded. */
int mote_worker_ready(mote_worker *worker, const mote_executor *executor);

/* 0, or -1 when it is gone. */
int mote_worker_send(const mote_worker *worker, const void *data, size_t size);

/* 1 when the process has ended. Its socket may still be open, held by a process that the plug-in forked. */
int mote_worker_has_ended(const mote_worker *worker);

/* Its time is up. The process and those that it started are killed. */
void mote_worker_kill(mote_worker *worker);

/* The end of a worker whose socket has closed: why (enum mote_reason). One that lives on is killed. */
int64_t mote_worker_bury(mote_worker *worker);

/* An idle worker ends by itself once told (mote_worker_dismiss); any other is killed. */
void mote_worker_dismiss(mote_worker *worker);
void mote_worker_stop(mote_worker *worker);

#endif
