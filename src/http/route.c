/* Which route a method and a path mean. */
#include "http/http.h"

/* The next part of a path, without slashes; false at the end. *at is behind it afterwards. */
static bool next_part(struct slice *part, const char **at)
{
    const char *end;

    if (**at != '/')
        return false;
    end = strchrnul(*at + 1, '/');
    *part = (struct slice){.at = *at + 1, .len = (size_t)(end - *at - 1)};
    *at = end;
    return true;
}

static bool matches(struct slice parts[HTTP_MAX_PARTS], const char *pattern, const char *path)
{
    struct slice want, have;
    size_t n = 0;

    for (;;) {
        bool more_pattern = next_part(&want, &pattern), more_path = next_part(&have, &path);

        if (!more_pattern || !more_path)
            return more_pattern == more_path && *path == '\0';
        if (want.len > 1 && want.at[0] == '{') {
            if (have.len == 0 || n == HTTP_MAX_PARTS)
                return false;
            parts[n++] = have;
        } else if (want.len != have.len || memcmp(want.at, have.at, want.len) != 0) {
            return false;
        }
    }
}

static bool same_method(const char *route, const char *method)
{
    return strcmp(route, method) == 0 || (strcmp(route, "GET") == 0 && strcmp(method, "HEAD") == 0);
}

static void allow(struct http_match *match, const char *method)
{
    size_t used = strlen(match->allow);

    (void)snprintf(match->allow + used, sizeof match->allow - used, "%s%s%s", used > 0 ? ", " : "",
                   method, strcmp(method, "GET") == 0 ? ", HEAD" : "");
}

void http_route_find(struct http_match *ret, const struct http_route *routes, size_t n_routes,
                     const char *method, const char *path)
{
    *ret = (struct http_match){0};
    for (size_t i = 0; i < n_routes; i++) {
        struct slice parts[HTTP_MAX_PARTS] = {0};

        if (!matches(parts, routes[i].pattern, path))
            continue;
        allow(ret, routes[i].method);
        ret->any_origin = ret->any_origin || routes[i].any_origin;
        if (ret->route == NULL && same_method(routes[i].method, method)) {
            ret->route = &routes[i];
            memcpy(ret->parts, parts, sizeof parts);
        }
    }
}
