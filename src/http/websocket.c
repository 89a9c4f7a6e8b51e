/*
 * A WebSocket connection, from the answer "101" to its end.
 *
 *   OPENING ── libmicrohttpd has sent 101 ──▶ OPEN ── somebody closes ──▶ CLOSING ── close frame sent ──▶ LINGERING ──▶ ended
 *      └───────────── lost ───────────────────▶──────────────────▶ ended
 *
 * In LINGERING what the client still sends is read and thrown away, until it closes too: closing with unread bytes
 * makes the kernel send a reset, which can overtake the close frame. It has LINGER_MS for that.
 *
 * The object is freed when neither libmicrohttpd nor the loop know it any more. wslay calls back from inside
 * wslay_event_recv(), and so do our callers from there: nothing is freed, and nobody told of an end, but by step(),
 * the one place that runs from the loop and from nowhere else.
 */
#include "http/websocket.h"

#include <errno.h>
#include <sys/socket.h>
#include <wslay/wslay.h>

#include "base/clock.h"
#include "http/internal.h"

enum {
    LINGER_MS = 2000,
    TURN_BYTES = 256 << 10, /* read at one turn of the loop: others want one, too */
    PINGS_MAX = 64,         /* unanswered, because the client does not read: no more are read until it does */
    REASON_MAX = 123,       /* bytes: a control frame has no more */
    SILENCE_PINGS = 4,      /* times the quiet time without a byte, and the client counts as gone */
};

enum websocket_state { SOCKET_OPENING, SOCKET_OPEN, SOCKET_CLOSING, SOCKET_LINGERING };

struct websocket {
    struct http_server *server;            /* borrowed */
    struct http_conn *conn;                /* borrowed; NULL once the request is over */
    struct MHD_UpgradeResponseHandle *urh; /* NULL before and after it is ours to close */
    wslay_event_context_ptr wslay;         /* owned */
    uv_poll_t poll;
    bool polled;                           /* poll is known to the loop */
    int fd;                                /* borrowed from libmicrohttpd; -1 without urh */
    enum websocket_state state;

    struct websocket_events events;
    void *arg;
    bool told;          /* the caller has closed, or was told that the client is gone */
    bool in_step;       /* what is queued goes out at its end */
    bool failed;        /* the connection is broken: step() ends it */
    bool full;          /* on_room is owed */
    bool paused;

    struct buf early;   /* came together with the request ... */
    size_t early_done;  /* ... and so much of it is read */
    struct buf message; /* what there is of the one that is coming; counted in server->bodies_bytes */
    size_t message_max, next_max;
    size_t turn_bytes;  /* read at this turn */
    bool in_control;    /* the frame that is coming is none of the message */
    unsigned n_pings;   /* since nothing waited to be sent */

    uint64_t due_us;    /* since when a message is due or coming; 0: none */
    uint64_t heard_us, pinged_us;
    uint64_t close_us;  /* CLOSING: since when; LINGERING: when the frame was sent */
    unsigned close_status; /* 0: no close frame of the caller's waits for all else to be sent */
    char reason[REASON_MAX + 1];
};

static void on_poll(uv_poll_t *poll, int status, int events);

/* ---- The end ---- */

static void forget_message(struct websocket *socket)
{
    socket->server->bodies_bytes -= socket->message.len;
    buf_done(&socket->message);
}

static void free_socket(struct websocket *socket)
{
    wslay_event_context_free(socket->wslay);
    buf_done(&socket->early);
    free(socket);
}

static void on_closed(uv_handle_t *handle)
{
    free_socket(handle->data);
}

/* Not from inside of wslay. Told last: nothing of the socket is touched behind it. */
static void end(struct websocket *socket)
{
    void (*on_gone)(void *arg) = socket->told ? NULL : socket->events.on_gone;
    void *arg = socket->arg;

    socket->told = true;
    if (socket->conn != NULL)
        socket->conn->socket = NULL;
    forget_message(socket);
    if (socket->urh != NULL) {
        /* libmicrohttpd closes the descriptor at its next run; the loop must have forgotten it by then. */
        if (socket->polled)
            (void)uv_poll_stop(&socket->poll);
        (void)MHD_upgrade_action(socket->urh, MHD_UPGRADE_ACTION_CLOSE);
        server_run_soon(socket->server);
    }
    if (socket->polled)
        uv_close((uv_handle_t *)&socket->poll, on_closed);
    else
        free_socket(socket);
    if (on_gone != NULL)
        on_gone(arg);
}

