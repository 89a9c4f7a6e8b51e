/*
 * prober: looks which languages there are, in a process of its own, since that reads their files and executes their
 * compilers, which glimpsed itself must not be able to do while it serves. It stays, to look again when it is told to.
 *
 *   prober_start (one thread, before lockdown) -> prober_watch (with a loop) -> on_probed, once
 *                                                 -> prober_reload -> on_reloaded ... -> prober_close
 *
 * It is forked before there is a socket that listens, gets single bytes that say "again", and no other, and what it
 * sends is parsed as the files are.
 */
#pragma once

#include <stdbool.h>
#include <uv.h>

#include "base/buf.h"
#include "base/err.h"
#include "languages/languages.h"

struct prober_events {
    /* The languages of prober_start() are filled in; all are unavailable where the process said nothing sensible. */
    void (*on_probed)(void *arg);
    /* Looked again. fresh: to be taken (set to zero) or left; NULL with err: the files are not right. Both NULL:
     * everything is as it was. */
    void (*on_reloaded)(void *arg, struct languages *fresh, const struct err *err);
};

struct prober {
    struct languages *languages; /* borrowed until on_probed */
    struct prober_events events;
    void *arg;           /* borrowed */
    pid_t pid;           /* 0: none */
    int fd;              /* owned; our end of a socket, or -1 */
    struct buf said, last; /* the message that is coming; the one that told of languages before */
    bool probed, asked;  /* asked: the answer is not there yet */
    uv_poll_t poll;
    bool watching;
};

/* Forks. The process ends with us. */
MUST_CHECK int prober_start(struct prober *prober, struct languages *languages, const char *toolchains_dir,
                            struct err *err);
MUST_CHECK int prober_watch(struct prober *prober, uv_loop_t *loop, const struct prober_events *events, void *arg,
                            struct err *err);
/* on_reloaded follows. False: it is looking already, or is no more. */
bool prober_reload(struct prober *prober);
/* The loop must run once more. Fine for one that was never started. */
void prober_close(struct prober *prober);
