/*
 * A queue to the writer thread, and a queue back.
 *
 *   loop:   add -> waiting (list under the lock) ... on_async: takes `done`, calls back
 *   writer: takes all of `waiting`, BEGIN, one INSERT each, COMMIT, moves them to `done`, uv_async_send()
 */
#include "store/store.h"

#include <errno.h>
#include <pthread.h>
#include <sqlite3.h>
#include <sys/stat.h>
#include <time.h>

#include "store/schema.h"

enum { WAITING_MAX_BYTES = 64 << 20, BUSY_MS = 5000 };

struct item {
    struct item *next;
    store_on_added *on_added;
    void *arg;      /* borrowed */
    char *language; /* owned, as all below */
    char *code, *output;
    size_t code_len, output_len;
    int exit_code;
    uint64_t time_us, memory_bytes;
    int64_t created_us;
    int64_t id; /* set by the writer; <= 0: err says why not */
    struct err err;
};

struct item_list {
    struct item *first, **end;
};

struct store {
    sqlite3 *db;          /* owned; the writer's once it runs */
    sqlite3_stmt *insert; /* owned */
    uv_async_t *async;    /* owned */
    pthread_t writer;
    bool started;
    pthread_mutex_t lock; /* of all below */
    pthread_cond_t wake;
    struct item_list waiting, done;
    size_t waiting_bytes;
    bool stop;
};

static void list_init(struct item_list *list)
{
    *list = (struct item_list){.end = &list->first};
}

static struct item *list_take(struct item_list *list)
{
    struct item *first = list->first;

    list_init(list);
    return first;
}

static void list_append(struct item_list *list, struct item *items)
{
    *list->end = items;
    while (*list->end != NULL)
        list->end = &(*list->end)->next;
}

static void item_free(struct item *item)
{
    if (item == NULL)
        return;
    free(item->language);
    free(item->code);
    free(item->output);
    free(item);
}
DEFINE_FREEP(struct item, item)

static void items_free(struct item *items)
{
    while (items != NULL) {
        struct item *next = items->next;

        item_free(items);
        items = next;
    }
}

static size_t item_bytes(const struct item *item)
{
    return sizeof *item + item->code_len + item->output_len;
}

/* ---- the writer's side ---- */

static void insert(struct store *store, struct item *item)
{
    sqlite3_stmt *s = store->insert;
    bool ok;

    /* SQLITE_STATIC: the item outlives the statement's step. */
    ok = sqlite3_bind_int64(s, 1, item->created_us) == SQLITE_OK &&
         sqlite3_bind_text(s, 2, item->language, -1, SQLITE_STATIC) == SQLITE_OK &&
         sqlite3_bind_blob64(s, 3, item->code, item->code_len, SQLITE_STATIC) == SQLITE_OK &&
         sqlite3_bind_blob64(s, 4, item->output, item->output_len, SQLITE_STATIC) == SQLITE_OK &&
         sqlite3_bind_int(s, 5, item->exit_code) == SQLITE_OK &&
         sqlite3_bind_int64(s, 6, (int64_t)item->time_us) == SQLITE_OK &&
         sqlite3_bind_int64(s, 7, (int64_t)item->memory_bytes) == SQLITE_OK &&
         sqlite3_step(s) == SQLITE_DONE;
    if (ok)
        item->id = sqlite3_last_insert_rowid(store->db);
    else
        err_set(&item->err, -EIO, "submission: %s", sqlite3_errmsg(store->db));
    (void)sqlite3_reset(s);
    (void)sqlite3_clear_bindings(s);
}

static void fail_all(struct store *store, struct item *items, const char *what)
{
    struct err err = {0};

    err_set(&err, -EIO, "%s: %s", what, sqlite3_errmsg(store->db));
    for (; items != NULL; items = items->next) {
        items->id = 0;
        items->err = err;
    }
}

/* One transaction for all. An item that does not go in fails alone. */
static void write_items(struct store *store, struct item *items)
{
    if (sqlite3_exec(store->db, "BEGIN IMMEDIATE", NULL, NULL, NULL) != SQLITE_OK) {
        fail_all(store, items, "begin");
        return;
    }
    for (struct item *item = items; item != NULL; item = item->next)
        insert(store, item);
    /* A full disk makes SQLite roll back by itself; COMMIT fails then, as there is no transaction. */
    if (sqlite3_exec(store->db, "COMMIT", NULL, NULL, NULL) != SQLITE_OK) {
        fail_all(store, items, "commit");
        (void)sqlite3_exec(store->db, "ROLLBACK", NULL, NULL, NULL);
    }
}

static void *writer_main(void *arg)
{
    struct store *store = arg;

    (void)pthread_mutex_lock(&store->lock);
    for (;;) {
        struct item *items;

        while (store->waiting.first == NULL && !store->stop)
            (void)pthread_cond_wait(&store->wake, &store->lock);
        items = list_take(&store->waiting);
        store->waiting_bytes = 0;
        if (items == NULL)
            break; /* stop, and nothing is left */
        (void)pthread_mutex_unlock(&store->lock);
        write_items(store, items);
        (void)pthread_mutex_lock(&store->lock);
        list_append(&store->done, items);
        (void)uv_async_send(store->async);
    }
    (void)pthread_mutex_unlock(&store->lock);
    return NULL;
}

/* ---- the loop's side ---- */

