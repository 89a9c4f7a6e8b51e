#include "box/setup.h"

#include <errno.h>
#include <fcntl.h>
#include <net/if.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>

#include <grp.h>

#include "base/fd.h"

static int step_wait_for_map(const struct setup_plan *plan)
{
    char byte;

    return fd_read_full(plan->mapped_fd, &byte, 1) == 1 ? 0 : -ESRCH; /* the zygote is gone */
}

static int step_cgroup(const struct setup_plan *plan)
{
    return cgroup_enter(plan->entry_fds, plan->n_entries);
}

/* Box root. From here on the host sees an unprivileged uid. The zygote's groups must not come along. */
static int step_ids(const struct setup_plan *plan)
{
    uid_t r, e, s;

    (void)plan;
    if (setgroups(0, NULL) < 0 || setresgid(BOX_UID_INIT, BOX_UID_INIT, BOX_UID_INIT) < 0 ||
        setresuid(BOX_UID_INIT, BOX_UID_INIT, BOX_UID_INIT) < 0)
        return -errno;
    if (getresuid(&r, &e, &s) < 0 || r != BOX_UID_INIT || e != BOX_UID_INIT || s != BOX_UID_INIT)
        return -EPERM;
    return getgroups(0, NULL) == 0 ? 0 : -EPERM;
}

/* Not among clone3()'s flags: a cgroup namespace's root is the group that the process is in when it
 * is made, and we enter ours only after the clone. */
static int step_cgroup_namespace(const struct setup_plan *plan)
{
    if ((plan->spawn.namespaces & CLONE_NEWCGROUP) == 0)
        return 0;
    return unshare(CLONE_NEWCGROUP) < 0 ? -errno : 0;
}

/* Mounts that came with the copied namespace are locked together, and pivot_root() refuses a locked one
 * (mount_namespaces(7)). A recursive bind of the same tree is ours. */
static int step_own_root(const struct setup_plan *plan)
{
    (void)plan;
    return mount("/new", "/new", NULL, MS_BIND | MS_REC, NULL) < 0 ? -errno : 0;
}

/* One tmpfs for everything that the program can write, so that one size and one inode limit hold. Its own root
 * ends up below /tmp's mount, out of reach. */
static int step_files(const struct setup_plan *plan)
{
    static const struct {
        const char *folder, *place;
        mode_t mode;
        uid_t owner;
    } parts[] = {{"/new/tmp/box", "/new/box", 0755, BOX_UID_PROGRAM},
                 {"/new/tmp/shm", "/new/dev/shm", 01777, BOX_UID_INIT},
                 {"/new/tmp/tmp", "/new/tmp", 01777, BOX_UID_INIT}};
    char options[64];

    (void)plan;
    (void)snprintf(options, sizeof options, "size=%u,nr_inodes=%u,mode=0755", BOX_TMPFS_BYTES, BOX_TMPFS_INODES);
    if (mount("tmpfs", "/new/tmp", "tmpfs", MS_NOSUID | MS_NODEV, options) < 0)
        return -errno;
    for (size_t i = 0; i < COUNT_OF(parts); i++)
        /* mkdir is subject to the umask. The owner last: to change what is another's takes CAP_FOWNER, and boxd's unit
         * does not give it to an interpreter's start. */
        if (mkdir(parts[i].folder, parts[i].mode) < 0 || chmod(parts[i].folder, parts[i].mode) < 0 ||
            chown(parts[i].folder, parts[i].owner, parts[i].owner) < 0 ||
            mount(parts[i].folder, parts[i].place, NULL, MS_BIND, NULL) < 0)
            return -errno;
    return 0;
}

/* hidepid=2: the program sees its own processes only, not init. */
static int step_proc(const struct setup_plan *plan)
{
    (void)plan;
    if (mount("proc", "/new/proc", "proc", MS_NOSUID | MS_NODEV | MS_NOEXEC, "hidepid=2") < 0)
        return -errno;
    /* Counted per user namespace: in this one nobody makes another, whatever the filter says. */
    return fd_write_file_at(AT_FDCWD, "/new/proc/sys/user/max_user_namespaces", "0");
}

static int step_proc_masks(const struct setup_plan *plan)
{
    char path[96];

    for (size_t i = 0; i < plan->masks->n; i++) {
        (void)snprintf(path, sizeof path, "/new/proc/%s", plan->masks->at[i].name);
        if (mount(plan->masks->at[i].is_dir ? "/new/var/empty" : "/new/dev/null", path, NULL, MS_BIND, NULL) < 0 &&
            errno != ENOENT) /* it went away with a module since the zygote looked */
            return -errno;
    }
    if (mount("/new/proc/sys", "/new/proc/sys", NULL, MS_BIND, NULL) < 0 ||
        mount(NULL, "/new/proc/sys", NULL, MS_BIND | MS_REMOUNT | MS_RDONLY | MS_NOSUID | MS_NODEV | MS_NOEXEC,
              NULL) < 0)
        return -errno;
    return 0;
}

/* max: terminals are counted over the whole host (kernel.pty.max, 4096), and one box could take them all. */
static int step_terminals(const struct setup_plan *plan)
{
    /* uid: what init opens for the program's output is the program's, by name too (/dev/stdout). */
    static const char options[] = "newinstance,ptmxmode=0666,mode=0620,max=16,uid=1000";

    (void)plan;
    return mount("devpts", "/new/dev/pts", "devpts", MS_NOSUID | MS_NOEXEC, options) < 0 ? -errno : 0;
}

