/*
 * A request, from its headers to the end of its answer.
 *
 *     READING -> HANDLED -> ANSWERED          READING -> ANSWERED: refused before its handler was called
 *                       \-> STREAMING -> ANSWERED
 *                       \-> GONE              the client left, or there was no memory for an answer; from STREAMING too
 *
 * libmicrohttpd calls request_on_access() once with the headers, then with each piece of the body, then once
 * with nothing: that is when the handler is called. Without an answer the connection is suspended,
 * and resuming it makes libmicrohttpd call once more.
 */
#include <errno.h>
#include <strings.h>
#include <sys/socket.h>

#include "base/clock.h"
#include "http/internal.h"

void request_suspend(struct http_request *request)
{
    request->suspended = true;
    MHD_suspend_connection(request->mhd);
}

void request_resume(struct http_request *request)
{
    if (!request->suspended)
        return;
    request->suspended = false;
    MHD_resume_connection(request->mhd);
    server_run_soon(request->conn->server);
}

void request_lose(struct http_request *request)
{
    void (*on_gone)(void *arg) = request->on_gone;

    if (request->state == REQUEST_STREAMING) /* it may not be suspended, but wait for a client that takes nothing */
        (void)shutdown(request->conn->fd, SHUT_RDWR);
    else if (request->state != REQUEST_HANDLED || !request->suspended)
        return;
    request->state = REQUEST_GONE;
    request_resume(request);
    if (on_gone != NULL)
        on_gone(request->gone_arg); /* last: what it calls may come back to us */
}

void http_request_on_gone(struct http_request *request, void (*on_gone)(void *arg), void *arg)
{
    request->on_gone = on_gone;
    request->gone_arg = arg;
}

/* Headers that an answer gets because of where it is sent, not because of what it says. */
static int add_common_headers(struct http_request *request, struct MHD_Response *response)
{
    enum MHD_Result ok = MHD_add_response_header(response, "X-Content-Type-Options", "nosniff");

    if (ok == MHD_YES)
        ok = MHD_add_response_header(response, "X-Request-Id", request->id);
    if (ok == MHD_YES && request->trace[0] != '\0')
        ok = MHD_add_response_header(response, "traceparent", request->trace);
    for (size_t i = 0; i < HTTP_EXTRA_HEADERS && ok == MHD_YES && request->extra[i].name != NULL; i++)
        ok = MHD_add_response_header(response, request->extra[i].name, request->extra[i].value);
    if (ok == MHD_YES && cors_add_headers(request, response) < 0)
        ok = MHD_NO;
    if (ok == MHD_YES && request->conn->server->draining)
        ok = MHD_add_response_header(response, "Connection", "close");
    return ok == MHD_YES ? 0 : -ENOMEM;
}

static bool has_extra(const struct http_request *request, const char *name)
{
    for (size_t i = 0; i < HTTP_EXTRA_HEADERS && request->extra[i].name != NULL; i++)
        if (strcasecmp(request->extra[i].name, name) == 0)
            return true;
    return false;
}

int request_add_headers(struct http_request *request, struct MHD_Response *response, const char *type,
                        const struct http_header *headers)
{
    enum MHD_Result ok = MHD_YES;

    if (type != NULL)
        ok = MHD_add_response_header(response, "Content-Type", type);
    for (; ok == MHD_YES && headers != NULL && headers->name != NULL; headers++)
        if (!has_extra(request, headers->name))
            ok = MHD_add_response_header(response, headers->name, headers->value);
    return ok == MHD_YES ? add_common_headers(request, response) : -ENOMEM;
}

void request_set_response(struct http_request *request, enum request_state state, unsigned status,
                          struct MHD_Response *response)
{
    request->response = response;
    request->status = status;
    request->state = response == NULL ? REQUEST_GONE : state;
    request_resume(request);
}

/* A response of the body's bytes, which it frees. */
static struct MHD_Response *take_bytes(struct buf *body)
{
    struct MHD_Response *response;

    if (body == NULL || body->len == 0)
        return MHD_create_response_from_buffer_with_free_callback(0, NULL, free);
    response = MHD_create_response_from_buffer_with_free_callback(body->len, body->at, free);
    if (response != NULL)
        *body = (struct buf){.max = body->max}; /* taken */
    return response;
}

