/* page: the playground, for browsers. Handlers for routes.c; the files are read at start (files.h). */
#pragma once

#include "api/page/files.h"

struct http_request;

/* GET /: the page, where text/html is accepted; the compat services' clients get their JSON. */
void page_root(struct http_request *request, void *arg);         /* GET / */
void page_docs(struct http_request *request, void *arg);         /* GET /docs: shows /openapi.json */
void page_snippet(struct http_request *request, void *arg);      /* GET /s/{id}: the same page, which asks for it */
void page_embed(struct http_request *request, void *arg);        /* GET /embed: for frames of other pages */
void page_embed_script(struct http_request *request, void *arg); /* GET /embed.js: makes these frames */
void page_asset(struct http_request *request, void *arg);        /* GET /assets/{name} */
void page_icon(struct http_request *request, void *arg);         /* GET /icon.svg */

/* Whether a list as of Accept-Encoding allows gzip (RFC 9110, 12.5.3); NULL: the header was not sent. */
bool page_takes_gzip(const char *accept_encoding);
