/* The courier's start: before glimpsed locks itself in, as it could not execute anything afterwards. */
#include <errno.h>
#include <fcntl.h>
#include <sys/socket.h>
#include <unistd.h>

#include "api/webhooks/webhooks.h"
#include "base/signals.h"

enum { COURIER_FD = 3 }; /* as courier/main.c has it */

static char **make_argv(char *program, const struct strings *networks)
{
    char **argv = (char **)calloc(networks->n + 2, sizeof *argv);

    if (argv == NULL)
        return NULL;
    argv[0] = program;
    for (size_t i = 0; i < networks->n; i++)
        argv[i + 1] = networks->at[i];
    return argv;
}

/* After fork(), in a process with one thread. */
static void become(int fd, char **argv)
{
    const bool there = fd == COURIER_FD ? fcntl(fd, F_SETFD, 0) == 0 : dup2(fd, COURIER_FD) == COURIER_FD;

    if (there && close_range(COURIER_FD + 1, ~0U, 0) == 0 && signals_reset() == 0)
        (void)execv(argv[0], argv);
    _exit(127);
}

int webhooks_start_courier(int *ret_fd, const struct config *config, struct err *err)
{
    CLEANUP(freep) char *program = NULL;
    CLEANUP(freep) char **argv = NULL;
    CLEANUP(closep) int ours = -1;
    CLEANUP(closep) int theirs = -1;
    int fds[2], r = config_find_program(&program, "glimpse-courier", err);
    pid_t pid;

    if (r < 0)
        return r;
    argv = make_argv(program, &config->webhook_allow);
    if (argv == NULL)
        return err_set(err, -ENOMEM, "the courier");
    if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, fds) < 0)
        return err_errno(err, -errno, "a socket to the courier");
    ours = fds[0];
    theirs = fds[1];
    pid = fork();
    if (pid < 0)
        return err_errno(err, -errno, "starting the courier");
    if (pid == 0)
        become(theirs, argv);
    *ret_fd = TAKE_FD(ours);
    return 0;
}
