#include "api/v1/fields.h"

#include <errno.h>
#include <nettle/base64.h>
#include <stdio.h>

#include "model/job.h"

int field_wrong_type(struct reader *reader, const json_t *value, const char *path,
                      const char *wanted)
{
    return fault_set(reader->fault, 422, path, "%s must be %s, not %s", path, wanted,
                     json_in_type_name(value));
}

int field_wrong_value(struct reader *reader, const char *path, const struct err *err)
{
    if (err->code == -ENOMEM)
        return fault_set(reader->fault, 503, NULL, "the server is out of memory");
    return fault_set(reader->fault, 422, path, "%s: %s", path, err->msg);
}

int field_out_of_memory(struct reader *reader)
{
    return fault_set(reader->fault, 503, NULL, "the server is out of memory");
}

int fields_check_names(struct reader *reader, const json_t *object, const char *prefix,
                       const struct field *fields, size_t n_fields)
{
    CLEANUP(buf_done) struct buf names;
    const char *name;
    json_t *value;

    buf_init(&names, 400);
    /* jansson's macro is not const-clean. */
    json_object_foreach((json_t *)(uintptr_t)object, name, value) {
        size_t i = 0;
        char path[FIELD_PATH_BYTES];

        while (i < n_fields && strcmp(fields[i].name, name) != 0)
            i++;
        if (i < n_fields)
            continue;
        for (i = 0; i < n_fields; i++)
            if (buf_printf(&names, "%s%s", i > 0 ? ", " : "", fields[i].name) < 0)
                return field_out_of_memory(reader);
        (void)snprintf(path, sizeof path, "%s%s", prefix, name);
        return fault_set(reader->fault, 422, path, "%.100s is not a field here; allowed are: %s",
                         path, buf_text(&names));
    }
    return 0;
}

int fields_read(struct reader *reader, const json_t *object, const char *prefix,
                       const struct field *fields, size_t n_fields)
{
    if (fields_check_names(reader, object, prefix, fields, n_fields) < 0)
        return -1;
    for (size_t i = 0; i < n_fields; i++) {
        const json_t *value = json_object_get(object, fields[i].name);
        char path[FIELD_PATH_BYTES];

        if (value == NULL || json_is_null(value))
            continue;
        (void)snprintf(path, sizeof path, "%s%s", prefix, fields[i].name);
        if (fields[i].read(reader, value, path) < 0)
            return -1;
    }
    return 0;
}

int field_ignore(struct reader *reader, const json_t *value, const char *path)
{
    (void)reader, (void)value, (void)path;
    return 0;
}

int field_name(struct reader *reader, const json_t *value, const char *path, char **ret)
{
    if (!json_is_string(value))
        return field_wrong_type(reader, value, path, "a string");
    if (json_in_has_nul(value))
        return fault_set(reader->fault, 422, path, "%s holds a NUL character", path);
    if (json_string_length(value) == 0)
        return fault_set(reader->fault, 422, path, "%s is empty", path);
    free(*ret);
    *ret = strdup(json_string_value(value));
    return *ret == NULL ? field_out_of_memory(reader) : 0;
}

static int decode_base64(struct reader *reader, struct buf *to, const json_t *content,
                         const char *path)
{
    struct base64_decode_ctx decode;
    struct slice text = json_in_slice(content);
    size_t len;

    if (buf_reserve(to, BASE64_DECODE_LENGTH(text.len)) < 0)
        return field_out_of_memory(reader);
    base64_decode_init(&decode);
    if (!base64_decode_update(&decode, &len, (uint8_t *)to->at, text.len, text.at) ||
        !base64_decode_final(&decode))
        return fault_set(reader->fault, 422, path, "%s is not base64 (RFC 4648, with padding)",
                         path);
    to->len = len;
    return 0;
}

int field_content(struct reader *reader, const json_t *object, const char *path,
                        struct buf *to)
{
    const json_t *content = json_object_get(object, "content"),
                 *encoding = json_object_get(object, "encoding");
    char at[FIELD_PATH_BYTES + 16];

    (void)snprintf(at, sizeof at, "%s.content", path);
    if (content == NULL)
        return fault_set(reader->fault, 422, at,
                         "%s is missing; it is the text, or base64 with \"encoding\": \"base64\"",
                         at);
    if (!json_is_string(content))
        return field_wrong_type(reader, content, at, "a string");
    buf_init(to, JOB_MAX_FILES_BYTES * 2);
    if (encoding == NULL || json_is_null(encoding) ||
        (json_is_string(encoding) && strcmp(json_string_value(encoding), "utf8") == 0))
        return buf_add(to, json_string_value(content), json_string_length(content)) < 0
                   ? field_out_of_memory(reader)
                   : 0;
    if (json_is_string(encoding) && strcmp(json_string_value(encoding), "base64") == 0)
        return decode_base64(reader, to, content, at);
    (void)snprintf(at, sizeof at, "%s.encoding", path);
    return fault_set(reader->fault, 422, at, "%s must be \"utf8\" or \"base64\"", at);
}

int field_bytes(struct reader *reader, const json_t *value, const char *path, struct buf *to)
{
    static const struct field fields[] = {{"content", field_ignore}, {"encoding", field_ignore}};
    char prefix[FIELD_PATH_BYTES];

    if (json_is_object(value)) {
        (void)snprintf(prefix, sizeof prefix, "%s.", path);
        if (fields_check_names(reader, value, prefix, fields, COUNT_OF(fields)) < 0)
            return -1;
        return field_content(reader, value, path, to);
    }
    if (!json_is_string(value))
        return field_wrong_type(reader, value, path, "a string or {content, encoding}");
    buf_init(to, JOB_MAX_FILES_BYTES * 2);
    return buf_add(to, json_string_value(value), json_string_length(value)) < 0 ? field_out_of_memory(reader) : 0;
}

int field_bool(struct reader *reader, const json_t *value, const char *path, bool *ret)
{
    if (!json_is_boolean(value))
        return field_wrong_type(reader, value, path, "true or false");
    *ret = json_is_true(value);
    return 0;
}
