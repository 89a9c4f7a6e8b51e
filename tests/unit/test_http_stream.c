/* What holds for answers that are written piece by piece: order and ends, back-pressure, hang-ups, deadlines. */
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

enum { PIECE = 1000, PLENTY = 32 << 20 };

#define ASK_LATER  "GET /later HTTP/1.1\r\nHost: x\r\n\r\n"
#define ASK_STREAM "GET /stream HTTP/1.1\r\nHost: x\r\n\r\n"

static void say(struct http_request *request, const char *text)
{
    assert_int_equal(http_stream_write(request, slice_from(text)), 0);
}

/* A client whose request waits to be answered by a stream. */
static int begin(struct world *world, const char *text)
{
    int fd = ask(world, text);

    wait_until_waiting(world);
    assert_int_equal(http_stream_begin(world->waiting, 200, "text/plain", NULL), 0);
    return fd;
}

static void end_with(struct world *world, const char *text)
{
    CLEANUP(buf_done) struct buf last;

    buf_init(&last, BODY_MAX);
    assert_int_equal(buf_add_str(&last, text), 0);
    http_stream_end(TAKE_PTR(world->waiting), &last);
}

static void wait_until_gone(struct world *world)
{
    uint64_t until = now_us() + PATIENCE_US;

    while (world->n_gone == 0 && now_us() < until)
        turn(world);
    assert_int_equal(world->n_gone, 1);
}

static void pieces_go_out_as_they_are_written(void **state)
{
    struct world *world = *state;
    CLEANUP(closep) int fd = begin(world, ASK_LATER);

    expect(world, fd, "Transfer-Encoding: chunked\r\n"); /* before there is a word of the body */
    say(world->waiting, "one");
    expect(world, fd, "3\r\none\r\n");
    say(world->waiting, "two");
    say(world->waiting, "three");
    expect(world, fd, "8\r\ntwothree\r\n");
    expect_busy(world, 1);
    say(world->waiting, "four");
    end_with(world, "five");
    expect(world, fd, "4\r\nfour\r\n4\r\nfive\r\n0\r\n\r\n");
    expect_busy(world, 0);

    /* The connection serves on. */
    assert_int_equal(fd_write_all(fd, ASK_LATER, strlen(ASK_LATER)), 0);
    wait_until_waiting(world);
    http_answer_problem(TAKE_PTR(world->waiting), 503, NULL, "next");
    expect(world, fd, "next");
    assert_int_equal(world->n_gone, 0);
}

static void a_stream_may_be_empty(void **state)
{
    struct world *world = *state;
    CLEANUP(closep) int fd = begin(world, ASK_LATER);

    http_stream_end(TAKE_PTR(world->waiting), NULL);
    expect(world, fd, "\r\n\r\n0\r\n\r\n");
    expect_busy(world, 0);
}

/* No chunks for them: the end of the connection is the end of the answer. */
static void old_clients_get_a_stream_up_to_the_end(void **state)
{
    struct world *world = *state;
    CLEANUP(closep) int fd = begin(world, "GET /later HTTP/1.0\r\n\r\n");

    say(world->waiting, "one");
    expect(world, fd, "\r\n\r\none");
    say(world->waiting, "two");
    end_with(world, "three");
    expect(world, fd, "twothree");
    expect(world, fd, NULL);
    assert_int_equal(world->n_gone, 0);
}

/* Of HEAD nobody wants a body: who writes one hears that nobody is there. */
static void head_gets_headers_alone(void **state)
{
    struct world *world = *state;
    CLEANUP(closep) int fd = begin(world, "HEAD /later HTTP/1.1\r\nHost: x\r\n\r\n");

    expect(world, fd, "\r\n\r\n");
    wait_until_gone(world);
    expect_busy(world, 0);
}

struct writer {
    struct http_request *request;
    unsigned n_room;
};

static void on_room(void *arg)
{
    struct writer *writer = arg;

    writer->n_room++;
    assert_int_equal(http_stream_waiting(writer->request), 0);
}

/* Writes until nothing is taken any more; how much was taken. */
static size_t fill(struct world *world)
{
    CLEANUP(freep) char *piece = malloc(PIECE);
    uint64_t until = now_us() + PATIENCE_US;
    size_t written = 0, idle = 0;

    memset(piece, 'x', PIECE);
    while (idle < 100 && written < PLENTY && now_us() < until) {
        assert_non_null(world->waiting); /* not gone */
        if (http_stream_waiting(world->waiting) == 0) {
            assert_int_equal(http_stream_write(world->waiting, (struct slice){piece, PIECE}), 0);
            written += PIECE;
            idle = 0;
        }
        turn(world);
        idle++;
    }
    return written;
}

