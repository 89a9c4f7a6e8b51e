/* gate: what every request passes before its body is read: who asks? */
#pragma once

#include "http/http.h"

/* For struct http_config; arg is the struct api. */
void gate_pass(struct http_request *request, unsigned access, void *arg);
