/* run_box: what a run and the init of its box say to each other once the job is there. */
#include <errno.h>
#include <fcntl.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/stat.h>

#include "base/clock.h"
#include "base/fd.h"
#include "engine/brought.h"
#include "engine/run.h"

static void on_terminal(struct run *run, int fd)
{
    struct err err = {0};

    if (run->state != RUN_RUNNING) {
        closep(&fd);
    } else if (!run_is_merged(run)) {
        closep(&fd);
        run_fail(run, "the sandbox opened a terminal that nobody wanted");
    } else if (stage_io_terminal(&run->io, fd, &err) < 0) {
        run_fail(run, err.msg);
    } else if (run_has_terminal(run)) {
        stage_io_resize(&run->io, run->job->terminal); /* it may have changed since the job was sent */
    }
}

void run_resize(struct run *run, struct job_terminal size)
{
    if (run->job->terminal.rows == 0)
        return;
    run->job->terminal = size;
    if (run_has_terminal(run) && run->state == RUN_RUNNING)
        stage_io_resize(&run->io, size);
}

/* The box's socket holds what init has not read yet; where it does not even do that, nothing is lost with a signal. */
void run_signal(struct run *run, int signal)
{
    struct wire_signal msg = {.head = wire_head(WIRE_SIGNAL, run->lease), .signal = signal};

    if (run->state == RUN_RUNNING && run->box_fd >= 0)
        (void)send(run->box_fd, &msg, sizeof msg, MSG_DONTWAIT | MSG_NOSIGNAL);
}

/* The artifact was written by an init whose box ran hostile input: it is taken for what it is only when it
 * is a memfd that nobody can change any more, and as long as was said. Its records are checked by the init
 * that reads it. */
static int seal_artifact(int fd, uint64_t bytes, struct err *err)
{
    const int seals = F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_WRITE;
    struct stat st;
    int got;

    (void)fcntl(fd, F_ADD_SEALS, seals); /* fails where it is sealed already: the outcome counts */
    got = fcntl(fd, F_GET_SEALS);
    if (got < 0 || (got & seals) != seals)
        return err_set(err, -EBADMSG, "what the box made cannot be sealed");
    if (fstat(fd, &st) < 0 || (uint64_t)st.st_size < bytes)
        return err_set(err, -EBADMSG, "what the box made is shorter than it said");
    return 0;
}

/* What a compiler made goes into the next box; what a program left goes to its user. fd: owned by the run. */
static void take_artifact(struct run *run, int fd, const struct wire_exited *msg)
{
    CLEANUP(closep) int artifact = fd;
    struct err err = {0};

    if (run->stage == STAGE_COMPILE && msg->artifact_bytes > RUN_MAX_ARTIFACT_BYTES) {
        /* no new state: the figures are on their way */
        run_stop_too_big(run, "the compiled program has more than 64 MiB");
        return;
    }
    if (seal_artifact(fd, msg->artifact_bytes, &err) < 0 ||
        (run->stage == STAGE_RUN && brought_read(&run->result, fd, msg->artifact_bytes, &err) < 0)) {
        run_fail(run, err.msg);
        return;
    }
    if (run->stage == STAGE_COMPILE) {
        run->artifact_fd = TAKE_FD(artifact);
        run->artifact_bytes = msg->artifact_bytes;
    }
}

static void on_exited(struct run *run, const struct wire_exited *msg, int fd)
{
    if (!run_step(run, EV_EXITED)) {
        closep(&fd);
        return;
    }
    run->end.exited = true;
    run->end.how = msg->how;
    run->end.code = msg->code;
    run->end.disk_full = msg->disk_full != 0;
    run->result.ended_us = now_us();
    stage_ends_close(&run->ends); /* of a pair: now the other one may see it, and react */
    run_stage_result(run)->wall_us = msg->wall_us;
    run_send_plain(run, WIRE_USAGE); /* first: boxd works on it while we do the rest */
    if (run->stage == STAGE_RUN)
        run->result.n_omitted = msg->omitted;
    if (fd >= 0)
        take_artifact(run, fd, msg);
}

bool run_receive(struct run *run)
{
    char bytes[WIRE_MAX_BYTES];
    CLEANUP(closep) int fd = -1;
    union wire_msg msg;
    struct err err = {0};
    size_t n_fds = 0;
    ssize_t n = fd_recv_packet(run->box_fd, bytes, sizeof bytes, &fd, 1, &n_fds, MSG_DONTWAIT);

    if (n == -EAGAIN)
        return false;
    if (n <= 0) {
        run_close_box(run);
        return false;
    }
    if (wire_decode(&msg, bytes, (size_t)n, n_fds, WIRE_FROM_INIT, &err) < 0) {
        (void)err_wrap(&err, -EBADMSG, "the sandbox sent what is no message");
        run_fail(run, err.msg);
        run_close_box(run);
        return false;
    }
    if (msg.head.type == WIRE_TERMINAL)
        on_terminal(run, TAKE_FD(fd));
    else if (msg.head.type == WIRE_EXITED)
        on_exited(run, &msg.exited, TAKE_FD(fd));
    else if (msg.head.type == WIRE_FAILED && msg.failed.code == -EFBIG && run->stage == STAGE_COMPILE)
        run_stop_too_big(run, msg.failed.msg);
    else if (msg.head.type == WIRE_FAILED)
        run_fail(run, msg.failed.msg);
    return run->box_fd >= 0;
}

void run_on_box(struct watch *watch, uint32_t events)
{
    struct run *run = WATCH_OWNER(struct run, box_watch, watch);

    (void)events;
    (void)run_receive(run); /* one: a second one is rare, and asking for it in vain costs a system call */
}
