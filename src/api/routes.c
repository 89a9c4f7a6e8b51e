/* Every endpoint. What is not a row here does not exist. */
#include "api/api.h"
#include "api/compat/compat.h"
#include "api/page/page.h"
#include "api/v1/v1.h"

/* The services that compat/ replaces let pages of any origin call them; the playground and v1 share an origin. */
/* clang-format off */
const struct http_route api_routes[] = {
    {"POST", "/v1/run",          v1_run,                 .any_origin = false, .access = KEY_SCOPE_RUN | GATE_COUNTS},
    {"POST", "/v1/judge",        v1_judge,               .any_origin = false, .access = KEY_SCOPE_JUDGE | GATE_COUNTS},
    {"POST", "/v1/submissions",  v1_submissions_post,    .any_origin = false, .access = KEY_SCOPE_SUBMISSIONS | GATE_COUNTS},
    {"GET",  "/v1/submissions",  v1_submissions_list,    .any_origin = false, .access = KEY_SCOPE_SUBMISSIONS},
    {"POST", "/v1/submissions/batch", v1_submissions_batch, .any_origin = false, .access = KEY_SCOPE_SUBMISSIONS | GATE_COUNTS},
    {"GET",  "/v1/submissions/{id}", v1_submission_get,  .any_origin = false, .access = KEY_SCOPE_SUBMISSIONS},
    {"GET",  "/v1/submissions/{id}/events", v1_submission_events, .any_origin = false, .access = KEY_SCOPE_SUBMISSIONS},
    {"DELETE", "/v1/submissions/{id}", v1_submission_delete, .any_origin = false, .access = KEY_SCOPE_SUBMISSIONS},
    {"GET",  "/v1/interactive",  v1_interactive,         .any_origin = false, .access = KEY_SCOPE_RUN | GATE_COUNTS},
    {"GET",  "/v1/languages",    v1_languages,           .any_origin = false},
    {"POST", "/v1/snippets",     v1_snippets_add,        .any_origin = false, .access = KEY_SCOPE_RUN | GATE_COUNTS},
    {"GET",  "/v1/snippets/{id}", v1_snippets_get,       .any_origin = false},
    {"DELETE", "/v1/snippets/{id}", v1_snippets_delete,  .any_origin = false, .access = KEY_SCOPE_RUN},
    {"GET",  "/healthz",         v1_health,              .any_origin = false},
    {"GET",  "/readyz",          v1_ready,               .any_origin = false},
    {"GET",  "/metrics",         metrics_show,           .any_origin = false},
    {"GET",  "/openapi.json",    v1_openapi,             .any_origin = true},

    {"POST", "/run-code-pool",   compat_run_code_pool,   .any_origin = true, .access = KEY_SCOPE_RUN | GATE_COUNTS},
    {"POST", "/run-code-lambda", compat_run_code_lambda, .any_origin = true, .access = KEY_SCOPE_RUN | GATE_COUNTS},
    {"POST", "/execute",         compat_execute,         .any_origin = true, .access = KEY_SCOPE_RUN | GATE_COUNTS},
    {"POST", "/submit",          compat_submit,          .any_origin = true, .access = KEY_SCOPE_SUBMISSIONS | GATE_COUNTS},
    {"POST", "/run",             compat_run_post,        .any_origin = true, .access = KEY_SCOPE_RUN | GATE_COUNTS},
    {"GET",  "/run",             compat_run_get,         .any_origin = true, .access = KEY_SCOPE_RUN | GATE_COUNTS},
    {"GET",  "/languages",       compat_language_names,  .any_origin = true},
    {"POST", "/",                compat_root_post,       .any_origin = true, .access = KEY_SCOPE_RUN | GATE_COUNTS},
    {"GET",  "/",                page_root,              .any_origin = true},
    {"POST", "/run/{lang}",      compat_root_run,        .any_origin = true, .access = KEY_SCOPE_RUN | GATE_COUNTS},

    {"GET",  "/assets/{name}",   page_asset,             .any_origin = false},
    {"GET",  "/docs",            page_docs,              .any_origin = false},
    {"GET",  "/s/{id}",          page_snippet,           .any_origin = false},
    {"GET",  "/embed",           page_embed,             .any_origin = false},
    {"GET",  "/embed.js",        page_embed_script,      .any_origin = false},
    {"GET",  "/icon.svg",        page_icon,              .any_origin = false},
};
/* clang-format on */
const size_t api_n_routes = COUNT_OF(api_routes);
