/*
 * Two lanes and a queue back.
 *
 *   loop:   store_submit -> a lane's queue  ...  on_async: takes `done`, tells those who asked
 *   lanes:  take all that waits, run it, move it to `done`, uv_async_send()
 */
#include "store/store.h"

#include <errno.h>

#include "store/lane.h"
#include "store/schema.h"

struct store {
    struct lane lanes[STORE_N_LANES];
    uv_async_t *async;    /* owned */
    pthread_mutex_t lock; /* of the lanes' queues, and of: */
    struct store_ops done;
    bool closing; /* what is asked for now would never be done */
};

/* ---- answers ---- */

static void call_back(struct store *store)
{
    struct lane *reader = &store->lanes[STORE_READER];
    struct store_op *op, *next;
    size_t read_bytes;

    (void)pthread_mutex_lock(&store->lock);
    op = store_ops_take(&store->done);
    read_bytes = reader->done_bytes;
    (void)pthread_mutex_unlock(&store->lock);
    for (; op != NULL; op = next) {
        next = op->next;
        op->done(op, op->r, op->r < 0 ? &op->err : NULL);
        op->free(op);
    }
    (void)pthread_mutex_lock(&store->lock);
    lane_note_freed(reader, read_bytes);
    (void)pthread_mutex_unlock(&store->lock);
}

static void on_async(uv_async_t *handle)
{
    call_back(handle->data);
}

int store_submit(struct store *store, enum store_lane lane, struct store_op *op)
{
    op->next = NULL;
    if (!store->closing && lane_add(&store->lanes[lane], op))
        return 0;
    op->free(op);
    return STORE_E_FULL;
}

void store_count_waiting(struct store *store, uint64_t *writing, uint64_t *reading)
{
    (void)pthread_mutex_lock(&store->lock);
    *writing = store->lanes[STORE_WRITER].waiting_bytes;
    *reading = store->lanes[STORE_READER].waiting_bytes;
    (void)pthread_mutex_unlock(&store->lock);
}

/* ---- opening and closing ---- */

static int migrate(struct sql *db, const char *path, struct err *err)
{
    int r = schema_migrate(db, err);

    return r < 0 ? err_wrap(err, r, "%s", path) : 0;
}

/* The writer first: it makes the file, and its tables. */
static int open_lanes(struct store *store, const char *dir, struct err *err)
{
    CLEANUP(freep) char *path = NULL;
    int r;

    if (asprintf(&path, "%s/" STORE_FILE, dir) < 0) {
        path = NULL;
        return err_set(err, -ENOMEM, "store");
    }
    for (size_t i = 0; i < STORE_N_LANES; i++) {
        struct lane *lane = &store->lanes[i];

        *lane = (struct lane){
            .reader = i == STORE_READER, .done = &store->done, .async = store->async, .lock = &store->lock};
        r = sql_open(&lane->db, path, lane->reader, err);
        if (r == 0 && !lane->reader)
            r = migrate(lane->db, path, err);
        if (r == 0)
            r = lane_start(lane, err);
        if (r < 0)
            return r;
    }
    return 0;
}

static int open_async(struct store *store, uv_loop_t *loop, struct err *err)
{
    int r;

    store->async = calloc(1, sizeof *store->async);
    if (store->async == NULL)
        return err_set(err, -ENOMEM, "store");
    r = uv_async_init(loop, store->async, on_async);
    if (r < 0) {
        free(TAKE_PTR(store->async));
        return err_set(err, r, "store: %s", uv_strerror(r));
    }
    store->async->data = store;
    return 0;
}

int store_new(struct store **ret, uv_loop_t *loop, const char *dir, struct err *err)
{
    CLEANUP(store_freep) struct store *store = calloc(1, sizeof *store);
    int r;

    if (store == NULL)
        return err_set(err, -ENOMEM, "store");
    (void)pthread_mutex_init(&store->lock, NULL); /* glibc's cannot fail without attributes */
    store_ops_init(&store->done);
    r = open_async(store, loop, err);
    if (r == 0)
        r = open_lanes(store, dir, err);
    if (r < 0)
        return r;
    *ret = TAKE_PTR(store);
    return 0;
}

static void on_closed(uv_handle_t *handle)
{
    free(handle);
}

void store_free(struct store *store)
{
    if (store == NULL)
        return;
    for (size_t i = STORE_N_LANES; i-- > 0;)
        lane_stop(&store->lanes[i]);
    store->closing = true;
    call_back(store);
    if (store->async != NULL)
        uv_close((uv_handle_t *)store->async, on_closed);
    (void)pthread_mutex_destroy(&store->lock);
    free(store);
}
