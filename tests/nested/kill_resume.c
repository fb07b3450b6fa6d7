/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Kill and resume: a run in a child process writes checkpoints all the time, is killed (SIGKILL) at random moments,
 * inside the writing of a checkpoint too, and is resumed until it ends: the bytes of the run that was left alone.
 *
 *     kill_resume [KILLS [SEED]]      kills in all, 10 without an argument; each line says what was done
 *
 * A failure is repeated by its seed up to the moments, which the machine decides. */
#include <errno.h>
#include <mote/mote.h>
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

static char folder[256];
static uint64_t random_state;

static uint64_t random_word(void)
{
    random_state ^= random_state << 13, random_state ^= random_state >> 7, random_state ^= random_state << 17;
    return random_state;
}

static void pause_for(double seconds)
{
    struct timespec time = { (time_t)seconds, (long)((seconds - (double)(time_t)seconds) * 1e9) };
    while (nanosleep(&time, &time) && errno == EINTR)
        ;
}

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

typedef struct plan {
    const char *name;
    int64_t step, external;
} plan;

static const plan plans[] = { { "slice", MOTE_STEP_SLICE, 0 },  { "bound", MOTE_STEP_BOUND, 0 },
                              { "walk", MOTE_STEP_WALK, 0 },    { "auto", MOTE_STEP_AUTO, 0 },
                              { "slice, asked and told", MOTE_STEP_SLICE, 1 } };
enum { PLANS = sizeof plans / sizeof *plans };

static int open_run(mote_run **run, const plan *p, double *cost, const char *checkpoint)
{
    mote_target target = { MOTE_VERSIONED(mote_target), MOTE_PARAMETERS(parameters), .log_likelihood_point = hill,
                           .ctx = cost, .name = "hill", .identity = "hill" };
    mote_nested_options options = { MOTE_VERSIONED(mote_nested_options), .live_points = 40, .seed = 9, .step = p->step,
                                    .steps = 4, .simulations = 20, .bootstraps = 10, .checkpoint = checkpoint,
                                    .executor = p->external ? MOTE_EXECUTOR_EXTERNAL : MOTE_EXECUTOR_SERIAL,
                                    .checkpoint_seconds = 1e-3, .batch_size = 7 };
    return mote_run_open(run, mote_nested, &target, &options);
}

/* Tells half of the pending rows, from the back, and keeps a checkpoint of the others: what ask and tell do. */
static int drive(mote_run *run)
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

static int drive_any(mote_run *run, const plan *p)
{
    return p->external ? drive(run) : mote_run_finish(run);
}

/* The run that is left alone; 0 when it fails. */
static uint64_t uninterrupted(const plan *p)
{
    mote_run *run = NULL;
    plan serial = { p->name, p->step, 0 };
    int status = open_run(&run, &serial, NULL, NULL);
    if (!status)
        status = mote_run_finish(run);
    uint64_t hash = status ? 0 : fingerprint(mote_run_draws(run));
    if (status)
        fprintf(stderr, "# %s: %s\n", p->name, mote_run_message(run));
    mote_run_close(&run);
    return hash;
}

static const uint64_t RESUMED = 1; /* what a child says once it goes on from a checkpoint; the hash comes last */

/* In the child: resumes or starts, and writes the hash into `end`. Exit 0, or a message. */
static void live(const plan *p, double cost, int end)
{
    mote_run *run = NULL;
    int status = open_run(&run, p, &cost, folder);
    if (!status)
        status = mote_run_resume(run);
    if (!status && write(end, &RESUMED, sizeof RESUMED) != (ssize_t)sizeof RESUMED)
        status = MOTE_EIO;
    if (status == MOTE_ENOENT) /* killed before the first checkpoint */
        status = MOTE_OK;
    if (!status)
        status = drive_any(run, p);
    uint64_t hash = status ? 0 : fingerprint(mote_run_draws(run));
    if (status)
        fprintf(stderr, "# %s: %s\n", p->name, mote_run_message(run));
    else if (write(end, &hash, sizeof hash) != (ssize_t)sizeof hash)
        status = MOTE_EIO;
    mote_run_close(&run);
    _exit(status ? 1 : 0);
}

