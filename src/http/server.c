/*
 * libmicrohttpd on a libuv loop. It is started without threads; all its sockets are in its own
 * epoll descriptor, which the loop watches. MHD_run() serves what is ready, and MHD_get_timeout() tells whether
 * more can be done at once (pipelined requests): then the loop does not sleep. A resumed connection is served
 * before the loop sleeps next.
 * Deadlines are ours (conn.c), so libmicrohttpd's timer is not used.
 */
#include <errno.h>
#include <sys/epoll.h>

#include "base/log.h"
#include "http/internal.h"

enum {
    CONN_MEMORY_BYTES = 32768, /* libmicrohttpd's pool of a connection: headers must fit */
    CONN_MEMORY_STEP_BYTES = 4096,
    SWEEP_MS = 250, /* how late a deadline may be noticed */
    FLUSH_TURNS = 4, /* of libmicrohttpd: an answer needs one to be queued, and one for headers, body and end each */
};

static void on_closed(uv_handle_t *handle)
{
    free(handle);
}

#define CLOSE_HANDLE(member)                                                                       \
    do {                                                                                           \
        if ((member) != NULL)                                                                      \
            uv_close((uv_handle_t *)TAKE_PTR(member), on_closed);                                  \
    } while (0)

static void on_again(uv_idle_t *handle);
static void on_soon(uv_prepare_t *handle);

void server_run_soon(struct http_server *server)
{
    if (server->soon != NULL)
        (void)uv_prepare_start(server->soon, on_soon);
}

/* Never called from libmicrohttpd's callbacks: they say server_run_soon(). */
static void run(struct http_server *server)
{
    MHD_UNSIGNED_LONG_LONG wait_ms;

    (void)uv_prepare_stop(server->soon); /* before MHD_run(): a callback may want it on */
    (void)MHD_run(server->daemon);
    /* Only ever "at once", as there is no timeout of libmicrohttpd's to wait for. */
    if (MHD_get_timeout(server->daemon, &wait_ms) == MHD_YES)
        (void)uv_idle_start(server->again, on_again);
    else
        (void)uv_idle_stop(server->again);
}

static void on_mhd_ready(uv_poll_t *handle, int status, int events)
{
    (void)status;
    (void)events;
    run(handle->data);
}

static void on_again(uv_idle_t *handle)
{
    run(handle->data);
}

static void on_soon(uv_prepare_t *handle)
{
    run(handle->data);
}

static void on_gone_ready(uv_poll_t *handle, int status, int events)
{
    (void)status;
    (void)events;
    conn_read_gone(handle->data);
}

static void on_sweep(uv_timer_t *handle)
{
    conn_sweep(handle->data);
}

void server_set_sweeping(struct http_server *server, bool on)
{
    if (server->sweep == NULL)
        return; /* the end: http_server_free() has closed it */
    if (on)
        (void)uv_timer_start(server->sweep, on_sweep, SWEEP_MS, SWEEP_MS);
    else
        (void)uv_timer_stop(server->sweep);
}

/* libmicrohttpd tells of broken requests here; they are the clients' fault, so not worth more than this. */
static void PRINTF_LIKE(2, 0) on_mhd_log(void *arg, const char *fmt, va_list ap)
{
    char text[256];

    (void)arg;
    (void)vsnprintf(text, sizeof text, fmt, ap);
    text[strcspn(text, "\n")] = '\0';
    log_debug("libmicrohttpd: %s", text);
}

static int start_daemon(struct http_server *server, int listen_fd)
{
    server->daemon = MHD_start_daemon(
        MHD_USE_EPOLL | MHD_ALLOW_SUSPEND_RESUME | MHD_ALLOW_UPGRADE | MHD_USE_ERROR_LOG, 0, NULL, NULL,
        request_on_access, server,
        /* clang-format off */
        MHD_OPTION_EXTERNAL_LOGGER, on_mhd_log, NULL, /* first, so that it hears of the others' errors */
        MHD_OPTION_LISTEN_SOCKET, listen_fd,
        MHD_OPTION_NOTIFY_CONNECTION, conn_on_change, server,
        MHD_OPTION_NOTIFY_COMPLETED, request_on_completed, server,
        MHD_OPTION_CONNECTION_LIMIT, (unsigned)server->config.connections_max,
        MHD_OPTION_CONNECTION_MEMORY_LIMIT, (size_t)CONN_MEMORY_BYTES,
        MHD_OPTION_CONNECTION_MEMORY_INCREMENT, (size_t)CONN_MEMORY_STEP_BYTES,
        MHD_OPTION_CONNECTION_TIMEOUT, 0U,
        MHD_OPTION_STRICT_FOR_CLIENT, 1,
        MHD_OPTION_SIGPIPE_HANDLED_BY_APP, 1,
        MHD_OPTION_END);
    /* clang-format on */
    return server->daemon == NULL ? -EIO : 0;
}

