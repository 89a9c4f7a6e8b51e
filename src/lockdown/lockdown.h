/*
 * lockdown: a process locks itself in once it has what it needs from the host. What a hole in it can reach afterwards
 * is its own memory and what its plan names.
 *
 *   landlock   files: those of the plan. TCP: no bind, and connect only where the plan says so. Signals, abstract
 *              sockets: own only
 *   seccomp    the calls that an event loop makes, those of the plan, nothing else; no memory becomes executable
 *
 * Capabilities and ids are gone before. docs/adr/0002 has the reasons.
 */
#pragma once

#include <stdbool.h>

#include "base/err.h"

enum lockdown_access {
    LOCKDOWN_READ,     /* a file, or all below a folder */
    LOCKDOWN_DATABASE, /* a folder, where files are made, grow and go */
};

struct lockdown_path {
    const char *path;
    enum lockdown_access access;
    bool optional; /* it need not be there */
};

struct lockdown_plan { /* all static, or borrowed during the call */
    const struct lockdown_path *paths;
    size_t n_paths;
    const char *const *calls; /* besides those that every process of ours makes */
    size_t n_calls;
    const int *families; /* of sockets that it may make */
    size_t n_families;
    bool connects; /* over TCP */
};

enum { LOCKDOWN_E_NO_LANDLOCK = 1 };

/* Call while there is one thread: those that start later inherit it. Cannot be undone. Returns 0;
 * LOCKDOWN_E_NO_LANDLOCK where all but Landlock, which this kernel lacks, is in place; or < 0 with *err set. */
MUST_CHECK int lockdown(const struct lockdown_plan *plan, struct err *err);

/* calls.c: the seccomp part. */
MUST_CHECK int lockdown_calls(const struct lockdown_plan *plan, struct err *err);

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
