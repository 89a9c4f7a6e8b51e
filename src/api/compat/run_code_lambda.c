/*
 * POST /run-code-lambda {language, code, input?} -> {statusCode, body: {output, error, executionTime}}
 *
 * executionTime is in milliseconds, as AWS Lambda counts; null where the program did not run to its end.
 */
#include "api/compat/compat.h"

static void write_answer(struct json_out *out, unsigned status, struct slice output,
                         struct slice error, const uint64_t *wall_us)
{
    json_out_open(out, '{');
    json_out_key_uint(out, "statusCode", status);
    json_out_key(out, "body");
    json_out_open(out, '{');
    json_out_key_text(out, "output", output);
    json_out_key(out, "error");
    if (error.len > 0)
        json_out_text(out, error);
    else
        json_out_null(out);
    json_out_key(out, "executionTime");
    if (wall_us != NULL)
        json_out_thousandths(out, *wall_us);
    else
        json_out_null(out);
    json_out_close(out, '}');
    json_out_close(out, '}');
}

static void refuse(struct http_request *request, const struct fault *fault)
{
    CLEANUP(buf_done) struct buf body;
    struct json_out out;

    buf_init(&body, COMPAT_ANSWER_BYTES_MAX);
    out = json_out_to(&body);
    write_answer(&out, fault->status, slice_from(""), slice_from(fault->detail), NULL);
    call_answer_json(request, fault->status, &body, json_out_end(&out));
}

static void answer(struct call *call, const struct result *result)
{
    const struct stage_result *run = &result->stages[STAGE_RUN];
    CLEANUP(buf_done) struct buf body, error;
    struct json_out out;
    int r;

    buf_init(&body, COMPAT_ANSWER_BYTES_MAX);
    buf_init(&error, COMPAT_ANSWER_BYTES_MAX);
    r = compat_error_text(&error, result);
    out = json_out_to(&body);
    write_answer(&out, 200, buf_slice(&run->out[0]), buf_slice(&error),
                 run->ran && run->exit_code >= 0 ? &run->wall_us : NULL);
    call_answer_json(call->request, 200, &body, r < 0 ? r : json_out_end(&out));
}

void compat_run_code_lambda(struct http_request *request, void *arg)
{
    static const struct call_door door = {answer, refuse};

    compat_run_code(request, arg, &door);
}
