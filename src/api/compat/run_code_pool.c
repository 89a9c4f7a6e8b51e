/* POST /run-code-pool {language, code, input?} -> {output, error, language, info} */
#include "api/compat/compat.h"

static void write_answer(struct json_out *out, struct slice output, struct slice error,
                         const char *language, const char *info)
{
    json_out_key_text(out, "output", output);
    json_out_key_text(out, "error", error);
    json_out_key_str(out, "language", language);
    json_out_key_str(out, "info", info);
}

/* The usual shape, with the `detail` that the old service sent with its errors. */
static void refuse(struct http_request *request, const struct fault *fault)
{
    CLEANUP(buf_done) struct buf body;
    struct json_out out;

    buf_init(&body, COMPAT_ANSWER_BYTES_MAX);
    out = json_out_to(&body);
    json_out_open(&out, '{');
    write_answer(&out, slice_from(""), slice_from(fault->detail), NULL, "");
    json_out_key_str(&out, "detail", fault->detail);
    json_out_close(&out, '}');
    call_answer_json(request, fault->status, &body, json_out_end(&out));
}

static void answer(struct call *call, const struct result *result)
{
    const char *info = call->language->version_text;
    CLEANUP(buf_done) struct buf body, error;
    struct json_out out;
    int r;

    buf_init(&body, COMPAT_ANSWER_BYTES_MAX);
    buf_init(&error, COMPAT_ANSWER_BYTES_MAX);
    r = compat_error_text(&error, result);
    out = json_out_to(&body);
    json_out_open(&out, '{');
    write_answer(&out, buf_slice(&result->stages[STAGE_RUN].out[0]), buf_slice(&error), call->asked,
                 info == NULL ? "" : info);
    json_out_close(&out, '}');
    call_answer_json(call->request, 200, &body, r < 0 ? r : json_out_end(&out));
}

void compat_run_code_pool(struct http_request *request, void *arg)
{
    static const struct call_door door = {answer, refuse};

    compat_run_code(request, arg, &door);
}
