/*
 * What libmicrohttpd says by itself: it answers requests that it can't parse with small HTML pages, and has no
 * setting for that. Our clients get problem+json for everything, so its one door for answers is wrapped:
 * the program's definition of MHD_queue_response() comes before the library's, for the library's own calls too
 * (System V ABI: symbol interposition). Where that does not hold (a static libmicrohttpd), clients get its HTML:
 * not nice, not wrong. tests/api/test_broken_http.py sees to it that it holds.
 *
 * The answer is written past libmicrohttpd, which is told that there is none, and closes: version 0.9.75, which is
 * in Debian 12, writes the headers of some of its own answers twice (an error in parse_connection_headers() is
 * forgotten by its caller).
 */
#include <dlfcn.h>

#include "http/internal.h"

typedef enum MHD_Result queue_fn(struct MHD_Connection *mhd, unsigned status,
                                 struct MHD_Response *response);

static queue_fn *find_real(void)
{
    queue_fn *real = NULL;
    void *symbol = dlsym(RTLD_NEXT, "MHD_queue_response");

    /* POSIX says that it can be one; ISO C has no cast for it. */
    memcpy(&real, &symbol, sizeof real);
    return real;
}

static const char *detail_of(unsigned status)
{
    static const struct {
        unsigned status;
        const char *detail;
    } rows[] = {
        {MHD_HTTP_BAD_REQUEST, "the request is not well-formed HTTP/1.1"},
        {MHD_HTTP_CONTENT_TOO_LARGE,
         "a header of the request does not fit; all headers together may have 32 KiB"},
        {MHD_HTTP_URI_TOO_LONG,
         "the request line does not fit; it and all headers together may have 32 KiB"},
        {MHD_HTTP_REQUEST_HEADER_FIELDS_TOO_LARGE,
         "the headers do not fit; all together may have 32 KiB"},
        {MHD_HTTP_NOT_IMPLEMENTED, "the transfer encoding is not known; chunked is"},
        {MHD_HTTP_HTTP_VERSION_NOT_SUPPORTED, "the version of HTTP is not known; 1.1 and 1.0 are"},
    };

    for (size_t i = 0; i < COUNT_OF(rows); i++)
        if (rows[i].status == status)
            return rows[i].detail;
    return "the request could not be read";
}

enum MHD_Result MHD_queue_response(struct MHD_Connection *mhd, unsigned status,
                                   struct MHD_Response *response)
{
    static queue_fn *real; /* constant once it is known */
    const union MHD_ConnectionInfo *info;

    if (real == NULL)
        real = find_real();
    if (real == NULL)
        return MHD_NO;
    /* All of ours that say no have a type. */
    if (status < 400 || MHD_get_response_header(response, "Content-Type") != NULL)
        return real(mhd, status, response);
    info = MHD_get_connection_info(mhd, MHD_CONNECTION_INFO_SOCKET_CONTEXT);
    if (info->socket_context != NULL)
        farewell_refuse(info->socket_context, status, detail_of(status));
    return MHD_NO;
}
