/* clients: whoever may lease boxes. A message that breaks a rule ends the connection, and a connection that ends
 * takes its boxes with it. */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>

#include "base/fd.h"
#include "base/log.h"
#include "boxd/boxd.h"

enum {
    CLIENTS_MAX = 64,
    BACKLOG = 16,
    MESSAGES_PER_WAKE = 64, /* then the others and the clocks have their turn; what is left wakes us again */
};

#define SOCKET_NAME "boxd.sock" /* config->boxd_socket is run_dir/this */

struct client {
    LIST_ENTRY(client) next;
    struct boxd *boxd; /* borrowed */
    int fd;            /* owned; -1 once it is dropped */
    uv_poll_t poll;
};

static void on_closed(uv_handle_t *handle)
{
    free(handle->data);
}

/* Releases all that it has. It is freed later, by the loop: callers further up may still hold it. */
static void client_drop(struct client *client)
{
    struct boxd *boxd = client->boxd;
    struct wait *wait, *next;

    if (client->fd < 0)
        return;
    (void)uv_poll_stop(&client->poll);
    closep(&client->fd);
    LIST_REMOVE(client, next);
    for (wait = TAILQ_FIRST(&boxd->waits); wait != NULL; wait = next) {
        next = TAILQ_NEXT(wait, next);
        if (wait->client == client) {
            wait_remove(boxd, wait);
            free(wait);
        }
    }
    for (uint32_t i = 0; i < boxd->n_slots; i++)
        if (boxd->boxes[i].client == client)
            box_release(&boxd->boxes[i]);
    uv_close((uv_handle_t *)&client->poll, on_closed);
}

void client_send(struct client *client, const void *msg, size_t len, int fd)
{
    int r;

    if (client->fd < 0)
        return;
    r = fd_send_packet(client->fd, msg, len, &fd, fd >= 0);
    if (r < 0) {
        log_warn("a client is dropped: %s", strerror(-r));
        client_drop(client);
    }
}

void client_refuse(struct client *client, uint64_t lease_id, const struct err *err)
{
    struct wire_failed refused = wire_failed(WIRE_REFUSED, lease_id, err);

    client_send(client, &refused, sizeof refused, -1);
}

/* ---- Requests ---- */

static bool is_waiting(const struct boxd *boxd, const struct client *client, uint64_t lease_id)
{
    const struct wait *wait;

    TAILQ_FOREACH (wait, &boxd->waits, next)
        if (wait->client == client && wait->lease.head.id == lease_id)
            return true;
    return false;
}

/* -EBADMSG for an id that is in use: two boxes of one name could not be told apart. */
static int on_lease(struct client *client, const struct wire_lease *lease, struct err *err)
{
    struct boxd *boxd = client->boxd;
    struct wait *wait;

    if (is_waiting(boxd, client, lease->head.id) || boxes_find_lease(boxd, client, lease->head.id) != NULL)
        return err_set(err, -EBADMSG, "lease: the id is in use");
    wait = boxd->n_waits < 2 * (size_t)boxd->n_slots ? malloc(sizeof *wait) : NULL;
    if (wait == NULL) {
        struct err busy;

        (void)err_set(&busy, -EBUSY, "too many leases wait for one of %u slots", boxd->n_slots);
        client_refuse(client, lease->head.id, &busy);
        return 0;
    }
    *wait = (struct wait){.client = client, .kind = nursery_kind(boxd, lease), .lease = *lease};
    wait_add(boxd, wait);
    pool_refill(boxd);
    return 0;
}

/* USAGE and RELEASE of a lease that has just ended are normal: they crossed with ENDED. */
static void on_usage(struct client *client, uint64_t lease_id)
{
    struct box *box = boxes_find_lease(client->boxd, client, lease_id);

    if (box != NULL) {
        struct wire_used used = box_usage(box, WIRE_USED);

        client_send(client, &used, sizeof used, -1);
    }
}

static void on_release(struct client *client, uint64_t lease_id)
{
    struct boxd *boxd = client->boxd;
    struct box *box = boxes_find_lease(boxd, client, lease_id);
    struct wait *wait;

    if (box != NULL)
        box_release(box);
    TAILQ_FOREACH (wait, &boxd->waits, next)
        if (wait->client == client && wait->lease.head.id == lease_id) {
            wait_remove(boxd, wait);
            free(wait);
            return;
        }
}

static void on_stats(struct client *client, const struct wire_stats *stats)
{
    const struct boxd *boxd = client->boxd;
    /* A kind that there is none of was counted before a reload: answered with another, which says so. */
    const uint32_t kind = stats->kind < boxd->nursery.n_zygotes ? stats->kind : KIND_PLAIN;
    const struct wire_figures figures = figures_of(boxd, kind, stats->head.id);

    client_send(client, &figures, sizeof figures, -1);
}

static int serve(struct client *client, const union wire_msg *msg, struct err *err)
{
    if (msg->head.type == WIRE_LEASE)
        return on_lease(client, &msg->lease, err);
    if (msg->head.type == WIRE_USAGE)
        on_usage(client, msg->head.id);
    else if (msg->head.type == WIRE_STATS)
        on_stats(client, &msg->stats);
    else
        on_release(client, msg->head.id);
    return 0;
}

/* One packet. 1: there was none; 0: served; -1: the connection is to end. */
static int serve_packet(struct client *client)
{
    unsigned char bytes[WIRE_MAX_BYTES];
    size_t n_fds = 0;
    union wire_msg msg;
    struct err err = {0};
    ssize_t n = fd_recv_packet(client->fd, bytes, sizeof bytes, NULL, 0, &n_fds, MSG_DONTWAIT);

    if (n == -EAGAIN)
        return 1;
    if (n == 0)
        return -1; /* it has left */
    if (n > 0 && wire_decode(&msg, bytes, (size_t)n, n_fds, WIRE_TO_BOXD, &err) == 0 && serve(client, &msg, &err) == 0)
        return 0;
    log_warn("a client broke the protocol and is dropped: %s", n < 0 ? strerror((int)-n) : err.msg);
    return -1;
}

