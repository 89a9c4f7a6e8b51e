#include "api/v1/submission_reply.h"

#include <errno.h>
#include <inttypes.h>

#include "api/call.h"
#include "api/v1/submission_json.h"
#include "base/instant.h"
#include "base/log.h"

/* Larger than any answer: see v1/run.c; and as large a request. */
enum { ANSWER_BYTES_MAX = 1 << 30 };

static void reply_free(struct reply *reply)
{
    submission_wait_stop(&reply->wait);
    free(reply->ids);
    free(reply);
}

static void on_gone(void *arg)
{
    struct reply *reply = arg;

    reply->request = NULL;
    if (reply->wait.submission != NULL)
        reply_free(reply); /* nobody else has it; otherwise the store does, and calls back */
}

struct reply *reply_new(struct api *api, struct http_request *request)
{
    struct reply *reply = calloc(1, sizeof *reply);

    if (reply == NULL) {
        http_answer_problem(request, 503, NULL, "the server is out of memory");
        return NULL;
    }
    reply->api = api;
    reply->request = request;
    (void)snprintf(reply->owner, sizeof reply->owner, "%s", submission_owner(request));
    http_request_on_gone(request, on_gone, reply);
    return reply;
}

int reply_set_ids(struct reply *reply, const char *ids, size_t n, struct fault *fault)
{
    reply->ids = malloc(n * (UUID_BYTES - 1) + 1);
    if (reply->ids == NULL)
        return fault_set(fault, 503, NULL, "the server is out of memory");
    memcpy(reply->ids, ids, n * (UUID_BYTES - 1));
    reply->ids[n * (UUID_BYTES - 1)] = '\0';
    if (n == 1 && reply->request != NULL)
        http_request_set_note(reply->request, reply->ids);
    reply->n = n;
    return 0;
}

int query_number(uint64_t *ret, const struct http_request *request, const char *name, uint64_t min, uint64_t max,
                 struct fault *fault)
{
    const struct slice text = http_request_query(request, name);
    uint64_t value = 0;

    if (text.at == NULL)
        return 0;
    for (size_t i = 0; i < text.len; i++)
        value = text.at[i] >= '0' && text.at[i] <= '9' && value <= max ? value * 10 + (uint64_t)(text.at[i] - '0')
                                                                       : UINT64_MAX / 16;
    if (text.len == 0 || value < min || value > max)
        return fault_set(fault, 422, name, "%s is \"%.*s\", it must be a whole number from %" PRIu64 " to %" PRIu64,
                         name, text.len > 40 ? 40 : (int)text.len, text.at, min, max);
    *ret = value;
    return 0;
}

int reply_read_query(struct reply *reply, unsigned fallback, unsigned allowed, struct fault *fault)
{
    uint64_t seconds = 0;

    if (query_number(&seconds, reply->request, "wait", 0, SUBMISSION_WAIT_MAX_S, fault) < 0)
        return -1;
    reply->wait_ms = seconds * 1000;
    return submission_fields_parse(&reply->fields, http_request_query(reply->request, "fields"), fallback, allowed,
                                   fault);
}

void reply_store_fault(struct fault *fault, int r, const struct err *err)
{
    if (r == STORE_E_FULL) {
        (void)fault_set(fault, 503, NULL, "too much waits to be stored; try again in a moment");
        return;
    }
    log_error("the store: %s", err->msg);
    if (r == -ENOSPC)
        (void)fault_set(fault, 507, NULL, "the server's disk is full; what is stored already is safe");
    else if (r == -EBUSY || r == -ENOMEM)
        (void)fault_set(fault, 503, NULL, "the store: %s; try again in a moment", err->msg);
    else
        (void)fault_set(fault, 500, NULL, "the store: %s", err->msg);
}

const char *submission_owner(const struct http_request *request)
{
    const struct caller *caller = caller_of(request);

    return caller->has_key ? caller->id : "";
}

void reply_fail(struct reply *reply, const struct fault *fault)
{
    struct http_request *request = TAKE_PTR(reply->request);

    reply_free(reply);
    if (request != NULL)
        call_refuse_with_problem(request, fault);
}

