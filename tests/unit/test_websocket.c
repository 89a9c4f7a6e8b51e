/* What holds for WebSockets on the server's loop: handshake, echo, back-pressure both ways, every broken rule's
 * status, the ends of either side. The clients are sockets of this process that write frames by hand. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <signal.h>
#include <stdio.h>
#include <sys/socket.h>

#include "base/clock.h"
#include "base/fd.h"
#include "http/internal.h"

enum { PATIENCE_US = 5000000, MESSAGE_MAX = 1000 };
enum { CONTINUATION = 0, TEXT = 1, BINARY = 2, CLOSE = 8, PING = 9, PONG = 10 };

#define ASK \
    "GET /echo HTTP/1.1\r\nHost: x\r\nConnection: keep-alive, Upgrade\r\nUpgrade: WebSocket\r\n" \
    "Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n"

struct world {
    uv_loop_t loop;
    struct http_server *server;
    struct websocket *socket; /* of the latest client; NULL once it is gone */
    unsigned n_gone, n_room, n_messages;
    size_t n_bytes;
};

/* ---- The server's side: what it hears it says ---- */

static void on_message(void *arg, bool text, struct slice bytes)
{
    struct world *world = arg;

    world->n_messages++;
    world->n_bytes += bytes.len;
    if (bytes.len == 3 && memcmp(bytes.at, "bye", 3) == 0)
        websocket_close(TAKE_PTR(world->socket), WEBSOCKET_DONE, "as you like");
    else if (text)
        assert_int_equal(websocket_send(world->socket, bytes), 0);
}

static void on_room(void *arg)
{
    ((struct world *)arg)->n_room++;
}

static void on_gone(void *arg)
{
    struct world *world = arg;

    world->n_gone++;
    world->socket = NULL;
}

static void handle_echo(struct http_request *request, void *arg)
{
    static const struct websocket_events events = {on_message, on_room, on_gone};
    struct world *world = arg;

    world->socket = websocket_accept(request, &events, arg);
}

static const struct http_route routes[] = {{"GET", "/echo", handle_echo, .any_origin = false}};

static int set_up(void **state)
{
    struct world *world = calloc(1, sizeof *world);
    struct http_config config = {
        .listen = "127.0.0.1:0",
        .routes = routes,
        .n_routes = COUNT_OF(routes),
        .arg = world,
        .body_bytes_max = MESSAGE_MAX,
        .bodies_bytes_max = MESSAGE_MAX,
        .answers_bytes_max = MESSAGE_MAX,
        .connections_max = 20,
        .idle_time_ms = 1200,
        .head_time_ms = 400,
        .transfer_time_ms = 600,
        .transfer_rate = 1000000,
        .stall_time_ms = 400,
        .quiet_time_ms = 300,
    };
    struct err err = {0};

    (void)signal(SIGPIPE, SIG_IGN);
    if (world == NULL || uv_loop_init(&world->loop) < 0)
        return -1;
    config.loop = &world->loop;
    *state = world;
    return http_server_new(&world->server, &config, &err);
}

static int tear_down(void **state)
{
    struct world *world = *state;

    http_server_free(world->server);
    (void)uv_run(&world->loop, UV_RUN_DEFAULT);
    assert_int_equal(uv_loop_close(&world->loop), 0); /* no handle was left */
    free(world);
    return 0;
}

/* ---- The client's side ---- */

static int connect_to(struct world *world)
{
    struct sockaddr_in at = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    const char *port = strrchr(http_server_url(world->server), ':') + 1;
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

    at.sin_port = htons((uint16_t)strtoul(port, NULL, 10));
    assert_int_equal(connect(fd, (struct sockaddr *)&at, sizeof at), 0);
    assert_int_equal(fd_set_nonblock(fd, true), 0);
    return fd;
}

static void turn(struct world *world)
{
    (void)uv_run(&world->loop, UV_RUN_NOWAIT);
    (void)usleep(200);
}

