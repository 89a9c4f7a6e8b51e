/*
 * init: PID 1 of a box. It waits for one job, starts its program as another uid without any privilege,
 * holds the wall clock, reaps everything, kills what is left, reports, and ends. When its socket closes it ends
 * at once, and the kernel kills the rest of the box with it.
 *
 *   ready ── JOB ──▶ unpacked ── fork, or a word to the interpreter that waits ──▶ running ── program's exit or wall limit ──▶ killing ──▶ reported ── end of the lease ──▶ exit
 *
 * In "running" the program may do as it likes to every process but this one: it can't signal, trace or see it.
 * From "reported" on no other process exists in the box but the keeper of the program's memory (worker.h), and what a
 * program might have had that one do, for the moment until the box ends.
 */
#include <errno.h>
#include <fcntl.h>
#include <linux/capability.h>
#include <poll.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/signalfd.h>
#include <sys/socket.h>
#include <sys/statfs.h>
#include <sys/wait.h>

#include "base/clock.h"
#include "base/fd.h"
#include "box/caps.h"
#include "box/setup.h"
#include "init/init.h"
#include "init/task.h"
#include "init/terminal.h"
#include "init/worker.h"

/* Killing the program, becoming it, and, until the job is known, setting the size of the box. */
#define INIT_CAPS      (CAP_BIT(CAP_KILL) | CAP_BIT(CAP_SETUID) | CAP_BIT(CAP_SETGID))
#define INIT_BOOT_CAPS (INIT_CAPS | CAP_BIT(CAP_SYS_ADMIN))

static _Noreturn void fail(uint64_t id, const struct err *err)
{
    struct wire_failed failed = wire_failed(WIRE_FAILED, id, err);

    _exit(fd_send_packet(BOX_FD_JOB, &failed, sizeof failed, NULL, 0) < 0 ? 2 : 1);
}

/* ---- Before the job ---- */

static int harden(struct err *err)
{
    int r;

    if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) < 0)
        return err_errno(err, -errno, "init: prctl");
    r = caps_drop_bounding(0);
    if (r == 0)
        r = caps_keep_only(INIT_BOOT_CAPS);
    return r < 0 ? err_errno(err, r, "init: capabilities") : 0;
}

static void say_ready(void)
{
    struct wire_plain ready = {.head = wire_head(WIRE_READY, 0)};

    if (fd_send_packet(BOX_FD_JOB, &ready, sizeof ready, NULL, 0) < 0)
        _exit(2);
}

/* Until the socket has something to say, its end included. Ends the process when boxd is gone. worker_fd: or -1. True
 * where there is a word from the worker. */
static bool wait_for_word(int worker_fd)
{
    struct pollfd wait[] = {{.fd = BOX_FD_JOB, .events = POLLIN},
                            {.fd = BOX_FD_LEASH, .events = 0},
                            {.fd = worker_fd, .events = POLLIN}};

    while (poll(wait, COUNT_OF(wait), -1) < 0 && errno == EINTR)
        ;
    if (wait[1].revents != 0)
        _exit(0);
    return wait[2].revents != 0;
}

/* Our job socket's next message; its descriptors are owned by the caller. Ends the process when there will be none. */
static void receive(union wire_msg *msg, int fds[WIRE_MAX_FDS], size_t *n_fds)
{
    unsigned char bytes[WIRE_MAX_BYTES];
    struct err err = {0};
    ssize_t n = fd_recv_packet(BOX_FD_JOB, bytes, sizeof bytes, fds, WIRE_MAX_FDS, n_fds, 0);

    if (n <= 0)
        _exit(0); /* released without use, or boxd is gone */
    if (wire_decode(msg, bytes, (size_t)n, *n_fds, WIRE_TO_INIT, &err) < 0)
        fail(0, &err);
}

/* Blocks until the engine sends the job. boxd may send an interpreter before it. */
static void receive_job(struct task *task, struct worker *worker)
{
    struct err err = {0};

    for (;;) {
        int fds[WIRE_MAX_FDS];
        size_t n_fds = 0;
        union wire_msg msg;

        if (wait_for_word(worker->fd)) {
            int r = worker_hear(worker, &err);

            if (r > 0)
                say_ready();
            if (r >= 0)
                continue;
            if (worker->pid == 0) /* it never was of use, and boxd waits to hear */
                fail(0, &err);
            *worker = WORKER_NONE; /* it has ended while it waited: the job gets a fresh one */
            continue;
        }
        receive(&msg, fds, &n_fds);
        if (msg.head.type == WIRE_JOB) {
            task_init(task, &msg.job, fds, n_fds);
            return;
        }
        if (msg.head.type != WIRE_ADOPT) { /* a signal, for nobody */
            (void)err_set(&err, -EBADMSG, "init: out of turn");
            fail(0, &err);
        }
        closep(&worker->fd);
        worker->fd = fds[0];
    }
}

