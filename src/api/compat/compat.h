/*
 * compat: the endpoints of the services that Glimpse replaces, so that their clients go on working unchanged.
 * Thin: each file reads its own request shape, starts an ordinary job (call.h) and writes its own answer shape. They
 * are lenient where the old services were: unknown fields are ignored, any Content-Type will do.
 */
#pragma once

#include "api/call.h"
#include "api/json_in.h"
#include "base/json_out.h"

/* Handlers for routes.c. */
void compat_run_code_pool(struct http_request *request, void *arg);
void compat_run_code_lambda(struct http_request *request, void *arg);
void compat_execute(struct http_request *request, void *arg);
void compat_submit(struct http_request *request, void *arg);
void compat_run_get(struct http_request *request, void *arg);
void compat_run_post(struct http_request *request, void *arg);
void compat_language_names(struct http_request *request, void *arg);
void compat_root_get(struct http_request *request, void *arg);
void compat_root_post(struct http_request *request, void *arg);
void compat_root_run(struct http_request *request, void *arg);

enum {
    COMPAT_TIME_MS = 30000,
    COMPAT_ANSWER_BYTES_MAX = 1 << 30, /* more than any output, escaped */
};

/* What all of them have, under one name or another. .at is NULL where it was not given. Borrowed from root. */
struct compat_run {
    json_t *root;                      /* owned; NULL where it came by query */
    struct slice language, code, input;
};
void compat_run_done(struct compat_run *run);

/* Reads the body: an object with texts under these names (a NULL name: not wanted). -1 with *fault set where it is
 * not one, or a field is not a text; *ret is to be released all the same. */
MUST_CHECK int compat_read(struct compat_run *ret, struct http_request *request, const char *language_name,
                           const char *input_name, struct fault *fault);

/* A job of one unnamed file with this much time to run. NULL and *fault set where it cannot be. */
struct job *compat_job(const struct compat_run *run, const char *language, uint64_t time_ms, struct fault *fault);

/* POST /run-code-pool and /run-code-lambda differ in their answers only. */
void compat_run_code(struct http_request *request, struct api *api, const struct call_door *door);

/* The stage that ended the job: run, or compile where it did not get that far. */
const struct stage_result *compat_last_stage(const struct result *result);
/* True where a limit or a signal ended it: what the program wrote does not explain it. */
bool compat_needs_words(const struct result *result);

/* What a program that failed left to say: its stderr (a compiler's stdout too), and the words for a limit. 0 or < 0. */
MUST_CHECK int compat_error_text(struct buf *to, const struct result *result);
/* Both streams as a terminal shows them, and the words for a limit. */
MUST_CHECK int compat_terminal_text(struct buf *to, const struct result *result);

static inline struct slice buf_slice(const struct buf *buf)
{
    return (struct slice){.at = buf_text(buf), .len = buf->len};
}
