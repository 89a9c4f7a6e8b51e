#include "box/rootfs.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/mount.h>
#include <sched.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/sendfile.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/sysmacros.h>

#include "base/fd.h"

/* glibc 2.36 and <linux/mount.h> both define mount flags; the calls are made by number so that either will do. */
#ifndef OPEN_TREE_CLONE
#define OPEN_TREE_CLONE 1
#endif

static int sys_open_tree(int dir_fd, const char *path, unsigned flags)
{
    return (int)syscall(SYS_open_tree, dir_fd, path, flags);
}

static int sys_move_mount(int from_fd, const char *to)
{
    return (int)syscall(SYS_move_mount, from_fd, "", AT_FDCWD, to, 4u /* MOVE_MOUNT_F_EMPTY_PATH */);
}

static int set_attrs(int fd, const char *path, unsigned flags, uint64_t attrs)
{
    struct mount_attr attr = {.attr_set = attrs};

    return (int)syscall(SYS_mount_setattr, fd, path, flags, &attr, sizeof attr);
}

#define READ_ONLY (MOUNT_ATTR_RDONLY | MOUNT_ATTR_NOSUID | MOUNT_ATTR_NODEV)
#define STAGING   "/tmp" /* covered by our tmpfs, in our own mount namespace only */
#define NEW       STAGING "/new"

/* mkdir -p for the parents of path, and for path itself. */
static int make_dirs(const char *path, struct err *err)
{
    char part[512];
    size_t len = strlen(path);

    if (len >= sizeof part)
        return err_set(err, -ENAMETOOLONG, "%s", path);
    for (size_t i = 1; i <= len; i++) {
        if (path[i] != '/' && path[i] != '\0')
            continue;
        memcpy(part, path, i);
        part[i] = '\0';
        if (mkdir(part, 0755) < 0 && errno != EEXIST)
            return err_errno(err, -errno, "mkdir %s", part);
    }
    return 0;
}

static int write_file(const char *path, const char *text, struct err *err)
{
    CLEANUP(closep) int fd = open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0644);
    int r = fd < 0 ? -errno : fd_write_all(fd, text, strlen(text));

    return r < 0 ? err_errno(err, r, "writing %s", path) : 0;
}

/* ---- Binds ---- */

/* A detached, read-only copy of a host tree, or the file that is to be copied; -1 in *fd where the path is a symbolic
 * link. Done before STAGING is covered, so that a bind may come from there. */
static int clone_tree(const struct rootfs_bind *bind, int *fd, struct err *err)
{
    const char *host = bind->host;
    struct stat st;

    if (bind->is_copy) {
        *fd = open(host, O_RDONLY | O_CLOEXEC);
        return *fd < 0 ? err_errno(err, -errno, "open %s", host) : 0;
    }
    if (lstat(host, &st) < 0)
        return err_errno(err, -errno, "bind %s", host);
    if (S_ISLNK(st.st_mode))
        return 0;
    *fd = sys_open_tree(AT_FDCWD, host, OPEN_TREE_CLONE | O_CLOEXEC | AT_RECURSIVE);
    if (*fd < 0)
        return err_errno(err, -errno, "open_tree %s", host);
    if (set_attrs(*fd, "", AT_EMPTY_PATH | AT_RECURSIVE, READ_ONLY) < 0)
        return err_errno(err, -errno, "making the copy of %s read-only", host);
    return 0;
}

static int copy_link(const char *host, const char *box, struct err *err)
{
    char target[256];
    /* The link itself is read through the old root, which is still there. */
    ssize_t n = readlink(host, target, sizeof target - 1);

    if (n < 0)
        return err_errno(err, -errno, "readlink %s", host);
    target[n] = '\0';
    return symlink(target, box) < 0 ? err_errno(err, -errno, "symlink %s", box) : 0;
}

static int copy_file(int from, const char *box, struct err *err)
{
    CLEANUP(closep) int fd = open(box, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0755);
    ssize_t n;

    do
        n = fd < 0 ? -1 : sendfile(fd, from, NULL, 1 << 20);
    while (n > 0);
    return n < 0 ? err_errno(err, -errno, "copying to %s", box) : 0;
}

static int attach_tree(const struct rootfs_bind *bind, int tree, struct err *err)
{
    char path[512];
    struct stat st;
    int r;

    if ((size_t)snprintf(path, sizeof path, NEW "%s", bind->box) >= sizeof path)
        return err_set(err, -ENAMETOOLONG, "%s", bind->box);
    if (tree < 0 || fstat(tree, &st) < 0 || !S_ISDIR(st.st_mode)) { /* a link or a file: its folder must be there */
        char *slash = strrchr(path, '/');

        *slash = '\0';
        r = make_dirs(path, err);
        *slash = '/';
        if (r < 0)
            return r;
        if (tree < 0)
            return copy_link(bind->host, path, err);
        if (bind->is_copy)
            return copy_file(tree, path, err);
        r = write_file(path, "", err);
    } else {
        r = make_dirs(path, err);
    }
    if (r < 0)
        return r;
    return sys_move_mount(tree, path) < 0 ? err_errno(err, -errno, "mounting %s", bind->box) : 0;
}

