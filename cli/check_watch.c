/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "cli/check_watch.h"

#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <string.h>
#include <sys/mman.h>
#ifdef __linux__
#include <sys/prctl.h>
#endif
#include <sys/wait.h>
#include <unistd.h>

#include "core/run.h"

/* Seen by both processes. Before it calls the model the child takes the old time away, writes where it is, counts, and
 * sets the new time; so a time and a count that stayed the same while it was read belong together. */
typedef struct place {
    _Atomic int64_t count;
    _Atomic int64_t allowed; /* us, 0: as long as it likes */
    double limit;            /* s, of one row */
    int64_t done, code;      /* 1: the questions came to an end, and this is their exit code */
    char what[480];
} place;

static place *shared;                  /* NULL: nobody watches */
static volatile sig_atomic_t watched;  /* process that a signal to this one ends too */

void mote_check_limit(double seconds)
{
    if (shared && seconds > 0)
        shared->limit = seconds;
}

static void go_to(double seconds, const char *format, va_list arguments)
{
    atomic_store(&shared->allowed, 0);
    vsnprintf(shared->what, sizeof shared->what, format, arguments);
    atomic_fetch_add(&shared->count, 1);
    atomic_store(&shared->allowed, seconds < 1e12 ? (int64_t)(1e6 * seconds) : 0);
}

void mote_check_at(int64_t rows, const char *format, ...)
{
    va_list arguments;
    if (!shared)
        return;
    va_start(arguments, format);
    go_to(shared->limit * (double)rows, format, arguments);
    va_end(arguments);
}

void mote_check_for(double seconds, const char *format, ...)
{
    va_list arguments;
    if (!shared)
        return;
    va_start(arguments, format);
    go_to(10 * shared->limit + seconds, format, arguments);
    va_end(arguments);
}

void mote_check_back(void)
{
    if (shared)
        atomic_store(&shared->allowed, 0);
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
    const int numbers[] = { SIGTERM, SIGHUP };
    for (size_t i = 0; i < sizeof numbers / sizeof *numbers; ++i) {
        struct sigaction before;
        if (!sigaction(numbers[i], NULL, &before) && before.sa_handler != SIG_IGN) /* nohup stays in force */
            sigaction(numbers[i], &action, NULL);
    }
}

/* Where the system can do that, a child whose watcher was killed does not stay behind. */
static void end_with(pid_t parent)
{
#ifdef __linux__
    prctl(PR_SET_PDEATHSIG, SIGKILL);
#endif
    if (getppid() != parent)
        _exit(MOTE_EXIT_INTERNAL);
}

/* The time, us, that the child has stood still for longer than; 0: it has not. */
static int64_t overdue(int64_t *last, double *since)
{
    const int64_t count = atomic_load(&shared->count), allowed = atomic_load(&shared->allowed);
    if (count != *last) {
        *last = count;
        *since = mote_clock();
        return 0;
    }
    const int late = allowed > 0 && mote_clock() - *since > 1e-6 * (double)allowed;
    return late && atomic_load(&shared->count) == count ? allowed : 0;
}

/* Waits for the child, which holds the other end of `pipe_end`: its wait status. *late: the time, us, after which it was
 * killed because it stood still, or 0. */
static int wait_for(pid_t child, int pipe_end, int64_t *late)
{
    struct pollfd end = { .fd = pipe_end };
    int status = 0;
    int64_t last = -1;
    double since = mote_clock();
    *late = 0;
    for (;;) {
        const pid_t got = waitpid(child, &status, *late ? 0 : WNOHANG);
        if (got == child || (got < 0 && errno != EINTR))
            return status;
        if (!*late && (*late = overdue(&last, &since)))
            kill(child, SIGKILL);
        else if (poll(&end, 1, 50) > 0)
            poll(NULL, 0, 1); /* its files are closed: it ends now, or a process of the model's has them */
    }
}

static int verdict(int status, int64_t late)
{
    if (late)
        printf("FAIL  the model did not answer within %g s %s\n", 1e-6 * (double)late, shared->what);
    else if (WIFSIGNALED(status))
        printf("FAIL  the model crashed (signal %d, %s) %s\n", WTERMSIG(status), strsignal(WTERMSIG(status)), shared->what);
    else if (!shared->done)
        printf("FAIL  the model ended the program (exit code %d) %s\n", WEXITSTATUS(status), shared->what);
    else /* the child's own is another one where its last lines could not be written */
        return WEXITSTATUS(status) ? WEXITSTATUS(status) : (int)shared->code;
    return MOTE_EXIT_DATA;
}

static int ask(int (*question)(const mote_arguments *), const mote_arguments *arguments)
{
    setvbuf(stdout, NULL, _IOLBF, 0); /* what was said before a crash stays said */
    const int code = question(arguments);
    shared->code = code;
    shared->done = 1;
    return code;
}

int mote_check_watched(int (*question)(const mote_arguments *arguments), const mote_arguments *arguments)
{
    const pid_t parent = getpid();
    int64_t late;
    int ends[2];
    shared = share();
    if (!shared || pipe(ends))
        return question(arguments);
    shared->limit = 60;
    mote_check_at(10, "while it was loaded");
    fflush(NULL);
    signal(SIGCHLD, SIG_DFL); /* where it was ignored, the child's end could not be waited for */
    const pid_t child = fork();
    if (child <= 0) {
        close(ends[0]);
        if (child)
            close(ends[1]);
        else
            end_with(parent);
        return child ? question(arguments) : ask(question, arguments);
    }
    close(ends[1]);
    pass_signals_on(child);
    const int status = wait_for(child, ends[0], &late);
    close(ends[0]);
    return verdict(status, late);
}
