/*
 * sql: one connection to the database, with the statements that were made on it; private to src/store. Used by one
 * thread at a time.
 *
 *     CLEANUP(sql_rows_done) struct sql_rows rows = {0};
 *     int r = sql_ask(&rows, db, "SELECT name FROM keys WHERE id = ?1", SQL_VALUES(SQL_INT(id)), err);
 *
 *     if (r == 0)
 *         r = sql_next(&rows, err);    1: a row, sql_text(&rows, 0) is its first column; 0: no more; < 0
 *
 * Statements are kept by the address of their text, which must therefore be static.
 * < 0 is -ENOSPC where the disk is full, -EBUSY where somebody else holds the database, -ENOMEM, or -EIO.
 */
#pragma once

#include <sqlite3.h>

#include "base/buf.h"
#include "base/err.h"

struct sql; /* opaque */

/* Opens or makes the file. reader: this connection changes nothing. */
MUST_CHECK int sql_open(struct sql **ret, const char *path, bool reader, struct err *err);
void sql_close(struct sql *db);
static inline void sql_closep(struct sql **db)
{
    sql_close(*db);
}

enum sql_type { SQL_TYPE_NULL, SQL_TYPE_INT, SQL_TYPE_TEXT, SQL_TYPE_BLOB };

struct sql_value { /* of ?1, ?2, ... */
    enum sql_type type;
    int64_t number;
    struct slice bytes; /* borrowed until the statement has run; NULL in .at: null */
};
#define SQL_NULL       ((struct sql_value){.type = SQL_TYPE_NULL})
#define SQL_INT(n)     ((struct sql_value){.type = SQL_TYPE_INT, .number = (int64_t)(n)})
#define SQL_TEXT(text) ((struct sql_value){.type = SQL_TYPE_TEXT, .bytes = slice_from(text)})
#define SQL_BLOB(b)    ((struct sql_value){.type = SQL_TYPE_BLOB, .bytes = (b)}) /* a struct slice */
/* Two arguments: the values and their number. */
#define SQL_VALUES(...)                                                                            \
    ((const struct sql_value[]){__VA_ARGS__}),                                                     \
        (sizeof((const struct sql_value[]){__VA_ARGS__}) / sizeof(struct sql_value))
#define SQL_NO_VALUES NULL, 0

/* Several statements that take no values and whose rows nobody wants. */
MUST_CHECK int sql_script(struct sql *db, const char *text, struct err *err);
/* One statement whose rows, where it has any, nobody wants. */
MUST_CHECK int sql_run(struct sql *db, const char *text, const struct sql_value *values, size_t n, struct err *err);

struct sql_rows {
    struct sql *db;
    sqlite3_stmt *statement; /* borrowed from db */
};
/* Values are copied. *ret is to be done in any case. */
MUST_CHECK int sql_ask(struct sql_rows *ret, struct sql *db, const char *text, const struct sql_value *values,
                       size_t n, struct err *err);
MUST_CHECK int sql_next(struct sql_rows *rows, struct err *err);
void sql_rows_done(struct sql_rows *rows);
/* Of the row; texts and blobs are borrowed until sql_next() or the end. */
int64_t sql_int(const struct sql_rows *rows, int column); /* 0 for null */
struct slice sql_bytes(const struct sql_rows *rows, int column); /* NULL in .at for null */
const char *sql_text(const struct sql_rows *rows, int column); /* NULL for null */

int64_t sql_last_id(const struct sql *db);   /* of the last row that was inserted */
int64_t sql_n_changed(const struct sql *db); /* rows, by the last statement */
/* False once SQLite has rolled back by itself, as it does when the disk is full. */
bool sql_in_transaction(const struct sql *db);
