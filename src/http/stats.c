/*
 * Every request that is over, counted by route and status, and told to who wants to hear of it. A client that left
 * before it was answered is 499, as it is in others' figures; what can't be read as a request has no route.
 */
#include <assert.h>
#include <errno.h>

#include "base/clock.h"
#include "http/internal.h"

enum { STATUS_FIRST = 100, N_STATUS = 500, STATUS_CLIENT_LEFT = 499 };

int stats_init(struct http_server *server)
{
    server->counts = calloc((server->config.n_routes + 1) * N_STATUS, sizeof *server->counts);
    return server->counts == NULL ? -ENOMEM : 0;
}

static void count(struct http_server *server, const struct http_route *route, unsigned status)
{
    const size_t row = route == NULL ? server->config.n_routes : (size_t)(route - server->config.routes);

    assert(status >= STATUS_FIRST && status < STATUS_FIRST + N_STATUS);
    server->counts[row * N_STATUS + status - STATUS_FIRST]++;
}

void stats_note_end(struct http_request *request)
{
    struct http_server *server = request->conn->server;
    const bool answered = request->status != 0 && request->state != REQUEST_GONE;
    const struct http_done done = {.request = request,
                                   .route = request->match.route,
                                   .status = answered || request->refused ? request->status : STATUS_CLIENT_LEFT,
                                   .answer_bytes = answered ? request->answer_bytes : 0,
                                   .duration_us = now_us() - request->begun_us};

    count(server, done.route, done.status);
    if (server->config.on_done != NULL)
        server->config.on_done(server->config.arg, &done);
}

void stats_note_refusal(struct http_conn *conn, unsigned status)
{
    if (conn->request == NULL) { /* its headers were never whole */
        count(conn->server, NULL, status);
        return;
    }
    conn->request->status = status;
    conn->request->refused = true;
}

void http_server_each_count(const struct http_server *server,
                            void (*on_count)(void *arg, const struct http_route *route, unsigned status, uint64_t n),
                            void *arg)
{
    for (size_t row = 0; row <= server->config.n_routes; row++)
        for (size_t i = 0; i < N_STATUS; i++)
            if (server->counts[row * N_STATUS + i] != 0)
                on_count(arg, row < server->config.n_routes ? &server->config.routes[row] : NULL,
                         (unsigned)(STATUS_FIRST + i), server->counts[row * N_STATUS + i]);
}

size_t http_server_n_connections(const struct http_server *server)
{
    return server->n_conns;
}
