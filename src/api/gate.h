/* gate: what every request passes before its body is read: who asks, and may they? */
#pragma once

#include "http/http.h"
#include "store/key.h"

/* access of a route: the scopes that it needs (enum key_scope), and whether it counts: what costs something does. */
enum {
    GATE_NEEDS = KEY_SCOPES_ALL,
    GATE_COUNTS = 1 << 16,
};

enum { GATE_ADDRESSES_MAX = 65536 }; /* whose requests are counted one by one; some 22 MB when all are there */

/* What the gate remembers. */
struct gate {
    struct limiter *addresses, *keys; /* owned */
};
MUST_CHECK int gate_init(struct gate *gate, struct err *err);
void gate_done(struct gate *gate);

/* Headers of the API that pages of other origins may send, and see. */
#define GATE_ALLOW_HEADERS                                                                         \
    "Accept, Authorization, Content-Type, Idempotency-Key, Last-Event-ID, traceparent, X-API-Key"
#define GATE_EXPOSE_HEADERS                                                                        \
    "Location, RateLimit, RateLimit-Policy, Retry-After, traceparent, WWW-Authenticate, X-Request-Id"

struct api;
struct fault;

/* Counts n requests more, besides the one that the gate has counted, where one does what many would. 0, or -1 with
 * *fault; none of them is counted then. */
MUST_CHECK int gate_count(struct http_request *request, struct api *api, uint32_t n, struct fault *fault);

/* For struct http_config; arg is the struct api. */
void gate_pass(struct http_request *request, unsigned access, void *arg);
