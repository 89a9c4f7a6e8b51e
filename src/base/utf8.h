/* utf8: checks (RFC 3629: no surrogates, no overlong forms, nothing above U+10FFFF). */
#pragma once

#include <stdbool.h>
#include <stddef.h>

#include "base/cleanup.h"

struct buf;

bool utf8_valid(const char *text, size_t len);
/* The length of the valid sequence at text (1..4), or 0 where there is none. */
size_t utf8_step(const char *text, size_t len);
/* Where utf8_step() is 0: the bytes of the invalid maximal subpart at text, which one U+FFFD stands for; at least 1. */
size_t utf8_bad_len(const char *text, size_t len);
/* How many bytes at the end of text begin a character whose rest is not there (0..3). Without them the text can be
 * looked at for itself: its characters, and what of it is invalid, are the same whatever follows. */
size_t utf8_unfinished(const char *text, size_t len);
/* Appends text with every invalid maximal subpart (Unicode 15, 3.9, U+FFFD substitution) replaced
 * by U+FFFD; NUL stays NUL. 0, or < 0 from buf_add(). */
MUST_CHECK int utf8_replace(struct buf *to, const char *text, size_t len);