/* Reads all that comes until n_x of these were seen. */
static void expect_many(struct world *world, int fd, size_t n_x)
{
    uint64_t until = now_us() + PATIENCE_US;
    char piece[65536];

    while (n_x > 0 && now_us() < until) {
        ssize_t n = recv(fd, piece, sizeof piece, MSG_DONTWAIT);

        for (ssize_t i = 0; i < n; i++)
            n_x -= piece[i] == 'x';
        if (n < 0)
            turn(world);
    }
    assert_int_equal(n_x, 0);
}

static void who_writes_is_stopped_by_who_does_not_read(void **state)
{
    struct world *world = *state;
    CLEANUP(closep) int fd = begin(world, ASK_LATER);
    struct writer writer = {.request = world->waiting};
    size_t written;
    unsigned n_room;

    expect(world, fd, "chunked\r\n");
    http_stream_on_room(world->waiting, on_room, &writer);
    written = fill(world);
    assert_true(written > PIECE && written < PLENTY); /* what the two sockets hold */
    assert_true(http_stream_waiting(world->waiting) > 0);
    n_room = writer.n_room;
    expect_many(world, fd, written);
    assert_int_equal(http_stream_waiting(world->waiting), 0);
    assert_int_equal(writer.n_room, n_room + 1);
    end_with(world, "the end");
    expect(world, fd, "7\r\nthe end\r\n0\r\n\r\n");
    assert_int_equal(world->n_gone, 0);
}

static void who_takes_nothing_is_dropped(void **state)
{
    struct world *world = *state;
    CLEANUP(closep) int fd = begin(world, ASK_LATER);
    uint64_t started_us;

    expect(world, fd, "chunked\r\n");
    (void)fill(world);
    started_us = now_us();
    wait_until_gone(world);
    assert_true(now_us() - started_us > 300000);
    expect_busy(world, 0);
}

/* After its end a stream has the deadline of an answer, however slowly it is taken. */
static void who_takes_no_end_is_dropped(void **state)
{
    struct world *world = *state;
    CLEANUP(closep) int fd = begin(world, ASK_LATER);

    expect(world, fd, "chunked\r\n");
    (void)fill(world);
    end_with(world, "the end");
    expect_busy(world, 1);
    expect_busy(world, 0);
    assert_int_equal(world->n_gone, 0); /* nobody is there to be told */
}

static void silence_is_no_reason_to_end(void **state)
{
    struct world *world = *state;
    CLEANUP(closep) int fd = begin(world, ASK_LATER);
    uint64_t until = now_us() + 2000000; /* more than any of the deadlines */

    expect(world, fd, "chunked\r\n");
    while (now_us() < until)
        turn(world);
    expect_busy(world, 1);
    say(world->waiting, "still there");
    expect(world, fd, "still there");
    assert_int_equal(world->n_gone, 0);
}

static void a_stream_says_that_it_lives(void **state)
{
    struct world *world = *state;
    CLEANUP(closep) int fd = begin(world, ASK_LATER);

    http_stream_keep_alive(world->waiting, ": alive\n\n");
    expect(world, fd, "9\r\n: alive\n\n\r\n");
    expect(world, fd, "9\r\n: alive\n\n\r\n");
    end_with(world, "the end");
    expect(world, fd, "the end\r\n0\r\n\r\n");
}

static void a_hang_up_is_told_in_each_state(void **state)
{
    static const struct {
        bool filled, half;
    } rows[] = {{false, false}, {true, false}, {false, true}, {true, true}};

    for (size_t i = 0; i < COUNT_OF(rows); i++) {
        struct world *world = *state;
        CLEANUP(closep) int fd = begin(world, ASK_LATER);
        uint64_t started_us;

        expect(world, fd, "chunked\r\n");
        if (rows[i].filled)
            (void)fill(world);
        started_us = now_us();
        if (rows[i].half)
            assert_int_equal(shutdown(fd, SHUT_WR), 0);
        else
            closep(&fd);
        wait_until_gone(world);
        assert_true(now_us() < started_us + 1000000); /* no deadline ended it */
        expect_busy(world, 0);
        world->n_gone = 0;
    }
}

static void a_stream_can_begin_in_the_handler(void **state)
{
    struct world *world = *state;
    CLEANUP(closep) int fd = ask(world, ASK_STREAM);

    wait_until_waiting(world);
    expect(world, fd, "chunked\r\n");
    say(world->waiting, "one");
    expect(world, fd, "3\r\none\r\n");
    end_with(world, "two");
    expect(world, fd, "3\r\ntwo\r\n0\r\n\r\n");
    expect_busy(world, 0);
}