/* Who is told to come back is told when: soon, where nobody knows better. */
static int add_retry_after(const struct http_request *request, unsigned status, struct MHD_Response *response,
                           const struct http_header *headers)
{
    bool missing = (status == MHD_HTTP_SERVICE_UNAVAILABLE || status == MHD_HTTP_TOO_MANY_REQUESTS) &&
                   !has_extra(request, "Retry-After");

    for (; headers != NULL && headers->name != NULL; headers++)
        missing = missing && strcasecmp(headers->name, "Retry-After") != 0;
    return !missing || MHD_add_response_header(response, "Retry-After", "1") == MHD_YES ? 0 : -ENOMEM;
}

/* response: taken; NULL where there was no memory for it. */
static void answer(struct http_request *request, unsigned status, const char *type, struct MHD_Response *response,
                   const struct http_header *headers)
{
    if (response != NULL && (request_add_headers(request, response, type, headers) < 0 ||
                             add_retry_after(request, status, response, headers) < 0)) {
        MHD_destroy_response(response);
        response = NULL;
    }
    request_set_response(request, REQUEST_ANSWERED, status, response);
}

/* Answered twice, or gone: nothing can be said. */
static bool is_open(const struct http_request *request)
{
    return request->state == REQUEST_HANDLED || request->state == REQUEST_READING;
}

void http_answer(struct http_request *request, unsigned status, const char *type, struct buf *body,
                 const struct http_header *headers)
{
    if (!is_open(request))
        return;
    request->answer_bytes = request->held_bytes = body == NULL ? 0 : body->len;
    conn_bound_answers(request->conn);
    answer(request, status, type, take_bytes(body), headers);
    if (body != NULL)
        buf_done(body);
}

void http_answer_static(struct http_request *request, unsigned status, const char *type, struct slice body,
                        const struct http_header *headers)
{
    if (!is_open(request))
        return;
    request->answer_bytes = body.len;
    /* libmicrohttpd does not write there; it only forgot to say const. */
    answer(request, status, type,
           MHD_create_response_from_buffer(body.len, (void *)(uintptr_t)body.at, MHD_RESPMEM_PERSISTENT), headers);
}

/* The last step of every request. MHD_NO closes the connection. */
static enum MHD_Result send_answer(struct http_request *request)
{
    if (request->state == REQUEST_STREAMING && request->conn->gone)
        request_lose(request);
    if (request->state == REQUEST_STREAMING)
        conn_enter(request->conn, CONN_STREAMING, 0);
    else if (request->state == REQUEST_ANSWERED)
        conn_enter(request->conn, CONN_ANSWERING, request->answer_bytes + http_stream_waiting(request));
    else
        return MHD_NO;
    return MHD_queue_response(request->mhd, request->status, request->response);
}

static void handle(struct http_request *request)
{
    const struct http_config *config = &request->conn->server->config;

    if (request->conn->server->closing) {
        http_answer_problem(request, MHD_HTTP_SERVICE_UNAVAILABLE, NULL,
                            "the server is stopping; try again in a moment");
    } else if (request->match.route != NULL) {
        request->state = REQUEST_HANDLED;
        request->match.route->handle(request, config->arg);
    } else if (request->match.allow[0] == '\0') {
        http_answer_problem(request, MHD_HTTP_NOT_FOUND, NULL, "there is nothing at %.200s",
                            request->path);
    } else if (cors_is_preflight(request)) {
        cors_answer_preflight(request);
    } else {
        http_answer_problem(request, MHD_HTTP_METHOD_NOT_ALLOWED, NULL,
                            "%.200s takes %s, not %.40s", request->path, request->match.allow,
                            request->method);
    }
}

/* The whole request is there. */
static enum MHD_Result finish(struct http_request *request)
{
    if (request->state == REQUEST_READING) {
        conn_enter(request->conn, CONN_HANDLING, 0);
        handle(request);
    }
    if (request->state != REQUEST_HANDLED)
        return send_answer(request);
    request_suspend(request);
    /* It may have left before there was anything to suspend, and the kernel tells only once. */
    if (request->conn->gone)
        request_lose(request);
    return MHD_YES;
}

static enum MHD_Result refuse(struct http_request *request, unsigned status, const char *detail)
{
    farewell_refuse(request->conn, status, detail);
    return MHD_NO;
}

static enum MHD_Result refuse_too_big(struct http_request *request)
{
    char detail[96];

