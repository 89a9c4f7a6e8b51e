/* remote_json: requests and answers of the HTTP API as JSON text. Pure. */
#pragma once

#include "base/buf.h"
#include "client/client.h"

struct remote_input { /* what the request leaves open */
    const char *language;
    const char *more_stdin; /* read from stdin_fd; follows stdin_data */
    size_t more_length;
};

/* All return GLIMPSE_OK or a code with *error set. Bytes that are not UTF-8 travel as base64, both ways. */
int remote_write_request(struct buf *to, const struct glimpse_request *request, const struct remote_input *input,
                         struct glimpse_error *error);
int remote_read_result(struct glimpse_result *ret, const struct buf *answer, struct glimpse_error *error);
/* The first message of /v1/interactive: that request, and the terminal. */
int remote_write_start(struct buf *to, const struct glimpse_request *request, const struct remote_input *input,
                       struct glimpse_error *error);
bool remote_is_result(const struct buf *answer); /* and not a problem */

enum { REMOTE_E_RESULT = 1 };
/* A line of a stream, or a message of /v1/interactive: calls on_output (callbacks: borrowed) with a piece of output;
 * what is not known is ignored. REMOTE_E_RESULT: it is the last, for remote_read_result(). */
int remote_read_event(const struct buf *line, const struct glimpse_callbacks *callbacks, struct glimpse_error *error);
int remote_read_languages(struct glimpse_languages *ret, const struct buf *answer, struct glimpse_error *error);
/* Always a failure: status is not 200. The answer may be anything. */
int remote_read_problem(const struct buf *answer, long status, struct glimpse_error *error);
