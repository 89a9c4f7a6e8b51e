/*
 * POST /run, GET /run {lang, code, params?} -> {status, output}; GET /languages -> list of names.
 *
 * params are the program's arguments: an array of strings, or one string. GET takes the same fields
 * as a JSON body or as query parameters. status is one of our own (ok, runtime_error, ...), or
 * "error" where nothing ran.
 */
#include "api/compat/compat.h"

/* Where the old service's name is not our id. */
static const struct {
    const char *id, *name;
} names[] = {{"python", "python3"}, {"javascript", "nodejs"}};

static const char *name_of(const struct language *language)
{
    for (size_t i = 0; i < COUNT_OF(names); i++)
        if (strcmp(names[i].id, language->id) == 0)
            return names[i].name;
    return language->id;
}

static void answer_with(struct http_request *request, unsigned http_status, const char *status,
                        struct slice output)
{
    CLEANUP(buf_done) struct buf body;
    struct json_out out;

    buf_init(&body, COMPAT_ANSWER_BYTES_MAX);
    out = json_out_to(&body);
    json_out_open(&out, '{');
    json_out_key_str(&out, "status", status);
    json_out_key_text(&out, "output", output);
    json_out_close(&out, '}');
    call_answer_json(request, http_status, &body, json_out_end(&out));
}

static void refuse(struct http_request *request, const struct fault *fault)
{
    answer_with(request, fault->status, "error", slice_from(fault->detail));
}

static void answer(struct call *call, const struct result *result)
{
    CLEANUP(buf_done) struct buf text;
    int r;

    buf_init(&text, COMPAT_ANSWER_BYTES_MAX);
    r = compat_terminal_text(&text, result);
    if (r < 0)
        call_answer_json(call->request, 200, &text, r);
    else
        answer_with(call->request, 200, status_names[result->status], buf_slice(&text));
}

static int add_param(struct job *job, struct slice param, struct fault *fault)
{
    struct err err = {0};

    if (job_add_arg(job, param, &err) < 0)
        return fault_set(fault, 400, "params", "params: %s", err.msg);
    return 0;
}

static int add_params(struct job *job, const json_t *params, struct fault *fault)
{
    if (params == NULL || json_is_null(params))
        return 0;
    if (json_is_string(params))
        return add_param(job, json_in_slice(params), fault);
    if (!json_is_array(params))
        return fault_set(fault, 400, "params",
                         "params must be an array of strings, or a string, not %s",
                         json_in_type_name(params));
    for (size_t i = 0; i < json_array_size(params); i++) {
        const json_t *param = json_array_get(params, i);

        if (!json_is_string(param))
            return fault_set(fault, 400, "params", "params[%zu] must be a string, not %s", i,
                             json_in_type_name(param));
        if (add_param(job, json_in_slice(param), fault) < 0)
            return -1;
    }
    return 0;
}

static int check(const struct compat_run *run, struct fault *fault)
{
    if (run->language.len == 0)
        return fault_set(fault, 400, "lang", "lang is missing; GET /languages lists what there is");
    if (strlen(run->language.at) != run->language.len)
        return fault_set(fault, 400, "lang", "lang holds a NUL character");
    if (run->code.len == 0)
        return fault_set(fault, 400, "code", "code is missing");
    return 0;
}

static void start(struct http_request *request, struct api *api, const struct compat_run *run,
                  struct slice param)
{
    static const struct call_door door = {answer, refuse};
    CLEANUP(job_freep) struct job *job = NULL;
    struct fault fault = {0};

    if (check(run, &fault) == 0)
        job = compat_job(run, run->language.at, COMPAT_TIME_MS, &fault);
    if (job == NULL ||
        (run->root != NULL && add_params(job, json_object_get(run->root, "params"), &fault) < 0) ||
        (param.at != NULL && add_param(job, param, &fault) < 0)) {
        refuse(request, &fault);
        return;
    }
    job->merged = true;
    call_start(api, request, TAKE_PTR(job), &door, (struct call_options){0});
}

void compat_run_post(struct http_request *request, void *arg)
{
    CLEANUP(compat_run_done) struct compat_run run;
    struct fault fault = {0};

    if (compat_read(&run, request, "lang", NULL, &fault) < 0)
        refuse(request, &fault);
    else
        start(request, arg, &run, (struct slice){0});
}

void compat_run_get(struct http_request *request, void *arg)
{
    struct compat_run run = {0};

    if (http_request_body(request).len > 0) {
        compat_run_post(request, arg);
        return;
    }
    run.language = http_request_query(request, "lang");
    run.code = http_request_query(request, "code");
    start(request, arg, &run, http_request_query(request, "params"));
}

void compat_language_names(struct http_request *request, void *arg)
{
    const struct api *api = arg;
    CLEANUP(buf_done) struct buf body;
    struct json_out out;

    if (!api->probed) {
        http_answer_problem(request, 503, NULL, "%s", api_not_ready(api));
        return;
    }
    buf_init(&body, COMPAT_ANSWER_BYTES_MAX);
    out = json_out_to(&body);
    json_out_open(&out, '[');
    for (size_t i = 0; i < api->languages.n; i++)
        if (api->languages.at[i].available)
            json_out_str(&out, name_of(&api->languages.at[i]));
    json_out_close(&out, ']');
    call_answer_json(request, 200, &body, json_out_end(&out));
}
