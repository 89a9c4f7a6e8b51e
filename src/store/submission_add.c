/* store_submissions_add(): in one savepoint, so that of a batch there are all or none, and its key with them. */
#include <errno.h>

#include "store/op.h"
#include "store/submission_rows.h"

struct add {
    struct store_op op;
    struct submission_rows rows;
    bool has_key;
    char key_text[SUBMISSION_KEY_BYTES];
    struct submission_key key;
    store_on_rows *on_rows;
    void *arg; /* borrowed */
};

static int insert(struct sql *db, struct submission_row *row, struct err *err)
{
    const bool finished = row->finished_us != 0;
    int r = sql_run(
        db,
        "INSERT INTO submissions (id, owner, caller, language, version, status, message, callback_url, attempts,"
        " created_us, started_us, finished_us) VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12)",
        SQL_VALUES(SQL_TEXT(row->id), SQL_TEXT(row->owner), SQL_TEXT(row->caller), SQL_TEXT(row->language),
                   SQL_TEXT(row->version), SQL_TEXT(row->status), SQL_TEXT(row->message), SQL_TEXT(row->callback_url),
                   SQL_INT(row->attempts), SQL_INT(row->created_us), finished ? SQL_INT(row->started_us) : SQL_NULL,
                   finished ? SQL_INT(row->finished_us) : SQL_NULL),
        err);

    row->number = sql_last_id(db);
    if (r == 0)
        r = sql_run(db, "INSERT INTO submission_requests (number, body) VALUES (?1, ?2)",
                    SQL_VALUES(SQL_INT(row->number), SQL_BLOB(row->request)), err);
    if (r == 0 && row->stages.at != NULL)
        r = sql_run(db,
                    "INSERT INTO submission_results (number, files_omitted, stages, files) VALUES (?1, ?2, ?3, ?4)",
                    SQL_VALUES(SQL_INT(row->number), SQL_INT(row->files_omitted), SQL_BLOB(row->stages),
                               SQL_BLOB(row->files)),
                    err);
    return r;
}

/* The rows of the first time take the place of those that were sent. */
static int read_first(struct add *add, struct sql *db, int64_t first, int64_t n, struct err *err)
{
    CLEANUP(sql_rows_done) struct sql_rows rows = {0};
    struct submission_row row;
    int r = sql_ask(&rows, db,
                    "SELECT " SUBMISSION_COLUMNS
                    " FROM submissions WHERE number >= ?1 AND number < ?1 + ?2 ORDER BY number",
                    SQL_VALUES(SQL_INT(first), SQL_INT(n)), err);

    submission_rows_done(&add->rows);
    while (r == 0 && (r = sql_next(&rows, err)) == 1) {
        submission_row_read(&row, &rows);
        r = submission_rows_add(&add->rows, &row);
        if (r < 0)
            return err_set(err, r, "submission");
    }
    return r;
}

static const char *key_owner(const struct add *add)
{
    const struct submission_row *first = &add->rows.at[0];

    return first->owner[0] != '\0' ? first->owner : first->caller;
}

/* 0: the key is free. */
static int look_up_key(struct add *add, struct sql *db, struct err *err)
{
    CLEANUP(sql_rows_done) struct sql_rows rows = {0};
    struct slice hash;
    int64_t first, n;
    int r = sql_ask(&rows, db,
                    "SELECT hash, first, n FROM submission_keys WHERE owner = ?1 AND key = ?2 AND created_us > ?3",
                    SQL_VALUES(SQL_TEXT(key_owner(add)), SQL_TEXT(add->key_text), SQL_INT(add->key.expired_us)), err);

    if (r == 0)
        r = sql_next(&rows, err);
    if (r <= 0)
        return r;
    hash = sql_bytes(&rows, 0);
    if (hash.len != sizeof add->key.hash || memcmp(hash.at, add->key.hash, hash.len) != 0)
        return STORE_E_KEY_TAKEN;
    first = sql_int(&rows, 1);
    n = sql_int(&rows, 2);
    r = read_first(add, db, first, n, err);
    return r < 0 ? r : STORE_E_REPLAYED;
}

static int write_key(const struct add *add, struct sql *db, struct err *err)
{
    const struct submission_row *first = &add->rows.at[0];
    const struct slice hash = {(const char *)add->key.hash, sizeof add->key.hash};

    return sql_run(db,
                   "INSERT OR REPLACE INTO submission_keys (owner, key, hash, first, n, created_us)"
                   " VALUES (?1, ?2, ?3, ?4, ?5, ?6)",
                   SQL_VALUES(SQL_TEXT(key_owner(add)), SQL_TEXT(add->key_text), SQL_BLOB(hash),
                              SQL_INT(first->number), SQL_INT(add->rows.n), SQL_INT(first->created_us)),
                   err);
}

static int run(struct store_op *op, struct sql *db, struct err *err)
{
    struct add *add = (struct add *)(void *)op;
    int r = add->has_key ? look_up_key(add, db, err) : 0;

    for (size_t i = 0; r == 0 && i < add->rows.n; i++)
        r = insert(db, &add->rows.at[i], err);
    if (r == 0 && add->has_key)
        r = write_key(add, db, err);
    return r < 0 ? err_wrap(err, r, "submission") : r;
}

static void done(struct store_op *op, int r, const struct err *err)
{
    struct add *add = (struct add *)(void *)op;

    add->on_rows(add->arg, r, add->rows.at, add->rows.n, err);
}

static void add_free(struct store_op *op)
{
    struct add *add = (struct add *)(void *)op;

    submission_rows_done(&add->rows);
    free(add);
}

int store_submissions_add(struct store *store, const struct submission_row *rows, size_t n,
                          const struct submission_key *key, store_on_rows *on_rows, void *arg, struct err *err)
{
    struct add *add = calloc(1, sizeof *add);
    int r = add == NULL ? -ENOMEM : 0;

    for (size_t i = 0; r == 0 && i < n; i++)
        r = submission_rows_add(&add->rows, &rows[i]);
    if (r < 0) {
        if (add != NULL)
            add_free(&add->op);
        return err_set(err, r, "submission");
    }
    add->has_key = key != NULL && key->key != NULL;
    if (add->has_key) {
        add->key = *key;
        (void)snprintf(add->key_text, sizeof add->key_text, "%s", key->key);
    }
    add->on_rows = on_rows;
    add->arg = arg;
    add->op = (struct store_op){
        .run = run, .done = done, .free = add_free, .bytes = sizeof *add + n * sizeof *rows + add->rows.bytes};
    return store_submit(store, STORE_WRITER, &add->op);
}
