#include "base/log.h"

#include <stdarg.h>
#include <stdio.h>
#include <time.h>

static struct {
    const char *component;
    enum log_level least;
} sink = {"glimpse", LOG_INFO};

void log_open(const char *component, enum log_level least)
{
    sink.component = component;
    sink.least = least;
}

/* Quotes and control characters would break the line apart for whoever parses it. */
static void make_safe(char *text)
{
    for (; *text != '\0'; text++)
        if (*text == '"' || *text == '\\' || (unsigned char)*text < ' ' || *text == 0x7f)
            *text = '\'';
}

void log_line(enum log_level level, const char *fields, const char *fmt, ...)
{
    static const char *const names[] = {"debug", "info", "warn", "error"};
    char msg[512], stamp[32];
    struct timespec now;
    struct tm tm;
    va_list ap;

    if (level < sink.least)
        return;
    va_start(ap, fmt);
    (void)vsnprintf(msg, sizeof msg, fmt, ap);
    va_end(ap);
    make_safe(msg);
    (void)clock_gettime(CLOCK_REALTIME, &now);
    (void)gmtime_r(&now.tv_sec, &tm);
    (void)strftime(stamp, sizeof stamp, "%Y-%m-%dT%H:%M:%S", &tm);
    (void)fprintf(stderr, "ts=%s.%03ldZ level=%s comp=%s msg=\"%s\"%s%s\n", stamp,
                  now.tv_nsec / 1000000, names[level], sink.component, msg, fields ? " " : "",
                  fields ? fields : "");
}
