/* lane: a thread with a connection to the database, and a queue of operations to it; private to src/store. */
#pragma once

#include <pthread.h>
#include <uv.h>

#include "store/op.h"

struct store_ops {
    struct store_op *first, **end;
};
void store_ops_init(struct store_ops *ops);
struct store_op *store_ops_take(struct store_ops *ops);
/* ops: a chain. */
void store_ops_append(struct store_ops *ops, struct store_op *chain);

struct lane {
    struct sql *db;         /* owned; the thread's once it runs */
    bool reader;            /* how it works: see lane.c */
    struct store_ops *done; /* borrowed: where operations go when they have run, under the lock */
    uv_async_t *async;      /* borrowed: tells the loop of them */
    pthread_mutex_t *lock;  /* borrowed: of all below, and of *done */
    pthread_t thread;
    bool started, stop;
    pthread_cond_t wake;
    struct store_ops waiting;
    size_t waiting_bytes;
    size_t done_bytes; /* of the reader's: held by what has run, and is not freed */
};

/* db, done, async and lock are set by the caller. */
MUST_CHECK int lane_start(struct lane *lane, struct err *err);
/* Runs what waits, ends the thread, closes the connection. */
void lane_stop(struct lane *lane);
/* Operations that have run are freed; n: of the lane's done_bytes as they were taken. Under the lock. */
void lane_note_freed(struct lane *lane, size_t n);
/* False: too much waits; op is as it was. */
MUST_CHECK bool lane_add(struct lane *lane, struct store_op *op);
