/* media: which media type (RFC 6838) a file is of. */
#pragma once

#include "base/buf.h"

/* Images are told by how they begin, whatever their name; others by the end of their name; what is left is text/plain
 * where it is UTF-8, and application/octet-stream. Static. A hint for showing it, no promise: who shows it must not
 * run it. */
const char *media_type(const char *name, struct slice content);