static int size_box(const struct task *task, struct err *err)
{
    char options[64];

    if (task->job.box_bytes != BOX_TMPFS_BYTES) {
        (void)snprintf(options, sizeof options, "size=%llu,nr_inodes=%u", (unsigned long long)task->job.box_bytes,
                       BOX_TMPFS_INODES);
        if (mount(NULL, "/box", NULL, MS_REMOUNT | MS_NOSUID | MS_NODEV, options) < 0)
            return err_errno(err, -errno, "size of the box");
    }
    return caps_keep_only(INIT_CAPS) < 0 ? err_set(err, -EPERM, "init: capabilities") : 0;
}

/* ---- While it runs ---- */

enum {
    REAP_AT_ONCE = 256,
    /* What a program has left in memory takes no longer to give back than it took to make. Up to so much, init
     * does not wait for that, and nobody counts it. */
    UNCOUNTED_CPU_US = 50000,
};

struct watch {
    int signal_fd; /* owned; SIGCHLD */
    pid_t pid;     /* the program's first process */
    bool ended;
    int status;    /* of wait(2), once ended */
    uint64_t cpu_us; /* it has used, once ended */
    uint64_t job_id;
    int terminal_fd; /* owned; master of the terminal that the program controls, or -1 */
};

static uint64_t cpu_us_of(const struct rusage *usage)
{
    return (uint64_t)(usage->ru_utime.tv_sec + usage->ru_stime.tv_sec) * 1000000 +
           (uint64_t)(usage->ru_utime.tv_usec + usage->ru_stime.tv_usec);
}

/* Reaps the dead, at most max of them: who makes orphans without end must not keep us from the clock. As PID 1 we are
 * everybody's parent in the end. True where there may be more. flags: WNOHANG, or 0 to wait until nobody is left. */
static bool reap(struct watch *watch, int flags, int max)
{
    struct rusage usage;
    int status;
    pid_t pid;

    for (int i = 0; i < max; i++) {
        pid = wait4(-1, &status, flags | __WALL, &usage);
        if (pid == 0 || (pid < 0 && errno != EINTR))
            return false;
        if (pid == watch->pid) {
            watch->ended = true;
            watch->status = status;
            watch->cpu_us = cpu_us_of(&usage);
        }
    }
    return true;
}

/* What the engine says while the program runs: a signal for it, and nothing else. False: the lease is over. One at a
 * time, so that no flood of them keeps us from the clock. */
static bool pass_signal(const struct watch *watch)
{
    unsigned char bytes[WIRE_MAX_BYTES];
    size_t n_fds = 0;
    union wire_msg msg;
    ssize_t n = fd_recv_packet(BOX_FD_JOB, bytes, sizeof bytes, NULL, 0, &n_fds, MSG_DONTWAIT);

    if (n == -EAGAIN)
        return true;
    if (n <= 0 || wire_decode(&msg, bytes, (size_t)n, n_fds, WIRE_TO_INIT, &(struct err){0}) < 0 ||
        msg.head.type != WIRE_SIGNAL || msg.head.id != watch->job_id)
        return false;
    if (!watch->ended)
        terminal_signal(watch->terminal_fd, watch->pid, msg.signal.signal);
    return true;
}

/* True when the program ended by itself, false when its time was up. */
static bool wait_for_program(struct watch *watch, uint64_t deadline_us)
{
    struct pollfd fds[] = {{.fd = watch->signal_fd, .events = POLLIN},
                           {.fd = BOX_FD_JOB, .events = POLLIN},
                           {.fd = BOX_FD_LEASH, .events = 0}};
    bool more = false;

    while (!watch->ended) {
        struct signalfd_siginfo info[16];
        uint64_t now = now_us(), left = deadline_us > now ? deadline_us - now : 0;
        struct timespec timeout = {.tv_sec = (time_t)(left / 1000000), .tv_nsec = (long)(left % 1000000) * 1000};
        int n = ppoll(fds, COUNT_OF(fds), more ? &(struct timespec){0} : &timeout, NULL);

        if (left == 0)
            return false;
        if (n > 0 && (fds[2].revents != 0 || (fds[1].revents != 0 && !pass_signal(watch))))
            _exit(0); /* boxd is gone, or the lease is over. The box dies with us */
        if (n > 0 && fds[0].revents != 0 && read(watch->signal_fd, info, sizeof info) > 0)
            more = true;
        if (more)
            more = reap(watch, WNOHANG, REAP_AT_ONCE);
    }
    return true;
}

/* True where the keeper of its memory is all that is left of the program, and what that takes down was for the
 * program's end to take. */
static bool only_keeper_is_left(const struct watch *watch, const struct worker *worker)
{
    return watch->ended && watch->pid == worker->pid && watch->cpu_us - worker->cpu_us <= UNCOUNTED_CPU_US &&
           worker_was_alone(worker);
}

/*
 * SIGKILL to all, and again to what was forked meanwhile, until there is nobody: a fork under way when the signal
 * arrives is restarted and dies (copy_process() looks at pending signals), so this ends.
 *
 * The keeper alone is left to the end of the box, which comes after the answer: what it has to take down would get into
 * the way of that. A program may have had its keeper do something, which ends with the box then. What is collected of a
 * compiler is read when its keeper is killed, and what is brought to the user when it is gone.
 */
