/* What the life of one submission writes: claimed, started, queued again, finished. */
#include <errno.h>

#include "store/op.h"
#include "store/submission_rows.h"

struct step {
    struct store_op op;
    struct submission_rows row; /* one: what is written; for a claim, what was found */
    store_on_rows *on_rows;     /* or NULL */
    store_on_done *on_done;     /* or NULL */
    void *arg;                  /* borrowed */
};

static struct submission_row *row_of(struct store_op *op)
{
    return ((struct step *)(void *)op)->row.at;
}

static void done(struct store_op *op, int r, const struct err *err)
{
    struct step *step = (struct step *)(void *)op;

    if (step->on_rows != NULL)
        step->on_rows(step->arg, r, step->row.at, step->row.n, err);
    if (step->on_done != NULL)
        step->on_done(step->arg, r, err);
}

static void step_free(struct store_op *op)
{
    struct step *step = (struct step *)(void *)op;

    submission_rows_done(&step->row);
    free(step);
}

static int submit(struct store *store, struct step from, const struct submission_row *row,
                  int (*run)(struct store_op *op, struct sql *db, struct err *err), struct err *err)
{
    struct step *step = malloc(sizeof *step);

    if (step == NULL)
        return err_set(err, -ENOMEM, "submission");
    *step = from;
    if (submission_rows_add(&step->row, row) < 0) {
        free(step);
        return err_set(err, -ENOMEM, "submission");
    }
    step->op = (struct store_op){
        .run = run, .done = done, .free = step_free, .bytes = sizeof *step + sizeof *row + step->row.bytes};
    return store_submit(store, STORE_WRITER, &step->op);
}

/* ---- claim ---- */

static int read_request(struct submission_rows *into, struct sql *db, int64_t number, struct err *err)
{
    CLEANUP(sql_rows_done) struct sql_rows rows = {0};
    struct submission_row row;
    int r = sql_ask(&rows, db,
                    "SELECT " SUBMISSION_COLUMNS ", body FROM submissions JOIN submission_requests USING (number)"
                    " WHERE number = ?1",
                    SQL_VALUES(SQL_INT(number)), err);

    if (r == 0)
        r = sql_next(&rows, err);
    if (r <= 0)
        return r < 0 ? r : STORE_E_NONE;
    submission_rows_done(into);
    submission_row_read(&row, &rows);
    row.request = sql_bytes(&rows, SUBMISSION_N_COLUMNS);
    return submission_rows_add(into, &row) < 0 ? err_set(err, -ENOMEM, "submission") : 0;
}

static int run_claim(struct store_op *op, struct sql *db, struct err *err)
{
    struct step *step = (struct step *)(void *)op;
    const int64_t number = step->row.at->number;
    int r = sql_run(db, "UPDATE submissions SET attempts = ?2 WHERE number = ?1",
                    SQL_VALUES(SQL_INT(number), SQL_INT(step->row.at->attempts)), err);

    return r < 0 ? r : read_request(&step->row, db, number, err);
}

int store_submission_claim(struct store *store, int64_t number, uint32_t attempts, store_on_rows *on_rows, void *arg,
                           struct err *err)
{
    const struct submission_row row = {.number = number, .attempts = attempts};

    return submit(store, (struct step){.on_rows = on_rows, .arg = arg}, &row, run_claim, err);
}

/* ---- started, requeued ---- */

static int run_started(struct store_op *op, struct sql *db, struct err *err)
{
    return sql_run(
        db, "UPDATE submissions SET status = 'running', started_us = ?2 WHERE number = ?1 AND finished_us IS NULL",
        SQL_VALUES(SQL_INT(row_of(op)->number), SQL_INT(row_of(op)->started_us)), err);
}

int store_submission_started(struct store *store, int64_t number, int64_t started_us, struct err *err)
{
    const struct submission_row row = {.number = number, .started_us = started_us};

    return submit(store, (struct step){0}, &row, run_started, err);
}

static int run_requeue(struct store_op *op, struct sql *db, struct err *err)
{
    return sql_run(db,
                   "UPDATE submissions SET status = 'queued', started_us = NULL, attempts = ?2"
                   " WHERE number = ?1 AND finished_us IS NULL",
                   SQL_VALUES(SQL_INT(row_of(op)->number), SQL_INT(row_of(op)->attempts)), err);
}

int store_submission_requeue(struct store *store, int64_t number, uint32_t attempts, struct err *err)
{
    const struct submission_row row = {.number = number, .attempts = attempts};

    return submit(store, (struct step){0}, &row, run_requeue, err);
}

/* ---- finished ---- */

static int run_finish(struct store_op *op, struct sql *db, struct err *err)
{
    const struct submission_row *row = row_of(op);
    int r = sql_run(
        db,
        "UPDATE submissions SET version = coalesce(nullif(?2, ''), version), status = ?3, message = ?4,"
        " started_us = ?5, finished_us = ?6 WHERE number = ?1 AND finished_us IS NULL",
        SQL_VALUES(SQL_INT(row->number), SQL_TEXT(row->version), SQL_TEXT(row->status), SQL_TEXT(row->message),
                   row->started_us != 0 ? SQL_INT(row->started_us) : SQL_NULL, SQL_INT(row->finished_us)),
        err);

    if (r < 0 || sql_n_changed(db) == 0)
        return r;
    if (row->stages.at != NULL)
        r = sql_run(db,
                    "INSERT INTO submission_results (number, files_omitted, stages, files) VALUES (?1, ?2, ?3, ?4)",
                    SQL_VALUES(SQL_INT(row->number), SQL_INT(row->files_omitted), SQL_BLOB(row->stages),
                               SQL_BLOB(row->files)),
                    err);
    if (r == 0)
        r = sql_run(db,
                    "INSERT INTO webhooks (number, due_us, tries, delivered, answer)"
                    " SELECT number, ?2, 0, 0, '' FROM submissions WHERE number = ?1 AND callback_url <> ''",
                    SQL_VALUES(SQL_INT(row->number), SQL_INT(row->finished_us)), err);
    return r;
}

int store_submission_finish(struct store *store, const struct submission_row *result, store_on_done *on_done,
                            void *arg, struct err *err)
{
    return submit(store, (struct step){.on_done = on_done, .arg = arg}, result, run_finish, err);
}
