/* remote: a client of a Glimpse server: POST /v1/run and GET /v1/languages over libcurl. */
#include <curl/curl.h>
#include <errno.h>
#include <string.h>

#include "base/buf.h"
#include "base/strings.h"
#include "client/client.h"
#include "client/remote_json.h"
#include "client/remote_talk.h"

enum {
    ANSWER_MAX_BYTES = 512 << 20, /* four streams of 64 MiB in base64, and some */
    REQUEST_MAX_BYTES = 512 << 20,
    CONNECT_TIMEOUT_S = 10,
    POLL_MS = 50, /* how soon a cancel is seen */
    URL_BYTES = 512,
};
#define STREAM_TYPE "application/x-ndjson"

struct client_remote {
    struct glimpse base;
    CURLM *multi;               /* owned */
    CURL *easy;                 /* owned: keeps the connection for the next call */
    struct curl_slist *headers; /* owned */
    char url[URL_BYTES];        /* without the '/' at the end */
    char key[URL_BYTES];        /* a header's line; "" without a key */
};

struct exchange { /* one request and its answer */
    const char *path;
    const struct buf *body; /* borrowed; NULL: GET */
    const struct glimpse_callbacks *callbacks; /* borrowed; of a run */
    CURL *easy;             /* borrowed */
    struct buf answer;      /* whole; of a stream: its result, once that is there */
    struct buf line;        /* of a stream: the one that is coming */
    long status;
    bool streamed;          /* the answer comes piece by piece */
    int failed;             /* what is wrong with what came, GLIMPSE_E_*; ... */
    struct glimpse_error failure; /* ... and why */
    char why[CURL_ERROR_SIZE];
};

static struct client_remote *remote_of(struct glimpse *client)
{
    return (struct client_remote *)(void *)client;
}

/* --- HTTP ------------------------------------------------------------------------------------ */

static int fail_too_long(struct exchange *exchange)
{
    return client_fail(&exchange->failure, GLIMPSE_E_SERVICE, "%s: the answer is too long", exchange->path);
}

/* A whole line of a stream. */
static int take_line(struct exchange *exchange)
{
    int r = remote_read_event(&exchange->line, exchange->callbacks, &exchange->failure);

    if (r == REMOTE_E_RESULT) {
        buf_done(&exchange->answer);
        exchange->answer = exchange->line;
        exchange->line = (struct buf){.max = exchange->line.max};
    }
    buf_clear(&exchange->line);
    return r < 0 ? r : GLIMPSE_OK;
}

static int take_lines(struct exchange *exchange, const char *bytes, size_t len)
{
    int code = GLIMPSE_OK;

    while (len > 0 && code == GLIMPSE_OK) {
        const char *end = memchr(bytes, '\n', len);
        size_t n = end == NULL ? len : (size_t)(end - bytes);

        if (buf_add(&exchange->line, bytes, n) < 0)
            return fail_too_long(exchange);
        if (end == NULL)
            break;
        code = take_line(exchange);
        bytes += n + 1;
        len -= n + 1;
    }
    return code;
}

/* Whether what comes is a stream, as was asked for. What says no, or knows none, answers in one piece. */
static bool is_stream(CURL *easy)
{
    const char *type = NULL;

    (void)curl_easy_getinfo(easy, CURLINFO_CONTENT_TYPE, &type);
    return type != NULL && strncmp(type, STREAM_TYPE, strlen(STREAM_TYPE)) == 0;
}

static size_t on_bytes(char *bytes, size_t size, size_t n, void *arg)
{
    struct exchange *exchange = arg;

    if (!exchange->streamed && exchange->callbacks != NULL && exchange->answer.len == 0)
        exchange->streamed = is_stream(exchange->easy);
    if (exchange->streamed)
        exchange->failed = take_lines(exchange, bytes, size * n);
    else if (buf_add(&exchange->answer, bytes, size * n) < 0)
        exchange->failed = fail_too_long(exchange);
    return exchange->failed == GLIMPSE_OK ? size * n : 0; /* 0 ends the transfer */
}

/* Every option below exists in the libcurl that we are built with: setting it cannot fail but for memory, which shows
 * when the transfer starts. */
