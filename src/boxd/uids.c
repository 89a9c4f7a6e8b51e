#include "boxd/uids.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

/* Of all instances on this machine, whatever their run_dir: they share the uids. The package's unit may write here. */
#define LOCKS "/run/glimpse"

static int open_and_lock(const char *path, int *ret, struct err *err)
{
    CLEANUP(closep) int fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600);
    struct stat st;

    if (fd < 0)
        return err_errno(err, -errno, "%s", path);
    if (flock(fd, LOCK_EX | LOCK_NB) < 0)
        return err_errno(err, errno == EWOULDBLOCK ? -EBUSY : -errno, "%s", path);
    if (fstat(fd, &st) < 0)
        return err_errno(err, -errno, "%s", path);
    if (st.st_nlink == 0)
        return err_set(err, -EAGAIN, "%s: it is just being removed", path);
    *ret = TAKE_FD(fd);
    return 0;
}

static int lock_file(const char *path, int *ret, struct err *err)
{
    int r = -EAGAIN;

    if (mkdir(LOCKS, 0750) < 0 && errno != EEXIST)
        return err_errno(err, -errno, "%s", LOCKS);
    /* Removed by its holder while we opened it: the next one to come would lock another file of that name. */
    for (int tries = 0; r == -EAGAIN && tries < 10; tries++)
        r = open_and_lock(path, ret, err);
    return r;
}

static void instance_path(char *ret, size_t size, const char *instance)
{
    (void)snprintf(ret, size, LOCKS "/%s.lock", instance);
}

void instance_unlock(int lock, const char *instance)
{
    char path[64];
    struct stat there, ours;

    if (lock < 0)
        return;
    instance_path(path, sizeof path, instance);
    if (stat(path, &there) == 0 && fstat(lock, &ours) == 0 && there.st_dev == ours.st_dev &&
        there.st_ino == ours.st_ino)
        (void)unlink(path);
    (void)close(lock);
}

int instance_lock(int *ret_lock, const char *instance, struct err *err)
{
    char path[64];
    int r;

    instance_path(path, sizeof path, instance);
    r = lock_file(path, ret_lock, err);
    return r == -EBUSY ? err_set(err, r, "another glimpse-boxd already runs with this data folder") : r;
}

int uids_lock(uint32_t *ret_base, int *ret_lock, uint32_t base, struct err *err)
{
    char path[64];

    for (uint32_t i = 0; i < UIDS_N_RANGES; i++) {
        int r;

        (void)snprintf(path, sizeof path, LOCKS "/uids-%u.lock", i);
        r = lock_file(path, ret_lock, err);
        if (r == 0)
            *ret_base = base + i * UIDS_PER_RANGE;
        if (r != -EBUSY)
            return r;
    }
    return err_set(err, -EBUSY, "all %d uid ranges are taken by other glimpse-boxd processes", UIDS_N_RANGES);
}