/* ---- /etc and /dev ---- */

static const struct {
    const char *name, *text;
} etc_files[] = {
    {"passwd", "root:x:0:0:root:/:/usr/sbin/nologin\nbox:x:1000:1000:box:/box:/bin/bash\n"
               "nobody:x:65534:65534:nobody:/:/usr/sbin/nologin\n"},
    {"group", "root:x:0:\nbox:x:1000:\nnogroup:x:65534:\n"},
    {"hostname", "box\n"},
    {"hosts", "127.0.0.1 localhost box\n::1 localhost\n"},
    {"resolv.conf", ""}, /* there is nobody to ask: look-ups fail at once */
    {"nsswitch.conf", "passwd: files\ngroup: files\nhosts: files\n"},
    {"host.conf", "multi on\n"},
    {"shells", "/bin/sh\n/bin/bash\n"},
    {"timezone", "Etc/UTC\n"},
};

static int make_etc(struct err *err)
{
    char path[128];
    int r = make_dirs(NEW "/etc", err);

    for (size_t i = 0; r == 0 && i < COUNT_OF(etc_files); i++) {
        (void)snprintf(path, sizeof path, NEW "/etc/%s", etc_files[i].name);
        r = write_file(path, etc_files[i].text, err);
    }
    if (r == 0 && symlink("/usr/share/zoneinfo/Etc/UTC", NEW "/etc/localtime") < 0)
        r = err_errno(err, -errno, "symlink localtime");
    if (r == 0 && symlink("/proc/self/mounts", NEW "/etc/mtab") < 0)
        r = err_errno(err, -errno, "symlink mtab");
    return r;
}

static const struct {
    const char *name;
    unsigned major, minor; /* Documentation/admin-guide/devices.txt */
} devices[] = {
    {"null", 1, 3},   {"zero", 1, 5},    {"full", 1, 7},
    {"random", 1, 8}, {"urandom", 1, 9}, {"tty", 5, 0}, /* tty: of the session of whoever opens it, or ENXIO */
};

static const struct {
    const char *name, *target;
} dev_links[] = {{"fd", "/proc/self/fd"},
                 {"stdin", "/proc/self/fd/0"},
                 {"stdout", "/proc/self/fd/1"},
                 {"stderr", "/proc/self/fd/2"},
                 {"ptmx", "pts/ptmx"}};

/* Real nodes on a tmpfs that the host's user namespace owns: boxes can use them, and could not make them. */
static int make_dev(struct err *err)
{
    char path[128];

    if (mkdir(NEW "/dev", 0755) < 0 ||
        mount("tmpfs", NEW "/dev", "tmpfs", MS_NOSUID | MS_NOEXEC, "size=64k,mode=0755") < 0)
        return err_errno(err, -errno, "/dev");
    for (size_t i = 0; i < COUNT_OF(devices); i++) {
        (void)snprintf(path, sizeof path, NEW "/dev/%s", devices[i].name);
        if (mknod(path, S_IFCHR | 0666, makedev(devices[i].major, devices[i].minor)) < 0 || chmod(path, 0666) < 0)
            return err_errno(err, -errno, "mknod %s", devices[i].name);
    }
    for (size_t i = 0; i < COUNT_OF(dev_links); i++) {
        (void)snprintf(path, sizeof path, NEW "/dev/%s", dev_links[i].name);
        if (symlink(dev_links[i].target, path) < 0)
            return err_errno(err, -errno, "symlink %s", dev_links[i].name);
    }
    if (mkdir(NEW "/dev/shm", 01777) < 0 || mkdir(NEW "/dev/pts", 0755) < 0)
        return err_errno(err, -errno, "folders in /dev");
    /* Read-only for the name space of nodes; writing to a node is not writing to its file system. */
    if (set_attrs(AT_FDCWD, NEW "/dev", 0, MOUNT_ATTR_RDONLY) < 0)
        return err_errno(err, -errno, "making /dev read-only");
    return 0;
}

/* ---- The namespace ---- */

