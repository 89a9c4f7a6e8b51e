/* store_find_snippet() */
#include <errno.h>

#include "store/op.h"
#include "store/snippets.h"

enum { PROGRAM_BYTES_MAX = 1 << 24 };

struct find {
    struct store_op op;
    store_on_snippet *on_found;
    void *arg; /* borrowed */
    char id[SNIPPET_ID_BYTES];
    int64_t now_us;
    int64_t created_us, expires_us; /* set by run(), as program */
    struct buf program;
};

static int run(struct store_op *op, struct sql *db, struct err *err)
{
    struct find *find = (struct find *)(void *)op;
    CLEANUP(sql_rows_done) struct sql_rows rows = {0};
    struct slice program;
    int r = sql_ask(&rows, db, "SELECT created_us, expires_us, program FROM snippets WHERE id = ?1 AND expires_us > ?2",
                    SQL_VALUES(SQL_TEXT(find->id), SQL_INT(find->now_us)), err);

    if (r == 0)
        r = sql_next(&rows, err);
    if (r < 0)
        return err_wrap(err, r, "snippet");
    if (r == 0)
        return SNIPPET_E_NONE;
    find->created_us = sql_int(&rows, 0);
    find->expires_us = sql_int(&rows, 1);
    program = sql_bytes(&rows, 2);
    r = buf_add(&find->program, program.at, program.len);
    op->bytes += find->program.len;
    return r < 0 ? err_set(err, r, "a snippet of %zu bytes", program.len) : 0;
}

static void done(struct store_op *op, int r, const struct err *err)
{
    struct find *find = (struct find *)(void *)op;
    const struct snippet snippet = {.id = find->id,
                                    .created_us = find->created_us,
                                    .expires_us = find->expires_us,
                                    .program = {buf_text(&find->program), find->program.len}};

    find->on_found(find->arg, r, r == 0 ? &snippet : NULL, err);
}

static void find_free(struct store_op *op)
{
    struct find *find = (struct find *)(void *)op;

    buf_done(&find->program);
    free(find);
}

int store_find_snippet(struct store *store, const char *id, int64_t now_us, store_on_snippet *on_found, void *arg,
                       struct err *err)
{
    struct find *find = malloc(sizeof *find);

    if (find == NULL)
        return err_set(err, -ENOMEM, "snippet");
    *find = (struct find){.op = {.run = run, .done = done, .free = find_free, .bytes = sizeof *find},
                          .on_found = on_found,
                          .arg = arg,
                          .now_us = now_us};
    (void)snprintf(find->id, sizeof find->id, "%s", id);
    buf_init(&find->program, PROGRAM_BYTES_MAX);
    return store_submit(store, STORE_READER, &find->op);
}
