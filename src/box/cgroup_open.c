/* cgroup_open: finding the hierarchy that this host has, and making this instance's folder in it. */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>

#include "base/fd.h"
#include "box/cgroup_internal.h"

static const char *const controller_names[CGROUP_N_CONTROLLERS] = {
    [CGROUP_MEMORY] = "memory", [CGROUP_PIDS] = "pids", [CGROUP_CPU] = "cpu", [CGROUP_CPUACCT] = "cpuacct"};

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
            cgroup_kill_named(cgroups, tree->dir_fd, entry->d_name);
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
    int memory_fd = cgroup_tree_fd(cgroups, CGROUP_MEMORY);
    char path[64];
    int r = cgroup_make(cgroups, 0, err);

    if (r < 0)
        return r;
    if (memory_fd >= 0) {
        cgroup_box_path(path, sizeof path, 0, "memory.memsw.limit_in_bytes");
        cgroups->memsw = faccessat(memory_fd, path, W_OK, 0) == 0;
        cgroup_box_path(path, sizeof path, 0, "memory.swap.max");
        cgroups->swap_limited = cgroups->memsw || faccessat(memory_fd, path, W_OK, 0) == 0;
        cgroup_box_path(path, sizeof path, 0, "memory.kmem.tcp.limit_in_bytes");
        cgroups->socket_memory = faccessat(memory_fd, path, W_OK, 0) == 0;
        cgroup_box_path(path, sizeof path, 0, "memory.peak");
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
