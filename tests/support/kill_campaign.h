/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Kill and resume: a run in a child process writes checkpoints all the time, is killed (SIGKILL) at random moments,
 * inside the writing of a checkpoint too, and is resumed until it ends: the bytes of the run that was left alone.
 *
 *     static const kill_plan plans[] = { { "name", whole, live, &what }, ... };
 *     return kill_main(plans, n, count, arguments);
 *
 *     program [KILLS [SEED]]          kills in all, 10 without an argument; each line says what was done
 *
 * A failure is repeated by its seed up to the moments, which the machine decides. */
#ifndef MOTE_TESTS_KILL_CAMPAIGN_H
#define MOTE_TESTS_KILL_CAMPAIGN_H

#include <errno.h>
#include <mote/run.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "core/run.h"
#include "tests/support/fingerprint.h"
#include "tests/support/folder.h"

/* `open` opens the run, with checkpoints in `folder` unless that is NULL, and with pauses of *cost seconds in the
 * model's callbacks unless that is NULL (memory of the caller, for as long as the run). `drive` takes it to its end
 * from wherever it stands, and answers a status. */
typedef struct kill_plan {
    const char *name;
    int (*open)(const void *what, mote_run **run, double *cost, const char *folder);
    int (*drive)(const void *what, mote_run *run, int left_alone);
    const void *what;
} kill_plan;

typedef struct kill_tally {
    int kills, resumed, partial; /* partial: kills that left a half-written checkpoint */
} kill_tally;

static char kill_folder[256];
static uint64_t kill_random_state;

static uint64_t kill_random(void)
{
    uint64_t *state = &kill_random_state;
    *state ^= *state << 13, *state ^= *state >> 7, *state ^= *state << 17;
    return *state;
}

static void pause_for(double seconds)
{
    struct timespec time = { (time_t)seconds, (long)((seconds - (double)(time_t)seconds) * 1e9) };
    while (nanosleep(&time, &time) && errno == EINTR)
        ;
}

/* The run that is left alone; 0 when it fails. */
static uint64_t kill_uninterrupted(const kill_plan *p)
{
    mote_run *run = NULL;
    int status = p->open(p->what, &run, NULL, NULL);
    if (!status)
        status = p->drive(p->what, run, 1);
    const uint64_t hash = status ? 0 : fingerprint(mote_run_draws(run));
    if (status)
        fprintf(stderr, "# %s: %s\n", p->name, mote_run_message(run));
    mote_run_close(&run);
    return hash;
}

static const uint64_t KILL_RESUMED = 1; /* what a child says once it goes on from a checkpoint; the hash comes last */

/* In the child: resumes or starts, and writes the hash into `end`. Exit 0, or a message. */
static void kill_live(const kill_plan *p, double cost, int end)
{
    mote_run *run = NULL;
    int status = p->open(p->what, &run, &cost, kill_folder);
    if (!status)
        status = mote_run_resume(run);
    if (!status && write(end, &KILL_RESUMED, sizeof KILL_RESUMED) != (ssize_t)sizeof KILL_RESUMED)
        status = MOTE_EIO;
    if (status == MOTE_ENOENT) /* killed before the first checkpoint */
        status = MOTE_OK;
    if (!status)
        status = p->drive(p->what, run, 0);
    const uint64_t hash = status ? 0 : fingerprint(mote_run_draws(run));
    if (status)
        fprintf(stderr, "# %s: %s\n", p->name, mote_run_message(run));
    else if (write(end, &hash, sizeof hash) != (ssize_t)sizeof hash)
        status = MOTE_EIO;
    mote_run_close(&run);
    _exit(status ? 1 : 0);
}

/* Whether a checkpoint is half written. */
static int kill_is_writing(void)
{
    int writing = 0;
    DIR *handle = opendir(kill_folder);
    for (struct dirent *entry; handle && (entry = readdir(handle));)
        writing |= strstr(entry->d_name, ".partial") != NULL;
    if (handle)
        closedir(handle);
    return writing;
}

