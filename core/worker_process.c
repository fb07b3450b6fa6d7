/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Starting, greeting and burying worker processes. A worker leads a process group of its own: a Ctrl-C at the terminal
 * reaches the run and not its workers (a worker that dies of it would look like a failed point), and a time limit also
 * ends what a plug-in has started. Its standard input is empty; what it prints goes where the run's output goes. */
#include "core/worker_process.h"

#include <errno.h>
#include <fcntl.h>
#include <math.h>
#include <poll.h>
#include <signal.h>
#include <spawn.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "core/checkpoint.h"
#include "core/run.h"
#include "core/worker.h"

#ifndef MSG_NOSIGNAL /* macOS: see SO_NOSIGPIPE below */
#define MSG_NOSIGNAL 0
#endif

extern char **environ;

static const double GRACE = 2; /* s, for a worker to end by itself */

/* ---- the socket --------------------------------------------------------------------------------------------------- */

int mote_worker_send(const mote_worker *worker, const void *data, size_t size)
{
    const char *bytes = data;
    while (size) {
        ssize_t n = send(worker->socket, bytes, size, MSG_NOSIGNAL);
        if (n < 0 && errno == EINTR)
            continue;
        if (n <= 0)
            return -1;
        bytes += n;
        size -= (size_t)n;
    }
    return 0;
}

static int receive(const mote_worker *worker, void *data, size_t size)
{
    char *bytes = data;
    while (size) {
        ssize_t n = recv(worker->socket, bytes, size, 0);
        if (n < 0 && errno == EINTR)
            continue;
        if (n <= 0)
            return -1;
        bytes += n;
        size -= (size_t)n;
    }
    return 0;
}

/* Both ends close on exec, so that no other worker holds this one's socket open; the worker's copy does not. */
static int open_pair(int ends[2])
{
    int type = SOCK_STREAM;
#ifdef SOCK_CLOEXEC
    type |= SOCK_CLOEXEC; /* at once: another thread may be starting a process now */
#endif
    if (socketpair(AF_UNIX, type, 0, ends))
        return errno;
    fcntl(ends[0], F_SETFD, FD_CLOEXEC);
    fcntl(ends[1], F_SETFD, FD_CLOEXEC);
#ifdef SO_NOSIGPIPE
    setsockopt(ends[0], SOL_SOCKET, SO_NOSIGPIPE, &(int){ 1 }, sizeof(int));
#endif
    if (ends[1] != MOTE_WORKER_DESCRIPTOR)
        return 0;
    int moved = fcntl(ends[1], F_DUPFD_CLOEXEC, MOTE_WORKER_DESCRIPTOR + 1); /* dup2 to itself would keep the flag */
    int error = moved < 0 ? errno : 0;
    close(ends[1]);
    ends[1] = moved;
    if (error)
        close(ends[0]);
    return error;
}

/* ---- starting ------------------------------------------------------------------------------------------------------ */

/* Workers are the parallelism: OpenBLAS, which comes with GSL, would start a thread for each core in each of them and
 * reserve 100 MB and more. Who sets the variable has other plans and is left to them. */
char **mote_worker_environment(const mote_memory *memory)
{
    static char one_thread[] = "OPENBLAS_NUM_THREADS=1";
    const size_t name = sizeof "OPENBLAS_NUM_THREADS=" - 1;
    size_t bytes = 0;
    int64_t n = 0, set = 0;
    for (; environ && environ[n]; bytes += strlen(environ[n++]) + 1)
        set |= !strncmp(environ[n], one_thread, name);
    size_t pointers = (size_t)(n + 2) * sizeof(char *);
    char **copy = mote_memory_allocate(memory, (int64_t)(pointers + bytes), 1), *text = (char *)copy + pointers;
    for (int64_t i = 0; copy && i < n; ++i) {
        size_t length = strlen(environ[i]) + 1;
        copy[i] = memcpy(text, environ[i], length);
        text += length;
    }
    if (copy && !set)
        copy[n] = one_thread;
    return copy;
}

