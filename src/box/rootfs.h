/*
 * rootfs: the root file system that all boxes of a zygote start from, and the mount namespace around it.
 *
 * The zygote lives in a mount namespace of its own with nothing of the host in it:
 *   /       a small read-only tmpfs
 *   /proc   needed to write uid maps, and because the kernel lets a user namespace mount a proc of its own only
 *           where an unmasked one can be seen (mount_too_revealing() in fs/namespace.c)
 *   /new    the root of every box, as a mount that each box's copy of the namespace pivots into:
 *           /usr and the other binds (read-only, nosuid, nodev), a synthetic /etc, a minimal /dev,
 *           and empty folders where the box's own mounts go
 */
#pragma once

#include <stdbool.h>

#include "base/err.h"

struct rootfs_bind {
    const char *host, *box; /* borrowed; absolute. A host path that is a symbolic link is copied as a link */
    bool is_copy;           /* a file that is copied: what is bound shows its host path in /proc/self/mountinfo */
};

enum { ROOTFS_MAX_MASKS = 96 };

/* What a box's own /proc must hide: see rootfs_list_masks(). */
struct rootfs_masks {
    struct {
        char name[64]; /* below /proc */
        int is_dir;
    } at[ROOTFS_MAX_MASKS];
    size_t n;
};

/* Moves the calling process into such a namespace. For a fresh single-threaded child of boxd, as root. */
MUST_CHECK int rootfs_enter(const struct rootfs_bind *binds, size_t n, struct err *err);

/* All that is world-readable in /proc apart from processes and a short allow-list. An allow-list, because every
 * kernel adds files. */
MUST_CHECK int rootfs_list_masks(struct rootfs_masks *ret, struct err *err);
