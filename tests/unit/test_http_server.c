/* What holds for the server on its loop: answers now and later, hang-ups, deadlines, the end. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <sys/socket.h>

#include "base/clock.h"
#include "base/fd.h"
#include "http_world.h"

static void answers_at_once_and_later(void **state)
{
    struct world *world = *state;
    CLEANUP(closep)
    int fd = ask(world, "POST /now HTTP/1.1\r\nHost: x\r\nContent-Length: 4\r\n\r\necho");

    expect(world, fd, "\r\n\r\necho");
    assert_int_equal(fd_write_all(fd, "GET /later HTTP/1.1\r\nHost: x\r\n\r\n", 32), 0);
    wait_until_waiting(world);
    expect_busy(world, 1);
    http_answer_problem(TAKE_PTR(world->waiting), 503, NULL, "later %d", 7);
    expect(world, fd, "later 7");
    assert_int_equal(world->n_gone, 0);
    expect_busy(world, 0);
}

static void a_hang_up_is_told_once_and_at_once(void **state)
{
    struct world *world = *state;
    CLEANUP(closep) int fd = ask(world, "GET /later HTTP/1.1\r\nHost: x\r\n\r\n");
    uint64_t started_us;

    wait_until_waiting(world);
    started_us = now_us();
    closep(&fd);
    while (world->n_gone == 0 && now_us() < started_us + PATIENCE_US)
        turn(world);
    assert_true(now_us() < started_us + 100000); /* no deadline ended it, and no sweep */
    for (int i = 0; i < 500; i++)
        turn(world);
    assert_int_equal(world->n_gone, 1);
    expect_busy(world, 0);
}

/* Request and end in one packet: the kernel tells of the end before there is a handler to tell. */
static void a_hang_up_before_the_handler_is_told_as_well(void **state)
{
    struct world *world = *state;
    CLEANUP(closep) int fd = ask(world, "GET /later HTTP/1.1\r\nHost: x\r\n\r\n");
    uint64_t until = now_us() + PATIENCE_US;

    assert_int_equal(shutdown(fd, SHUT_WR), 0);
    while (world->n_gone == 0 && now_us() < until)
        turn(world);
    assert_int_equal(world->n_calls, 1);
    assert_int_equal(world->n_gone, 1);
    expect(world, fd, NULL);
}

static void slow_clients_are_told_and_dropped(void **state)
{
    static const struct {
        const char *text, *says;
    } rows[] = {
        {"GET /now HTTP/1.1\r\nHost", "the headers"},
        {"POST /now HTTP/1.1\r\nHost: x\r\nContent-Length: 100\r\n\r\nab", "the body"},
        {"", NULL}, /* idle: dropped without a word */
    };
    struct world *world = *state;

    for (size_t i = 0; i < COUNT_OF(rows); i++) {
        CLEANUP(closep) int fd = ask(world, rows[i].text);
        uint64_t started_us = now_us();

        expect(world, fd, rows[i].says);
        expect(world, fd, NULL);
        assert_true(now_us() - started_us > 300000);
    }
    assert_int_equal(world->n_calls, 0);
}

static void refuses_what_is_too_large(void **state)
{
    struct world *world = *state;
    char rows[2][2048];

    (void)snprintf(rows[0], sizeof rows[0],
                   "POST /now HTTP/1.1\r\nHost: x\r\nContent-Length: 1001\r\n\r\n");
    (void)snprintf(
        rows[1], sizeof rows[1],
        "POST /now HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n200\r\n%512d\r\n200\r\n%512d\r\n",
        1, 2);
    for (size_t i = 0; i < COUNT_OF(rows); i++) {
        CLEANUP(closep) int fd = ask(world, rows[i]);

        expect(world, fd, "HTTP/1.1 413 Content Too Large\r\n");
        expect(world, fd, NULL);
    }
    assert_int_equal(world->n_calls, 0);
}

static void all_bodies_together_are_bounded(void **state)
{
    struct world *world = *state;
    int fds[5] = {-1, -1, -1, -1, -1};
    char text[2048];

    /* Four bodies of 999 of 1000 bytes each are held; the fifth is one too many. */
    (void)snprintf(text, sizeof text,
                   "POST /now HTTP/1.1\r\nHost: x\r\nContent-Length: 1000\r\n\r\n%999d", 1);
    for (size_t i = 0; i < COUNT_OF(fds); i++) {
        fds[i] = ask(world, text);
        for (int n = 0; n < 50; n++)
            turn(world);
    }
    expect(world, fds[4], "too many large requests");
    assert_int_equal(fd_write_all(fds[0], "2", 1), 0);
    expect(world, fds[0], "12");
    for (size_t i = 0; i < COUNT_OF(fds); i++)
        closep(&fds[i]);
}

static void draining_answers_who_waits_and_drops_who_is_idle(void **state)
{
    struct world *world = *state;
    CLEANUP(closep) int idle = connect_to(world);
    CLEANUP(closep) int busy = ask(world, "GET /later HTTP/1.1\r\nHost: x\r\n\r\n");

    wait_until_waiting(world);
    http_server_drain(world->server);
    expect(world, idle, NULL);
    expect_busy(world, 1);
    http_answer_problem(TAKE_PTR(world->waiting), 500, NULL, "in time");
    expect(world, busy, "Connection: close");
    expect(world, busy, NULL);
    expect_busy(world, 0);
}

