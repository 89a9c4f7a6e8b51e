#include "base/log.h"

#include <errno.h>
#include <inttypes.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "base/utf8.h"

enum {
    MSG_BYTES = 512,
    LINE_BYTES = 4096, /* PIPE_BUF: so much is written to a pipe in one piece, whoever else writes to it */
    TAIL_BYTES = 2,    /* kept for what ends a line: a brace, the newline */
};

static struct {
    const char *component;
    enum log_level least;
    enum log_format format;
} sink = {"glimpse", LOG_INFO, LOG_LOGFMT};

/* No allocation: a line can also be written when out of memory. */
struct line {
    char at[LINE_BYTES];
    size_t len;
    bool full; /* something did not fit, and is not there */
};

void log_open(const char *component, enum log_level least, enum log_format format)
{
    sink.component = component;
    sink.least = least;
    sink.format = format;
}

static void add(struct line *line, const char *text, size_t len)
{
    line->full = line->full || len > sizeof line->at - TAIL_BYTES - line->len;
    if (line->full)
        return;
    memcpy(line->at + line->len, text, len);
    line->len += len;
}

static void PRINTF_LIKE(2, 3) add_printf(struct line *line, const char *fmt, ...)
{
    char text[256];
    va_list ap;
    int n;

    va_start(ap, fmt);
    n = vsnprintf(text, sizeof text, fmt, ap);
    va_end(ap);
    if (n > 0)
        add(line, text, (size_t)n < sizeof text ? (size_t)n : sizeof text - 1);
}

/* Would break the line for who parses it, or do something to the terminal of who reads it: controls (C0, C1, DEL),
 * separators of lines, and marks that turn the direction of text. */
static bool is_unsafe(uint32_t c)
{
    return c < 0x20 || (c >= 0x7f && c < 0xa0) || c == 0x200e || c == 0x200f || (c >= 0x2028 && c <= 0x202e) ||
           (c >= 0x2066 && c <= 0x2069);
}

/* Of a valid sequence of n bytes. */
static uint32_t decode(const char *text, size_t n)
{
    static const unsigned char first_mask[] = {0, 0x7f, 0x1f, 0x0f, 0x07};
    uint32_t c = (unsigned char)text[0] & first_mask[n];

    for (size_t i = 1; i < n; i++)
        c = c << 6 | ((unsigned char)text[i] & 0x3f);
    return c;
}

/* JSON's escapes; logfmt has the same. Quotes are such only in between quotes. */
static void add_escaped(struct line *line, const char *text, bool quoted)
{
    for (size_t left = strlen(text), n; left > 0; text += n, left -= n) {
        uint32_t c = 0xfffd;

        n = utf8_step(text, left);
        if (n > 0)
            c = decode(text, n);
        if ((c == '"' && quoted) || c == '\\')
            add_printf(line, "\\%c", (char)c);
        else if (c == '\n')
            add(line, "\\n", 2);
        else if (n == 0 || is_unsafe(c))
            add_printf(line, "\\u%04x", c);
        else
            add(line, text, n);
        n = n == 0 ? 1 : n;
    }
}

static void add_quoted(struct line *line, const char *text)
{
    add(line, "\"", 1);
    add_escaped(line, text, true);
    add(line, "\"", 1);
}

/* Needs no quotes in logfmt. */
static bool is_plain(const char *text)
{
    for (const char *at = text; *at != '\0'; at++)
        if (*at <= ' ' || *at > '~' || *at == '"' || *at == '\\' || *at == '=')
            return false;
    return *text != '\0';
}

static void add_field(struct line *line, const struct log_field *field)
{
    add_printf(line, sink.format == LOG_JSON ? ",\"%s\":" : " %s=", field->name);
    if (field->text == NULL)
        add_printf(line, "%" PRIu64, field->number);
    else if (sink.format != LOG_JSON && is_plain(field->text))
        add(line, field->text, strlen(field->text));
    else
        add_quoted(line, field->text);
}

static void add_head(struct line *line, const char *level, const char *msg)
{
    char stamp[32];
    struct timespec now;
    struct tm tm;
    long ms;

    (void)clock_gettime(CLOCK_REALTIME, &now);
    (void)gmtime_r(&now.tv_sec, &tm);
    (void)strftime(stamp, sizeof stamp, sink.format == LOG_TEXT ? "%Y-%m-%d %H:%M:%S" : "%Y-%m-%dT%H:%M:%S", &tm);
    ms = now.tv_nsec / 1000000;
    switch (sink.format) {
    case LOG_TEXT:
        add_printf(line, "%s.%03ld %s %s: ", stamp, ms, level, sink.component);
        add_escaped(line, msg, false);
        return;
    case LOG_JSON:
        add_printf(line, "{\"ts\":\"%s.%03ldZ\",\"level\":\"%s\",\"comp\":\"%s\",\"msg\":", stamp, ms, level,
                   sink.component);
        break;
    case LOG_LOGFMT:
        add_printf(line, "ts=%s.%03ldZ level=%s comp=%s msg=", stamp, ms, level, sink.component);
        break;
    }
    add_quoted(line, msg); /* each byte as six: it fits */
}

/* A field that does not fit is left away as a whole. */
static void add_fields(struct line *line, const struct log_field *fields)
{
    for (; fields != NULL && fields->name != NULL; fields++) {
        const size_t len = line->len;

        add_field(line, fields);
        if (line->full)
            line->len = len;
        line->full = false;
    }
}

void log_fields(enum log_level level, const struct log_field *fields, const char *fmt, ...)
{
    static const char *const names[] = {"debug", "info", "warn", "error"};
    struct line line;
    char msg[MSG_BYTES];
    va_list ap;

    if (level < sink.least)
        return;
    line.len = 0;
    line.full = false;
    va_start(ap, fmt);
    (void)vsnprintf(msg, sizeof msg, fmt, ap);
    va_end(ap);
    add_head(&line, names[level], msg);
    add_fields(&line, fields);
    if (sink.format == LOG_JSON)
        line.at[line.len++] = '}'; /* TAIL_BYTES */
    line.at[line.len++] = '\n';
    /* Nobody to tell where that fails. */
    while (write(STDERR_FILENO, line.at, line.len) < 0 && errno == EINTR)
        ;
}
