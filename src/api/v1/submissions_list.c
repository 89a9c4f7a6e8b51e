/* GET /v1/submissions: newest first, a page at a time. A cursor is the last page's last id: ids sort by time, so what
 * comes in meanwhile moves nothing. */
#include "api/call.h"
#include "api/v1/submission_json.h"
#include "api/v1/submission_reply.h"
#include "api/v1/v1.h"
#include "base/instant.h"

enum { LIMIT_MAX = 100, LIMIT_USUAL = 20, LIST_BYTES_MAX = 4 << 20 };

struct list {
    struct api *api;
    struct http_request *request; /* NULL once the client has left */
    char owner[SUBMISSION_OWNER_BYTES];
    unsigned fields;
    uint64_t limit;
};

/* What the query says, as the store wants it. */
struct bounds {
    char before[UUID_BYTES], not_before[UUID_BYTES]; /* "": none */
    char status[24];
    char language[64];
};

static void on_gone(void *arg)
{
    struct list *list = arg;

    list->request = NULL; /* the store calls back, and frees it */
}

static void answer(struct list *list, const struct submission_row *rows, size_t n)
{
    const bool more = n > list->limit;
    const int64_t now = instant_now_us();
    CLEANUP(buf_done) struct buf body;
    struct json_out out;

    buf_init(&body, LIST_BYTES_MAX);
    out = json_out_to(&body);
    json_out_open(&out, '{');
    json_out_key(&out, "submissions");
    json_out_open(&out, '[');
    for (size_t i = 0; i < n && i < list->limit; i++)
        submission_write(&out, &rows[i], submissions_find(list->api->submissions, list->owner, rows[i].id),
                         list->fields, now);
    json_out_close(&out, ']');
    json_out_key_str(&out, "next_cursor", more ? rows[list->limit - 1].id : NULL);
    json_out_close(&out, '}');
    call_answer_json(list->request, 200, &body, json_out_end(&out));
}

static void on_rows(void *arg, int r, const struct submission_row *rows, size_t n, const struct err *err)
{
    CLEANUP(freep) struct list *list = arg;
    struct fault fault;

    if (r == 0 && list->request != NULL) {
        answer(list, rows, n);
    } else if (r != 0) {
        reply_store_fault(&fault, r, err);
        if (list->request != NULL)
            call_refuse_with_problem(list->request, &fault);
    }
}

static int read_cursor(struct bounds *bounds, const struct http_request *request, struct fault *fault)
{
    const struct slice cursor = http_request_query(request, "cursor");

    if (cursor.at == NULL)
        return 0;
    if (!uuid_is(cursor))
        return fault_set(fault, 422, "cursor", "cursor is not one that a list gave as next_cursor");
    memcpy(bounds->before, cursor.at, UUID_BYTES);
    bounds->before[UUID_BYTES - 1] = '\0';
    return 0;
}

/* Milliseconds are what created_at shows, so they are what is compared. */
static int read_instant(int64_t *ret_ms, const struct http_request *request, const char *name, struct fault *fault)
{
    const struct slice text = http_request_query(request, name);
    int64_t us;

    if (text.at == NULL)
        return 0;
    if (instant_parse(&us, text) < 0)
        return fault_set(fault, 422, name,
                         "%s is not a time like 2026-01-31T12:00:00Z (RFC 3339; a '+' in a query is written %%2B)",
                         name);
    *ret_ms = us / 1000;
    return 0;
}

static int read_times(struct bounds *bounds, const struct http_request *request, struct fault *fault)
{
    int64_t after = -1, before = -1;
    char id[UUID_BYTES];

    if (read_instant(&after, request, "created_after", fault) < 0 ||
        read_instant(&before, request, "created_before", fault) < 0)
        return -1;
    if (after >= 0)
        uuid_floor(bounds->not_before, after + 1);
    if (before >= 0) {
        uuid_floor(id, before);
        if (bounds->before[0] == '\0' || strcmp(id, bounds->before) < 0)
            memcpy(bounds->before, id, sizeof id);
    }
    return 0;
}

