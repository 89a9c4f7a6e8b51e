/* cgroup: what the two back-ends share: finding the hierarchy, and one group's life. The files of v1 and of v2 are
 * rows of a table each; everything else is the same. */
#include "box/cgroup.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <time.h>

#include "base/fd.h"

#define CGROUP_PATH_BYTES 512
#define SOCKET_BYTES      ((uint64_t)16 << 20) /* v1: what one box's sockets may hold, besides its memory limit */

struct hierarchy {
    char path[CGROUP_PATH_BYTES]; /* of our instance's folder */
    int dir_fd;                   /* owned; that folder */
};

struct cgroups {
    bool v2, swap_limited, memsw, has_peak, socket_memory;
    struct hierarchy trees[CGROUP_N_CONTROLLERS]; /* distinct mounts; v2 has one */
    size_t n_trees;
    int tree_of[CGROUP_N_CONTROLLERS]; /* index into trees, -1: not there */
    char describe[CGROUP_PATH_BYTES + 32];
};

static const char *const controller_names[CGROUP_N_CONTROLLERS] = {
    [CGROUP_MEMORY] = "memory", [CGROUP_PIDS] = "pids", [CGROUP_CPU] = "cpu", [CGROUP_CPUACCT] = "cpuacct"};

static void box_path(char *ret, size_t size, uint64_t serial, const char *file)
{
    (void)snprintf(ret, size, "b%" PRIu64 "%s%s", serial, *file != '\0' ? "/" : "", file);
}

static int tree_fd(const struct cgroups *cgroups, enum cgroup_controller controller)
{
    int tree = cgroups->tree_of[controller];

    return tree < 0 ? -1 : cgroups->trees[tree].dir_fd;
}

/* ---- Finding the hierarchy ---- */

/* True where list, parted by any of seps, holds word. */
static bool has_word(const char *list, const char *word, const char *seps)
{
    size_t len = strlen(word);

    for (const char *at = list; *at != '\0';) {
        size_t n = strcspn(at, seps);

        if (n == len && memcmp(at, word, len) == 0)
            return true;
        at += n;
        at += strspn(at, seps);
    }
    return false;
}

/* The mount of a v1 controller, or of cgroup2 with controller == NULL. proc(5): mountinfo fields are
 * "id parent major:minor root mountpoint options [optional...] - type source superoptions". */
static int find_mount(const char *controller, char *ret, size_t size, char *ret_root, size_t root_size)
{
    FILE *file = fopen("/proc/self/mountinfo", "re");
    char line[2048], root[512], point[512], type[32], options[512];
    int found = -ENOENT;

    if (file == NULL)
        return -errno;
    while (found != 0 && fgets(line, sizeof line, file) != NULL) {
        const char *tail = strstr(line, " - ");

        if (tail == NULL || sscanf(line, "%*s %*s %*s %511s %511s", root, point) != 2 ||
            sscanf(tail, " - %31s %*s %511s", type, options) != 2)
            continue;
        if (controller == NULL ? strcmp(type, "cgroup2") == 0
                               : strcmp(type, "cgroup") == 0 && has_word(options, controller, ","))
            if ((size_t)snprintf(ret, size, "%s", point) < size &&
                (size_t)snprintf(ret_root, root_size, "%s", strcmp(root, "/") == 0 ? "" : root) < root_size)
                found = 0;
    }
    (void)fclose(file);
    return found;
}

/* Our own group's path below a mount of the hierarchy that shows it from `root` on (a container's bind mount).
 * cgroups(7): /proc/self/cgroup lines are "id:controllers:path". */
static int own_path(const char *controller, const char *root, char *ret, size_t size)
{
    FILE *file = fopen("/proc/self/cgroup", "re");
    char line[1024];
    int found = -ENOENT;

    if (file == NULL)
        return -errno;
    while (found != 0 && fgets(line, sizeof line, file) != NULL) {
        char *list = strchr(line, ':'), *path;

        if (list == NULL || (path = strchr(++list, ':')) == NULL)
            continue;
        *path++ = '\0';
        path[strcspn(path, "\n")] = '\0';
        if (strncmp(path, root, strlen(root)) == 0 && (path[strlen(root)] == '/' || path[strlen(root)] == '\0'))
            path += strlen(root);
        if (controller == NULL ? *list == '\0' : has_word(list, controller, ","))
            if ((size_t)snprintf(ret, size, "%s", strcmp(path, "/") == 0 ? "" : path) < size)
                found = 0;
    }
    (void)fclose(file);
    return found;
}

