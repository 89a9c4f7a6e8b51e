/*
 * http: an HTTP/1.1 server on a libuv loop. Knows no jobs; parsing is libmicrohttpd's, which runs
 * without threads: its epoll descriptor is one more descriptor of the loop.
 *
 * Life of a request: headers -> route -> body (bounded) -> handler -> http_answer(), now or later. Until it is
 * answered the connection is suspended; a client that hangs up meanwhile is noticed at once (on_gone). An answer can
 * be a stream as well, written piece by piece.
 * Whatever is wrong with a request before its handler is called is answered here, with a body as
 * in RFC 9457 (problem+json).
 */
#pragma once

#include <uv.h>

#include "base/buf.h"
#include "base/err.h"
#include "base/strings.h"

struct http_server;  /* opaque */
struct http_request; /* opaque; borrowed by the handler until it has answered, or on_gone was called */

struct http_header {
    const char *name, *value; /* a list ends with a NULL name */
};

struct http_route {
    const char *method;  /* "GET" serves HEAD as well */
    const char *pattern; /* "/run/{lang}": a part in braces matches one non-empty part of a path */
    void (*handle)(struct http_request *request, void *arg);
    bool any_origin;     /* pages of any origin may call it (CORS), preflight included */
    unsigned access;     /* for the gate, which knows what it means */
};

/* A request that is over. All borrowed during the call. */
struct http_done {
    const struct http_request *request; /* its method, path and headers can still be asked for */
    const struct http_route *route;     /* NULL: none has its path and method */
    unsigned status;                    /* 499: the client left before it was answered */
    uint64_t answer_bytes;              /* of the body */
    uint64_t duration_us;               /* from its headers to the end of the answer */
};

struct http_config {
    uv_loop_t *loop;                 /* borrowed until http_server_free() */
    const char *listen;              /* ADDR:PORT or [ADDR]:PORT, numeric; borrowed during the call */
    const struct http_route *routes; /* borrowed until http_server_free() */
    size_t n_routes;
    void *arg;                       /* for the handlers, the gate and on_done */
    /* May this request go on to its handler? Called with the headers, before the body is read; answers where it may
     * not. NULL: all may. */
    void (*gate)(struct http_request *request, unsigned access, void *arg);
    /* Pages of other origins (CORS). All borrowed until http_server_free(), and may be NULL. */
    const struct strings *allow_origins; /* who may call routes without any_origin: "https://example.org"; "*": all */
    const char *allow_headers;           /* that they may send */
    const char *expose_headers;          /* that they may see */
    void (*on_done)(void *arg, const struct http_done *done); /* may be NULL */

    /* All bounds must be set. */
    size_t body_bytes_max;       /* of one request */
    size_t bodies_bytes_max;     /* of all requests that are being received or handled */
    size_t answers_bytes_max;    /* of all answers that wait; beyond that the client of the largest is cut off */
    uint32_t connections_max;    /* more wait in the kernel's queue */
    uint32_t idle_time_ms;       /* the longest that a connection may be without a request */
    uint32_t head_time_ms;       /* for the headers, from their first byte */
    uint32_t transfer_time_ms;   /* for a body, or for taking an answer: this, and more for each ... */
    uint32_t transfer_rate;      /* ... byte that was moved: bytes per second */
    uint32_t stall_time_ms;      /* how long a stream's reader may take nothing of what is there for it */
    uint32_t quiet_time_ms;      /* after that long without a word a stream says its keep-alive, a WebSocket pings */
};

/* Listens. < 0 with *err saying what to change. */
MUST_CHECK int http_server_new(struct http_server **ret, const struct http_config *config, struct err *err);
/* Sends what was answered already, as far as sockets take it at once; drops all connections (handlers get on_gone);
 * then releases everything; the loop must run once more for its handles to close. NULL is allowed. */
void http_server_free(struct http_server *server);
DEFINE_FREEP(struct http_server, http_server)

/* "http://127.0.0.1:2358", with the port that was really bound. */
const char *http_server_url(const struct http_server *server);
/* Stops listening and closes idle connections; requests under way are answered, each as its connection's last. */
void http_server_drain(struct http_server *server);
/* Connections with a request that is not answered in full. */
size_t http_server_n_busy(const struct http_server *server);
size_t http_server_n_connections(const struct http_server *server);
/* How many requests of each route (NULL: none fits) ended with which status; pairs that never came up are left out. */
void http_server_each_count(const struct http_server *server,
                            void (*on_count)(void *arg, const struct http_route *route, unsigned status, uint64_t n),
                            void *arg);

/* All borrowed, valid as long as the request. */
const char *http_request_method(const struct http_request *request);
const char *http_request_path(const struct http_request *request);
const struct sockaddr *http_request_peer(const struct http_request *request); /* who connected; or NULL */
/* Names this request in logs: X-Request-Id where the client sent a sensible one, otherwise made. Each answer has it. */
const char *http_request_id(const struct http_request *request);
/* Its traceparent (W3C Trace Context), which is part of the answer, too; NULL: none that is valid. */
const char *http_request_trace(const struct http_request *request);
/* What on_done shall know of it, up to HTTP_NOTE_BYTES with the NUL; copied. "" where there is none. */
enum { HTTP_NOTE_BYTES = 64 };
void http_request_set_note(struct http_request *request, const char *note);
const char *http_request_note(const struct http_request *request);
struct slice http_request_body(const struct http_request *request);
/* The part of the path that matched the pattern's n-th braces, from 0; empty where there is none. */
struct slice http_request_part(const struct http_request *request, size_t n);
const char *http_request_header(const struct http_request *request, const char *name); /* or NULL */
/* All values of a header that may come more than once, in their order, joined by commas. 0 or -ENOMEM. */
MUST_CHECK int http_request_header_list(struct buf *to, const struct http_request *request, const char *name);
/* The other end of the connection; NULL where that has no address. */
/* May the page that makes this request? True without an Origin (no page), for our own origin, and for those of
 * allow_origins. For what CORS does not guard: WebSockets and forms. */