static void set_options(struct client_remote *remote, struct exchange *exchange, const char *url)
{
    CURL *easy = remote->easy;

    (void)curl_easy_setopt(easy, CURLOPT_URL, url);
    (void)curl_easy_setopt(easy, CURLOPT_PROTOCOLS_STR, "http,https");
    (void)curl_easy_setopt(easy, CURLOPT_NOSIGNAL, 1L);
    (void)curl_easy_setopt(easy, CURLOPT_CONNECTTIMEOUT, (long)CONNECT_TIMEOUT_S);
    (void)curl_easy_setopt(easy, CURLOPT_USERAGENT, "libglimpse/" GLIMPSE_VERSION);
    (void)curl_easy_setopt(easy, CURLOPT_HTTPHEADER, remote->headers);
    (void)curl_easy_setopt(easy, CURLOPT_ERRORBUFFER, exchange->why);
    (void)curl_easy_setopt(easy, CURLOPT_WRITEFUNCTION, on_bytes);
    (void)curl_easy_setopt(easy, CURLOPT_WRITEDATA, exchange);
    if (exchange->body != NULL) {
        (void)curl_easy_setopt(easy, CURLOPT_POST, 1L);
        (void)curl_easy_setopt(easy, CURLOPT_POSTFIELDS, buf_text(exchange->body));
        (void)curl_easy_setopt(easy, CURLOPT_POSTFIELDSIZE_LARGE, (curl_off_t)exchange->body->len);
    } else {
        (void)curl_easy_setopt(easy, CURLOPT_HTTPGET, 1L);
    }
}

/* Until the transfer has ended or the run is cancelled, which closes the connection: the server ends the run then. */
static CURLcode transfer(struct client_remote *remote)
{
    int n_running = 1;
    CURLcode code = CURLE_OK;
    const CURLMsg *msg;

    (void)curl_multi_add_handle(remote->multi, remote->easy);
    while (n_running > 0 && !atomic_load(&remote->base.cancelled))
        if (curl_multi_perform(remote->multi, &n_running) != CURLM_OK ||
            (n_running > 0 && curl_multi_poll(remote->multi, NULL, 0, POLL_MS, NULL) != CURLM_OK)) {
            code = CURLE_FAILED_INIT;
            break;
        }
    while ((msg = curl_multi_info_read(remote->multi, &n_running)) != NULL)
        if (msg->msg == CURLMSG_DONE)
            code = msg->data.result;
    (void)curl_multi_remove_handle(remote->multi, remote->easy);
    return code;
}

static int ask(struct client_remote *remote, struct exchange *exchange, struct glimpse_error *error)
{
    char url[URL_BYTES + 32];
    CURLcode code;

    exchange->easy = remote->easy;
    buf_init(&exchange->answer, ANSWER_MAX_BYTES);
    buf_init(&exchange->line, ANSWER_MAX_BYTES);
    (void)snprintf(url, sizeof url, "%s%s", remote->url, exchange->path);
    set_options(remote, exchange, url);
    code = transfer(remote);
    buf_done(&exchange->line);
    if (exchange->failed != GLIMPSE_OK)
        return client_fail(error, exchange->failed, "%s", exchange->failure.message);
    if (code != CURLE_OK)
        return client_fail(error, GLIMPSE_E_SERVICE, "%s: %s", url,
                           exchange->why[0] != '\0' ? exchange->why : curl_easy_strerror(code));
    (void)curl_easy_getinfo(remote->easy, CURLINFO_RESPONSE_CODE, &exchange->status);
    /* A server that has failed a run says so with 500 or 503 and what there is of its result. */
    if (exchange->status == 200 || atomic_load(&remote->base.cancelled) ||
        (exchange->status >= 500 && remote_is_result(&exchange->answer)))
        return GLIMPSE_OK;
    return remote_read_problem(&exchange->answer, exchange->status, error);
}

/* --- Running --------------------------------------------------------------------------------- */

static int make_cancelled(struct glimpse_result *result, struct glimpse_error *error)
{
    result->status = GLIMPSE_CANCELLED;
    for (size_t i = 0; i < (size_t)GLIMPSE_N_STAGES * 2; i++) {
        char **data = &result->stages[i / 2].data[i % 2];

        *data = strdup("");
        if (*data == NULL)
            return client_fail(error, GLIMPSE_E_MEMORY, "out of memory");
    }
    return GLIMPSE_OK;
}

