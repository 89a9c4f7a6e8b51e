#include "box/layers.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/capability.h>
#include <linux/openat2.h>
#include <linux/seccomp.h>
#include <linux/securebits.h>
#include <sched.h>
#include <string.h>
#include <strings.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/wait.h>

#include "base/fd.h"
#include "box/caps.h"
#include "box/rootfs.h"
#include "box/seccomp.h"

/* clang-format off */
const struct layer_info layer_table[N_LAYERS] = {
    [LAYER_USER_NS]     = {"user-namespace", "box root is an unprivileged uid of the host",
                           "sysctl user.max_user_namespaces > 0, and start glimpse-boxd as root", false, CLONE_NEWUSER},
    [LAYER_PID_NS]      = {"pid-namespace", "a box sees and signals its own processes only, and dies as a whole",
                           "needs a kernel with CONFIG_PID_NS, and root", false, CLONE_NEWPID},
    [LAYER_MOUNT_NS]    = {"mount-namespace", "a box has its own tree of mounts",
                           "needs root (CAP_SYS_ADMIN)", false, CLONE_NEWNS},
    [LAYER_NETWORK_NS]  = {"network-namespace", "no network but the box's own loopback",
                           "needs a kernel with CONFIG_NET_NS; sysctl user.max_net_namespaces > 0", true, CLONE_NEWNET},
    [LAYER_IPC_NS]      = {"ipc-namespace", "no shared memory, semaphores or queues across boxes",
                           "needs a kernel with CONFIG_IPC_NS", true, CLONE_NEWIPC},
    [LAYER_UTS_NS]      = {"uts-namespace", "the host's name is hidden", "needs a kernel with CONFIG_UTS_NS", true, CLONE_NEWUTS},
    [LAYER_CGROUP_NS]   = {"cgroup-namespace", "the host's cgroup paths are hidden",
                           "needs a kernel with CONFIG_CGROUPS", true, CLONE_NEWCGROUP},
    [LAYER_ROOT]        = {"root", "read-only root made of detached mounts; nothing else of the host's files",
                           "needs Linux 5.12 (mount_setattr), and no AppArmor or SELinux rule against mounting", false, 0},
    [LAYER_MEMORY]      = {"memory", "a limit on all memory of a box, and its peak",
                           "mount the memory controller (v1: boot with cgroup_enable=memory), or start by systemd with Delegate=yes", true, 0},
    [LAYER_SWAP]        = {"swap", "a box can't use swap beyond its memory limit",
                           "v1: boot with swapaccount=1; or turn swap off (swapoff -a)", true, 0},
    [LAYER_PIDS]        = {"processes", "a limit on processes and threads of a box",
                           "mount the pids controller, or start by systemd with Delegate=yes", true, 0},
    [LAYER_CPU]         = {"cpu", "CPU time of all processes of a box is counted; boxes share CPUs fairly",
                           "mount the cpu and cpuacct controllers, or start by systemd with Delegate=yes", true, 0},
    [LAYER_SECCOMP]     = {"seccomp", "system calls that a program has no business with are refused",
                           "needs a kernel with CONFIG_SECCOMP_FILTER", true, 0},
    [LAYER_PRIVILEGES]  = {"privileges", "no capabilities, no_new_privs, no setuid files",
                           "start glimpse-boxd as root, with CAP_SYS_ADMIN, CAP_SETUID, CAP_SETGID, CAP_SETPCAP, CAP_KILL, CAP_CHOWN, "
                           "CAP_MKNOD, CAP_SYS_CHROOT and CAP_SYS_PTRACE", false, 0},
    [LAYER_DESCRIPTORS] = {"descriptors", "nothing that is open leaks into a box", "needs Linux 5.9 (close_range)", false, 0},
};
/* clang-format on */

/* ---- Probes: each runs in a child of its own, where it may change what it likes ---- */

static int probe_namespace(uint64_t flag)
{
    return unshare((int)flag) < 0 ? -errno : 0;
}

/* What rootfs_enter() needs, on a folder that every host has. */
static int probe_root(void)
{
    CLEANUP(closep) int fd = -1;
    struct err err;

    if (rootfs_enter((const struct rootfs_bind[]){{"/usr", "/usr"}}, 1, &err) < 0)
        return err.code;
    fd = open("/new/usr/probe", O_WRONLY | O_CREAT | O_CLOEXEC, 0600);
    return fd >= 0 ? -EIO : errno == EROFS ? 0 : -errno;
}

static int probe_seccomp(void)
{
    uint32_t action = SECCOMP_RET_ERRNO;
    CLEANUP(closep) int fd = -1;
    struct err err;

    if (syscall(SYS_seccomp, SECCOMP_GET_ACTION_AVAIL, 0, &action) < 0)
        return -errno;
    return seccomp_build(&fd, &err);
}

