/*
 * lockdown: glimpsed locks itself in once it has what it needs from the host: its configuration, the language
 * table, a listening socket. What a hole in it can reach afterwards is its own memory, the database and boxd's door.
 *
 *   landlock   files: data_dir, and randomness. TCP: neither bind nor connect. Signals, abstract sockets: own only
 *   seccomp    the calls that an event loop and a database make, nothing else; no memory becomes executable
 *
 * Capabilities and ids are gone before (privileges.h). docs/adr/0002 has the reasons.
 */
#pragma once

#include "base/err.h"

enum { LOCKDOWN_E_NO_LANDLOCK = 1 };

/* Call while there is one thread: those that start later inherit it. Cannot be undone. Returns 0;
 * LOCKDOWN_E_NO_LANDLOCK where all but Landlock, which this kernel lacks, is in place; or < 0 with *err set. */
MUST_CHECK int lockdown(const char *data_dir, struct err *err);

/* lockdown_calls.c: the seccomp part. */
MUST_CHECK int lockdown_calls(struct err *err);

/* A sanitizer looks at the whole process when it ends, and at its files to name what it found. */
#if defined(__SANITIZE_ADDRESS__)
#define LOCKDOWN_SANITIZED 1
#elif defined(__has_feature)
#if __has_feature(address_sanitizer)
#define LOCKDOWN_SANITIZED 1
#endif
#endif
#ifndef LOCKDOWN_SANITIZED
#define LOCKDOWN_SANITIZED 0
#endif
