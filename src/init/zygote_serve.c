#include <errno.h>
#include <fcntl.h>
#include <linux/sched.h>
#include <sched.h>
#include <signal.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "base/fd.h"
#include "box/cgroup.h"
#include "init/zygote.h"

/* Where libc keeps the thread's id: fork(3) has the kernel set it in the child, and so do we. NULL where the kernel
 * does not tell (CONFIG_CHECKPOINT_RESTORE); the worker's libc then goes on with the zygote's. */
static int *thread_id_address(void)
{
    int *address = NULL;

    return prctl(PR_GET_TID_ADDRESS, &address) < 0 ? NULL : address;
}

static pid_t fork_plainly(struct clone_args *args, int *tid)
{
    args->exit_signal = SIGCHLD;
    if (tid != NULL) {
        args->flags |= CLONE_CHILD_SETTID | CLONE_CHILD_CLEARTID;
        args->child_tid = (uint64_t)(uintptr_t)tid;
    }
    return (pid_t)syscall(SYS_clone3, args, sizeof *args);
}

pid_t zygote_fork(void)
{
    struct clone_args args = {0};

    return fork_plainly(&args, thread_id_address());
}

static pid_t fork_worker(const struct wire_spawn *enter, const int *entries, size_t n, int *tid)
{
    struct clone_args args = {0};

    if ((enter->flags & WIRE_SPAWN_CGROUP_V2) != 0 && n > 0) {
        args.flags = CLONE_INTO_CGROUP;
        args.cgroup = (unsigned)entries[0];
    }
    return fork_plainly(&args, tid);
}

/*
 * Returns 1 in the worker and 0 in the zygote, or a negative errno there. The go-between shares the zygote's
 * memory, as vfork(2) has it, so that one copy is made and not two; the worker has its own copy, and may return.
 */
static int fork_into_box(const struct wire_spawn *enter, const int *fds, size_t n_fds)
{
    static int *tid;
    static int failure; /* written by the go-between, read by the zygote */
    const int *entries = fds + WIRE_ENTER_FDS;
    size_t n = n_fds - WIRE_ENTER_FDS;
    pid_t between;

    if (tid == NULL)
        tid = thread_id_address();
    /* Concerns the children that follow, not this process. */
    if (setns(fds[0], CLONE_NEWPID) < 0)
        return -errno;
    failure = 0;
    between = vfork();
    if (between == 0) {
        pid_t worker;

        failure = (enter->flags & WIRE_SPAWN_CGROUP_V2) != 0 ? 0 : cgroup_enter(entries, n);
        worker = failure < 0 ? -1 : fork_worker(enter, entries, n, tid);
        if (worker == 0)
            return 1;
        if (worker < 0 && failure == 0)
            failure = -errno;
        _exit(0);
    }
    if (between < 0)
        return -errno;
    while (waitpid(between, NULL, 0) < 0 && errno == EINTR) /* ECHILD, once it is gone */
        ;
    return failure;
}

static int answer(uint64_t id, const struct err *err)
{
    struct wire_plain entered = {.head = wire_head(WIRE_ENTERED, id)};
    struct wire_failed failed;

    if (err->code == 0)
        return fd_send_packet(ZYGOTE_FD_CONTROL, &entered, sizeof entered, NULL, 0);
    failed = wire_failed(WIRE_FAILED, id, err);
    return fd_send_packet(ZYGOTE_FD_CONTROL, &failed, sizeof failed, NULL, 0);
}

/* The go-between ends by itself, and at once. Interpreters may ask for their parent's pid early, and remember it. */
static void wait_for_init_as_parent(void)
{
    const struct timespec moment = {.tv_nsec = 50000};

    while (getppid() != 1)
        (void)nanosleep(&moment, NULL);
}

/* In the worker. */
static void become_worker(const struct wire_spawn *enter, const int *fds)
{
    struct err err = {0};

    wait_for_init_as_parent();
    if (zygote_enter(enter, fds, &err) < 0)
        zygote_fail(&err);
}

/* The kernel takes the dead go-between away at once. It is in the box's pid namespace, and its init waits for everybody
 * there to be gone: were it for us to reap, a zygote that gets no CPU for a while would have init wait, busily. */
static int reap_by_kernel(struct sigaction *before)
{
    const struct sigaction none = {.sa_handler = SIG_DFL, .sa_flags = SA_NOCLDWAIT};

    return sigaction(SIGCHLD, &none, before);
}

/* One ENTER. True in the worker. */
static bool serve_one(bool *hurry)
{
    unsigned char bytes[WIRE_MAX_BYTES];
    int fds[WIRE_MAX_FDS];
    size_t n_fds = 0;
    union wire_msg msg;
    struct err err = {0};
    ssize_t n = fd_recv_packet(ZYGOTE_FD_CONTROL, bytes, sizeof bytes, fds, WIRE_MAX_FDS, &n_fds, 0);
    int r;

    if (n <= 0)
        _exit(0); /* boxd is gone */
    if (wire_decode(&msg, bytes, (size_t)n, n_fds, WIRE_TO_ZYGOTE, &err) < 0 || msg.head.type != WIRE_ENTER)
        _exit(1);
    r = fork_into_box(&msg.spawn, fds, n_fds);
    if (r == 1) {
        become_worker(&msg.spawn, fds);
        *hurry = (msg.spawn.flags & WIRE_SPAWN_HURRY) != 0;
        return true;
    }
    if (r < 0)
        (void)err_errno(&err, r, "forking an interpreter into a box");
    for (size_t i = 0; i < n_fds; i++)
        (void)close(fds[i]);
    if (answer(msg.head.id, &err) < 0)
        _exit(1);
    return false;
}

void zygote_give_up(const struct err *err)
{
    struct wire_failed failed = wire_failed(WIRE_FAILED, 0, err);

    _exit(fd_send_packet(ZYGOTE_FD_CONTROL, &failed, sizeof failed, NULL, 0) < 0 ? 2 : 1);
}

void zygote_serve(bool *hurry)
{
    struct wire_plain ready = {.head = wire_head(WIRE_READY, 0)};
    struct sigaction before;

    if (reap_by_kernel(&before) < 0 || fd_send_packet(ZYGOTE_FD_CONTROL, &ready, sizeof ready, NULL, 0) < 0)
        _exit(1);
    /* It was there for the start (setup.c). Not before the line above, which fails where nobody made this process a
     * root of its own. */
    (void)umount2("/proc", MNT_DETACH);
    while (!serve_one(hurry))
        ;
    (void)sigaction(SIGCHLD, &before, NULL); /* in the worker: the interpreter's own */
}
