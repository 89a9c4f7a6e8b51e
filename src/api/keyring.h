/*
 * keyring: the API keys that glimpsed knows: a copy of the table, read again every KEYRING_EVERY_MS where it has
 * changed, so that a key is found without a question to the database, and what `glimpse key` does holds within
 * seconds.
 */
#pragma once

#include <uv.h>

#include "store/keys.h"

enum { KEYRING_EVERY_MS = 1000 };

struct keyring {
    struct store *store; /* borrowed */
    struct keys *keys;   /* owned; NULL until they were read for the first time */
    uv_timer_t timer;
    bool reading, failed;
};

/* Both before any request: the timer's loop, then the store to read from. */
void keyring_init(struct keyring *keyring, uv_loop_t *loop);
void keyring_start(struct keyring *keyring, struct store *store);
/* After store_free(), which calls back. The loop must run once more. */
void keyring_close(struct keyring *keyring);

bool keyring_is_read(const struct keyring *keyring);
/* Borrowed until the loop's next turn; NULL: there is none. */
const struct key *keyring_find(const struct keyring *keyring, const char *id);
