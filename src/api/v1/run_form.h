/* run_form: a run as multipart/form-data, for clients with files that are no text, or on a disk. */
#pragma once

#include "api/v1/run_json.h"
#include "http/http.h"

/* True where that is the type of the request's body. */
bool v1_run_is_form(const struct http_request *request);

/*
 * Parts: "request", what v1_run_parse() takes, in which `code` and `files` may be missing; any number of "files", each
 * with its path below /box as its file name; "stdin". The last two hold any bytes. 0, or -1 with *fault set.
 */
MUST_CHECK int v1_run_read_form(struct v1_run *ret, const struct http_request *request, struct fault *fault);
