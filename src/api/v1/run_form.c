#include "api/v1/run_form.h"

#include <errno.h>
#include <strings.h>

#include "api/json_in.h"

enum part { PART_NONE, PART_REQUEST, PART_FILE, PART_STDIN };

struct form {
    struct buf request; /* owned, as all below */
    struct buf bytes;   /* of the part that is being read */
    enum part reading;
    char *name;         /* of the file that is being read */
    bool has_request;
    struct job *extra;  /* its files and its stdin */
    size_t bytes_max;   /* no part is longer than the whole body */
    struct fault *fault;
};

static void form_done(struct form *form)
{
    buf_done(&form->request);
    buf_done(&form->bytes);
    free(form->name);
    job_free(form->extra);
}

static int no_memory(struct form *form)
{
    return fault_set(form->fault, 503, NULL, "the server is out of memory");
}

static int end_file(struct form *form)
{
    struct err err = {0};
    int r = job_add_file(form->extra, form->name, buf_text(&form->bytes), form->bytes.len, &err);

    if (r == -ENOMEM)
        return no_memory(form);
    if (r < 0)
        return fault_set(form->fault, 422, "files", "the part \"files\" named '%.100s': %s", form->name, err.msg);
    return 0;
}

/* The part is there as a whole. */
static int end_part(struct form *form)
{
    enum part part = form->reading;
    struct job *extra = form->extra;

    form->reading = PART_NONE;
    if (part == PART_FILE)
        return end_file(form);
    if (part == PART_REQUEST) {
        form->request = form->bytes;
        buf_init(&form->bytes, form->bytes_max);
        form->has_request = true;
    } else if (part == PART_STDIN) {
        extra->stdin_len = form->bytes.len;
        extra->stdin_data = TAKE_PTR(form->bytes.at);
        buf_init(&form->bytes, form->bytes_max);
    }
    return 0;
}

static int begin_file(struct form *form, const char *filename)
{
    struct err err = {0};

    if (filename == NULL)
        return fault_set(form->fault, 422, "files", "a part \"files\" has no filename");
    if (job_check_name(slice_from(filename), &err) < 0)
        return fault_set(form->fault, 422, "files", "the filename of a part \"files\": %s", err.msg);
    free(form->name);
    form->name = strdup(filename);
    form->reading = PART_FILE;
    return form->name == NULL ? no_memory(form) : 0;
}

static int begin_part(struct form *form, const struct http_part *part)
{
    if (end_part(form) < 0)
        return -1;
    buf_clear(&form->bytes);
    if (strcmp(part->name, "files") == 0)
        return begin_file(form, part->filename);
    if (strcmp(part->name, "request") == 0 && !form->has_request)
        form->reading = PART_REQUEST;
    else if (strcmp(part->name, "stdin") == 0 && form->extra->stdin_data == NULL)
        form->reading = PART_STDIN;
    else
        return fault_set(form->fault, 422, NULL,
                         "the part \"%.60s\" is there twice, or is none of: request, files, stdin", part->name);
    return 0;
}

static int on_part(void *arg, const struct http_part *part)
{
    struct form *form = arg;

    if (part->begins && begin_part(form, part) < 0)
        return -1;
    return buf_add(&form->bytes, part->data.at, part->data.len) < 0 ? no_memory(form) : 0;
}

bool v1_run_is_form(const struct http_request *request)
{
    static const char form[] = "multipart/form-data";
    const char *type = http_request_header(request, "Content-Type");

    return type != NULL && strncasecmp(type, form, strlen(form)) == 0 && strchr("; \t", type[strlen(form)]) != NULL;
}

static int read_parts(struct form *form, const struct http_request *request)
{
    int r = http_request_read_form(request, on_part, form);

    if (r == -EINVAL)
        return fault_set(form->fault, 400, NULL,
                         "the body is not multipart/form-data: its boundary is missing, or it is cut");
    if (r < 0 || end_part(form) < 0)
        return -1;
    if (!form->has_request)
        return fault_set(form->fault, 422, NULL,
                         "the part \"request\" is missing: the JSON object that says what to run");
    return 0;
}

int v1_run_read_form(struct v1_run *ret, const struct http_request *request, struct fault *fault)
{
    CLEANUP(json_decrefp) json_t *root = NULL;
    CLEANUP(form_done) struct form form = {
        .extra = job_new(), .bytes_max = http_request_body(request).len + 1, .fault = fault};

    buf_init(&form.request, form.bytes_max);
    buf_init(&form.bytes, form.bytes_max);
    if (form.extra == NULL)
        return no_memory(&form);
    if (read_parts(&form, request) < 0 ||
        json_in_object(&root, (struct slice){buf_text(&form.request), form.request.len}, fault) < 0)
        return -1;
    return v1_run_read(ret, root, &(struct v1_run_part){.prefix = "", .extra = form.extra}, fault);
}