/* With "." twice the old root ends up on top of the new one and is taken off: pivot_root(2), NOTES. */
static int step_pivot(const struct setup_plan *plan)
{
    (void)plan;
    if (chdir("/new") < 0 || syscall(SYS_pivot_root, ".", ".") < 0 || umount2(".", MNT_DETACH) < 0)
        return -errno;
    return chdir("/") < 0 ? -errno : 0;
}

static int step_host_name(const struct setup_plan *plan)
{
    if ((plan->spawn.namespaces & CLONE_NEWUTS) == 0)
        return 0;
    return sethostname("box", 3) < 0 || setdomainname("", 0) < 0 ? -errno : 0;
}

/* A new network namespace has a loopback that is down: netdevice(7). */
static int step_loopback(const struct setup_plan *plan)
{
    struct ifreq lo = {.ifr_name = "lo", .ifr_flags = IFF_UP | IFF_RUNNING};
    CLEANUP(closep) int fd = -1;

    if ((plan->spawn.namespaces & CLONE_NEWNET) == 0)
        return 0;
    fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
    return fd < 0 || ioctl(fd, SIOCSIFFLAGS, &lo) < 0 ? -errno : 0;
}

/* Our parent is boxd itself (CLONE_PARENT). Changing uid clears this signal, so it comes after step_ids. */
static int step_die_with_boxd(const struct setup_plan *plan)
{
    (void)plan;
    return prctl(PR_SET_PDEATHSIG, SIGKILL) < 0 ? -errno : 0;
}

/* They were received above the numbers that they move to, or a dup2() here would close one that is still needed: this
 * is checked. What is not named is closed. */
static int step_descriptors(const struct setup_plan *plan)
{
    if (plan->job_fd <= BOX_FD_LEASH || plan->seccomp_fd <= BOX_FD_LEASH || plan->leash_fd <= BOX_FD_LEASH)
        return -EBADF;
    for (int fd = 0; fd <= 2; fd++) {
        CLEANUP(closep) int null = open("/dev/null", O_RDWR | O_CLOEXEC);

        if (null < 0 || dup2(null, fd) < 0)
            return -errno;
    }
    if (dup2(plan->job_fd, BOX_FD_JOB) < 0 || dup2(plan->seccomp_fd, BOX_FD_SECCOMP) < 0 ||
        dup2(plan->leash_fd, BOX_FD_LEASH) < 0)
        return -errno;
    return syscall(SYS_close_range, BOX_FD_LEASH + 1, ~0U, 0) < 0 ? -errno : 0;
}

static int step_name(const struct setup_plan *plan)
{
    (void)plan;
    return prctl(PR_SET_NAME, "glimpse-init") < 0 ? -errno : 0;
}

/* clang-format off */
static const struct {
    const char *name;
    int (*run)(const struct setup_plan *plan); /* 0 or a negative errno */
} setup_steps[] = {
    {"wait for the uid map", step_wait_for_map},
    {"cgroup",               step_cgroup},
    {"box root's ids",       step_ids},
    {"cgroup namespace",     step_cgroup_namespace},
    {"own root",             step_own_root},
    {"writable files",       step_files},
    {"proc",                 step_proc},
    {"proc masks",           step_proc_masks},
    {"terminals",            step_terminals},
    {"pivot root",           step_pivot},
    {"host name",            step_host_name},
    {"loopback",             step_loopback},
    {"die with boxd",        step_die_with_boxd},
    {"descriptors",          step_descriptors},
    {"name",                 step_name},
};
/* clang-format on */

_Noreturn void setup_run(const struct setup_plan *plan)
{
    for (size_t i = 0; i < COUNT_OF(setup_steps); i++) {
        int r = setup_steps[i].run(plan);

        if (r < 0) {
            struct err err;
            struct wire_failed failed;

            (void)err_errno(&err, r, "box setup: %s", setup_steps[i].name);
            failed = wire_failed(WIRE_FAILED, plan->spawn.head.id, &err);
            /* The descriptors may have moved already: the job socket then has its final number. */
            if (fd_send_packet(plan->job_fd, &failed, sizeof failed, NULL, 0) < 0 &&
                fd_send_packet(BOX_FD_JOB, &failed, sizeof failed, NULL, 0) < 0)
                _exit(2); /* nobody listens; the exit alone tells boxd that the box failed */
            _exit(1);
        }
    }
    plan->become_init();
}

/* For an interpreter's start only, which reads what every start reads, such as its own name: it takes this off
 * before it serves. It is of boxd's pid namespace: forks could not enter their boxes' from one beside them. */
static int step_host_proc(const struct setup_plan *plan)
{
    (void)plan;
    return mount("proc", "/new/proc", "proc", MS_NOSUID | MS_NODEV | MS_NOEXEC, "hidepid=2") < 0 ? -errno : 0;
}

int setup_enter_root(struct err *err)
{
    static int (*const steps[])(const struct setup_plan *plan) = {step_own_root, step_files, step_host_proc,
                                                                 step_pivot};
    int r = 0;

    for (size_t i = 0; r == 0 && i < COUNT_OF(steps); i++)
        r = steps[i](NULL);
    if (r == 0 && chdir("/box") < 0)
        r = -errno;
    return r < 0 ? err_errno(err, r, "root of an interpreter") : 0;
}
