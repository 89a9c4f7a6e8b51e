#include "api/v1/snippet_json.h"

#include "api/v1/fields.h"
#include "api/v1/run_json.h"
#include "base/json_out.h"
#include "base/utf8.h"

void v1_snippet_done(struct v1_snippet *snippet)
{
    job_free(TAKE_PTR(snippet->job));
}

static int read_days(struct reader *reader, const json_t *object, uint64_t *ret)
{
    static const char name[] = "expires_in_days";
    const json_t *value = json_object_get(object, name);
    json_int_t days = SNIPPET_DAYS;

    if (value != NULL && !json_is_null(value)) {
        if (!json_is_integer(value))
            return field_wrong_type(reader, value, name, "a whole number");
        days = json_integer_value(value);
    }
    if (days < 1 || days > SNIPPET_DAYS_MAX)
        return fault_set(reader->fault, 422, name, "%s is %lld, it must be 1 to %d", name, (long long)days,
                         SNIPPET_DAYS_MAX);
    *ret = (uint64_t)days;
    return 0;
}

/* What the author's reader will see and run is all that there is: no limits, no environment. */
int v1_snippet_parse(struct v1_snippet *ret, struct slice body, struct fault *fault)
{
    static const struct field fields[] = {{"language", field_ignore}, {"files", field_ignore}, {"stdin", field_ignore},
                                          {"args", field_ignore},     {"expires_in_days", field_ignore}};
    static const struct v1_run_part part = {.prefix = "", .others = {"expires_in_days"}};
    CLEANUP(json_decrefp) json_t *root = NULL;
    struct reader reader = {.fault = fault};
    struct v1_run run;
    uint64_t days = 0;

    if (json_in_object(&root, body, fault) < 0 ||
        fields_check_names(&reader, root, "", fields, COUNT_OF(fields)) < 0 || read_days(&reader, root, &days) < 0)
        return -1;
    if (json_object_get(root, "files") == NULL || json_is_null(json_object_get(root, "files")))
        return fault_set(fault, 422, "files", "files is missing; it is an array of {name, content, encoding?}");
    if (v1_run_read(&run, root, &part, fault) < 0)
        return -1;
    *ret = (struct v1_snippet){.job = run.job, .days = days};
    return 0;
}

/* {content, encoding}, as a request takes it. */
static void write_content(struct json_out *out, struct slice bytes)
{
    const bool as_text = utf8_valid(bytes.at, bytes.len);

    json_out_key_str(out, "encoding", as_text ? "utf8" : "base64");
    json_out_key(out, "content");
    if (as_text)
        json_out_text(out, bytes);
    else
        json_out_base64(out, bytes);
}

static void write_files(struct json_out *out, const struct job *job)
{
    json_out_key(out, "files");
    json_out_open(out, '[');
    for (size_t i = 0; i < job->n_files; i++) {
        json_out_open(out, '{');
        json_out_key_str(out, "name", job->files[i].name);
        write_content(out, (struct slice){job->files[i].data, job->files[i].len});
        json_out_close(out, '}');
    }
    json_out_close(out, ']');
}

int v1_snippet_program(struct buf *to, const struct v1_snippet *snippet, const char *language)
{
    const struct job *job = snippet->job;
    struct json_out out = json_out_to(to);

    json_out_open(&out, '{');
    json_out_key_str(&out, "language", language);
    write_files(&out, job);
    json_out_key(&out, "stdin");
    json_out_open(&out, '{');
    write_content(&out, (struct slice){job->stdin_len > 0 ? job->stdin_data : "", job->stdin_len});
    json_out_close(&out, '}');
    json_out_key(&out, "args");
    json_out_open(&out, '[');
    for (size_t i = 0; i < job->n_args; i++)
        json_out_str(&out, job->args[i]);
    json_out_close(&out, ']');
    json_out_close(&out, '}');
    return json_out_end(&out);
}
