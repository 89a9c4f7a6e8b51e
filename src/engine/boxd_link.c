#include "engine/boxd_link.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>

#include "base/clock.h"
#include "base/fd.h"

enum {
    DELAY_MIN_MS = 100,
    DELAY_MAX_MS = 1000,
    WAITING_MAX = 8192, /* messages: a boxd that is so far behind does not live */
};

static void go_down(struct boxd_link *link, const char *why)
{
    watch_stop(link->set, &link->watch);
    closep(&link->fd);
    link->n_waiting = 0;
    link->down_since_us = now_us();
    link->delay_ms = DELAY_MIN_MS;
    uv_timer_set_repeat(&link->retry, DELAY_MIN_MS);
    (void)uv_timer_again(&link->retry);
    link->events.on_down(link->arg, why);
}

/* --- Sending --------------------------------------------------------------------------------- */

/* The loop sees the end of the connection and tells it: not from here, where a run is in the middle of a step. */
static void give_up(struct boxd_link *link)
{
    (void)shutdown(link->fd, SHUT_RDWR);
}

static int send_now(struct boxd_link *link, const union wire_msg *msg)
{
    return fd_send_packet(link->fd, msg, wire_size(msg->head.type), NULL, 0);
}

static void keep_waiting(struct boxd_link *link, const void *msg)
{
    if (link->n_waiting == link->waiting_size) {
        size_t size = link->waiting_size == 0 ? 32 : link->waiting_size * 2;
        union wire_msg *more =
            size > WAITING_MAX ? NULL : reallocarray(link->waiting, size, sizeof *more);

        if (more == NULL) {
            give_up(link);
            return;
        }
        link->waiting = more;
        link->waiting_size = size;
    }
    memcpy(&link->waiting[link->n_waiting++], msg,
           wire_size(((const struct wire_head *)msg)->type));
    if (watch_change(link->set, &link->watch, EPOLLIN | EPOLLOUT, NULL) < 0)
        give_up(link);
}

static void send_waiting(struct boxd_link *link)
{
    size_t n = 0;
    int r = 0;

    while (n < link->n_waiting && r == 0) {
        r = send_now(link, &link->waiting[n]);
        if (r == 0)
            n++;
    }
    if (r < 0 && r != -EAGAIN) {
        give_up(link);
        return;
    }
    link->n_waiting -= n;
    memmove(link->waiting, link->waiting + n, link->n_waiting * sizeof *link->waiting);
    if (link->n_waiting == 0 && watch_change(link->set, &link->watch, EPOLLIN, NULL) < 0)
        give_up(link);
}

void boxd_link_send(struct boxd_link *link, const void *msg)
{
    int r;

    if (link->fd < 0)
        return; /* on_down has been told */
    r = link->n_waiting > 0 ? -EAGAIN : send_now(link, msg);
    if (r == -EAGAIN)
        keep_waiting(link, msg);
    else if (r < 0)
        give_up(link);
}

/* --- Receiving ------------------------------------------------------------------------------- */

/* One message. False where there is none, or the connection has ended. */
static bool receive(struct boxd_link *link)
{
    char bytes[WIRE_MAX_BYTES];
    CLEANUP(closep) int fd = -1;
    union wire_msg msg;
    struct err err = {0};
    size_t n_fds = 0;
    ssize_t n = fd_recv_packet(link->fd, bytes, sizeof bytes, &fd, 1, &n_fds, MSG_DONTWAIT);

    if (n == -EAGAIN)
        return false;
    if (n <= 0) {
        go_down(link, "the sandbox service restarted");
        return false;
    }
    if (wire_decode(&msg, bytes, (size_t)n, n_fds, WIRE_TO_API, &err) < 0) {
        (void)err_wrap(&err, -EBADMSG, "the sandbox service sent what is no message");
        go_down(link, err.msg);
        return false;
    }
    link->events.on_message(link->arg, &msg, TAKE_FD(fd));
    return link->fd >= 0;
}

static void on_link(struct watch *watch, uint32_t events)
{
    struct boxd_link *link = WATCH_OWNER(struct boxd_link, watch, watch);

    if ((events & EPOLLOUT) != 0 && link->n_waiting > 0)
        send_waiting(link);
    while (receive(link))
        ;
}

/* --- Connecting ------------------------------------------------------------------------------ */

static int connect_now(struct boxd_link *link)
{
    CLEANUP(closep) int fd = socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    int r;

    if (fd < 0)
        return -errno;
    if (strlen(link->path) >= sizeof address.sun_path)
        return -ENAMETOOLONG;
    memcpy(address.sun_path, link->path, strlen(link->path) + 1);
    /* Local: it succeeds or fails at once; EAGAIN means that boxd's backlog is full. */
    if (connect(fd, (const struct sockaddr *)&address, sizeof address) < 0)
        return -errno;
    r = watch_start(link->set, &link->watch, fd, EPOLLIN, NULL);
    if (r < 0)
        return r;
    link->fd = TAKE_FD(fd);
    return 0;
}

static void on_retry(uv_timer_t *timer)
{
    struct boxd_link *link = timer->data;

    if (connect_now(link) == 0) {
        (void)uv_timer_stop(timer);
        link->events.on_up(link->arg);
        return;
    }
    link->delay_ms = link->delay_ms * 2 < DELAY_MAX_MS ? link->delay_ms * 2 : DELAY_MAX_MS;
    uv_timer_set_repeat(timer, link->delay_ms);
    link->events.on_absent(link->arg, (now_us() - link->down_since_us) / 1000);
}

int boxd_link_init(struct boxd_link *link, uv_loop_t *loop, struct err *err)
{
    int r = uv_timer_init(loop, &link->retry);

    if (r < 0)
        return err_set(err, r, "the event loop: %s", uv_strerror(r));
    link->retry.data = link;
    link->fd = -1;
    link->watch = (struct watch){.fd = -1, .on_ready = on_link};
    link->delay_ms = DELAY_MIN_MS;
    link->down_since_us = now_us();
    (void)uv_timer_start(&link->retry, on_retry, DELAY_MIN_MS, DELAY_MIN_MS);
    if (connect_now(link) == 0)
        (void)uv_timer_stop(&link->retry);
    return 0;
}

void boxd_link_close(struct boxd_link *link, uv_close_cb on_closed)
{
    watch_stop(link->set, &link->watch);
    closep(&link->fd);
    free(link->waiting);
    link->waiting = NULL;
    uv_close((uv_handle_t *)&link->retry, on_closed);
}

bool boxd_link_connected(const struct boxd_link *link)
{
    return link->fd >= 0;
}
