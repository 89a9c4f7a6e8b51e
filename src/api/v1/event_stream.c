#include "api/v1/event_stream.h"

struct event_frame event_frame_of(bool sse, const char *id, const char *type)
{
    struct event_frame frame = {.tail = sse ? "\n\n" : "\n"};

    if (sse)
        (void)snprintf(frame.head, sizeof frame.head, "event: %s\n%s%.63s%sdata: ", type, id == NULL ? "" : "id: ",
                       id == NULL ? "" : id, id == NULL ? "" : "\n");
    return frame;
}

int event_stream_begin(struct http_request *request, bool sse)
{
    /* The second is for nginx, which would gather what comes until it has some KiB. */
    static const struct http_header headers[] = {
        {"Cache-Control", "no-cache"}, {"X-Accel-Buffering", "no"}, {NULL, NULL}};
    int r = http_stream_begin(request, 200, sse ? EVENT_STREAM_SSE_TYPE : EVENT_STREAM_NDJSON_TYPE, headers);

    if (r == 0 && sse)
        http_stream_keep_alive(request, ": keep-alive\n\n");
    return r;
}

int event_stream_write(struct http_request *request, const struct event_frame *frame, struct slice json)
{
    int r = http_stream_write(request, slice_from(frame->head));

    if (r == 0)
        r = http_stream_write(request, json);
    if (r == 0)
        r = http_stream_write(request, slice_from(frame->tail));
    return r;
}