#define UNTIL(world, condition) \
    do { \
        uint64_t until_ = now_us() + PATIENCE_US; \
        while (!(condition) && now_us() < until_) \
            turn(world); \
        assert_true(condition); \
    } while (0)

/* Exactly n bytes, or fewer at the end of the connection; how many. */
static size_t take(struct world *world, int fd, void *to, size_t n)
{
    uint64_t until = now_us() + PATIENCE_US;
    size_t len = 0;

    while (len < n && now_us() < until) {
        ssize_t r = recv(fd, (char *)to + len, n - len, MSG_DONTWAIT);

        if (r > 0)
            len += (size_t)r;
        else if (r == 0 || errno != EAGAIN)
            return len;
        else
            turn(world);
    }
    return len;
}

static void expect_head(struct world *world, int fd, const char *status)
{
    char head[2048] = "";
    size_t len = 0;

    while (strstr(head, "\r\n\r\n") == NULL && len < sizeof head - 1 && take(world, fd, head + len, 1) == 1)
        len++;
    if (strncmp(head, status, strlen(status)) != 0)
        fail_msg("not '%s' but '%s'", status, head);
}

static int open_socket(struct world *world)
{
    int fd = connect_to(world);

    assert_int_equal(fd_write_all(fd, ASK, strlen(ASK)), 0);
    expect_head(world, fd, "HTTP/1.1 101 ");
    return fd;
}

/* One frame as a client has to write it, but for what is asked for. Up to 65535 bytes. */
static size_t write_frame(unsigned char *to, unsigned first_byte, bool masked, const void *bytes, size_t len)
{
    static const unsigned char mask[] = {0x12, 0x34, 0x56, 0x78};
    size_t n = 0;

    to[n++] = (unsigned char)first_byte;
    to[n++] = (unsigned char)((masked ? 0x80 : 0) | (len < 126 ? len : 126));
    if (len >= 126) {
        to[n++] = (unsigned char)(len >> 8);
        to[n++] = (unsigned char)len;
    }
    if (masked) {
        memcpy(to + n, mask, sizeof mask);
        n += sizeof mask;
    }
    for (size_t i = 0; i < len; i++)
        to[n++] = (unsigned char)(((const unsigned char *)bytes)[i] ^ (masked ? mask[i % 4] : 0));
    return n;
}

static void say(int fd, unsigned first_byte, const void *bytes, size_t len)
{
    unsigned char frame[4096];
    size_t n = write_frame(frame, first_byte, true, bytes, len);

    assert_int_equal(fd_write_all(fd, frame, n), 0);
}

/* One frame of the server's: its opcode, or -1 at the end of the connection. */
static int hear(struct world *world, int fd, char *to, size_t size)
{
    unsigned char head[4];
    size_t len;

    if (take(world, fd, head, 2) != 2)
        return -1;
    assert_int_equal(head[0] & 0x70, 0);    /* no extensions */
    assert_int_equal(head[1] & 0x80, 0);    /* a server does not mask */
    len = head[1];
    if (len == 126) {
        assert_int_equal(take(world, fd, head + 2, 2), 2);
        len = (size_t)(head[2] << 8 | head[3]);
    }
    assert_true(len < size);
    assert_int_equal(take(world, fd, to, len), len);
    to[len] = '\0';
    return head[0] & 0x0f;
}

/* The close frame, what comes before it apart, then the end. status 0: a close frame without one. */
static void expect_close(struct world *world, int fd, unsigned status)
{
    char text[4096] = {0};
    int opcode;

    while ((opcode = hear(world, fd, text, sizeof text)) != CLOSE && opcode >= 0)
        ;
    assert_int_equal(opcode, CLOSE);
    assert_int_equal((unsigned)(unsigned char)text[0] << 8 | (unsigned char)text[1], status);
    (void)shutdown(fd, SHUT_WR);
    assert_int_equal(hear(world, fd, text, sizeof text), -1);
    UNTIL(world, http_server_n_busy(world->server) == 0);
}

