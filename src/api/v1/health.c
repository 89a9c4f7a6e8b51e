/* GET /healthz: the process answers. GET /readyz: it would run a program, too. */
#include "api/call.h"
#include "api/submissions/submissions.h"
#include "api/v1/v1.h"
#include "base/json_out.h"

enum { HEALTH_BYTES_MAX = 4096 };

void v1_health(struct http_request *request, void *arg)
{
    CLEANUP(buf_done) struct buf body;
    struct json_out out;

    (void)arg;
    buf_init(&body, HEALTH_BYTES_MAX);
    out = json_out_to(&body);
    json_out_open(&out, '{');
    json_out_key_str(&out, "status", "ok");
    json_out_key_str(&out, "version", GLIMPSE_VERSION);
    json_out_close(&out, '}');
    call_answer_json(request, 200, &body, json_out_end(&out));
}

void v1_ready(struct http_request *request, void *arg)
{
    static const struct http_header later[] = {{"Retry-After", "1"}, {NULL, NULL}};
    const struct api *api = arg;
    const bool loaded = submissions_loaded(api->submissions);
    const char *not_ready = api_not_ready(api);
    bool connected = engine_connected(api->engine);
    CLEANUP(buf_done) struct buf body;
    struct json_out out;

    buf_init(&body, HEALTH_BYTES_MAX);
    out = json_out_to(&body);
    json_out_open(&out, '{');
    json_out_key_str(&out, "status", not_ready == NULL && connected && loaded ? "ready" : "not ready");
    json_out_key(&out, "reasons");
    json_out_open(&out, '[');
    if (not_ready != NULL)
        json_out_str(&out, not_ready);
    if (!loaded)
        json_out_str(&out, "the submissions of before are not read yet");
    if (!connected)
        json_out_str(&out, "glimpse-boxd, which makes the sandboxes, does not answer");
    json_out_close(&out, ']');
    json_out_close(&out, '}');
    if (not_ready == NULL && connected && loaded)
        call_answer_json(request, 200, &body, json_out_end(&out));
    else
        http_answer(request, 503, HTTP_JSON_TYPE, &body, later);
}
