#include "store/schema.h"

#include <errno.h>

#include "store/schema_submissions.h"

/* Row n brings user_version from n to n + 1. Rows are never changed once released, only added. */
static const struct {
    const char *script;
    int (*move)(struct sql *db, struct err *err); /* afterwards, where it takes more than SQL; or NULL */
} steps[] = {
    {"CREATE TABLE submissions ("
     "  id           INTEGER PRIMARY KEY,"
     "  created_us   INTEGER NOT NULL," /* Unix time */
     "  language     TEXT    NOT NULL,"
     "  code         BLOB    NOT NULL," /* blobs: both may hold NULs, and output need not be UTF-8 */
     "  output       BLOB    NOT NULL,"
     "  exit_code    INTEGER NOT NULL,"
     "  time_us      INTEGER NOT NULL,"
     "  memory_bytes INTEGER NOT NULL"
     ") STRICT;",
     NULL},
    {"CREATE TABLE keys ("
     "  id          TEXT    PRIMARY KEY,"
     "  name        TEXT    NOT NULL,"
     "  hash        BLOB    NOT NULL," /* SHA-256 of the key's text: see key.h */
     "  scopes      INTEGER NOT NULL," /* enum key_scope */
     "  weight      INTEGER NOT NULL,"
     "  rate        INTEGER NOT NULL," /* an hour; 0: any number */
     "  max_running INTEGER NOT NULL,"
     "  max_queued  INTEGER NOT NULL,"
     "  created_s   INTEGER NOT NULL," /* Unix time */
     "  expires_s   INTEGER NOT NULL," /* 0: never */
     "  revoked_s   INTEGER"
     ") STRICT;"
     "CREATE TABLE key_changes (n INTEGER NOT NULL) STRICT;" /* one row, for who wants to know whether to read again */
     "INSERT INTO key_changes VALUES (1);",
     NULL},
    {schema_submissions_tables, schema_submissions_move},
    {"CREATE TABLE snippets ("
     "  number     INTEGER PRIMARY KEY,"
     "  id         TEXT    NOT NULL UNIQUE," /* random */
     "  token_hash BLOB    NOT NULL,"
     "  created_us INTEGER NOT NULL," /* Unix time */
     "  expires_us INTEGER NOT NULL,"
     "  program    BLOB    NOT NULL"  /* JSON */
     ") STRICT;"
     "CREATE INDEX snippets_by_expiry ON snippets (expires_us);",
     NULL},
    {"CREATE TABLE webhooks ("
     "  number    INTEGER PRIMARY KEY REFERENCES submissions ON DELETE CASCADE,"
     "  due_us    INTEGER,"          /* Unix time; null: it is over */
     "  tries     INTEGER NOT NULL," /* begun */
     "  delivered INTEGER NOT NULL," /* 0 or 1 */
     "  answer    TEXT    NOT NULL"  /* what the last one came to */
     ") STRICT;"
     "CREATE INDEX webhooks_due ON webhooks (due_us) WHERE due_us IS NOT NULL;",
     NULL},
};

static int get_version(struct sql *db, int *ret, struct err *err)
{
    CLEANUP(sql_rows_done) struct sql_rows rows = {0};
    int r = sql_ask(&rows, db, "PRAGMA user_version", SQL_NO_VALUES, err);

    if (r == 0)
        r = sql_next(&rows, err);
    if (r <= 0)
        return err_wrap(err, r < 0 ? r : -EIO, "schema version");
    *ret = (int)sql_int(&rows, 0);
    return 0;
}

static int take_step(struct sql *db, int version, struct err *err)
{
    struct err ignored = {0};
    char set_version[64];
    int r = sql_script(db, "BEGIN IMMEDIATE", err), now = version;

    (void)snprintf(set_version, sizeof set_version, "PRAGMA user_version = %d", version + 1);
    if (r == 0)
        r = get_version(db, &now, err);
    if (r == 0 && now != version) /* another process (`glimpse key`) has taken it meanwhile */
        return sql_script(db, "COMMIT", err);
    if (r == 0)
        r = sql_script(db, steps[version].script, err);
    if (r == 0 && steps[version].move != NULL)
        r = steps[version].move(db, err);
    if (r == 0)
        r = sql_script(db, set_version, err);
    if (r == 0)
        r = sql_script(db, "COMMIT", err);
    if (r == 0)
        return 0;
    (void)!sql_script(db, "ROLLBACK", &ignored);
    return err_wrap(err, r, "migration to version %d", version + 1);
}

/* Databases that were made without it: freed pages are then given back a bit at a time. It takes one rewriting of the
 * file, which is nothing for what there was up to version 2. */
static int ensure_incremental(struct sql *db, struct err *err)
{
    CLEANUP(sql_rows_done) struct sql_rows rows = {0};
    enum { INCREMENTAL = 2 };
    int r = sql_ask(&rows, db, "PRAGMA auto_vacuum", SQL_NO_VALUES, err);

    if (r == 0)
        r = sql_next(&rows, err);
    if (r < 0 || sql_int(&rows, 0) == INCREMENTAL)
        return r < 0 ? r : 0;
    sql_rows_done(&rows);
    return sql_script(db, "PRAGMA auto_vacuum = INCREMENTAL; VACUUM;", err);
}

int schema_migrate(struct sql *db, struct err *err)
{
    const int latest = (int)COUNT_OF(steps);
    int version = 0, r;

    r = get_version(db, &version, err);
    if (r < 0)
        return r;
    if (version < 0 || version > latest)
        return err_set(
            err, -EINVAL,
            "the database has version %d, this program knows up to %d: run a newer glimpse",
            version, latest);
    for (; version < latest; version++) {
        r = take_step(db, version, err);
        if (r < 0)
            return r;
    }
    return ensure_incremental(db, err);
}
