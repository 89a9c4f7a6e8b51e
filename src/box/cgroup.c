/* cgroup: one group's life. The files of v1 and of v2 have other names and the same meaning. */
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>

#include "base/fd.h"
#include "box/cgroup_internal.h"

#define SOCKET_BYTES ((uint64_t)16 << 20) /* v1: what one box's sockets may hold, besides its memory limit */

void cgroup_box_path(char *ret, size_t size, uint64_t serial, const char *file)
{
    (void)snprintf(ret, size, "b%" PRIu64 "%s%s", serial, *file != '\0' ? "/" : "", file);
}

int cgroup_tree_fd(const struct cgroups *cgroups, enum cgroup_controller controller)
{
    int tree = cgroups->tree_of[controller];

    return tree < 0 ? -1 : cgroups->trees[tree].dir_fd;
}

/* ---- One group ---- */

int cgroup_make(const struct cgroups *cgroups, uint64_t serial, struct err *err)
{
    char name[64];

    cgroup_box_path(name, sizeof name, serial, "");
    for (size_t i = 0; i < cgroups->n_trees; i++)
        if (mkdirat(cgroups->trees[i].dir_fd, name, 0755) < 0) {
            int r = err_errno(err, -errno, "mkdir %s/%s", cgroups->trees[i].path, name);

            while (i-- > 0)
                (void)unlinkat(cgroups->trees[i].dir_fd, name, AT_REMOVEDIR);
            return r;
        }
    return 0;
}

int cgroup_open_entries(const struct cgroups *cgroups, uint64_t serial, int fds[CGROUP_MAX_ENTRIES], size_t *n,
                        struct err *err)
{
    char path[64];

    *n = 0;
    for (size_t i = 0; i < cgroups->n_trees; i++) {
        int flags = cgroups->v2 ? O_RDONLY | O_DIRECTORY | O_CLOEXEC : O_WRONLY | O_CLOEXEC;

        cgroup_box_path(path, sizeof path, serial, cgroups->v2 ? "" : "tasks");
        fds[*n] = openat(cgroups->trees[i].dir_fd, path, flags);
        if (fds[*n] < 0) {
            int r = err_errno(err, -errno, "open %s/%s", cgroups->trees[i].path, path);

            while (*n > 0)
                closep(&fds[--*n]);
            return r;
        }
        (*n)++;
    }
    return 0;
}

static int write_number(const struct cgroups *cgroups, enum cgroup_controller controller, uint64_t serial,
                        const char *file, uint64_t value, struct err *err)
{
    char path[96], text[24];
    int r;

    cgroup_box_path(path, sizeof path, serial, file);
    (void)snprintf(text, sizeof text, "%" PRIu64, value);
    r = fd_write_file_at(cgroup_tree_fd(cgroups, controller), path, text);
    return r < 0 ? err_errno(err, r, "writing %s to %s", text, path) : 0;
}

/* memory <= memory+swap must hold at all times. */
static int set_memory_v1(const struct cgroups *cgroups, uint64_t serial, uint64_t bytes, bool raise, struct err *err)
{
    const char *files[] = {"memory.limit_in_bytes", "memory.memsw.limit_in_bytes"};
    int r = 0;

    for (size_t i = 0; r == 0 && i < COUNT_OF(files); i++) {
        const char *file = files[raise ? COUNT_OF(files) - 1 - i : i];

        if (file == files[0] || cgroups->memsw)
            r = write_number(cgroups, CGROUP_MEMORY, serial, file, bytes, err);
    }
    /* v1 counts what waits in TCP and UDP sockets apart from memory, and only where a limit is set: without this, two
     * ends of a loopback connection hold gigabytes of the host's memory. Taken off the limit, it would cost every
     * program; it is little, and on top. */
    if (r == 0 && cgroups->socket_memory)
        r = write_number(cgroups, CGROUP_MEMORY, serial, "memory.kmem.tcp.limit_in_bytes",
                         bytes < SOCKET_BYTES ? bytes : SOCKET_BYTES, err);
    return r;
}

static int set_memory_v2(const struct cgroups *cgroups, uint64_t serial, uint64_t bytes, struct err *err)
{
    int r = write_number(cgroups, CGROUP_MEMORY, serial, "memory.max", bytes, err);

    if (r < 0)
        return r;
    /* Without swap in the kernel the file is not there, and there is nothing to forbid. */
    r = write_number(cgroups, CGROUP_MEMORY, serial, "memory.swap.max", 0, err);
    return r == -ENOENT ? 0 : r;
}

