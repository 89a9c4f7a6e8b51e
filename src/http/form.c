/* multipart/form-data (RFC 7578): libmicrohttpd's parser, over a body that is there as a whole. */
#include <errno.h>

#include "http/internal.h"

/* For what is between two parts, and the names in their headers: longer ones are an error. */
enum { FORM_BUFFER_BYTES = 4096 };

struct form {
    http_on_part *on_part;
    void *arg;
    int r;
};

static enum MHD_Result on_data(void *arg, enum MHD_ValueKind kind, const char *name, const char *filename,
                               const char *type, const char *encoding, const char *data, uint64_t at, size_t len)
{
    struct form *form = arg;
    const struct http_part part = {
        .name = name == NULL ? "" : name, .filename = filename, .data = {data, len}, .begins = at == 0};

    (void)kind;
    (void)type;
    (void)encoding;
    form->r = form->on_part(form->arg, &part);
    return form->r < 0 ? MHD_NO : MHD_YES;
}

int http_request_read_form(const struct http_request *request, http_on_part *on_part, void *arg)
{
    struct form form = {.on_part = on_part, .arg = arg};
    struct slice body = http_request_body(request);
    struct MHD_PostProcessor *parser =
        MHD_create_post_processor(request->mhd, FORM_BUFFER_BYTES, on_data, &form);
    bool whole;

    if (parser == NULL) /* no memory, or no boundary: the type was looked at before */
        return -EINVAL;
    whole = MHD_post_process(parser, body.at, body.len) == MHD_YES;
    /* Says no where the body ends before its last boundary. */
    whole = MHD_destroy_post_processor(parser) == MHD_YES && whole;
    return form.r < 0 ? form.r : whole ? 0 : -EINVAL;
}
