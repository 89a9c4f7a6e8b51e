/* GET /openapi.json: docs/openapi.yaml, as it was when this was built. */
#include "api/call.h"
#include "api/v1/v1.h"

void v1_openapi(struct http_request *request, void *arg)
{
    CLEANUP(buf_done) struct buf body;

    (void)arg;
    buf_init(&body, openapi_json_len);
    call_answer_json(request, 200, &body, buf_add(&body, openapi_json, openapi_json_len));
}