static void kill_rest(struct watch *watch, const struct worker *worker, uint32_t flags)
{
    const bool alone = only_keeper_is_left(watch, worker);

    if (alone && (flags & (WIRE_JOB_COLLECT | WIRE_JOB_BRING)) == 0)
        return;
    (void)kill(-1, SIGKILL);
    if (alone && (flags & WIRE_JOB_BRING) == 0 && worker_was_alone(worker)) /* after the signal nobody makes another */
        return;
    do {
        (void)kill(-1, SIGKILL);
        while (reap(watch, 0, REAP_AT_ONCE)) /* blocks until ECHILD */
            ;
    } while (kill(-1, 0) == 0);
}

/* ---- After it ---- */

static uint32_t box_is_full(void)
{
    struct statfs fs;

    return statfs("/box", &fs) == 0 && (fs.f_bavail == 0 || fs.f_ffree == 0);
}

/* An error that the child could not execute the program is ours, and tells more than its exit status. */
static void check_executed(const struct task *task, int error_fd, const struct worker *worker)
{
    struct err err = {0};

    worker_check_started(worker, &err);
    if (err.code < 0)
        fail(task->job.head.id, &err);
    if (error_fd >= 0 && fd_read_full(error_fd, &err, sizeof err) == (ssize_t)sizeof err) {
        err.msg[sizeof err.msg - 1] = '\0';
        fail(task->job.head.id, &err);
    }
}

static void report_exited(struct task *task, const struct watch *watch, bool in_time, uint64_t wall_us)
{
    struct wire_exited exited = {
        .head = wire_head(WIRE_EXITED, task->job.head.id), .wall_us = wall_us, .disk_full = box_is_full()};
    CLEANUP(closep) int artifact = -1;
    struct err err = {0};

    if (!in_time) {
        exited.how = WIRE_EXIT_WALL_TIME;
    } else if (WIFEXITED(watch->status)) {
        exited.how = WIRE_EXIT_EXITED;
        exited.code = WEXITSTATUS(watch->status);
    } else {
        exited.how = WIRE_EXIT_SIGNALED;
        exited.code = WTERMSIG(watch->status);
    }
    if ((task->job.flags & WIRE_JOB_COLLECT) != 0 && exited.how == WIRE_EXIT_EXITED && exited.code == 0 &&
        task_collect(task, &artifact, &exited.artifact_bytes, &err) < 0)
        fail(task->job.head.id, &err);
    if ((task->job.flags & WIRE_JOB_BRING) != 0 &&
        task_bring(task, &artifact, &exited.artifact_bytes, &exited.omitted, &err) < 0)
        fail(task->job.head.id, &err);
    if (fd_send_packet(BOX_FD_JOB, &exited, sizeof exited, &artifact, artifact >= 0) < 0)
        _exit(2);
    /* Our end is the box's, and taking it down takes longer than reading its figures: first the figures. A signal that
     * was under way has nobody to go to. */
    do
        (void)wait_for_word(-1);
    while (pass_signal(watch));
    _exit(0);
}

/* Runs the job's program to its end. Returns only with an error. */
static int serve(struct task *task, struct watch *watch, struct worker *worker, struct err *err)
{
    CLEANUP(closep) int error_fd = -1;
    uint64_t started_us;
    bool in_time;
    int r = size_box(task, err);

    if (r == 0)
        r = task_unpack(task, err);
    if (r == 0)
        r = terminal_open(task, &watch->terminal_fd, err);
    if (r < 0)
        return r;
    watch->job_id = task->job.head.id;

    started_us = now_us();
    /* Who waits leads a session already, and can't be given a terminal for it from outside. */
    if (worker->pid == 0 || (task->job.flags & WIRE_JOB_TERMINAL) != 0 ||
        worker_start(worker, task, &watch->pid, &(struct err){0}) < 0)
        r = task_start(task, BOX_FD_SECCOMP, &watch->pid, &error_fd, err);
    if (r < 0)
        return r;
    in_time = wait_for_program(watch, started_us + task->job.wall_time_ms * 1000);
    {
        uint64_t wall_us = now_us() - started_us;

        kill_rest(watch, worker, task->job.flags);
        check_executed(task, error_fd, worker);
        report_exited(task, watch, in_time, wall_us);
    }
    return 0;
}

void init_run(void)
{
    struct watch watch = {.signal_fd = -1, .terminal_fd = -1};
    struct worker worker = WORKER_NONE;
    static struct task task; /* large: not on the stack */
    struct err err = {0};
    sigset_t child;
    int r = harden(&err);

    if (r < 0)
        fail(0, &err);
    (void)sigemptyset(&child);
    (void)sigaddset(&child, SIGCHLD);
    watch.signal_fd = signalfd(-1, &child, SFD_CLOEXEC | SFD_NONBLOCK);
    if (sigprocmask(SIG_SETMASK, &child, NULL) < 0 || watch.signal_fd < 0) {
        (void)err_errno(&err, -errno, "init: signalfd");
        fail(0, &err);
    }
    say_ready();
    receive_job(&task, &worker);
    if (serve(&task, &watch, &worker, &err) < 0)
        fail(task.job.head.id, &err);
    _exit(1);
}
