/*
 * A whole request, past libmicrohttpd: "METHOD /path?query\nbody" finds its route, and that route's handler
 * (v1 or compat) reads it. Each is answered exactly once: with JSON, or by a job within every bound.
 *
 * The linker puts our own call_start() and http_answer() in the place of the real ones (--wrap), so that
 * neither an engine nor a connection is needed.
 */
#include <stdlib.h>

#include <jansson.h>

#include "api/call.h"
#include "api/v1/v1.h"
#include "fuzz.h"
#include "http/internal.h"
#include "job_bounds.h"

static unsigned n_answers; /* to the request under way */
static char *query;        /* its query, without '?' */

void __wrap_call_start(struct api *api, struct http_request *request, struct job *job, const struct call_door *door,
                       struct call_options options);
void __wrap_http_answer(struct http_request *request, unsigned status, const char *type, struct buf *body,
                        const struct http_header *headers);
struct slice __wrap_http_request_query(const struct http_request *request, const char *name);
const char *__wrap_http_request_header(const struct http_request *request, const char *name);
const char *__wrap_http_request_best_type(const struct http_request *request, const char *const *types);

void __wrap_call_start(struct api *api, struct http_request *request, struct job *job, const struct call_door *door,
                       struct call_options options)
{
    struct fault fault;

    (void)api;
    (void)options;
    check_job_bounds(job);
    job_free(job);
    /* A door words its refusals in its own way: that is a writer of strangers' text too. */
    (void)fault_set(&fault, 503, NULL, "%s", query);
    door->refuse(request, &fault);
}

void __wrap_http_answer(struct http_request *request, unsigned status, const char *type, struct buf *body,
                        const struct http_header *headers)
{
    json_t *root;

    (void)request;
    (void)headers;
    n_answers++;
    assert(status >= 200 && status < 600);
    assert(type != NULL && body != NULL && body->len > 0);
    root = json_loadb(body->at, body->len, JSON_REJECT_DUPLICATES | JSON_ALLOW_NUL, NULL);
    assert(root != NULL);
    json_decref(root);
    buf_done(body);
}

struct slice __wrap_http_request_query(const struct http_request *request, const char *name)
{
    size_t len = strlen(name);

    (void)request;
    for (char *at = query; *at != '\0'; at += strcspn(at, "&"), at += *at == '&')
        if (strncmp(at, name, len) == 0 && at[len] == '=')
            return (struct slice){.at = at + len + 1, .len = strcspn(at + len + 1, "&")};
    return (struct slice){0};
}

const char *__wrap_http_request_header(const struct http_request *request, const char *name)
{
    (void)request;
    (void)name;
    return "application/json; charset=utf-8";
}

/* Any of them, and none, as the query's length has it. */
const char *__wrap_http_request_best_type(const struct http_request *request, const char *const *types)
{
    size_t n = 0, pick = strlen(query);

    (void)request;
    while (types[n] != NULL)
        n++;
    return types[pick % (n + 1)];
}

/* Two languages that are there, and one that is not. */
static struct language table[] = {
    {.id = "python", .name = (char *)(uintptr_t) "Python", .available = true},
    {.id = "c", .name = (char *)(uintptr_t) "C", .available = true},
    {.id = "go", .name = (char *)(uintptr_t) "Go"},
};

static void handle(const struct http_match *match, char *path, const char *method, const uint8_t *body, size_t len)
{
    struct api api = {.languages = {.at = table, .n = COUNT_OF(table)}, .probed = true};
    struct caller caller = {.id = "addr:192.0.2.1"};
    struct http_request request = {
        .method = method, .path = path, .match = *match, .state = REQUEST_HANDLED, .mark = &caller};

    buf_init(&request.body, 16 << 20);
    assert(buf_add(&request.body, body, len) == 0);
    n_answers = 0;
    match->route->handle(&request, &api);
    assert(n_answers == 1);
    buf_done(&request.body);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    const uint8_t *newline = memchr(data, '\n', size);
    struct http_match match;
    char *line, *path;

    if (newline == NULL || memchr(data, '\0', (size_t)(newline - data)) != NULL)
        return 0; /* libmicrohttpd's strings have no NUL */
    line = malloc((size_t)(newline - data) + 1); /* not strndup(): ASan has it read strings only, and this is none */
    assert(line != NULL);
    memcpy(line, data, (size_t)(newline - data));
    line[newline - data] = '\0';
    path = line + strcspn(line, " ");
    if (*path != '\0')
        *path++ = '\0';
    query = path + strcspn(path, "?");
    if (*query != '\0')
        *query++ = '\0';
    http_route_find(&match, api_routes, api_n_routes, line, path);
    assert(strlen(match.allow) < sizeof match.allow);
    for (size_t i = 0; i < COUNT_OF(match.parts); i++)
        assert(match.parts[i].len == 0 ||
               (match.parts[i].at > path && match.parts[i].at + match.parts[i].len <= path + strlen(path)));
    if (match.route != NULL && match.route->handle != v1_ready) /* which asks the engine */
        handle(&match, path, line, newline + 1, size - (size_t)(newline + 1 - data));
    free(line);
    return 0;
}
