/*
 * connect ── handshake ──▶ talk ── result, cancelled, or the connection's end ──▶ done
 *
 * One thread, one poll(2): the socket, and stdin while not too much of it waits to be sent. A cancel and a window's new
 * size are seen within POLL_MS.
 */
#include "client/remote_talk.h"

#include <curl/curl.h>
#include <errno.h>
#include <nettle/base64.h>
#include <nettle/sha1.h>
#include <poll.h>
#include <string.h>
#include <strings.h>
#include <sys/random.h>
#include <wslay/wslay.h>

#include "base/clock.h"
#include "base/json_out.h"
#include "client/remote_json.h"

enum {
    CONNECT_TIMEOUT_S = 10,
    HANDSHAKE_US = 10000000,
    SILENCE_US = 60000000, /* the server pings after 15 s of it */
    POLL_MS = 50,
    HEAD_MAX_BYTES = 65536,
    MESSAGE_MAX_BYTES = 512 << 20,
    STDIN_PIECE_BYTES = 65536,
    STDIN_WAITING_MAX = 256 << 10,
    KEY_TEXT_BYTES = 25,
    ACCEPT_TEXT_BYTES = 29,
};

struct talk {
    const struct remote_talk *with;
    CURL *easy;                    /* owned */
    curl_socket_t socket;
    wslay_event_context_ptr wslay; /* owned; NULL before the handshake */
    char key[KEY_TEXT_BYTES];
    struct buf head;               /* of the answer to the handshake; then what came with it ... */
    size_t head_done;              /* ... and so much of that is read */
    uint64_t heard_us;
    uint32_t window;               /* the size that the server knows */
    int stdin_fd;                  /* -1: none, or it has ended */
    bool over, lost;               /* the result is there, or an error; the connection is broken */
    int code;
    struct buf *answer;
    struct glimpse_error *error;
};

static void talk_done(struct talk *talk)
{
    if (talk->wslay != NULL)
        wslay_event_context_free(talk->wslay);
    curl_easy_cleanup(talk->easy);
    buf_done(&talk->head);
}

/* ---- The connection ---- */

static int lose(struct talk *talk, const char *why)
{
    talk->over = true;
    talk->code = client_fail(talk->error, GLIMPSE_E_SERVICE, "%s/v1/interactive: %s", talk->with->url, why);
    return talk->code;
}

static int open_connection(struct talk *talk)
{
    char why[CURL_ERROR_SIZE] = "";
    CURLcode code;

    talk->easy = curl_easy_init();
    if (talk->easy == NULL)
        return client_fail(talk->error, GLIMPSE_E_MEMORY, "out of memory");
    (void)curl_easy_setopt(talk->easy, CURLOPT_URL, talk->with->url);
    (void)curl_easy_setopt(talk->easy, CURLOPT_PROTOCOLS_STR, "http,https");
    (void)curl_easy_setopt(talk->easy, CURLOPT_NOSIGNAL, 1L);
    (void)curl_easy_setopt(talk->easy, CURLOPT_CONNECTTIMEOUT, (long)CONNECT_TIMEOUT_S);
    (void)curl_easy_setopt(talk->easy, CURLOPT_ERRORBUFFER, why);
    (void)curl_easy_setopt(talk->easy, CURLOPT_CONNECT_ONLY, 1L);
    (void)curl_easy_setopt(talk->easy, CURLOPT_HTTPPROXYTUNNEL, 1L);
    /* WebSockets over HTTP/2 are another protocol (RFC 8441). */
    (void)curl_easy_setopt(talk->easy, CURLOPT_HTTP_VERSION, (long)CURL_HTTP_VERSION_1_1);
    code = curl_easy_perform(talk->easy);
    if (code == CURLE_OK)
        code = curl_easy_getinfo(talk->easy, CURLINFO_ACTIVESOCKET, &talk->socket);
    return code == CURLE_OK ? GLIMPSE_OK : lose(talk, why[0] != '\0' ? why : curl_easy_strerror(code));
}

/* > 0: bytes; 0: none now; -1: the connection has ended. */
static ssize_t receive(struct talk *talk, void *to, size_t size)
{
    size_t n = 0;
    CURLcode code = curl_easy_recv(talk->easy, to, size, &n);

    if (code == CURLE_AGAIN)
        return 0;
    if (code != CURLE_OK || n == 0)
        return -1;
    talk->heard_us = now_us();
    return (ssize_t)n;
}

static bool is_cancelled(const struct talk *talk)
{
    return atomic_load(&talk->with->client->cancelled);
}

