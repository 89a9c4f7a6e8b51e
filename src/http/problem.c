/* Problem details (RFC 9457): the body of every answer that says no. */
#include <stdarg.h>

#include "base/json_out.h"
#include "http/internal.h"

enum { DETAIL_BYTES = 1024, PROBLEM_BYTES = 16384 };

const char *http_status_title(unsigned status)
{
    return MHD_get_reason_phrase_for(status);
}

int http_problem_body(struct buf *to, unsigned status, const char *field, const char *detail)
{
    struct json_out out = json_out_to(to);

    json_out_open(&out, '{');
    /* RFC 9457, 4.2.1: no more than the status code says. */
    json_out_key_str(&out, "type", "about:blank");
    json_out_key_str(&out, "title", MHD_get_reason_phrase_for(status));
    json_out_key_uint(&out, "status", status);
    json_out_key_str(&out, "detail", detail);
    if (field != NULL)
        json_out_key_str(&out, "field", field);
    json_out_close(&out, '}');
    return json_out_end(&out);
}

void http_answer_problem(struct http_request *request, unsigned status, const char *field,
                         const char *fmt, ...)
{
    const struct http_header allow[] = {{"Allow", request->match.allow}, {NULL, NULL}};
    CLEANUP(buf_done) struct buf body;
    char detail[DETAIL_BYTES];
    va_list ap;

    va_start(ap, fmt);
    (void)vsnprintf(detail, sizeof detail, fmt, ap);
    va_end(ap);
    buf_init(&body, PROBLEM_BYTES);
    if (http_problem_body(&body, status, field, detail) < 0)
        buf_clear(&body);
    http_answer(request, status, HTTP_PROBLEM_TYPE, &body,
                status == MHD_HTTP_METHOD_NOT_ALLOWED ? allow : NULL);
}
