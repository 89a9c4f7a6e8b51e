/*
 * The writer takes all that waits: BEGIN, the operations one by one, COMMIT, so that they share one fsync (group
 * commit). The reader has a transaction for each, which is a snapshot: neither waits for the other.
 *
 * What a read brings may be a hundred MB. So the reader goes on when the loop has taken what it has read before, but
 * for READ_MAX_BYTES and one operation's more: who asks for much at once waits for it.
 */
#include "store/lane.h"

#include <errno.h>

enum { WAITING_MAX_BYTES = 64 << 20, READ_MAX_BYTES = 64 << 20 };

void store_ops_init(struct store_ops *ops)
{
    *ops = (struct store_ops){.end = &ops->first};
}

struct store_op *store_ops_take(struct store_ops *ops)
{
    struct store_op *first = ops->first;

    store_ops_init(ops);
    return first;
}

void store_ops_append(struct store_ops *ops, struct store_op *chain)
{
    *ops->end = chain;
    while (*ops->end != NULL)
        ops->end = &(*ops->end)->next;
}

/* ---- on the thread ---- */

static void fail(struct store_op *op, int r, const struct err *err)
{
    op->r = r;
    op->err = *err;
}

/* From op up to last: what has run well did so in vain. Its own refusal an operation keeps. */
static void fail_from(struct store_op *op, const struct store_op *last, int r, const struct err *err)
{
    for (;; op = op->next) {
        if (op->r == 0)
            fail(op, r, err);
        if (op == last)
            return;
    }
}

/* A savepoint of its own: what it wrote is there as a whole, or not at all. */
static void write_one(struct sql *db, struct store_op *op)
{
    struct err err = {0};

    op->r = sql_run(db, "SAVEPOINT op", SQL_NO_VALUES, &op->err);
    if (op->r < 0)
        return;
    op->r = op->run(op, db, &op->err);
    if (!sql_in_transaction(db))
        return; /* it is all gone: see write_some() */
    if (op->r != 0 && sql_run(db, "ROLLBACK TO op", SQL_NO_VALUES, &err) < 0)
        fail(op, err.code, &err);
    if (sql_run(db, "RELEASE op", SQL_NO_VALUES, &err) < 0 && op->r == 0)
        fail(op, err.code, &err);
}

/* One transaction. The first operation that is not in it, NULL at the end. */
static struct store_op *write_some(struct sql *db, struct store_op *first)
{
    struct store_op *op = first, *last = first;
    struct err err = {0};
    int r = sql_run(db, "BEGIN IMMEDIATE", SQL_NO_VALUES, &err);

    if (r < 0) {
        for (; op != NULL; op = op->next)
            fail(op, r, &err);
        return NULL;
    }
    for (; op != NULL; op = op->next) {
        last = op;
        write_one(db, op);
        /* A full disk, or an I/O error, makes SQLite roll back by itself: those before are lost as well. */
        if (!sql_in_transaction(db)) {
            if (op->r >= 0)
                fail(op, err_set(&err, -EIO, "the transaction was rolled back"), &err);
            err = op->err;
            fail_from(first, op, op->r, &err);
            return op->next;
        }
    }
    r = sql_run(db, "COMMIT", SQL_NO_VALUES, &err);
    if (r < 0) {
        struct err ignored = {0};

        fail_from(first, last, r, &err);
        if (sql_in_transaction(db))
            (void)!sql_run(db, "ROLLBACK", SQL_NO_VALUES, &ignored);
    }
    return NULL;
}

static void read_one(struct sql *db, struct store_op *op)
{
    struct err ignored = {0};

    op->r = sql_run(db, "BEGIN", SQL_NO_VALUES, &op->err);
    if (op->r == 0)
        op->r = op->run(op, db, &op->err);
    if (sql_in_transaction(db))
        (void)!sql_run(db, "ROLLBACK", SQL_NO_VALUES, &ignored);
}

static void work(struct lane *lane, struct store_op *ops)
{
    if (lane->reader) {
        for (; ops != NULL; ops = ops->next)
            read_one(lane->db, ops);
        return;
    }
    while (ops != NULL)
        ops = write_some(lane->db, ops);
}

/* Under the lock, as all that follows. */
static bool must_wait(const struct lane *lane)
{
    return !lane->stop && (lane->waiting.first == NULL || lane->done_bytes > READ_MAX_BYTES);
}

static struct store_op *take_first(struct store_ops *ops)
{
    struct store_op *first = ops->first;

    if (first == NULL)
        return NULL;
    ops->first = TAKE_PTR(first->next);
    if (ops->first == NULL)
        store_ops_init(ops);
    return first;
}

/* What the thread does next: the reader one operation, the writer all. NULL: there is none. */
static struct store_op *take_waiting(struct lane *lane)
{
    struct store_op *ops = lane->reader ? take_first(&lane->waiting) : store_ops_take(&lane->waiting);

    lane->waiting_bytes = lane->reader && ops != NULL ? lane->waiting_bytes - ops->bytes : 0;
    return ops;
}

static void *lane_main(void *arg)
{
    struct lane *lane = arg;

    (void)pthread_mutex_lock(lane->lock);
    for (;;) {
        struct store_op *ops;

        while (must_wait(lane))
            (void)pthread_cond_wait(&lane->wake, lane->lock);
        ops = take_waiting(lane);
        if (ops == NULL)
            break; /* stop, and nothing is left */
        (void)pthread_mutex_unlock(lane->lock);
        work(lane, ops);
        (void)pthread_mutex_lock(lane->lock);
        if (lane->reader)
            lane->done_bytes += ops->bytes;
        store_ops_append(lane->done, ops);
        (void)uv_async_send(lane->async);
    }
    (void)pthread_mutex_unlock(lane->lock);
    return NULL;
}

/* ---- on the loop ---- */

int lane_start(struct lane *lane, struct err *err)
{
    int r;

    store_ops_init(&lane->waiting);
    (void)pthread_cond_init(&lane->wake, NULL); /* glibc's cannot fail without attributes */
    r = pthread_create(&lane->thread, NULL, lane_main, lane);
    if (r != 0) {
        (void)pthread_cond_destroy(&lane->wake);
        return err_errno(err, -r, "a thread of the store");
    }
    lane->started = true;
    return 0;
}

void lane_stop(struct lane *lane)
{
    if (lane->started) {
        (void)pthread_mutex_lock(lane->lock);
        lane->stop = true;
        (void)pthread_cond_signal(&lane->wake);
        (void)pthread_mutex_unlock(lane->lock);
        (void)pthread_join(lane->thread, NULL);
        (void)pthread_cond_destroy(&lane->wake);
        lane->started = false;
    }
    sql_close(TAKE_PTR(lane->db));
}

void lane_note_freed(struct lane *lane, size_t n)
{
    lane->done_bytes -= n;
    if (lane->started)
        (void)pthread_cond_signal(&lane->wake);
}

bool lane_add(struct lane *lane, struct store_op *op)
{
    bool fits;

    (void)pthread_mutex_lock(lane->lock);
    /* One always fits, however large. */
    fits = lane->waiting.first == NULL || lane->waiting_bytes + op->bytes <= WAITING_MAX_BYTES;
    if (fits) {
        lane->waiting_bytes += op->bytes;
        store_ops_append(&lane->waiting, op);
        (void)pthread_cond_signal(&lane->wake);
    }
    (void)pthread_mutex_unlock(lane->lock);
    return fits;
}
