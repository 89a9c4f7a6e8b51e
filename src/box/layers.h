/*
 * layers: the isolation layers (docs/architecture.md), whether this host has them, and what to do where it has not.
 * A missing layer stops the start, unless the operator allowed it by name; some can't be done without.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "base/err.h"
#include "base/strings.h"
#include "box/cgroup.h"

enum layer {
    LAYER_USER_NS,
    LAYER_PID_NS,
    LAYER_MOUNT_NS,
    LAYER_NETWORK_NS,
    LAYER_IPC_NS,
    LAYER_UTS_NS,
    LAYER_CGROUP_NS,
    LAYER_ROOT,
    LAYER_MEMORY,
    LAYER_SWAP,
    LAYER_PIDS,
    LAYER_CPU,
    LAYER_SECCOMP,
    LAYER_PRIVILEGES,
    LAYER_DESCRIPTORS,
    N_LAYERS
};

struct layer_state {
    bool there, allowed_missing;
    struct err why; /* where it is not there */
};

struct layer_info {
    const char *name; /* as in allow_missing */
    const char *what;
    const char *fix;
    bool can_be_missing;
    uint64_t clone_flag; /* of a namespace; 0 otherwise */
};
extern const struct layer_info layer_table[N_LAYERS];

/* Tries each layer, most in a short-lived child. cgroups: NULL where cgroups_open() failed with *cgroup_err.
 * 0, or -EINVAL where allow_missing holds a name that is no layer, or one that can't be missing. */
MUST_CHECK int layers_check(struct layer_state states[N_LAYERS], const struct cgroups *cgroups,
                            const struct err *cgroup_err, const struct strings *allow_missing, struct err *err);
/* 0, or -ENOTSUP with *err naming the first layer that is missing without being allowed to, and its fix. */
MUST_CHECK int layers_require(const struct layer_state states[N_LAYERS], struct err *err);
/* CLONE_NEW* of the namespaces that are there. */
uint64_t layers_namespaces(const struct layer_state states[N_LAYERS]);
