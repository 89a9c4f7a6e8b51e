#include "api/call.h"

#include <errno.h>
#include <strings.h>

#include "api/admit.h"
#include "base/log.h"

void call_free(struct call *call)
{
    if (call == NULL)
        return;
    if (call->own != NULL)
        call->door->free_own(call->own);
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

/* "application/json", with or without parameters. */
static bool is_json(const char *type)
{
    size_t len = strcspn(type, "; \t");

    return len == strlen(HTTP_JSON_TYPE) && strncasecmp(type, HTTP_JSON_TYPE, len) == 0;
}

bool call_is_json(const struct http_request *request)
{
    const char *type = http_request_header(request, "Content-Type");

    return type == NULL || is_json(type);
}

bool call_takes_json(struct http_request *request)
{
    const char *type = http_request_header(request, "Content-Type");

    if (call_is_json(request))
        return true;
    http_answer_problem(request, 415, NULL, "the Content-Type is %.100s, it must be application/json", type);
    return false;
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

static void on_stage(void *arg, enum stage stage)
{
    struct call *call = arg;

    if (call->request != NULL && call->door->on_stage != NULL)
        call->door->on_stage(call, stage);
}

static void on_output(void *arg, enum stage stage, int stream, const char *bytes, size_t len)
{
    struct call *call = arg;

    if (call->request != NULL && call->door->on_output != NULL)
        call->door->on_output(call, stage, stream, (struct slice){bytes, len});
}

static void on_result(void *arg, const struct result *result)
{
    struct call *call = arg;

    call->run = NULL;
    if (result->status == STATUS_INTERNAL_ERROR)
        log_fields(LOG_WARN, (const struct log_field[]){{"job", call->id, 0}, {NULL, NULL, 0}},
                   "a run of %s failed: %s", call->language->id, result->message);
    if (call->request != NULL)
        answer(call, result);
    if (!call->held)
        call_free(call);
}

void call_give_up(struct call *call)
{
    call->request = NULL;
    if (call->run != NULL)
        run_cancel(call->run);
}

static void on_gone(void *arg)
{
    call_give_up(arg);
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

void call_start(struct api *api, struct http_request *request, struct job *job,
                const struct call_door *door, struct call_options options)
{
    static const struct run_events events = {.on_stage = on_stage, .on_output = on_output, .on_result = on_result};
    CLEANUP(job_freep) struct job *owned = job;
    CLEANUP(call_freep) struct call *call = calloc(1, sizeof *call);
    struct fault fault = {0};

    if (call == NULL || keep(call, job, options) < 0) {
        (void)fault_set(&fault, 503, NULL, "the server is out of memory");
        door->refuse(request, &fault);
        return;
    }
    call->api = api;
    call->door = door;
    call->request = request;
    call->base64 = options.base64;
    api_make_id(call->id);
    http_request_set_note(request, call->id);
    if (admit(&call->run, api, caller_of(request), owned, &events, call, &fault) < 0) {
        door->refuse(request, &fault);
        return;
    }
    (void)TAKE_PTR(owned);
    call->language = languages_find(&api->languages, call->asked);
    http_request_on_gone(request, on_gone, call);
    if (door->begin != NULL && door->begin(call) < 0) {
        refuse(call, 503, NULL, "the server is out of memory");
        call_give_up(call);
    }
    (void)TAKE_PTR(call); /* on_result frees it */
}
