/*
 * What names a request across services and their logs: X-Request-Id, and W3C Trace Context's traceparent. Both come
 * from strangers and go into logs and answers: they are taken as they are, or not at all. We start no trace of our own;
 * who wants one sends it.
 */
#include "http/internal.h"

/* "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01": where each part begins, and its length. */
enum { VERSION_AT = 0, TRACE_AT = 3, TRACE_LEN = 32, PARENT_AT = 36, PARENT_LEN = 16, FLAGS_AT = 53, WHOLE_LEN = 55 };

static bool is_hex(const char *text, size_t len)
{
    return strspn(text, "0123456789abcdef") >= len;
}

static bool is_zero(const char *text, size_t len)
{
    return strspn(text, "0") >= len;
}

bool http_is_traceparent(const char *text)
{
    const size_t len = strlen(text);

    if (len < WHOLE_LEN || text[TRACE_AT - 1] != '-' || text[PARENT_AT - 1] != '-' || text[FLAGS_AT - 1] != '-')
        return false;
    if (!is_hex(text + VERSION_AT, 2) || !is_hex(text + TRACE_AT, TRACE_LEN) || !is_hex(text + PARENT_AT, PARENT_LEN) ||
        !is_hex(text + FLAGS_AT, 2))
        return false;
    if (is_zero(text + TRACE_AT, TRACE_LEN) || is_zero(text + PARENT_AT, PARENT_LEN) || strncmp(text, "ff", 2) == 0)
        return false;
    /* A later version may have more behind. What that is we can't know, so it is not carried on. */
    return strncmp(text, "00", 2) == 0 ? len == WHOLE_LEN : len == WHOLE_LEN || text[WHOLE_LEN] == '-';
}

bool http_is_request_id(const char *text)
{
    static const char allowed[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-_.~+/=@:";
    const size_t len = strlen(text);

    return len > 0 && len < ID_BYTES && strspn(text, allowed) == len;
}

/* The one value of a header; NULL where it is not there, or more than once: then it can't be told which counts. */
static const char *only_value(struct buf *list, const struct http_request *request, const char *name)
{
    buf_init(list, 1024);
    if (http_request_header(request, name) == NULL || http_request_header_list(list, request, name) < 0)
        return NULL;
    return buf_text(list);
}

void trace_begin(struct http_request *request)
{
    CLEANUP(buf_done) struct buf ids, traces;
    const char *id = only_value(&ids, request, "X-Request-Id"), *trace = only_value(&traces, request, "traceparent");

    _Static_assert(sizeof request->id >= UUID_BYTES, "a made one fits");
    if (id != NULL && http_is_request_id(id))
        (void)snprintf(request->id, sizeof request->id, "%s", id);
    else
        uuid_make(request->id);
    if (trace != NULL && http_is_traceparent(trace))
        (void)snprintf(request->trace, sizeof request->trace, "%.*s", (int)WHOLE_LEN, trace);
}

const char *http_request_id(const struct http_request *request)
{
    return request->id;
}

const char *http_request_trace(const struct http_request *request)
{
    return request->trace[0] == '\0' ? NULL : request->trace;
}

void http_request_set_note(struct http_request *request, const char *note)
{
    (void)snprintf(request->note, sizeof request->note, "%s", note);
}

const char *http_request_note(const struct http_request *request)
{
    return request->note;
}
