#include "init/worker.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#include "base/fd.h"
#include "box/setup.h"
#include "wire/wire.h"

/* Of the box's pid namespace: threads count as well (pid_namespaces(7)). Negative where the kernel has no such file
 * (CONFIG_CHECKPOINT_RESTORE). */
static long last_pid(const struct worker *worker)
{
    char text[16];
    ssize_t n = worker->pids_fd < 0 ? -1 : pread(worker->pids_fd, text, sizeof text - 1, 0);

    if (n <= 0)
        return -1;
    text[n] = '\0';
    return strtol(text, NULL, 10);
}

bool worker_was_alone(const struct worker *worker)
{
    return worker->keeper != 0 && worker->last_pid > 0 && last_pid(worker) == worker->last_pid;
}

int worker_hear(struct worker *worker, struct err *err)
{
    unsigned char bytes[WIRE_MAX_BYTES];
    size_t n_fds = 0;
    union wire_msg msg;
    ssize_t n = fd_recv_packet(worker->fd, bytes, sizeof bytes, NULL, 0, &n_fds, MSG_DONTWAIT);

    if (n == -EAGAIN)
        return 0;
    if (n <= 0)
        return err_set(err, -EPIPE, "the interpreter that waits in the box has ended");
    if (wire_decode(&msg, bytes, (size_t)n, n_fds, WIRE_FROM_WORKER, err) < 0)
        return err->code;
    if (msg.head.type == WIRE_FAILED)
        return err_set(err, msg.failed.code, "%s", msg.failed.msg);
    if (worker->pid != 0)
        return err_set(err, -EBADMSG, "the interpreter that waits in the box speaks out of turn");
    worker->pid = msg.worker.pid;
    worker->keeper = msg.worker.keeper;
    worker->pids_fd = open("/proc/sys/kernel/ns_last_pid", O_RDONLY | O_CLOEXEC); /* now, while there is time */
    return 1;
}

static uint64_t cpu_us_of(pid_t pid)
{
    struct timespec used;
    clockid_t clock;

    if (clock_getcpuclockid(pid, &clock) != 0 || clock_gettime(clock, &used) < 0)
        return 0;
    return (uint64_t)used.tv_sec * 1000000 + (uint64_t)used.tv_nsec / 1000;
}

int worker_start(struct worker *worker, struct task *task, pid_t *pid, struct err *err)
{
    const int fds[] = {task->stdio[0], task->stdio[1], task->stdio[2], task->blobs[0]};
    int r = worker_hear(worker, err);

    if (r < 0)
        return r;
    worker->cpu_us = cpu_us_of(worker->pid);
    worker->last_pid = last_pid(worker);
    r = fd_send_packet(worker->fd, &task->job, sizeof task->job, fds, COUNT_OF(fds));
    if (r < 0)
        return err_errno(err, r, "the job for the interpreter that waits");
    task_close_stdio(task);
    *pid = worker->pid;
    return 0;
}

void worker_check_started(const struct worker *worker, struct err *err)
{
    unsigned char bytes[WIRE_MAX_BYTES];
    size_t n_fds = 0;
    union wire_msg msg;
    ssize_t n;

    if (worker->fd < 0)
        return;
    n = fd_recv_packet(worker->fd, bytes, sizeof bytes, NULL, 0, &n_fds, MSG_DONTWAIT);
    if (n > 0 && wire_decode(&msg, bytes, (size_t)n, n_fds, WIRE_FROM_WORKER, err) == 0 && msg.head.type == WIRE_FAILED)
        (void)err_set(err, msg.failed.code, "%s", msg.failed.msg);
}