int cgroup_set_limits(const struct cgroups *cgroups, uint64_t serial, const struct cgroup_limits *now,
                      const struct cgroup_limits *wanted, struct err *err)
{
    uint64_t bytes = wanted->memory_bytes;
    bool raise = now->memory_bytes != 0 && bytes > now->memory_bytes;
    int r = 0;

    if (cgroups_has(cgroups, CGROUP_MEMORY) && bytes != now->memory_bytes)
        r = cgroups->v2 ? set_memory_v2(cgroups, serial, bytes, err)
                        : set_memory_v1(cgroups, serial, bytes, raise, err);
    if (r == 0 && cgroups_has(cgroups, CGROUP_PIDS) && wanted->processes != now->processes)
        r = write_number(cgroups, CGROUP_PIDS, serial, "pids.max", wanted->processes + 1, err);
    return r;
}

/* ---- Figures ---- */

/* The number behind "key " at the start of a line; with key == "" the first number. 0 where there is none. */
static uint64_t number_after(const char *text, const char *key)
{
    size_t len = strlen(key);

    for (const char *line = text; line != NULL && *line != '\0';) {
        if (strncmp(line, key, len) == 0 && (len == 0 || line[len] == ' '))
            return strtoull(line + len, NULL, 10);
        line = strchr(line, '\n');
        if (line != NULL)
            line++;
    }
    return 0;
}

static const char *gauge_file(const struct cgroups *cgroups, enum cgroup_gauge gauge)
{
    static const char *const files[][2] = {[CGROUP_GAUGE_CPU] = {"cpuacct.usage", "cpu.stat"},
                                           [CGROUP_GAUGE_MEMORY] = {"memory.max_usage_in_bytes", "memory.peak"},
                                           [CGROUP_GAUGE_OOM] = {"memory.oom_control", "memory.events"},
                                           [CGROUP_GAUGE_FORKS] = {"pids.events", "pids.events"}};

    if (gauge == CGROUP_GAUGE_MEMORY && cgroups->v2 && !cgroups->has_peak)
        return "memory.current"; /* v2 before Linux 5.19: no peak is kept */
    return files[gauge][cgroups->v2];
}

int cgroup_open_gauges(const struct cgroups *cgroups, uint64_t serial, struct cgroup_gauges *ret, struct err *err)
{
    static const enum cgroup_controller controllers[] = {[CGROUP_GAUGE_CPU] = CGROUP_CPUACCT,
                                                         [CGROUP_GAUGE_MEMORY] = CGROUP_MEMORY,
                                                         [CGROUP_GAUGE_OOM] = CGROUP_MEMORY,
                                                         [CGROUP_GAUGE_FORKS] = CGROUP_PIDS};
    char path[96];

    for (int i = 0; i < CGROUP_N_GAUGES; i++) {
        int dir_fd = cgroup_tree_fd(cgroups, controllers[i]);

        ret->fds[i] = -1;
        if (dir_fd < 0)
            continue;
        cgroup_box_path(path, sizeof path, serial, gauge_file(cgroups, i));
        ret->fds[i] = openat(dir_fd, path, O_RDONLY | O_CLOEXEC);
        if (ret->fds[i] < 0) {
            int r = err_errno(err, -errno, "open %s", path);

            while (i-- > 0)
                closep(&ret->fds[i]);
            return r;
        }
    }
    return 0;
}

void cgroup_close_gauges(struct cgroup_gauges *gauges)
{
    for (int i = 0; i < CGROUP_N_GAUGES; i++)
        closep(&gauges->fds[i]);
}

/* 0 where this host has no such figure. */
static int read_gauge(const struct cgroup_gauges *gauges, enum cgroup_gauge gauge, const char *key, uint64_t *ret,
                      struct err *err)
{
    char text[2048];
    ssize_t n;

    *ret = 0;
    if (gauges->fds[gauge] < 0)
        return 0;
    n = pread(gauges->fds[gauge], text, sizeof text - 1, 0); /* whole: the kernel makes it anew for each read at 0 */
    if (n < 0)
        return err_errno(err, -errno, "reading a figure of a group");
    text[n] = '\0';
    *ret = number_after(text, key);
    return 0;
}