/* Whether a checkpoint is half written. */
static int is_writing(void)
{
    int writing = 0;
    DIR *handle = opendir(folder);
    for (struct dirent *entry; handle && (entry = readdir(handle));)
        writing |= strstr(entry->d_name, ".partial") != NULL;
    if (handle)
        closedir(handle);
    return writing;
}

/* A moment to kill at: after a random time, and then perhaps as soon as a checkpoint is being written. */
static void wait_for_moment(int in_writing)
{
    double end;
    pause_for(1e-4 * (double)(random_word() % 800));
    end = mote_clock() + 0.02;
    while (in_writing && mote_clock() < end && !is_writing())
        ;
}

typedef struct tally {
    int kills, resumed, partial; /* partial: kills that left a half-written checkpoint */
} tally;

/* One life of the run: 1 when it came to its end, with the hash; 0 when it was killed; -1 when it failed. */
static int live_once(const plan *p, int to_be_killed, tally *t, uint64_t *hash)
{
    int ends[2], result = 0, ended = 0;
    uint64_t word;
    double cost = to_be_killed ? 1e-5 * (double)(random_word() % 20) : 0;
    if (pipe(ends))
        return -1;
    fflush(NULL);
    pid_t child = fork();
    if (child == 0)
        live(p, cost, ends[1]);
    close(ends[1]);
    if (to_be_killed) {
        wait_for_moment(t->kills % 2);
        kill(child, SIGKILL);
    }
    waitpid(child, &result, 0);
    while (read(ends[0], &word, sizeof word) == (ssize_t)sizeof word) {
        t->resumed += word == RESUMED;
        if (word != RESUMED) {
            *hash = word;
            ended = 1;
        }
    }
    close(ends[0]);
    if (WIFSIGNALED(result)) {
        ++t->kills;
        t->partial += is_writing();
    }
    return ended ? 1 : WIFSIGNALED(result) ? 0 : -1;
}

/* Kills so many times, from the start again whenever the run has ended before, then lets it end. 0: always the same
 * bytes. */
static int campaign(const plan *p, int kills, tally *t)
{
    uint64_t expected = uninterrupted(p), hash = 0;
    int ended = 0, last = 0;
    if (!expected || make_test_folder(folder))
        return 1;
    while (!last && ended >= 0) {
        last = t->kills >= kills;
        while (!(ended = live_once(p, t->kills < kills, t, &hash)))
            ;
        last &= ended > 0;
        if (ended > 0 && hash != expected)
            ended = -1;
        remove_test_folder(folder);
        if (!last && ended > 0 && make_test_folder(folder))
            ended = -1;
    }
    return ended < 0;
}

int main(int count, char **arguments)
{
    const char *asked = getenv("MOTE_KILLS");
    int kills = count > 1 ? atoi(arguments[1]) : asked ? atoi(asked) : 10, failures = 0;
    uint64_t seed = count > 2 ? strtoull(arguments[2], NULL, 10) : 1;
    tally all = { 0 };
    if (!access("/dev/shm", W_OK)) /* what was written survives SIGKILL on any file system: no need to wait for disks */
        setenv("TMPDIR", "/dev/shm", 0);
    for (int i = 0; i < PLANS; ++i) {
        tally t = { 0 };
        random_state = (seed + (uint64_t)i) * UINT64_C(0x9e3779b97f4a7c15) | 1;
        int failed = campaign(&plans[i], kills / PLANS + (i < kills % PLANS), &t);
        printf("%s - %s: the same bytes after %d kills, %d in the writing of a checkpoint, %d resumptions (seed %llu)\n",
               failed ? "not ok" : "ok", plans[i].name, t.kills, t.partial, t.resumed, (unsigned long long)seed);
        failures += failed;
        all.resumed += t.resumed;
        all.partial += t.partial;
    }
    int vacuous = all.resumed < kills / 4 || (kills >= 50 && !all.partial);
    printf("%s - kills met checkpoints\n", vacuous ? "not ok" : "ok");
    return failures || vacuous ? 1 : 0;
}
