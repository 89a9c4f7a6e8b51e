/*
 * glimpse-init: the plain zygote, which boxd executes in the mount namespace that rootfs_enter() makes, and, in each
 * process that it clones, PID 1 of a box (setup.h, then init.c). It is static and small: a clone of it is cheap,
 * and a box's first process executes nothing, which would take longer than all else that it does.
 *
 * It holds no data of anybody and runs no untrusted code. What it has from boxd: the control socket as
 * ZYGOTE_FD_CONTROL, stderr, and all of root's capabilities, of which it keeps ZYGOTE_CAPS.
 */
#include <errno.h>
#include <fcntl.h>
#include <linux/capability.h>
#include <linux/sched.h>
#include <linux/securebits.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/syscall.h>

#include "base/fd.h"
#include "box/caps.h"
#include "box/setup.h"
#include "init/init.h"
#include "wire/wire.h"

/* What cloning boxes takes: making namespaces, mapping ids that are not one's own, and a floor for oom_score_adj. */
#define ZYGOTE_CAPS (CAP_BIT(CAP_SYS_ADMIN) | CAP_BIT(CAP_SETUID) | CAP_BIT(CAP_SETGID) | CAP_BIT(CAP_SYS_RESOURCE))

enum { FD_CONTROL = 10 }; /* and everything below it is taken: setup.c moves descriptors to low numbers */

struct zygote {
    int control;
    struct rootfs_masks masks;
};

/* ---- One box ---- */

/* user_namespaces(7): one line per range, "inside outside count". */
static int write_map(pid_t pid, const char *file, uint32_t uid)
{
    char path[64], text[64];

    (void)snprintf(path, sizeof path, "/proc/%d/%s", (int)pid, file);
    (void)snprintf(text, sizeof text, "%d %u 1\n%d %u 1\n", BOX_UID_INIT, uid, BOX_UID_PROGRAM, uid + 1);
    return fd_write_file_at(AT_FDCWD, path, text);
}

/* The kernel shall take a box's processes first when memory runs out, and its init last of them (the program
 * sets itself to 1000). Written by us, who may have CAP_SYS_RESOURCE, it is also the floor that a program can't
 * go below: proc(5). */
static int set_oom_score(pid_t pid)
{
    char path[64];

    (void)snprintf(path, sizeof path, "/proc/%d/oom_score_adj", (int)pid);
    return fd_write_file_at(AT_FDCWD, path, "900");
}

/* The kernel counts pending signals, bytes of message queues, locked memory and namespaces once more on the user
 * who made the user namespace (kernel/ucount.c). Were that root for all boxes, one could fill what the others, and
 * the host's own root, have left. So each is made by its own uid. The uid of file systems stays: cgroup v2 asks it
 * for leave to clone into a group. Capabilities stay by SECBIT_NO_SETUID_FIXUP; the signal for boxd's end does not:
 * prctl(2). */
static int become(uint32_t uid)
{
    if (syscall(SYS_setresuid, -1, uid, -1) < 0)
        return -errno;
    (void)syscall(SYS_setfsuid, 0); /* never says whether it worked: read back */
    if (syscall(SYS_setfsuid, -1) != 0)
        return -EPERM;
    return prctl(PR_SET_PDEATHSIG, SIGKILL) < 0 ? -errno : 0;
}

/* clone3() with CLONE_PARENT: the box is boxd's child. So boxd reaps it by pidfd, and a box outlives its zygote. */
static pid_t clone_box(const struct wire_spawn *spawn, int group_fd, int *pidfd)
{
    struct clone_args args = {
        .flags = (spawn->namespaces & ~(uint64_t)CLONE_NEWCGROUP) | CLONE_PARENT | CLONE_PIDFD,
        .pidfd = (uint64_t)(uintptr_t)pidfd,
    };

    if (group_fd >= 0) {
        args.flags |= CLONE_INTO_CGROUP;
        args.cgroup = (unsigned)group_fd;
    }
    return (pid_t)syscall(SYS_clone3, &args, sizeof args);
}

/* fds: of the SPAWN message; borrowed. *pidfd is owned, and set as soon as there is a process, also on failure. */
static int spawn_box(const struct zygote *zygote, const struct wire_spawn *spawn, const int *fds, size_t n_fds,
                     int *pidfd, struct err *err)
{
    CLEANUP(closep) int mapped_read = -1;
    CLEANUP(closep) int mapped_write = -1;
    struct setup_plan plan = {.spawn = *spawn,
                              .job_fd = fds[0],
                              .seccomp_fd = fds[1],
                              .leash_fd = fds[2],
                              .masks = &zygote->masks,
                              .become_init = init_run};
    int pipe_fds[2], r;
    pid_t pid;

    if (pipe2(pipe_fds, O_CLOEXEC) < 0)
        return err_errno(err, -errno, "pipe");
    mapped_read = pipe_fds[0];
    mapped_write = pipe_fds[1];
    plan.mapped_fd = mapped_read;
    if ((spawn->flags & WIRE_SPAWN_CGROUP_V2) == 0)
        for (size_t i = WIRE_SPAWN_FDS; i < n_fds; i++)
            plan.entry_fds[plan.n_entries++] = fds[i];

    r = become(spawn->uid);
    if (r < 0)
        return err_errno(err, r, "taking the box's uid");
    pid = clone_box(spawn, plan.n_entries == 0 && n_fds > WIRE_SPAWN_FDS ? fds[WIRE_SPAWN_FDS] : -1, pidfd);
    if (pid == 0) {
        (void)close(mapped_write); /* or the box would wait for itself when the zygote dies */
        setup_run(&plan);
    }
    if (pid < 0)
        r = err_errno(err, -errno, "clone3");
    if (become(0) < 0)
        _exit(1); /* it could make no other box; boxd starts another zygote */
    if (pid < 0)
        return r;
    r = set_oom_score(pid);
    if (r < 0)
        return err_errno(err, r, "oom_score_adj");
    r = write_map(pid, "gid_map", spawn->uid);
    if (r == 0)
        r = write_map(pid, "uid_map", spawn->uid);
    if (r == 0)
        r = fd_write_all(mapped_write, "m", 1);
    return r < 0 ? err_errno(err, r, "uid map") : 0; /* boxd kills it, by the pidfd, and reaps it */
}

