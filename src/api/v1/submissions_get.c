/* GET and DELETE /v1/submissions/{id}. */
#include "api/call.h"
#include "api/v1/submission_json.h"
#include "api/v1/submission_reply.h"
#include "api/v1/v1.h"

/* The id in the path. 0, or -1 with *fault: what is no id is nobody's. */
static int take_id(struct reply *reply, struct fault *fault)
{
    const struct slice id = http_request_part(reply->request, 0);

    if (!uuid_is(id))
        return fault_set(fault, 404, NULL, "there is no such submission");
    return reply_set_ids(reply, id.at, 1, fault);
}

void v1_submission_get(struct http_request *request, void *arg)
{
    struct reply *reply = reply_new(arg, request);
    struct fault fault = {0};

    if (reply == NULL)
        return;
    if (reply_read_query(reply, SUBMISSION_DEFAULT_FIELDS, SUBMISSION_ALL_FIELDS, &fault) < 0 ||
        take_id(reply, &fault) < 0)
        reply_fail(reply, &fault);
    else
        reply_go(reply);
}

/* --- DELETE: ends what is not finished, removes what is --- */

static void on_deleted(void *arg, int r, const struct err *err)
{
    struct reply *reply = arg;
    struct fault fault;

    if (r == 0) {
        reply_say_no_content(reply);
        return;
    }
    if (r < 0)
        reply_store_fault(&fault, r, err);
    else
        (void)fault_set(&fault, 404, NULL, "there is no such submission");
    reply_fail(reply, &fault);
}

void v1_submission_delete(struct http_request *request, void *arg)
{
    struct api *api = arg;
    struct reply *reply = reply_new(api, request);
    struct submission *unfinished;
    struct fault fault = {0};
    struct err err = {0};
    int r;

    if (reply == NULL)
        return;
    if (reply_read_query(reply, SUBMISSION_DEFAULT_FIELDS, SUBMISSION_ALL_FIELDS, &fault) < 0 ||
        take_id(reply, &fault) < 0) {
        reply_fail(reply, &fault);
        return;
    }
    unfinished = submissions_find(api->submissions, reply->owner, reply->ids);
    if (unfinished != NULL) {
        reply->wait_ms = SUBMISSION_WAIT_MAX_S * 1000;
        submission_cancel(unfinished);
        reply_go(reply);
        return;
    }
    r = store_submission_delete(api->store, reply->owner, reply->ids, on_deleted, reply, &err);
    if (r != 0) {
        reply_store_fault(&fault, r, &err);
        reply_fail(reply, &fault);
    }
}