/* A moment to kill at: after a random time, and then perhaps as soon as a checkpoint is being written. */
static void kill_wait_for_moment(int in_writing)
{
    pause_for(1e-4 * (double)(kill_random() % 800));
    const double end = mote_clock() + 0.02;
    while (in_writing && mote_clock() < end && !kill_is_writing())
        ;
}

/* One life of the run: 1 when it came to its end, with the hash; 0 when it was killed; -1 when it failed. */
static int kill_live_once(const kill_plan *p, int to_be_killed, kill_tally *t, uint64_t *hash)
{
    int ends[2], result = 0, ended = 0;
    uint64_t word;
    const double cost = to_be_killed ? 1e-5 * (double)(kill_random() % 20) : 0;
    if (pipe(ends))
        return -1;
    fflush(NULL);
    const pid_t child = fork();
    if (child == 0)
        kill_live(p, cost, ends[1]);
    close(ends[1]);
    if (to_be_killed) {
        kill_wait_for_moment(t->kills % 2);
        kill(child, SIGKILL);
    }
    waitpid(child, &result, 0);
    while (read(ends[0], &word, sizeof word) == (ssize_t)sizeof word) {
        t->resumed += word == KILL_RESUMED;
        if (word != KILL_RESUMED) {
            *hash = word;
            ended = 1;
        }
    }
    close(ends[0]);
    if (WIFSIGNALED(result)) {
        ++t->kills;
        t->partial += kill_is_writing();
    }
    return ended ? 1 : WIFSIGNALED(result) ? 0 : -1;
}

/* Kills so many times, from the start again whenever the run has ended before, then lets it end. 0: always the same
 * bytes. */
static int kill_campaign(const kill_plan *p, int kills, kill_tally *t)
{
    const uint64_t expected = kill_uninterrupted(p);
    uint64_t hash = 0;
    int ended = 0, last = 0;
    if (!expected || make_test_folder(kill_folder))
        return 1;
    while (!last && ended >= 0) {
        last = t->kills >= kills;
        while (!(ended = kill_live_once(p, t->kills < kills, t, &hash)))
            ;
        last &= ended > 0;
        if (ended > 0 && hash != expected)
            ended = -1;
        remove_test_folder(kill_folder);
        if (!last && ended > 0 && make_test_folder(kill_folder))
            ended = -1;
    }
    return ended < 0;
}

/* The exit code of a program that does nothing else. MOTE_KILLS stands for the first argument. */
static int kill_main(const kill_plan *plans, int n, int count, char **arguments)
{
    const char *asked = getenv("MOTE_KILLS");
    const int kills = count > 1 ? atoi(arguments[1]) : asked ? atoi(asked) : 10;
    const uint64_t seed = count > 2 ? strtoull(arguments[2], NULL, 10) : 1;
    kill_tally all = { 0 };
    int failures = 0;
    if (!access("/dev/shm", W_OK)) /* what was written survives SIGKILL on any file system: no need to wait for disks */
        setenv("TMPDIR", "/dev/shm", 0);
    for (int i = 0; i < n; ++i) {
        kill_tally t = { 0 };
        kill_random_state = (seed + (uint64_t)i) * UINT64_C(0x9e3779b97f4a7c15) | 1;
        const int failed = kill_campaign(&plans[i], kills / n + (i < kills % n), &t);
        printf(
            "%s - %s: the same bytes after %d kills, %d in the writing of a checkpoint, %d resumptions (seed %llu)\n",
            failed ? "not ok" : "ok", plans[i].name, t.kills, t.partial, t.resumed, (unsigned long long)seed);
        failures += failed;
        all.resumed += t.resumed;
        all.partial += t.partial;
    }
    const int vacuous = all.resumed < kills / 4 || (kills >= 100 && !all.partial);
    printf("%s - kills met checkpoints\n", vacuous ? "not ok" : "ok");
    return failures || vacuous ? 1 : 0;
}

#endif
