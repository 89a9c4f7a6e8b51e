#include "api/keyring.h"

#include "base/log.h"

static void on_keys(void *arg, struct keys *keys, const struct err *err)
{
    struct keyring *keyring = arg;

    keyring->reading = false;
    if (err != NULL && !keyring->failed) /* once, not every second; what was read last still holds */
        log_error("the keys can't be read, revoked ones may still work: %s", err->msg);
    keyring->failed = err != NULL;
    if (keys == NULL)
        return;
    if (keyring->keys != NULL)
        log_info("the keys have changed: %zu of them now", keys->n);
    keys_free(keyring->keys);
    keyring->keys = keys;
}

static void on_timer(uv_timer_t *timer)
{
    struct keyring *keyring = timer->data;
    struct err err = {0};
    int r;

    if (keyring->reading)
        return;
    r = store_read_keys(keyring->store, keyring->keys == NULL ? 0 : keyring->keys->version, on_keys, keyring, &err);
    if (r < 0)
        on_keys(keyring, NULL, &err);
    keyring->reading = r == 0;
}

void keyring_init(struct keyring *keyring, uv_loop_t *loop)
{
    *keyring = (struct keyring){0};
    (void)uv_timer_init(loop, &keyring->timer); /* always 0 */
    keyring->timer.data = keyring;
}

void keyring_start(struct keyring *keyring, struct store *store)
{
    keyring->store = store;
    (void)uv_timer_start(&keyring->timer, on_timer, 0, KEYRING_EVERY_MS); /* fails only without a handler */
}

void keyring_close(struct keyring *keyring)
{
    uv_close((uv_handle_t *)&keyring->timer, NULL);
    keys_free(keyring->keys);
    keyring->keys = NULL;
}

bool keyring_is_read(const struct keyring *keyring)
{
    return keyring->keys != NULL;
}

static int compare(const void *id, const void *key)
{
    return strcmp(id, ((const struct key *)key)->id);
}

const struct key *keyring_find(const struct keyring *keyring, const char *id)
{
    return keyring->keys == NULL || keyring->keys->n == 0
               ? NULL
               : bsearch(id, keyring->keys->at, keyring->keys->n, sizeof(struct key), compare);
}