/* packaging/systemd/glimpse-boxd.service says what for. */
#define BOXD_CAPS                                                                                                      \
    (CAP_BIT(CAP_SYS_ADMIN) | CAP_BIT(CAP_SETUID) | CAP_BIT(CAP_SETGID) | CAP_BIT(CAP_SETPCAP) | CAP_BIT(CAP_KILL) |   \
     CAP_BIT(CAP_CHOWN) | CAP_BIT(CAP_MKNOD) | CAP_BIT(CAP_SYS_CHROOT) | CAP_BIT(CAP_SYS_PTRACE))

static int probe_privileges(void)
{
    int r = geteuid() != 0 ? -EPERM : caps_check(BOXD_CAPS);

    if (r < 0)
        return r;
    if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) < 0 || prctl(PR_GET_NO_NEW_PRIVS, 0, 0, 0, 0) != 1)
        return -errno;
    /* boxd/zygote.c takes a box's uid for a moment without losing its capabilities. */
    return prctl(PR_SET_SECUREBITS, SECBIT_NO_SETUID_FIXUP) < 0 ? -errno : 0;
}

static int probe_descriptors(void)
{
    struct open_how how = {.flags = O_RDONLY | O_CLOEXEC, .resolve = RESOLVE_BENEATH};

    if (syscall(SYS_close_range, 100, ~0U, 0) < 0)
        return -errno;
    return syscall(SYS_openat2, AT_FDCWD, "..", &how, sizeof how) < 0 && errno == EXDEV ? 0 : -ENOSYS;
}

static int run_probe(enum layer layer)
{
    if (layer_table[layer].clone_flag != 0)
        return probe_namespace(layer_table[layer].clone_flag);
    if (layer == LAYER_ROOT)
        return probe_root();
    if (layer == LAYER_SECCOMP)
        return probe_seccomp();
    return layer == LAYER_PRIVILEGES ? probe_privileges() : probe_descriptors();
}

/* The child's exit status is the errno. */
static int probe_in_child(enum layer layer)
{
    pid_t pid = fork();
    int status;

    if (pid < 0)
        return -errno;
    if (pid == 0) {
        int r = run_probe(layer);

        _exit(r < 0 && r > -255 ? -r : 0);
    }
    while (waitpid(pid, &status, 0) < 0)
        if (errno != EINTR)
            return -errno;
    return WIFEXITED(status) ? -WEXITSTATUS(status) : -EIO;
}

static int probe_controller(enum layer layer, const struct cgroups *cgroups)
{
    if (layer == LAYER_SWAP)
        return cgroups_limits_swap(cgroups) ? 0 : -ENOTSUP;
    if (layer == LAYER_CPU)
        return cgroups_has(cgroups, CGROUP_CPU) && cgroups_has(cgroups, CGROUP_CPUACCT) ? 0 : -ENOTSUP;
    return cgroups_has(cgroups, layer == LAYER_MEMORY ? CGROUP_MEMORY : CGROUP_PIDS) ? 0 : -ENOTSUP;
}

static bool is_controller(enum layer layer)
{
    return layer == LAYER_MEMORY || layer == LAYER_SWAP || layer == LAYER_PIDS || layer == LAYER_CPU;
}

/* ---- The whole ---- */

static int note_allowed(struct layer_state states[N_LAYERS], const struct strings *names, struct err *err)
{
    for (size_t i = 0; i < names->n; i++) {
        size_t layer = 0;

        while (layer < N_LAYERS && strcasecmp(layer_table[layer].name, names->at[i]) != 0)
            layer++;
        if (layer == N_LAYERS)
            return err_set(err, -EINVAL, "allow_missing: '%s' is no layer; `glimpse doctor` lists them", names->at[i]);
        if (!layer_table[layer].can_be_missing)
            return err_set(err, -EINVAL, "allow_missing: boxes can't be made without '%s'", names->at[i]);
        states[layer].allowed_missing = true;
    }
    return 0;
}

int layers_check(struct layer_state states[N_LAYERS], const struct cgroups *cgroups, const struct err *cgroup_err,
                 const struct strings *allow_missing, struct err *err)
{
    memset(states, 0, N_LAYERS * sizeof *states);
    for (enum layer layer = 0; layer < N_LAYERS; layer++) {
        struct layer_state *state = &states[layer];
        int r;

        if (is_controller(layer) && cgroups == NULL) {
            state->why = *cgroup_err;
            continue;
        }
        r = is_controller(layer) ? probe_controller(layer, cgroups) : probe_in_child(layer);
        state->there = r == 0;
        if (r < 0)
            (void)err_errno(&state->why, r, "%s", layer_table[layer].name);
    }
    return note_allowed(states, allow_missing, err);
}

int layers_require(const struct layer_state states[N_LAYERS], struct err *err)
{
    for (size_t i = 0; i < N_LAYERS; i++)
        if (!states[i].there && !states[i].allowed_missing)
            return err_set(err, -ENOTSUP, "isolation layer '%s' is missing (%s). Fix: %s", layer_table[i].name,
                           states[i].why.msg, layer_table[i].fix);
    return 0;
}

uint64_t layers_namespaces(const struct layer_state states[N_LAYERS])
{
    uint64_t flags = 0;

    for (size_t i = 0; i < N_LAYERS; i++)
        if (states[i].there)
            flags |= layer_table[i].clone_flag;
    return flags;
}
