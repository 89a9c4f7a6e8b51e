/* uuid: UUIDs of version 7 (RFC 9562): they sort by time, and can't be guessed. */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "base/buf.h"

enum { UUID_BYTES = 37 }; /* the text, with its NUL */

/* Of now. */
void uuid_make(char id[UUID_BYTES]);
/* unix_us: the time that it carries; the fraction of its millisecond is in there too (RFC 9562, 6.2, method 3), so that
 * those that one process makes one after the other sort in that order, nearly always. */
void uuid_make_at(char id[UUID_BYTES], int64_t unix_us);
/* The least that one of this millisecond can be. */
void uuid_floor(char id[UUID_BYTES], int64_t unix_ms);
/* Is it the text of a UUID, in lower case? */
bool uuid_is(struct slice text);
