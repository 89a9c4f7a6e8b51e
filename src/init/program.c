/* program: from init's child to the untrusted program. */
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <sys/prctl.h>
#include <sys/syscall.h>

#include "base/fd.h"
#include "base/signals.h"
#include "box/setup.h"
#include "init/confine.h"
#include "init/task.h"
#include "init/terminal.h"

enum { PROGRAM_FD_ERROR = 3 }; /* close-on-exec: the one descriptor besides stdio, gone once it runs */

struct program {
    const struct task *task;
    int error_fd;
    struct confine confine;
};

static int set_descriptors(const struct program *program)
{
    for (int fd = 0; fd <= 2; fd++)
        if (dup2(program->task->stdio[fd], fd) < 0)
            return -errno;
    if (dup3(program->error_fd, PROGRAM_FD_ERROR, O_CLOEXEC) < 0)
        return -errno;
    return syscall(SYS_close_range, PROGRAM_FD_ERROR + 1, ~0U, 0) < 0 ? -errno : 0;
}

/* 0 where it can be executed, *step, what failed, otherwise. Nothing of this is undone after a failure. */
static int become_program(const struct program *program, const char **step)
{
    int r;

    *step = "session, signals, descriptors";
    /* init is not dumpable, as it has changed ids, and what it can't have is root's: its own /proc/self. */
    if (prctl(PR_SET_DUMPABLE, 1, 0, 0, 0) < 0)
        return -errno;
    /* A session of its own, so that a signal to its group reaches nobody else; no controlling terminal, unless it gets
     * one for itself. */
    r = setsid() < 0 ? -errno : signals_reset();
    if (r == 0)
        r = set_descriptors(program);
    if (r == 0 && (program->task->job.flags & WIRE_JOB_TERMINAL) != 0)
        r = terminal_take_control();
    return r < 0 ? r : confine_self(&program->confine, step);
}

static _Noreturn void program_run(const struct program *program)
{
    const char *step;
    struct err err;
    int r = become_program(program, &step);

    if (r < 0) {
        (void)err_errno(&err, r, "%s (box)", step);
    } else {
        (void)execve(program->task->argv[0], program->task->argv, program->task->envp);
        (void)err_errno(&err, -errno, "execute %s", program->task->argv[0]);
    }
    /* Before set_descriptors() the error pipe has its old number only, afterwards the new one only. */
    r = fd_write_all(PROGRAM_FD_ERROR, &err, sizeof err);
    if (r < 0)
        r = fd_write_all(program->error_fd, &err, sizeof err);
    _exit(r < 0 ? 126 : 127);
}

int task_start(struct task *task, int seccomp_fd, pid_t *pid, int *error_fd, struct err *err)
{
    struct program program = {
        .task = task, .confine = {.file_bytes = task->job.file_bytes, .open_files = task->job.open_files}};
    int pipe_fds[2];
    int r = confine_load_filter(&program.confine.filter, seccomp_fd, err);
    pid_t child;

    if (r < 0)
        return r;
    if (pipe2(pipe_fds, O_CLOEXEC) < 0)
        return err_errno(err, -errno, "pipe");
    program.error_fd = pipe_fds[1];
    child = fork();
    if (child == 0)
        program_run(&program);
    r = child < 0 ? -errno : 0;
    (void)close(pipe_fds[1]);
    task_close_stdio(task);
    if (r < 0) {
        (void)close(pipe_fds[0]);
        return err_errno(err, r, "fork");
    }
    *pid = child;
    *error_fd = pipe_fds[0];
    return 0;
}
