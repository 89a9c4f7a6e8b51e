/* submissions: what POST /submit stores. */
#pragma once

#include "store/store.h"

struct store_submission { /* all borrowed during the call */
    const char *language;
    struct slice code, output;
    int exit_code;
    uint64_t time_us, memory_bytes;
};

/* id: of the new row, > 0; or < 0 with *err, which is then not NULL (borrowed). */
typedef void store_on_added(void *arg, int64_t id, const struct err *err);

/* 0: on_added follows, once, never from inside this call. STORE_E_FULL or < 0 with *err: it does not. */
MUST_CHECK int store_add_submission(struct store *store, const struct store_submission *submission,
                                    store_on_added *on_added, void *arg, struct err *err);