void reply_say_no_content(struct reply *reply)
{
    struct http_request *request = TAKE_PTR(reply->request);

    reply_free(reply);
    if (request != NULL)
        http_answer(request, 204, NULL, NULL, NULL);
}

/* --- What the store says --- */

static int write_body(struct buf *to, const struct reply *reply, const struct submission_row *rows, size_t n)
{
    struct json_out out = json_out_to(to);
    const int64_t now = instant_now_us();

    if (reply->batch) {
        json_out_open(&out, '{');
        json_out_key(&out, "submissions");
        json_out_open(&out, '[');
    }
    for (size_t i = 0; i < n; i++)
        submission_write(&out, &rows[i], submissions_find(reply->api->submissions, reply->owner, rows[i].id),
                         reply->fields, now);
    if (reply->batch) {
        json_out_close(&out, ']');
        json_out_close(&out, '}');
    }
    return json_out_end(&out);
}

static void answer(struct reply *reply, const struct submission_row *rows, size_t n)
{
    const bool finished = !reply->batch && rows[0].finished_us != 0;
    struct http_header headers[3] = {{NULL, NULL}};
    CLEANUP(buf_done) struct buf body;
    char location[sizeof "/v1/submissions/" + UUID_BYTES];
    size_t n_headers = 0;

    buf_init(&body, ANSWER_BYTES_MAX);
    if (write_body(&body, reply, rows, n) < 0) {
        http_answer_problem(TAKE_PTR(reply->request), 503, NULL, "the server is out of memory for the answer");
        return;
    }
    (void)snprintf(location, sizeof location, "/v1/submissions/%s", rows[0].id);
    if (reply->accepted && !reply->batch)
        headers[n_headers++] = (struct http_header){"Location", location};
    if (reply->replayed)
        headers[n_headers++] = (struct http_header){"Idempotent-Replayed", "true"};
    http_answer(TAKE_PTR(reply->request), reply->accepted && !finished ? 202 : 200, HTTP_JSON_TYPE, &body, headers);
}

static void on_rows(void *arg, int r, const struct submission_row *rows, size_t n, const struct err *err)
{
    struct reply *reply = arg;
    struct fault fault;

    if (r < 0) {
        reply_store_fault(&fault, r, err);
    } else if (n == 0) {
        (void)fault_set(&fault, 404, NULL, "there is no such submission");
    } else {
        if (reply->request != NULL)
            answer(reply, rows, n);
        reply_free(reply);
        return;
    }
    reply_fail(reply, &fault);
}

static void look(void *arg)
{
    struct reply *reply = arg;
    const struct submission_query query = {
        .owner = reply->owner,
        .ids = reply->ids,
        .n_ids = reply->n,
        .stages = (reply->fields & SUBMISSION_FIELD(STAGES)) != 0,
        .files = (reply->fields & SUBMISSION_FIELD(FILES)) != 0,
        .webhook = (reply->fields & SUBMISSION_FIELD(CALLBACK)) != 0,
        .request = (reply->fields & SUBMISSION_FIELD(REQUEST)) != 0,
    };
    struct err err = {0};
    struct fault fault;
    int r = store_submissions_find(reply->api->store, &query, on_rows, reply, &err);

    if (r == 0)
        return;
    reply_store_fault(&fault, r, &err);
    reply_fail(reply, &fault);
}

void reply_go(struct reply *reply)
{
    struct submission *unfinished = NULL;
    char id[UUID_BYTES] = "";

    if (reply->request == NULL) { /* the client has left, and nothing depends on it */
        reply_free(reply);
        return;
    }
    if (reply->n == 1 && reply->wait_ms > 0 && !reply->api->draining) {
        memcpy(id, reply->ids, UUID_BYTES - 1);
        unfinished = submissions_find(reply->api->submissions, reply->owner, id);
    }
    if (unfinished == NULL) {
        look(reply);
        return;
    }
    reply->wait.on_over = look;
    reply->wait.arg = reply;
    submission_wait(&reply->wait, unfinished, reply->wait_ms);
}
