/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "cli/check_watch.h"

#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#include "core/run.h"

/* Seen by both processes. The child writes, counts, and then calls the model. */
typedef struct place {
    _Atomic int64_t count;
    double limit; /* s, of one row */
    int64_t rows, done;
    char what[480];
} place;

static place *shared;                  /* NULL: nobody watches */
static volatile sig_atomic_t watched;  /* process that a signal to this one ends too */

void mote_check_limit(double seconds)
{
    if (shared && seconds > 0)
        shared->limit = seconds;
}

void mote_check_at(int64_t rows, const char *format, ...)
{
    va_list arguments;
    if (!shared)
        return;
    va_start(arguments, format);
    vsnprintf(shared->what, sizeof shared->what, format, arguments);
    va_end(arguments);
    shared->rows = rows;
    atomic_fetch_add(&shared->count, 1);
}

/* Memory that a child shares, from a file without a name. NULL: there is none, and the question is asked unwatched. */
static place *share(void)
{
    FILE *file = tmpfile();
    void *memory = MAP_FAILED;
    if (file && !ftruncate(fileno(file), (off_t)sizeof(place)))
        memory = mmap(NULL, sizeof(place), PROT_READ | PROT_WRITE, MAP_SHARED, fileno(file), 0);
    if (file)
        fclose(file);
    return memory == MAP_FAILED ? NULL : memory;
}

static void end_both(int number)
{
    kill((pid_t)watched, SIGKILL);
    _exit(128 + number);
}

static void pass_signals_on(pid_t child)
{
    struct sigaction action = { .sa_handler = end_both };
    sigemptyset(&action.sa_mask);
    watched = (sig_atomic_t)child;
    sigaction(SIGTERM, &action, NULL);
    sigaction(SIGHUP, &action, NULL);
}

/* Waits for the child, which holds the other end of `pipe_end`: its wait status. *late: it stood still and was killed. */
static int wait_for(pid_t child, int pipe_end, int *late)
{
    struct pollfd end = { .fd = pipe_end };
    int status = 0;
    int64_t last = -1;
    double since = mote_clock();
    *late = 0;
    for (;;) {
        const int64_t count = atomic_load(&shared->count);
        const pid_t got = waitpid(child, &status, *late ? 0 : WNOHANG);
        if (got == child || (got < 0 && errno != EINTR))
            return status;
        if (count != last)
            since = mote_clock();
        last = count;
        if (shared->rows > 0 && mote_clock() - since > shared->limit * (double)shared->rows) {
            *late = 1;
            kill(child, SIGKILL);
        } else if (poll(&end, 1, 50) > 0) {
            poll(NULL, 0, 1); /* its files are closed: it ends now, or a process of the model's has them */
        }
    }
}

static int verdict(int status, int late)
{
    if (late)
        printf("FAIL  the model did not answer within %g s %s\n", shared->limit * (double)shared->rows, shared->what);
    else if (WIFSIGNALED(status))
        printf("FAIL  the model crashed (signal %d, %s) %s\n", WTERMSIG(status), strsignal(WTERMSIG(status)), shared->what);
    else if (!shared->done)
        printf("FAIL  the model ended the program (exit code %d) %s\n", WEXITSTATUS(status), shared->what);
    else
        return WEXITSTATUS(status);
    return MOTE_EXIT_DATA;
}

static int ask(int (*question)(const mote_arguments *), const mote_arguments *arguments)
{
    setvbuf(stdout, NULL, _IOLBF, 0); /* what was said before a crash stays said */
    const int code = question(arguments);
    shared->done = 1;
    return code;
}

int mote_check_watched(int (*question)(const mote_arguments *arguments), const mote_arguments *arguments)
{
    int ends[2], late;
    shared = share();
    if (!shared || pipe(ends))
        return question(arguments);
    shared->limit = 60;
    mote_check_at(10, "while it was loaded");
    fflush(NULL);
    const pid_t child = fork();
    if (child <= 0) {
        close(ends[0]);
        if (child)
            close(ends[1]);
        return child ? question(arguments) : ask(question, arguments);
    }
    close(ends[1]);
    pass_signals_on(child);
    const int status = wait_for(child, ends[0], &late);
    close(ends[0]);
    return verdict(status, late);
}
