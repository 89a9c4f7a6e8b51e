/* Saying "no" on a connection that libmicrohttpd will not answer any more. */
#include <errno.h>
#include <fcntl.h>
#include <sys/socket.h>

#include "http/internal.h"

enum {
    FAREWELL_MS = 2000, /* the longest that we read what is thrown away */
    FAREWELLS_MAX = 64, /* more are closed at once: their clients may see a reset */
    FAREWELL_READ_BYTES = 65536,
    RESPONSE_BYTES = 2048,
};

struct farewell {
    struct http_server *server; /* borrowed */
    struct farewell *prev, *next;
    uv_poll_t poll;
    uv_timer_t timer;
    unsigned n_open; /* handles that libuv has not closed yet */
    int fd;          /* owned: a duplicate of the connection's */
};

static void on_handle_closed(uv_handle_t *handle)
{
    struct farewell *farewell = handle->data;

    if (--farewell->n_open > 0)
        return;
    closep(&farewell->fd);
    free(farewell);
}

static void farewell_end(struct farewell *farewell)
{
    if (farewell->server == NULL)
        return; /* closing already */
    if (farewell->prev != NULL)
        farewell->prev->next = farewell->next;
    else
        farewell->server->farewells = farewell->next;
    if (farewell->next != NULL)
        farewell->next->prev = farewell->prev;
    farewell->server->n_farewells--;
    farewell->server = NULL;
    uv_close((uv_handle_t *)&farewell->poll, on_handle_closed);
    uv_close((uv_handle_t *)&farewell->timer, on_handle_closed);
}

static void on_readable(uv_poll_t *handle, int status, int events)
{
    static char scrap[FAREWELL_READ_BYTES]; /* written to and never read: not state */
    ssize_t n = recv(((struct farewell *)handle->data)->fd, scrap, sizeof scrap, MSG_DONTWAIT);

    (void)events;
    if (status < 0 || n == 0 || (n < 0 && errno != EAGAIN && errno != EINTR))
        farewell_end(handle->data);
}

static void on_timeout(uv_timer_t *handle)
{
    farewell_end(handle->data);
}

static void farewell_start(struct http_server *server, int fd)
{
    struct farewell *farewell;

    if (server->n_farewells >= FAREWELLS_MAX)
        return;
    farewell = calloc(1, sizeof *farewell);
    if (farewell == NULL)
        return;
    *farewell = (struct farewell){.server = server,
                                  .next = server->farewells,
                                  .n_open = 2,
                                  .fd = fcntl(fd, F_DUPFD_CLOEXEC, 0)};
    if (farewell->fd < 0 || uv_poll_init(server->config.loop, &farewell->poll, farewell->fd) < 0) {
        closep(&farewell->fd);
        free(farewell);
        return;
    }
    (void)uv_timer_init(server->config.loop, &farewell->timer);
    farewell->poll.data = farewell->timer.data = farewell;
    if (farewell->next != NULL)
        farewell->next->prev = farewell;
    server->farewells = farewell;
    server->n_farewells++;
    if (uv_poll_start(&farewell->poll, UV_READABLE, on_readable) < 0 ||
        uv_timer_start(&farewell->timer, on_timeout, FAREWELL_MS, 0) < 0)
        farewell_end(farewell);
}

void farewell_write(struct http_conn *conn, unsigned status, const char *detail)
{
    CLEANUP(buf_done) struct buf body, text;
    const char *id = conn->request != NULL ? conn->request->id : NULL;
    int r;

    stats_note_refusal(conn, status);
    buf_init(&text, RESPONSE_BYTES);
    buf_init(&body, RESPONSE_BYTES);
    r = http_problem_body(&body, status, NULL, detail);
    if (r == 0)
        r = buf_printf(&text,
                       "HTTP/1.1 %u %s\r\nContent-Type: " HTTP_PROBLEM_TYPE
                       "\r\nContent-Length: %zu\r\n"
                       "%s%s%sConnection: close\r\n\r\n%s",
                       status, MHD_get_reason_phrase_for(status), body.len, id != NULL ? "X-Request-Id: " : "",
                       id != NULL ? id : "", id != NULL ? "\r\n" : "", buf_text(&body));
    if (r == 0) /* a socket without room for this has a client that does not read */
        (void)send(conn->fd, text.at, text.len, MSG_DONTWAIT | MSG_NOSIGNAL);
}

void farewell_refuse(struct http_conn *conn, unsigned status, const char *detail)
{
    farewell_write(conn, status, detail);
    (void)shutdown(conn->fd, SHUT_WR);
    farewell_start(conn->server, conn->fd);
}

void farewell_free_all(struct http_server *server)
{
    while (server->farewells != NULL)
        farewell_end(server->farewells);
}
