/*
 * api: glimpsed's face. Routes as a table (routes.c); v1/ is our own API, compat/ that of the
 * services that Glimpse replaces; both turn JSON into a struct job, and a struct result into JSON.
 */
#pragma once

#include <uv.h>

#include "api/caller.h"
#include "api/gate.h"
#include "api/keyring.h"
#include "api/metrics.h"
#include "api/page/files.h"
#include "base/err.h"
#include "base/uuid.h"
#include "engine/engine.h"
#include "http/http.h"
#include "languages/languages.h"
#include "model/config.h"
#include "store/store.h"

struct api {
    uv_loop_t *loop;             /* borrowed */
    struct languages languages;  /* owned; not to be looked into until probed */
    bool probed;                 /* versions and availability are known */
    struct engine *engine;       /* owned */
    struct store *store;         /* owned */
    struct submissions *submissions; /* owned; NULL until the store is there */
    struct webhooks *webhooks;   /* owned; NULL until the store is there */
    struct http_server *http;    /* owned */
    struct callers callers;      /* owned */
    struct keyring keyring;      /* owned */
    struct gate gate;            /* owned */
    struct metrics metrics;      /* owned */
    struct page_files page;      /* owned; without files where the playground was not built */
    uint32_t n_interactive, interactive_max; /* runs of /v1/interactive: under way, and allowed at one time */
    uint64_t snippets_max;       /* how many are kept */
    bool draining;               /* SIGTERM has come */
};

enum { API_ID_BYTES = UUID_BYTES };

extern const struct http_route api_routes[];
extern const size_t api_n_routes;

/* Why no runs can be taken now, as a sentence; NULL when they can. Static. */
const char *api_not_ready(const struct api *api);

/* A UUID of version 7, of now: see uuid.h. */
void api_make_id(char id[API_ID_BYTES]);
