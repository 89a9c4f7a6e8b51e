/* event_stream: how events (events.h) are written into an answer: as server-sent events, or as lines of NDJSON. */
#pragma once

#include "http/http.h"

#define EVENT_STREAM_SSE_TYPE    "text/event-stream"    /* WHATWG HTML, 9.2: server-sent events */
#define EVENT_STREAM_NDJSON_TYPE "application/x-ndjson" /* a JSON object a line */

/* What comes before an event's JSON, and behind it. */
struct event_frame {
    char head[128];
    const char *tail;
};
/* id: what a client that comes back has as Last-Event-ID, up to 63 bytes; NULL: none. NDJSON has no place for it. */
struct event_frame event_frame_of(bool sse, const char *id, const char *type);

/* As http_stream_begin(), with what such streams have in common. */
MUST_CHECK int event_stream_begin(struct http_request *request, bool sse);
/* 0; or < 0: break the stream off, there may be half an event in it. */
MUST_CHECK int event_stream_write(struct http_request *request, const struct event_frame *frame, struct slice json);