void websocket_lose(struct websocket *socket)
{
    end(socket);
}

/* ---- Reading and writing ---- */

static bool wants_read(const struct websocket *socket)
{
    if (socket->state == SOCKET_LINGERING)
        return true;
    return socket->state == SOCKET_OPEN && !socket->paused && socket->n_pings < PINGS_MAX;
}

static void watch(struct websocket *socket)
{
    int events = (wants_read(socket) ? UV_READABLE : 0) |
                 (wslay_event_want_write(socket->wslay) ? UV_WRITABLE : 0);

    if (!socket->polled)
        return;
    if (socket->failed)
        events = UV_READABLE | UV_WRITABLE; /* a broken connection is both: step() comes at once */
    (void)uv_poll_start(&socket->poll, events, on_poll);
}

static ssize_t on_recv(wslay_event_context_ptr wslay, uint8_t *to, size_t size, int flags, void *arg)
{
    struct websocket *socket = arg;
    size_t left = socket->early.len - socket->early_done;
    ssize_t n;

    (void)flags;
    if (left > 0) {
        left = left < size ? left : size;
        memcpy(to, socket->early.at + socket->early_done, left);
        socket->early_done += left;
        return (ssize_t)left;
    }
    n = -1;
    errno = EAGAIN;
    if (wants_read(socket) && socket->turn_bytes < TURN_BYTES)
        n = recv(socket->fd, to, size, MSG_DONTWAIT);
    if (n > 0) {
        socket->turn_bytes += (size_t)n;
        socket->heard_us = now_us();
        return n;
    }
    if (n < 0 && (errno == EAGAIN || errno == EINTR)) {
        wslay_event_set_error(wslay, WSLAY_ERR_WOULDBLOCK);
        return -1;
    }
    socket->failed = true; /* 0: it has closed without a word, which is the same */
    wslay_event_set_error(wslay, WSLAY_ERR_CALLBACK_FAILURE);
    return -1;
}

static ssize_t on_send(wslay_event_context_ptr wslay, const uint8_t *bytes, size_t len, int flags, void *arg)
{
    struct websocket *socket = arg;
    const int more = (flags & WSLAY_MSG_MORE) != 0 ? MSG_MORE : 0;
    ssize_t n = send(socket->fd, bytes, len, MSG_DONTWAIT | MSG_NOSIGNAL | more);

    if (n >= 0)
        return n;
    if (errno != EAGAIN && errno != EINTR)
        socket->failed = true;
    wslay_event_set_error(wslay, socket->failed ? WSLAY_ERR_CALLBACK_FAILURE : WSLAY_ERR_WOULDBLOCK);
    return -1;
}

/* At once, before all that waits: wslay sends control frames first. */
static void queue_close(struct websocket *socket, unsigned status, const char *reason)
{
    size_t len = strlen(reason);

    if (wslay_event_queue_close(socket->wslay, (uint16_t)status, (const uint8_t *)reason,
                                len < REASON_MAX ? len : REASON_MAX) == WSLAY_ERR_NOMEM)
        socket->failed = true;
}

static void linger(struct websocket *socket)
{
    socket->state = SOCKET_LINGERING;
    socket->close_us = now_us();
    (void)shutdown(socket->fd, SHUT_WR);
}

/* What waits, as far as the kernel takes it. Nobody is told of anything from here. */
static void flush(struct websocket *socket)
{
    if (socket->state == SOCKET_OPENING || socket->state == SOCKET_LINGERING || socket->failed)
        return;
    if (wslay_event_send(socket->wslay) != 0)
        socket->failed = true;
    if (!wslay_event_want_write(socket->wslay) && socket->close_status != 0 && !socket->failed) {
        queue_close(socket, socket->close_status, socket->reason); /* now that all else is sent */
        socket->close_status = 0;
        if (wslay_event_send(socket->wslay) != 0)
            socket->failed = true;
    }
    if (!wslay_event_want_write(socket->wslay))
        socket->n_pings = 0;
    if (!socket->failed && wslay_event_get_close_sent(socket->wslay))
        linger(socket);
}

