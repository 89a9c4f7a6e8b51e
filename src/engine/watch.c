#include "engine/watch.h"

#include <errno.h>

static void on_poll(uv_poll_t *poll, int status, int events)
{
    struct watch_set *set = poll->data;

    (void)status; /* an error shows in epoll_wait() as well */
    (void)events;
    set->n_batch = epoll_wait(set->epoll_fd, set->batch, (int)COUNT_OF(set->batch), 0);
    /* Not freed in between: the owner of the set closes it from the loop. */
    for (int i = 0; i < set->n_batch; i++) {
        struct watch *watch = set->batch[i].data.ptr;

        if (watch != NULL)
            watch->on_ready(watch, set->batch[i].events);
    }
    set->n_batch = 0;
}

int watch_set_init(struct watch_set *set, uv_loop_t *loop, struct err *err)
{
    CLEANUP(closep) int fd = epoll_create1(EPOLL_CLOEXEC);
    int r;

    if (fd < 0)
        return err_errno(err, -errno, "an epoll set");
    r = uv_poll_init(loop, &set->poll, fd);
    if (r < 0)
        return err_set(err, r, "the event loop: %s", uv_strerror(r));
    set->poll.data = set;
    set->epoll_fd = TAKE_FD(fd);
    set->n_batch = 0;
    /* Cannot fail any more: all that uv_poll_start() does is to remember what to watch. */
    (void)uv_poll_start(&set->poll, UV_READABLE, on_poll);
    return 0;
}

void watch_set_close(struct watch_set *set, uv_close_cb on_closed)
{
    (void)uv_poll_stop(&set->poll);
    uv_close((uv_handle_t *)&set->poll, on_closed);
    closep(&set->epoll_fd);
}

static int control(struct watch_set *set, int what, struct watch *watch, int fd, uint32_t events,
                   struct err *err)
{
    struct epoll_event event = {.events = events, .data.ptr = watch};

    if (epoll_ctl(set->epoll_fd, what, fd, &event) < 0)
        return err_errno(err, -errno, "watching a descriptor");
    watch->fd = fd;
    return 0;
}

int watch_start(struct watch_set *set, struct watch *watch, int fd, uint32_t events,
                struct err *err)
{
    return control(set, EPOLL_CTL_ADD, watch, fd, events, err);
}

int watch_change(struct watch_set *set, struct watch *watch, uint32_t events, struct err *err)
{
    return control(set, EPOLL_CTL_MOD, watch, watch->fd, events, err);
}

void watch_stop(struct watch_set *set, struct watch *watch)
{
    if (watch->fd < 0)
        return;
    for (int i = 0; i < set->n_batch; i++)
        if (set->batch[i].data.ptr == watch)
            set->batch[i].data.ptr = NULL;
    /* Closing would do where the descriptor is ours alone. But a sandbox may hold the other half of what it sent us,
     * and the host of libglimpse may fork: then the set would go on reporting for a freed watch. */
    (void)epoll_ctl(set->epoll_fd, EPOLL_CTL_DEL, watch->fd, NULL);
    watch->fd = -1;
}
