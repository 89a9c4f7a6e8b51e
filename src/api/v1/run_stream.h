/* run_stream: POST /v1/run for who wants to hear of the run as it goes on. */
#pragma once

#include "api/call.h"

extern const struct call_door run_stream_sse, run_stream_ndjson;
