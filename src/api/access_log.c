#include "api/access_log.h"

#include <stdio.h>

#include "api/caller.h"
#include "base/log.h"

enum { PATH_BYTES = 128 };

/* Paths are shown where they are no endpoint's: those of endpoints have an entry of their own, and a query may hold
 * code, so it is never shown. */
void access_log_done(void *arg, const struct http_done *done)
{
    const struct caller *caller = http_request_mark(done->request);
    const char *trace = http_request_trace(done->request), *job = http_request_note(done->request);
    char path[PATH_BYTES];
    struct log_field fields[12], *field = fields;

    (void)arg;
    (void)snprintf(path, sizeof path, "%s", http_request_path(done->request));
    *field++ = (struct log_field){"request", http_request_id(done->request), 0};
    *field++ = (struct log_field){"method", http_request_method(done->request), 0};
    if (done->route != NULL)
        *field++ = (struct log_field){"route", done->route->pattern, 0};
    else
        *field++ = (struct log_field){"path", path, 0};
    *field++ = (struct log_field){"status", NULL, done->status};
    *field++ = (struct log_field){"us", NULL, done->duration_us};
    *field++ = (struct log_field){"bytes", NULL, done->answer_bytes};
    if (caller != NULL)
        *field++ = (struct log_field){"caller", caller->id, 0};
    if (job[0] != '\0')
        *field++ = (struct log_field){"job", job, 0};
    if (trace != NULL)
        *field++ = (struct log_field){"traceparent", trace, 0};
    *field = (struct log_field){NULL, NULL, 0};
    log_fields(LOG_INFO, fields, "request");
}
