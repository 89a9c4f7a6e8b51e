/*
 * POST /execute {code} -> {output, time, memory, exit_code}: Python, both streams on one terminal.
 * POST /submit does the same, stores a program that succeeded before it answers, and adds submission_id
 * (-1 where it was not stored).
 *
 * exit_code is the program's own; 128 + n where signal n ended it, as a shell says it; 124 where it ran out of
 * time, as timeout(1) says it; 137 (killed) for any other limit.
 */
#include "api/compat/compat.h"
#include "api/v1/run_json.h"
#include "base/instant.h"
#include "base/log.h"
#include "store/submissions.h"

enum {
    EXIT_TIMED_OUT = 124,
    EXIT_KILLED = 137,
    EXIT_SIGNAL_BASE = 128,
    NOT_STORED = -1,
    NO_ID = 0
};

static int exit_code_of(const struct result *result)
{
    const struct stage_result *stage = compat_last_stage(result);

    if (result->status == STATUS_WALL_TIME_LIMIT || result->status == STATUS_CPU_TIME_LIMIT)
        return EXIT_TIMED_OUT;
    if (result->status == STATUS_SIGNALED)
        return EXIT_SIGNAL_BASE + stage->signal;
    return stage->exit_code >= 0 ? stage->exit_code : EXIT_KILLED;
}

static void answer_with(struct http_request *request, const struct result *result,
                        struct slice output, int64_t id)
{
    const struct stage_result *stage = compat_last_stage(result);
    CLEANUP(buf_done) struct buf body;
    struct json_out out;

    buf_init(&body, COMPAT_ANSWER_BYTES_MAX);
    out = json_out_to(&body);
    json_out_open(&out, '{');
    if (id != NO_ID) {
        json_out_key(&out, "submission_id");
        json_out_int(&out, id);
    }
    json_out_key_text(&out, "output", output);
    json_out_key(&out, "time");
    json_out_micros(&out, stage->wall_us);
    json_out_key_uint(&out, "memory", stage->memory_bytes);
    json_out_key(&out, "exit_code");
    json_out_int(&out, exit_code_of(result));
    json_out_close(&out, '}');
    call_answer_json(request, 200, &body, json_out_end(&out));
}

/* `detail`, as the old service sent its errors. */
static void refuse(struct http_request *request, const struct fault *fault)
{
    CLEANUP(buf_done) struct buf body;
    struct json_out out;

    buf_init(&body, COMPAT_ANSWER_BYTES_MAX);
    out = json_out_to(&body);
    json_out_open(&out, '{');
    json_out_key_str(&out, "detail", fault->detail);
    json_out_close(&out, '}');
    call_answer_json(request, fault->status, &body, json_out_end(&out));
}

static void answer_execute(struct call *call, const struct result *result)
{
    CLEANUP(buf_done) struct buf text;
    int r;

    buf_init(&text, COMPAT_ANSWER_BYTES_MAX);
    r = compat_terminal_text(&text, result);
    if (r < 0)
        call_answer_json(call->request, 200, &text, r);
    else
        answer_with(call->request, result, buf_slice(&text), NO_ID);
}

/* A submission on its way to the disk. */
struct pending {
    struct call *call;            /* owned */
    struct result result;         /* owned: status and figures of the run stage only */
    struct buf output;            /* what the answer shows */
    struct buf request, stages;   /* what is stored */
    struct submission_row row;
};

static void pending_free(struct pending *pending)
{
    if (pending == NULL)
        return;
    call_free(pending->call);
    buf_done(&pending->output);
    buf_done(&pending->request);
    buf_done(&pending->stages);
    free(pending);
}
DEFINE_FREEP(struct pending, pending)

static void on_stored(void *arg, int r, const struct submission_row *rows, size_t n, const struct err *err)
{
    CLEANUP(pending_freep) struct pending *pending = arg;
    struct fault fault;

    (void)n;
    if (err != NULL)
        log_error("a submission was not stored: %s", err->msg);
    if (pending->call->request == NULL)
        return; /* its client has left */
    if (r == 0) {
        answer_with(pending->call->request, &pending->result, buf_slice(&pending->output), rows[0].number);
        return;
    }
    (void)fault_set(&fault, 500, NULL, "the program ran, but could not be stored: %s", err->msg);
    refuse(pending->call->request, &fault);
}

/* As if it had come by POST /v1/submissions. */
static int write_request(struct pending *pending, const struct call *call)
{
    struct json_out out = json_out_to(&pending->request);

    json_out_open(&out, '{');
    json_out_key_str(&out, "language", call->language->id);
    json_out_key_text(&out, "code", (struct slice){call->code, call->code_len});
    json_out_close(&out, '}');
    return json_out_end(&out);
}

