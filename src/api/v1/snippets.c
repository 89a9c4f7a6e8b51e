/*
 * POST /v1/snippets, GET and DELETE /v1/snippets/{id}: programs that somebody shares. The store answers later, and the
 * client may have left by then.
 *
 * An id is 96 random bits, a deletion token 192; of the token only a hash is kept.
 */
#include <errno.h>
#include <nettle/base64.h>
#include <nettle/sha2.h>
#include <sys/random.h>

#include "api/call.h"
#include "api/v1/snippet_json.h"
#include "api/v1/v1.h"
#include "base/instant.h"
#include "base/json_out.h"
#include "base/log.h"
#include "store/snippets.h"

enum {
    ID_RANDOM_BYTES = 12,
    TOKEN_RANDOM_BYTES = 24,
    TOKEN_BYTES = 33, /* as base64url, and a NUL */
    ANSWER_BYTES_MAX = SNIPPET_PROGRAM_BYTES_MAX + 4096,
};
#define DAY_US INT64_C(86400000000)

_Static_assert(BASE64_ENCODE_RAW_LENGTH(ID_RANDOM_BYTES) + 1 == SNIPPET_ID_BYTES, "an id");
_Static_assert(BASE64_ENCODE_RAW_LENGTH(TOKEN_RANDOM_BYTES) + 1 == TOKEN_BYTES, "a token");
_Static_assert(SHA256_DIGEST_SIZE == SNIPPET_TOKEN_HASH_BYTES, "a hash");

/* What waits for the store. */
struct waiting {
    struct http_request *request; /* borrowed; NULL once its client has left */
    struct snippet snippet;       /* of an added one: id and times */
    char id[SNIPPET_ID_BYTES], token[TOKEN_BYTES];
};

static void on_gone(void *arg)
{
    struct waiting *waiting = arg;

    waiting->request = NULL;
}

/* Takes what was asked for through an error that is ours. r < 0: *err is why, and logged. */
static void answer_failure(struct http_request *request, int r, const struct err *err)
{
    if (r < 0)
        log_error("%s", err->msg);
    if (request == NULL)
        return;
    if (r == STORE_E_FULL)
        http_answer_problem(request, 503, NULL, "the database has too much to do; try again in a moment");
    else
        http_answer_problem(request, 500, NULL, "the database failed");
}

/* The store was asked: it will call back, or has said that it can't. waiting: consumed. */
static void wait_for_store(struct waiting *waiting, int r, const struct err *err)
{
    if (r == 0) {
        http_request_on_gone(waiting->request, on_gone, waiting);
        return;
    }
    answer_failure(waiting->request, r, err);
    free(waiting);
}

static struct waiting *waiting_new(struct http_request *request)
{
    struct waiting *waiting = calloc(1, sizeof *waiting);

    if (waiting == NULL)
        http_answer_problem(request, 503, NULL, "the server is out of memory");
    else
        waiting->request = request;
    return waiting;
}

/* ---- small things ---- */

/* n bytes of the kernel's generator, as base64url. text: room for them and a NUL. */
static void make_secret(char *text, size_t n)
{
    uint8_t bytes[TOKEN_RANDOM_BYTES];

    if (getrandom(bytes, n, 0) != (ssize_t)n) /* never short below 256 bytes */
        abort();
    base64_encode_raw(text, n, bytes);
    text[BASE64_ENCODE_RAW_LENGTH(n)] = '\0';
    for (char *c = text; *c != '\0'; c++)
        *c = *c == '+' ? '-' : *c == '/' ? '_' : *c;
}

static void hash_token(uint8_t hash[SNIPPET_TOKEN_HASH_BYTES], const char *token)
{
    struct sha256_ctx context;

    sha256_init(&context);
    sha256_update(&context, strlen(token), (const uint8_t *)token);
    sha256_digest(&context, SNIPPET_TOKEN_HASH_BYTES, hash);
}

static void write_instant(struct json_out *out, const char *key, int64_t unix_us)
{
    char text[INSTANT_TEXT_BYTES];

    instant_write(text, unix_us);
    json_out_key_str(out, key, text);
}

