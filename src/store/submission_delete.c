/* store_submission_delete(); its request and stages go with it (foreign keys). */
#include <errno.h>

#include "store/op.h"
#include "store/submissions.h"

struct delete
{
    struct store_op op;
    char owner[SUBMISSION_OWNER_BYTES], id[UUID_BYTES];
    store_on_done *on_done;
    void *arg; /* borrowed */
};

static int run(struct store_op *op, struct sql *db, struct err *err)
{
    struct delete *delete = (struct delete *)(void *)op;
    int r = sql_run(db, "DELETE FROM submissions WHERE id = ?1 AND owner = ?2 AND finished_us IS NOT NULL",
                    SQL_VALUES(SQL_TEXT(delete->id), SQL_TEXT(delete->owner)), err);

    return r < 0 ? r : sql_n_changed(db) == 1 ? 0 : STORE_E_NONE;
}

static void done(struct store_op *op, int r, const struct err *err)
{
    struct delete *delete = (struct delete *)(void *)op;

    delete->on_done(delete->arg, r, err);
}

static void delete_free(struct store_op *op)
{
    free(op);
}

int store_submission_delete(struct store *store, const char *owner, const char *id, store_on_done *on_done, void *arg,
                            struct err *err)
{
    struct delete *delete = malloc(sizeof *delete);

    if (delete == NULL)
        return err_set(err, -ENOMEM, "submission");
    *delete = (struct delete){.op = {.run = run, .done = done, .free = delete_free, .bytes = sizeof *delete},
                              .on_done = on_done,
                              .arg = arg};
    (void)snprintf(delete->owner, sizeof delete->owner, "%s", owner);
    (void)snprintf(delete->id, sizeof delete->id, "%s", id);
    return store_submit(store, STORE_WRITER, &delete->op);
}