/* ---- What holds ---- */

static void answers_the_key_of_the_standard(void **state)
{
    char answer[WEBSOCKET_ACCEPT_BYTES];

    (void)state;
    websocket_answer_key(answer, "dGhlIHNhbXBsZSBub25jZQ=="); /* RFC 6455, 1.3 */
    assert_string_equal(answer, "s3pPLMBiTxaQ9kYGzzhZRbK+xOo=");
}

static void refuses_what_is_no_handshake(void **state)
{
    static const struct {
        const char *headers, *status;
    } cases[] = {
        {"", "HTTP/1.1 426 "},
        {"Upgrade: websocket\r\n", "HTTP/1.1 426 "},
        {"Connection: Upgrade\r\nUpgrade: h2c\r\nSec-WebSocket-Version: 13\r\n", "HTTP/1.1 426 "},
        {"Connection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 8\r\n", "HTTP/1.1 426 "},
        {"Connection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\n", "HTTP/1.1 400 "},
        {"Connection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\nSec-WebSocket-Key: c2hvcnQ=\r\n",
         "HTTP/1.1 400 "},
        {"Connection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\n"
         "Sec-WebSocket-Key: !!!!!!!!!!!!!!!!!!!!!!==\r\n",
         "HTTP/1.1 400 "},
    };
    struct world *world = *state;

    for (size_t i = 0; i < COUNT_OF(cases); i++) {
        CLEANUP(closep) int fd = connect_to(world);
        char text[1024];

        (void)snprintf(text, sizeof text, "GET /echo HTTP/1.1\r\nHost: x\r\n%s\r\n", cases[i].headers);
        assert_int_equal(fd_write_all(fd, text, strlen(text)), 0);
        expect_head(world, fd, cases[i].status);
        assert_null(world->socket);
    }
    assert_int_equal(world->n_gone, 0);
}

static void says_what_it_hears_and_closes(void **state)
{
    struct world *world = *state;
    CLEANUP(closep) int fd = open_socket(world);
    char text[2048];

    say(fd, 0x80 | TEXT, "\xc3\xa4", 2);
    assert_int_equal(hear(world, fd, text, sizeof text), TEXT);
    assert_string_equal(text, "\xc3\xa4");
    /* In pieces that cut a character, with a ping in between. */
    say(fd, TEXT, "\xc3", 1);
    say(fd, 0x80 | PING, "?", 1);
    say(fd, CONTINUATION, "", 0);
    say(fd, 0x80 | CONTINUATION, "\xa4!", 2);
    assert_int_equal(hear(world, fd, text, sizeof text), PONG);
    assert_string_equal(text, "?");
    assert_int_equal(hear(world, fd, text, sizeof text), TEXT);
    assert_string_equal(text, "\xc3\xa4!");
    say(fd, 0x80 | BINARY, "bye", 3);
    expect_close(world, fd, WEBSOCKET_DONE);
    assert_int_equal(world->n_messages, 3);
    assert_int_equal(world->n_gone, 0); /* it was the server who closed */
}

static void reads_what_comes_with_the_handshake(void **state)
{
    struct world *world = *state;
    CLEANUP(closep) int fd = connect_to(world);
    unsigned char all[1024];
    size_t len = strlen(ASK);
    char text[64];

    memcpy(all, ASK, len);
    len += write_frame(all + len, 0x80 | TEXT, true, "early", 5);
    assert_int_equal(fd_write_all(fd, all, len), 0);
    expect_head(world, fd, "HTTP/1.1 101 ");
    assert_int_equal(hear(world, fd, text, sizeof text), TEXT);
    assert_string_equal(text, "early");
}

