/* run_stream: POST /v1/run for who wants to hear of the run as it goes on. */
#pragma once

#include "api/call.h"

#define RUN_STREAM_SSE_TYPE    "text/event-stream"    /* WHATWG HTML, 9.2: server-sent events */
#define RUN_STREAM_NDJSON_TYPE "application/x-ndjson" /* a JSON object a line */

extern const struct call_door run_stream_sse, run_stream_ndjson;
