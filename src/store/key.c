#include "store/key.h"

#include <nettle/memops.h>
#include <nettle/sha2.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>

#include "base/cleanup.h"

enum { ID_AT = 4, ID_LEN = 8, SECRET_AT = ID_AT + ID_LEN + 1, SECRET_LEN = 52, TEXT_LEN = KEY_TEXT_BYTES - 1 };

/* Crockford's base 32, 5 bits each: no letter that is taken for a digit, one word for a double click, no case to
 * lose. */
static const char alphabet[] = "0123456789abcdefghjkmnpqrstvwxyz";

static const char *const scope_names[KEY_N_SCOPES] = {"run", "submissions", "judge", "metrics"};

_Static_assert(KEY_HASH_BYTES == SHA256_DIGEST_SIZE, "the hash is SHA-256");

/* 5 bits of each byte: a byte of randomness for a character is more than is needed, and shorter to write. */
static void fill_random(char *text, size_t n)
{
    unsigned char bytes[SECRET_LEN];

    /* Never short below 256 bytes, and the kernel's generator is ready long before we start. */
    if (n > sizeof bytes || getrandom(bytes, n, 0) != (ssize_t)n)
        abort();
    for (size_t i = 0; i < n; i++)
        text[i] = alphabet[bytes[i] & 31];
}

static void hash(uint8_t digest[KEY_HASH_BYTES], struct slice text)
{
    struct sha256_ctx sha;

    sha256_init(&sha);
    sha256_update(&sha, text.len, (const uint8_t *)text.at);
    sha256_digest(&sha, KEY_HASH_BYTES, digest);
}

void key_make(struct key *key, char text[KEY_TEXT_BYTES])
{
    memcpy(text, "glk_", ID_AT);
    fill_random(text + ID_AT, ID_LEN);
    text[SECRET_AT - 1] = '_';
    fill_random(text + SECRET_AT, SECRET_LEN);
    text[TEXT_LEN] = '\0';
    memcpy(key->id, text + ID_AT, ID_LEN);
    key->id[ID_LEN] = '\0';
    hash(key->hash, (struct slice){text, TEXT_LEN});
}

static bool is_base32(const char *text, size_t len)
{
    for (size_t i = 0; i < len; i++)
        if (text[i] == '\0' || strchr(alphabet, text[i]) == NULL)
            return false;
    return true;
}

bool key_is_id(struct slice text)
{
    return text.len == ID_LEN && is_base32(text.at, ID_LEN);
}

bool key_read_id(char id[KEY_ID_BYTES], struct slice text)
{
    if (text.len != TEXT_LEN || memcmp(text.at, "glk_", ID_AT) != 0 || !is_base32(text.at + ID_AT, ID_LEN) ||
        text.at[SECRET_AT - 1] != '_' || !is_base32(text.at + SECRET_AT, SECRET_LEN))
        return false;
    memcpy(id, text.at + ID_AT, ID_LEN);
    id[ID_LEN] = '\0';
    return true;
}

bool key_fits(const struct key *key, struct slice text)
{
    uint8_t digest[KEY_HASH_BYTES];

    hash(digest, text);
    return memeql_sec(digest, key->hash, KEY_HASH_BYTES) == 1;
}

static uint32_t scope_of(const char *name, size_t len)
{
    for (size_t i = 0; i < KEY_N_SCOPES; i++)
        if (strlen(scope_names[i]) == len && memcmp(scope_names[i], name, len) == 0)
            return 1U << i;
    return 0;
}

bool key_read_scopes(uint32_t *ret, const char *text)
{
    uint32_t scopes = 0;

    for (size_t len; *text != '\0'; text += len) {
        uint32_t scope;

        len = strspn(text, ", ");
        if (len > 0)
            continue;
        len = strcspn(text, ", ");
        scope = scope_of(text, len);
        if (scope == 0)
            return false;
        scopes |= scope;
    }
    if (scopes == 0)
        return false;
    *ret = scopes;
    return true;
}

void key_write_scopes(char text[KEY_SCOPES_TEXT_BYTES], uint32_t scopes, char separator)
{
    size_t len = 0;

    text[0] = '\0';
    for (size_t i = 0; i < KEY_N_SCOPES; i++)
        if ((scopes & 1U << i) != 0)
            len += (size_t)snprintf(text + len, KEY_SCOPES_TEXT_BYTES - len, "%.*s%s", len > 0, &separator,
                                    scope_names[i]);
}
