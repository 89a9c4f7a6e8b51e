#include "init/worker.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#include "base/fd.h"
#include "box/setup.h"
#include "wire/wire.h"

/* Into task: words and folders, /dev/null as its streams, and the socket that it speaks on. *ours is owned by the
 * caller. */
static int prepare(struct task *task, int *ours, struct err *err)
{
    int pair[2];

    for (int i = 0; i < 3; i++) {
        task->stdio[i] = open("/dev/null", O_RDWR | O_CLOEXEC);
        if (task->stdio[i] < 0)
            return err_errno(err, -errno, "/dev/null");
    }
    if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, pair) < 0)
        return err_errno(err, -errno, "socketpair");
    *ours = pair[0];
    task->worker_fd = pair[1];
    return task_unpack(task, err);
}

int worker_prestart(struct worker *worker, const struct wire_job *msg, int payload_fd, struct err *err)
{
    static struct task task; /* large: not on the stack; its words are needed no more when it is started */
    const int fds[] = {-1, -1, -1, payload_fd};
    CLEANUP(closep) int ours = -1;
    CLEANUP(closep) int error_fd = -1;
    struct err why = {0};
    pid_t pid;
    int r;

    task_init(&task, msg, fds, COUNT_OF(fds));
    r = prepare(&task, &ours, err);
    if (r == 0)
        r = task_start(&task, BOX_FD_SECCOMP, &pid, &error_fd, err);
    closep(&task.worker_fd);
    closep(&task.box_fd);
    closep(&task.blobs[0]);
    if (r < 0)
        return r;
    if (fd_read_full(error_fd, &why, sizeof why) == (ssize_t)sizeof why) { /* its end, once it is executed */
        why.msg[sizeof why.msg - 1] = '\0';
        return err_set(err, why.code < 0 ? why.code : -EIO, "%s", why.msg);
    }
    *worker = (struct worker){.fd = TAKE_FD(ours)};
    return 0;
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