/* More than a message may have, as who does not wait for the answer can send. */
static void reads_much_that_comes_with_the_handshake(void **state)
{
    enum { N = 6, EACH = 400 };
    struct world *world = *state;
    CLEANUP(closep) int fd = connect_to(world);
    unsigned char all[8192];
    char piece[EACH] = {0}, text[EACH + 1];
    size_t len = strlen(ASK);

    memcpy(all, ASK, len);
    for (int i = 0; i < N; i++)
        len += write_frame(all + len, 0x80 | TEXT, true, piece, EACH);
    assert_int_equal(fd_write_all(fd, all, len), 0);
    expect_head(world, fd, "HTTP/1.1 101 ");
    for (int i = 0; i < N; i++)
        assert_int_equal(hear(world, fd, text, sizeof text), TEXT);
    assert_int_equal(world->n_bytes, N * EACH);
}

static void answers_a_close_and_tells_of_it(void **state)
{
    struct world *world = *state;
    CLEANUP(closep) int fd = open_socket(world);

    say(fd, 0x80 | CLOSE, "\x03\xe9", 2);
    expect_close(world, fd, 1001);
    assert_int_equal(world->n_gone, 1);
}

static void a_hang_up_is_told_once(void **state)
{
    struct world *world = *state;
    CLEANUP(closep) int fd = open_socket(world);

    closep(&fd);
    UNTIL(world, world->n_gone == 1);
    UNTIL(world, http_server_n_busy(world->server) == 0);
    /* Before the answer to the handshake could be sent. */
    fd = connect_to(world);
    assert_int_equal(fd_write_all(fd, ASK, strlen(ASK)), 0);
    assert_int_equal(setsockopt(fd, SOL_SOCKET, SO_LINGER, &(struct linger){1, 0}, sizeof(struct linger)), 0);
    closep(&fd);
    for (int i = 0; i < 500; i++)
        turn(world);
    assert_null(world->socket);
    assert_int_equal(http_server_n_busy(world->server), 0);
}

static void a_broken_rule_has_its_status(void **state)
{
    static char big[MESSAGE_MAX + 1];
    static const struct {
        unsigned first_byte;
        bool unmasked;
        const char *bytes;
        size_t len;
        unsigned status;
    } cases[] = {
        {0x80 | TEXT, true, "plain", 5, 1002},
        {0x80 | TEXT | 0x40, false, "compressed", 10, 1002},
        {0x80 | 3, false, "no such opcode", 14, 1002},
        {0x80 | CONTINUATION, false, "of nothing", 10, 1002},
        {0x80 | TEXT, false, "\xff\xfe", 2, 1007},
        {0x80 | TEXT, false, "\xed\xa0\x80", 3, 1007}, /* half of a surrogate pair */
        {0x80 | TEXT, false, "cut \xc3", 5, 1007},
        {0x80 | TEXT, false, big, sizeof big, 1009},
        {0x80 | BINARY, false, big, sizeof big, 1009},
        {0x80 | CLOSE, false, "\x00\x01", 2, 1002}, /* no such status */
        {0x80 | CLOSE, false, "\x03\xe8\xff", 3, 1007},
        {PING, false, "in pieces", 9, 0},             /* what can't be a frame at all: wslay gives no status */
    };
    struct world *world = *state;

    for (size_t i = 0; i < COUNT_OF(cases); i++) {
        CLEANUP(closep) int fd = open_socket(world);
        unsigned char frame[4096];
        size_t n = write_frame(frame, cases[i].first_byte, !cases[i].unmasked, cases[i].bytes, cases[i].len);

        assert_int_equal(fd_write_all(fd, frame, n), 0);
        expect_close(world, fd, cases[i].status);
        assert_int_equal(world->n_gone, i + 1);
        assert_int_equal(world->n_messages, 0);
    }
}

