/*
 * key: an API key: what it is, and what it allows. Pure, but for the kernel's randomness.
 *
 *     glk_4d2k7xqa_0f8...52 characters        the id, which is no secret, and 256 bits of randomness
 *
 * What is stored is the SHA-256 of the whole text. A slow hash (argon2, bcrypt) is for passwords, which can be
 * guessed from the words that people choose; nobody guesses 256 random bits, and each request would pay for the
 * slowness.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "base/buf.h"

/* What a key may do. A closed list: see key_scope_names. */
enum key_scope {
    KEY_SCOPE_RUN = 1,         /* programs, also interactive ones */
    KEY_SCOPE_SUBMISSIONS = 2, /* programs whose results are kept */
    KEY_SCOPE_JUDGE = 4,
    KEY_SCOPE_METRICS = 8,
};
enum { KEY_N_SCOPES = 4, KEY_SCOPES_ALL = 15, KEY_SCOPES_TEXT_BYTES = 64 };

enum {
    KEY_ID_BYTES = 8 + 1,
    KEY_TEXT_BYTES = 4 + 8 + 1 + 52 + 1,
    KEY_HASH_BYTES = 32,
    KEY_NAME_BYTES = 64 + 1,
    KEY_WEIGHT_MAX = 1000,
    KEY_RATE_MAX = 1000000000,
    KEY_RUNNING_MAX = 1024,
    KEY_QUEUED_MAX = 100000,
    KEYS_MAX = 10000,
};

struct key {
    char id[KEY_ID_BYTES];
    char name[KEY_NAME_BYTES]; /* for people; may be "" */
    uint8_t hash[KEY_HASH_BYTES];
    uint32_t scopes;
    uint32_t weight;           /* 1..: its share of places, beside those of others */
    uint32_t rate;             /* requests an hour; 0: any number */
    uint32_t max_running, max_queued; /* 0: as the configuration says */
    int64_t created_s, expires_s, revoked_s; /* Unix time; 0: never */
};

/* A new id, and the text that is told once: text is all that there is of the secret. */
void key_make(struct key *key, char text[KEY_TEXT_BYTES]);
/* Of a text that looks like a key: its id. False where it does not. */
bool key_read_id(char id[KEY_ID_BYTES], struct slice text);
bool key_is_id(struct slice text);
/* Is this the key's text? Takes as long for any text of that length. */
bool key_fits(const struct key *key, struct slice text);

/* "run,judge" or "run judge"; false where a name is none of the list, or there is none. */
bool key_read_scopes(uint32_t *ret, const char *text);
void key_write_scopes(char text[KEY_SCOPES_TEXT_BYTES], uint32_t scopes, char separator);
