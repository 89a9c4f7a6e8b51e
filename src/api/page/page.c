#include "api/page/page.h"

#include <strings.h>

#include "api/api.h"
#include "api/compat/compat.h"

/* Everything is from here: no other host, nothing inline, no plug-ins, and no way to make script from text. What a
 * program printed is a stranger's text; should it ever get into the page as markup, it still can't do anything. */
#define CSP_OF_ALL                                                                                 \
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data: blob:; connect-src 'self'; " \
    "base-uri 'none'; form-action 'none'; require-trusted-types-for 'script'; trusted-types 'none'; "

/* A page that others frame can be made to be clicked on unseen. */
#define CSP_PAGE CSP_OF_ALL "frame-ancestors 'none'"
/* Made to be framed by any page: a click in it runs a program that is shown there, in a sandbox, and nothing else. */
#define CSP_EMBED CSP_OF_ALL "frame-ancestors *"

/* Swagger UI writes style attributes, and makes its page from templates. It shows nobody's words but ours. */
#define CSP_DOCS                                                                                   \
    "default-src 'none'; script-src 'self'; style-src 'self' 'unsafe-inline'; img-src 'self' data:; " \
    "connect-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"

#define CACHE_HASHED "public, max-age=31536000, immutable" /* another content has another name */
#define CACHE_ASK    "no-cache"                            /* kept, but we are asked whether it is still right */

/* ---- negotiation ---- */

/* The next element of a comma-separated list, without blanks around it; false at the end. */
static bool next_element(struct slice *element, const char **at)
{
    size_t len;

    *at += strspn(*at, " \t,");
    len = strcspn(*at, ",");
    *element = (struct slice){.at = *at, .len = len};
    *at += len;
    return len > 0;
}

static bool is_coding(struct slice element, const char *name)
{
    size_t len = strlen(name);

    return element.len >= len && strncasecmp(element.at, name, len) == 0 &&
           (element.len == len || strchr(" \t;", element.at[len]) != NULL);
}

/* "gzip;q=0" and "gzip; q=0.000" say no. */
static bool is_refused(struct slice element)
{
    const char *q = memmem(element.at, element.len, "q=", 2), *end = element.at + element.len;

    if (q == NULL)
        return false;
    for (q += 2; q < end; q++)
        if (*q >= '1' && *q <= '9')
            return false;
    return true;
}

bool page_takes_gzip(const char *accept_encoding)
{
    struct slice element;
    bool any = false;

    while (accept_encoding != NULL && next_element(&element, &accept_encoding)) {
        if (is_coding(element, "gzip"))
            return !is_refused(element);
        if (is_coding(element, "*"))
            any = !is_refused(element);
    }
    return any;
}

static bool wants_html(const struct http_request *request)
{
    const char *accept = http_request_header(request, "Accept");

    return accept != NULL && strcasestr(accept, "text/html") != NULL;
}

static bool has_it(const struct http_request *request, const char *etag)
{
    const char *kept = http_request_header(request, "If-None-Match");

    return kept != NULL && strstr(kept, etag) != NULL;
}

/* ---- answers ---- */

struct rules {
    const char *cache;
    const char *csp; /* NULL for what is no document */
    bool foreign;    /* pages of other origins load it */
};

static const struct rules page_rules = {CACHE_ASK, CSP_PAGE, false};

static void answer_file(struct http_request *request, const struct page_file *file, const struct rules *rules)
{
    bool gzip = file->gzip.bytes.at != NULL && page_takes_gzip(http_request_header(request, "Accept-Encoding"));
    const struct page_bytes *content = gzip ? &file->gzip : &file->plain;
    struct http_header headers[8] = {
        {"Cache-Control", rules->cache},
        {"ETag", content->etag},
        {"Vary", "Accept, Accept-Encoding"},
    };
    size_t n = 3;

    if (gzip)
        headers[n++] = (struct http_header){"Content-Encoding", "gzip"};
    if (rules->csp != NULL) {
        headers[n++] = (struct http_header){"Content-Security-Policy", rules->csp};
        /* Its address may be all that it takes to read a program: it is told to nobody. */
        headers[n++] = (struct http_header){"Referrer-Policy", "no-referrer"};
    }
    if (rules->foreign) /* those that keep others' resources out unless they say so */
        headers[n++] = (struct http_header){"Cross-Origin-Resource-Policy", "cross-origin"};
    if (has_it(request, content->etag))
        http_answer(request, 304, NULL, NULL, headers);
    else
        http_answer_static(request, 200, file->type, content->bytes, headers);
}

static void answer_not_built(struct http_request *request)
{
    static const char text[] =
        "The playground is not here: its files were not built, or `web_dir` names another folder.\n"
        "script/server builds it where the npm registry can be reached.\n"
        "The API works without it: docs/api.md has it.\n";

    http_answer_static(request, 404, "text/plain; charset=utf-8", slice_from(text), NULL);
}

static void answer_page(struct http_request *request, const struct api *api, const char *name,
                        const struct rules *rules)
{
    const struct page_file *file = page_files_find(&api->page, "", slice_from(name));

    if (file == NULL)
        answer_not_built(request);
    else
        answer_file(request, file, rules);
}

void page_snippet(struct http_request *request, void *arg)
{
    answer_page(request, arg, "index.html", &page_rules);
}

/* The clients of the services that compat replaces get their JSON here. */
void page_root(struct http_request *request, void *arg)
{
    if (wants_html(request))
        answer_page(request, arg, "index.html", &page_rules);
    else
        compat_root_get(request, arg);
}

void page_embed(struct http_request *request, void *arg)
{
    static const struct rules rules = {CACHE_ASK, CSP_EMBED, true};

    answer_page(request, arg, "embed.html", &rules);
}

void page_embed_script(struct http_request *request, void *arg)
{
    static const struct rules rules = {CACHE_ASK, NULL, true};

    answer_page(request, arg, "embed.js", &rules);
}

void page_docs(struct http_request *request, void *arg)
{
    static const struct rules rules = {CACHE_ASK, CSP_DOCS, false};

    answer_page(request, arg, "docs.html", &rules);
}

void page_icon(struct http_request *request, void *arg)
{
    static const struct rules rules = {CACHE_ASK, NULL, false};

    answer_page(request, arg, "icon.svg", &rules);
}

void page_asset(struct http_request *request, void *arg)
{
    static const struct rules rules = {CACHE_HASHED, NULL, true};
    const struct api *api = arg;
    const struct page_file *file = page_files_find(&api->page, "assets/", http_request_part(request, 0));

    if (file == NULL)
        http_answer_problem(request, 404, NULL, "there is no such file of the page");
    else
        answer_file(request, file, &rules);
}
