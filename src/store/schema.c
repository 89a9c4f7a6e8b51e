#include "store/schema.h"

#include <errno.h>

/* Row n brings user_version from n to n + 1. Rows are never changed once released, only added. */
static const char *const steps[] = {
    "CREATE TABLE submissions ("
    "  id           INTEGER PRIMARY KEY,"
    "  created_us   INTEGER NOT NULL," /* Unix time */
    "  language     TEXT    NOT NULL,"
    "  code         BLOB    NOT NULL," /* blobs: both may hold NULs, and output need not be UTF-8 */
    "  output       BLOB    NOT NULL,"
    "  exit_code    INTEGER NOT NULL,"
    "  time_us      INTEGER NOT NULL,"
    "  memory_bytes INTEGER NOT NULL"
    ") STRICT;",
};

static int get_version(sqlite3 *db, int *ret, struct err *err)
{
    sqlite3_stmt *statement;

    if (sqlite3_prepare_v2(db, "PRAGMA user_version", -1, &statement, NULL) != SQLITE_OK)
        return err_set(err, -EIO, "schema version: %s", sqlite3_errmsg(db));
    if (sqlite3_step(statement) != SQLITE_ROW) {
        (void)sqlite3_finalize(statement);
        return err_set(err, -EIO, "schema version: %s", sqlite3_errmsg(db));
    }
    *ret = sqlite3_column_int(statement, 0);
    (void)sqlite3_finalize(statement);
    return 0;
}

static int take_step(sqlite3 *db, int version, struct err *err)
{
    char set_version[64];

    (void)snprintf(set_version, sizeof set_version, "PRAGMA user_version = %d;", version + 1);
    if (sqlite3_exec(db, "BEGIN IMMEDIATE", NULL, NULL, NULL) == SQLITE_OK &&
        sqlite3_exec(db, steps[version], NULL, NULL, NULL) == SQLITE_OK &&
        sqlite3_exec(db, set_version, NULL, NULL, NULL) == SQLITE_OK &&
        sqlite3_exec(db, "COMMIT", NULL, NULL, NULL) == SQLITE_OK)
        return 0;
    err_set(err, -EIO, "migration to version %d: %s", version + 1, sqlite3_errmsg(db));
    (void)sqlite3_exec(db, "ROLLBACK", NULL, NULL, NULL);
    return -EIO;
}

int schema_migrate(sqlite3 *db, struct err *err)
{
    const int latest = (int)COUNT_OF(steps);
    int version, r;

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
    return 0;
}