static void pass_output(const struct glimpse_callbacks *callbacks,
                        const struct glimpse_result *result)
{
    for (int stage = 0; stage < GLIMPSE_N_STAGES; stage++)
        for (int i = 0; i < 2; i++)
            if (callbacks->on_output != NULL && result->stages[stage].length[i] > 0)
                callbacks->on_output(callbacks->arg, stage, i + 1, result->stages[stage].data[i],
                                     result->stages[stage].length[i]);
}

/* The language by the file's suffix, from the server's list. *ret is owned by the caller. */
static int pick_language(struct glimpse *client, const struct glimpse_request *request, char **ret,
                         struct glimpse_error *error)
{
    const char *name = request->n_files > 0 ? request->files[0].name : NULL;
    struct glimpse_languages languages;
    size_t best = 0;
    int code = glimpse_languages(client, &languages, error);

    for (size_t i = 0; name != NULL && i < languages.n; i++)
        for (char **suffix = languages.at[i].suffixes; *suffix != NULL; suffix++) {
            size_t length = strlen(*suffix);

            if (length <= best || length >= strlen(name) ||
                strcmp(name + strlen(name) - length, *suffix) != 0)
                continue;
            best = length;
            free(*ret);
            *ret = strdup(languages.at[i].id);
        }
    glimpse_languages_clear(&languages);
    if (code == GLIMPSE_OK && *ret == NULL)
        return client_fail(error, GLIMPSE_E_INVALID,
                           "no language has files like \"%.60s\": say which one it is",
                           name == NULL ? "" : name);
    return code;
}

static int exchange_run(struct client_remote *remote, const struct glimpse_request *request,
                        const struct glimpse_callbacks *callbacks, const struct remote_input *input,
                        struct glimpse_result *result, struct glimpse_error *error)
{
    CLEANUP(buf_done) struct buf body;
    struct exchange exchange = {.path = "/v1/run", .body = &body, .callbacks = callbacks};
    int code;

    buf_init(&body, REQUEST_MAX_BYTES);
    code = remote_write_request(&body, request, input, error);
    if (code == GLIMPSE_OK)
        code = ask(remote, &exchange, error);
    else
        buf_init(&exchange.answer, 1);
    if (code == GLIMPSE_OK && !atomic_load(&remote->base.cancelled))
        code = remote_read_result(result, &exchange.answer, error);
    else if (code == GLIMPSE_OK)
        code = make_cancelled(result, error);
    if (code == GLIMPSE_OK && !exchange.streamed)
        pass_output(callbacks, result);
    buf_done(&exchange.answer);
    return code;
}

/* For somebody who sits there: input goes as it comes. */
static int talk_run(struct client_remote *remote, const struct glimpse_request *request,
                    const struct glimpse_callbacks *callbacks, const struct remote_input *input,
                    struct glimpse_result *result, struct glimpse_error *error)
{
    CLEANUP(buf_done) struct buf start;
    CLEANUP(buf_done) struct buf answer;
    const struct remote_talk talk = {.client = &remote->base,
                                     .url = remote->url,
                                     .authorization = remote->key[0] != '\0' ? remote->key : NULL,
                                     .start = &start,
                                     .callbacks = callbacks,
                                     .stdin_fd = request->stdin_fd};
    int code;

    buf_init(&start, REQUEST_MAX_BYTES);
    buf_init(&answer, ANSWER_MAX_BYTES);
    code = remote_write_start(&start, request, input, error);
    if (code == GLIMPSE_OK)
        code = remote_talk(&talk, &answer, error);
    if (code == GLIMPSE_OK && answer.len > 0)
        return remote_read_result(result, &answer, error);
    return code == GLIMPSE_OK ? make_cancelled(result, error) : code;
}

static int remote_run(struct glimpse *client, const struct glimpse_request *request,
                      const struct glimpse_callbacks *callbacks, struct glimpse_result *result,
                      struct glimpse_error *error)
{
    CLEANUP(freep) char *language = NULL;
    CLEANUP(freep) char *from_fd = NULL;
    struct remote_input input = {.language = request->language};
    int code = GLIMPSE_OK;

