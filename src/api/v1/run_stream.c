/*
 * A run, told of as it goes on. What the client does not take waits here, but not much of it: beyond
 * WAITING_BYTES_MAX the run's output is paused until all of it has been taken, so that the program waits for its
 * reader.
 *
 * The stream ends with the result. One that can't be written (no memory) is broken off, so that it does not look whole.
 */
#include "api/v1/run_stream.h"

#include "api/v1/event_stream.h"
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

static int emit(void *arg, const char *type, struct slice json)
{
    const struct run_stream *stream = arg;
    const struct event_frame frame = event_frame_of(is_sse(stream->call), NULL, type);

    return event_stream_write(stream->call->request, &frame, json);
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
    const struct event_frame frame = event_frame_of(is_sse(call), NULL, "result");
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
    struct run_stream *stream = calloc(1, sizeof *stream);
    int r;

    if (stream == NULL)
        return -1;
    stream->call = call;
    events_init(&stream->events, emit, stream, call->base64);
    call->own = stream;
    r = event_stream_begin(call->request, is_sse(call));
    if (r < 0)
        return r;
    http_stream_on_room(call->request, on_room, stream);
    return 0;
}

#define DOOR                                                                                                           \
    {                                                                                                                  \
        .answer = answer, .refuse = call_refuse_with_problem, .answers_failures = true, .begin = begin,                \
        .on_stage = on_stage, .on_output = on_output, .free_own = free_own,                                            \
    }
const struct call_door run_stream_sse = DOOR;
const struct call_door run_stream_ndjson = DOOR;
