/*
 * Which pages may call: Cross-Origin Resource Sharing, as the Fetch standard has it.
 *
 * Credentials of the browser (cookies) are never allowed, so that "*" gives a page nothing that its server could not
 * have asked for itself; a key in a header is the page's own to send.
 */
#include <strings.h>

#include "http/internal.h"

static bool allows_all(const struct http_request *request)
{
    const struct http_config *config = &request->conn->server->config;

    return request->match.any_origin || (config->allow_origins != NULL && strings_have(config->allow_origins, "*"));
}

/* "*", the request's own origin, or NULL. Static, or as long as the request. */
static const char *allowed_origin(const struct http_request *request)
{
    const struct http_config *config = &request->conn->server->config;
    const char *origin = http_request_header(request, "Origin");

    if (allows_all(request))
        return "*";
    for (size_t i = 0; origin != NULL && config->allow_origins != NULL && i < config->allow_origins->n; i++)
        if (strcasecmp(config->allow_origins->at[i], origin) == 0)
            return origin;
    return NULL;
}

/* "http://HOST" or "https://HOST": a proxy may have ended TLS. */
static bool is_own_origin(const struct http_request *request, const char *origin)
{
    const char *host = http_request_header(request, "Host"), *slashes = strstr(origin, "://");

    return host != NULL && slashes != NULL && strcasecmp(slashes + 3, host) == 0 &&
           (strncasecmp(origin, "http://", 7) == 0 || strncasecmp(origin, "https://", 8) == 0);
}

bool http_request_origin_allowed(const struct http_request *request)
{
    const char *origin = http_request_header(request, "Origin");

    return origin == NULL || is_own_origin(request, origin) || allowed_origin(request) != NULL;
}

int cors_add_headers(struct http_request *request, struct MHD_Response *response)
{
    const struct http_config *config = &request->conn->server->config;
    const char *origin = allowed_origin(request);
    enum MHD_Result ok = MHD_YES;

    if (origin != NULL)
        ok = MHD_add_response_header(response, "Access-Control-Allow-Origin", origin);
    if (ok == MHD_YES && origin != NULL && config->expose_headers != NULL)
        ok = MHD_add_response_header(response, "Access-Control-Expose-Headers", config->expose_headers);
    /* An answer to one page's request must not be shown to another page by a cache. */
    if (ok == MHD_YES && !allows_all(request) && config->allow_origins != NULL && config->allow_origins->n > 0)
        ok = MHD_add_response_header(response, "Vary", "Origin");
    return ok == MHD_YES ? 0 : -1;
}

bool cors_is_preflight(const struct http_request *request)
{
    return strcmp(request->method, "OPTIONS") == 0 &&
           (http_request_header(request, "Origin") != NULL || allows_all(request));
}

void cors_answer_preflight(struct http_request *request)
{
    const struct http_config *config = &request->conn->server->config;
    const struct http_header headers[] = {
        {"Access-Control-Allow-Methods", request->match.allow},
        {"Access-Control-Allow-Headers", config->allow_headers != NULL ? config->allow_headers : "Content-Type"},
        {"Access-Control-Max-Age", "86400"},
        {NULL, NULL},
    };

    if (http_request_origin_allowed(request))
        http_answer(request, MHD_HTTP_NO_CONTENT, NULL, NULL, headers);
    else
        http_answer_problem(request, MHD_HTTP_FORBIDDEN, NULL,
                            "pages of %.200s may not call this: the setting allow_origins names those that may",
                            http_request_header(request, "Origin"));
}
