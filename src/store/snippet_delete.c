/* store_delete_snippet() */
#include <errno.h>

#include "store/op.h"
#include "store/snippets.h"

struct removal {
    struct store_op op;
    store_on_snippet_changed *on_deleted;
    void *arg; /* borrowed */
    char id[SNIPPET_ID_BYTES];
    uint8_t token_hash[SNIPPET_TOKEN_HASH_BYTES];
};

/* 1 or 0: whether it is there. */
static int is_there(struct sql *db, const char *id, struct err *err)
{
    CLEANUP(sql_rows_done) struct sql_rows rows = {0};
    int r = sql_ask(&rows, db, "SELECT 1 FROM snippets WHERE id = ?1", SQL_VALUES(SQL_TEXT(id)), err);

    return r == 0 ? sql_next(&rows, err) : r;
}

static int run(struct store_op *op, struct sql *db, struct err *err)
{
    struct removal *removal = (struct removal *)(void *)op;
    const struct slice token_hash = {(const char *)removal->token_hash, sizeof removal->token_hash};
    int r = is_there(db, removal->id, err);

    if (r == 0)
        return SNIPPET_E_NONE;
    if (r == 1) /* hashes are compared: how long it takes says nothing of the token */
        r = sql_run(db, "DELETE FROM snippets WHERE id = ?1 AND token_hash = ?2",
                    SQL_VALUES(SQL_TEXT(removal->id), SQL_BLOB(token_hash)), err);
    if (r < 0)
        return err_wrap(err, r, "snippet");
    return sql_n_changed(db) == 1 ? 0 : SNIPPET_E_TOKEN;
}

static void done(struct store_op *op, int r, const struct err *err)
{
    struct removal *removal = (struct removal *)(void *)op;

    removal->on_deleted(removal->arg, r, err);
}

static void removal_free(struct store_op *op)
{
    free(op);
}

int store_delete_snippet(struct store *store, const char *id, const uint8_t *token_hash,
                         store_on_snippet_changed *on_deleted, void *arg, struct err *err)
{
    struct removal *removal = malloc(sizeof *removal);

    if (removal == NULL)
        return err_set(err, -ENOMEM, "snippet");
    *removal = (struct removal){.op = {.run = run, .done = done, .free = removal_free, .bytes = sizeof *removal},
                              .on_deleted = on_deleted,
                              .arg = arg};
    (void)snprintf(removal->id, sizeof removal->id, "%s", id);
    memcpy(removal->token_hash, token_hash, sizeof removal->token_hash);
    return store_submit(store, STORE_WRITER, &removal->op);
}