static void enter_closing(struct websocket *socket)
{
    wslay_event_shutdown_read(socket->wslay);
    if (socket->state == SOCKET_OPEN)
        socket->state = SOCKET_CLOSING; /* OPENING: see on_upgrade() */
    socket->close_us = now_us();
}

/* The client has broken a rule of ours. */
static void send_away(struct websocket *socket, unsigned status, const char *reason)
{
    enter_closing(socket);
    queue_close(socket, status, reason);
    forget_message(socket);
    socket->due_us = 0;
}

/* ---- Messages that come ---- */

static void on_frame(wslay_event_context_ptr wslay, const struct wslay_event_on_frame_recv_start_arg *frame, void *arg)
{
    struct websocket *socket = arg;

    (void)wslay;
    socket->in_control = wslay_is_ctrl_frame(frame->opcode);
    if (socket->in_control)
        return;
    if (socket->due_us == 0)
        socket->due_us = now_us();
    if (frame->payload_length > socket->message_max - socket->message.len)
        send_away(socket, WSLAY_CODE_MESSAGE_TOO_BIG, "the message is too large");
}

static void on_chunk(wslay_event_context_ptr wslay, const struct wslay_event_on_frame_recv_chunk_arg *chunk, void *arg)
{
    struct websocket *socket = arg;
    struct http_server *server = socket->server;

    (void)wslay;
    if (socket->in_control || socket->state != SOCKET_OPEN || chunk->data_length == 0)
        return;
    if (chunk->data_length > server->config.bodies_bytes_max - server->bodies_bytes) {
        send_away(socket, WEBSOCKET_OUR_FAILURE, "too many large requests are being received; try again in a moment");
    } else if (buf_add(&socket->message, chunk->data, chunk->data_length) < 0) {
        send_away(socket, WEBSOCKET_OUR_FAILURE, "the server is out of memory");
    } else {
        server->bodies_bytes += chunk->data_length;
    }
}

static void on_whole(wslay_event_context_ptr wslay, const struct wslay_event_on_msg_recv_arg *msg, void *arg)
{
    struct websocket *socket = arg;
    const struct slice bytes = {buf_text(&socket->message), socket->message.len};

    (void)wslay;
    if (msg->opcode == WSLAY_PING)
        socket->n_pings++;
    if (wslay_is_ctrl_frame(msg->opcode) || socket->state != SOCKET_OPEN || socket->told)
        return;
    socket->due_us = 0;
    socket->events.on_message(socket->arg, msg->opcode == WSLAY_TEXT_FRAME, bytes);
    forget_message(socket);
    socket->message_max = socket->next_max;
    buf_init(&socket->message, socket->message_max);
}

/* ---- The loop's turn ---- */

static void discard(struct websocket *socket)
{
    static char scrap[65536]; /* written to and never read: not state */
    ssize_t n = recv(socket->fd, scrap, sizeof scrap, MSG_DONTWAIT);

    if (n == 0 || (n < 0 && errno != EAGAIN && errno != EINTR))
        socket->failed = true;
}

static void read_messages(struct websocket *socket)
{
    socket->turn_bytes = 0;
    /* An error that is not the connection's is a frame that can't be one; wslay closes without a status then. */
    if (wslay_event_recv(socket->wslay) == WSLAY_ERR_NOMEM)
        socket->failed = true;
    /* wslay has answered a close frame, or a wrong one, with its own. */
    if (socket->state == SOCKET_OPEN && !wslay_event_get_read_enabled(socket->wslay)) {
        socket->state = SOCKET_CLOSING;
        socket->close_us = now_us();
    }
}

static bool room_is_owed(struct websocket *socket)
{
    if (!socket->full || websocket_waiting(socket) > WEBSOCKET_LOW_BYTES)
        return false;
    socket->full = false;
    return !socket->told && socket->events.on_room != NULL;
}

