/*
 * zygote: the process that boxes are cloned from. It lives in the mount namespace that rootfs_enter()
 * makes, holds no data of anybody, runs no untrusted code, and does one thing: SPAWN.
 */
#pragma once

#include "box/rootfs.h"

struct zygote_config {
    const struct rootfs_bind *binds; /* borrowed */
    size_t n_binds;
};

/* Starts one as a child of the caller, which must be single-threaded. Returns 0 with its control socket
 * (non-blocking, owned by the caller) and its pidfd (owned). The first message on the socket is READY or
 * FAILED. */
MUST_CHECK int zygote_start(int *ret_socket, int *ret_pidfd, const struct zygote_config *config, struct err *err);
