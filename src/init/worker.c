#include "init/worker.h"

#include <errno.h>
#include <sys/socket.h>

#include "base/fd.h"
#include "wire/wire.h"

int worker_hear(struct worker *worker, struct err *err)
{
    unsigned char bytes[WIRE_MAX_BYTES];
    size_t n_fds = 0;
    union wire_msg msg;
    ssize_t n = fd_recv_packet(worker->fd, bytes, sizeof bytes, NULL, 0, &n_fds, MSG_DONTWAIT);

    if (n == -EAGAIN)
        return 0;
    if (n <= 0)
        return err_set(err, -EPIPE, "the interpreter that was forked into the box has ended");
    if (wire_decode(&msg, bytes, (size_t)n, n_fds, WIRE_FROM_WORKER, err) < 0)
        return err->code;
    if (msg.head.type == WIRE_FAILED)
        return err_set(err, msg.failed.code, "%s", msg.failed.msg);
    if (worker->pid != 0)
        return err_set(err, -EBADMSG, "the interpreter that was forked into the box speaks out of turn");
    worker->pid = msg.worker.pid;
    worker->keeper = msg.worker.keeper;
    return 1;
}

int worker_start(struct worker *worker, struct task *task, pid_t *pid, struct err *err)
{
    const int fds[] = {task->stdio[0], task->stdio[1], task->stdio[2], task->blobs[0]};
    int r = worker_hear(worker, err);

    if (r < 0)
        return r;
    r = fd_send_packet(worker->fd, &task->job, sizeof task->job, fds, COUNT_OF(fds));
    if (r < 0)
        return err_errno(err, r, "the job for the forked interpreter");
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