static void wait_for(const struct talk *talk, short events, bool with_stdin)
{
    struct pollfd fds[] = {{.fd = talk->socket, .events = events},
                           {.fd = with_stdin ? talk->stdin_fd : -1, .events = POLLIN}};

    (void)poll(fds, COUNT_OF(fds), POLL_MS);
}

/* ---- The handshake ---- */

static void make_key(char key[KEY_TEXT_BYTES], char accept[ACCEPT_TEXT_BYTES])
{
    static const char guid[] = "258EAFA5-E914-47DA-95CA-C5AB0DC85B11"; /* RFC 6455, 1.3 */
    uint8_t random[16], digest[SHA1_DIGEST_SIZE];
    struct sha1_ctx hash;

    if (getrandom(random, sizeof random, 0) != (ssize_t)sizeof random)
        memset(random, 0, sizeof random); /* it guards against caches, not against anybody */
    base64_encode_raw(key, sizeof random, random);
    key[KEY_TEXT_BYTES - 1] = '\0';
    sha1_init(&hash);
    sha1_update(&hash, KEY_TEXT_BYTES - 1, (const uint8_t *)key);
    sha1_update(&hash, sizeof guid - 1, (const uint8_t *)guid);
    sha1_digest(&hash, sizeof digest, digest);
    base64_encode_raw(accept, sizeof digest, digest);
    accept[ACCEPT_TEXT_BYTES - 1] = '\0';
}

/* "Host: NAME[:PORT]" and the path, as the URL has them. */
static int write_request(struct buf *to, const struct talk *talk)
{
    CURLU *url = curl_url();
    char *host = NULL, *port = NULL, *path = NULL;
    int r = -ENOMEM;

    if (url != NULL && curl_url_set(url, CURLUPART_URL, talk->with->url, CURLU_DEFAULT_SCHEME) == CURLUE_OK &&
        curl_url_get(url, CURLUPART_HOST, &host, 0) == CURLUE_OK &&
        curl_url_get(url, CURLUPART_PATH, &path, 0) == CURLUE_OK) {
        (void)curl_url_get(url, CURLUPART_PORT, &port, 0); /* none where it is the usual one */
        r = buf_printf(to,
                       "GET %s%sv1/interactive HTTP/1.1\r\nHost: %s%s%s\r\n"
                       "Connection: Upgrade\r\nUpgrade: websocket\r\n"
                       "Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: %s\r\nUser-Agent: libglimpse/" GLIMPSE_VERSION
                       "\r\n%s%s\r\n",
                       path, path[strlen(path) - 1] == '/' ? "" : "/", host, port != NULL ? ":" : "",
                       port != NULL ? port : "", talk->key,
                       talk->with->authorization != NULL ? talk->with->authorization : "",
                       talk->with->authorization != NULL ? "\r\n" : "");
    }
    curl_free(host);
    curl_free(port);
    curl_free(path);
    curl_url_cleanup(url);
    return r;
}

static int send_request(struct talk *talk, uint64_t until_us)
{
    CLEANUP(buf_done) struct buf request;
    size_t done = 0;

    buf_init(&request, HEAD_MAX_BYTES);
    if (write_request(&request, talk) < 0)
        return client_fail(talk->error, GLIMPSE_E_INVALID, "%.100s is not the URL of a server", talk->with->url);
    while (done < request.len && !is_cancelled(talk)) {
        size_t n = 0;
        CURLcode code = curl_easy_send(talk->easy, request.at + done, request.len - done, &n);

        if ((code != CURLE_OK && code != CURLE_AGAIN) || now_us() > until_us)
            return lose(talk, "the connection has ended");
        done += n;
        if (code == CURLE_AGAIN)
            wait_for(talk, POLLOUT, false);
    }
    return GLIMPSE_OK;
}

/* Reads until `wanted` bytes are there, or, with 0, the end of the headers; *end is behind them. */
static int read_head(struct talk *talk, size_t wanted, size_t *end, uint64_t until_us)
{
    for (;;) {
        const char *blank = strstr(buf_text(&talk->head), "\r\n\r\n");
        char piece[4096];
        ssize_t n;

        *end = blank == NULL ? 0 : (size_t)(blank - talk->head.at) + 4;
        if (is_cancelled(talk) || (wanted == 0 ? blank != NULL : talk->head.len >= wanted))
            return GLIMPSE_OK;
        n = receive(talk, piece, sizeof piece);
        if (n < 0 || now_us() > until_us || (n > 0 && buf_add(&talk->head, piece, (size_t)n) < 0))
            return lose(talk, "no answer that is one");
        if (n == 0)
            wait_for(talk, POLLIN, false);
    }
}