static void fragments_have_a_bound_and_a_deadline(void **state)
{
    struct world *world = *state;
    CLEANUP(closep) int fd = open_socket(world);
    CLEANUP(closep) int other = -1;
    char piece[100] = {0};

    say(fd, BINARY, piece, sizeof piece);
    for (int i = 0; i < 10; i++)
        say(fd, CONTINUATION, piece, sizeof piece);
    expect_close(world, fd, 1009);
    other = open_socket(world);
    say(other, TEXT, "never", 5);
    expect_close(world, other, WEBSOCKET_NOT_ALLOWED);
    assert_int_equal(world->n_gone, 2);
    assert_int_equal(world->n_messages, 0);
}

static void who_says_nothing_is_sent_away(void **state)
{
    struct world *world = *state;
    CLEANUP(closep) int fd = open_socket(world);

    expect_close(world, fd, WEBSOCKET_NOT_ALLOWED);
    assert_int_equal(world->n_gone, 1);
}

static void who_does_not_answer_pings_is_gone(void **state)
{
    struct world *world = *state;
    CLEANUP(closep) int fd = open_socket(world);
    char text[64];
    int n_pings = 0;

    say(fd, 0x80 | TEXT, "hi", 2);
    assert_int_equal(hear(world, fd, text, sizeof text), TEXT);
    /* Whoever answers lives on. */
    for (; n_pings < 5; n_pings++) {
        assert_int_equal(hear(world, fd, text, sizeof text), PING);
        say(fd, 0x80 | PONG, text, strlen(text));
    }
    assert_int_equal(world->n_gone, 0);
    while (hear(world, fd, text, sizeof text) == PING)
        ;
    assert_int_equal(world->n_gone, 1);
}

static void a_ping_flood_takes_no_memory(void **state)
{
    struct world *world = *state;
    CLEANUP(closep) int fd = open_socket(world);
    static unsigned char flood[500 * 131];
    const char payload[125] = {0};
    size_t sent = 0;

    say(fd, 0x80 | TEXT, "hi", 2);
    for (size_t i = 0; i < 500; i++)
        assert_int_equal(write_frame(flood + i * 131, 0x80 | PING, true, payload, sizeof payload), 131);
    /* Until the server takes no more, because its answers are not read. Whole frames all the time: the next piece
     * begins where the one before was cut. */
    for (int idle = 0; idle < 100 && sent < (64u << 20);) {
        size_t at = sent % sizeof flood;
        ssize_t r = send(fd, flood + at, sizeof flood - at, MSG_DONTWAIT | MSG_NOSIGNAL);

        idle = r > 0 ? 0 : idle + 1;
        sent += r > 0 ? (size_t)r : 0;
        turn(world);
    }
    assert_true(sent < (64u << 20)); /* it was stopped ... */
    assert_int_equal(world->n_gone, 0); /* ... and not sent away */
}

static void who_reads_slowly_gets_everything(void **state)
{
    struct world *world = *state;
    CLEANUP(closep) int fd = open_socket(world);
    static char piece[60000], got[65536];
    size_t n_sent = 0, n_got = 0;

    memset(piece, 'x', sizeof piece);
    UNTIL(world, world->socket != NULL);
    while (!websocket_is_full(world->socket) && n_sent < 1000) {
        assert_int_equal(websocket_send(world->socket, (struct slice){piece, sizeof piece}), 0);
        n_sent++;
    }
    assert_true(websocket_is_full(world->socket));
    assert_int_equal(world->n_room, 0);
    websocket_close(TAKE_PTR(world->socket), WEBSOCKET_DONE, "");
    while (hear(world, fd, got, sizeof got) == TEXT) {
        assert_int_equal(strlen(got), sizeof piece);
        n_got++;
    }
    assert_int_equal(n_got, n_sent);
}