static int read_status(struct bounds *bounds, const struct http_request *request, struct fault *fault)
{
    const struct slice text = http_request_query(request, "status");

    if (text.at == NULL)
        return 0;
    (void)snprintf(bounds->status, sizeof bounds->status, "%.*s", text.len > 23 ? 23 : (int)text.len, text.at);
    if (strcmp(bounds->status, "queued") == 0 || strcmp(bounds->status, "running") == 0)
        return 0;
    for (size_t i = 0; i < N_STATUSES; i++)
        if (strcmp(bounds->status, status_names[i]) == 0)
            return 0;
    return fault_set(fault, 422, "status", "\"%s\" is not a status; there are queued, running, and those of a result",
                     bounds->status);
}

static int read_language(struct bounds *bounds, const struct api *api, const struct http_request *request,
                         struct fault *fault)
{
    const struct slice text = http_request_query(request, "language");
    const struct language *language;

    if (text.at == NULL)
        return 0;
    (void)snprintf(bounds->language, sizeof bounds->language, "%.*s", text.len > 63 ? 63 : (int)text.len, text.at);
    language = languages_find(&api->languages, bounds->language);
    if (language == NULL)
        return fault_set(fault, 422, "language", "there is no language \"%s\"; GET /v1/languages lists what there is",
                         bounds->language);
    (void)snprintf(bounds->language, sizeof bounds->language, "%s", language->id);
    return 0;
}

static int read_query(struct list *list, struct bounds *bounds, struct fault *fault)
{
    const struct http_request *request = list->request;

    list->limit = LIMIT_USUAL;
    if (query_number(&list->limit, request, "limit", 1, LIMIT_MAX, fault) < 0 ||
        read_cursor(bounds, request, fault) < 0 || read_times(bounds, request, fault) < 0 ||
        read_status(bounds, request, fault) < 0 || read_language(bounds, list->api, request, fault) < 0)
        return -1;
    return submission_fields_parse(&list->fields, http_request_query(request, "fields"), SUBMISSION_LIST_FIELDS,
                                   SUBMISSION_LIST_FIELDS, fault);
}

static const char *or_null(const char *text)
{
    return text[0] == '\0' ? NULL : text;
}

void v1_submissions_list(struct http_request *request, void *arg)
{
    struct api *api = arg;
    CLEANUP(freep) struct list *list = calloc(1, sizeof *list);
    struct bounds bounds = {0};
    struct submission_query query;
    struct fault fault = {0};
    struct err err = {0};
    int r;

    if (list == NULL) {
        http_answer_problem(request, 503, NULL, "the server is out of memory");
        return;
    }
    *list = (struct list){.api = api, .request = request};
    (void)snprintf(list->owner, sizeof list->owner, "%s", submission_owner(request));
    if (!api->probed) {
        http_answer_problem(request, 503, NULL, "%s", api_not_ready(api));
        return;
    }
    if (read_query(list, &bounds, &fault) < 0) {
        call_refuse_with_problem(request, &fault);
        return;
    }
    query = (struct submission_query){.owner = list->owner,
                                      .caller = list->owner[0] == '\0' ? caller_of(request)->id : NULL,
                                      .status = or_null(bounds.status),
                                      .language = or_null(bounds.language),
                                      .before_id = or_null(bounds.before),
                                      .not_before_id = or_null(bounds.not_before),
                                      .limit = list->limit + 1}; /* one more tells whether there is another page */
    r = store_submissions_find(api->store, &query, on_rows, list, &err);
    if (r != 0) {
        reply_store_fault(&fault, r, &err);
        call_refuse_with_problem(request, &fault);
        return;
    }
    http_request_on_gone(request, on_gone, list);
    (void)TAKE_PTR(list);
}
