#include "api/call.h"

#include <errno.h>

#include "base/log.h"

void call_free(struct call *call)
{
    if (call == NULL)
        return;
    free(call->asked);
    free(call->code);
    free(call);
}
DEFINE_FREEP(struct call, call)

void call_refuse_with_problem(struct http_request *request, const struct fault *fault)
{
    http_answer_problem(request, fault->status, fault->field[0] != '\0' ? fault->field : NULL, "%s",
                        fault->detail);
}

void call_answer_json(struct http_request *request, unsigned status, struct buf *body, int r)
{
    if (r < 0)
        http_answer_problem(request, 500, NULL, "the answer could not be written: %s",
                            strerror(-r));
    else
        http_answer(request, status, HTTP_JSON_TYPE, body, NULL);
}

static void refuse(struct call *call, unsigned status, const char *field, const char *detail)
{
    struct http_request *request = TAKE_PTR(call->request);
    struct fault fault;

    (void)fault_set(&fault, status, field, "%s", detail);
    call->door->refuse(request, &fault);
}

static void answer(struct call *call, const struct result *result)
{
    if (call->door->answers_failures)
        call->door->answer(call, result);
    else if (result->status == STATUS_INTERNAL_ERROR)
        refuse(call, 500, NULL,
               result->message[0] != '\0' ? result->message
                                          : "the run failed for a reason of ours");
    else if (result->status == STATUS_CANCELLED)
        refuse(call, 503, NULL, "the server is stopping; try again in a moment");
    else
        call->door->answer(call, result);
}

static void on_result(void *arg, const struct result *result)
{
    struct call *call = arg;

    call->run = NULL;
    if (result->status == STATUS_INTERNAL_ERROR)
        log_warn("run %s of %s: %s", call->id, call->language->id, result->message);
    if (call->request != NULL)
        answer(call, result);
    if (!call->held)
        call_free(call);
}

static void on_gone(void *arg)
{
    struct call *call = arg;

    call->request = NULL;
    if (call->run != NULL)
        run_cancel(call->run);
}

static int keep(struct call *call, const struct job *job, struct call_options options)
{
    call->asked = strdup(job->language);
    if (call->asked == NULL)
        return -ENOMEM;
    if (!options.keep_code)
        return 0;
    call->code = malloc(job->files[0].len + 1);
    if (call->code == NULL)
        return -ENOMEM;
    memcpy(call->code, job->files[0].data, job->files[0].len);
    call->code_len = job->files[0].len;
    return 0;
}

/* 0, or -1 with *fault set. job: taken on success. */
static int start(struct call *call, struct job *job, struct fault *fault)
{
    static const struct run_events events = {.on_result = on_result};
    struct err err = {0};
    int r;

    call->language = languages_find(&call->api->languages, job->language);
    r = engine_start(&call->run, call->api->engine, job, &events, call, &err);
    switch (r) {
    case 0:
        return 0;
    case ENGINE_E_BUSY:
        return fault_set(fault, 503, NULL, "too many runs are waiting; try again in a moment");
    case ENGINE_E_LANGUAGE:
    case ENGINE_E_UNAVAILABLE:
        return fault_set(fault, 422, "language", "%s", err.msg);
    case ENGINE_E_VERSION:
        return fault_set(fault, 422, "version", "%s", err.msg);
    default:
        log_error("a run could not be started: %s", err.msg);
        return fault_set(fault, r == -ENOMEM ? 503 : 500, NULL, "%s", err.msg);
    }
}

void call_start(struct api *api, struct http_request *request, struct job *job,
                const struct call_door *door, struct call_options options)
{
    CLEANUP(job_freep) struct job *owned = job;
    CLEANUP(call_freep) struct call *call = calloc(1, sizeof *call);
    struct fault fault = {0};

    if (call == NULL || keep(call, job, options) < 0) {
        (void)fault_set(&fault, 503, NULL, "the server is out of memory");
        door->refuse(request, &fault);
        return;
    }
    if (api_not_ready(api) != NULL) {
        (void)fault_set(&fault, 503, NULL, "%s", api_not_ready(api));
        door->refuse(request, &fault);
        return;
    }
    call->api = api;
    call->door = door;
    call->request = request;
    call->base64 = options.base64;
    api_make_id(call->id);
    if (start(call, owned, &fault) < 0) {
        door->refuse(request, &fault);
        return;
    }
    (void)TAKE_PTR(owned);
    http_request_on_gone(request, on_gone, call);
    (void)TAKE_PTR(call); /* on_result frees it */
}
