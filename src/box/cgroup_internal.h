/*
 * What the two halves of cgroup share: cgroup_open.c, which finds the hierarchy and makes this instance's folder, and
 * cgroup.c, one group's life. Private to them.
 */
#pragma once

#include <stddef.h>

#include "box/cgroup.h"

#define CGROUP_PATH_BYTES 512

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

/* Kills what is in the group of this name in a hierarchy; what it forked meanwhile may be left. */
void cgroup_kill_named(const struct cgroups *cgroups, int dir_fd, const char *name);
/* The folder of a controller's hierarchy: borrowed; -1 where it is not there. */
int cgroup_tree_fd(const struct cgroups *cgroups, enum cgroup_controller controller);
/* The path of a group, or of a file in it, below a hierarchy's folder. */
void cgroup_box_path(char *ret, size_t size, uint64_t serial, const char *file);
