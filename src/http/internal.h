/* internal: what the files of http share. */
#pragma once

#include <microhttpd.h>

#include "base/uuid.h"
#include "http/http.h"
#include "http/websocket.h"

enum { ID_BYTES = 65, TRACE_BYTES = 56 };

enum conn_phase {
    CONN_HEAD,      /* idle, or sending headers */
    CONN_BODY,      /* the request's body is coming */
    CONN_HANDLING,  /* its handler is at work: no deadline of ours */
    CONN_ANSWERING, /* the answer is going out */
    CONN_STREAMING, /* so is what there is of a stream: a deadline only while its client does not take it */
    CONN_UPGRADED,  /* it is a WebSocket, which has deadlines of its own */
};

/* One TCP connection, from accept() to close(). */
struct http_conn {
    struct http_server *server;   /* borrowed */
    struct http_conn *prev, *next;
    struct http_request *request; /* the one under way, or NULL; owned by libmicrohttpd's callbacks */
    struct websocket *socket;     /* what the request is or will be upgraded to; frees itself */
    int fd;                       /* borrowed from libmicrohttpd */
    enum conn_phase phase;
    uint64_t phase_us;            /* when it began; STREAMING: when something was taken; CLOCK_MONOTONIC */
    uint64_t head_us;             /* HEAD: when bytes of a request were first seen, 0: idle */
    uint64_t moved_bytes;         /* BODY: received; ANSWERING: to be sent */
    uint64_t received_bytes;      /* by TCP, when HEAD began: more since then is part of a request */
    bool gone;                    /* the peer has closed */
    bool dropped;                 /* we are about to close: what it holds counts no more */
};

struct http_server {
    struct http_config config;
    struct MHD_Daemon *daemon;  /* owned */
    uv_poll_t *mhd_poll;        /* owned: libmicrohttpd's epoll descriptor has something */
    uv_poll_t *gone_poll;       /* owned: gone_fd has something */
    uv_idle_t *again;           /* owned: active while libmicrohttpd has work that no descriptor tells of */
    uv_prepare_t *soon;         /* owned: active while a resumed connection waits to be served */
    uv_timer_t *sweep;          /* owned: deadlines */
    int gone_fd;                /* owned: epoll of all connections, for hang-ups only */
    struct http_conn *conns;    /* owned by libmicrohttpd's callbacks */
    size_t n_busy;              /* connections not in CONN_HEAD */
    size_t n_conns;
    uint64_t *counts;           /* owned; see stats.c */
    size_t bodies_bytes;        /* of all requests together */
    struct farewell *farewells;     /* owned */
    size_t n_farewells;
    bool draining, closing;
    char url[96];
};

enum request_state {
    REQUEST_READING,
    REQUEST_HANDLED,   /* the handler was called and has not answered; suspended unless in_handler */
    REQUEST_STREAMING, /* response is set, and there is more to come; suspended while all of it was taken */
    REQUEST_ANSWERED,  /* response is set */
    REQUEST_GONE,      /* nobody is there to answer to */
};

/* stream.c: an answer that is written piece by piece. */
struct stream {
    struct buf text; /* what was written; ... */
    size_t taken;    /* ... so much of it was taken */
    struct buf last; /* comes after text */
    const char *keep_alive; /* static, or NULL */
    void (*on_room)(void *arg);
    void *room_arg;
};

struct http_request {
    struct http_conn *conn;          /* borrowed */
    struct MHD_Connection *mhd;      /* borrowed */
    const char *method, *path;       /* borrowed from libmicrohttpd */
    struct http_match match;
    struct buf body;
    enum request_state state;
    bool in_handler;                 /* the answer goes out when the handler returns */
    bool suspended;
    struct MHD_Response *response;   /* owned */
    uint64_t answer_bytes;           /* of its body; of a stream: so many were taken */
    struct stream stream;            /* empty unless the answer is one */
    uint64_t held_bytes;             /* of an answer in one piece that is in memory */
    unsigned status;
    bool refused;                    /* status was written past libmicrohttpd */
    uint64_t begun_us;
    char id[ID_BYTES], trace[TRACE_BYTES]; /* trace: "" where there is none */
    char note[HTTP_NOTE_BYTES];
    void (*on_gone)(void *arg);
    void *gone_arg;
    void *mark;                      /* owned */
    struct {
        const char *name; /* static; NULL: unused */
        char value[96];
    } extra[HTTP_EXTRA_HEADERS];
};

