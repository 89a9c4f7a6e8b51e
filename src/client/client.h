/* client: what is behind include/glimpse.h. A client is one of two: local (client_local.c: the engine, run in the
 * caller's thread) or remote (client_remote.c: HTTP). */
#pragma once

#include <stdatomic.h>
#include <stdbool.h>

#include "base/cleanup.h"
#include "glimpse.h"

struct client_backend {
    int (*run)(struct glimpse *client, const struct glimpse_request *request, const struct glimpse_callbacks *callbacks,
               struct glimpse_result *result, struct glimpse_error *error);
    int (*languages)(struct glimpse *client, struct glimpse_languages *ret, struct glimpse_error *error);
    /* `cancelled` or `window` have changed; from any thread or signal handler; NULL: they are looked at. */
    void (*wake)(struct glimpse *client);
    void (*free)(struct glimpse *client);
};

/* The first member of both kinds. */
struct glimpse {
    const struct client_backend *backend; /* static */
    atomic_bool cancelled; /* of the run under way */
    _Atomic uint32_t window; /* likewise: rows << 16 | columns of its terminal; 0: it has none */
};

struct glimpse *client_local_new(const struct glimpse_options *options, struct glimpse_error *error);
struct glimpse *client_remote_new(const struct glimpse_options *options, struct glimpse_error *error);

/* Fills *error (may be NULL) and returns code. */
int client_fail(struct glimpse_error *error, int code, const char *fmt, ...) PRINTF_LIKE(3, 4);

/* All that is left of a file, in memory: for stdin that cannot be watched, or must be sent whole.
 * *ret is owned by the caller. */
int client_read_all(int fd, size_t max_bytes, char **ret, size_t *ret_length, struct glimpse_error *error);

enum { CLIENT_MAX_STDIN_BYTES = 64 << 20 };