/* Everything that the loop has for this connection. The socket may be gone afterwards. */
static void step(struct websocket *socket, bool readable)
{
    socket->in_step = true;
    if (readable && socket->state == SOCKET_LINGERING)
        discard(socket);
    else if (wants_read(socket) && !socket->failed)
        read_messages(socket);
    flush(socket);
    /* Again where the kernel took all at once: nothing would call for another step. */
    while (!socket->failed && room_is_owed(socket)) {
        socket->events.on_room(socket->arg);
        flush(socket);
    }
    socket->in_step = false;
    if (socket->failed) {
        end(socket);
        return;
    }
    watch(socket);
    if (socket->state >= SOCKET_CLOSING && !socket->told) {
        socket->told = true;
        socket->events.on_gone(socket->arg);
    }
}

static void on_poll(uv_poll_t *poll, int status, int events)
{
    step(poll->data, status < 0 || (events & UV_READABLE) != 0); /* an error shows in recv() as well */
}

/* When it must be over with what it does; UINT64_MAX: no deadline. */
static uint64_t deadline_us(const struct websocket *socket)
{
    const struct http_config *config = &socket->server->config;
    const uint64_t time_us = (uint64_t)config->transfer_time_ms * 1000;
    const uint64_t waiting = websocket_waiting(socket);

    if (socket->state == SOCKET_LINGERING)
        return socket->close_us + LINGER_MS * 1000;
    if (socket->state == SOCKET_CLOSING)
        return socket->close_us + time_us + waiting * 1000000 / config->transfer_rate;
    if (socket->due_us != 0 && !socket->paused)
        return socket->due_us + time_us + socket->message.len * 1000000 / config->transfer_rate;
    return UINT64_MAX;
}

static void ping_where_silent(struct websocket *socket, uint64_t now)
{
    const uint64_t ping_us = (uint64_t)socket->server->config.quiet_time_ms * 1000;
    const struct wslay_event_msg ping = {.opcode = WSLAY_PING};

    if (socket->state != SOCKET_OPEN || !wants_read(socket) || now < socket->heard_us + ping_us)
        return;
    if (now >= socket->heard_us + SILENCE_PINGS * ping_us) {
        socket->failed = true;
    } else if (now >= socket->pinged_us + ping_us) {
        socket->pinged_us = now;
        (void)wslay_event_queue_msg(socket->wslay, &ping); /* no memory: the next one */
    }
}

void websocket_sweep(struct websocket *socket, uint64_t now)
{
    if (socket->state == SOCKET_OPENING)
        return;
    if (now >= deadline_us(socket)) {
        if (socket->state == SOCKET_OPEN)
            send_away(socket, WEBSOCKET_NOT_ALLOWED, "the message took too long to arrive");
        else
            socket->failed = true;
    } else if (socket->state == SOCKET_OPEN && socket->conn->gone && !wants_read(socket)) {
        socket->failed = true; /* nobody would read that it has left */
    } else {
        ping_where_silent(socket, now);
    }
    if (socket->failed || wslay_event_want_write(socket->wslay))
        step(socket, false);
}

/* ---- What callers do ---- */

int websocket_send(struct websocket *socket, struct slice text)
{
    const struct wslay_event_msg msg = {
        .opcode = WSLAY_TEXT_FRAME, .msg = (const uint8_t *)text.at, .msg_length = text.len};

    if (socket->told || socket->failed)
        return 0;
    if (wslay_event_queue_msg(socket->wslay, &msg) == WSLAY_ERR_NOMEM) {
        socket->failed = true;
        watch(socket);
        return -ENOMEM;
    }
    if (!socket->in_step)
        flush(socket);
    socket->full = socket->full || websocket_is_full(socket);
    conn_bound_answers(socket->conn);
    watch(socket);
    return 0;
}

size_t websocket_waiting(const struct websocket *socket)
{
    return wslay_event_get_queued_msg_length(socket->wslay);
}

bool websocket_is_full(const struct websocket *socket)
{
    return websocket_waiting(socket) > WEBSOCKET_HIGH_BYTES;
}

void websocket_pause(struct websocket *socket, bool on)
{
    if (socket->paused == on)
        return;
    socket->paused = on;
    if (!on) {
        /* The time that it could not have used does not count. */
        socket->heard_us = now_us();
        socket->due_us = socket->due_us != 0 ? socket->heard_us : 0;
    }
    watch(socket);
}

