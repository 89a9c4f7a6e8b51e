/*
 * Connections: deadlines and hang-ups.
 *
 *     HEAD -> BODY -> HANDLING -> ANSWERING -> HEAD      (no BODY where there is none; never back)
 *                             \-> STREAMING -> ANSWERING
 *                                          \-> UPGRADED   (websocket.c, which has its own deadlines; to the end)
 *
 * Every phase but HANDLING has a deadline, so that nobody can hold a connection by being slow:
 * libmicrohttpd's own timeout starts anew with each byte that comes. A stream has one while libmicrohttpd holds
 * something of it that the client does not take; otherwise it is suspended.
 *
 * Hang-ups: libmicrohttpd does not look at a suspended connection. All connections are therefore in an epoll of
 * ours as well, edge-triggered and for EPOLLRDHUP alone: one system call for each connection, none for each request.
 */
#include <errno.h>
#include <inttypes.h>
#include <sys/epoll.h>
#include <sys/socket.h>

#include "base/clock.h"
#include "base/log.h"
#include "http/internal.h"
#include "http/tcp.h"

enum {
    GONE_BATCH = 64,
    LARGE_BYTES = 65536, /* an answer that the bound of all looks at */
};

static struct http_conn *conn_new(struct http_server *server, int fd)
{
    struct http_conn *conn = calloc(1, sizeof *conn);
    struct epoll_event event = {.events = EPOLLRDHUP | EPOLLET};

    if (conn == NULL)
        return NULL;
    *conn = (struct http_conn){.server = server,
                               .next = server->conns,
                               .fd = fd,
                               .phase = CONN_HEAD,
                               .phase_us = now_us()};
    event.data.ptr = conn;
    if (epoll_ctl(server->gone_fd, EPOLL_CTL_ADD, fd, &event) < 0) {
        free(conn);
        return NULL;
    }
    tcp_set_nodelay(fd);
    if (conn->next != NULL)
        conn->next->prev = conn;
    else
        server_set_sweeping(server, true);
    server->conns = conn;
    server->n_conns++;
    return conn;
}

static void conn_free(struct http_conn *conn)
{
    /* Now, not by close(): a duplicate may live on (farewell.c), and would report to a freed pointer. */
    (void)epoll_ctl(conn->server->gone_fd, EPOLL_CTL_DEL, conn->fd, NULL);
    conn_enter(conn, CONN_HEAD, 0); /* for n_busy */
    if (conn->prev != NULL)
        conn->prev->next = conn->next;
    else
        conn->server->conns = conn->next;
    if (conn->next != NULL)
        conn->next->prev = conn->prev;
    conn->server->n_conns--;
    if (conn->server->conns == NULL)
        server_set_sweeping(conn->server, false);
    free(conn);
}

/* *state: the socket context, NULL where there is no memory; request.c refuses requests then. */
void conn_on_change(void *arg, struct MHD_Connection *mhd, void **state,
                    enum MHD_ConnectionNotificationCode what)
{
    if (what == MHD_CONNECTION_NOTIFY_STARTED) {
        const union MHD_ConnectionInfo *info =
            MHD_get_connection_info(mhd, MHD_CONNECTION_INFO_CONNECTION_FD);

        *state = conn_new(arg, info->connect_fd);
    } else if (*state != NULL) {
        conn_free(*state);
        *state = NULL;
    }
}

void conn_enter(struct http_conn *conn, enum conn_phase phase, uint64_t moved_bytes)
{
    if (conn->phase == CONN_HEAD && phase != CONN_HEAD)
        conn->server->n_busy++;
    else if (conn->phase != CONN_HEAD && phase == CONN_HEAD)
        conn->server->n_busy--;
    conn->phase = phase;
    conn->phase_us = now_us();
    conn->head_us = 0;
    conn->moved_bytes = moved_bytes;
}

void conn_note_received(struct http_conn *conn)
{
    conn->received_bytes = tcp_received_bytes(conn->fd);
}

void conn_note_taken(struct http_conn *conn)
{
    conn->phase_us = now_us();
}