/* Value of a header; *ret is borrowed from head. */
static bool find_header(struct slice *ret, const char *head, const char *name)
{
    const size_t len = strlen(name);

    for (const char *line = strstr(head, "\r\n"); line != NULL && strncmp(line, "\r\n\r\n", 4) != 0;
         line = strstr(line + 2, "\r\n")) {
        const char *value = line + 2 + len;

        if (strncasecmp(line + 2, name, len) != 0 || *value != ':')
            continue;
        value += 1 + strspn(value + 1, " \t");
        *ret = (struct slice){value, strcspn(value, "\r\n")};
        return true;
    }
    return false;
}

/* It said no: the body says why. */
static int read_refusal(struct talk *talk, size_t end, long status, uint64_t until_us)
{
    CLEANUP(buf_done) struct buf body;
    struct slice length;
    size_t wanted = 0;

    buf_init(&body, HEAD_MAX_BYTES);
    if (find_header(&length, talk->head.at, "Content-Length"))
        wanted = strtoul(length.at, NULL, 10);
    if (wanted > 0 && wanted < HEAD_MAX_BYTES - end)
        (void)read_head(talk, end + wanted, &end, until_us); /* less of it is no problem's text then */
    if (buf_add(&body, talk->head.at + end, talk->head.len - end) < 0)
        return client_fail(talk->error, GLIMPSE_E_MEMORY, "out of memory");
    return remote_read_problem(&body, status, talk->error);
}

static int shake_hands(struct talk *talk)
{
    const uint64_t until_us = now_us() + HANDSHAKE_US;
    char accept[ACCEPT_TEXT_BYTES];
    struct slice said;
    size_t end = 0;
    long status;
    int code;

    make_key(talk->key, accept);
    code = send_request(talk, until_us);
    if (code == GLIMPSE_OK)
        code = read_head(talk, 0, &end, until_us);
    if (code != GLIMPSE_OK || is_cancelled(talk))
        return code;
    status = strncmp(talk->head.at, "HTTP/1.", 7) == 0 && talk->head.len > 12 ? strtol(talk->head.at + 9, NULL, 10) : 0;
    if (status != 101)
        return read_refusal(talk, end, status, until_us);
    if (!find_header(&said, talk->head.at, "Sec-WebSocket-Accept") || said.len != strlen(accept) ||
        memcmp(said.at, accept, said.len) != 0)
        return lose(talk, "what answers is no WebSocket");
    talk->head_done = end;
    return GLIMPSE_OK;
}

/* ---- Messages ---- */

static ssize_t on_recv(wslay_event_context_ptr wslay, uint8_t *to, size_t size, int flags, void *arg)
{
    struct talk *talk = arg;
    size_t left = talk->head.len - talk->head_done;
    ssize_t n;

    (void)flags;
    if (left > 0) {
        left = left < size ? left : size;
        memcpy(to, talk->head.at + talk->head_done, left);
        talk->head_done += left;
        return (ssize_t)left;
    }
    n = receive(talk, to, size);
    if (n > 0)
        return n;
    talk->lost = n < 0;
    wslay_event_set_error(wslay, n < 0 ? WSLAY_ERR_CALLBACK_FAILURE : WSLAY_ERR_WOULDBLOCK);
    return -1;
}

static ssize_t on_send(wslay_event_context_ptr wslay, const uint8_t *bytes, size_t len, int flags, void *arg)
{
    struct talk *talk = arg;
    size_t n = 0;
    CURLcode code = curl_easy_send(talk->easy, bytes, len, &n);

    (void)flags;
    if (code == CURLE_OK)
        return (ssize_t)n;
    talk->lost = code != CURLE_AGAIN;
    wslay_event_set_error(wslay, talk->lost ? WSLAY_ERR_CALLBACK_FAILURE : WSLAY_ERR_WOULDBLOCK);
    return -1;
}

/* Keeps proxies from being shown requests of somebody's making (RFC 6455, 10.3): not from being guessed by the
 * server. */
static int on_mask(wslay_event_context_ptr wslay, uint8_t *to, size_t len, void *arg)
{
    (void)arg;
    if (getrandom(to, len, 0) == (ssize_t)len)
        return 0;
    wslay_event_set_error(wslay, WSLAY_ERR_CALLBACK_FAILURE);
    return -1;
}

