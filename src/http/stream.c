/*
 * Streams. libmicrohttpd asks for the next piece whenever the socket has taken the one before; when there is none the
 * connection is suspended, and the next write resumes it. So a stream that is suspended has nothing on its way, and
 * one that is not has a client that is to take something: deadlines look at that (conn.c).
 */
#include <errno.h>

#include "http/internal.h"
#include "http/tcp.h"

enum {
    PIECE_BYTES = 16384, /* for clients of HTTP/1.0; others get what libmicrohttpd has room for */
    /* By default the kernel takes some MiB for a client that reads nothing: then who writes would never be stopped. */
    UNSENT_MAX_BYTES = 65536,
    COMPACT_BYTES = 65536,
};

void stream_done(struct stream *stream)
{
    buf_done(&stream->text);
    buf_done(&stream->last);
}

/* Memory of what was taken is given back in time, without moving the rest for each piece. */
static void forget_taken(struct stream *stream)
{
    struct buf *text = &stream->text;

    if (stream->taken == text->len) {
        if (text->size > COMPACT_BYTES)
            buf_done(text);
        else
            buf_clear(text);
        stream->taken = 0;
    } else if (stream->taken > COMPACT_BYTES && stream->taken > text->len / 2) {
        text->len -= stream->taken;
        memmove(text->at, text->at + stream->taken, text->len + 1); /* with the NUL */
        stream->taken = 0;
    }
}

static size_t take(struct stream *stream, char *to, size_t max)
{
    size_t n = stream->text.len - stream->taken;

    if (n == 0 && stream->last.len > 0) {
        buf_done(&stream->text);
        stream->text = stream->last;
        stream->last = (struct buf){.max = stream->last.max};
        n = stream->text.len;
    }
    if (n > max)
        n = max;
    if (n == 0)
        return 0;
    memcpy(to, stream->text.at + stream->taken, n);
    stream->taken += n;
    forget_taken(stream);
    return n;
}

size_t http_stream_waiting(const struct http_request *request)
{
    const struct stream *stream = &request->stream;

    return stream->text.len - stream->taken + stream->last.len;
}

/* libmicrohttpd wants the next piece. */
static ssize_t on_piece(void *arg, uint64_t at, char *to, size_t max)
{
    struct http_request *request = arg;
    struct stream *stream = &request->stream;
    size_t n;

    (void)at;
    if (request->state == REQUEST_GONE)
        return MHD_CONTENT_READER_END_WITH_ERROR;
    n = take(stream, to, max);
    if (n == 0 && request->state == REQUEST_ANSWERED)
        return MHD_CONTENT_READER_END_OF_STREAM;
    if (n == 0) {
        request_suspend(request);
        return 0;
    }
    request->answer_bytes += n;
    if (request->state == REQUEST_STREAMING) {
        conn_note_taken(request->conn);
        if (http_stream_waiting(request) == 0 && stream->on_room != NULL)
            stream->on_room(stream->room_arg);
    }
    return (ssize_t)n;
}

int http_stream_begin(struct http_request *request, unsigned status, const char *type,
                      const struct http_header *headers)
{
    struct MHD_Response *response;

    if (request->state != REQUEST_HANDLED)
        return -EINVAL;
    response =
        MHD_create_response_from_callback(MHD_SIZE_UNKNOWN, PIECE_BYTES, on_piece, request, NULL);
    if (response == NULL)
        return -ENOMEM;
    if (request_add_headers(request, response, type, headers) < 0) {
        MHD_destroy_response(response);
        return -ENOMEM;
    }
    buf_init(&request->stream.text, HTTP_STREAM_MAX_BYTES);
    buf_init(&request->stream.last, HTTP_STREAM_MAX_BYTES);
    tcp_set_unsent_max(request->conn->fd, UNSENT_MAX_BYTES);
    request_set_response(request, REQUEST_STREAMING, status, response);
    return 0;
}

void http_stream_on_room(struct http_request *request, void (*on_room)(void *arg), void *arg)
{
    request->stream.on_room = on_room;
    request->stream.room_arg = arg;
}

void http_stream_keep_alive(struct http_request *request, const char *text)
{
    request->stream.keep_alive = text;
}

int http_stream_write(struct http_request *request, struct slice bytes)
{
    int r;

    if (request->state != REQUEST_STREAMING)
        return 0; /* gone: nobody is there to read it */
    r = buf_add(&request->stream.text, bytes.at, bytes.len);
    if (r < 0 || bytes.len == 0)
        return r;
    conn_bound_answers(request->conn);
    request_resume(request);
    return 0;
}

void stream_say_alive(struct http_request *request)
{
    const char *text = request->stream.keep_alive;

    if (text == NULL || http_stream_write(request, slice_from(text)) < 0)
        conn_note_taken(request->conn); /* not again before the time has passed once more */
}

void http_stream_end(struct http_request *request, struct buf *last)
{
    struct stream *stream = &request->stream;

    if (request->state == REQUEST_STREAMING) {
        if (last != NULL) {
            stream->last = *last;
            *last = (struct buf){.max = last->max};
        }
        request->state = REQUEST_ANSWERED;
        conn_bound_answers(request->conn);
        /* Otherwise libmicrohttpd has yet to hear of the answer. */
        if (request->conn->phase == CONN_STREAMING)
            conn_enter(request->conn, CONN_ANSWERING, http_stream_waiting(request));
        request_resume(request);
    }
    if (last != NULL)
        buf_done(last);
}

void http_stream_break(struct http_request *request)
{
    request->on_gone = NULL;
    request_lose(request);
}