/* When the phase must be over; UINT64_MAX: no deadline. */
static uint64_t deadline_us(const struct http_conn *conn)
{
    const struct http_config *config = &conn->server->config;

    switch (conn->phase) {
    case CONN_HEAD:
        if (conn->head_us != 0)
            return conn->head_us + (uint64_t)config->head_time_ms * 1000;
        return conn->phase_us + (uint64_t)config->idle_time_ms * 1000;
    case CONN_BODY:
    case CONN_ANSWERING:
        return conn->phase_us + (uint64_t)config->transfer_time_ms * 1000 +
               conn->moved_bytes * 1000000 / config->transfer_rate;
    case CONN_STREAMING:
        if (!conn->request->suspended)
            return conn->phase_us + (uint64_t)config->stall_time_ms * 1000;
        break;
    case CONN_HANDLING:
    case CONN_UPGRADED:
        break;
    }
    return UINT64_MAX;
}

/* libmicrohttpd does not tell when the first byte of a request comes; the kernel does, when asked. */
static void note_head(struct http_conn *conn, uint64_t now)
{
    if (conn->phase == CONN_HEAD && conn->head_us == 0 &&
        tcp_received_bytes(conn->fd) > conn->received_bytes)
        conn->head_us = now;
}

/* libmicrohttpd sees the end of the connection at its next run, and closes. */
static void conn_end(struct http_conn *conn)
{
    /* An idle client gets no answer: it would take it for that of its next request. */
    if (conn->head_us != 0)
        farewell_write(conn, MHD_HTTP_REQUEST_TIMEOUT,
                       "the headers of the request took too long to arrive");
    else if (conn->phase == CONN_BODY)
        farewell_write(conn, MHD_HTTP_REQUEST_TIMEOUT,
                       "the body of the request arrived too slowly");
    (void)shutdown(conn->fd, SHUT_RDWR);
}

static uint64_t held_bytes(const struct http_conn *conn)
{
    const struct http_request *request = conn->request;

    if (conn->dropped)
        return 0;
    return (request == NULL ? 0 : request->held_bytes + http_stream_waiting(request)) +
           (conn->socket == NULL ? 0 : websocket_waiting(conn->socket));
}

/* One pass for each connection that has to go: there are none to go but under attack. */
void conn_bound_answers(struct http_conn *conn)
{
    const struct http_server *server = conn->server;

    if (held_bytes(conn) < LARGE_BYTES) /* thousands of these are within any bound */
        return;
    for (;;) {
        struct http_conn *largest = NULL;
        uint64_t all_bytes = 0;

        for (struct http_conn *other = server->conns; other != NULL; other = other->next) {
            all_bytes += held_bytes(other);
            if (other != conn && held_bytes(other) > (largest == NULL ? LARGE_BYTES : held_bytes(largest)))
                largest = other;
        }
        if (largest == NULL || all_bytes <= server->config.answers_bytes_max)
            return;
        log_warn("a client was cut off that had not taken an answer of %" PRIu64 " bytes: all that wait are too many",
                 held_bytes(largest));
        largest->dropped = true;
        (void)shutdown(largest->fd, SHUT_RDWR);
    }
}

static bool is_quiet(const struct http_conn *conn, uint64_t now)
{
    return conn->phase == CONN_STREAMING && conn->request->suspended &&
           now >= conn->phase_us + (uint64_t)conn->server->config.quiet_time_ms * 1000;
}

void conn_sweep(struct http_server *server)
{
    uint64_t now = now_us();

    for (struct http_conn *conn = server->conns; conn != NULL; conn = conn->next) {
        bool idle, cut_short;

        note_head(conn, now);
        idle = conn->phase == CONN_HEAD && conn->head_us == 0;
        /* libmicrohttpd does not see an end that came together with the last bytes before it. By now it has
         * read these, so nothing follows. */
        cut_short = conn->gone && (conn->phase == CONN_HEAD || conn->phase == CONN_BODY);
        if (cut_short)
            (void)shutdown(conn->fd, SHUT_RDWR);
        else if (now >= deadline_us(conn) || (server->draining && idle))
            conn_end(conn);
        else if (is_quiet(conn, now))
            stream_say_alive(conn->request);
        if (conn->socket != NULL)
            websocket_sweep(conn->socket, now);
    }
}

void conn_read_gone(struct http_server *server)
{
    struct epoll_event events[GONE_BATCH];
    /* Level-triggered for the loop: more come again. */
    int n = epoll_wait(server->gone_fd, events, GONE_BATCH, 0);

    for (int i = 0; i < n; i++) {
        struct http_conn *conn = events[i].data.ptr;

        conn->gone = true;
        if (conn->request != NULL)
            request_lose(conn->request); /* frees no connection: that is done in MHD_run() */
    }
}
