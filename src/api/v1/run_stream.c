/*
 * A run, told of as it goes on. What the client does not take waits here, but not much of it: beyond
 * WAITING_BYTES_MAX the run's output is paused until all of it has been taken, so that the program waits for its
 * reader.
 *
 * The stream ends with the result. One that can't be written (no memory) is broken off, so that it does not look whole.
 */
#include "api/v1/run_stream.h"

#include "api/v1/events.h"
#include "api/v1/run_json.h"

enum {
    WAITING_BYTES_MAX = 65536,
    RESULT_BYTES_MAX = 1 << 30, /* see ANSWER_BYTES_MAX in run.c */
};

struct run_stream {
    struct call *call; /* borrowed */
    struct events events;
    bool paused;
};

static bool is_sse(const struct call *call)
{
    return call->door == &run_stream_sse;
}

/* What comes before an event's JSON, and behind it. */
struct frame {
    char head[64];
    const char *tail;
};

static struct frame frame_of(const struct call *call, const char *type)
{
    struct frame frame = {.tail = is_sse(call) ? "\n\n" : "\n"};

    if (is_sse(call))
        (void)snprintf(frame.head, sizeof frame.head, "event: %s\ndata: ", type);
    return frame;
}

static int emit(void *arg, const char *type, struct slice json)
{
    const struct run_stream *stream = arg;
    struct http_request *request = stream->call->request;
    const struct frame frame = frame_of(stream->call, type);
    int r = http_stream_write(request, slice_from(frame.head));

    if (r == 0)
        r = http_stream_write(request, json);
    if (r == 0)
        r = http_stream_write(request, slice_from(frame.tail));
    return r; /* < 0: the stream is broken off, so that half an event does not matter */
}

static void check(struct call *call, int r)
{
    if (r == 0)
        return;
    http_stream_break(call->request);
    call_give_up(call);
}

static void on_stage(struct call *call, enum stage stage)
{
    struct run_stream *stream = call->own;

    check(call, events_on_stage(&stream->events, stage));
}

static void on_output(struct call *call, enum stage stage, int index, struct slice bytes)
{
    struct run_stream *stream = call->own;
    int r = events_on_output(&stream->events, stage, index, bytes.at, bytes.len);

    if (r == 0 && !stream->paused && http_stream_waiting(call->request) > WAITING_BYTES_MAX) {
        stream->paused = true;
        run_pause_output(call->run, true);
    }
    check(call, r);
}

static void on_room(void *arg)
{
    struct run_stream *stream = arg;

    if (!stream->paused)
        return;
    stream->paused = false;
    run_pause_output(stream->call->run, false);
}

static void answer(struct call *call, const struct result *result)
{
    struct run_stream *stream = call->own;
    const struct frame frame = frame_of(call, "result");
    CLEANUP(buf_done) struct buf last;
    int r = events_end(&stream->events);

    buf_init(&last, RESULT_BYTES_MAX);
    if (r == 0)
        r = buf_add_str(&last, frame.head);
    if (r == 0)
        r = v1_run_write(&last, "result", call->id, call->language, result, call->base64);
    if (r == 0)
        r = buf_add_str(&last, frame.tail);
    if (r == 0)
        http_stream_end(call->request, &last);
    else
        http_stream_break(call->request);
    call->request = NULL;
}

static void free_own(void *own)
{
    struct run_stream *stream = own;

    events_done(&stream->events);
    free(stream);
}

static int begin(struct call *call)
{
    /* The second is for nginx, which would gather what comes until it has some KiB. */
    static const struct http_header headers[] = {
        {"Cache-Control", "no-cache"}, {"X-Accel-Buffering", "no"}, {NULL, NULL}};
    struct run_stream *stream = calloc(1, sizeof *stream);
    int r;

    if (stream == NULL)
        return -1;
    stream->call = call;
    events_init(&stream->events, emit, stream, call->base64);
    call->own = stream;
    r = http_stream_begin(call->request, 200, is_sse(call) ? RUN_STREAM_SSE_TYPE : RUN_STREAM_NDJSON_TYPE, headers);
    if (r < 0)
        return r;
    http_stream_on_room(call->request, on_room, stream);
    if (is_sse(call))
        http_stream_keep_alive(call->request, ": keep-alive\n\n");
    return 0;
}

#define DOOR                                                                                                           \
    {                                                                                                                  \
        .answer = answer, .refuse = call_refuse_with_problem, .answers_failures = true, .begin = begin,                \
        .on_stage = on_stage, .on_output = on_output, .free_own = free_own,                                            \
    }
const struct call_door run_stream_sse = DOOR;
const struct call_door run_stream_ndjson = DOOR;
