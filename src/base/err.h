/*
 * err: what went wrong in our own work, as a sentence.
 *
 * Codes: 0 is done; > 0 is a documented outcome of one function, which its caller must handle and
 * may not pass on; < 0 is a negative errno that nobody matches on: it goes up unchanged, with a
 * sentence added, and is logged once, at the top. Library code never logs.
 */
#pragma once

#include "base/cleanup.h"

/* No allocation: it works after clone(), when out of memory, and can be copied into a message. */
struct err {
    int code;      /* negative errno, 0 while all is well */
    char msg[200]; /* NUL-terminated, one line, cut when it is longer */
};

/* Both return code, so that `return err_set(err, -EINVAL, ...)` reads well. err may be NULL. */
int err_set(struct err *err, int code, const char *fmt, ...) PRINTF_LIKE(3, 4);
/* Puts "what: " in front of what is there already. */
int err_wrap(struct err *err, int code, const char *fmt, ...) PRINTF_LIKE(3, 4);
/* err_set() with ": " and strerror(-code) at the end. */
int err_errno(struct err *err, int code, const char *fmt, ...) PRINTF_LIKE(3, 4);
