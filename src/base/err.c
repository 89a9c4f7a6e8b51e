#include "base/err.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

int err_set(struct err *err, int code, const char *fmt, ...)
{
    va_list ap;

    if (err == NULL)
        return code;
    err->code = code;
    va_start(ap, fmt);
    (void)vsnprintf(err->msg, sizeof err->msg, fmt, ap);
    va_end(ap);
    return code;
}

int err_wrap(struct err *err, int code, const char *fmt, ...)
{
    char inner[sizeof err->msg];
    va_list ap;
    int n;

    if (err == NULL)
        return code;
    memcpy(inner, err->msg, sizeof inner);
    err->code = code;
    va_start(ap, fmt);
    n = vsnprintf(err->msg, sizeof err->msg, fmt, ap);
    va_end(ap);
    if (n >= 0 && (size_t)n < sizeof err->msg)
        (void)snprintf(err->msg + n, sizeof err->msg - (size_t)n, ": %s", inner);
    return code;
}

int err_errno(struct err *err, int code, const char *fmt, ...)
{
    va_list ap;
    int n;

    if (err == NULL)
        return code;
    err->code = code;
    va_start(ap, fmt);
    n = vsnprintf(err->msg, sizeof err->msg, fmt, ap);
    va_end(ap);
    /* strerrordesc_np(3) neither allocates nor looks up a locale: safe after clone(). */
    if (n >= 0 && (size_t)n < sizeof err->msg) {
        const char *why = strerrordesc_np(-code);
        (void)snprintf(err->msg + n, sizeof err->msg - (size_t)n, ": %s", why ? why : "unknown error");
    }
    return code;
}