    (void)snprintf(detail, sizeof detail,
                   "the body has more than %zu bytes, which is the most that is taken",
                   request->conn->server->config.body_bytes_max);
    return refuse(request, MHD_HTTP_CONTENT_TOO_LARGE, detail);
}

/* Where a body is not wanted it is still read, so that the connection can be used again, but not kept. */
static enum MHD_Result take_body(struct http_request *request, const char *bytes, size_t len)
{
    struct http_server *server = request->conn->server;

    request->conn->moved_bytes += len;
    if (request->conn->moved_bytes > server->config.body_bytes_max)
        return refuse_too_big(request);
    if (request->match.route == NULL || request->state != REQUEST_READING)
        return MHD_YES;
    if (len > server->config.bodies_bytes_max - server->bodies_bytes)
        return refuse(request, MHD_HTTP_SERVICE_UNAVAILABLE,
                      "too many large requests are being received; try again in a moment");
    if (buf_add(&request->body, bytes, len) < 0)
        return refuse(request, MHD_HTTP_SERVICE_UNAVAILABLE, "the server is out of memory");
    server->bodies_bytes += len;
    return MHD_YES;
}

/* What the headers say of the body's length. */
struct framing {
    unsigned n_lengths, n_encodings;
    uint64_t declared_bytes;
    bool chunked;
};

static enum MHD_Result note_framing(void *arg, enum MHD_ValueKind kind, const char *name,
                                    const char *value)
{
    struct framing *framing = arg;

    (void)kind;
    if (strcasecmp(name, "Content-Length") == 0) {
        framing->n_lengths++;
        /* libmicrohttpd has checked that it is a number. ULLONG_MAX when it is too long: too big as well. */
        framing->declared_bytes = strtoull(value == NULL ? "" : value, NULL, 10);
    } else if (strcasecmp(name, "Transfer-Encoding") == 0) {
        framing->n_encodings++;
        framing->chunked = value != NULL && strcasecmp(value, "chunked") == 0;
    }
    return MHD_YES;
}

/* Where two readers could see the end of a body in two places, one of them may take its rest for a request
 * (RFC 9112, 11.2: request smuggling). libmicrohttpd takes one of the lengths; we take none. */
static enum MHD_Result check_framing(struct http_request *request)
{
    struct framing framing = {0};

    (void)MHD_get_connection_values(request->mhd, MHD_HEADER_KIND, note_framing, &framing);
    if (framing.n_lengths + framing.n_encodings > 1)
        return refuse(request, MHD_HTTP_BAD_REQUEST,
                      "the length of the body is given more than once");
    if (framing.n_encodings > 0 && !framing.chunked)
        return refuse(request, MHD_HTTP_NOT_IMPLEMENTED,
                      "the transfer encoding is not known; chunked is");
    if (framing.declared_bytes > request->conn->server->config.body_bytes_max)
        return refuse_too_big(request);
    return MHD_YES;
}

/* Refused by the gate, a request is answered when its body has come, as one without a route is. */
static void pass_gate(struct http_request *request)
{
    const struct http_config *config = &request->conn->server->config;

    if (config->gate != NULL && request->match.route != NULL)
        config->gate(request, request->match.route->access, config->arg);
}

static enum MHD_Result begin(struct http_request **ret, struct http_server *server,
                             struct MHD_Connection *mhd, const char *path, const char *method)
{
    const union MHD_ConnectionInfo *info =
        MHD_get_connection_info(mhd, MHD_CONNECTION_INFO_SOCKET_CONTEXT);
    struct http_conn *conn = info->socket_context;
    struct http_request *request;

    if (conn == NULL)
        return MHD_NO;
    request = calloc(1, sizeof *request);
    if (request == NULL)
        return MHD_NO;
    request->conn = conn;
    request->begun_us = now_us();
    request->mhd = mhd;
    trace_begin(request);
    request->method = method;
    request->path = path;
    buf_init(&request->body, server->config.body_bytes_max);
    http_route_find(&request->match, server->config.routes, server->config.n_routes, method, path);
    conn->request = *ret = request;
    conn_enter(conn, CONN_BODY, 0);
    if (check_framing(request) != MHD_YES)
        return MHD_NO;
    pass_gate(request);
    return MHD_YES;
}

