/*
 * caller: who asks. Queue, limits and figures go by callers, so that one of them can't take what others need.
 *
 * With a key that is the key. Without one it is the address: of the other end of the connection, or, where that is
 * one of the operator's trusted proxies, of the client that it speaks for (forwarded.h). An IPv6 address counts by
 * its /64: that is what one customer gets, and has more addresses than anybody could remember.
 */
#pragma once

#include "base/ip.h"
#include "http/http.h"
#include "model/config.h"
#include "store/key.h"

enum { CALLER_ID_BYTES = 64, CALLER_V6_BITS = 64 };

/* No pointers: who keeps a job for later keeps a copy. */
struct caller {
    char id[CALLER_ID_BYTES]; /* "key:4d2k7xqa", "addr:192.0.2.1", "addr:2001:db8:1:2::/64" */
    struct ip ip;             /* the client's own address, whole */
    bool local;               /* on this machine, and not behind a proxy */
    bool behind_unknown;      /* a proxy that nobody told us to trust has sent it on: all its clients are this one */
    bool has_key;
    uint32_t rate;            /* requests an hour; 0: any number */
    uint32_t scopes;          /* of enum key_scope: what it may */
    uint32_t weight, max_running, max_queued; /* see struct engine_caller */
};

/* Whom to believe, and what each may have. */
struct callers {
    struct ip_network *trusted; /* owned */
    size_t n_trusted;
    uint32_t max_running, max_queued;
    uint32_t rate;              /* of an address */
    bool require_key;
};

/* < 0 with *err. */
MUST_CHECK int callers_init(struct callers *callers, const struct config *config, struct err *err);
void callers_done(struct callers *callers);

/* By what the request's connection and headers say. 0 or -ENOMEM. */
MUST_CHECK int caller_find(struct caller *ret, const struct callers *callers, const struct http_request *request);

/* The key asks, from wherever: its limits are in the place of the address's. */
void caller_use_key(struct caller *caller, const struct callers *callers, const struct key *key);
/* Whoever had this id, for a job that was kept: with the limits that hold now. key: where the id is one's, and it
 * is still there. */
void caller_restore(struct caller *ret, const struct callers *callers, const char *id, const struct key *key);

/* Who asks; every request that has come to its handler has one. Borrowed, as long as the request. */
const struct caller *caller_of(const struct http_request *request);
