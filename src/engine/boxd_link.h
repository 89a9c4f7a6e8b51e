/*
 * boxd_link: the connection to glimpse-boxd. Comes back by itself: when it is lost it is tried again after 100 ms, then
 * more rarely, at least once a second. Nothing here blocks; a boxd that stops reading makes messages wait.
 */
#pragma once

#include <stdbool.h>

#include "engine/watch.h"
#include "wire/wire.h"

struct boxd_link_events { /* all from the loop, never from inside a call of this module */
    void (*on_up)(void *arg);
    /* Every lease of the connection is gone. why: borrowed, a sentence. */
    void (*on_down)(void *arg, const char *why);
    /* Tried in vain: it has been down for down_ms. */
    void (*on_absent)(void *arg, uint64_t down_ms);
    /* fd: -1, or owned by the handler. */
    void (*on_message)(void *arg, const union wire_msg *msg, int fd);
};

struct boxd_link {
    const char *path;      /* borrowed */
    struct watch_set *set; /* borrowed */
    struct boxd_link_events events;
    void *arg;

    struct watch watch;
    int fd; /* owned; -1 while down */
    uv_timer_t retry;
    uint64_t delay_ms, down_since_us;

    union wire_msg *waiting; /* owned: what the socket did not take, in order */
    size_t n_waiting, waiting_size;
};

/* Fields above the blank line are set by the caller. Tries to connect at once, but does not fail when that
 * fails: see boxd_link_connected(). After success it must be closed. */
MUST_CHECK int boxd_link_init(struct boxd_link *link, uv_loop_t *loop, struct err *err);
void boxd_link_close(struct boxd_link *link, uv_close_cb on_closed);

bool boxd_link_connected(const struct boxd_link *link);
/* msg: a struct wire_* of its type. When it cannot be sent, the connection ends, which on_down tells. */
void boxd_link_send(struct boxd_link *link, const void *msg);
