#include "api/webhooks/callback_url.h"

#include <stdio.h>
#include <string.h>
#include <strings.h>

#include "api/json_in.h"
#include "store/submissions.h"

/* Behind the scheme; NULL: it is another one. */
static const char *after_scheme(const char *url)
{
    static const char *const schemes[] = {"http://", "https://"};

    for (size_t i = 0; i < COUNT_OF(schemes); i++)
        if (strncasecmp(url, schemes[i], strlen(schemes[i])) == 0)
            return url + strlen(schemes[i]);
    return NULL;
}

/* Why it will not do; NULL: it will. */
static const char *look_at(const char *url)
{
    const char *host = after_scheme(url);
    size_t len;

    for (const char *at = url; *at != '\0'; at++)
        if (*at <= ' ' || *at > '~' || *at == '\\')
            return "holds a character that a URL has not";
    if (host == NULL)
        return "must begin with https:// or http://";
    len = strcspn(host, "/?#");
    if (len == 0 || host[0] == ':')
        return "has no host";
    if (memchr(host, '@', len) != NULL)
        return "must not hold a user or password: they would be stored as they are";
    return strchr(host, '#') != NULL ? "must not have a fragment" : NULL;
}

int callback_url_read(const char **ret, const json_t *object, const char *prefix, struct fault *fault)
{
    const json_t *value = json_object_get(object, "callback_url");
    const char *why;
    char path[64];

    (void)snprintf(path, sizeof path, "%scallback_url", prefix);
    if (value == NULL || json_is_null(value))
        return 0;
    if (!json_is_string(value))
        return fault_set(fault, 422, path, "%s must be a string, not %s", path, json_in_type_name(value));
    if (json_in_has_nul(value))
        return fault_set(fault, 422, path, "%s holds a NUL character", path);
    if (json_string_length(value) >= SUBMISSION_URL_BYTES)
        return fault_set(fault, 422, path, "%s has %zu bytes, at most %d are allowed", path,
                         json_string_length(value), SUBMISSION_URL_BYTES - 1);
    why = look_at(json_string_value(value));
    if (why != NULL)
        return fault_set(fault, 422, path, "%s %s", path, why);
    *ret = json_string_value(value);
    return 0;
}
