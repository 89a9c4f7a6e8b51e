/*
 * store: what must outlive a restart. SQLite in DIR/glimpse.db, write-ahead log; the only folder with SQL.
 *
 * One thread writes. What has been asked for while it was busy goes into its next transaction (group
 * commit), so many writers share one fsync. Answers come on the loop, after the commit is on the disk.
 * A second thread reads, so that a long list delays nobody's write.
 *
 * Each table's operations are in a header of their own beside this one; op.h says how one is made.
 */
#pragma once

#include <uv.h>

#include "base/buf.h"
#include "base/err.h"

struct store; /* opaque */

#define STORE_FILE "glimpse.db" /* in DIR */

enum { STORE_E_FULL = 1 }; /* too much waits to be written, or read: try again later */

/* Opens or makes the database, and brings its tables up to date. < 0 with *err set: also where
 * the database is of a later version than this program. */
MUST_CHECK int store_new(struct store **ret, uv_loop_t *loop, const char *dir, struct err *err);
/* Does what waits, calls back, then closes. The loop must run once more for its handle to close. NULL is allowed. */
void store_free(struct store *store);
DEFINE_FREEP(struct store, store)
/* Bytes that wait to be written, and of questions that wait for their answer. */
void store_count_waiting(struct store *store, uint64_t *writing, uint64_t *reading);
