/* The table itself: reading it is the same for both processes. */
#include "store/keys_internal.h"

#include <errno.h>

static int read_version(int64_t *ret, struct sql *db, struct err *err)
{
    CLEANUP(sql_rows_done) struct sql_rows rows = {0};
    int r = sql_ask(&rows, db, "SELECT n FROM key_changes", SQL_NO_VALUES, err);

    if (r == 0)
        r = sql_next(&rows, err);
    if (r <= 0)
        return r < 0 ? r : err_set(err, -EIO, "key_changes is empty");
    *ret = sql_int(&rows, 0);
    return 0;
}

static void copy_text(char *to, size_t size, const char *text)
{
    (void)snprintf(to, size, "%s", text == NULL ? "" : text);
}

/* Whatever is in the row, what comes out is within the bounds that others count on. */
static struct key read_row(const struct sql_rows *rows)
{
    const struct slice hash = sql_bytes(rows, 2);
    struct key key = {
        .scopes = (uint32_t)sql_int(rows, 3) & KEY_SCOPES_ALL,
        .weight = (uint32_t)sql_int(rows, 4),
        .rate = (uint32_t)sql_int(rows, 5),
        .max_running = (uint32_t)sql_int(rows, 6),
        .max_queued = (uint32_t)sql_int(rows, 7),
        .created_s = sql_int(rows, 8),
        .expires_s = sql_int(rows, 9),
        .revoked_s = sql_int(rows, 10),
    };

    copy_text(key.id, sizeof key.id, sql_text(rows, 0));
    copy_text(key.name, sizeof key.name, sql_text(rows, 1));
    if (hash.len == sizeof key.hash)
        memcpy(key.hash, hash.at, sizeof key.hash);
    else
        key.revoked_s = 1; /* nobody's */
    if (key.weight < 1 || key.weight > KEY_WEIGHT_MAX)
        key.weight = 1;
    return key;
}

static int read_rows(struct keys *keys, struct sql *db, struct err *err)
{
    CLEANUP(sql_rows_done) struct sql_rows rows = {0};
    int r = sql_ask(
        &rows, db,
        "SELECT id, name, hash, scopes, weight, rate, max_running, max_queued, created_s, expires_s, revoked_s"
        " FROM keys ORDER BY id",
        SQL_NO_VALUES, err);

    while (r == 0 && (r = sql_next(&rows, err)) > 0) {
        if ((keys->n & (keys->n - 1)) == 0) { /* it grows at powers of two */
            struct key *more = reallocarray(keys->at, keys->n == 0 ? 1 : keys->n * 2, sizeof *more);

            if (more == NULL)
                return err_set(err, -ENOMEM, "out of memory");
            keys->at = more;
        }
        keys->at[keys->n++] = read_row(&rows);
        r = 0;
    }
    return r;
}

void keys_free(struct keys *keys)
{
    if (keys == NULL)
        return;
    free(keys->at);
    free(keys);
}

int keys_read(struct keys **ret, struct sql *db, int64_t version, struct err *err)
{
    CLEANUP(keys_freep) struct keys *keys = calloc(1, sizeof *keys);
    int r = keys == NULL ? err_set(err, -ENOMEM, "out of memory") : read_version(&keys->version, db, err);

    /* The version first: what changes between the two is read again next time. */
    if (r == 0 && keys->version != version) {
        r = read_rows(keys, db, err);
        if (r == 0)
            *ret = TAKE_PTR(keys);
    }
    return r < 0 ? err_wrap(err, r, "keys") : 0;
}