static void call_back(struct store *store)
{
    struct item *items;

    (void)pthread_mutex_lock(&store->lock);
    items = list_take(&store->done);
    (void)pthread_mutex_unlock(&store->lock);
    for (struct item *item = items; item != NULL; item = item->next)
        item->on_added(item->arg, item->id > 0 ? item->id : item->err.code,
                       item->id > 0 ? NULL : &item->err);
    items_free(items);
}

static void on_async(uv_async_t *handle)
{
    call_back(handle->data);
}

static char *copy_bytes(struct slice bytes)
{
    char *copy = malloc(bytes.len + 1);

    if (copy != NULL && bytes.len > 0)
        memcpy(copy, bytes.at, bytes.len);
    return copy;
}

static int64_t unix_us(void)
{
    struct timespec now;

    (void)clock_gettime(CLOCK_REALTIME, &now);
    return (int64_t)now.tv_sec * 1000000 + now.tv_nsec / 1000;
}

static int item_new(struct item **ret, const struct store_submission *from, struct err *err)
{
    CLEANUP(item_freep) struct item *item = calloc(1, sizeof *item);

    if (item == NULL)
        return err_set(err, -ENOMEM, "submission");
    item->language = strdup(from->language);
    item->code = copy_bytes(from->code);
    item->output = copy_bytes(from->output);
    if (item->language == NULL || item->code == NULL || item->output == NULL)
        return err_set(err, -ENOMEM, "submission");
    item->code_len = from->code.len;
    item->output_len = from->output.len;
    item->exit_code = from->exit_code;
    item->time_us = from->time_us;
    item->memory_bytes = from->memory_bytes;
    item->created_us = unix_us();
    *ret = TAKE_PTR(item);
    return 0;
}

int store_add_submission(struct store *store, const struct store_submission *submission,
                         store_on_added *on_added, void *arg, struct err *err)
{
    CLEANUP(item_freep) struct item *item = NULL;
    int r = item_new(&item, submission, err);

    if (r < 0)
        return r;
    item->on_added = on_added;
    item->arg = arg;
    (void)pthread_mutex_lock(&store->lock);
    if (store->waiting_bytes + item_bytes(item) > WAITING_MAX_BYTES &&
        store->waiting.first != NULL) {
        r = STORE_E_FULL;
    } else {
        store->waiting_bytes += item_bytes(item);
        list_append(&store->waiting, TAKE_PTR(item));
        (void)pthread_cond_signal(&store->wake);
    }
    (void)pthread_mutex_unlock(&store->lock);
    return r;
}

/* ---- opening and closing ---- */

static int open_db(struct store *store, const char *dir, struct err *err)
{
    /* FULL: a commit is on the disk when it returns, also with a write-ahead log. */
    static const char settings[] =
        "PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL; PRAGMA foreign_keys = ON;";
    CLEANUP(freep) char *path = NULL;
    int r;

    if (asprintf(&path, "%s/glimpse.db", dir) < 0) {
        path = NULL;
        return err_set(err, -ENOMEM, "store");
    }
    r = sqlite3_open_v2(path, &store->db,
                        SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE | SQLITE_OPEN_NOMUTEX, NULL);
    if (r != SQLITE_OK)
        return err_set(err, -EIO, "%s: %s", path,
                       store->db ? sqlite3_errmsg(store->db) : sqlite3_errstr(r));
    /* It holds other people's programs; the -wal and -shm files take after it. */
    (void)chmod(path, 0600);
    (void)sqlite3_busy_timeout(store->db, BUSY_MS);
    if (sqlite3_exec(store->db, settings, NULL, NULL, NULL) != SQLITE_OK)
        return err_set(err, -EIO, "%s: %s", path, sqlite3_errmsg(store->db));
    r = schema_migrate(store->db, err);
    if (r < 0)
        return err_wrap(err, r, "%s", path);
    if (sqlite3_prepare_v3(store->db,
                           "INSERT INTO submissions"
                           " (created_us, language, code, output, exit_code, time_us, memory_bytes)"
                           " VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7)",
                           -1, SQLITE_PREPARE_PERSISTENT, &store->insert, NULL) != SQLITE_OK)
        return err_set(err, -EIO, "%s: %s", path, sqlite3_errmsg(store->db));
    return 0;
}

static int start_writer(struct store *store, uv_loop_t *loop, struct err *err)
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
    r = pthread_create(&store->writer, NULL, writer_main, store);
    if (r != 0)
        return err_errno(err, -r, "store: writer thread");
    store->started = true;
    return 0;
}

int store_new(struct store **ret, uv_loop_t *loop, const char *dir, struct err *err)
{
    CLEANUP(store_freep) struct store *store = calloc(1, sizeof *store);
    int r;

    if (store == NULL)
        return err_set(err, -ENOMEM, "store");
    (void)pthread_mutex_init(&store->lock, NULL); /* glibc's cannot fail without attributes */
    (void)pthread_cond_init(&store->wake, NULL);
    list_init(&store->waiting);
    list_init(&store->done);
    r = open_db(store, dir, err);
    if (r == 0)
        r = start_writer(store, loop, err);
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
    if (store->started) {
        (void)pthread_mutex_lock(&store->lock);
        store->stop = true;
        (void)pthread_cond_signal(&store->wake);
        (void)pthread_mutex_unlock(&store->lock);
        (void)pthread_join(store->writer, NULL);
        call_back(store);
    }
    if (store->async != NULL)
        uv_close((uv_handle_t *)store->async, on_closed);
    (void)sqlite3_finalize(store->insert);
    (void)sqlite3_close(store->db);
    (void)pthread_cond_destroy(&store->wake);
    (void)pthread_mutex_destroy(&store->lock);
    free(store);
}
