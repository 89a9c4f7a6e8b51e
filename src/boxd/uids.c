#include "boxd/uids.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

static int lock_file(const char *path, int *ret, struct err *err)
{
    CLEANUP(closep) int fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600);
    struct stat st;

    if (fd < 0)
        return err_errno(err, -errno, "%s", path);
    if (flock(fd, LOCK_EX | LOCK_NB) < 0)
        return err_errno(err, errno == EWOULDBLOCK ? -EBUSY : -errno, "%s", path);
    /* Removed by its holder while we opened it: the next one to come would lock another file of that name. */
    if (fstat(fd, &st) < 0 || st.st_nlink == 0)
        return err_set(err, -EBUSY, "%s: its holder is just ending", path);
    *ret = TAKE_FD(fd);
    return 0;
}

static void instance_path(char *ret, size_t size, const char *instance)
{
    (void)snprintf(ret, size, "/run/glimpse-%s.lock", instance);
}

void instance_unlock(int lock, const char *instance)
{
    char path[64];

    if (lock < 0)
        return;
    instance_path(path, sizeof path, instance);
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

        (void)snprintf(path, sizeof path, "/run/glimpse-uids-%u.lock", i);
        r = lock_file(path, ret_lock, err);
        if (r == 0)
            *ret_base = base + i * UIDS_PER_RANGE;
        if (r != -EBUSY)
            return r;
    }
    return err_set(err, -EBUSY, "all %d uid ranges are taken by other glimpse-boxd processes", UIDS_N_RANGES);
}
