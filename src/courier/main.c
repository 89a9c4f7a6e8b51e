/*
 * glimpse-courier: posts glimpsed's webhooks. glimpsed locks itself in and can't connect to anything (ADR 2); this
 * process can, and knows nothing: no key, no database, no job but the one whose end it tells (ADR 11).
 *
 *   keeper ── forks ─▶ courier, locked in, at work; dies with its keeper
 *      └── a courier that ends too soon is followed by another, on the same socket
 *
 * That glimpsed has ended the socket tells: a death signal would have to come from glimpsed, which may send none to
 * processes outside its lock (Landlock).
 *
 * usage: glimpse-courier [NETWORK...]       descriptor 3: a socket to glimpsed, whose end is ours
 */
#include <curl/curl.h>
#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/log.h"
#include "courier/courier.h"

enum { GLIMPSED_FD = 3, AGAIN_SECONDS = 1 };

static int work(int n_networks, char **networks)
{
    struct address_book book = {0};
    struct err err = {0};
    int r = address_book_init(&book, networks, (size_t)n_networks, &err);

    if (r == 0 && curl_global_init(CURL_GLOBAL_DEFAULT) != CURLE_OK)
        r = err_set(&err, -EIO, "libcurl does not start");
    if (r == 0)
        r = courier_lock_in(&err);
    if (r == 0)
        r = courier_serve(GLIMPSED_FD, &book, &err);
    if (r < 0)
        log_error("%s", err.msg);
    free(book.allowed);
    return r < 0 ? EXIT_FAILURE : EXIT_SUCCESS;
}

/* The parent may have died before we asked to be told. */
static int die_with(pid_t parent)
{
    return prctl(PR_SET_PDEATHSIG, SIGKILL) < 0 || getppid() != parent ? -1 : 0;
}

/* Waits for either end. True: glimpsed's. What it had to say is the courier's to read, not ours. */
static bool glimpsed_ends_first(int pidfd)
{
    struct pollfd fds[] = {{.fd = GLIMPSED_FD, .events = POLLRDHUP}, {.fd = pidfd, .events = POLLIN}};

    while (poll(fds, COUNT_OF(fds), -1) < 0 && errno == EINTR)
        ;
    return fds[0].revents != 0;
}

/* One courier's life. True: glimpsed has ended. */
static bool keep(int n_networks, char **networks)
{
    pid_t keeper = getpid(), pid = fork();
    CLEANUP(closep) int pidfd = -1;

    if (pid == 0)
        _exit(die_with(keeper) < 0 ? EXIT_FAILURE : work(n_networks, networks));
    if (pid < 0)
        return false;
    pidfd = (int)syscall(SYS_pidfd_open, pid, 0); /* ours and not waited for: it is that process */
    if (pidfd < 0 || glimpsed_ends_first(pidfd))
        return true;
    return waitpid(pid, NULL, 0) < 0;
}

int main(int argc, char **argv)
{
    log_open("courier", LOG_INFO, LOG_LOGFMT);
    (void)signal(SIGPIPE, SIG_IGN);
    while (!keep(argc - 1, argv + 1)) {
        log_warn("the courier has ended; another one follows");
        (void)sleep(AGAIN_SECONDS);
    }
    return EXIT_SUCCESS;
}
