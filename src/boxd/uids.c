#include "boxd/uids.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <sys/file.h>

int uids_lock(uint32_t *ret_base, int *ret_lock, uint32_t base, struct err *err)
{
    char path[64];

    for (uint32_t i = 0; i < UIDS_N_RANGES; i++) {
        CLEANUP(closep) int fd = -1;

        (void)snprintf(path, sizeof path, "/run/glimpse-uids-%u.lock", i);
        fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600);
        if (fd < 0)
            return err_errno(err, -errno, "%s", path);
        if (flock(fd, LOCK_EX | LOCK_NB) == 0) {
            *ret_base = base + i * UIDS_PER_RANGE;
            *ret_lock = TAKE_FD(fd);
            return 0;
        }
    }
    return err_set(err, -EBUSY, "all %d uid ranges are taken by other glimpse-boxd processes", UIDS_N_RANGES);
}
