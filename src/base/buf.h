/*
 * buf: bytes. A slice is borrowed text; a buf grows up to a maximum that is set when it is made.
 */
#pragma once

#include <stdbool.h>
#include <string.h>

#include "base/cleanup.h"

struct slice {
    const char *at; /* borrowed; not NUL-terminated */
    size_t len;
};

static inline struct slice slice_from(const char *text)
{
    return (struct slice){.at = text, .len = text == NULL ? 0 : strlen(text)};
}

/* Without the blanks and tabs around it: what HTTP calls optional white space (RFC 9110, 5.6.3). */
struct slice slice_trim(struct slice text);

struct buf {
    char *at; /* owned; always followed by a NUL that len does not count, or NULL while empty */
    size_t len, size, max; /* bytes; max is the most that len may become */
};

/* max_bytes must be > 0. No allocation yet. */
void buf_init(struct buf *buf, size_t max_bytes);
/* Frees the bytes; the buf is empty and usable again with the same maximum. */
void buf_done(struct buf *buf);
/* Keeps the memory. */
void buf_clear(struct buf *buf);

/* 0, -ENOMEM, or -EFBIG where it would grow past its maximum (nothing is added then). */
MUST_CHECK int buf_add(struct buf *buf, const void *bytes, size_t len);
MUST_CHECK int buf_add_str(struct buf *buf, const char *text);
MUST_CHECK int buf_printf(struct buf *buf, const char *fmt, ...) PRINTF_LIKE(2, 3);
/* Makes room for n more bytes, so that buf->at + buf->len can be written to; the caller adds to
 * len what it wrote, at most n. */
MUST_CHECK int buf_reserve(struct buf *buf, size_t n);
/* The bytes, "" while empty. Borrowed until the next change. */
const char *buf_text(const struct buf *buf);