static bool has_file(const char *group, const char *file)
{
    char path[CGROUP_PATH_BYTES + 32];

    (void)snprintf(path, sizeof path, "%s/%s", group, file);
    return access(path, F_OK) == 0;
}

/* True where we are the only process in the group: then we may move down and hand controllers to children. */
static bool alone_in(const char *group)
{
    char path[CGROUP_PATH_BYTES + 32], text[64], mine[16];

    (void)snprintf(path, sizeof path, "%s/cgroup.procs", group);
    (void)snprintf(mine, sizeof mine, "%d", (int)getpid());
    return fd_read_file_at(AT_FDCWD, path, text, sizeof text) == 0 && strcmp(text, mine) == 0;
}

/* In a container with a cgroup namespace of its own all processes that it shows are the container's: they move
 * into a leaf. */
static int move_all(const char *group, const char *leaf_procs, struct err *err)
{
    char path[CGROUP_PATH_BYTES + 32], text[16384], *at = text, pid[16];
    int r;

    (void)snprintf(path, sizeof path, "%s/cgroup.procs", group);
    r = fd_read_file_at(AT_FDCWD, path, text, sizeof text);
    if (r < 0)
        return err_errno(err, r, "%s", path);
    while (*at != '\0') {
        (void)snprintf(pid, sizeof pid, "%ld", strtol(at, &at, 10));
        at += strspn(at, "\n");
        r = fd_write_file_at(AT_FDCWD, leaf_procs, pid);
        if (r < 0 && r != -ESRCH) /* it has ended meanwhile */
            return err_errno(err, r, "moving process %s into %s", pid, leaf_procs);
    }
    return 0;
}

/* v2 lets a group have processes or controllers below it, not both (the root excepted): cgroup-v2.rst, "No
 * Internal Process Constraint". So a delegated group (systemd's Delegate=yes) that holds only us is used after moving
 * into a leaf of it; otherwise a folder at the root is made, as container runtimes' cgroupfs drivers do. */
static int v2_base(const char *mount, const char *root, char *ret, size_t size, struct err *err)
{
    char own[CGROUP_PATH_BYTES / 2], leaf[CGROUP_PATH_BYTES];
    /* The true root alone has no cgroup.events (cgroup-v2.rst): a cgroup namespace calls its own group "/" too. */
    bool container = has_file(mount, "cgroup.events");
    int r = own_path(NULL, root, own, sizeof own);

    if (r < 0)
        return err_errno(err, r, "our own group in /proc/self/cgroup");
    (void)snprintf(ret, size, "%s%s", mount, own);
    if (!container && (*own == '\0' || !alone_in(ret))) {
        (void)snprintf(ret, size, "%s", mount);
        return 0;
    }
    if (container)
        (void)snprintf(ret, size, "%s", mount);
    (void)snprintf(leaf, sizeof leaf, "%s/boxd", ret);
    if (mkdir(leaf, 0755) < 0 && errno != EEXIST)
        return err_errno(err, -errno, "mkdir %s", leaf);
    (void)snprintf(leaf, sizeof leaf, "%s/boxd/cgroup.procs", ret);
    if (container)
        return move_all(ret, leaf, err);
    r = fd_write_file_at(AT_FDCWD, leaf, "0");
    return r < 0 ? err_errno(err, r, "moving into %s", leaf) : 0;
}

