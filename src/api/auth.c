#include "api/auth.h"

#include <errno.h>
#include <strings.h>
#include <time.h>

enum { HEADER_BYTES_MAX = 65536 }; /* all headers together are smaller */

/* The text behind "Bearer "; NULL in .at where it is of another scheme. */
static struct slice bearer(struct slice value)
{
    const size_t len = strlen("Bearer");

    value = slice_trim(value);
    if (value.len < len || strncasecmp(value.at, "Bearer", len) != 0 ||
        (value.len > len && value.at[len] != ' ' && value.at[len] != '\t'))
        return (struct slice){0};
    return slice_trim((struct slice){value.at + len, value.len - len});
}

/* What is shown; NULL in .at: nothing. All values of the header: two keys are none. */
static int read_shown(struct slice *ret, struct buf *to, const struct http_request *request)
{
    int r;

    *ret = (struct slice){0};
    if (http_request_header(request, "X-API-Key") != NULL) {
        r = http_request_header_list(to, request, "X-API-Key");
        *ret = slice_trim((struct slice){buf_text(to), to->len});
        return r;
    }
    if (http_request_header(request, "Authorization") == NULL)
        return 0;
    r = http_request_header_list(to, request, "Authorization");
    *ret = bearer((struct slice){buf_text(to), to->len});
    return r;
}

/* The key holds: it is neither revoked nor expired. Said only to who has it. */
static int check_valid(const struct key *key, struct fault *fault)
{
    if (key->revoked_s != 0)
        return fault_set(fault, 401, NULL, "the key %s was revoked: ask for another one", key->id);
    if (key->expires_s != 0 && key->expires_s <= time(NULL))
        return fault_set(fault, 401, NULL, "the key %s has expired: ask for another one", key->id);
    return 0;
}

int auth_find_key(const struct key **ret, const struct keyring *keyring, const struct http_request *request,
                  struct fault *fault)
{
    CLEANUP(buf_done) struct buf text;
    const struct key *key;
    struct slice shown;
    char id[KEY_ID_BYTES];

    buf_init(&text, HEADER_BYTES_MAX);
    *ret = NULL;
    if (read_shown(&shown, &text, request) < 0)
        return fault_set(fault, 503, NULL, "the server is out of memory");
    if (shown.at == NULL)
        return 0;
    if (!key_read_id(id, shown))
        return fault_set(fault, 401, NULL,
                         "what is sent as a key is none: a key begins with glk_ and has %d characters",
                         KEY_TEXT_BYTES - 1);
    if (!keyring_is_read(keyring))
        return fault_set(fault, 503, NULL,
                         "the server is starting: it has not read its keys yet; try again in a moment");
    key = keyring_find(keyring, id);
    if (key == NULL || !key_fits(key, shown))
        return fault_set(fault, 401, NULL, "there is no such key: is it whole, and of this server?");
    if (check_valid(key, fault) < 0)
        return -1;
    *ret = key;
    return 0;
}