static int make_staging(struct err *err)
{
    static const char *const folders[] = {NEW "/proc", NEW "/box", NEW "/tmp",
                                          NEW "/run",  NEW "/var", NEW "/var/empty"};

    if (mount("tmpfs", STAGING, "tmpfs", MS_NOSUID | MS_NODEV, "size=1m,mode=0755") < 0)
        return err_errno(err, -errno, "tmpfs for the zygote");
    if (mkdir(STAGING "/proc", 0555) < 0 || mkdir(NEW, 0755) < 0)
        return err_errno(err, -errno, "folders for the zygote");
    if (mount("proc", STAGING "/proc", "proc", MS_NOSUID | MS_NODEV | MS_NOEXEC, NULL) < 0)
        return err_errno(err, -errno, "proc for the zygote");
    if (mount("tmpfs", NEW, "tmpfs", MS_NOSUID | MS_NODEV, "size=2m,mode=0755") < 0)
        return err_errno(err, -errno, "tmpfs for the root");
    for (size_t i = 0; i < COUNT_OF(folders); i++)
        if (mkdir(folders[i], 0755) < 0)
            return err_errno(err, -errno, "mkdir %s", folders[i]);
    if (symlink("/tmp", NEW "/var/tmp") < 0)
        return err_errno(err, -errno, "symlink /var/tmp");
    return 0;
}

/* pivot_root(2), NOTES: with "." twice the old root ends up on top of the new one and is taken off. */
static int pivot(struct err *err)
{
    if (chdir(STAGING) < 0 || syscall(SYS_pivot_root, ".", ".") < 0)
        return err_errno(err, -errno, "pivot_root");
    if (umount2(".", MNT_DETACH) < 0 || chdir("/") < 0)
        return err_errno(err, -errno, "leaving the host's root");
    return 0;
}

static int build(const struct rootfs_bind *binds, int *trees, size_t n, struct err *err)
{
    int r = 0;

    for (size_t i = 0; r == 0 && i < n; i++)
        r = clone_tree(&binds[i], &trees[i], err);
    if (r == 0)
        r = make_staging(err);
    if (r == 0)
        r = make_etc(err);
    if (r == 0)
        r = make_dev(err);
    for (size_t i = 0; r == 0 && i < n; i++)
        r = attach_tree(&binds[i], trees[i], err);
    if (r < 0)
        return r;
    if (set_attrs(AT_FDCWD, NEW, 0, MOUNT_ATTR_RDONLY) < 0)
        return err_errno(err, -errno, "making the root read-only");
    r = pivot(err);
    if (r == 0 && set_attrs(AT_FDCWD, "/", 0, MOUNT_ATTR_RDONLY) < 0)
        r = err_errno(err, -errno, "making the zygote's root read-only");
    return r;
}

int rootfs_enter(const struct rootfs_bind *binds, size_t n, struct err *err)
{
    int trees[64], r;

    if (n > COUNT_OF(trees))
        return err_set(err, -E2BIG, "more than %zu binds", COUNT_OF(trees));
    for (size_t i = 0; i < n; i++)
        trees[i] = -1;
    if (unshare(CLONE_NEWNS) < 0)
        return err_errno(err, -errno, "mount namespace");
    /* Nothing that happens here may show on the host, nor the other way round. */
    if (mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL) < 0)
        return err_errno(err, -errno, "making mounts private");
    r = build(binds, trees, n, err);
    for (size_t i = 0; i < n; i++)
        closep(&trees[i]);
    return r < 0 ? err_wrap(err, r, "root file system") : 0;
}

int rootfs_list_masks(struct rootfs_masks *ret, struct err *err)
{
    /* What programs read in good faith: counts of CPUs and memory, load, kernel parameters. */
    static const char *const allowed[] = {"cgroups", "cpuinfo", "filesystems", "loadavg", "meminfo",
                                          "mounts",  "net",     "self",        "stat",    "sys",
                                          "sysvipc", "thread-self", "uptime",  "version"};
    DIR *dir = opendir("/proc");
    struct dirent *entry;
    int r = 0;

    if (dir == NULL)
        return err_errno(err, -errno, "list /proc");
    ret->n = 0;
    while (r == 0 && (entry = readdir(dir)) != NULL) {
        bool skip = entry->d_name[0] == '.' || (entry->d_name[0] >= '0' && entry->d_name[0] <= '9');
        struct stat st;

        for (size_t i = 0; !skip && i < COUNT_OF(allowed); i++)
            skip = strcmp(entry->d_name, allowed[i]) == 0;
        if (skip || fstatat(dirfd(dir), entry->d_name, &st, AT_SYMLINK_NOFOLLOW) < 0)
            continue;
        /* What root alone may read is closed already: box root is not that root. */
        if (S_ISLNK(st.st_mode) || (st.st_mode & (S_IROTH | S_IWOTH | S_IXOTH)) == 0)
            continue;
        if (ret->n == COUNT_OF(ret->at) || strlen(entry->d_name) >= sizeof ret->at[0].name) {
            r = err_set(err, -E2BIG, "too many files in /proc to mask");
            break;
        }
        memcpy(ret->at[ret->n].name, entry->d_name, strlen(entry->d_name) + 1);
        ret->at[ret->n++].is_dir = S_ISDIR(st.st_mode);
    }
    (void)closedir(dir);
    return r;
}