int cgroup_read_cpu_us(const struct cgroups *cgroups, const struct cgroup_gauges *gauges, uint64_t *ret,
                       struct err *err)
{
    uint64_t value;
    int r = read_gauge(gauges, CGROUP_GAUGE_CPU, cgroups->v2 ? "usage_usec" : "", &value, err);

    if (r == 0)
        *ret = cgroups->v2 ? value : value / 1000; /* v1 counts nanoseconds */
    return r;
}

int cgroup_read_usage(const struct cgroups *cgroups, const struct cgroup_gauges *gauges, struct cgroup_usage *ret,
                      struct err *err)
{
    struct cgroup_usage usage = {0};
    uint64_t oom = 0, refused = 0;
    int r = cgroup_read_cpu_us(cgroups, gauges, &usage.cpu_us, err);

    if (r == 0)
        r = read_gauge(gauges, CGROUP_GAUGE_MEMORY, "", &usage.memory_peak_bytes, err);
    if (r == 0)
        r = read_gauge(gauges, CGROUP_GAUGE_OOM, "oom_kill", &oom, err);
    if (r == 0)
        r = read_gauge(gauges, CGROUP_GAUGE_FORKS, "max", &refused, err);
    if (r < 0)
        return r;
    usage.oom_kills = (uint32_t)oom;
    usage.forks_refused = refused > UINT32_MAX ? UINT32_MAX : (uint32_t)refused;
    *ret = usage;
    return 0;
}

/* ---- Killing ---- */

/* The first ones: killing the init of a box kills the others, and who sweeps comes again. */
static int list_pids(int dir_fd, const char *name, pid_t *pids, size_t max)
{
    CLEANUP(closep) int fd = -1;
    char path[300], text[16384], *at = text;
    size_t n = 0;
    ssize_t len;

    (void)snprintf(path, sizeof path, "%s/cgroup.procs", name);
    fd = openat(dir_fd, path, O_RDONLY | O_CLOEXEC);
    len = fd < 0 ? -1 : fd_read_full(fd, text, sizeof text - 1);
    if (len < 0)
        return 0;
    text[len] = '\0';
    if (len == (ssize_t)sizeof text - 1) /* the last number may be cut */
        *strrchr(text, '\n') = '\0';
    while (*at != '\0' && n < max) {
        pids[n++] = (pid_t)strtol(at, &at, 10);
        at += strspn(at, "\n");
    }
    return (int)n;
}

/* By pidfd, and only if the pid is still in the group once we hold it: a pid may have been used again. */
static void kill_member(int dir_fd, const char *name, pid_t pid)
{
    CLEANUP(closep) int pidfd = (int)syscall(SYS_pidfd_open, pid, 0);
    pid_t pids[512];
    int n;

    if (pidfd < 0)
        return;
    n = list_pids(dir_fd, name, pids, COUNT_OF(pids));
    for (int i = 0; i < n; i++)
        if (pids[i] == pid)
            (void)syscall(SYS_pidfd_send_signal, pidfd, SIGKILL, NULL, 0);
}

void cgroup_kill_named(const struct cgroups *cgroups, int dir_fd, const char *name)
{
    char path[300];
    pid_t pids[512];
    int n;

    if (cgroups->v2) {
        (void)snprintf(path, sizeof path, "%s/cgroup.kill", name);
        if (fd_write_file_at(dir_fd, path, "1") == 0) /* Linux 5.14 */
            return;
    }
    n = list_pids(dir_fd, name, pids, COUNT_OF(pids));
    for (int i = 0; i < n; i++)
        if (pids[i] > 0)
            kill_member(dir_fd, name, pids[i]);
}

void cgroup_kill(const struct cgroups *cgroups, uint64_t serial)
{
    char name[64];

    cgroup_box_path(name, sizeof name, serial, "");
    cgroup_kill_named(cgroups, cgroups->trees[0].dir_fd, name);
}

int cgroup_remove(const struct cgroups *cgroups, uint64_t serial)
{
    char name[64];
    int r = 0;

    cgroup_box_path(name, sizeof name, serial, "");
    for (size_t i = 0; i < cgroups->n_trees; i++)
        if (unlinkat(cgroups->trees[i].dir_fd, name, AT_REMOVEDIR) < 0 && errno != ENOENT)
            r = -errno;
    return r;
}
