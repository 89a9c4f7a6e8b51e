/* store_add_snippet() */
#include <errno.h>

#include "store/op.h"
#include "store/snippets.h"

/* Expired ones go with each that comes, more than one at a time: they are fewer sooner or later. */
#define SWEEP "20"

struct add {
    struct store_op op;
    store_on_snippet_changed *on_added;
    void *arg; /* borrowed */
    char id[SNIPPET_ID_BYTES];
    uint8_t token_hash[SNIPPET_TOKEN_HASH_BYTES];
    int64_t created_us, expires_us;
    uint64_t snippets_max;
    struct buf program;
};

static int count(uint64_t *ret, struct sql *db, struct err *err)
{
    CLEANUP(sql_rows_done) struct sql_rows rows = {0};
    int r = sql_ask(&rows, db, "SELECT count(*) FROM snippets", SQL_NO_VALUES, err);

    if (r == 0)
        r = sql_next(&rows, err);
    if (r == 1)
        *ret = (uint64_t)sql_int(&rows, 0);
    return r < 0 ? r : 0;
}

static int run(struct store_op *op, struct sql *db, struct err *err)
{
    struct add *add = (struct add *)(void *)op;
    const struct slice token_hash = {(const char *)add->token_hash, sizeof add->token_hash};
    const struct slice program = {buf_text(&add->program), add->program.len};
    uint64_t n = 0;
    int r = sql_run(db,
                    "DELETE FROM snippets WHERE number IN (SELECT number FROM snippets WHERE expires_us <= ?1"
                    " ORDER BY expires_us LIMIT " SWEEP ")",
                    SQL_VALUES(SQL_INT(add->created_us)), err);

    if (r == 0)
        r = count(&n, db, err);
    if (r == 0 && n >= add->snippets_max)
        return SNIPPET_E_MANY;
    if (r == 0)
        r = sql_run(db,
                    "INSERT INTO snippets (id, token_hash, created_us, expires_us, program)"
                    " VALUES (?1, ?2, ?3, ?4, ?5)",
                    SQL_VALUES(SQL_TEXT(add->id), SQL_BLOB(token_hash), SQL_INT(add->created_us),
                               SQL_INT(add->expires_us), SQL_BLOB(program)),
                    err);
    return r < 0 ? err_wrap(err, r, "snippet") : 0;
}

static void done(struct store_op *op, int r, const struct err *err)
{
    struct add *add = (struct add *)(void *)op;

    add->on_added(add->arg, r, err);
}

static void add_free(struct store_op *op)
{
    struct add *add = (struct add *)(void *)op;

    buf_done(&add->program);
    free(add);
}

int store_add_snippet(struct store *store, const struct snippet *snippet, uint64_t snippets_max,
                      store_on_snippet_changed *on_added, void *arg, struct err *err)
{
    struct add *add = malloc(sizeof *add);

    if (add == NULL)
        return err_set(err, -ENOMEM, "snippet");
    *add = (struct add){.op = {.run = run, .done = done, .free = add_free, .bytes = sizeof *add + snippet->program.len},
                        .on_added = on_added,
                        .arg = arg,
                        .created_us = snippet->created_us,
                        .expires_us = snippet->expires_us,
                        .snippets_max = snippets_max};
    (void)snprintf(add->id, sizeof add->id, "%s", snippet->id);
    memcpy(add->token_hash, snippet->token_hash, sizeof add->token_hash);
    buf_init(&add->program, snippet->program.len + 1);
    if (buf_add(&add->program, snippet->program.at, snippet->program.len) < 0) {
        add_free(&add->op);
        return err_set(err, -ENOMEM, "snippet");
    }
    return store_submit(store, STORE_WRITER, &add->op);
}
