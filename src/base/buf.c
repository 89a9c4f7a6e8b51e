#include "base/buf.h"

#include <assert.h>
#include <errno.h>
#include <stdarg.h>
#include <stdio.h>

static bool is_blank(char c)
{
    return c == ' ' || c == '\t';
}

struct slice slice_trim(struct slice text)
{
    while (text.len > 0 && is_blank(text.at[0]))
        text = (struct slice){text.at + 1, text.len - 1};
    while (text.len > 0 && is_blank(text.at[text.len - 1]))
        text.len--;
    return text;
}

void buf_init(struct buf *buf, size_t max_bytes)
{
    assert(max_bytes > 0);
    *buf = (struct buf){.max = max_bytes};
}

void buf_done(struct buf *buf)
{
    free(buf->at);
    *buf = (struct buf){.max = buf->max};
}

void buf_clear(struct buf *buf)
{
    buf->len = 0;
    if (buf->at != NULL)
        buf->at[0] = '\0';
}

int buf_reserve(struct buf *buf, size_t n)
{
    size_t need, size;
    char *at;

    if (n > buf->max - buf->len)
        return -EFBIG;
    need = buf->len + n + 1; /* max is far below SIZE_MAX: no overflow */
    if (need <= buf->size)
        return 0;
    size = buf->size * 2 > need ? buf->size * 2 : need;
    if (size < 64)
        size = 64;
    at = realloc(buf->at, size);
    if (at == NULL)
        return -ENOMEM;
    buf->at = at;
    buf->size = size;
    return 0;
}

int buf_add(struct buf *buf, const void *bytes, size_t len)
{
    int r = buf_reserve(buf, len);

    if (r < 0)
        return r;
    if (len > 0)
        memcpy(buf->at + buf->len, bytes, len);
    buf->len += len;
    buf->at[buf->len] = '\0';
    return 0;
}

int buf_add_str(struct buf *buf, const char *text)
{
    return buf_add(buf, text, strlen(text));
}

int buf_printf(struct buf *buf, const char *fmt, ...)
{
    va_list ap;
    int n, r;

    va_start(ap, fmt);
    n = vsnprintf(NULL, 0, fmt, ap);
    va_end(ap);
    if (n < 0)
        return -EINVAL;
    r = buf_reserve(buf, (size_t)n);
    if (r < 0)
        return r;
    va_start(ap, fmt);
    (void)vsnprintf(buf->at + buf->len, (size_t)n + 1, fmt, ap);
    va_end(ap);
    buf->len += (size_t)n;
    return 0;
}

const char *buf_text(const struct buf *buf)
{
    return buf->at == NULL ? "" : buf->at;
}