static int set_attributes(posix_spawnattr_t *attributes)
{
    static const int usual[] = { SIGHUP, SIGINT, SIGQUIT, SIGTERM, SIGPIPE, SIGALRM, SIGCHLD, SIGUSR1, SIGUSR2,
                                 SIGSEGV, SIGBUS, SIGFPE, SIGILL, SIGABRT, SIGTSTP, SIGTTIN, SIGTTOU };
    sigset_t none, all;
    sigemptyset(&none);
    sigemptyset(&all);
    for (size_t i = 0; i < sizeof usual / sizeof *usual; ++i)
        sigaddset(&all, usual[i]);
    int error = posix_spawnattr_setflags(attributes, POSIX_SPAWN_SETPGROUP | POSIX_SPAWN_SETSIGMASK
                                                         | POSIX_SPAWN_SETSIGDEF);
    error = error ? error : posix_spawnattr_setpgroup(attributes, 0);
    error = error ? error : posix_spawnattr_setsigmask(attributes, &none);
    return error ? error : posix_spawnattr_setsigdefault(attributes, &all);
}

static int set_actions(posix_spawn_file_actions_t *actions, int end)
{
    int error = posix_spawn_file_actions_adddup2(actions, end, MOTE_WORKER_DESCRIPTOR);
    return error ? error : posix_spawn_file_actions_addopen(actions, STDIN_FILENO, "/dev/null", O_RDONLY, 0);
}

static int spawn(mote_worker *worker, const char *program, char *const *environment, int end)
{
    char *const arguments[] = { (char *)"mote-worker", NULL };
    posix_spawn_file_actions_t actions;
    posix_spawnattr_t attributes;
    int error = posix_spawn_file_actions_init(&actions);
    if (error)
        return error;
    error = posix_spawnattr_init(&attributes);
    if (!error) {
        error = set_actions(&actions, end);
        error = error ? error : set_attributes(&attributes);
        error = error ? error : posix_spawn(&worker->pid, program, &actions, &attributes, arguments, environment);
        posix_spawnattr_destroy(&attributes);
    }
    posix_spawn_file_actions_destroy(&actions);
    return error;
}

static int greet(const mote_worker *worker, const mote_executor *executor)
{
    const mote_row_function *function = &executor->function;
    mote_worker_hello hello = { MOTE_WORKER_MAGIC, (int64_t)strlen(function->plugin_path),
                                (int64_t)strlen(function->plugin_text), executor->settings->worker_memory,
                                executor->settings->retries, function->gradient };
    return mote_worker_send(worker, &hello, sizeof hello)
           || mote_worker_send(worker, function->plugin_path, (size_t)hello.path_length)
           || mote_worker_send(worker, function->plugin_text, (size_t)hello.text_length);
}

/* A program that is not there, or is none, is a wrong option; what the system lacks is not. */
static int cannot_start(const mote_executor *executor, const char *program, int error)
{
    const int option = error == ENOENT || error == ENOTDIR || error == EACCES || error == ENOEXEC;
    return mote_fail(executor->message, option ? MOTE_EOPTION : error == ENOMEM ? MOTE_ENOMEM : MOTE_EWORKER,
                     "the worker program %s cannot be started: %s%s", program, strerror(error),
                     option ? "; option worker_program names another" : "");
}

int mote_worker_start(mote_worker *worker, const mote_executor *executor, char *const *environment)
{
    const char *program = executor->settings->worker_program;
    int ends[2];
    program = program ? program : MOTE_LIBEXECDIR "/mote-worker";
    ++executor->ledger->workers_started;
    int error = open_pair(ends);
    if (error)
        return mote_fail(executor->message, MOTE_EWORKER, "no socket for a worker: %s", strerror(error));
    worker->n = worker->served = 0;
    worker->received = 0;
    worker->killed = 0;
    worker->socket = ends[0];
    worker->state = MOTE_WORKER_STARTING;
    error = spawn(worker, program, environment, ends[1]);
    close(ends[1]);
    if (error) {
        worker->pid = 0;
        mote_worker_stop(worker);
        return cannot_start(executor, program, error);
    }
    if (greet(worker, executor))
        return mote_fail(executor->message, MOTE_EWORKER, "the worker program %s does not listen", program);
    return MOTE_OK;
}

static int64_t fingerprint_hash(const mote_row_function *function)
{
    const char *text = function->plugin_fingerprint ? function->plugin_fingerprint : "";
    return (int64_t)mote_hash(MOTE_HASH_START, text, strlen(text));
}