static void on_message(wslay_event_context_ptr wslay, const struct wslay_event_on_msg_recv_arg *message, void *arg)
{
    CLEANUP(buf_done) struct buf text;
    struct talk *talk = arg;
    int r;

    (void)wslay;
    if (message->opcode != WSLAY_TEXT_FRAME || talk->over)
        return;
    buf_init(&text, MESSAGE_MAX_BYTES);
    r = buf_add(&text, message->msg, message->msg_length) < 0
            ? client_fail(talk->error, GLIMPSE_E_MEMORY, "out of memory")
            : remote_read_event(&text, talk->with->callbacks, talk->error);
    if (r == REMOTE_E_RESULT) {
        *talk->answer = text;
        text = (struct buf){.max = 1};
    }
    talk->over = r != GLIMPSE_OK;
    talk->code = r < 0 ? r : GLIMPSE_OK;
}

static void queue(struct talk *talk, uint8_t opcode, struct slice bytes)
{
    const struct wslay_event_msg message = {
        .opcode = opcode, .msg = (const uint8_t *)bytes.at, .msg_length = bytes.len};

    if (wslay_event_queue_msg(talk->wslay, &message) == WSLAY_ERR_NOMEM) {
        talk->over = true;
        talk->code = client_fail(talk->error, GLIMPSE_E_MEMORY, "out of memory");
    }
}

static void send_window(struct talk *talk)
{
    const uint32_t window = atomic_load(&talk->with->client->window);
    char text[96];

    if (window == talk->window)
        return;
    talk->window = window;
    (void)snprintf(text, sizeof text, "{\"type\":\"resize\",\"rows\":%u,\"columns\":%u}", window >> 16,
                   window & 0xffff);
    queue(talk, WSLAY_TEXT_FRAME, slice_from(text));
}

static bool takes_stdin(const struct talk *talk)
{
    return talk->stdin_fd >= 0 && wslay_event_get_queued_msg_length(talk->wslay) < STDIN_WAITING_MAX;
}

/* One piece, if there is one: whoever shares the terminal with us would feel a descriptor that does not block. */
static void read_stdin(struct talk *talk)
{
    struct pollfd ready = {.fd = talk->stdin_fd, .events = POLLIN};
    char piece[STDIN_PIECE_BYTES];
    ssize_t n;

    if (!takes_stdin(talk) || poll(&ready, 1, 0) <= 0)
        return;
    n = read(talk->stdin_fd, piece, sizeof piece);
    if (n < 0 && (errno == EINTR || errno == EAGAIN))
        return;
    if (n > 0) {
        queue(talk, WSLAY_BINARY_FRAME, (struct slice){piece, (size_t)n});
        return;
    }
    talk->stdin_fd = -1;
    queue(talk, WSLAY_TEXT_FRAME, slice_from("{\"type\":\"eof\"}"));
}

static int converse(struct talk *talk)
{
    while (!talk->over && !is_cancelled(talk)) {
        (void)wslay_event_recv(talk->wslay);
        if (talk->over)
            break;
        send_window(talk);
        read_stdin(talk);
        (void)wslay_event_send(talk->wslay);
        if (talk->lost || !wslay_event_get_read_enabled(talk->wslay))
            return lose(talk, "the connection has ended before the run");
        if (now_us() > talk->heard_us + SILENCE_US)
            return lose(talk, "the server does not answer any more");
        wait_for(talk, (short)(wslay_event_want_write(talk->wslay) ? POLLIN | POLLOUT : POLLIN), takes_stdin(talk));
    }
    return talk->code;
}

int remote_talk(const struct remote_talk *with, struct buf *answer, struct glimpse_error *error)
{
    static const struct wslay_event_callbacks callbacks = {.recv_callback = on_recv,
                                                           .send_callback = on_send,
                                                           .genmask_callback = on_mask,
                                                           .on_msg_recv_callback = on_message};
    CLEANUP(talk_done) struct talk talk = {.with = with,
                                           .window = atomic_load(&with->client->window),
                                           .stdin_fd = with->stdin_fd,
                                           .answer = answer,
                                           .error = error};
    int code;

    buf_init(&talk.head, HEAD_MAX_BYTES);
    code = open_connection(&talk);
    if (code == GLIMPSE_OK)
        code = shake_hands(&talk);
    if (code != GLIMPSE_OK || is_cancelled(&talk))
        return code;
    if (wslay_event_context_client_init(&talk.wslay, &callbacks, &talk) != 0)
        return client_fail(error, GLIMPSE_E_MEMORY, "out of memory");
    wslay_event_config_set_max_recv_msg_length(talk.wslay, MESSAGE_MAX_BYTES);
    talk.heard_us = now_us();
    queue(&talk, WSLAY_TEXT_FRAME, (struct slice){buf_text(with->start), with->start->len});
    return converse(&talk);
}