static void on_readable(uv_poll_t *poll, int status, int events)
{
    struct client *client = poll->data;
    int r = status < 0 ? -1 : 0;

    (void)events;
    for (int i = 0; r == 0 && i < MESSAGES_PER_WAKE && client->fd >= 0; i++)
        r = serve_packet(client);
    if (r < 0)
        client_drop(client);
}

/* ---- The door ---- */

/* unix(7): the credentials are those of connect(2), filled in by the kernel. */
static bool may_connect(const struct boxd *boxd, int fd)
{
    struct ucred peer;
    socklen_t len = sizeof peer;

    return getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &peer, &len) == 0 && (peer.uid == 0 || peer.uid == boxd->client_uid);
}

static size_t count_clients(const struct boxd *boxd)
{
    const struct client *client;
    size_t n = 0;

    LIST_FOREACH (client, &boxd->clients, next)
        n++;
    return n;
}

static void add_client(struct boxd *boxd, int fd)
{
    struct client *client = calloc(1, sizeof *client);

    if (client == NULL || uv_poll_init(boxd->loop, &client->poll, fd) < 0) {
        (void)close(fd);
        free(client);
        return;
    }
    client->boxd = boxd;
    client->fd = fd;
    client->poll.data = client;
    LIST_INSERT_HEAD(&boxd->clients, client, next);
    if (uv_poll_start(&client->poll, UV_READABLE, on_readable) < 0)
        client_drop(client);
}

static void on_connection(uv_poll_t *poll, int status, int events)
{
    struct boxd *boxd = poll->data;
    int fd = accept4(boxd->listen_fd, NULL, NULL, SOCK_CLOEXEC | SOCK_NONBLOCK);

    (void)status;
    (void)events;
    if (fd < 0)
        return;
    if (!may_connect(boxd, fd) || count_clients(boxd) == CLIENTS_MAX) {
        log_warn("a connection is refused: %s",
                 count_clients(boxd) == CLIENTS_MAX ? "too many" : "neither root nor our user");
        (void)close(fd);
        return;
    }
    add_client(boxd, fd);
}

/* The folder of the socket: root's, and closed to all but our user, who could otherwise put a link in the socket's
 * place. By descriptor: what is checked is what is used. */
static int open_run_dir(const char *path, gid_t group, struct err *err)
{
    CLEANUP(closep) int fd = -1;
    struct stat st;
    bool made = mkdir(path, 0700) == 0;

    if (!made && errno != EEXIST)
        return err_errno(err, -errno, "mkdir %s", path);
    fd = open(path, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
    if (fd < 0 || (made && (fchown(fd, 0, group) < 0 || fchmod(fd, 0750) < 0)) || fstat(fd, &st) < 0)
        return err_errno(err, -errno, "%s", path);
    if (st.st_uid != 0 || (st.st_mode & (S_IWGRP | S_IWOTH)) != 0)
        return err_set(err, -EPERM, "%s must be root's and not writable for others: `chown root:%u %s && chmod 750 %s`",
                       path, (unsigned)group, path, path);
    return TAKE_FD(fd);
}

/* Mode and owner are the second lock, the peer's uid the third. */
static int bind_socket(const char *run_dir, gid_t group, struct err *err)
{
    CLEANUP(closep) int dir = open_run_dir(run_dir, group, err);
    CLEANUP(closep) int fd = -1;
    struct sockaddr_un at = {.sun_family = AF_UNIX};
    mode_t mask;
    int r;

    if (dir < 0)
        return dir;
    fd = socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    if (fd < 0)
        return err_errno(err, -errno, "socket");
    (void)unlinkat(dir, SOCKET_NAME, 0); /* of a boxd that was killed; a living one holds the instance's lock */
    (void)snprintf(at.sun_path, sizeof at.sun_path, "/proc/self/fd/%d/%s", dir, SOCKET_NAME);
    mask = umask(0117);
    r = bind(fd, (struct sockaddr *)&at, sizeof at) < 0 ? -errno : 0;
    (void)umask(mask);
    if (r < 0 || fchownat(dir, SOCKET_NAME, 0, group, AT_SYMLINK_NOFOLLOW) < 0 || listen(fd, BACKLOG) < 0)
        return err_errno(err, r < 0 ? r : -errno, "%s/%s", run_dir, SOCKET_NAME);
    return TAKE_FD(fd);
}

int clients_listen(struct boxd *boxd, struct err *err)
{
    int fd = bind_socket(boxd->config->run_dir, boxd->client_gid, err);
    int r;

    if (fd < 0)
        return fd;
    boxd->listen_fd = fd;
    r = uv_poll_init(boxd->loop, &boxd->listen_poll, fd);
    boxd->listen_poll.data = boxd;
    if (r == 0)
        r = uv_poll_start(&boxd->listen_poll, UV_READABLE, on_connection);
    boxd->listening = r == 0;
    return r < 0 ? err_set(err, r, "watching %s: %s", boxd->config->boxd_socket, uv_strerror(r)) : 0;
}

void clients_stop(struct boxd *boxd)
{
    if (boxd->listening) {
        boxd->listening = false;
        (void)uv_poll_stop(&boxd->listen_poll);
        uv_close((uv_handle_t *)&boxd->listen_poll, NULL);
        closep(&boxd->listen_fd);
        (void)unlink(boxd->config->boxd_socket);
    }
    while (!LIST_EMPTY(&boxd->clients))
        client_drop(LIST_FIRST(&boxd->clients));
}