/* ---- The loop ---- */

static int answer(const struct zygote *zygote, uint64_t id, int pidfd, const struct err *err)
{
    struct wire_plain spawned = {.head = wire_head(WIRE_SPAWNED, id)};
    struct wire_failed failed;

    if (err->code == 0)
        return fd_send_packet(zygote->control, &spawned, sizeof spawned, &pidfd, 1);
    failed = wire_failed(WIRE_FAILED, id, err);
    return fd_send_packet(zygote->control, &failed, sizeof failed, &pidfd, pidfd >= 0);
}

/* One SPAWN. 0, or < 0 where the zygote should end: boxd is gone, or speaks another language. */
static int serve_one(const struct zygote *zygote, struct err *err)
{
    unsigned char bytes[WIRE_MAX_BYTES];
    int fds[WIRE_MAX_FDS];
    size_t n_fds = 0;
    union wire_msg msg;
    CLEANUP(closep) int pidfd = -1;
    ssize_t n = fd_recv_packet(zygote->control, bytes, sizeof bytes, fds, WIRE_MAX_FDS, &n_fds, 0);
    int r;

    if (n <= 0)
        return n == 0 ? -EPIPE : (int)n;
    r = wire_decode(&msg, bytes, (size_t)n, n_fds, WIRE_TO_ZYGOTE, err);
    if (r == 0) {
        struct err why = {0};

        if (spawn_box(zygote, &msg.spawn, fds, n_fds, &pidfd, &why) < 0 && why.code == 0)
            why.code = -EIO; /* never "spawned" by mistake */
        r = answer(zygote, msg.head.id, pidfd, &why);
    }
    for (size_t i = 0; i < n_fds; i++)
        (void)close(fds[i]);
    return r;
}

/* Moves the control socket to its number and fills the numbers below it. */
static int settle_descriptors(void)
{
    int high = fcntl(ZYGOTE_FD_CONTROL, F_DUPFD_CLOEXEC, 64), null;

    /* By way of a high number: dup3() onto itself is an error. */
    if (high < 0 || dup3(high, FD_CONTROL, O_CLOEXEC) < 0)
        return -errno;
    for (int fd = 3; fd < FD_CONTROL; fd++)
        (void)close(fd);
    do
        null = open("/new/dev/null", O_RDWR | O_CLOEXEC);
    while (null >= 0 && null < FD_CONTROL - 1);
    if (null < 0)
        return -errno;
    return syscall(SYS_close_range, FD_CONTROL + 1, ~0U, 0) < 0 ? -errno : 0;
}

static int prepare(struct zygote *zygote, struct err *err)
{
    int r = settle_descriptors();

    if (r < 0)
        return err_errno(err, r, "zygote: descriptors");
    r = rootfs_list_masks(&zygote->masks, err);
    if (r < 0)
        return r;
    if (prctl(PR_SET_NAME, "glimpse-zygote") < 0 || prctl(PR_SET_PDEATHSIG, SIGKILL) < 0 ||
        prctl(PR_SET_SECUREBITS, SECBIT_NO_SETUID_FIXUP | SECBIT_NO_SETUID_FIXUP_LOCKED) < 0)
        return err_errno(err, -errno, "zygote: name, signal, secure bits");
    r = caps_keep_only(ZYGOTE_CAPS);
    return r < 0 ? err_errno(err, r, "zygote: capabilities") : 0;
}

int main(void)
{
    struct zygote zygote = {.control = FD_CONTROL};
    struct wire_plain ready = {.head = wire_head(WIRE_READY, 0)};
    struct err err = {0};
    int r = prepare(&zygote, &err);

    if (r < 0) {
        if (answer(&zygote, 0, -1, &err) < 0)
            (void)fprintf(stderr, "glimpse-init is a part of glimpse-boxd, which starts it: %s\n", err.msg);
        return 1;
    }
    r = fd_send_packet(zygote.control, &ready, sizeof ready, NULL, 0);
    while (r == 0)
        r = serve_one(&zygote, &err);
    return r == -EPIPE ? 0 : 1;
}
