#include "boxd/zygote.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/sched.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/syscall.h>

#include "base/fd.h"
#include "box/setup.h"
#include "wire/wire.h"

enum { FD_INIT = ZYGOTE_FD_CONTROL + 1 };

/* Of boxd's, stdio stays and these two: by way of high numbers, so that neither takes the other's place. */
static int settle_descriptors(int control, int init_fd)
{
    int high_control = fcntl(control, F_DUPFD_CLOEXEC, 64), high_init = fcntl(init_fd, F_DUPFD_CLOEXEC, 64);

    if (high_control < 0 || high_init < 0 || dup2(high_control, ZYGOTE_FD_CONTROL) < 0 ||
        dup3(high_init, FD_INIT, O_CLOEXEC) < 0)
        return -errno;
    return syscall(SYS_close_range, FD_INIT + 1, ~0U, 0) < 0 ? -errno : 0;
}

/* Returns with an error only. */
static int become_plain(struct err *err)
{
    char *argv[] = {(char *)"glimpse-init", NULL}, *envp[] = {NULL};

    (void)syscall(SYS_execveat, FD_INIT, "", argv, envp, AT_EMPTY_PATH);
    return err_errno(err, -errno, "execute glimpse-init");
}

static _Noreturn void zygote_main(int control, const struct zygote_config *config)
{
    struct wire_failed failed;
    struct err err = {0};
    int r = prctl(PR_SET_PDEATHSIG, SIGKILL) < 0 ? -errno : settle_descriptors(control, config->init_fd);

    if (r < 0)
        r = err_errno(&err, r, "zygote: descriptors");
    else
        r = rootfs_enter(config->binds, config->n_binds, &err);
    if (r == 0)
        r = config->argv != NULL ? interpreter_exec(ZYGOTE_FD_CONTROL, config, &err) : become_plain(&err);
    failed = wire_failed(WIRE_FAILED, 0, &err);
    _exit(fd_send_packet(ZYGOTE_FD_CONTROL, &failed, sizeof failed, NULL, 0) < 0 ? 2 : 1);
}

int zygote_start(int *ret_socket, int *ret_pidfd, const struct zygote_config *config, struct err *err)
{
    CLEANUP(closep) int ours = -1;
    CLEANUP(closep) int theirs = -1;
    int pair[2], pidfd = -1, r;
    struct clone_args args = {
        .flags = CLONE_PIDFD, .pidfd = (uint64_t)(uintptr_t)&pidfd, .exit_signal = SIGCHLD};
    pid_t pid;

    if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, pair) < 0)
        return err_errno(err, -errno, "socketpair");
    ours = pair[0];
    theirs = pair[1];
    r = fd_set_nonblock(ours, true);
    if (r < 0)
        return err_errno(err, r, "control socket");
    pid = (pid_t)syscall(SYS_clone3, &args, sizeof args);
    if (pid < 0)
        return err_errno(err, -errno, "clone3 for the zygote");
    if (pid == 0)
        zygote_main(theirs, config);
    *ret_socket = TAKE_FD(ours);
    *ret_pidfd = pidfd;
    return 0;
}
