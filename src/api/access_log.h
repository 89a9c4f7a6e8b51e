/* access_log: a line for each request that is over. Never what it asked to be run, or what came of it. */
#pragma once

#include "http/http.h"

/* For struct http_config; arg is the struct api. */
void access_log_done(void *arg, const struct http_done *done);
