/* gate: what every request passes before its body is read: who asks, and may they? */
#pragma once

#include "http/http.h"
#include "store/key.h"

/* access of a route: scopes that are needed, of enum key_scope, ... */
enum {
    GATE_NEEDS = KEY_SCOPES_ALL,
};

/* Headers of the API that pages of other origins may send, and see. */
#define GATE_ALLOW_HEADERS                                                                         \
    "Accept, Authorization, Content-Type, Idempotency-Key, Last-Event-ID, traceparent, X-API-Key"
#define GATE_EXPOSE_HEADERS                                                                        \
    "Location, RateLimit, RateLimit-Policy, Retry-After, traceparent, WWW-Authenticate, X-Request-Id"

/* For struct http_config; arg is the struct api. */
void gate_pass(struct http_request *request, unsigned access, void *arg);
