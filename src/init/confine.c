#include "init/confine.h"

#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <linux/seccomp.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "base/fd.h"
#include "box/caps.h"
#include "box/seccomp.h"
#include "box/setup.h"

/* Above init's, so that memory_limit takes the program and leaves who reports it. */
static int step_oom_score(const struct confine *confine)
{
    (void)confine;
    return fd_write_file_at(AT_FDCWD, "/proc/self/oom_score_adj", "1000");
}

int confine_set_rlimit(int resource, uint64_t value)
{
    struct rlimit now, wanted = {value, value};

    if (getrlimit((__rlimit_resource_t)resource, &now) < 0)
        return -errno;
    if (now.rlim_max < wanted.rlim_max) /* raising takes CAP_SYS_RESOURCE on the host */
        wanted.rlim_cur = wanted.rlim_max = now.rlim_max;
    return setrlimit((__rlimit_resource_t)resource, &wanted) < 0 ? -errno : 0;
}

/* Never RLIMIT_AS, _DATA or _NPROC: they break JVM, Go and numpy; the cgroup holds memory and processes. */
static int step_rlimits(const struct confine *confine)
{
    const struct {
        int resource;
        uint64_t value;
    } limits[] = {{RLIMIT_FSIZE, confine->file_bytes},
                  {RLIMIT_NOFILE, confine->open_files},
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
    int r = 0;

    for (size_t i = 0; r == 0 && i < COUNT_OF(limits); i++)
        r = confine_set_rlimit(limits[i].resource, limits[i].value);
    return r;
}

static int step_work_dir(const struct confine *confine)
{
    (void)confine;
    return chdir("/box") < 0 ? -errno : 0;
}

/* From uid 0 to another: the kernel clears all capability sets. Checked in the next step. */
static int step_ids(const struct confine *confine)
{
    uid_t r, e, s;
    gid_t gr, ge, gs;

    (void)confine;
    if (setgroups(0, NULL) < 0 || setresgid(BOX_UID_PROGRAM, BOX_UID_PROGRAM, BOX_UID_PROGRAM) < 0 ||
        setresuid(BOX_UID_PROGRAM, BOX_UID_PROGRAM, BOX_UID_PROGRAM) < 0)
        return -errno;
    if (getresuid(&r, &e, &s) < 0 || getresgid(&gr, &ge, &gs) < 0)
        return -errno;
    if (r != BOX_UID_PROGRAM || e != r || s != r || gr != BOX_UID_PROGRAM || ge != gr || gs != gr)
        return -EPERM;
    return getgroups(0, NULL) == 0 && setuid(0) < 0 ? 0 : -EPERM;
}

static int step_capabilities(const struct confine *confine)
{
    (void)confine;
    return caps_keep_only(0);
}

/* init set it for itself already; the filter below needs it, so it is read and not assumed. */
static int step_no_new_privs(const struct confine *confine)
{
    (void)confine;
    if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) < 0)
        return -errno;
    return prctl(PR_GET_NO_NEW_PRIVS, 0, 0, 0, 0) == 1 ? 0 : -EPERM;
}

static int step_seccomp(const struct confine *confine)
{
    if (confine->filter.len == 0) /* the operator allowed this layer to be missing */
        return 0;
    return syscall(SYS_seccomp, SECCOMP_SET_MODE_FILTER, 0, &confine->filter) < 0 ? -errno : 0;
}

/* clang-format off */
static const struct {
    const char *name;
    int (*run)(const struct confine *confine); /* 0 or a negative errno */
} confine_steps[] = {
    {"oom score",         step_oom_score},
    {"rlimits",           step_rlimits},
    {"work folder",       step_work_dir},
    {"groups and uid",    step_ids},
    {"capabilities",      step_capabilities},
    {"no new privileges", step_no_new_privs},
    {"seccomp",           step_seccomp},
};
/* clang-format on */

int confine_self(const struct confine *confine, const char **step)
{
    int r = 0;

    for (size_t i = 0; r == 0 && i < COUNT_OF(confine_steps); i++) {
        *step = confine_steps[i].name;
        r = confine_steps[i].run(confine);
    }
    return r;
}

int confine_load_filter(struct sock_fprog *ret, int seccomp_fd, struct err *err)
{
    static struct sock_filter instructions[SECCOMP_MAX_INSTRUCTIONS];
    ssize_t n = pread(seccomp_fd, instructions, sizeof instructions, 0);

    if (n < 0 || (size_t)n % sizeof instructions[0] != 0)
        return err_set(err, -EIO, "reading the seccomp filter");
    *ret = (struct sock_fprog){.len = (unsigned short)((size_t)n / sizeof instructions[0]), .filter = instructions};
    return 0;
}
