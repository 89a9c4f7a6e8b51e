/*
 * caller: who asks. Queue, limits and figures go by callers, so that one of them can't take what others need.
 *
 * Without a key that is the address: of the other end of the connection, or, where that is one of the operator's
 * trusted proxies, of the client that it speaks for (forwarded.h). An IPv6 address counts by its /64: that
 * is what one customer gets, and has more addresses than anybody could remember.
 */
#pragma once

#include "base/ip.h"
#include "http/http.h"
#include "model/config.h"

enum { CALLER_ID_BYTES = 64, CALLER_V6_BITS = 64 };

/* No pointers: who keeps a job for later keeps a copy. */
struct caller {
    char id[CALLER_ID_BYTES]; /* "addr:192.0.2.1", "addr:2001:db8:1:2::/64" */
    struct ip ip;             /* the client's own address, whole */
    bool local;               /* on this machine, and not behind a proxy */
    uint32_t weight, max_running, max_queued; /* see struct engine_caller */
};

/* Whom to believe, and what each may have. */
struct callers {
    struct ip_network *trusted; /* owned */
    size_t n_trusted;
    uint32_t max_running, max_queued;
};

/* < 0 with *err. */
MUST_CHECK int callers_init(struct callers *callers, const struct config *config, struct err *err);
void callers_done(struct callers *callers);

/* By what the request's connection and headers say. 0 or -ENOMEM. */
MUST_CHECK int caller_find(struct caller *ret, const struct callers *callers, const struct http_request *request);

/* Who asks; every request that has come to its handler has one. Borrowed, as long as the request. */
const struct caller *caller_of(const struct http_request *request);
