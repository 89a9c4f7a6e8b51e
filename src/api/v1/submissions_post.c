/* POST /v1/submissions, POST /v1/submissions/batch: taken in when they are on the disk. */
#include <nettle/sha2.h>

#include "api/admit.h"
#include "api/webhooks/callback_url.h"
#include "api/call.h"
#include "api/v1/fields.h"
#include "api/v1/run_json.h"
#include "api/v1/submission_json.h"
#include "api/v1/submission_reply.h"
#include "api/v1/v1.h"
#include "base/instant.h"

enum { KEY_HOURS = 24 };

struct post {
    struct api *api;
    struct http_request *request;
    struct fault *fault;
    json_t *root; /* owned: what the drafts borrow from */
    struct submission_draft drafts[SUBMISSION_BATCH_MAX];
    char *texts[SUBMISSION_BATCH_MAX]; /* owned; NULL: the whole body */
    size_t n;
    struct submission_key key;
};

static void post_done(struct post *post)
{
    json_decref(TAKE_PTR(post->root));
    for (size_t i = 0; i < post->n; i++) {
        job_free(TAKE_PTR(post->drafts[i].job));
        free(TAKE_PTR(post->texts[i]));
    }
}

/* Printable, as RFC 9110 has it for field values; long enough for any UUID or hash. */
static int read_key(struct post *post)
{
    static const char name[] = "Idempotency-Key";
    const char *key = http_request_header(post->request, name);
    const char *query_free_path = http_request_path(post->request);
    const struct slice body = http_request_body(post->request);
    struct sha256_ctx hash;

    if (key == NULL)
        return 0;
    if (key[0] == '\0' || strlen(key) >= SUBMISSION_KEY_BYTES)
        return fault_set(post->fault, 422, name, "%s has %zu characters, it must have 1 to %d", name, strlen(key),
                         SUBMISSION_KEY_BYTES - 1);
    for (const char *at = key; *at != '\0'; at++)
        if (*at < ' ' || *at > '~')
            return fault_set(post->fault, 422, name, "%s may hold printable ASCII characters only", name);
    sha256_init(&hash);
    sha256_update(&hash, strlen(query_free_path) + 1, (const uint8_t *)query_free_path);
    sha256_update(&hash, body.len, (const uint8_t *)body.at);
    sha256_digest(&hash, sizeof post->key.hash, post->key.hash);
    post->key.key = key;
    post->key.expired_us = instant_now_us() - KEY_HOURS * INT64_C(3600000000);
    return 0;
}

/* prefix: "" or "submissions[3].". */
static int read_one(struct post *post, const json_t *object, const char *prefix)
{
    const struct v1_run_part part = {.prefix = prefix, .others = {"callback_url"}};
    const char *callback_url = NULL;
    struct v1_run run;

    if (v1_run_read(&run, object, &part, post->fault) < 0)
        return -1;
    post->drafts[post->n++] = (struct submission_draft){.job = run.job, .base64 = run.base64};
    if (callback_url_read(&callback_url, object, prefix, post->fault) < 0)
        return -1;
    post->drafts[post->n - 1].callback_url = callback_url;
    return admit_check(post->api, run.job, prefix, post->fault);
}

static int read_single(struct post *post)
{
    const struct slice body = http_request_body(post->request);

    if (json_in_object(&post->root, body, post->fault) < 0 || read_one(post, post->root, "") < 0)
        return -1;
    post->drafts[0].request = body;
    return 0;
}

static int read_member(struct post *post, const json_t *value, size_t i)
{
    char path[32], prefix[40];

    (void)snprintf(path, sizeof path, "submissions[%zu]", i);
    (void)snprintf(prefix, sizeof prefix, "%s.", path);
    if (!json_is_object(value))
        return fault_set(post->fault, 422, path, "%s must be an object, not %s", path, json_in_type_name(value));
    if (read_one(post, value, prefix) < 0)
        return -1;
    post->texts[i] = json_dumps(value, JSON_COMPACT | JSON_ENCODE_ANY);
    if (post->texts[i] == NULL)
        return fault_set(post->fault, 503, NULL, "the server is out of memory");
    post->drafts[i].request = slice_from(post->texts[i]);
    return 0;
}