    if (request->merged != 0)
        return client_fail(error, GLIMPSE_E_INVALID, "a server does not merge the two outputs");
    if (request->language == NULL) {
        code = pick_language(client, request, &language, error);
        input.language = language;
    }
    if (code == GLIMPSE_OK && request->interactive != 0)
        return talk_run(remote_of(client), request, callbacks, &input, result, error);
    if (code == GLIMPSE_OK && request->stdin_fd >= 0) {
        code = client_read_all(request->stdin_fd, CLIENT_MAX_STDIN_BYTES, &from_fd,
                               &input.more_length, error);
        input.more_stdin = from_fd;
    }
    if (code == GLIMPSE_OK)
        code = exchange_run(remote_of(client), request, callbacks, &input, result, error);
    return code;
}

static int remote_languages(struct glimpse *client, struct glimpse_languages *ret,
                            struct glimpse_error *error)
{
    struct exchange exchange = {.path = "/v1/languages"};
    int code = ask(remote_of(client), &exchange, error);

    if (code == GLIMPSE_OK)
        code = remote_read_languages(ret, &exchange.answer, error);
    buf_done(&exchange.answer);
    return code;
}

/* --- The client ------------------------------------------------------------------------------ */

static void remote_free(struct glimpse *client)
{
    struct client_remote *remote = remote_of(client);

    curl_easy_cleanup(remote->easy);
    (void)curl_multi_cleanup(remote->multi);
    curl_slist_free_all(remote->headers);
    curl_global_cleanup(); /* counted: the last client's counts */
    free(remote);
}

static const struct client_backend remote_backend = {remote_run, remote_languages, NULL,
                                                     remote_free};

static int add_header(struct client_remote *remote, const char *header)
{
    struct curl_slist *more = curl_slist_append(remote->headers, header);

    if (more == NULL)
        return GLIMPSE_E_MEMORY;
    remote->headers = more;
    return GLIMPSE_OK;
}

static int remote_open(struct client_remote *remote, const struct glimpse_options *options,
                       struct glimpse_error *error)
{
    size_t length = strlen(options->server);

    while (length > 0 && options->server[length - 1] == '/')
        length--;
    if (length == 0 || length >= sizeof remote->url)
        return client_fail(error, GLIMPSE_E_INVALID,
                           "the server's URL is \"%.60s\", http://127.0.0.1:2358 would be right",
                           options->server);
    memcpy(remote->url, options->server, length);
    if (options->api_key != NULL && strlen(options->api_key) > URL_BYTES - 64)
        return client_fail(error, GLIMPSE_E_INVALID, "the API key is too long");
    if (options->api_key != NULL)
        (void)snprintf(remote->key, sizeof remote->key, "Authorization: Bearer %s", options->api_key);
    remote->multi = curl_multi_init();
    remote->easy = curl_easy_init();
    /* "Expect:" : no waiting for 100 Continue before a body that the server wants anyway. */
    if (remote->multi == NULL || remote->easy == NULL ||
        add_header(remote, "Content-Type: application/json") < 0 ||
        add_header(remote, "Accept: " STREAM_TYPE ", application/json;q=0.9") < 0 ||
        add_header(remote, "Expect:") < 0 ||
        (options->api_key != NULL && add_header(remote, remote->key) < 0))
        return client_fail(error, GLIMPSE_E_MEMORY, "out of memory");
    return GLIMPSE_OK;
}

struct glimpse *client_remote_new(const struct glimpse_options *options,
                                  struct glimpse_error *error)
{
    struct client_remote *remote = calloc(1, sizeof *remote);

    if (remote == NULL || curl_global_init(CURL_GLOBAL_DEFAULT) != CURLE_OK) {
        free(remote);
        (void)client_fail(error, GLIMPSE_E_MEMORY, "out of memory");
        return NULL;
    }
    remote->base.backend = &remote_backend;
    if (remote_open(remote, options, error) != GLIMPSE_OK) {
        remote_free(&remote->base);
        return NULL;
    }
    return &remote->base;
}