static int add_tree(struct cgroups *cgroups, const char *base, const char *instance, struct err *err)
{
    struct hierarchy *tree = &cgroups->trees[cgroups->n_trees];

    (void)snprintf(tree->path, sizeof tree->path, "%s/glimpse-%s", base, instance);
    if (mkdir(tree->path, 0755) < 0 && errno != EEXIST)
        return err_errno(err, -errno, "mkdir %s", tree->path);
    tree->dir_fd = open(tree->path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (tree->dir_fd < 0)
        return err_errno(err, -errno, "open %s", tree->path);
    cgroups->n_trees++;
    return 0;
}

/* Turns a controller on for the children of path; false where it can't be had. */
static bool v2_enable(const char *path, const char *controller)
{
    char file[CGROUP_PATH_BYTES + 32], text[256], word[32];

    (void)snprintf(file, sizeof file, "%s/cgroup.controllers", path);
    if (fd_read_file_at(AT_FDCWD, file, text, sizeof text) < 0 || !has_word(text, controller, " "))
        return false;
    (void)snprintf(file, sizeof file, "%s/cgroup.subtree_control", path);
    (void)snprintf(word, sizeof word, "+%s", controller);
    return fd_write_file_at(AT_FDCWD, file, word) == 0;
}

static int open_v2(struct cgroups *cgroups, const char *mount, const char *root, const char *instance, struct err *err)
{
    static const enum cgroup_controller wanted[] = {CGROUP_MEMORY, CGROUP_PIDS, CGROUP_CPU};
    char base[CGROUP_PATH_BYTES];
    int r = v2_base(mount, root, base, sizeof base, err);

    if (r == 0)
        r = add_tree(cgroups, base, instance, err);
    if (r < 0)
        return r;
    for (size_t i = 0; i < COUNT_OF(wanted); i++) {
        const char *name = controller_names[wanted[i]];

        /* What can't be had is a missing layer, which the operator may allow. */
        cgroups->tree_of[wanted[i]] = v2_enable(base, name) && v2_enable(cgroups->trees[0].path, name) ? 0 : -1;
    }
    cgroups->tree_of[CGROUP_CPUACCT] = 0; /* cpu.stat's usage is there without a controller */
    cgroups->v2 = true;
    cgroups->swap_limited = true; /* checked against the first group in probe_files() */
    (void)snprintf(cgroups->describe, sizeof cgroups->describe, "v2 at %s", cgroups->trees[0].path);
    return 0;
}

static bool v2_is_in_charge(const char *mount)
{
    char path[CGROUP_PATH_BYTES], text[256];

    (void)snprintf(path, sizeof path, "%s/cgroup.controllers", mount);
    return fd_read_file_at(AT_FDCWD, path, text, sizeof text) == 0 && has_word(text, "memory", " ") &&
           has_word(text, "pids", " ");
}

static int open_v1(struct cgroups *cgroups, const char *instance, struct err *err)
{
    char mounts[CGROUP_N_CONTROLLERS][CGROUP_PATH_BYTES / 2], own[CGROUP_PATH_BYTES / 2];
    char base[CGROUP_PATH_BYTES], root[CGROUP_PATH_BYTES];

    for (int i = 0; i < CGROUP_N_CONTROLLERS; i++) {
        int r;

        cgroups->tree_of[i] = -1;
        mounts[i][0] = '\0';
        if (find_mount(controller_names[i], mounts[i], sizeof mounts[i], root, sizeof root) < 0 ||
            own_path(controller_names[i], root, own, sizeof own) < 0)
            continue;
        for (int j = 0; j < i; j++) /* "cpu,cpuacct" is often one mount */
            if (strcmp(mounts[i], mounts[j]) == 0)
                cgroups->tree_of[i] = cgroups->tree_of[j];
        if (cgroups->tree_of[i] >= 0)
            continue;
        (void)snprintf(base, sizeof base, "%s%s", mounts[i], own);
        r = add_tree(cgroups, base, instance, err);
        if (r < 0)
            return r;
        cgroups->tree_of[i] = (int)cgroups->n_trees - 1;
    }
    if (cgroups->n_trees == 0)
        return err_set(err, -ENOTSUP, "no cgroup controller is mounted: neither cgroup2 nor v1");
    (void)snprintf(cgroups->describe, sizeof cgroups->describe, "v1 at %s", cgroups->trees[0].path);
    return 0;
}

/* ---- Leftovers ---- */

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

static void kill_group(const struct cgroups *cgroups, int dir_fd, const char *name)
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

/* What a boxd that was killed left behind. Its processes are dying or dead; a second is ample for them to go. */
static int sweep(const struct cgroups *cgroups, const struct hierarchy *tree, struct err *err)
{
    int fd = openat(tree->dir_fd, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    DIR *dir = fd < 0 ? NULL : fdopendir(fd);
    struct dirent *entry;
    int r = 0;

    if (dir == NULL) {
        closep(&fd);
        return err_errno(err, -errno, "list %s", tree->path);
    }
    while (r == 0 && (entry = readdir(dir)) != NULL) {
        if (entry->d_type != DT_DIR || entry->d_name[0] != 'b')
            continue;
        for (int tries = 0; unlinkat(tree->dir_fd, entry->d_name, AT_REMOVEDIR) < 0 && errno == EBUSY; tries++) {
            if (tries == 1000) {
                r = err_set(err, -EBUSY, "%s/%s: processes of an earlier run do not end", tree->path, entry->d_name);
                break;
            }
            kill_group(cgroups, tree->dir_fd, entry->d_name);
            (void)nanosleep(&(struct timespec){.tv_nsec = 5000000}, NULL);
        }
    }
    (void)closedir(dir);
    return r;
}

/* ---- Opening and closing ---- */

/* Which optional files this kernel has is seen in a group that exists only for that. */
static int probe_files(struct cgroups *cgroups, struct err *err)
{
    int memory_fd = tree_fd(cgroups, CGROUP_MEMORY);
    char path[64];
    int r = cgroup_make(cgroups, 0, err);

    if (r < 0)
        return r;
    if (memory_fd >= 0) {
        box_path(path, sizeof path, 0, "memory.memsw.limit_in_bytes");
        cgroups->memsw = faccessat(memory_fd, path, W_OK, 0) == 0;
        box_path(path, sizeof path, 0, "memory.swap.max");
        cgroups->swap_limited = cgroups->memsw || faccessat(memory_fd, path, W_OK, 0) == 0;
        box_path(path, sizeof path, 0, "memory.kmem.tcp.limit_in_bytes");
        cgroups->socket_memory = faccessat(memory_fd, path, W_OK, 0) == 0;
        box_path(path, sizeof path, 0, "memory.peak");
        cgroups->has_peak = faccessat(memory_fd, path, R_OK, 0) == 0;
    }
    if (!cgroups->swap_limited) { /* nothing to limit on a host without swap */
        char swaps[256];

        cgroups->swap_limited = fd_read_file_at(AT_FDCWD, "/proc/swaps", swaps, sizeof swaps) == 0 &&
                                strchr(swaps, '\n') == NULL;
    }
    return cgroup_remove(cgroups, 0);
}

int cgroups_open(struct cgroups **ret, const char *instance, struct err *err)
{
    CLEANUP(cgroups_freep) struct cgroups *cgroups = calloc(1, sizeof *cgroups);
    char mount[CGROUP_PATH_BYTES / 2], root[CGROUP_PATH_BYTES];
    int r;

    if (cgroups == NULL)
        return err_set(err, -ENOMEM, "cgroups");
    /* "Hybrid" hosts have a cgroup2 without the controllers, which are v1's there. */
    if (find_mount(NULL, mount, sizeof mount, root, sizeof root) == 0 && v2_is_in_charge(mount))
        r = open_v2(cgroups, mount, root, instance, err);
    else
        r = open_v1(cgroups, instance, err);
    for (size_t i = 0; r == 0 && i < cgroups->n_trees; i++)
        r = sweep(cgroups, &cgroups->trees[i], err);
    if (r == 0)
        r = probe_files(cgroups, err);
    if (r < 0)
        return err_wrap(err, r, "cgroup");
    *ret = TAKE_PTR(cgroups);
    return 0;
}

void cgroups_free(struct cgroups *cgroups)
{
    if (cgroups == NULL)
        return;
    for (size_t i = 0; i < cgroups->n_trees; i++) {
        closep(&cgroups->trees[i].dir_fd);
        (void)rmdir(cgroups->trees[i].path);
    }
    free(cgroups);
}

bool cgroups_is_v2(const struct cgroups *cgroups)
{
    return cgroups->v2;
}

bool cgroups_has(const struct cgroups *cgroups, enum cgroup_controller controller)
{
    return cgroups->tree_of[controller] >= 0;
}

bool cgroups_limits_swap(const struct cgroups *cgroups)
{
    return cgroups->swap_limited;
}

bool cgroups_keep_peak(const struct cgroups *cgroups)
{
    return !cgroups->v2 || cgroups->has_peak;
}

const char *cgroups_describe(const struct cgroups *cgroups)
{
    return cgroups->describe;
}

/* ---- One group ---- */

int cgroup_make(const struct cgroups *cgroups, uint64_t serial, struct err *err)
{
    char name[64];

    box_path(name, sizeof name, serial, "");
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

        box_path(path, sizeof path, serial, cgroups->v2 ? "" : "tasks");
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

    box_path(path, sizeof path, serial, file);
    (void)snprintf(text, sizeof text, "%" PRIu64, value);
    r = fd_write_file_at(tree_fd(cgroups, controller), path, text);
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

static int read_number(const struct cgroups *cgroups, enum cgroup_controller controller, uint64_t serial,
                       const char *file, const char *key, uint64_t *ret, struct err *err)
{
    char path[96], text[2048];
    int r;

    box_path(path, sizeof path, serial, file);
    r = fd_read_file_at(tree_fd(cgroups, controller), path, text, sizeof text);
    if (r < 0)
        return err_errno(err, r, "reading %s", path);
    *ret = number_after(text, key);
    return 0;
}

int cgroup_read_cpu_us(const struct cgroups *cgroups, uint64_t serial, uint64_t *ret, struct err *err)
{
    uint64_t value = 0;
    int r = 0;

    if (cgroups_has(cgroups, CGROUP_CPUACCT))
        r = cgroups->v2 ? read_number(cgroups, CGROUP_CPUACCT, serial, "cpu.stat", "usage_usec", &value, err)
                        : read_number(cgroups, CGROUP_CPUACCT, serial, "cpuacct.usage", "", &value, err);
    if (r == 0)
        *ret = cgroups->v2 ? value : value / 1000; /* v1 counts nanoseconds */
    return r;
}

int cgroup_read_usage(const struct cgroups *cgroups, uint64_t serial, struct cgroup_usage *ret, struct err *err)
{
    const char *peak = !cgroups->v2         ? "memory.max_usage_in_bytes"
                       : cgroups->has_peak ? "memory.peak"
                                           : "memory.current"; /* v2 before Linux 5.19: no peak is kept */
    struct cgroup_usage usage = {0};
    uint64_t oom = 0, refused = 0;
    int r = cgroup_read_cpu_us(cgroups, serial, &usage.cpu_us, err);

    if (r == 0 && cgroups_has(cgroups, CGROUP_MEMORY)) {
        r = read_number(cgroups, CGROUP_MEMORY, serial, peak, "", &usage.memory_peak_bytes, err);
        if (r == 0)
            r = read_number(cgroups, CGROUP_MEMORY, serial, cgroups->v2 ? "memory.events" : "memory.oom_control",
                            "oom_kill", &oom, err);
    }
    if (r == 0 && cgroups_has(cgroups, CGROUP_PIDS))
        r = read_number(cgroups, CGROUP_PIDS, serial, "pids.events", "max", &refused, err);
    if (r < 0)
        return r;
    usage.oom_kills = (uint32_t)oom;
    usage.forks_refused = refused > UINT32_MAX ? UINT32_MAX : (uint32_t)refused;
    *ret = usage;
    return 0;
}

void cgroup_kill(const struct cgroups *cgroups, uint64_t serial)
{
    char name[64];

    box_path(name, sizeof name, serial, "");
    kill_group(cgroups, cgroups->trees[0].dir_fd, name);
}

int cgroup_remove(const struct cgroups *cgroups, uint64_t serial)
{
    char name[64];
    int r = 0;

    box_path(name, sizeof name, serial, "");
    for (size_t i = 0; i < cgroups->n_trees; i++)
        if (unlinkat(cgroups->trees[i].dir_fd, name, AT_REMOVEDIR) < 0 && errno != ENOENT)
            r = -errno;
    return r;
}
