/*
 * watch: many descriptors behind one libuv handle.
 *
 * A stage opens four descriptors and closes them a few milliseconds later. A uv_poll_t for each would cost five or six
 * system calls, and would have to outlive its object until a close callback. Here they share one epoll set, which
 * the loop polls: one system call to watch a descriptor, one to stop, and the object may be freed at once,
 * also from inside a handler.
 */
#pragma once

#include <stdint.h>
#include <sys/epoll.h>
#include <uv.h>

#include "base/err.h"

struct watch {
    int fd; /* borrowed; -1: not watched */
    void (*on_ready)(struct watch *watch,
                     uint32_t events); /* EPOLL*; the last thing it does may free the watch */
};

/* The object that a watch is a member of. */
#define WATCH_OWNER(type, member, watch) ((type *)(void *)((char *)(watch)-offsetof(type, member)))

struct watch_set {
    uv_poll_t poll;
    int epoll_fd;                 /* owned */
    struct epoll_event batch[32]; /* being handled: watch_stop() takes its watch out of it */
    int n_batch;
};

/* After success the set must be closed with watch_set_close(); on_closed comes from the loop. */
MUST_CHECK int watch_set_init(struct watch_set *set, uv_loop_t *loop, struct err *err);
void watch_set_close(struct watch_set *set, uv_close_cb on_closed);

/* fd: borrowed, open until watch_stop(). events: EPOLLIN or EPOLLOUT; level-triggered. */
MUST_CHECK int watch_start(struct watch_set *set, struct watch *watch, int fd, uint32_t events,
                           struct err *err);
MUST_CHECK int watch_change(struct watch_set *set, struct watch *watch, uint32_t events,
                            struct err *err);
/* No handler after this. Comes before the descriptor is closed. Does nothing where nothing is watched. */
void watch_stop(struct watch_set *set, struct watch *watch);
