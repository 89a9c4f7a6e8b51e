#include "store/webhooks.h"

#include <errno.h>

#include "store/op.h"
#include "store/submission_rows.h"

/* ---- take ---- */

struct take {
    struct store_op op;
    int64_t now_us, again_us, next_us;
    size_t limit;
    uint64_t bytes_max;
    struct submission_rows rows;
    store_on_due *on_due;
    void *arg; /* borrowed */
};

static int take_row(struct take *take, struct sql *db, const struct sql_rows *from, struct err *err)
{
    CLEANUP(sql_rows_done) struct sql_rows result = {0};
    struct submission_row row;
    int r;

    submission_row_read(&row, from);
    row.webhook_tries = (uint32_t)sql_int(from, SUBMISSION_N_COLUMNS) + 1;
    /* SQLite knows a length without reading: some of these at one time would be gigabytes. */
    r = sql_ask(&result, db,
                "SELECT small, files_omitted, CASE WHEN small THEN stages END, CASE WHEN small THEN files END FROM"
                " (SELECT length(stages) + coalesce(length(files), 0) <= ?2 AS small, files_omitted, stages, files"
                " FROM submission_results WHERE number = ?1)",
                SQL_VALUES(SQL_INT(row.number), SQL_INT(take->bytes_max)), err);
    if (r == 0)
        r = sql_next(&result, err);
    if (r == 1) {
        row.too_large = sql_int(&result, 0) == 0;
        row.files_omitted = (uint64_t)sql_int(&result, 1);
        row.stages = sql_bytes(&result, 2);
        row.files = sql_bytes(&result, 3);
    }
    if (r < 0)
        return r;
    return submission_rows_add(&take->rows, &row) < 0 ? err_set(err, -ENOMEM, "webhook") : 0;
}

static int read_due(struct take *take, struct sql *db, struct err *err)
{
    CLEANUP(sql_rows_done) struct sql_rows rows = {0};
    int r = sql_ask(&rows, db,
                    "SELECT " SUBMISSION_COLUMNS ", tries FROM submissions JOIN webhooks USING (number)"
                    " WHERE due_us <= ?1 ORDER BY due_us LIMIT ?2",
                    SQL_VALUES(SQL_INT(take->now_us), SQL_INT(take->limit)), err);

    while (r == 0 && (r = sql_next(&rows, err)) == 1)
        r = take_row(take, db, &rows, err);
    return r;
}

static int run_take(struct store_op *op, struct sql *db, struct err *err)
{
    struct take *take = (struct take *)(void *)op;
    CLEANUP(sql_rows_done) struct sql_rows next = {0};
    int r = read_due(take, db, err);

    for (size_t i = 0; r == 0 && i < take->rows.n; i++)
        r = sql_run(db, "UPDATE webhooks SET tries = tries + 1, due_us = ?2 WHERE number = ?1",
                    SQL_VALUES(SQL_INT(take->rows.at[i].number), SQL_INT(take->again_us)), err);
    if (r == 0)
        r = sql_ask(&next, db, "SELECT min(due_us) FROM webhooks WHERE due_us IS NOT NULL", SQL_NO_VALUES, err);
    if (r == 0)
        r = sql_next(&next, err);
    if (r == 1)
        take->next_us = sql_int(&next, 0);
    return r < 0 ? r : 0;
}

static void take_done(struct store_op *op, int r, const struct err *err)
{
    struct take *take = (struct take *)(void *)op;

    take->on_due(take->arg, r, take->rows.at, take->rows.n, take->next_us, err);
}

static void take_free(struct store_op *op)
{
    struct take *take = (struct take *)(void *)op;

    submission_rows_done(&take->rows);
    free(take);
}

int store_webhooks_take(struct store *store, int64_t now_us, int64_t again_us, size_t limit, uint64_t bytes_max,
                        store_on_due *on_due, void *arg, struct err *err)
{
    struct take *take = malloc(sizeof *take);

    if (take == NULL)
        return err_set(err, -ENOMEM, "webhooks");
    *take = (struct take){.op = {.run = run_take, .done = take_done, .free = take_free, .bytes = sizeof *take},
                          .now_us = now_us,
                          .again_us = again_us,
                          .limit = limit,
                          .bytes_max = bytes_max,
                          .on_due = on_due,
                          .arg = arg};
    return store_submit(store, STORE_WRITER, &take->op);
}

/* ---- note ---- */

struct note {
    struct store_op op;
    struct webhook_outcome outcome;
    store_on_done *on_done;
    void *arg; /* borrowed */
};

static int run_note(struct store_op *op, struct sql *db, struct err *err)
{
    const struct webhook_outcome *outcome = &((struct note *)(void *)op)->outcome;

    return sql_run(db, "UPDATE webhooks SET delivered = ?2, due_us = ?3, answer = ?4 WHERE number = ?1",
                   SQL_VALUES(SQL_INT(outcome->number), SQL_INT(outcome->delivered),
                              outcome->due_us == 0 ? SQL_NULL : SQL_INT(outcome->due_us), SQL_TEXT(outcome->answer)),
                   err);
}

static void note_done(struct store_op *op, int r, const struct err *err)
{
    struct note *note = (struct note *)(void *)op;

    note->on_done(note->arg, r, err);
}

static void note_free(struct store_op *op)
{
    free(op);
}

int store_webhook_note(struct store *store, const struct webhook_outcome *outcome, store_on_done *on_done, void *arg,
                       struct err *err)
{
    struct note *note = malloc(sizeof *note);

    if (note == NULL)
        return err_set(err, -ENOMEM, "webhook");
    *note = (struct note){.op = {.run = run_note, .done = note_done, .free = note_free, .bytes = sizeof *note},
                          .outcome = *outcome,
                          .on_done = on_done,
                          .arg = arg};
    return store_submit(store, STORE_WRITER, &note->op);
}
