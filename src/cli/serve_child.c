#include "cli/serve_child.h"

#include <errno.h>
#include <grp.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/log.h"

enum {
    PAUSE_MIN_MS = 100,
    PAUSE_MAX_MS = 5000,
    PROVEN_MS = 10000, /* up for so long, and the pauses begin anew */
};

void serve_child_init(struct serve_child *child)
{
    child->pidfd = -1;
    child->start_at_us = UINT64_MAX;
    child->pause_ms = PAUSE_MIN_MS;
}

/* It can only be done with privileges, so not by the daemon that is to have none. What it could get back by executing
 * something goes with it. EINVAL: there are no more. */
static int drop_bounding(void)
{
    for (unsigned long cap = 0; cap < 64; cap++)
        if (prctl(PR_CAPBSET_DROP, cap, 0, 0, 0) < 0)
            return errno == EINVAL && cap > 0 ? 0 : -errno;
    return 0;
}

static int change_user(const struct serve_child *child)
{
    int r = drop_bounding();

    if (r < 0)
        return r;
    if (setgroups(0, NULL) < 0 || setresgid(child->gid, child->gid, child->gid) < 0 ||
        setresuid(child->uid, child->uid, child->uid) < 0)
        return -errno;
    return 0;
}

/* After fork(), up to exec: only what may be called between the two in a process without threads. */
static int become(const struct serve_child *child, pid_t parent)
{
    sigset_t none;
    int r;

    /* A session of its own: Ctrl-C at our terminal is for us, who then end the daemons in order. */
    if (setsid() < 0)
        return -errno;
    r = child->uid == 0 ? 0 : change_user(child);
    if (r < 0)
        return r;
    /* After the change of uid, which clears it. */
    if (prctl(PR_SET_PDEATHSIG, SIGTERM) < 0)
        return -errno;
    if (getppid() != parent)
        return -ESRCH; /* it died before we asked to be told */
    (void)sigemptyset(&none);
    if (sigprocmask(SIG_SETMASK, &none, NULL) < 0 || signal(SIGPIPE, SIG_DFL) == SIG_ERR)
        return -errno;
    (void)execv(child->argv[0], child->argv);
    return -errno;
}

int serve_child_start(struct serve_child *child, struct err *err)
{
    pid_t parent = getpid(), pid = fork();

    if (pid < 0)
        return err_errno(err, -errno, "starting %s", child->name);
    if (pid == 0) {
        int r = become(child, parent);

        log_error("starting %s: %s", child->name, strerrordesc_np(-r));
        _exit(127);
    }
    child->pidfd =
        (int)syscall(SYS_pidfd_open, pid, 0); /* ours and not waited for: it is that process */
    if (child->pidfd < 0) {
        int code = -errno;

        (void)kill(pid, SIGKILL);
        (void)waitpid(pid, NULL, 0);
        return err_errno(err, code, "watching %s", child->name);
    }
    child->pid = pid;
    child->started_us = now_us();
    child->start_at_us = UINT64_MAX;
    log_info("%s started, pid %d", child->name, (int)pid);
    return 0;
}

bool serve_child_reap(struct serve_child *child, bool again)
{
    const uint64_t up_ms = (now_us() - child->started_us) / 1000;
    siginfo_t info = {0};
    char name[32];

    if (waitid(P_PIDFD, (id_t)child->pidfd, &info, WEXITED) < 0)
        return true; /* not yet */
    closep(&child->pidfd);
    child->pid = 0;
    if (info.si_code == CLD_EXITED)
        (void)snprintf(name, sizeof name, "exit status %d", info.si_status);
    else
        (void)snprintf(name, sizeof name, "signal %d", info.si_status);
    child->proven = child->proven || up_ms >= PROVEN_MS || info.si_code != CLD_EXITED;
    if (up_ms >= PROVEN_MS)
        child->pause_ms = PAUSE_MIN_MS;
    if (again && info.si_code == CLD_EXITED && info.si_status != 0 && !child->proven) {
        log_error("%s ended after %llu ms with %s; what it said is above", child->name,
                  (unsigned long long)up_ms, name);
        return false;
    }
    if (!again) {
        log_info("%s ended with %s", child->name, name);
        return true;
    }
    log_warn("%s ended with %s; it is started again in %llu ms", child->name, name,
             (unsigned long long)child->pause_ms);
    child->start_at_us = now_us() + child->pause_ms * 1000;
    child->pause_ms = child->pause_ms * 2 < PAUSE_MAX_MS ? child->pause_ms * 2 : PAUSE_MAX_MS;
    return true;
}

bool serve_child_runs(const struct serve_child *child)
{
    return child->pidfd >= 0;
}

void serve_child_signal(const struct serve_child *child, int signal)
{
    if (child->pidfd >= 0)
        (void)syscall(SYS_pidfd_send_signal, child->pidfd, signal, NULL, 0);
}
