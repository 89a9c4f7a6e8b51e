/* Looking: one or some by id, a list, and what a start has to go on with. */
#include <errno.h>

#include "store/op.h"
#include "store/submission_rows.h"

struct find {
    struct store_op op;
    struct submission_query query; /* its texts are in here: */
    char owner[SUBMISSION_OWNER_BYTES], caller[SUBMISSION_OWNER_BYTES], status[24], language[64];
    char before_id[UUID_BYTES], not_before_id[UUID_BYTES];
    char *ids; /* owned */
    struct submission_rows found;
    store_on_rows *on_rows;
    void *arg; /* borrowed */
};

/* What is in other tables, because it may be large. 1: the row is there, 0: it is not. */
static int ask_one(struct sql_rows *rows, struct sql *db, const char *text, int64_t number, struct err *err)
{
    int r = sql_ask(rows, db, text, SQL_VALUES(SQL_INT(number)), err);

    return r < 0 ? r : sql_next(rows, err);
}

static int read_webhook(struct submission_row *row, struct sql *db, struct err *err)
{
    CLEANUP(sql_rows_done) struct sql_rows rows = {0};
    int r = ask_one(&rows, db, "SELECT due_us IS NULL, delivered, tries, answer FROM webhooks WHERE number = ?1",
                    row->number, err);

    row->webhook = row->callback_url[0] != '\0' ? WEBHOOK_WAITING : WEBHOOK_NONE; /* it is not finished */
    if (r <= 0)
        return r;
    row->webhook = sql_int(&rows, 1) != 0   ? WEBHOOK_DELIVERED
                   : sql_int(&rows, 0) != 0 ? WEBHOOK_FAILED
                                            : WEBHOOK_WAITING;
    row->webhook_tries = (uint32_t)sql_int(&rows, 2);
    (void)snprintf(row->webhook_answer, sizeof row->webhook_answer, "%s", sql_text(&rows, 3));
    return 0;
}

static int take_row(struct find *find, struct sql *db, const struct sql_rows *from, struct err *err)
{
    CLEANUP(sql_rows_done) struct sql_rows request = {0};
    CLEANUP(sql_rows_done) struct sql_rows result = {0};
    struct submission_row row;
    int r = 0;

    submission_row_read(&row, from);
    if (find->query.request)
        r = ask_one(&request, db, "SELECT body FROM submission_requests WHERE number = ?1", row.number, err);
    if (r == 1)
        row.request = sql_bytes(&request, 0);
    if (r >= 0 && (find->query.stages || find->query.files))
        r = ask_one(&result, db, "SELECT files_omitted, stages, files FROM submission_results WHERE number = ?1",
                    row.number, err);
    else if (r >= 0)
        r = 0;
    if (r == 1) {
        row.files_omitted = (uint64_t)sql_int(&result, 0);
        if (find->query.stages)
            row.stages = sql_bytes(&result, 1);
        if (find->query.files)
            row.files = sql_bytes(&result, 2);
    }
    if (r >= 0 && find->query.webhook)
        r = read_webhook(&row, db, err);
    if (r < 0)
        return r;
    return submission_rows_add(&find->found, &row) < 0 ? err_set(err, -ENOMEM, "submission") : 0;
}

static int find_ids(struct find *find, struct sql *db, struct err *err)
{
    for (size_t i = 0; i < find->query.n_ids; i++) {
        CLEANUP(sql_rows_done) struct sql_rows rows = {0};
        char id[UUID_BYTES] = "";
        int r;

        memcpy(id, find->ids + i * (UUID_BYTES - 1), UUID_BYTES - 1);
        r = sql_ask(&rows, db, "SELECT " SUBMISSION_COLUMNS " FROM submissions WHERE id = ?1 AND owner = ?2",
                    SQL_VALUES(SQL_TEXT(id), SQL_TEXT(find->owner)), err);
        if (r == 0)
            r = sql_next(&rows, err);
        if (r == 1)
            r = take_row(find, db, &rows, err);
        if (r < 0)
            return r;
    }
    return 0;
}

/* Ids sort by time. Two statements, so that a list by status can use the index that begins with it. */
#define LIST(by_status)                                                                                              \
    "SELECT " SUBMISSION_COLUMNS " FROM submissions"                                                                 \
    " WHERE owner = ?1 AND id < ?2 AND id >= ?3 AND (?4 IS NULL OR language = ?4)"                                   \
    " AND (?7 IS NULL OR caller = ?7) AND " by_status " ORDER BY id DESC LIMIT ?6"

