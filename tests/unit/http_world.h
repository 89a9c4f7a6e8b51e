/* http_world: a server on its loop, for tests. The clients are sockets of this process; the loop turns until what is
 * waited for has come. */
#pragma once

#include "http/http.h"

enum { PATIENCE_US = 5000000, BODY_MAX = 1000, ANSWERS_MAX = 24 << 20 };

struct world {
    uv_loop_t loop;
    struct http_server *server;
    struct http_request *waiting; /* what /later and /stream have not answered */
    unsigned n_gone, n_calls;
};

/* Around each test. POST /now echoes, GET /later waits for the test to answer, GET /stream begins a
 * stream at once. */
int set_up(void **state);
int tear_down(void **state);
#define IN_A_WORLD(test) cmocka_unit_test_setup_teardown(test, set_up, tear_down)

/* Non-blocking, owned by the caller. */
int connect_to(struct world *world);
int ask(struct world *world, const char *text);
void turn(struct world *world);
/* Reads until text has come, or, with NULL, until the end. */
void expect(struct world *world, int fd, const char *text);
void wait_until_waiting(struct world *world);
/* Connections under way; the client can have its answer before the server has seen that it was taken. */
void expect_busy(struct world *world, size_t n);