static void room_is_told_once(void **state)
{
    struct world *world = *state;
    CLEANUP(closep) int fd = open_socket(world);
    static char piece[60000], got[65536];
    size_t n_sent = 0;

    memset(piece, 'x', sizeof piece);
    UNTIL(world, world->socket != NULL);
    while (!websocket_is_full(world->socket) && n_sent < 1000) {
        assert_int_equal(websocket_send(world->socket, (struct slice){piece, sizeof piece}), 0);
        n_sent++;
    }
    for (size_t i = 0; i < n_sent; i++)
        assert_int_equal(hear(world, fd, got, sizeof got), TEXT);
    UNTIL(world, world->n_room == 1);
}

/* Of the latest client's: until the kernel takes no more. */
static struct websocket *fill(struct world *world)
{
    struct websocket *socket = world->socket;
    static char piece[60000];

    memset(piece, 'x', sizeof piece);
    for (int i = 0; i < 1000 && !websocket_is_full(socket); i++)
        assert_int_equal(websocket_send(socket, (struct slice){piece, sizeof piece}), 0);
    assert_true(websocket_is_full(socket));
    return socket;
}

/* As answers are: whoever holds most is cut off when another one needs the room. */
static void messages_that_nobody_takes_are_bounded_together(void **state)
{
    struct world *world = *state;
    CLEANUP(closep) int silent = open_socket(world);
    CLEANUP(closep) int last = -1;
    struct websocket *socket;

    UNTIL(world, world->socket != NULL);
    (void)fill(world);
    assert_int_equal(world->n_gone, 0); /* one alone may have as much as it likes */
    last = open_socket(world);
    UNTIL(world, world->socket != NULL);
    socket = fill(world);
    UNTIL(world, world->n_gone == 1);
    UNTIL(world, http_server_n_busy(world->server) == 1);
    websocket_close(socket, WEBSOCKET_DONE, "");
}

static void a_paused_one_is_not_read(void **state)
{
    struct world *world = *state;
    CLEANUP(closep) int fd = open_socket(world);
    char text[64];

    say(fd, 0x80 | TEXT, "one", 3);
    assert_int_equal(hear(world, fd, text, sizeof text), TEXT);
    websocket_pause(world->socket, true);
    say(fd, 0x80 | TEXT, "two", 3);
    for (uint64_t until = now_us() + 1500000; now_us() < until;) /* longer than any deadline of its */
        turn(world);
    assert_int_equal(world->n_messages, 1);
    websocket_pause(world->socket, false);
    while (hear(world, fd, text, sizeof text) == PING)
        ;
    assert_string_equal(text, "two");
    /* That it has left is seen all the same. */
    websocket_pause(world->socket, true);
    closep(&fd);
    UNTIL(world, world->n_gone == 1);
}

static void the_servers_end_is_everybodys(void **state)
{
    struct world *world = *state;
    CLEANUP(closep) int fd = open_socket(world);
    CLEANUP(closep) int closing = open_socket(world);
    CLEANUP(closep) int opening = connect_to(world);

    say(closing, 0x80 | TEXT, "bye", 3);
    UNTIL(world, world->n_messages == 1);
    assert_int_equal(fd_write_all(opening, ASK, strlen(ASK)), 0);
    say(fd, 0x80 | TEXT, "hi", 2);
    /* tear_down() checks the rest. */
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(answers_the_key_of_the_standard),
        TEST(refuses_what_is_no_handshake),
        TEST(says_what_it_hears_and_closes),
        TEST(reads_what_comes_with_the_handshake),
        TEST(reads_much_that_comes_with_the_handshake),
        TEST(answers_a_close_and_tells_of_it),
        TEST(a_hang_up_is_told_once),
        TEST(a_broken_rule_has_its_status),
        TEST(fragments_have_a_bound_and_a_deadline),
        TEST(who_says_nothing_is_sent_away),
        TEST(who_does_not_answer_pings_is_gone),
        TEST(a_ping_flood_takes_no_memory),
        TEST(who_reads_slowly_gets_everything),
        TEST(room_is_told_once),
        TEST(messages_that_nobody_takes_are_bounded_together),
        TEST(a_paused_one_is_not_read),
        TEST(the_servers_end_is_everybodys),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