static void the_end_of_the_server_is_a_hang_up_too(void **state)
{
    struct world *world = *state;
    CLEANUP(closep) int fd = ask(world, "GET /later HTTP/1.1\r\nHost: x\r\n\r\n");

    wait_until_waiting(world);
    http_server_free(TAKE_PTR(world->server));
    assert_int_equal(world->n_gone, 1);
    expect(world, fd, NULL);
}

static void answer_with(struct http_request *request, size_t len)
{
    CLEANUP(buf_done) struct buf body;

    buf_init(&body, ANSWERS_MAX);
    assert_int_equal(buf_reserve(&body, len), 0);
    memset(body.at, 'x', len);
    body.len = len;
    http_answer(request, 200, "text/plain", &body, NULL);
}

/* Reads to the end; how much came. */
static size_t count_rest(struct world *world, int fd)
{
    uint64_t until = now_us() + PATIENCE_US;
    char piece[65536];
    size_t len = 0;

    while (now_us() < until) {
        ssize_t n = recv(fd, piece, sizeof piece, MSG_DONTWAIT);

        if (n > 0)
            len += (size_t)n;
        else if (n == 0 || errno != EAGAIN)
            break;
        else
            turn(world);
    }
    return len;
}

/* None of these reads before all of them are answered. */
static void all_answers_together_are_bounded(void **state)
{
    static const struct {
        size_t answer;
        bool whole;
    } rows[] = {{8 << 20, true}, {11 << 20, false}, {60000, true}, {4 << 20, true}, {9 << 20, true}};
    struct world *world = *state;
    int fds[COUNT_OF(rows)];

    for (size_t i = 0; i < COUNT_OF(rows); i++) {
        fds[i] = ask(world, "GET /later HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n");
        wait_until_waiting(world);
        answer_with(TAKE_PTR(world->waiting), rows[i].answer);
    }
    for (size_t i = 0; i < COUNT_OF(rows); i++) {
        size_t len = count_rest(world, fds[i]);

        if (rows[i].whole != (len > rows[i].answer))
            fail_msg("of answer %zu %zu bytes came", i, len);
        closep(&fds[i]);
    }
}

static void what_was_answered_before_the_end_goes_out(void **state)
{
    struct world *world = *state;
    CLEANUP(closep) int fd = ask(world, "GET /later HTTP/1.1\r\nHost: x\r\n\r\n");
    CLEANUP(closep) int late = -1;

    wait_until_waiting(world);
    late = ask(world, "GET /later HTTP/1.1\r\nHost: x\r\n\r\n"); /* not seen before the end */
    http_answer_problem(TAKE_PTR(world->waiting), 500, NULL, "at the last moment");
    http_server_free(TAKE_PTR(world->server));
    expect(world, fd, "at the last moment");
    expect(world, fd, NULL);
    expect(world, late, NULL);
    assert_int_equal(world->n_calls, 1);
    assert_int_equal(world->n_gone, 0);
}

static void refuses_bad_addresses(void **state)
{
    static const struct {
        const char *listen, *says;
    } rows[] = {
        {"", "ADDR:PORT"},           {"127.0.0.1", "ADDR:PORT"},   {":80", "ADDR:PORT"},
        {"127.0.0.1:", "ADDR:PORT"}, {"::1:80", "brackets"},       {"[::1]", "brackets"},
        {"localhost:80", "numeric"}, {"127.0.0.1:65536", "65535"}, {"127.0.0.1:http", "65535"},
        {"127.0.0.1:-1", "65535"},   {"1.2.3.4.5:80", "numeric"},  {"192.0.2.1:80", "192.0.2.1:80"},
    };
    struct world *world = *state;
    struct http_config config = {.loop = &world->loop,
                                 .body_bytes_max = 1,
                                 .connections_max = 1};

    for (size_t i = 0; i < COUNT_OF(rows); i++) {
        struct http_server *server = NULL;
        struct err err = {0};

        config.listen = rows[i].listen;
        assert_true(http_server_new(&server, &config, &err) < 0);
        assert_null(server);
        assert_non_null(strstr(err.msg, rows[i].says));
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        IN_A_WORLD(answers_at_once_and_later),
        IN_A_WORLD(a_hang_up_is_told_once_and_at_once),
        IN_A_WORLD(a_hang_up_before_the_handler_is_told_as_well),
        IN_A_WORLD(slow_clients_are_told_and_dropped),
        IN_A_WORLD(refuses_what_is_too_large),
        IN_A_WORLD(all_bodies_together_are_bounded),
        IN_A_WORLD(draining_answers_who_waits_and_drops_who_is_idle),
        IN_A_WORLD(the_end_of_the_server_is_a_hang_up_too),
        IN_A_WORLD(all_answers_together_are_bounded),
        IN_A_WORLD(what_was_answered_before_the_end_goes_out),
        IN_A_WORLD(refuses_bad_addresses),
    };

    (void)signal(SIGPIPE, SIG_IGN);
    return cmocka_run_group_tests_name("http_server", tests, NULL, NULL);
}
