/* uuid: names for what there is one of. */
#pragma once

enum { UUID_BYTES = 37 };

/* Of version 7 (RFC 9562), NUL-terminated: sorts by time, and cannot be guessed. */
void uuid_make(char uuid[UUID_BYTES]);
