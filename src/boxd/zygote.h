/*
 * zygote: the processes that boxes come from. They live in the mount namespace that rootfs_enter() makes, hold no
 * data of anybody, run no untrusted code, and do one thing each: the plain one clones boxes (SPAWN), the others are
 * interpreters that fork themselves into boxes (ENTER; the interpreter's half is src/init/zygote.h).
 */
#pragma once

#include "box/rootfs.h"

struct zygote_config {
    const struct rootfs_bind *binds; /* borrowed, as all here */
    size_t n_binds;
    char *const *argv,
        *const *envp; /* of an interpreter, in the box's names, NULL at the end; NULL: the plain zygote */
    char *const *folders; /* below /box, NULL at the end: an interpreter finds them there when it starts; or NULL */
    int init_fd;      /* glimpse-init, which is the plain zygote too (src/init/main.c) */
};

/* Where the interpreters find libzygote.so. */
#define ZYGOTE_LIBRARY "/opt/glimpse/lib/libzygote.so"

/* Starts one as a child of the caller, which must be single-threaded. Returns 0 with its control socket
 * (non-blocking, owned by the caller) and its pidfd (owned). The first message on the socket is READY or
 * FAILED. */
MUST_CHECK int zygote_start(int *ret_socket, int *ret_pidfd, const struct zygote_config *config, struct err *err);

/* interpreter.c: the calling process, which rootfs_enter() has served, becomes the interpreter. Returns with an
 * error only. */
int interpreter_exec(int control, const struct zygote_config *config, struct err *err);
