#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "base/fd.h"
#include "box/caps.h"
#include "init/confine.h"
#include "init/zygote.h"

/* What no job may have more of; a job's own limits, which are lower, come with it (zygote_job.c). */
enum { FILE_BYTES_MAX = 512 << 20, OPEN_FILES_MAX = 4096 };

/*
 * By the pidfd of the box's init, all at once: in each of them, or in none (setns(2)). The pid namespace is entered
 * already. From here on this process has every capability in the box's user namespace, and none outside.
 */
static int step_namespaces(const struct wire_spawn *enter, const int *fds)
{
    return setns(fds[0], (int)(enter->namespaces & ~(uint64_t)CLONE_NEWPID)) < 0 ? -errno : 0;
}

/* The host's root has no name in the box. As its root, becoming the program's uid costs all capabilities: that is
 * how capabilities(7) has it, and what confine.h counts on. */
static int step_box_root(const struct wire_spawn *enter, const int *fds)
{
    (void)enter;
    (void)fds;
    return setresgid(BOX_UID_INIT, BOX_UID_INIT, BOX_UID_INIT) < 0 ||
                   setresuid(BOX_UID_INIT, BOX_UID_INIT, BOX_UID_INIT) < 0
               ? -errno
               : 0;
}

/* Entering a user namespace fills it. */
static int step_bounding_set(const struct wire_spawn *enter, const int *fds)
{
    (void)enter;
    (void)fds;
    return caps_drop_bounding(0);
}

/* Of the zygote's nothing stays, least of all the control socket: a worker may not speak to boxd. */
static int step_descriptors(const struct wire_spawn *enter, const int *fds)
{
    CLEANUP(closep) int null = open("/dev/null", O_RDWR | O_CLOEXEC);

    (void)enter;
    (void)fds;
    for (int fd = 0; fd <= 2; fd++)
        if (null < 0 || dup2(null, fd) < 0)
            return -errno;
    return syscall(SYS_close_range, 3, ZYGOTE_FD_WORKER - 1, 0) < 0 ||
                   syscall(SYS_close_range, ZYGOTE_FD_WORKER + 1, ~0U, 0) < 0
               ? -errno
               : 0;
}

/* Handlers stay: they are the interpreter's, as when it is started by itself. */
static int step_signals(const struct wire_spawn *enter, const int *fds)
{
    sigset_t none;

    (void)enter;
    (void)fds;
    (void)sigemptyset(&none);
    return setsid() < 0 || sigprocmask(SIG_SETMASK, &none, NULL) < 0 ? -errno : 0;
}

/* Changing ids clears it, and without it a process can't write, and later its program not even read, its own
 * /proc/self. Whoever could trace it so is in this box, and is not there yet. */
static int step_dumpable(const struct wire_spawn *enter, const int *fds)
{
    (void)enter;
    (void)fds;
    return prctl(PR_SET_DUMPABLE, 1, 0, 0, 0) < 0 ? -errno : 0;
}

/* clang-format off */
static const struct {
    const char *name;
    int (*run)(const struct wire_spawn *enter, const int *fds); /* 0 or a negative errno */
} enter_steps[] = {
    {"namespaces",          step_namespaces},
    {"box root's ids",      step_box_root},
    {"bounding set",        step_bounding_set},
    {"descriptors",         step_descriptors},
    {"session and signals", step_signals},
    {"dumpable",            step_dumpable},
};
/* clang-format on */

int zygote_enter(const struct wire_spawn *enter, const int *fds, struct err *err)
{
    struct confine confine = {.file_bytes = FILE_BYTES_MAX, .open_files = OPEN_FILES_MAX};
    const char *step = "filter";
    int r;

    if (dup3(fds[1], ZYGOTE_FD_WORKER, O_CLOEXEC) < 0) /* from here on init can be told what went wrong */
        return err_errno(err, -errno, "forked interpreter: socket");
    r = confine_load_filter(&confine.filter, fds[2], err);
    if (r < 0)
        return r;
    for (size_t i = 0; r == 0 && i < COUNT_OF(enter_steps); i++) {
        step = enter_steps[i].name;
        r = enter_steps[i].run(enter, fds);
    }
    if (r == 0)
        r = confine_self(&confine, &step);
    if (r == 0) {
        step = "dumpable";
        r = step_dumpable(enter, fds);
    }
    return r < 0 ? err_errno(err, r, "forked interpreter: %s", step) : 0;
}
