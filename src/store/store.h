/*
 * store: what must outlive a restart. SQLite in DIR/glimpse.db, write-ahead log; the only folder with SQL.
 *
 * One thread writes. What has been asked for while it was busy goes into its next transaction (group
 * commit), so many writers share one fsync. Answers come on the loop, after the commit is on the disk.
 */
#pragma once

#include <uv.h>

#include "base/buf.h"
#include "base/err.h"

struct store; /* opaque */

enum { STORE_E_FULL = 1 }; /* too much waits to be written: try again later */

/* Opens or makes the database, and brings its tables up to date. < 0 with *err set: also where
 * the database is of a later version than this program. */
MUST_CHECK int store_new(struct store **ret, uv_loop_t *loop, const char *dir, struct err *err);
/* Writes what waits, calls back, then closes. The loop must run once more for its handle to close. NULL is allowed. */
void store_free(struct store *store);
DEFINE_FREEP(struct store, store)

struct store_submission { /* all borrowed during the call */
    const char *language;
    struct slice code, output;
    int exit_code;
    uint64_t time_us, memory_bytes;
};

/* id: of the new row, > 0; or < 0 with *err, which is then not NULL (borrowed). */
typedef void store_on_added(void *arg, int64_t id, const struct err *err);

/* 0: on_added follows, once, never from inside this call. STORE_E_FULL or < 0 with *err: it does not. */
MUST_CHECK int store_add_submission(struct store *store, const struct store_submission *submission,
                                    store_on_added *on_added, void *arg, struct err *err);