/* False, and answered, where what the path names can't be an id. */
static bool take_id(char id[SNIPPET_ID_BYTES], struct http_request *request)
{
    struct slice part = http_request_part(request, 0);

    if (part.len != SNIPPET_ID_BYTES - 1) {
        http_answer_problem(request, 404, NULL, "there is no such snippet; it may have expired");
        return false;
    }
    (void)snprintf(id, SNIPPET_ID_BYTES, "%.*s", (int)part.len, part.at);
    return true;
}

/* ---- POST /v1/snippets ---- */

static void answer_added(const struct waiting *waiting)
{
    char location[64], page[64];
    const struct http_header headers[] = {{"Location", location}, {"Cache-Control", "no-store"}, {NULL, NULL}};
    CLEANUP(buf_done) struct buf body;
    struct json_out out;

    (void)snprintf(location, sizeof location, "/v1/snippets/%s", waiting->id);
    (void)snprintf(page, sizeof page, "/s/%s", waiting->id);
    buf_init(&body, ANSWER_BYTES_MAX);
    out = json_out_to(&body);
    json_out_open(&out, '{');
    json_out_key_str(&out, "id", waiting->id);
    json_out_key_str(&out, "page", page);
    json_out_key_str(&out, "deletion_token", waiting->token);
    write_instant(&out, "created_at", waiting->snippet.created_us);
    write_instant(&out, "expires_at", waiting->snippet.expires_us);
    json_out_close(&out, '}');
    if (json_out_end(&out) < 0)
        http_answer_problem(waiting->request, 503, NULL, "the server is out of memory");
    else
        http_answer(waiting->request, 201, HTTP_JSON_TYPE, &body, headers);
}

static void on_added(void *arg, int r, const struct err *err)
{
    CLEANUP(freep) struct waiting *waiting = arg;

    if (r < 0)
        answer_failure(waiting->request, r, err);
    else if (waiting->request == NULL)
        return;
    else if (r == SNIPPET_E_MANY)
        http_answer_problem(waiting->request, 503, NULL, "this server keeps as many snippets as it may; none is taken");
    else
        answer_added(waiting);
}

static void add(struct http_request *request, struct api *api, const struct v1_snippet *parsed, struct slice program)
{
    struct waiting *waiting = waiting_new(request);
    uint8_t token_hash[SNIPPET_TOKEN_HASH_BYTES];
    struct err err = {0};

    if (waiting == NULL)
        return;
    make_secret(waiting->id, ID_RANDOM_BYTES);
    make_secret(waiting->token, TOKEN_RANDOM_BYTES);
    hash_token(token_hash, waiting->token);
    waiting->snippet = (struct snippet){.id = waiting->id, .created_us = instant_now_us()};
    waiting->snippet.expires_us = waiting->snippet.created_us + (int64_t)parsed->days * DAY_US;
    wait_for_store(waiting,
                   store_add_snippet(api->store,
                                     &(struct snippet){.id = waiting->id,
                                                       .token_hash = token_hash,
                                                       .created_us = waiting->snippet.created_us,
                                                       .expires_us = waiting->snippet.expires_us,
                                                       .program = program},
                                     api->snippets_max, on_added, waiting, &err),
                   &err);
}

void v1_snippets_add(struct http_request *request, void *arg)
{
    struct api *api = arg;
    CLEANUP(v1_snippet_done) struct v1_snippet parsed = {0};
    CLEANUP(buf_done) struct buf program;
    const struct language *language;
    struct fault fault = {0};
    int r;

    buf_init(&program, SNIPPET_PROGRAM_BYTES_MAX);
    if (api->snippets_max == 0) {
        http_answer_problem(request, 403, NULL, "sharing is turned off on this server");
        return;
    }
    if (api_not_ready(api) != NULL) { /* which languages there are is not known yet */
        http_answer_problem(request, 503, NULL, "%s", api_not_ready(api));
        return;
    }
    if (v1_snippet_parse(&parsed, http_request_body(request), &fault) < 0) {
        call_refuse_with_problem(request, &fault);
        return;
    }
    language = languages_find(&api->languages, parsed.job->language);
    if (language == NULL) {
        http_answer_problem(request, 422, "language",
                            "there is no language '%.60s'; GET /v1/languages lists what there is",
                            parsed.job->language);
        return;
    }
    r = v1_snippet_program(&program, &parsed, language->id);
    if (r == -EFBIG)
        http_answer_problem(request, 413, NULL,
                            "the program has more than %d bytes as JSON, which is the most that is kept",
                            SNIPPET_PROGRAM_BYTES_MAX);
    else if (r < 0)
        http_answer_problem(request, 503, NULL, "the server is out of memory");
    else
        add(request, api, &parsed, (struct slice){buf_text(&program), program.len});
}

