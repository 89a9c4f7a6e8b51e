/*
 * snippets: programs that somebody shares. Whoever knows the id, which can't be guessed, may read one; whoever has the
 * token that its author got may delete it. All go when they expire.
 */
#pragma once

#include <stdint.h>

#include "store/store.h"

enum {
    SNIPPET_ID_BYTES = 17, /* 12 random bytes as base64url, and a NUL */
    SNIPPET_TOKEN_HASH_BYTES = 32,

    /* Outcomes. */
    SNIPPET_E_NONE = 2,  /* there is none of this id, or it has expired */
    SNIPPET_E_TOKEN = 3, /* the token is another's */
    SNIPPET_E_MANY = 4,  /* there are as many as there may be */
};

struct snippet { /* borrowed */
    const char *id;
    const uint8_t *token_hash; /* SNIPPET_TOKEN_HASH_BYTES; not read back */
    int64_t created_us, expires_us; /* Unix time */
    struct slice program;      /* JSON */
};

/* r: 0, an outcome, or < 0 with *err, which is then not NULL (borrowed). */
typedef void store_on_snippet_changed(void *arg, int r, const struct err *err);
/* snippet: borrowed; NULL unless r is 0. */
typedef void store_on_snippet(void *arg, int r, const struct snippet *snippet, const struct err *err);

/* All: 0: the callback follows, once, never from inside this call. STORE_E_FULL or < 0 with *err: it does not.
 * now_us: what expires before does not count, and goes. */
MUST_CHECK int store_add_snippet(struct store *store, const struct snippet *snippet, uint64_t snippets_max,
                                 store_on_snippet_changed *on_added, void *arg, struct err *err);
MUST_CHECK int store_find_snippet(struct store *store, const char *id, int64_t now_us, store_on_snippet *on_found,
                                  void *arg, struct err *err);
MUST_CHECK int store_delete_snippet(struct store *store, const char *id, const uint8_t *token_hash,
                                    store_on_snippet_changed *on_deleted, void *arg, struct err *err);