static int find_list(struct find *find, struct sql *db, struct err *err)
{
    static const char any[] = LIST("?5 IS NULL"), with_status[] = LIST("status = ?5");
    const struct submission_query *query = &find->query;
    CLEANUP(sql_rows_done) struct sql_rows rows = {0};
    int r = sql_ask(&rows, db, query->status == NULL ? any : with_status,
                    SQL_VALUES(SQL_TEXT(query->owner), SQL_TEXT(query->before_id == NULL ? "g" : query->before_id),
                               SQL_TEXT(query->not_before_id == NULL ? "" : query->not_before_id),
                               SQL_TEXT(query->language), SQL_TEXT(query->status), SQL_INT(query->limit),
                               SQL_TEXT(query->caller)),
                    err);

    while (r == 0 && (r = sql_next(&rows, err)) == 1)
        r = take_row(find, db, &rows, err);
    return r;
}

static int run_find(struct store_op *op, struct sql *db, struct err *err)
{
    struct find *find = (struct find *)(void *)op;
    int r = find->query.n_ids > 0 ? find_ids(find, db, err) : find_list(find, db, err);

    op->bytes += find->found.bytes;
    return r;
}

static int run_unfinished(struct store_op *op, struct sql *db, struct err *err)
{
    struct find *find = (struct find *)(void *)op;
    CLEANUP(sql_rows_done) struct sql_rows rows = {0};
    int r = sql_run(db,
                    "UPDATE submissions SET status = 'queued', started_us = NULL WHERE finished_us IS NULL AND "
                    "status <> 'queued'",
                    SQL_NO_VALUES, err);

    if (r == 0)
        r = sql_ask(&rows, db,
                    "SELECT " SUBMISSION_COLUMNS " FROM submissions WHERE finished_us IS NULL ORDER BY number",
                    SQL_NO_VALUES, err);
    while (r == 0 && (r = sql_next(&rows, err)) == 1)
        r = take_row(find, db, &rows, err);
    return r;
}

static void done(struct store_op *op, int r, const struct err *err)
{
    struct find *find = (struct find *)(void *)op;

    find->on_rows(find->arg, r, find->found.at, find->found.n, err);
}

static void find_free(struct store_op *op)
{
    struct find *find = (struct find *)(void *)op;

    submission_rows_done(&find->found);
    free(find->ids);
    free(find);
}

static struct find *find_new(int (*run)(struct store_op *op, struct sql *db, struct err *err), store_on_rows *on_rows,
                             void *arg)
{
    struct find *find = calloc(1, sizeof *find);

    if (find == NULL)
        return NULL;
    find->op = (struct store_op){.run = run, .done = done, .free = find_free, .bytes = sizeof *find};
    find->on_rows = on_rows;
    find->arg = arg;
    return find;
}

/* text becomes its copy, which is cut where it can't be any value that is there. */
static void keep(const char **text, char *to, size_t size)
{
    if (*text == NULL)
        return;
    (void)snprintf(to, size, "%s", *text);
    *text = to;
}

int store_submissions_find(struct store *store, const struct submission_query *query, store_on_rows *on_rows,
                           void *arg, struct err *err)
{
    struct find *find = find_new(run_find, on_rows, arg);

    if (find == NULL)
        return err_set(err, -ENOMEM, "submissions");
    find->query = *query;
    keep(&find->query.owner, find->owner, sizeof find->owner);
    keep(&find->query.caller, find->caller, sizeof find->caller);
    keep(&find->query.status, find->status, sizeof find->status);
    keep(&find->query.language, find->language, sizeof find->language);
    keep(&find->query.before_id, find->before_id, sizeof find->before_id);
    keep(&find->query.not_before_id, find->not_before_id, sizeof find->not_before_id);
    if (query->n_ids > 0) {
        find->ids = malloc(query->n_ids * (UUID_BYTES - 1));
        if (find->ids == NULL) {
            find_free(&find->op);
            return err_set(err, -ENOMEM, "submissions");
        }
        memcpy(find->ids, query->ids, query->n_ids * (UUID_BYTES - 1));
    }
    return store_submit(store, STORE_READER, &find->op);
}

int store_submissions_unfinished(struct store *store, store_on_rows *on_rows, void *arg, struct err *err)
{
    struct find *find = find_new(run_unfinished, on_rows, arg);

    if (find == NULL)
        return err_set(err, -ENOMEM, "submissions");
    return store_submit(store, STORE_WRITER, &find->op);
}
