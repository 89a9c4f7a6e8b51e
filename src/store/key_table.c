/* What `glimpse key` does: SQLite lets two processes write by turns, and glimpsed's reader sees what was committed. */
#include <errno.h>
#include <unistd.h>

#include "store/keys_internal.h"
#include "store/schema.h"

struct key_table {
    struct sql *db; /* owned */
};

int key_table_open(struct key_table **ret, const char *dir, struct err *err)
{
    CLEANUP(key_table_closep) struct key_table *table = calloc(1, sizeof *table);
    CLEANUP(freep) char *path = NULL;
    int r;

    if (table == NULL || asprintf(&path, "%s/" STORE_FILE, dir) < 0)
        return err_set(err, -ENOMEM, "out of memory");
    if (access(path, F_OK) < 0)
        return err_errno(err, -errno, "%s (`glimpse serve` makes it when it first starts; --data names another folder)",
                         path);
    r = sql_open(&table->db, path, false, err);
    if (r == 0)
        r = schema_migrate(table->db, err);
    if (r < 0)
        return r;
    *ret = TAKE_PTR(table);
    return 0;
}

void key_table_close(struct key_table *table)
{
    if (table == NULL)
        return;
    sql_close(table->db);
    free(table);
}

/* One statement, and the word that something has changed, together or not at all. *n: rows that it changed. */
static int change(struct key_table *table, const char *text, const struct sql_value *values, size_t n_values,
                  int64_t *n, struct err *err)
{
    struct err ignored;
    int r = sql_script(table->db, "BEGIN IMMEDIATE", err);

    if (r < 0)
        return r;
    r = sql_run(table->db, text, values, n_values, err);
    *n = sql_n_changed(table->db);
    if (r == 0)
        r = sql_run(table->db, "UPDATE key_changes SET n = n + 1", SQL_NO_VALUES, err);
    if (r == 0)
        r = sql_script(table->db, "COMMIT", err);
    if (r < 0)
        (void)!sql_script(table->db, "ROLLBACK", &ignored);
    return r;
}

int key_table_add(struct key_table *table, const struct key *key, struct err *err)
{
    const struct slice hash = {(const char *)key->hash, sizeof key->hash};
    int64_t n = 0;
    int r = change(
        table,
        "INSERT INTO keys (id, name, hash, scopes, weight, rate, max_running, max_queued, created_s, expires_s)"
        " SELECT ?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10 WHERE (SELECT count(*) FROM keys) < ?11",
        SQL_VALUES(SQL_TEXT(key->id), SQL_TEXT(key->name), SQL_BLOB(hash), SQL_INT(key->scopes), SQL_INT(key->weight),
                   SQL_INT(key->rate), SQL_INT(key->max_running), SQL_INT(key->max_queued), SQL_INT(key->created_s),
                   SQL_INT(key->expires_s), SQL_INT(KEYS_MAX)),
        &n, err);

    if (r == 0 && n == 0)
        return err_set(err, -ENOSPC, "there are %d keys already: `glimpse key remove` makes room", KEYS_MAX);
    return r;
}

int key_table_read(struct keys **ret, struct key_table *table, struct err *err)
{
    return keys_read(ret, table->db, -1, err);
}

int key_table_revoke(struct key_table *table, const char *id, int64_t now_s, struct err *err)
{
    int64_t n = 0;
    int r = change(table, "UPDATE keys SET revoked_s = coalesce(revoked_s, ?2) WHERE id = ?1",
                   SQL_VALUES(SQL_TEXT(id), SQL_INT(now_s)), &n, err);

    return r == 0 && n == 0 ? KEY_E_NONE : r;
}

int key_table_remove(struct key_table *table, const char *id, struct err *err)
{
    int64_t n = 0;
    int r = change(table, "DELETE FROM keys WHERE id = ?1", SQL_VALUES(SQL_TEXT(id)), &n, err);

    return r == 0 && n == 0 ? KEY_E_NONE : r;
}