int mote_worker_ready(mote_worker *worker, const mote_executor *executor)
{
    const char *path = executor->function.plugin_path;
    mote_worker_answer ready;
    char text[MOTE_WORKER_TEXT] = "";
    if (receive(worker, &ready, sizeof ready) || ready.magic != MOTE_WORKER_MAGIC || ready.message_length < 0
        || ready.message_length >= (int64_t)sizeof text || receive(worker, text, (size_t)ready.message_length))
        return mote_fail(executor->message, MOTE_EWORKER, "a worker ended before it had loaded %s", path);
    if (ready.status)
        return mote_fail(executor->message, MOTE_EWORKER, "a worker could not load the model: %s", text);
    if (ready.fingerprint != fingerprint_hash(&executor->function)
        || ready.dimension != executor->rows.dimension || ready.derived_count != executor->rows.derived_count)
        return mote_fail(executor->message, MOTE_EWORKER,
                         "a worker loaded another model: %s or a file that it reads was changed during the run", path);
    worker->state = MOTE_WORKER_IDLE;
    return MOTE_OK;
}

/* ---- ending -------------------------------------------------------------------------------------------------------- */

/* 1 once the process has ended; it stays to be waited for. -1: it is not our child any more (the program ignores
 * SIGCHLD, or waits for any child). */
static int has_ended(pid_t pid)
{
    siginfo_t about = { 0 };
    int result;
    do
        result = waitid(P_PID, (id_t)pid, &about, WEXITED | WNOHANG | WNOWAIT);
    while (result && errno == EINTR);
    return result ? -1 : about.si_pid == pid;
}

int mote_worker_has_ended(const mote_worker *worker)
{
    return worker->pid > 0 && has_ended(worker->pid) != 0;
}

/* The process and what it has started. One that has ended keeps its status. */
static void kill_group(pid_t pid)
{
    kill(-pid, SIGKILL);
    kill(pid, SIGKILL); /* should it have left its group */
}

/* Waits at most so long; then kills. The status of waitpid, or -1 when it cannot be had. *forced: it had to be killed. */
static int reap(mote_worker *worker, double seconds, int *forced)
{
    double end = mote_clock() + seconds;
    int status = -1, ended;
    *forced = 0;
    if (worker->pid <= 0)
        return -1;
    while (!(ended = has_ended(worker->pid)) && mote_clock() < end)
        poll(NULL, 0, 1);
    *forced = !ended;
    if (ended >= 0)
        kill_group(worker->pid);
    while (ended >= 0 && waitpid(worker->pid, &status, 0) < 0)
        if (errno != EINTR) {
            status = -1;
            break;
        }
    worker->pid = 0;
    return status;
}

static void hang_up(mote_worker *worker)
{
    if (worker->socket >= 0)
        close(worker->socket);
    worker->socket = -1;
}

void mote_worker_kill(mote_worker *worker)
{
    worker->killed = 1;
    if (worker->pid > 0 && has_ended(worker->pid) >= 0)
        kill_group(worker->pid);
}

int64_t mote_worker_bury(mote_worker *worker)
{
    int forced, out_of_memory = worker->received >= sizeof *worker->reply && worker->reply[0] == MOTE_WORKER_NO_MEMORY;
    hang_up(worker);
    int status = reap(worker, GRACE, &forced);
    worker->state = MOTE_WORKER_ENDED;
    worker->n = 0;
    if (worker->killed)
        return MOTE_REASON_TIMEOUT;
    if (out_of_memory)
        return MOTE_REASON_MEMORY;
    if (status == -1 || forced)
        return MOTE_REASON_CRASH;
    if (WIFEXITED(status))
        return MOTE_REASON_EXIT;
    return WTERMSIG(status) == SIGKILL ? MOTE_REASON_MEMORY : MOTE_REASON_CRASH; /* SIGKILL: the kernel was short of it */
}

void mote_worker_dismiss(mote_worker *worker)
{
    if (worker->state == MOTE_WORKER_IDLE)
        hang_up(worker);
}

void mote_worker_stop(mote_worker *worker)
{
    int forced;
    hang_up(worker);
    reap(worker, worker->state == MOTE_WORKER_IDLE ? GRACE : 0, &forced);
    worker->state = MOTE_WORKER_ENDED;
}