static void fill_row(struct pending *pending, const struct call *call, const struct result *result)
{
    const struct caller *caller = caller_of(call->request);
    struct submission_row *row = &pending->row;

    *row = (struct submission_row){.attempts = 1,
                                   .finished_us = instant_now_us(),
                                   .request = buf_slice(&pending->request),
                                   .stages = buf_slice(&pending->stages)};
    row->created_us = row->started_us = row->finished_us - (int64_t)result->stages[STAGE_RUN].wall_us;
    uuid_make_at(row->id, row->created_us);
    (void)snprintf(row->caller, sizeof row->caller, "%s", caller->id);
    (void)snprintf(row->owner, sizeof row->owner, "%s", caller->has_key ? caller->id : "");
    (void)snprintf(row->language, sizeof row->language, "%s", call->language->id);
    (void)snprintf(row->version, sizeof row->version, "%s", call->language->version);
    (void)snprintf(row->status, sizeof row->status, "%s", status_names[result->status]);
}

static struct pending *pending_new(struct call *call, const struct result *result)
{
    const struct stage_result *run = &result->stages[STAGE_RUN];
    struct pending *pending = calloc(1, sizeof *pending);

    if (pending == NULL)
        return NULL;
    buf_init(&pending->output, COMPAT_ANSWER_BYTES_MAX);
    buf_init(&pending->request, COMPAT_ANSWER_BYTES_MAX);
    buf_init(&pending->stages, COMPAT_ANSWER_BYTES_MAX);
    pending->result = (struct result){.status = result->status};
    pending->result.stages[STAGE_RUN] = (struct stage_result){.ran = true,
                                                              .exit_code = run->exit_code,
                                                              .wall_us = run->wall_us,
                                                              .memory_bytes = run->memory_bytes};
    if (compat_terminal_text(&pending->output, result) < 0 || write_request(pending, call) < 0 ||
        v1_run_write_stages(&pending->stages, result, false) < 0) {
        pending_free(pending);
        return NULL;
    }
    fill_row(pending, call, result);
    pending->call = call;
    return pending;
}

static void store(struct call *call, const struct result *result)
{
    struct pending *pending = pending_new(call, result);
    struct err err = {.msg = "out of memory"};
    struct fault fault;
    int r = -1;

    if (pending != NULL) {
        call->held = true; /* the pending one has it now */
        r = store_submissions_add(call->api->store, &pending->row, 1, NULL, on_stored, pending, &err);
        if (r == 0)
            return;
        call->held = false;
        pending->call = NULL;
        pending_free(pending);
    }
    if (r == STORE_E_FULL)
        (void)fault_set(&fault, 503, NULL,
                        "too many submissions wait to be stored; try again in a moment");
    else
        (void)fault_set(&fault, 500, NULL, "the program ran, but could not be stored: %s", err.msg);
    refuse(call->request, &fault);
}

static void answer_submit(struct call *call, const struct result *result)
{
    CLEANUP(buf_done) struct buf text;
    int r;

    if (result->status == STATUS_OK) {
        store(call, result);
        return;
    }
    buf_init(&text, COMPAT_ANSWER_BYTES_MAX);
    r = compat_terminal_text(&text, result);
    if (r < 0)
        call_answer_json(call->request, 200, &text, r);
    else
        answer_with(call->request, result, buf_slice(&text), NOT_STORED);
}

static void start(struct http_request *request, struct api *api, const struct call_door *door,
                  struct call_options options)
{
    CLEANUP(compat_run_done) struct compat_run run;
    struct fault fault = {0};
    struct job *job = NULL;

    if (compat_read(&run, request, NULL, NULL, &fault) == 0) {
        if (run.code.at == NULL)
            (void)fault_set(&fault, 400, "code", "code is missing");
        else
            job = compat_job(&run, "python", COMPAT_TIME_MS, &fault);
    }
    if (job == NULL) {
        door->refuse(request, &fault);
        return;
    }
    job->merged = true;
    call_start(api, request, job, door, options);
}

void compat_execute(struct http_request *request, void *arg)
{
    static const struct call_door door = {answer_execute, refuse};

    start(request, arg, &door, (struct call_options){0});
}

void compat_submit(struct http_request *request, void *arg)
{
    static const struct call_door door = {answer_submit, refuse};

    start(request, arg, &door, (struct call_options){.keep_code = true});
}
