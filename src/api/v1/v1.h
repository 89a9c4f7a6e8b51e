/* v1: our own API. Handlers for routes.c. */
#pragma once

#include <stddef.h>

struct http_request;

void v1_run(struct http_request *request, void *arg);       /* POST /v1/run */
void v1_judge(struct http_request *request, void *arg);     /* POST /v1/judge */
void v1_interactive(struct http_request *request, void *arg); /* GET /v1/interactive */
void v1_languages(struct http_request *request, void *arg); /* GET /v1/languages */
void v1_snippets_add(struct http_request *request, void *arg);    /* POST /v1/snippets */
void v1_snippets_get(struct http_request *request, void *arg);    /* GET /v1/snippets/{id} */
void v1_snippets_delete(struct http_request *request, void *arg); /* DELETE /v1/snippets/{id} */
void v1_health(struct http_request *request, void *arg);    /* GET /healthz */
void v1_ready(struct http_request *request, void *arg);     /* GET /readyz */
void v1_openapi(struct http_request *request, void *arg);   /* GET /openapi.json */

/* Made of docs/openapi.yaml by api/openapi.py; JSON, without a NUL at its end. */
extern const unsigned char openapi_json[];
extern const size_t openapi_json_len;

void v1_submissions_post(struct http_request *request, void *arg);  /* POST /v1/submissions */
void v1_submissions_batch(struct http_request *request, void *arg); /* POST /v1/submissions/batch */
void v1_submissions_list(struct http_request *request, void *arg);  /* GET /v1/submissions */
void v1_submission_get(struct http_request *request, void *arg);    /* GET /v1/submissions/{id} */
void v1_submission_events(struct http_request *request, void *arg); /* GET /v1/submissions/{id}/events */
void v1_submission_delete(struct http_request *request, void *arg); /* DELETE /v1/submissions/{id} */