/* listen.c: a listening socket, close-on-exec and non-blocking, and the URL it answers to. */
MUST_CHECK int http_listen(int *ret, char *url, size_t url_size, const char *listen, struct err *err);

/* request.c: libmicrohttpd's callbacks for requests. */
enum MHD_Result request_on_access(void *arg, struct MHD_Connection *mhd, const char *path, const char *method,
                                  const char *version, const char *upload, size_t *upload_len, void **state);
void request_on_completed(void *arg, struct MHD_Connection *mhd, void **state,
                          enum MHD_RequestTerminationCode why);
/* The client left while the handler was at work, or a stream was under way. */
void request_lose(struct http_request *request);
/* response: taken, with our headers added; NULL where there was no memory. */
void request_set_response(struct http_request *request, enum request_state state, unsigned status,
                          struct MHD_Response *response);
/* Headers of every answer, and those of this one. */
MUST_CHECK int request_add_headers(struct http_request *request, struct MHD_Response *response, const char *type,
                                   const struct http_header *headers);
void request_suspend(struct http_request *request);
void request_resume(struct http_request *request);

/* stream.c */
void stream_done(struct stream *stream);
/* Nothing was said for quiet_time_ms. */
void stream_say_alive(struct http_request *request);

/* cors.c: 0, or < 0 where there is no memory. */
int cors_add_headers(struct http_request *request, struct MHD_Response *response);
bool cors_is_preflight(const struct http_request *request);
void cors_answer_preflight(struct http_request *request);

/* conn.c */
void conn_on_change(void *arg, struct MHD_Connection *mhd, void **state,
                    enum MHD_ConnectionNotificationCode what);
void conn_enter(struct http_conn *conn, enum conn_phase phase, uint64_t moved_bytes);
/* A request is over: what TCP receives from now on belongs to the next one. */
void conn_note_received(struct http_conn *conn);
/* A stream's client took something. */
void conn_note_taken(struct http_conn *conn);
/* After more was given to a connection to send: the answers of the others make room for it, the largest first. */
void conn_bound_answers(struct http_conn *conn);
/* Called now and then: ends the connections that are past their deadline. */
void conn_sweep(struct http_server *server);
/* Reads the hang-ups that the kernel has told of. */
void conn_read_gone(struct http_server *server);

/* farewell.c: says "no" on a connection that libmicrohttpd will not answer any more: writes a whole response with a
 * problem as its body, and keeps reading for a while, since closing with unread bytes makes the kernel send
 * a reset, which can overtake the response. */
void farewell_refuse(struct http_conn *conn, unsigned status, const char *detail);
/* Writes the same response and nothing more. */
void farewell_write(struct http_conn *conn, unsigned status, const char *detail);
void farewell_free_all(struct http_server *server);

/* trace.c: fills id and trace from the headers. */
void trace_begin(struct http_request *request);

/* stats.c */
MUST_CHECK int stats_init(struct http_server *server);
void stats_note_end(struct http_request *request);
/* Said by farewell_write(), to what may not have become a request. */
void stats_note_refusal(struct http_conn *conn, unsigned status);
/* websocket.c: the connection is over, or is to be: no deadline, no farewell. */
void websocket_lose(struct websocket *socket);
/* Bytes of messages that are not sent. */
size_t websocket_waiting(const struct websocket *socket);
/* Called now and then: deadlines, pings. */
void websocket_sweep(struct websocket *socket, uint64_t now);

/* websocket_handshake.c. False where it is no request for a WebSocket: it has been answered then. */
enum { WEBSOCKET_ACCEPT_BYTES = 29 };
bool websocket_check_request(struct http_request *request, char answer[WEBSOCKET_ACCEPT_BYTES]);
void websocket_answer_key(char answer[WEBSOCKET_ACCEPT_BYTES], const char *key);

/* server.c: on while there are connections: a server that nobody uses sleeps. */
void server_set_sweeping(struct http_server *server, bool on);
/* server.c: a connection was resumed. */
void server_run_soon(struct http_server *server);
