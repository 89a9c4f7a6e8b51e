#include "api/gate.h"

#include <errno.h>

#include "api/api.h"
#include "api/auth.h"
#include "api/limiter.h"
#include "base/clock.h"
#include "base/log.h"

#define REALM "Bearer realm=\"glimpse\""

enum { PROBLEM_BYTES = 4096, V4_NEIGHBOUR_BITS = 96 + 16, V6_NEIGHBOUR_BITS = 32 };

int gate_init(struct gate *gate, struct err *err)
{
    int r = limiter_new(&gate->addresses, GATE_ADDRESSES_MAX, err);

    return r < 0 ? r : limiter_new(&gate->keys, KEYS_MAX, err);
}

void gate_done(struct gate *gate)
{
    limiter_free(TAKE_PTR(gate->addresses));
    limiter_free(TAKE_PTR(gate->keys));
}

static void refuse(struct http_request *request, const struct fault *fault, const struct http_header *headers)
{
    CLEANUP(buf_done) struct buf body;

    buf_init(&body, PROBLEM_BYTES);
    if (http_problem_body(&body, fault->status, NULL, fault->detail) < 0)
        buf_clear(&body);
    http_answer(request, fault->status, HTTP_PROBLEM_TYPE, &body, headers);
}

/* RFC 6750, 3: without a key just how to show one; with one, what is wrong with it. */
static void refuse_key(struct http_request *request, const struct fault *fault, bool shown)
{
    const struct http_header headers[] = {
        {"WWW-Authenticate", shown ? REALM ", error=\"invalid_token\"" : REALM}, {NULL, NULL}};

    if (fault->status == 401)
        refuse(request, fault, headers);
    else
        http_answer_problem(request, fault->status, NULL, "%s", fault->detail);
}

static void refuse_scope(struct http_request *request, const struct caller *caller, unsigned needed)
{
    char need[KEY_SCOPES_TEXT_BYTES], has[KEY_SCOPES_TEXT_BYTES], challenge[160];
    const struct http_header headers[] = {{"WWW-Authenticate", challenge}, {NULL, NULL}};
    struct fault fault;

    key_write_scopes(need, needed, ' ');
    key_write_scopes(has, caller->scopes, ' ');
    (void)snprintf(challenge, sizeof challenge, REALM ", error=\"insufficient_scope\", scope=\"%s\"", need);
    (void)fault_set(&fault, 403, NULL, "this takes a key with the scope %s; yours has: %s", need, has);
    refuse(request, &fault, headers);
}

/* -1: it is answered. */
static int identify(struct caller *caller, struct http_request *request, const struct api *api)
{
    const struct key *key = NULL;
    struct fault fault;

    if (caller_find(caller, &api->callers, request) < 0) {
        http_answer_problem(request, 503, NULL, "the server is out of memory");
        return -1;
    }
    if (auth_find_key(&key, &api->keyring, request, &fault) < 0) {
        log_debug("%s shows no key that holds: %s", caller->id, fault.detail);
        refuse_key(request, &fault, true);
        return -1;
    }
    if (key != NULL)
        caller_use_key(caller, &api->callers, key);
    return 0;
}

/* -1: it is answered. */
static int check_access(const struct caller *caller, struct http_request *request, unsigned access,
                        const struct api *api)
{
    const unsigned needs = access & GATE_NEEDS;
    struct fault fault;

    if (needs == 0)
        return 0;
    if (!caller->has_key && api->callers.require_key) {
        (void)fault_set(
            &fault, 401, NULL,
            "this takes a key: send `X-API-Key: KEY` or `Authorization: Bearer KEY`; who operates this server "
            "makes one with `glimpse key add`");
        refuse_key(request, &fault, false);
        return -1;
    }
    if ((caller->scopes & needs) != needs) {
        refuse_scope(request, caller, needs);
        return -1;
    }
    return 0;
}

static bool count(struct limiter_state *ret, const struct caller *caller, const struct gate *gate, uint32_t n)
{
    const struct ip_network network =
        ip_network_of(&caller->ip, ip_is_v4(&caller->ip) ? V4_NEIGHBOUR_BITS : V6_NEIGHBOUR_BITS);
    char neighbours[IP_TEXT_BYTES];

    ip_write(neighbours, &network.ip);
    return limiter_count(ret, caller->has_key ? gate->keys : gate->addresses, caller->id,
                         caller->has_key ? caller->id : neighbours, caller->rate, n, now_us() / 1000000);
}

static int say_too_much(struct fault *fault, const struct caller *caller, uint32_t n, uint32_t more_s)
{
    const char *what = caller->has_key ? "" : "; a key (`glimpse key add`) has a limit of its own";

    if (caller->behind_unknown && !caller->has_key)
        what = "; all clients of a proxy are one until the setting trusted_proxies names it";
    if (n > caller->rate)
        return fault_set(fault, 422, NULL, "that is %u requests at once, and %s may make %u in an hour: send fewer%s",
                         n, caller->id, caller->rate, what);
    return fault_set(fault, 429, NULL, "%s has made the %u requests that it may make in an hour: come back in %u s%s",
                     caller->id, caller->rate, more_s, what);
}

/* RateLimit and RateLimit-Policy are those of draft-ietf-httpapi-ratelimit-headers-11. */
static int count_requests(struct http_request *request, struct api *api, uint32_t n, uint32_t n_before,
                          struct fault *fault)
{
    const struct caller *caller = caller_of(request);
    const char *policy = caller->has_key ? "key" : "address";
    struct limiter_state state;
    char text[80];
    bool may;

    if (caller->rate == 0 || n == 0)
        return 0;
    may = count(&state, caller, &api->gate, n);
    (void)snprintf(text, sizeof text, "\"%s\";q=%u;w=%d", policy, caller->rate, LIMITER_WINDOW_S);
    http_request_set_header(request, "RateLimit-Policy", text);
    (void)snprintf(text, sizeof text, "\"%s\";r=%u;t=%u", policy, state.left, state.more_s);
    http_request_set_header(request, "RateLimit", text);
    if (may)
        return 0;
    metrics_reject(&api->metrics, REJECT_RATE);
    (void)say_too_much(fault, caller, n_before + n, state.more_s);
    if (fault->status == 429) {
        (void)snprintf(text, sizeof text, "%u", state.more_s);
        http_request_set_header(request, "Retry-After", text);
    }
    return -1;
}

int gate_count(struct http_request *request, struct api *api, uint32_t n, struct fault *fault)
{
    return count_requests(request, api, n, 1, fault);
}

static void check_rate(struct http_request *request, unsigned access, struct api *api)
{
    struct fault fault;

    if ((access & GATE_COUNTS) != 0 && count_requests(request, api, 1, 0, &fault) < 0)
        http_answer_problem(request, fault.status, NULL, "%s", fault.detail);
}

void gate_pass(struct http_request *request, unsigned access, void *arg)
{
    struct api *api = arg;
    struct caller *caller = malloc(sizeof *caller);

    if (caller == NULL) {
        http_answer_problem(request, 503, NULL, "the server is out of memory");
        return;
    }
    if (identify(caller, request, api) < 0) {
        free(caller);
        return;
    }
    http_request_set_mark(request, caller);
    log_debug("%s asks: %s %.200s", caller->id, http_request_method(request), http_request_path(request));
    if (check_access(caller, request, access, api) == 0)
        check_rate(request, access, api);
}
