/*
 * cgroup: limits and figures of boxes, on cgroup v2 or on v1 (also "hybrid").
 *
 * One `struct cgroups` is this instance's own folder in the hierarchy, with one group per box below it:
 *   v2: <mount>/<base>/glimpse-<instance>/b<serial>
 *   v1: the same below each controller's mount (memory, pids, cpu, cpuacct)
 * A group is made empty, entered by the box's first process itself (see below), and removed when the box is dead.
 *
 * Nobody writes a pid into cgroup.procs: that takes cgroup_threadgroup_rwsem for writing and waits for an RCU
 * grace period, 5-12 ms. v2 enters by clone3(CLONE_INTO_CGROUP); v1 by the still single-threaded child
 * writing "0" to `tasks`, which the kernel does without that lock (commit 9a3284fad42f).
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/err.h"

enum { CGROUP_MAX_ENTRIES = 4 };

enum cgroup_controller { CGROUP_MEMORY, CGROUP_PIDS, CGROUP_CPU, CGROUP_CPUACCT, CGROUP_N_CONTROLLERS };

struct cgroups; /* opaque */

struct cgroup_usage {
    uint64_t cpu_us, memory_peak_bytes;
    uint32_t oom_kills, forks_refused;
};

enum cgroup_gauge { CGROUP_GAUGE_CPU, CGROUP_GAUGE_MEMORY, CGROUP_GAUGE_OOM, CGROUP_GAUGE_FORKS, CGROUP_N_GAUGES };

/* Kept open for a box's life: opening takes longer than reading, and the figures are read while a client waits. */
struct cgroup_gauges {
    int fds[CGROUP_N_GAUGES]; /* -1: this host has no such figure */
};

struct cgroup_limits {
    uint64_t memory_bytes; /* anonymous memory, page cache, tmpfs and kernel memory; no swap on top */
    uint64_t processes;    /* of the program; the box's init is added */
};

/* Finds the back-end, makes this instance's folder, and removes what an earlier process of the same
 * instance left there, killing what still runs in it. instance: letters, digits, '-'. */
MUST_CHECK int cgroups_open(struct cgroups **ret, const char *instance, struct err *err);
/* Removes the folder; all boxes' groups must be gone. NULL is allowed. */
void cgroups_free(struct cgroups *cgroups);
DEFINE_FREEP(struct cgroups, cgroups)

bool cgroups_is_v2(const struct cgroups *cgroups);
/* What this host lacks: the controller is not there, so its limits do nothing and its figures are zero. */
bool cgroups_has(const struct cgroups *cgroups, enum cgroup_controller controller);
/* False where the kernel keeps no peak of memory (v2 before Linux 5.19): memory_peak_bytes is then what is used now. */
bool cgroups_keep_peak(const struct cgroups *cgroups);
/* True where a box can't use swap beyond its memory limit. */
bool cgroups_limits_swap(const struct cgroups *cgroups);
const char *cgroups_describe(const struct cgroups *cgroups); /* "v2 at ..." ; borrowed */

/* Makes the group b<serial>, without limits. */
MUST_CHECK int cgroup_make(const struct cgroups *cgroups, uint64_t serial, struct err *err);
/* Opens what the first process enters by: one directory (v2) or the `tasks` files (v1). fds: owned by the caller. */
MUST_CHECK int cgroup_open_entries(const struct cgroups *cgroups, uint64_t serial, int fds[CGROUP_MAX_ENTRIES],
                                   size_t *n, struct err *err);
/* v1: the calling thread enters by the `tasks` files. "0" means the writing thread, which moves without the lock that
 * a pid costs (above). 0 or -errno. */
MUST_CHECK int cgroup_enter(const int *entries, size_t n);
/* now: what the group has, all zero for one that was just made. Writes what differs. */
MUST_CHECK int cgroup_set_limits(const struct cgroups *cgroups, uint64_t serial, const struct cgroup_limits *now,
                                 const struct cgroup_limits *wanted, struct err *err);
/* The files of the group's figures; *ret is owned by the caller, and closed after a failure. */
MUST_CHECK int cgroup_open_gauges(const struct cgroups *cgroups, uint64_t serial, struct cgroup_gauges *ret,
                                  struct err *err);
void cgroup_close_gauges(struct cgroup_gauges *gauges);
/* All figures since the group was made; also once all its processes are dead, while it is there. */
MUST_CHECK int cgroup_read_usage(const struct cgroups *cgroups, const struct cgroup_gauges *gauges,
                                 struct cgroup_usage *ret, struct err *err);
MUST_CHECK int cgroup_read_cpu_us(const struct cgroups *cgroups, const struct cgroup_gauges *gauges, uint64_t *ret,
                                  struct err *err);
/* Kills every process in it, as a whole where the kernel can (v2: cgroup.kill). Never fails: see cgroup_remove(). */
void cgroup_kill(const struct cgroups *cgroups, uint64_t serial);
/* 0, also when there is no such group; -EBUSY while a process is still in it: try again. */
MUST_CHECK int cgroup_remove(const struct cgroups *cgroups, uint64_t serial);