static int read_batch(struct post *post)
{
    static const struct field fields[] = {{"submissions", field_ignore}};
    struct reader reader = {.fault = post->fault};
    const json_t *list;

    if (json_in_object(&post->root, http_request_body(post->request), post->fault) < 0 ||
        fields_check_names(&reader, post->root, "", fields, COUNT_OF(fields)) < 0)
        return -1;
    list = json_object_get(post->root, "submissions");
    if (!json_is_array(list))
        return fault_set(post->fault, 422, "submissions",
                         "submissions is %s; an array of requests as of /v1/submissions is wanted",
                         list == NULL ? "missing" : json_in_type_name(list));
    if (json_array_size(list) == 0 || json_array_size(list) > SUBMISSION_BATCH_MAX)
        return fault_set(post->fault, 422, "submissions", "submissions has %zu members, it must have 1 to %d",
                         json_array_size(list), SUBMISSION_BATCH_MAX);
    for (size_t i = 0; i < json_array_size(list); i++)
        if (read_member(post, json_array_get(list, i), i) < 0)
            return -1;
    return 0;
}

static void on_taken(void *arg, int r, const char *ids, size_t n, const struct err *err)
{
    struct reply *reply = arg;
    struct fault fault;

    if (r == STORE_E_KEY_TAKEN) {
        (void)fault_set(&fault, 422, "Idempotency-Key",
                        "this Idempotency-Key came with another request before; a new request needs a new key");
    } else if (r < 0) {
        reply_store_fault(&fault, r, err);
    } else if (n == 0) {
        (void)fault_set(&fault, 410, NULL, "what this Idempotency-Key made has been deleted since");
    } else if (reply_set_ids(reply, ids, n, &fault) == 0) {
        reply->replayed = r == STORE_E_REPLAYED;
        reply_go(reply);
        return;
    }
    reply_fail(reply, &fault);
}

static int take_in(struct post *post, struct reply *reply)
{
    struct err err = {0};
    int r;

    if (gate_count(post->request, post->api, (uint32_t)post->n - 1, post->fault) < 0)
        return -1; /* the gate has counted one */
    if (submissions_check_room(post->api->submissions, caller_of(post->request), post->n, post->fault) < 0)
        return -1;
    r = submissions_take_in(post->api->submissions, reply->owner, caller_of(post->request), post->drafts, post->n,
                            &post->key, on_taken, reply, &err);
    if (r != 0)
        reply_store_fault(post->fault, r, &err);
    return r == 0 ? 0 : -1;
}

static void start(struct api *api, struct http_request *request, bool batch)
{
    const unsigned usual = batch ? SUBMISSION_LIST_FIELDS : SUBMISSION_DEFAULT_FIELDS;
    const unsigned allowed = batch ? SUBMISSION_LIST_FIELDS : SUBMISSION_ALL_FIELDS;
    struct fault fault = {0};
    CLEANUP(post_done) struct post post = {.api = api, .request = request, .fault = &fault};
    struct reply *reply = NULL;

    if (!call_takes_json(request))
        return;
    reply = reply_new(api, request);
    if (reply == NULL)
        return;
    reply->accepted = true;
    reply->batch = batch;
    if (reply_read_query(reply, usual, allowed, &fault) < 0 || read_key(&post) < 0 ||
        (batch ? read_batch(&post) : read_single(&post)) < 0 || take_in(&post, reply) < 0)
        reply_fail(reply, &fault);
}

void v1_submissions_post(struct http_request *request, void *arg)
{
    start(arg, request, false);
}

void v1_submissions_batch(struct http_request *request, void *arg)
{
    start(arg, request, true);
}