enum MHD_Result request_on_access(void *arg, struct MHD_Connection *mhd, const char *path,
                                  const char *method, const char *version, const char *upload,
                                  size_t *upload_len, void **state)
{
    struct http_request *request = *state;
    enum MHD_Result r;

    (void)version;
    if (request == NULL) {
        r = begin(&request, arg, mhd, path, method);
        *state = request;
        return r;
    }
    if (*upload_len == 0)
        return finish(request);
    r = take_body(request, upload, *upload_len);
    *upload_len = 0;
    return r;
}

void request_on_completed(void *arg, struct MHD_Connection *mhd, void **state,
                          enum MHD_RequestTerminationCode why)
{
    struct http_server *server = arg;
    struct http_request *request = *state;
    void (*on_gone)(void *arg) = NULL;
    void *gone_arg = NULL;

    (void)mhd;
    if (request == NULL)
        return;
    *state = NULL;
    if (request->state == REQUEST_STREAMING) { /* over before it was ended: nobody reads on */
        on_gone = request->on_gone;
        gone_arg = request->gone_arg;
        if (why != MHD_REQUEST_TERMINATED_COMPLETED_OK) /* HEAD has all it wanted */
            request->state = REQUEST_GONE;
    }
    stats_note_end(request);
    request->conn->request = NULL;
    if (request->conn->socket != NULL) /* it left before it had its answer */
        websocket_lose(request->conn->socket);
    conn_enter(request->conn, CONN_HEAD, 0);
    conn_note_received(request->conn);
    server->bodies_bytes -= request->body.len;
    buf_done(&request->body);
    stream_done(&request->stream);
    if (request->response != NULL)
        MHD_destroy_response(request->response);
    free(request->mark);
    free(request);
    if (on_gone != NULL)
        on_gone(gone_arg);
}

const char *http_request_method(const struct http_request *request)
{
    return request->method;
}

const char *http_request_path(const struct http_request *request)
{
    return request->path;
}

const struct sockaddr *http_request_peer(const struct http_request *request)
{
    const union MHD_ConnectionInfo *info = MHD_get_connection_info(request->mhd, MHD_CONNECTION_INFO_CLIENT_ADDRESS);

    return info == NULL ? NULL : info->client_addr;
}

struct slice http_request_body(const struct http_request *request)
{
    return (struct slice){.at = buf_text(&request->body), .len = request->body.len};
}

struct slice http_request_part(const struct http_request *request, size_t n)
{
    return n < HTTP_MAX_PARTS ? request->match.parts[n] : (struct slice){0};
}

const char *http_request_header(const struct http_request *request, const char *name)
{
    return MHD_lookup_connection_value(request->mhd, MHD_HEADER_KIND, name);
}

struct header_list {
    struct buf *to;
    const char *name;
    int r;
};

static enum MHD_Result join_header(void *arg, enum MHD_ValueKind kind, const char *name, const char *value)
{
    struct header_list *list = arg;

    (void)kind;
    if (list->r < 0 || value == NULL || strcasecmp(name, list->name) != 0)
        return MHD_YES;
    if (list->to->len > 0)
        list->r = buf_add(list->to, ",", 1);
    if (list->r == 0)
        list->r = buf_add_str(list->to, value);
    return MHD_YES;
}

int http_request_header_list(struct buf *to, const struct http_request *request, const char *name)
{
    struct header_list list = {.to = to, .name = name};

    (void)MHD_get_connection_values(request->mhd, MHD_HEADER_KIND, join_header, &list);
    return list.r;
}

void http_request_set_header(struct http_request *request, const char *name, const char *value)
{
    for (size_t i = 0; i < HTTP_EXTRA_HEADERS; i++) {
        if (request->extra[i].name != NULL && strcmp(request->extra[i].name, name) != 0)
            continue;
        request->extra[i].name = name;
        (void)snprintf(request->extra[i].value, sizeof request->extra[i].value, "%s", value);
        return;
    }
}

void http_request_set_mark(struct http_request *request, void *mark)
{
    free(request->mark);
    request->mark = mark;
}

void *http_request_mark(const struct http_request *request)
{
    return request->mark;
}

struct slice http_request_query(const struct http_request *request, const char *name)
{
    struct slice value = {0};

    if (MHD_lookup_connection_value_n(request->mhd, MHD_GET_ARGUMENT_KIND, name, strlen(name),
                                      &value.at, &value.len) == MHD_YES &&
        value.at == NULL)
        value = slice_from(""); /* "?name" without "=" */
    return value;
}
