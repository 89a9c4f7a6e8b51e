/*
 * keys: the table of API keys. `glimpse key` changes it (here, in its own process), glimpsed reads it
 * (store_read_keys) again and again, so that a new key works, and a revoked one does not, within a second or two.
 */
#pragma once

#include "store/key.h"
#include "store/store.h"

struct keys { /* sorted by id */
    struct key *at; /* owned */
    size_t n;
    int64_t version; /* another one for each change; 0: never read */
};

/* keys: taken; NULL where they have not changed, or could not be read (*err, borrowed, is then not NULL). */
typedef void store_on_keys(void *arg, struct keys *keys, const struct err *err);

/* All keys, unless they are still those of that version. 0: on_keys follows, once, never from inside this call.
 * STORE_E_FULL or < 0 with *err: it does not. */
MUST_CHECK int store_read_keys(struct store *store, int64_t version, store_on_keys *on_keys, void *arg,
                               struct err *err);
void keys_free(struct keys *keys); /* NULL is allowed */
DEFINE_FREEP(struct keys, keys)

/* For `glimpse key`: the table by itself, while glimpsed may run. Blocks. */
struct key_table; /* opaque */

/* < 0 with *err saying what to change: also where there is no database yet. */
MUST_CHECK int key_table_open(struct key_table **ret, const char *dir, struct err *err);
void key_table_close(struct key_table *table);
static inline void key_table_closep(struct key_table **table)
{
    key_table_close(*table);
}

MUST_CHECK int key_table_add(struct key_table *table, const struct key *key, struct err *err);
/* *ret is the caller's, for keys_free(). */
MUST_CHECK int key_table_read(struct keys **ret, struct key_table *table, struct err *err);
enum { KEY_E_NONE = 1 }; /* there is no such key */
/* A revoked key stays in the list, a removed one does not. 0, KEY_E_NONE, or < 0 with *err. */
MUST_CHECK int key_table_revoke(struct key_table *table, const char *id, int64_t now_s, struct err *err);
MUST_CHECK int key_table_remove(struct key_table *table, const char *id, struct err *err);