void websocket_set_message_max(struct websocket *socket, size_t bytes)
{
    socket->next_max = bytes;
}

void websocket_close(struct websocket *socket, unsigned status, const char *reason)
{
    socket->told = true;
    if (socket->state >= SOCKET_CLOSING)
        return;
    socket->close_status = status;
    (void)snprintf(socket->reason, sizeof socket->reason, "%s", reason);
    enter_closing(socket);
    if (!socket->in_step)
        flush(socket);
    watch(socket);
}

/* ---- The beginning ---- */

/* libmicrohttpd has sent its answer. */
static void on_upgrade(void *arg, struct MHD_Connection *mhd, void *request, const char *extra, size_t n_extra,
                       MHD_socket fd, struct MHD_UpgradeResponseHandle *urh)
{
    struct websocket *socket = arg;

    (void)mhd;
    (void)request;
    socket->urh = urh;
    socket->fd = fd;
    conn_enter(socket->conn, CONN_UPGRADED, 0);
    buf_init(&socket->early, n_extra + 1); /* libmicrohttpd's memory for a connection bounds it */
    if (buf_add(&socket->early, extra, n_extra) < 0 ||
        uv_poll_init(socket->server->config.loop, &socket->poll, fd) < 0) {
        end(socket);
        return;
    }
    socket->polled = true;
    socket->poll.data = socket;
    socket->heard_us = socket->due_us = now_us();
    /* Closed before it was open: the close frame waits. */
    socket->state = wslay_event_get_read_enabled(socket->wslay) ? SOCKET_OPEN : SOCKET_CLOSING;
    /* What came early is read by the first step, which a socket without room to write in would never get. */
    (void)uv_poll_start(&socket->poll, UV_READABLE | UV_WRITABLE, on_poll);
}

static struct websocket *new_socket(struct http_request *request, const struct websocket_events *events, void *arg)
{
    static const struct wslay_event_callbacks callbacks = {.recv_callback = on_recv,
                                                           .send_callback = on_send,
                                                           .on_frame_recv_start_callback = on_frame,
                                                           .on_frame_recv_chunk_callback = on_chunk,
                                                           .on_msg_recv_callback = on_whole};
    struct websocket *socket = calloc(1, sizeof *socket);
    const size_t max = request->conn->server->config.body_bytes_max;

    if (socket == NULL)
        return NULL;
    *socket = (struct websocket){.server = request->conn->server,
                                 .conn = request->conn,
                                 .fd = -1,
                                 .events = *events,
                                 .arg = arg,
                                 .message_max = max,
                                 .next_max = max};
    buf_init(&socket->message, max);
    if (wslay_event_context_server_init(&socket->wslay, &callbacks, socket) != 0) {
        free(socket);
        return NULL;
    }
    /* Messages are ours to gather, so that all of them together have a bound. */
    wslay_event_config_set_no_buffering(socket->wslay, 1);
    return socket;
}

struct websocket *websocket_accept(struct http_request *request, const struct websocket_events *events, void *arg)
{
    char answer[WEBSOCKET_ACCEPT_BYTES];
    const struct http_header headers[] = {{"Upgrade", "websocket"}, {"Sec-WebSocket-Accept", answer}, {NULL, NULL}};
    struct MHD_Response *response;
    struct websocket *socket;

    if (!websocket_check_request(request, answer))
        return NULL;
    if (request->conn->server->draining) {
        http_answer_problem(request, MHD_HTTP_SERVICE_UNAVAILABLE, NULL,
                            "the server is stopping; try again in a moment");
        return NULL;
    }
    socket = new_socket(request, events, arg);
    response = socket == NULL ? NULL : MHD_create_response_for_upgrade(on_upgrade, socket);
    if (response == NULL || request_add_headers(request, response, NULL, headers) < 0) {
        if (response != NULL)
            MHD_destroy_response(response);
        if (socket != NULL)
            free_socket(socket);
        http_answer_problem(request, MHD_HTTP_SERVICE_UNAVAILABLE, NULL, "the server is out of memory");
        return NULL;
    }
    request->conn->socket = socket;
    request_set_response(request, REQUEST_ANSWERED, MHD_HTTP_SWITCHING_PROTOCOLS, response);
    return socket;
}
