/* glob: patterns of names, as shells have them, without their brackets. */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "base/buf.h"

/* One part of a path against one part of a pattern: '*' is any number of bytes, '?' one byte, all else itself. A name
 * that begins with '.' is matched by a pattern that does. Takes pattern.len x name.len steps at most: both may be
 * hostile. */
bool glob_match(struct slice pattern, struct slice name);
/* Has it '*' or '?'? */
bool glob_is_pattern(struct slice part);
