#include "http_world.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <stdio.h>
#include <sys/socket.h>

#include "base/clock.h"
#include "base/fd.h"

static void on_gone(void *arg)
{
    struct world *world = arg;

    world->n_gone++;
    world->waiting = NULL;
}

static void handle_now(struct http_request *request, void *arg)
{
    struct slice body = http_request_body(request);
    CLEANUP(buf_done) struct buf copy;

    ((struct world *)arg)->n_calls++;
    buf_init(&copy, BODY_MAX);
    assert_int_equal(buf_add(&copy, body.at, body.len), 0);
    http_answer(request, 200, "text/plain", &copy, NULL);
}

static void handle_later(struct http_request *request, void *arg)
{
    struct world *world = arg;

    world->n_calls++;
    world->waiting = request;
    http_request_on_gone(request, on_gone, world);
}

static void handle_stream(struct http_request *request, void *arg)
{
    handle_later(request, arg);
    assert_int_equal(http_stream_begin(request, 200, "text/plain", NULL), 0);
}

static const struct http_route routes[] = {
    {"POST", "/now", handle_now, .any_origin = false},
    {"GET", "/now", handle_now, .any_origin = false},
    {"GET", "/later", handle_later, .any_origin = false},
    {"GET", "/stream", handle_stream, .any_origin = false},
};

int set_up(void **state)
{
    struct world *world = calloc(1, sizeof *world);
    struct http_config config = {
        .listen = "127.0.0.1:0",
        .routes = routes,
        .n_routes = COUNT_OF(routes),
        .arg = world,
        .body_bytes_max = BODY_MAX,
        .bodies_bytes_max = 4 * BODY_MAX,
        .answers_bytes_max = ANSWERS_MAX,
        .connections_max = 20,
        .idle_time_ms = 1200,
        .head_time_ms = 400,
        .transfer_time_ms = 400,
        .transfer_rate = 1000,
        .stall_time_ms = 1500,
        .quiet_time_ms = 300,
    };
    struct err err = {0};

    if (world == NULL || uv_loop_init(&world->loop) < 0)
        return -1;
    config.loop = &world->loop;
    *state = world;
    return http_server_new(&world->server, &config, &err);
}

int tear_down(void **state)
{
    struct world *world = *state;

    http_server_free(world->server);
    (void)uv_run(&world->loop, UV_RUN_DEFAULT);
    assert_int_equal(uv_loop_close(&world->loop), 0); /* no handle was left */
    free(world);
    return 0;
}

int connect_to(struct world *world)
{
    struct sockaddr_in at = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    const char *port = strrchr(http_server_url(world->server), ':') + 1;
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

    at.sin_port = htons((uint16_t)strtoul(port, NULL, 10));
    assert_int_equal(connect(fd, (struct sockaddr *)&at, sizeof at), 0);
    assert_int_equal(fd_set_nonblock(fd, true), 0);
    return fd;
}

int ask(struct world *world, const char *text)
{
    int fd = connect_to(world);

    assert_int_equal(fd_write_all(fd, text, strlen(text)), 0);
    return fd;
}

void turn(struct world *world)
{
    (void)uv_run(&world->loop, UV_RUN_NOWAIT);
    (void)usleep(200);
}

void expect(struct world *world, int fd, const char *text)
{
    uint64_t until = now_us() + PATIENCE_US;
    char got[8192] = "";
    size_t len = 0;

    while (now_us() < until) {
        ssize_t n = recv(fd, got + len, sizeof got - 1 - len, MSG_DONTWAIT);

        if (n > 0)
            len += (size_t)n;
        got[len] = '\0';
        if (text != NULL && strstr(got, text) != NULL)
            return;
        if (n == 0 || (n < 0 && errno != EAGAIN)) {
            if (text == NULL)
                return;
            break;
        }
        turn(world);
    }
    fail_msg("not seen: '%s'; seen: '%s'", text == NULL ? "(the end)" : text, got);
}

void wait_until_waiting(struct world *world)
{
    uint64_t until = now_us() + PATIENCE_US;

    while (world->waiting == NULL && now_us() < until)
        turn(world);
    assert_non_null(world->waiting);
}

void expect_busy(struct world *world, size_t n)
{
    uint64_t until = now_us() + PATIENCE_US;

    while (http_server_n_busy(world->server) != n && now_us() < until)
        turn(world);
    assert_int_equal(http_server_n_busy(world->server), n);
}
