/* remote_talk: a run that somebody talks to, on a server: its /v1/interactive, a WebSocket. libcurl makes the
 * connection (with TLS, proxies and all), wslay does the framing. */
#pragma once

#include "base/buf.h"
#include "client/client.h"

struct remote_talk {
    struct glimpse *client;                    /* borrowed: its `cancelled` and `window` are looked at */
    const char *url;                           /* borrowed; of the server, without a '/' at the end */
    const char *authorization;                 /* borrowed; a header's line, or NULL */
    const struct buf *start;                   /* borrowed; the first message */
    const struct glimpse_callbacks *callbacks; /* borrowed */
    int stdin_fd;                              /* borrowed, or -1 */
};

/* Until the result is there, or the run is cancelled (then *answer stays empty). *answer: for remote_read_result(),
 * owned by the caller. GLIMPSE_OK or a code with *error set. */
int remote_talk(const struct remote_talk *talk, struct buf *answer, struct glimpse_error *error);