/* The kernel tells of the end before the headers are on their way, or before there is a handler to tell. */
static void a_hang_up_at_the_beginning_is_told_as_well(void **state)
{
    struct world *world = *state;
    CLEANUP(closep) int fd = ask(world, ASK_LATER);
    CLEANUP(closep) int early = -1;

    wait_until_waiting(world);
    assert_int_equal(http_stream_begin(world->waiting, 200, "text/plain", NULL), 0);
    closep(&fd); /* before the loop has turned once */
    say(world->waiting, "nobody reads this");
    wait_until_gone(world);
    expect_busy(world, 0);

    world->n_gone = 0;
    early = ask(world, ASK_STREAM);
    assert_int_equal(shutdown(early, SHUT_WR), 0);
    wait_until_gone(world);
    assert_int_equal(world->n_calls, 2);
    expect_busy(world, 0);
}

static void add_status(void *arg, const struct http_route *route, unsigned status, uint64_t n)
{
    (void)route;
    ((uint64_t *)arg)[status] += n;
}

/* A stream that its client has in full has the status that it began with. */
static void what_was_cut_off_counts_as_left(void **state)
{
    struct world *world = *state;
    uint64_t n_of_status[600] = {0};

    for (int i = 0; i < 3; i++) {
        CLEANUP(closep) int fd = begin(world, i == 0 ? "HEAD /later HTTP/1.1\r\nHost: x\r\n\r\n" : ASK_LATER);

        expect(world, fd, "\r\n\r\n");
        if (i == 1)
            end_with(world, "the end");
        if (i == 2)
            (void)fill(world); /* and nothing is taken */
        expect_busy(world, i == 2 ? 1 : 0);
        expect_busy(world, 0);
    }
    http_server_each_count(world->server, add_status, n_of_status);
    assert_int_equal(n_of_status[200], 2);
    assert_int_equal(n_of_status[499], 1);
}

static void what_is_broken_off_looks_so(void **state)
{
    struct world *world = *state;
    CLEANUP(closep) int fd = begin(world, ASK_LATER);

    say(world->waiting, "half of");
    expect(world, fd, "half of");
    http_stream_break(TAKE_PTR(world->waiting));
    expect(world, fd, NULL); /* without the last chunk */
    expect_busy(world, 0);
    assert_int_equal(world->n_gone, 0);
}

static void draining_waits_for_streams(void **state)
{
    struct world *world = *state;
    CLEANUP(closep) int fd = begin(world, ASK_LATER);

    expect(world, fd, "chunked\r\n");
    http_server_drain(world->server);
    expect_busy(world, 1);
    end_with(world, "in time");
    expect(world, fd, "in time\r\n0\r\n\r\n");
    expect(world, fd, NULL);
    expect_busy(world, 0);
}

static void a_stream_that_ended_before_the_server_is_whole(void **state)
{
    struct world *world = *state;
    CLEANUP(closep) int fd = begin(world, ASK_LATER);

    expect(world, fd, "chunked\r\n");
    say(world->waiting, "one");
    end_with(world, "two");
    http_server_free(TAKE_PTR(world->server));
    expect(world, fd, "3\r\none\r\n3\r\ntwo\r\n0\r\n\r\n");
    expect(world, fd, NULL);
    assert_int_equal(world->n_gone, 0);
}

static void the_end_of_the_server_is_a_hang_up_too(void **state)
{
    struct world *world = *state;
    CLEANUP(closep) int quiet = begin(world, ASK_LATER);
    CLEANUP(closep) int full = -1;

    world->waiting = NULL;
    full = begin(world, ASK_LATER);
    (void)fill(world);
    http_server_free(TAKE_PTR(world->server));
    assert_int_equal(world->n_gone, 2);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        IN_A_WORLD(pieces_go_out_as_they_are_written),
        IN_A_WORLD(a_stream_may_be_empty),
        IN_A_WORLD(old_clients_get_a_stream_up_to_the_end),
        IN_A_WORLD(head_gets_headers_alone),
        IN_A_WORLD(who_writes_is_stopped_by_who_does_not_read),
        IN_A_WORLD(who_takes_nothing_is_dropped),
        IN_A_WORLD(who_takes_no_end_is_dropped),
        IN_A_WORLD(silence_is_no_reason_to_end),
        IN_A_WORLD(a_stream_says_that_it_lives),
        IN_A_WORLD(a_hang_up_is_told_in_each_state),
        IN_A_WORLD(a_stream_can_begin_in_the_handler),
        IN_A_WORLD(a_hang_up_at_the_beginning_is_told_as_well),
        IN_A_WORLD(what_was_cut_off_counts_as_left),
        IN_A_WORLD(what_is_broken_off_looks_so),
        IN_A_WORLD(draining_waits_for_streams),
        IN_A_WORLD(a_stream_that_ended_before_the_server_is_whole),
        IN_A_WORLD(the_end_of_the_server_is_a_hang_up_too),
    };

    (void)signal(SIGPIPE, SIG_IGN);
    return cmocka_run_group_tests_name("http_stream", tests, NULL, NULL);
}
