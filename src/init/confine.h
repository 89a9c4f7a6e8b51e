/*
 * confine: the steps by which a process of ours becomes one that may run an untrusted program. Shared by init's
 * child, which executes the program, and by interpreters that were forked into a box. Read from top to bottom: the
 * list is in confine.c.
 */
#pragma once

#include <linux/filter.h>
#include <stdint.h>

#include "base/err.h"

struct confine {
    uint64_t file_bytes, open_files; /* rlimits */
    struct sock_fprog filter; /* seccomp; of no instructions where the operator allowed that layer to be missing */
};

/* The filter's instructions, from the sealed memfd that boxd made, in memory of its own: one filter per process. */
MUST_CHECK int confine_load_filter(struct sock_fprog *ret, int seccomp_fd, struct err *err);
/* For a process in its box that has init's capabilities. 0, or a negative errno and *step, what failed. */
MUST_CHECK int confine_self(const struct confine *confine, const char **step);
/* Only ever down. 0 or a negative errno. */
MUST_CHECK int confine_set_rlimit(int resource, uint64_t value);
