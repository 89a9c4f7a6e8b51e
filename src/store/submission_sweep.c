/* store_submissions_sweep(). What it frees goes back to the file system a bit at a time (incremental vacuum). */
#include <errno.h>

#include "store/op.h"
#include "store/submissions.h"

/* A step: few rows, as each may have megabytes behind it; the numbers are in the statements. */
#define STEP "50"

struct sweep {
    struct store_op op;
    struct submission_sweep what;
    bool more;
    store_on_done *on_done;
    void *arg; /* borrowed */
};

static int ask_number(uint64_t *ret, struct sql *db, const char *text, struct err *err)
{
    CLEANUP(sql_rows_done) struct sql_rows rows = {0};
    int r = sql_ask(&rows, db, text, SQL_NO_VALUES, err);

    if (r == 0)
        r = sql_next(&rows, err);
    if (r == 1)
        *ret = (uint64_t)sql_int(&rows, 0);
    return r < 0 ? r : 0;
}

/* Bytes of the pages that hold something. */
static int used_bytes(uint64_t *ret, struct sql *db, struct err *err)
{
    uint64_t pages = 0, spare = 0, size = 0;
    int r = ask_number(&pages, db, "PRAGMA page_count", err);

    if (r == 0)
        r = ask_number(&spare, db, "PRAGMA freelist_count", err);
    if (r == 0)
        r = ask_number(&size, db, "PRAGMA page_size", err);
    *ret = (pages - spare) * size;
    return r;
}

static int delete_old(struct sweep *sweep, struct sql *db, struct err *err)
{
    int r = sql_run(db,
                    "DELETE FROM submissions WHERE number IN (SELECT number FROM submissions"
                    " WHERE finished_us < ?1 ORDER BY finished_us LIMIT " STEP ")",
                    SQL_VALUES(SQL_INT(sweep->what.finished_before_us)), err);

    if (r == 0)
        sweep->more = sql_n_changed(db) > 0;
    if (r == 0)
        r = sql_run(db,
                    "DELETE FROM submission_keys WHERE (owner, key) IN (SELECT owner, key FROM submission_keys"
                    " WHERE created_us < ?1 ORDER BY created_us LIMIT " STEP ")",
                    SQL_VALUES(SQL_INT(sweep->what.keys_before_us)), err);
    if (r == 0)
        sweep->more = sweep->more || sql_n_changed(db) > 0;
    return r;
}

static int delete_too_much(struct sweep *sweep, struct sql *db, struct err *err)
{
    uint64_t used = 0;
    int r = sweep->what.bytes_max == 0 ? 0 : used_bytes(&used, db, err);

    if (r < 0 || used <= sweep->what.bytes_max)
        return r;
    r = sql_run(db,
                "DELETE FROM submissions WHERE number IN (SELECT number FROM submissions"
                " WHERE finished_us IS NOT NULL ORDER BY finished_us LIMIT " STEP ")",
                SQL_NO_VALUES, err);
    if (r == 0)
        sweep->more = sweep->more || sql_n_changed(db) > 0;
    return r;
}

static int run(struct store_op *op, struct sql *db, struct err *err)
{
    struct sweep *sweep = (struct sweep *)(void *)op;
    uint64_t before = 0, after = 0;
    int r = delete_old(sweep, db, err);

    if (r == 0)
        r = delete_too_much(sweep, db, err);
    if (r == 0)
        r = ask_number(&before, db, "PRAGMA freelist_count", err);
    if (r == 0)
        r = sql_run(db, "PRAGMA incremental_vacuum(500)", SQL_NO_VALUES, err);
    if (r == 0)
        r = ask_number(&after, db, "PRAGMA freelist_count", err);
    sweep->more = sweep->more || (after > 0 && after < before);
    return r;
}

static void done(struct store_op *op, int r, const struct err *err)
{
    struct sweep *sweep = (struct sweep *)(void *)op;

    sweep->on_done(sweep->arg, r < 0 ? r : sweep->more ? STORE_E_MORE : 0, err);
}

static void sweep_free(struct store_op *op)
{
    free(op);
}

int store_submissions_sweep(struct store *store, const struct submission_sweep *what, store_on_done *on_done,
                            void *arg, struct err *err)
{
    struct sweep *sweep = malloc(sizeof *sweep);

    if (sweep == NULL)
        return err_set(err, -ENOMEM, "old submissions");
    *sweep = (struct sweep){.op = {.run = run, .done = done, .free = sweep_free, .bytes = sizeof *sweep},
                            .what = *what,
                            .on_done = on_done,
                            .arg = arg};
    return store_submit(store, STORE_WRITER, &sweep->op);
}
