/*
 * json_out: writes JSON text into a buf. Commas are put by the writer; the first failure sticks, so
 * that a document is written in one go and checked once, by json_out_end().
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "base/buf.h"

struct json_out {
    struct buf *to; /* borrowed */
    bool comma;     /* the next value or key needs one before it */
    int r;          /* 0, or the first failure of buf_add() */
};

static inline struct json_out json_out_to(struct buf *to)
{
    return (struct json_out){.to = to};
}

void json_out_open(struct json_out *out, char bracket); /* '{' or '[' */
void json_out_close(struct json_out *out, char bracket);
void json_out_key(struct json_out *out, const char *name); /* a plain name, written as it is */

/* Any bytes: what is not UTF-8 becomes U+FFFD, control characters are escaped. */
void json_out_text(struct json_out *out, struct slice text);
void json_out_str(struct json_out *out, const char *text); /* NULL: null */
void json_out_base64(struct json_out *out, struct slice bytes);
void json_out_int(struct json_out *out, int64_t value);
void json_out_uint(struct json_out *out, uint64_t value);
void json_out_thousandths(struct json_out *out, uint64_t value); /* 1234 is written 1.234 */
void json_out_micros(struct json_out *out, uint64_t value);      /* 1234567 is written 1.234567 */
void json_out_real(struct json_out *out, double value); /* finite; with 12 digits */
void json_out_bool(struct json_out *out, bool value);
void json_out_null(struct json_out *out);
void json_out_raw(struct json_out *out, struct slice json); /* a value that is JSON already, and known to be */

/* A key and its value. */
void json_out_key_str(struct json_out *out, const char *name, const char *text);
void json_out_key_text(struct json_out *out, const char *name, struct slice text);
void json_out_key_uint(struct json_out *out, const char *name, uint64_t value);

/* 0, or what went wrong first: -ENOMEM or -EFBIG. */
MUST_CHECK int json_out_end(const struct json_out *out);
