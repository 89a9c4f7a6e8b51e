/*
 * prober: looks which languages there are in a process of its own, since that executes their compilers, which
 * glimpsed itself must not be able to do while it serves.
 *
 *   prober_start (one thread, before lockdown) -> prober_watch (with a loop) -> on_done, once -> prober_close
 */
#pragma once

#include <stdbool.h>
#include <uv.h>

#include "base/buf.h"
#include "base/err.h"
#include "languages/languages.h"

struct prober {
    struct languages *languages; /* borrowed until on_done */
    void (*on_done)(void *arg);
    void *arg;       /* borrowed */
    pid_t pid;       /* 0: none */
    int fd;          /* owned; read end of what it says, or -1 */
    struct buf said;
    uv_poll_t poll;
    bool watching;
};

/* Forks. The process ends with us, or by itself. */
MUST_CHECK int prober_start(struct prober *prober, struct languages *languages, const char *toolchains_dir,
                            struct err *err);
/* on_done: languages are filled in; all are unavailable where the process said nothing sensible. */
MUST_CHECK int prober_watch(struct prober *prober, uv_loop_t *loop, void (*on_done)(void *arg), void *arg,
                            struct err *err);
/* The loop must run once more. Fine for one that was never started. */
void prober_close(struct prober *prober);
