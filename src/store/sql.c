#include "store/sql.h"

#include <errno.h>
#include <sys/stat.h>

enum { BUSY_MS = 5000, STATEMENTS_MAX = 128 };

struct statement {
    const char *text; /* static */
    sqlite3_stmt *made;
};

struct sql {
    sqlite3 *db; /* owned */
    struct statement statements[STATEMENTS_MAX];
    size_t n_statements;
};

static int fail(const struct sql *db, int code, struct err *err)
{
    int primary = code & 0xff, r = -EIO;

    if (primary == SQLITE_FULL)
        r = -ENOSPC;
    else if (primary == SQLITE_BUSY || primary == SQLITE_LOCKED)
        r = -EBUSY;
    else if (primary == SQLITE_NOMEM)
        r = -ENOMEM;
    return err_set(err, r, "%s", db->db == NULL ? sqlite3_errstr(code) : sqlite3_errmsg(db->db));
}

/*
 * synchronous: FULL: a commit is on the disk when it returns, also with a write-ahead log.
 * temp_store: what undoes a savepoint is kept in memory: glimpsed may not make files elsewhere (api/lock_in.h).
 */
static const char writer_settings[] = "PRAGMA auto_vacuum = INCREMENTAL; PRAGMA journal_mode = WAL; PRAGMA "
                                      "synchronous = FULL; PRAGMA foreign_keys = ON;"
                                      "PRAGMA temp_store = MEMORY; PRAGMA journal_size_limit = 67108864;";
static const char reader_settings[] = "PRAGMA query_only = ON; PRAGMA temp_store = MEMORY;";

int sql_open(struct sql **ret, const char *path, bool reader, struct err *err)
{
    CLEANUP(sql_closep) struct sql *db = calloc(1, sizeof *db);
    int r;

    if (db == NULL)
        return err_set(err, -ENOMEM, "database");
    r = sqlite3_open_v2(path, &db->db, SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE | SQLITE_OPEN_NOMUTEX, NULL);
    if (r == SQLITE_OK && !reader) /* it holds other people's programs; the -wal and -shm files take after it */
        (void)chmod(path, 0600);
    if (r == SQLITE_OK)
        r = sqlite3_busy_timeout(db->db, BUSY_MS);
    if (r == SQLITE_OK)
        r = sqlite3_exec(db->db, reader ? reader_settings : writer_settings, NULL, NULL, NULL);
    if (r != SQLITE_OK)
        return err_wrap(err, fail(db, r, err), "%s", path);
    *ret = TAKE_PTR(db);
    return 0;
}

void sql_close(struct sql *db)
{
    if (db == NULL)
        return;
    for (size_t i = 0; i < db->n_statements; i++)
        (void)sqlite3_finalize(db->statements[i].made);
    (void)sqlite3_close(db->db);
    free(db);
}

int sql_script(struct sql *db, const char *text, struct err *err)
{
    int r = sqlite3_exec(db->db, text, NULL, NULL, NULL);

    return r == SQLITE_OK ? 0 : fail(db, r, err);
}

static int find_statement(sqlite3_stmt **ret, struct sql *db, const char *text, struct err *err)
{
    int r;

    for (size_t i = 0; i < db->n_statements; i++) {
        if (db->statements[i].text == text) {
            *ret = db->statements[i].made;
            return 0;
        }
    }
    if (db->n_statements == STATEMENTS_MAX)
        return err_set(err, -E2BIG, "more than %d kinds of statements", STATEMENTS_MAX);
    r = sqlite3_prepare_v3(db->db, text, -1, SQLITE_PREPARE_PERSISTENT, ret, NULL);
    if (r != SQLITE_OK)
        return fail(db, r, err);
    db->statements[db->n_statements++] = (struct statement){text, *ret};
    return 0;
}

static int bind(sqlite3_stmt *statement, int at, const struct sql_value *value)
{
    /* SQLITE_TRANSIENT has a cast that -Wcast-qual and friends do not like; who asks keeps the bytes meanwhile. */
    if (value->type == SQL_TYPE_INT)
        return sqlite3_bind_int64(statement, at, value->number);
    if (value->type == SQL_TYPE_TEXT && value->bytes.at != NULL)
        return sqlite3_bind_text64(statement, at, value->bytes.at, value->bytes.len, SQLITE_STATIC, SQLITE_UTF8);
    if (value->type == SQL_TYPE_BLOB && value->bytes.at != NULL)
        return sqlite3_bind_blob64(statement, at, value->bytes.at, value->bytes.len, SQLITE_STATIC);
    return sqlite3_bind_null(statement, at);
}

int sql_ask(struct sql_rows *ret, struct sql *db, const char *text, const struct sql_value *values, size_t n,
            struct err *err)
{
    int r = find_statement(&ret->statement, db, text, err);

    if (r < 0)
        return r;
    ret->db = db;
    for (size_t i = 0; i < n; i++) {
        r = bind(ret->statement, (int)i + 1, &values[i]);
        if (r != SQLITE_OK)
            return fail(db, r, err);
    }
    return 0;
}

int sql_next(struct sql_rows *rows, struct err *err)
{
    int r = sqlite3_step(rows->statement);

    return r == SQLITE_ROW ? 1 : r == SQLITE_DONE ? 0 : fail(rows->db, r, err);
}

void sql_rows_done(struct sql_rows *rows)
{
    if (rows->statement == NULL)
        return;
    (void)sqlite3_reset(rows->statement); /* says again what the last step said */
    (void)sqlite3_clear_bindings(rows->statement);
    rows->statement = NULL;
}

int sql_run(struct sql *db, const char *text, const struct sql_value *values, size_t n, struct err *err)
{
    CLEANUP(sql_rows_done) struct sql_rows rows = {0};
    int r = sql_ask(&rows, db, text, values, n, err);

    while (r == 0) {
        r = sql_next(&rows, err);
        if (r <= 0)
            return r;
        r = 0;
    }
    return r;
}

int64_t sql_int(const struct sql_rows *rows, int column)
{
    return sqlite3_column_int64(rows->statement, column);
}

struct slice sql_bytes(const struct sql_rows *rows, int column)
{
    const char *at = sqlite3_column_blob(rows->statement, column); /* before the length: it may convert */
    struct slice bytes = {at, (size_t)sqlite3_column_bytes(rows->statement, column)};

    if (at == NULL && sqlite3_column_type(rows->statement, column) != SQLITE_NULL)
        bytes.at = ""; /* empty, not null */
    return bytes;
}

const char *sql_text(const struct sql_rows *rows, int column)
{
    return (const char *)sqlite3_column_text(rows->statement, column);
}

int64_t sql_last_id(const struct sql *db)
{
    return sqlite3_last_insert_rowid(db->db);
}

int64_t sql_n_changed(const struct sql *db)
{
    return sqlite3_changes64(db->db);
}

bool sql_in_transaction(const struct sql *db)
{
    return sqlite3_get_autocommit(db->db) == 0;
}
