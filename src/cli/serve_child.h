/* serve_child: one daemon that `glimpse serve` keeps alive: started, watched by its pidfd, restarted with growing
 * pauses. It dies with us (PR_SET_PDEATHSIG). */
#pragma once

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#include "base/err.h"

struct serve_child {
    const char *name;    /* borrowed: for the log */
    char *const *argv;   /* borrowed; argv[0] is the path of the executable */
    uid_t uid;           /* whom it becomes; 0: it stays root */
    gid_t gid;

    int pidfd;           /* owned; -1 while it does not run */
    pid_t pid;           /* while it runs */
    uint64_t started_us; /* of the last start */
    uint64_t start_at_us; /* while it does not run: when to start it; UINT64_MAX: not at all */
    uint64_t pause_ms;   /* before the next start */
    bool proven;         /* has been up for a while, so that its end is an accident and not a misconfiguration */
};

/* uid, gid, name and argv are set by the caller; everything else here. */
void serve_child_init(struct serve_child *child);
MUST_CHECK int serve_child_start(struct serve_child *child, struct err *err);
/* Its pidfd is readable: takes its end, logs it and, where again, plans the next start. False where it has
 * failed at its first start, by itself: starting it again would not help. */
bool serve_child_reap(struct serve_child *child, bool again);
bool serve_child_runs(const struct serve_child *child);
void serve_child_signal(const struct serve_child *child, int signal);
