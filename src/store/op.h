/*
 * op: one operation of the store; private to src/store. An operation is a file of its own, with a struct that begins
 * with a struct store_op:
 *
 *     the function that the header declares   makes it (copies what is borrowed), store_submit()
 *     run()    on the lane's thread: does its SQL, and leaves in the struct what came out. It touches nothing else
 *     done()   on the loop: tells whoever asked
 *     free()   last, also where it was never submitted
 */
#pragma once

#include "store/sql.h"
#include "store/store.h"

struct store_op {
    /* 0, or an outcome > 0 of its own: nothing that it wrote is kept then, as with < 0 and *err. */
    int (*run)(struct store_op *op, struct sql *db, struct err *err);
    /* r: of run(); or < 0 where what it wrote could not be committed. err: borrowed, NULL unless r < 0. */
    void (*done)(struct store_op *op, int r, const struct err *err);
    void (*free)(struct store_op *op);
    size_t bytes; /* of memory that it holds, roughly: what waits is bounded by it. run() adds what it has read */

    /* The store's. */
    struct store_op *next;
    int r;
    struct err err;
};

enum store_lane {
    STORE_WRITER, /* in order; several in one transaction. A savepoint for each: it fails alone */
    STORE_READER, /* beside the writer, each sees the database as of one moment; may not write */
    STORE_N_LANES
};

/* op: consumed. 0: done() follows, once, never from inside this call. STORE_E_FULL: it does not. */
MUST_CHECK int store_submit(struct store *store, enum store_lane lane, struct store_op *op);
