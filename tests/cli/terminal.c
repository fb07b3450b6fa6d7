/* SPDX-License-Identifier: GPL-3.0-or-later */
/* terminal COMMAND...: runs the command with its standard error on a new pseudo-terminal, copies what the terminal shows
 * to standard output, and ends with the command's exit code. Standard output of the command is thrown away: what a test
 * sees is the terminal alone. 77 when there are no pseudo-terminals here, 99 for what went wrong on this side. */
#define _XOPEN_SOURCE 700
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>

static int start(const char *name, char **command)
{
    const int terminal = open(name, O_RDWR | O_NOCTTY), nowhere = open("/dev/null", O_WRONLY);
    if (terminal < 0 || nowhere < 0 || dup2(nowhere, STDOUT_FILENO) < 0 || dup2(terminal, STDERR_FILENO) < 0)
        return 99;
    close(terminal);
    close(nowhere);
    execvp(command[0], command);
    return 99;
}

/* Until the command has closed the terminal: end of file, or EIO on Linux. */
static void copy(int terminal)
{
    char bytes[4096];
    ssize_t n;
    while ((n = read(terminal, bytes, sizeof bytes)) > 0 || (n < 0 && errno == EINTR))
        if (n > 0)
            fwrite(bytes, 1, (size_t)n, stdout);
    fflush(stdout);
}

int main(int argc, char **argv)
{
    const int terminal = posix_openpt(O_RDWR | O_NOCTTY);
    const char *name = terminal >= 0 && !grantpt(terminal) && !unlockpt(terminal) ? ptsname(terminal) : NULL;
    int status;
    if (argc < 2 || !name)
        return argc < 2 ? 99 : 77;
    const pid_t child = fork();
    if (child < 0)
        return 99;
    if (!child)
        _exit(start(name, argv + 1));
    copy(terminal);
    if (waitpid(child, &status, 0) != child)
        return 99;
    return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
}