static int new_handles(struct http_server *server)
{
    server->mhd_poll = calloc(1, sizeof *server->mhd_poll);
    server->gone_poll = calloc(1, sizeof *server->gone_poll);
    server->again = calloc(1, sizeof *server->again);
    server->soon = calloc(1, sizeof *server->soon);
    server->sweep = calloc(1, sizeof *server->sweep);
    if (server->mhd_poll != NULL && server->gone_poll != NULL && server->again != NULL &&
        server->soon != NULL && server->sweep != NULL)
        return 0;
    /* Not yet known to the loop: uv_close() would be wrong. */
    free(TAKE_PTR(server->mhd_poll));
    free(TAKE_PTR(server->gone_poll));
    free(TAKE_PTR(server->again));
    free(TAKE_PTR(server->soon));
    free(TAKE_PTR(server->sweep));
    return -ENOMEM;
}

/* Past new_handles() nothing can fail: epoll descriptors can be polled, and all else only sets fields. */
static int join_loop(struct http_server *server)
{
    const union MHD_DaemonInfo *info =
        MHD_get_daemon_info(server->daemon, MHD_DAEMON_INFO_EPOLL_FD);
    uv_loop_t *loop = server->config.loop;
    int r = new_handles(server);

    if (r < 0)
        return r;
    (void)uv_poll_init(loop, server->mhd_poll, info->epoll_fd);
    (void)uv_poll_init(loop, server->gone_poll, server->gone_fd);
    (void)uv_idle_init(loop, server->again);
    (void)uv_prepare_init(loop, server->soon);
    (void)uv_timer_init(loop, server->sweep);
    server->mhd_poll->data = server->gone_poll->data = server->again->data = server;
    server->soon->data = server->sweep->data = server;
    (void)uv_poll_start(server->mhd_poll, UV_READABLE, on_mhd_ready);
    (void)uv_poll_start(server->gone_poll, UV_READABLE, on_gone_ready);
    return 0;
}

int http_server_new(struct http_server **ret, const struct http_config *config, struct err *err)
{
    CLEANUP(http_server_freep) struct http_server *server = NULL;
    CLEANUP(closep) int listen_fd = -1;
    int r;

    server = calloc(1, sizeof *server);
    if (server == NULL)
        return err_set(err, -ENOMEM, "http server");
    server->config = *config;
    server->gone_fd = epoll_create1(EPOLL_CLOEXEC);
    if (server->gone_fd < 0)
        return err_errno(err, -errno, "epoll");
    r = stats_init(server);
    if (r < 0)
        return err_set(err, r, "http server");
    r = http_listen(&listen_fd, server->url, sizeof server->url, config->listen, err);
    if (r < 0)
        return r;
    r = start_daemon(server, listen_fd);
    if (r < 0)
        return err_set(err, r, "libmicrohttpd does not start on %s", config->listen);
    (void)TAKE_FD(listen_fd);
    r = join_loop(server);
    if (r < 0)
        return err_set(err, r, "http server");
    *ret = TAKE_PTR(server);
    return 0;
}

const char *http_server_url(const struct http_server *server)
{
    return server->url;
}

size_t http_server_n_busy(const struct http_server *server)
{
    return server->n_busy;
}

static void stop_listening(struct http_server *server)
{
    MHD_socket fd = MHD_quiesce_daemon(server->daemon);

    if (fd != MHD_INVALID_SOCKET)
        (void)close(fd);
}

void http_server_drain(struct http_server *server)
{
    if (server->draining)
        return;
    server->draining = true;
    stop_listening(server);
    conn_sweep(server); /* drops who is idle */
}

/* What was answered a moment ago still goes out, as far as its socket takes it at once. */
static void flush_answers(struct http_server *server)
{
    server->closing = true; /* no handler is called any more */
    for (int i = 0; i < FLUSH_TURNS; i++)
        (void)MHD_run(server->daemon);
}

void http_server_free(struct http_server *server)
{
    if (server == NULL)
        return;
    if (server->daemon != NULL)
        flush_answers(server);
    /* The handles first: they watch descriptors that are about to be closed. */
    CLOSE_HANDLE(server->mhd_poll);
    CLOSE_HANDLE(server->gone_poll);
    CLOSE_HANDLE(server->again);
    CLOSE_HANDLE(server->soon);
    CLOSE_HANDLE(server->sweep);
    if (server->daemon != NULL) {
        /* libmicrohttpd aborts when it is stopped with suspended connections, or with upgraded ones. */
        for (struct http_conn *conn = server->conns; conn != NULL; conn = conn->next) {
            if (conn->socket != NULL)
                websocket_lose(conn->socket);
            if (conn->request != NULL)
                request_lose(conn->request);
        }
        MHD_stop_daemon(server->daemon);
    }
    farewell_free_all(server);
    closep(&server->gone_fd);
    free(server->counts);
    free(server);
}