bool http_request_origin_allowed(const struct http_request *request);
/* Decoded; NULL in .at where the query has no such name. */
struct slice http_request_query(const struct http_request *request, const char *name);

/* A piece of a part of a form; the first piece of each part begins it, also where it is empty. All borrowed. */
struct http_part {
    const char *name, *filename; /* filename: NULL where there is none; as the client wrote it: check it */
    struct slice data;
    bool begins;
};
typedef int http_on_part(void *arg, const struct http_part *part); /* < 0 (not -EINVAL): ends it */
/* Reads a body of type multipart/form-data. 0, -EINVAL where it is none or cut, or what on_part gave. */
MUST_CHECK int http_request_read_form(const struct http_request *request, http_on_part *on_part, void *arg);

/* Something of the gate's or the handler's that lives as long as the request. mark: taken, ended by free(). */
void http_request_set_mark(struct http_request *request, void *mark);
void *http_request_mark(const struct http_request *request); /* borrowed; NULL: none */

/* Which of the types its Accept headers like best; NULL where they take none of them. types: ends with NULL. Where two
 * are liked alike the more exactly named one wins, then the first; without such headers the first. */
const char *http_request_best_type(const struct http_request *request, const char *const *types);
const char *http_accept_best(struct slice accept, const char *const *types); /* pure */

/* A header of the answer, whoever gives that, and whatever he says: the last one set holds. name: static; value:
 * copied, at most 95 bytes. */
enum { HTTP_EXTRA_HEADERS = 3 };
void http_request_set_header(struct http_request *request, const char *name, const char *value);

/* When the client hangs up before the answer, on_gone is called, once, and the request is gone. A client that
 * closes just its sending side counts as gone: it can't be told from one that left. */
void http_request_on_gone(struct http_request *request, void (*on_gone)(void *arg), void *arg);

/* Answers; the request is gone for the caller. body: taken, may be NULL. type: static. headers: copied, may be NULL.
 * 429 and 503 get a Retry-After where nobody has set one. */
void http_answer(struct http_request *request, unsigned status, const char *type, struct buf *body,
                 const struct http_header *headers);
/* The same with bytes that are there as long as the server: they are sent from where they are. body: static. */
void http_answer_static(struct http_request *request, unsigned status, const char *type, struct slice body,
                        const struct http_header *headers);
/* Answers with a problem (RFC 9457); field: JSON path of what is at fault, or NULL. */
void http_answer_problem(struct http_request *request, unsigned status, const char *field, const char *fmt,
                         ...) PRINTF_LIKE(4, 5);

/*
 * Streams: begin, write any number of times, end. What is written goes out at once, as far as the client takes it;
 * the rest is held. So who writes looks at http_stream_waiting(), and stops its source until on_room. When the client
 * leaves, or takes nothing of what waits for it for stall_time_ms, on_gone is called, as before an answer. A stream
 * that has nothing to say may last.
 */
/* Sends the headers. type: static. headers: copied, may be NULL. 0, or -ENOMEM: the request is still to be answered. */
MUST_CHECK int http_stream_begin(struct http_request *request, unsigned status, const char *type,
                                 const struct http_header *headers);
/* All that was written has been taken. It may write, or end the stream. */
void http_stream_on_room(struct http_request *request, void (*on_room)(void *arg), void *arg);
/* Written whenever nothing was for quiet_time_ms. text: static. */
void http_stream_keep_alive(struct http_request *request, const char *text);
/* Copies. 0, or -ENOMEM or -EFBIG (HTTP_STREAM_MAX_BYTES would wait): nothing of it is written then. */
MUST_CHECK int http_stream_write(struct http_request *request, struct slice bytes);
/* Bytes that have not been taken yet. */
size_t http_stream_waiting(const struct http_request *request);
/* The request is gone for the caller; what waits still goes out, and last after it, as an answer's body does. last:
 * taken, may be NULL. */
void http_stream_end(struct http_request *request, struct buf *last);
/* The answer can't be brought to its end: closes the connection, so that the client sees that something is missing. The
 * request is gone for the caller, without on_gone. */
void http_stream_break(struct http_request *request);
enum { HTTP_STREAM_MAX_BYTES = 1 << 30 };

/* "Not Found". Static. */
const char *http_status_title(unsigned status);

/* For tests and for who writes to a socket without libmicrohttpd. Appends the body of a problem. */
MUST_CHECK int http_problem_body(struct buf *to, unsigned status, const char *field, const char *detail);
#define HTTP_PROBLEM_TYPE "application/problem+json"
#define HTTP_JSON_TYPE    "application/json"

/* Pure. A traceparent of version 00, or of a later one as far as its beginning is alike. */
bool http_is_traceparent(const char *text);
/* 1 to 64 letters, digits and "-_.~+/=@:". */
bool http_is_request_id(const char *text);

/* Route matching, pure. */
enum { HTTP_MAX_PARTS = 2 };
struct http_match {
    const struct http_route *route; /* NULL: none */
    struct slice parts[HTTP_MAX_PARTS];
    bool any_origin;                /* of the path, whatever its method */
    char allow[64];                 /* methods of this path, "GET, HEAD, POST"; "" where no route has the path */
};
void http_route_find(struct http_match *ret, const struct http_route *routes, size_t n_routes, const char *method,
                     const char *path);
