#include "api/caller.h"

#include <assert.h>
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "api/forwarded.h"

enum { FORWARDED_BYTES_MAX = 65536 }; /* all headers together are smaller */

int callers_init(struct callers *callers, const struct config *config, struct err *err)
{
    const struct strings *proxies = &config->trusted_proxies;

    *callers = (struct callers){.max_running = (uint32_t)config->max_running_per_caller,
                                .max_queued = (uint32_t)config->max_queued_per_caller,
                                .rate = (uint32_t)config->rate_limit,
                                .require_key = config->require_key};
    if (proxies->n == 0)
        return 0;
    callers->trusted = calloc(proxies->n, sizeof *callers->trusted);
    if (callers->trusted == NULL)
        return err_set(err, -ENOMEM, "out of memory");
    for (; callers->n_trusted < proxies->n; callers->n_trusted++) {
        int r = ip_network_parse(&callers->trusted[callers->n_trusted], proxies->at[callers->n_trusted], err);

        if (r < 0)
            return r;
    }
    return 0;
}

void callers_done(struct callers *callers)
{
    free(callers->trusted);
    *callers = (struct callers){0};
}

static void name_after_ip(struct caller *caller)
{
    const bool v4 = ip_is_v4(&caller->ip);
    const struct ip_network network = ip_network_of(&caller->ip, v4 ? 128 : CALLER_V6_BITS);
    char text[IP_TEXT_BYTES];

    ip_write(text, &network.ip);
    (void)snprintf(caller->id, sizeof caller->id, "addr:%s%s", text, v4 ? "" : "/64");
}

/* Who forwards says so, also where nobody told us to trust it: then all its clients are one caller, but not a
 * local one, for whom there are no limits. */
static bool is_forwarded(const struct http_request *request)
{
    static const char *const headers[] = {"X-Forwarded-For", "Forwarded", "X-Real-IP", "Via"};

    for (size_t i = 0; i < COUNT_OF(headers); i++)
        if (http_request_header(request, headers[i]) != NULL)
            return true;
    return false;
}

/* What an address may: all that costs something, but not the operator's figures (metrics_show.c has more to that). */
static struct caller unnamed(const struct callers *callers)
{
    return (struct caller){.scopes = KEY_SCOPE_RUN | KEY_SCOPE_SUBMISSIONS | KEY_SCOPE_JUDGE,
                           .rate = callers->rate,
                           .weight = 1,
                           .max_running = callers->max_running,
                           .max_queued = callers->max_queued};
}

int caller_find(struct caller *ret, const struct callers *callers, const struct http_request *request)
{
    const struct sockaddr *peer = http_request_peer(request);
    CLEANUP(buf_done) struct buf list;
    struct caller caller = unnamed(callers);

    buf_init(&list, FORWARDED_BYTES_MAX);
    if (peer == NULL || ip_from_sockaddr(&caller.ip, peer) < 0) {
        (void)snprintf(caller.id, sizeof caller.id, "addr:unknown");
    } else if (forwarded_is_trusted(&caller.ip, callers->trusted, callers->n_trusted)) {
        if (http_request_header_list(&list, request, "X-Forwarded-For") < 0)
            return -ENOMEM;
        caller.ip = forwarded_client(&caller.ip, (struct slice){buf_text(&list), list.len}, callers->trusted,
                                     callers->n_trusted);
        name_after_ip(&caller);
    } else {
        caller.behind_unknown = is_forwarded(request);
        caller.local = ip_is_loopback(&caller.ip) && !caller.behind_unknown;
        if (caller.local)
            caller.max_running = caller.rate = 0;
        name_after_ip(&caller);
    }
    *ret = caller;
    return 0;
}

void caller_use_key(struct caller *caller, const struct callers *callers, const struct key *key)
{
    (void)snprintf(caller->id, sizeof caller->id, "key:%s", key->id);
    caller->has_key = true;
    caller->rate = key->rate;
    caller->scopes = key->scopes;
    caller->weight = key->weight;
    caller->max_running = key->max_running != 0 ? key->max_running : callers->max_running;
    caller->max_queued = key->max_queued != 0 ? key->max_queued : callers->max_queued;
}

void caller_restore(struct caller *ret, const struct callers *callers, const char *id, const struct key *key)
{
    *ret = unnamed(callers);
    if (key != NULL)
        caller_use_key(ret, callers, key);
    (void)snprintf(ret->id, sizeof ret->id, "%s", id);
}

const struct caller *caller_of(const struct http_request *request)
{
    const struct caller *caller = http_request_mark(request);

    assert(caller != NULL); /* the gate lets nobody in without */
    return caller;
}
