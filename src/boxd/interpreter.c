/* interpreter: from a fresh child of boxd to an interpreter that forks itself into boxes. */
#include <errno.h>
#include <fcntl.h>
#include <linux/capability.h>
#include <sched.h>
#include <stdio.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/syscall.h>

#include "base/fd.h"
#include "base/signals.h"
#include "box/caps.h"
#include "box/setup.h"
#include "boxd/zygote.h"

/* What setns(2) takes: rights over a box's namespaces (CHROOT: for the mounts), and leave to look at its init, by
 * whose pidfd they are named. */
#define INTERPRETER_CAPS (CAP_BIT(CAP_SYS_ADMIN) | CAP_BIT(CAP_SYS_CHROOT) | CAP_BIT(CAP_SYS_PTRACE))

/* The floor that programs can't go below, as in zygote.c: written while we may have CAP_SYS_RESOURCE, and inherited by
 * all forks. Here /proc is still the host's. */
static int set_oom_score(struct err *err)
{
    int r = fd_write_file_at(AT_FDCWD, "/proc/self/oom_score_adj", "900");

    return r < 0 ? err_errno(err, r, "oom_score_adj of an interpreter") : 0;
}

/* None of the host's network, System V objects or name: a bootstrap that would use them shows here, not in a user's
 * run. */
static int leave_host(struct err *err)
{
    return unshare(CLONE_NEWNET | CLONE_NEWIPC | CLONE_NEWUTS) < 0 || sethostname("box", 3) < 0
               ? err_errno(err, -errno, "namespaces of an interpreter")
               : 0;
}

/* The current folder is /box, and belongs to this process alone. Each with those above it. */
static int make_folders(char *const *folders, struct err *err)
{
    for (; folders != NULL && *folders != NULL; folders++) {
        char path[256];
        int n = snprintf(path, sizeof path, "%s", *folders);

        if (n < 0 || (size_t)n >= sizeof path)
            return err_set(err, -ENAMETOOLONG, "folder of an interpreter");
        for (char *at = strchr(path, '/'); at != NULL; at = strchr(at + 1, '/')) {
            *at = '\0';
            if (mkdir(path, 0755) < 0 && errno != EEXIST)
                return err_errno(err, -errno, "folder of an interpreter: %s", path);
            *at = '/';
        }
        if (mkdir(path, 0755) < 0 && errno != EEXIST)
            return err_errno(err, -errno, "folder of an interpreter: %s", path);
    }
    return 0;
}

/* As in a box, where it decides how memory is laid out and how large the stacks of threads are. */
static int set_stack(struct err *err)
{
    const struct rlimit stack = {64u << 20, 64u << 20};

    return setrlimit(RLIMIT_STACK, &stack) < 0 ? err_errno(err, -errno, "stack of an interpreter") : 0;
}

/* stderr stays: what goes wrong while it boots belongs into our log. */
static int set_descriptors(int control, struct err *err)
{
    CLEANUP(closep) int null = open("/dev/null", O_RDWR | O_CLOEXEC);

    if (null < 0 || dup2(null, 0) < 0 || dup2(null, 1) < 0 || dup2(control, ZYGOTE_FD_CONTROL) < 0)
        return err_errno(err, -errno, "descriptors of an interpreter");
    return syscall(SYS_close_range, 3, ZYGOTE_FD_CONTROL - 1, CLOSE_RANGE_CLOEXEC) < 0 ||
                   syscall(SYS_close_range, ZYGOTE_FD_CONTROL + 1, ~0U, CLOSE_RANGE_CLOEXEC) < 0
               ? err_errno(err, -errno, "descriptors of an interpreter")
               : 0;
}

/* A program that root executes gets the bounding set. */
static int keep_capabilities(struct err *err)
{
    int r = caps_drop_bounding(INTERPRETER_CAPS);

    if (r == 0)
        r = caps_keep_only(INTERPRETER_CAPS);
    return r < 0 ? err_errno(err, r, "capabilities of an interpreter") : 0;
}

/* boxd blocks the signals that it reads from a descriptor, and may have been started with some ignored (nohup). */
static int reset_signals(struct err *err)
{
    int r = signals_reset();

    return r < 0 ? err_errno(err, r, "signals of an interpreter") : 0;
}

int interpreter_exec(int control, const struct zygote_config *config, struct err *err)
{
    int r = set_oom_score(err);

    if (r == 0)
        r = setup_enter_root(err);
    if (r == 0)
        r = make_folders(config->folders, err);
    if (r == 0)
        r = leave_host(err);
    if (r == 0)
        r = set_stack(err);
    if (r == 0)
        r = set_descriptors(control, err);
    if (r == 0)
        r = reset_signals(err);
    if (r == 0)
        r = keep_capabilities(err);
    if (r < 0)
        return r;
    (void)execve(config->argv[0], config->argv, config->envp);
    return err_errno(err, -errno, "execute %s", config->argv[0]);
}
