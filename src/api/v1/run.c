/* POST /v1/run */
#include "api/call.h"
#include "api/v1/event_stream.h"
#include "api/v1/run_form.h"
#include "api/v1/run_stream.h"
#include "api/v1/v1.h"

/* Larger than any answer: both streams of both stages, each byte as six ("\u0001"). */
enum { ANSWER_BYTES_MAX = 1 << 30 };

/* A program's failure is a result; ours is an HTTP error, with the same body, so that what was printed is not lost. */
static unsigned http_status(enum status status)
{
    return status == STATUS_INTERNAL_ERROR ? 500 : status == STATUS_CANCELLED ? 503 : 200;
}

static void answer(struct call *call, const struct result *result)
{
    CLEANUP(buf_done) struct buf body;
    int r;

    buf_init(&body, ANSWER_BYTES_MAX);
    r = v1_run_write(&body, NULL, call->id, call->language, result, call->base64);
    call_answer_json(call->request, http_status(result->status), &body, r);
}

/* How the client wants to hear of it; NULL: in no way that there is. */
static const struct call_door *pick_door(const struct http_request *request)
{
    static const struct call_door at_once = {answer, call_refuse_with_problem, .answers_failures = true};
    static const char *const types[] = {HTTP_JSON_TYPE, EVENT_STREAM_SSE_TYPE, EVENT_STREAM_NDJSON_TYPE, NULL};
    const char *best = http_request_best_type(request, types);

    return best == NULL ? NULL : best == types[0] ? &at_once : best == types[1] ? &run_stream_sse : &run_stream_ndjson;
}

/* Forms are what pages can post to any origin without being asked whether they may: not to here. */
static int read_request(struct v1_run *ret, const struct http_request *request, struct fault *fault)
{
    const char *type = http_request_header(request, "Content-Type");

    if (v1_run_is_form(request) && !http_request_origin_allowed(request))
        return fault_set(fault, 403, NULL,
                         "pages of other origins may post forms to here where `allow_origins` names them");
    if (v1_run_is_form(request))
        return v1_run_read_form(ret, request, fault);
    if (!call_is_json(request))
        return fault_set(fault, 415, NULL,
                         "the Content-Type is %.100s, it must be application/json or multipart/form-data", type);
    return v1_run_parse(ret, http_request_body(request), fault);
}

void v1_run(struct http_request *request, void *arg)
{
    const struct call_door *door = pick_door(request);
    struct fault fault = {0};
    struct v1_run run;

    if (door == NULL) {
        http_answer_problem(request, 406, NULL,
                            "there are " HTTP_JSON_TYPE ", " EVENT_STREAM_SSE_TYPE " and " EVENT_STREAM_NDJSON_TYPE
                            ", and Accept takes none of them");
        return;
    }
    if (read_request(&run, request, &fault) < 0) {
        call_refuse_with_problem(request, &fault);
        return;
    }
    call_start(arg, request, run.job, door, (struct call_options){.base64 = run.base64});
}
