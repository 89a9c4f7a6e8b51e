/* program: from init's child to the untrusted program. The list of steps is the point where privilege ends. */
#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/ioctl.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <termios.h>

#include "base/fd.h"
#include "box/caps.h"
#include "box/seccomp.h"
#include "box/setup.h"
#include "init/task.h"

enum { PROGRAM_FD_ERROR = 3 }; /* close-on-exec: the one descriptor besides stdio, gone once it runs */

struct program {
    const struct task *task;
    int seccomp_fd, error_fd;
    struct sock_fprog filter;
};

/* A session of its own, so that a signal to its group reaches nobody else; no controlling terminal. */
static int step_session(const struct program *program)
{
    (void)program;
    return setsid() < 0 ? -errno : 0;
}

static int step_signals(const struct program *program)
{
    struct sigaction plain = {.sa_handler = SIG_DFL};
    sigset_t none;

    (void)program;
    for (int sig = 1; sig < NSIG; sig++)
        (void)sigaction(sig, &plain, NULL); /* EINVAL for SIGKILL, SIGSTOP and libc's own: fine */
    (void)sigemptyset(&none);
    return sigprocmask(SIG_SETMASK, &none, NULL) < 0 ? -errno : 0;
}

static int step_descriptors(const struct program *program)
{
    for (int fd = 0; fd <= 2; fd++)
        if (dup2(program->task->stdio[fd], fd) < 0)
            return -errno;
    if (dup3(program->error_fd, PROGRAM_FD_ERROR, O_CLOEXEC) < 0)
        return -errno;
    return syscall(SYS_close_range, PROGRAM_FD_ERROR + 1, ~0U, 0) < 0 ? -errno : 0;
}

/* Above init's, so that memory_limit takes the program and leaves who reports it. */
static int step_oom_score(const struct program *program)
{
    (void)program;
    return fd_write_file_at(AT_FDCWD, "/proc/self/oom_score_adj", "1000");
}

/* Never RLIMIT_AS, _DATA or _NPROC: they break JVM, Go and numpy; the cgroup holds memory and processes. */
static int step_rlimits(const struct program *program)
{
    const struct {
        int resource;
        rlim_t value;
    } limits[] = {{RLIMIT_FSIZE, program->task->job.file_bytes},
                  {RLIMIT_NOFILE, program->task->job.open_files},
                  /* Not 0: where the host pipes cores to a handler (apport, systemd-coredump), the kernel
                   * ignores a limit of 0 and starts the handler, as root, on the host. 1 is the value that it
                   * never dumps for: core(5). */
                  {RLIMIT_CORE, 1},
                  {RLIMIT_STACK, 64u << 20},
                  {RLIMIT_MEMLOCK, 64u << 10},
                  {RLIMIT_SIGPENDING, 1024},
                  {RLIMIT_MSGQUEUE, 819200},
                  {RLIMIT_NICE, 0},
                  {RLIMIT_RTPRIO, 0}};

    for (size_t i = 0; i < COUNT_OF(limits); i++) {
        struct rlimit now, wanted = {limits[i].value, limits[i].value};

        if (getrlimit((__rlimit_resource_t)limits[i].resource, &now) < 0)
            return -errno;
        if (now.rlim_max < wanted.rlim_max) /* only ever down: raising takes CAP_SYS_RESOURCE on the host */
            wanted.rlim_cur = wanted.rlim_max = now.rlim_max;
        if (setrlimit((__rlimit_resource_t)limits[i].resource, &wanted) < 0)
            return -errno;
    }
    return 0;
}

static int step_work_dir(const struct program *program)
{
    (void)program;
    return chdir("/box") < 0 ? -errno : 0;
}

