#include "init/terminal.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <sys/ioctl.h>
#include <termios.h>
#include <unistd.h>

#include "base/fd.h"
#include "box/setup.h"

/* Raw: programs flush it by the line, as for a person, so both outputs come in the order of writing; and it changes no
 * byte. Otherwise as the kernel makes it: lines are edited and echoed, Ctrl-C is SIGINT; and what is erased of a line
 * are characters, not bytes. */
static int set_up(int slave, const struct wire_job *job)
{
    const bool raw = (job->flags & WIRE_JOB_MERGED) != 0;
    const struct winsize size = {.ws_row = raw ? 24 : job->rows, .ws_col = raw ? 80 : job->columns};
    struct termios modes;

    if (tcgetattr(slave, &modes) < 0)
        return -errno;
    if (raw)
        cfmakeraw(&modes);
    else
        modes.c_iflag |= IUTF8;
    return tcsetattr(slave, TCSANOW, &modes) < 0 || ioctl(slave, TIOCSWINSZ, &size) < 0 ? -errno : 0;
}

/* O_NOCTTY: init leads no session that could take it, and shall not; the program does. */
static int open_pair(int *master, int *slave)
{
    int unlock = 0;

    *master = open("/dev/pts/ptmx", O_RDWR | O_NOCTTY | O_CLOEXEC);
    if (*master < 0 || ioctl(*master, TIOCSPTLCK, &unlock) < 0)
        return -errno;
    *slave = ioctl(*master, TIOCGPTPEER, O_RDWR | O_NOCTTY | O_CLOEXEC);
    return *slave < 0 ? -errno : 0;
}

static int report(const struct task *task, int master)
{
    struct wire_plain terminal = {.head = wire_head(WIRE_TERMINAL, task->job.head.id)};

    return fd_send_packet(BOX_FD_JOB, &terminal, sizeof terminal, &master, 1);
}

int terminal_open(struct task *task, int *master, struct err *err)
{
    CLEANUP(closep) int fd = -1;
    CLEANUP(closep) int slave = -1;
    int r;

    *master = -1;
    if ((task->job.flags & (WIRE_JOB_MERGED | WIRE_JOB_TERMINAL)) == 0)
        return 0;
    r = open_pair(&fd, &slave);
    if (r == 0)
        r = set_up(slave, &task->job);
    for (int i = (task->job.flags & WIRE_JOB_TERMINAL) != 0 ? 0 : 1; r == 0 && i <= 2; i++) {
        closep(&task->stdio[i]);
        task->stdio[i] = fcntl(slave, F_DUPFD_CLOEXEC, 3);
        r = task->stdio[i] < 0 ? -errno : 0;
    }
    if (r == 0)
        r = report(task, fd);
    if (r < 0)
        return err_errno(err, r, "terminal");
    if ((task->job.flags & WIRE_JOB_TERMINAL) != 0)
        *master = TAKE_FD(fd);
    return 0;
}

int terminal_take_control(void)
{
    return ioctl(STDIN_FILENO, TIOCSCTTY, 0) < 0 ? -errno : 0;
}

void terminal_signal(int master, pid_t pid, int signal)
{
    pid_t group = 0;

    /* The program decides which group that is: one of its own session, the kernel sees to that. 0 where there is none
     * any more, and 1 cannot be: both would mean another group to kill(2), or everybody. */
    if (master >= 0 && (ioctl(master, TIOCGPGRP, &group) < 0 || group <= 1))
        group = 0;
    /* It leads no group before its setsid(). */
    if (kill(-(group > 1 ? group : pid), signal) < 0 && errno == ESRCH)
        (void)kill(pid, signal);
}
