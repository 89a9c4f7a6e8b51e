/* json_in: from the bytes of a body to a JSON object, and what v1 and compat both need to read one. */
#pragma once

#include <jansson.h>

#include "api/fault.h"
#include "base/buf.h"

/* Strict: valid UTF-8, no field twice, an object at the top. NUL in strings is let through: who reads the
 * field decides. 0 and *ret owned by the caller, or -1 with *fault set. */
MUST_CHECK int json_in_object(json_t **ret, struct slice body, struct fault *fault);

/* "a string", "an object", ...: for "must be a string, not an object". Static. */
const char *json_in_type_name(const json_t *value);
/* The bytes of a JSON string; borrowed from value. */
struct slice json_in_slice(const json_t *value);
bool json_in_has_nul(const json_t *value);