/* ---- GET /v1/snippets/{id} ---- */

static void answer_found(struct http_request *request, const struct snippet *snippet)
{
    static const struct http_header headers[] = {{"Cache-Control", "no-store"}, {NULL, NULL}};
    CLEANUP(buf_done) struct buf body;
    struct json_out out;
    int r;

    buf_init(&body, ANSWER_BYTES_MAX);
    out = json_out_to(&body);
    json_out_open(&out, '{');
    json_out_key_str(&out, "id", snippet->id);
    write_instant(&out, "created_at", snippet->created_us);
    write_instant(&out, "expires_at", snippet->expires_us);
    r = json_out_end(&out);
    /* The program is an object as well: its members follow. */
    if (r == 0)
        r = buf_add_str(&body, ",");
    if (r == 0)
        r = buf_add(&body, snippet->program.at + 1, snippet->program.len - 1);
    if (r < 0)
        http_answer_problem(request, 503, NULL, "the server is out of memory");
    else
        http_answer(request, 200, HTTP_JSON_TYPE, &body, headers);
}

static void on_found(void *arg, int r, const struct snippet *snippet, const struct err *err)
{
    CLEANUP(freep) struct waiting *waiting = arg;

    if (r < 0)
        answer_failure(waiting->request, r, err);
    else if (waiting->request == NULL)
        return;
    else if (r == SNIPPET_E_NONE)
        http_answer_problem(waiting->request, 404, NULL, "there is no such snippet; it may have expired");
    else
        answer_found(waiting->request, snippet);
}

void v1_snippets_get(struct http_request *request, void *arg)
{
    const struct api *api = arg;
    char id[SNIPPET_ID_BYTES];
    struct waiting *waiting;
    struct err err = {0};

    if (!take_id(id, request))
        return;
    waiting = waiting_new(request);
    if (waiting != NULL)
        wait_for_store(waiting, store_find_snippet(api->store, id, instant_now_us(), on_found, waiting, &err), &err);
}

/* ---- DELETE /v1/snippets/{id} ---- */

static void on_deleted(void *arg, int r, const struct err *err)
{
    CLEANUP(freep) struct waiting *waiting = arg;

    if (r < 0)
        answer_failure(waiting->request, r, err);
    else if (waiting->request == NULL)
        return;
    else if (r == SNIPPET_E_NONE)
        http_answer_problem(waiting->request, 404, NULL, "there is no such snippet; it may have expired");
    else if (r == SNIPPET_E_TOKEN)
        http_answer_problem(waiting->request, 403, NULL,
                            "X-Deletion-Token is not the one that this snippet's author got");
    else
        http_answer(waiting->request, 204, NULL, NULL, NULL);
}

void v1_snippets_delete(struct http_request *request, void *arg)
{
    const struct api *api = arg;
    const char *token = http_request_header(request, "X-Deletion-Token");
    uint8_t token_hash[SNIPPET_TOKEN_HASH_BYTES];
    char id[SNIPPET_ID_BYTES];
    struct waiting *waiting;
    struct err err = {0};

    if (!take_id(id, request))
        return;
    if (token == NULL) {
        http_answer_problem(request, 403, NULL, "X-Deletion-Token is missing: its author got it when it was shared");
        return;
    }
    hash_token(token_hash, token);
    waiting = waiting_new(request);
    if (waiting != NULL)
        wait_for_store(waiting, store_delete_snippet(api->store, id, token_hash, on_deleted, waiting, &err), &err);
}