/* From uid 0 to another: the kernel clears all capability sets. Checked in the next step. */
static int step_ids(const struct program *program)
{
    uid_t r, e, s;
    gid_t gr, ge, gs;

    (void)program;
    if (setgroups(0, NULL) < 0 || setresgid(BOX_UID_PROGRAM, BOX_UID_PROGRAM, BOX_UID_PROGRAM) < 0 ||
        setresuid(BOX_UID_PROGRAM, BOX_UID_PROGRAM, BOX_UID_PROGRAM) < 0)
        return -errno;
    if (getresuid(&r, &e, &s) < 0 || getresgid(&gr, &ge, &gs) < 0)
        return -errno;
    if (r != BOX_UID_PROGRAM || e != r || s != r || gr != BOX_UID_PROGRAM || ge != gr || gs != gr)
        return -EPERM;
    return getgroups(0, NULL) == 0 && setuid(0) < 0 ? 0 : -EPERM;
}

static int step_capabilities(const struct program *program)
{
    (void)program;
    return caps_keep_only(0);
}

/* init set it for itself already; the filter below needs it, so it is read and not assumed. */
static int step_no_new_privs(const struct program *program)
{
    (void)program;
    if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) < 0)
        return -errno;
    return prctl(PR_GET_NO_NEW_PRIVS, 0, 0, 0, 0) == 1 ? 0 : -EPERM;
}

static int step_seccomp(const struct program *program)
{
    if (program->filter.len == 0) /* the operator allowed this layer to be missing */
        return 0;
    return syscall(SYS_seccomp, SECCOMP_SET_MODE_FILTER, 0, &program->filter) < 0 ? -errno : 0;
}

static int step_exec(const struct program *program)
{
    (void)execve(program->task->argv[0], program->task->argv, program->task->envp);
    return -errno;
}

/* clang-format off */
static const struct {
    const char *name;
    int (*run)(const struct program *program); /* 0 or a negative errno */
} program_steps[] = {
    {"new session",       step_session},
    {"signals",           step_signals},
    {"descriptors",       step_descriptors},
    {"oom score",         step_oom_score},
    {"rlimits",           step_rlimits},
    {"work folder",       step_work_dir},
    {"groups and uid",    step_ids},
    {"capabilities",      step_capabilities},
    {"no new privileges", step_no_new_privs},
    {"seccomp",           step_seccomp},
    {"execute",           step_exec},
};
/* clang-format on */

static _Noreturn void program_run(const struct program *program)
{
    /* Before step_descriptors the error pipe has its old number, afterwards PROGRAM_FD_ERROR. */
    int error_fd = program->error_fd;

    for (size_t i = 0; i < COUNT_OF(program_steps); i++) {
        int r = program_steps[i].run(program);

        if (r < 0) {
            struct err err;

            (void)err_errno(&err, r, "%s %s", program_steps[i].name,
                            program_steps[i].run == step_exec ? program->task->argv[0] : "(box)");
            r = fd_write_all(error_fd, &err, sizeof err);
            _exit(r < 0 ? 126 : 127);
        }
        if (program_steps[i].run == step_descriptors)
            error_fd = PROGRAM_FD_ERROR;
    }
    _exit(126);
}

/* The filter's instructions, read from the sealed memfd that boxd made. An empty one means none. */
static int load_filter(int seccomp_fd, struct sock_fprog *ret, struct err *err)
{
    static struct sock_filter instructions[SECCOMP_MAX_INSTRUCTIONS];
    ssize_t n = pread(seccomp_fd, instructions, sizeof instructions, 0);

    if (n < 0 || (size_t)n % sizeof instructions[0] != 0)
        return err_set(err, -EIO, "reading the seccomp filter");
    *ret = (struct sock_fprog){.len = (unsigned short)((size_t)n / sizeof instructions[0]), .filter = instructions};
    return 0;
}

int task_start(struct task *task, int seccomp_fd, pid_t *pid, int *error_fd, struct err *err)
{
    struct program program = {.task = task, .seccomp_fd = seccomp_fd};
    int pipe_fds[2];
    int r = load_filter(seccomp_fd, &program.filter, err);
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
    for (int i = 0; i < 3; i++)
        closep(&task->stdio[i]); /* the readers must see the end when the program's copies are gone */
    if (r < 0) {
        (void)close(pipe_fds[0]);
        return err_errno(err, r, "fork");
    }
    *pid = child;
    *error_fd = pipe_fds[0];
    return 0;
}
