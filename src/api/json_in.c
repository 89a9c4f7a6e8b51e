#include "api/json_in.h"

#include "base/utf8.h"

int json_in_object(json_t **ret, struct slice body, struct fault *fault)
{
    json_error_t error;
    json_t *root;

    if (body.len == 0)
        return fault_set(fault, 400, NULL, "the body is empty; a JSON object is wanted");
    root = json_loadb(body.at, body.len, JSON_REJECT_DUPLICATES | JSON_ALLOW_NUL, &error);
    if (root == NULL && json_error_code(&error) == json_error_out_of_memory)
        return fault_set(fault, 503, NULL, "the server is out of memory");
    if (root == NULL && !utf8_valid(body.at, body.len))
        return fault_set(fault, 400, NULL, "the body is not valid UTF-8: line %d, column %d",
                         error.line, error.column);
    if (root == NULL)
        return fault_set(fault, 400, NULL, "the body is not valid JSON: line %d, column %d: %s",
                         error.line, error.column, error.text);
    if (!json_is_object(root)) {
        int r = fault_set(fault, 400, NULL, "the body must be a JSON object, not %s",
                          json_in_type_name(root));

        json_decref(root);
        return r;
    }
    *ret = root;
    return 0;
}

const char *json_in_type_name(const json_t *value)
{
    switch (json_typeof(value)) {
    case JSON_OBJECT:
        return "an object";
    case JSON_ARRAY:
        return "an array";
    case JSON_STRING:
        return "a string";
    case JSON_INTEGER:
        return "a whole number";
    case JSON_REAL:
        return "a number with a fraction or exponent";
    case JSON_TRUE:
        return "true";
    case JSON_FALSE:
        return "false";
    case JSON_NULL:
        break;
    }
    return "null";
}

struct slice json_in_slice(const json_t *value)
{
    return (struct slice){.at = json_string_value(value), .len = json_string_length(value)};
}

bool json_in_has_nul(const json_t *value)
{
    return memchr(json_string_value(value), '\0', json_string_length(value)) != NULL;
}
