/* callback_url: the field of a request. Which address it leads to is looked at when it is connected to (courier/). */
#pragma once

#include <jansson.h>

#include "api/fault.h"

/* object's callback_url; prefix: of its path. *ret is borrowed from object, and untouched where there is none. 0, or -1
 * with *fault: it is no http or https URL with a host. */
MUST_CHECK int callback_url_read(const char **ret, const json_t *object, const char *prefix, struct fault *fault);
