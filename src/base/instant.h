/* instant: moments of the calendar as RFC 3339 writes them; kept as microseconds of Unix time. */
#pragma once

#include <stdint.h>

#include "base/buf.h"

enum { INSTANT_TEXT_BYTES = 32 };

int64_t instant_now_us(void);
/* "2026-11-21T20:33:54.123Z": UTC, milliseconds. */
void instant_write(char text[INSTANT_TEXT_BYTES], int64_t unix_us);
/* "2026-11-21T20:33:54Z", with or without a fraction, with Z or an offset; years 1970 to 9999. 0, or -EINVAL with *ret
 * untouched. */
MUST_CHECK int instant_parse(int64_t *ret, struct slice text);
