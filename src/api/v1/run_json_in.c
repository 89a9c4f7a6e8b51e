/*
 * One table row for each field, at each level. Rows are read in the table's order, not the body's, so that
 * of several faults the same one is reported always. Optional fields may be null, which many clients send for "none".
 */
#include <errno.h>
#include <inttypes.h>
#include <nettle/base64.h>

#include "api/json_in.h"
#include "api/v1/run_json.h"

struct reader {
    struct v1_run run;
    struct fault *fault;
};

typedef int read_fn(struct reader *reader, const json_t *value, const char *path);

struct field {
    const char *name;
    read_fn *read;
};

static int wrong_type(struct reader *reader, const json_t *value, const char *path,
                      const char *wanted)
{
    return fault_set(reader->fault, 422, path, "%s must be %s, not %s", path, wanted,
                     json_in_type_name(value));
}

/* From a function of model/job.h: -ENOMEM is ours, all else is the client's. */
static int wrong_value(struct reader *reader, const char *path, const struct err *err)
{
    if (err->code == -ENOMEM)
        return fault_set(reader->fault, 503, NULL, "the server is out of memory");
    return fault_set(reader->fault, 422, path, "%s: %s", path, err->msg);
}

static int out_of_memory(struct reader *reader)
{
    return fault_set(reader->fault, 503, NULL, "the server is out of memory");
}

/* Refuses what is not in the table, and says what is. prefix: path of the object with its '.', or "". */
static int check_names(struct reader *reader, const json_t *object, const char *prefix,
                       const struct field *fields, size_t n_fields)
{
    CLEANUP(buf_done) struct buf names;
    const char *name;
    json_t *value;

    buf_init(&names, 400);
    /* jansson's macro is not const-clean. */
    json_object_foreach((json_t *)(uintptr_t)object, name, value) {
        size_t i = 0;
        char path[160];

        while (i < n_fields && strcmp(fields[i].name, name) != 0)
            i++;
        if (i < n_fields)
            continue;
        for (i = 0; i < n_fields; i++)
            if (buf_printf(&names, "%s%s", i > 0 ? ", " : "", fields[i].name) < 0)
                return out_of_memory(reader);
        (void)snprintf(path, sizeof path, "%s%s", prefix, name);
        return fault_set(reader->fault, 422, path, "%.100s is not a field here; allowed are: %s",
                         path, buf_text(&names));
    }
    return 0;
}

static int read_fields(struct reader *reader, const json_t *object, const char *prefix,
                       const struct field *fields, size_t n_fields)
{
    if (check_names(reader, object, prefix, fields, n_fields) < 0)
        return -1;
    for (size_t i = 0; i < n_fields; i++) {
        const json_t *value = json_object_get(object, fields[i].name);
        char path[160];

        if (value == NULL || json_is_null(value))
            continue;
        (void)snprintf(path, sizeof path, "%s%s", prefix, fields[i].name);
        if (fields[i].read(reader, value, path) < 0)
            return -1;
    }
    return 0;
}

/* A short text that becomes a C string. */
static int read_name(struct reader *reader, const json_t *value, const char *path, char **ret)
{
    if (!json_is_string(value))
        return wrong_type(reader, value, path, "a string");
    if (json_in_has_nul(value))
        return fault_set(reader->fault, 422, path, "%s holds a NUL character", path);
    if (json_string_length(value) == 0)
        return fault_set(reader->fault, 422, path, "%s is empty", path);
    *ret = strdup(json_string_value(value));
    return *ret == NULL ? out_of_memory(reader) : 0;
}

static int read_language(struct reader *reader, const json_t *value, const char *path)
{
    return read_name(reader, value, path, &reader->run.job->language);
}

static int read_version(struct reader *reader, const json_t *value, const char *path)
{
    return read_name(reader, value, path, &reader->run.job->version);
}

static int decode_base64(struct reader *reader, struct buf *to, const json_t *content,
                         const char *path)
{
    struct base64_decode_ctx decode;
    struct slice text = json_in_slice(content);
    size_t len;

    if (buf_reserve(to, BASE64_DECODE_LENGTH(text.len)) < 0)
        return out_of_memory(reader);
    base64_decode_init(&decode);
    if (!base64_decode_update(&decode, &len, (uint8_t *)to->at, text.len, text.at) ||
        !base64_decode_final(&decode))
        return fault_set(reader->fault, 422, path, "%s is not base64 (RFC 4648, with padding)",
                         path);
    to->len = len;
    return 0;
}

/* {content, encoding?} -> bytes. path: of the object. */
static int read_content(struct reader *reader, const json_t *object, const char *path,
                        struct buf *to)
{
    const json_t *content = json_object_get(object, "content"),
                 *encoding = json_object_get(object, "encoding");
    char at[200];

    (void)snprintf(at, sizeof at, "%s.content", path);
    if (content == NULL)
        return fault_set(reader->fault, 422, at,
                         "%s is missing; it is the text, or base64 with \"encoding\": \"base64\"",
                         at);
    if (!json_is_string(content))
        return wrong_type(reader, content, at, "a string");
    buf_init(to, JOB_MAX_FILES_BYTES * 2);
    if (encoding == NULL || json_is_null(encoding) ||
        (json_is_string(encoding) && strcmp(json_string_value(encoding), "utf8") == 0))
        return buf_add(to, json_string_value(content), json_string_length(content)) < 0
                   ? out_of_memory(reader)
                   : 0;
    if (json_is_string(encoding) && strcmp(json_string_value(encoding), "base64") == 0)
        return decode_base64(reader, to, content, at);
    (void)snprintf(at, sizeof at, "%s.encoding", path);
    return fault_set(reader->fault, 422, at, "%s must be \"utf8\" or \"base64\"", at);
}

static int read_code(struct reader *reader, const json_t *value, const char *path)
{
    struct err err = {0};

    if (!json_is_string(value))
        return wrong_type(reader, value, path, "a string");
    if (job_add_file(reader->run.job, NULL, json_string_value(value), json_string_length(value),
                     &err) < 0)
        return wrong_value(reader, path, &err);
    return 0;
}

static int ignore(struct reader *reader, const json_t *value, const char *path)
{
    (void)reader, (void)value, (void)path; /* its reader takes the object whole */
    return 0;
}

static int read_file(struct reader *reader, const json_t *file, const char *path)
{
    static const struct field fields[] = {
        {"name", ignore}, {"content", ignore}, {"encoding", ignore}};
    CLEANUP(buf_done) struct buf data = {0};
    CLEANUP(freep) char *name = NULL;
    const json_t *name_value;
    struct err err = {0};
    char at[200];

    if (!json_is_object(file))
        return wrong_type(reader, file, path, "an object {name, content, encoding?}");
    (void)snprintf(at, sizeof at, "%s.", path);
    if (check_names(reader, file, at, fields, COUNT_OF(fields)) < 0)
        return -1;
    (void)snprintf(at, sizeof at, "%s.name", path);
    name_value = json_object_get(file, "name");
    if (name_value == NULL)
        return fault_set(reader->fault, 422, at,
                         "%s is missing; it is a relative path like \"main.py\"", at);
    if (read_name(reader, name_value, at, &name) < 0 || read_content(reader, file, path, &data) < 0)
        return -1;
    if (job_check_name(slice_from(name), &err) < 0)
        return wrong_value(reader, at, &err);
    /* EINVAL: two of one name. */
    if (job_add_file(reader->run.job, name, buf_text(&data), data.len, &err) < 0)
        return wrong_value(reader, err.code == -EINVAL ? at : "files", &err);
    return 0;
}

static int read_files(struct reader *reader, const json_t *files, const char *path)
{
    if (!json_is_array(files))
        return wrong_type(reader, files, path, "an array of {name, content, encoding?}");
    if (reader->run.job->n_files > 0)
        return fault_set(reader->fault, 422, path,
                         "code and files exclude each other: put the code into files");
    if (json_array_size(files) == 0 || json_array_size(files) > JOB_MAX_FILES)
        return fault_set(reader->fault, 422, path, "%s has %zu files, allowed are 1 to %d", path,
                         json_array_size(files), JOB_MAX_FILES);
    for (size_t i = 0; i < json_array_size(files); i++) {
        char at[32];

        (void)snprintf(at, sizeof at, "files[%zu]", i);
        if (read_file(reader, json_array_get(files, i), at) < 0)
            return -1;
    }
    return 0;
}

static int read_stdin(struct reader *reader, const json_t *value, const char *path)
{
    static const struct field fields[] = {{"content", ignore}, {"encoding", ignore}};
    CLEANUP(buf_done) struct buf data = {0};
    struct job *job = reader->run.job;

    if (json_is_string(value)) {
        buf_init(&data, JOB_MAX_FILES_BYTES * 2);
        if (buf_add(&data, json_string_value(value), json_string_length(value)) < 0)
            return out_of_memory(reader);
    } else if (json_is_object(value)) {
        if (check_names(reader, value, "stdin.", fields, COUNT_OF(fields)) < 0 ||
            read_content(reader, value, path, &data) < 0)
            return -1;
    } else {
        return wrong_type(reader, value, path, "a string or {content, encoding}");
    }
    if (data.len > JOB_MAX_STDIN_BYTES)
        return fault_set(reader->fault, 422, path, "%s has more than %d bytes", path,
                         JOB_MAX_STDIN_BYTES);
    job->stdin_len = data.len;
    job->stdin_data = TAKE_PTR(data.at);
    return 0;
}

static int read_args(struct reader *reader, const json_t *args, const char *path)
{
    struct err err = {0};

    if (!json_is_array(args))
        return wrong_type(reader, args, path, "an array of strings");
    if (json_array_size(args) > JOB_MAX_ARGS)
        return fault_set(reader->fault, 422, path, "%s has %zu strings, at most %d are allowed",
                         path, json_array_size(args), JOB_MAX_ARGS);
    for (size_t i = 0; i < json_array_size(args); i++) {
        const json_t *arg = json_array_get(args, i);
        char at[32];

        (void)snprintf(at, sizeof at, "args[%zu]", i);
        if (!json_is_string(arg))
            return wrong_type(reader, arg, at, "a string");
        if (job_add_arg(reader->run.job, json_in_slice(arg), &err) < 0)
            return wrong_value(reader, at, &err);
    }
    return 0;
}

static int read_env(struct reader *reader, const json_t *env, const char *path)
{
    struct err err = {0};
    const char *name;
    json_t *value;

    if (!json_is_object(env))
        return wrong_type(reader, env, path, "an object of strings");
    json_object_foreach((json_t *)(uintptr_t)env, name, value) {
        char at[160];

        (void)snprintf(at, sizeof at, "env.%s", name);
        if (!json_is_string(value))
            return wrong_type(reader, value, at, "a string");
        if (job_add_env(reader->run.job, slice_from(name), json_in_slice(value), &err) < 0)
            return wrong_value(reader, at, &err);
    }
    return 0;
}

static int read_limit(struct reader *reader, struct limits *limits, const struct limit_info *info,
                      const json_t *value, const char *path)
{
    json_int_t number;

    if (!json_is_integer(value))
        return wrong_type(reader, value, path, "a whole number");
    number = json_integer_value(value);
    if (number < 0 || (uint64_t)number < info->min)
        return fault_set(reader->fault, 422, path,
                         "%s is %lld, it must be at least %" PRIu64 "%s%s", path, (long long)number,
                         info->min, *info->unit != '\0' ? " " : "", info->unit);
    /* Too much is lowered to the language's maximum by the engine. */
    *limit_at(limits, info) = (uint64_t)number;
    return 0;
}

static int unknown_limit(struct reader *reader, const char *path)
{
    CLEANUP(buf_done) struct buf names;

    buf_init(&names, 400);
    for (size_t i = 0; i < N_LIMITS; i++)
        if (buf_printf(&names, "%s%s", i > 0 ? ", " : "", limit_table[i].name) < 0)
            return out_of_memory(reader);
    return fault_set(reader->fault, 422, path, "%.100s is not a limit; there are: %s", path,
                     buf_text(&names));
}

static int read_stage_limits(struct reader *reader, const json_t *value, const char *path,
                             enum stage stage)
{
    const char *name;
    json_t *limit;

    if (!json_is_object(value))
        return wrong_type(reader, value, path, "an object of limits");
    json_object_foreach((json_t *)(uintptr_t)value, name, limit) {
        const struct limit_info *info = limit_find(name, strlen(name));
        char at[160];

        (void)snprintf(at, sizeof at, "%s.%s", path, name);
        if (info == NULL)
            return unknown_limit(reader, at);
        if (!json_is_null(limit) &&
            read_limit(reader, &reader->run.job->limits[stage], info, limit, at) < 0)
            return -1;
    }
    return 0;
}

static int read_compile_limits(struct reader *reader, const json_t *value, const char *path)
{
    return read_stage_limits(reader, value, path, STAGE_COMPILE);
}

static int read_run_limits(struct reader *reader, const json_t *value, const char *path)
{
    return read_stage_limits(reader, value, path, STAGE_RUN);
}

static int read_limits(struct reader *reader, const json_t *limits, const char *path)
{
    static const struct field fields[] = {{"compile", read_compile_limits},
                                          {"run", read_run_limits}};

    if (!json_is_object(limits))
        return wrong_type(reader, limits, path, "an object {compile?, run?}");
    for (size_t i = 0; i < N_LIMITS; i++) { /* the likely mistake */
        const char *name = limit_table[i].name;
        char at[64];

        if (json_object_get(limits, name) == NULL)
            continue;
        (void)snprintf(at, sizeof at, "limits.%s", name);
        return fault_set(
            reader->fault, 422, at,
            "limits are given for each stage: \"limits\": {\"run\": {\"%s\": ...}}, or \"compile\"",
            name);
    }
    return read_fields(reader, limits, "limits.", fields, COUNT_OF(fields));
}

static int read_output_encoding(struct reader *reader, const json_t *value, const char *path)
{
    const char *name = json_string_value(value); /* NULL where it is no string */

    if (name == NULL || (strcmp(name, "utf8") != 0 && strcmp(name, "base64") != 0))
        return fault_set(reader->fault, 422, path, "%s must be \"utf8\" or \"base64\"", path);
    reader->run.base64 = strcmp(name, "base64") == 0;
    return 0;
}

static int read_cache(struct reader *reader, const json_t *value, const char *path)
{
    if (!json_is_boolean(value))
        return wrong_type(reader, value, path, "true or false");
    reader->run.job->no_cache = json_is_false(value);
    return 0;
}

static int read_run(struct reader *reader, const json_t *root)
{
    static const struct field fields[] = {
        {"language", read_language},
        {"version", read_version},
        {"code", read_code},
        {"files", read_files},
        {"stdin", read_stdin},
        {"args", read_args},
        {"env", read_env},
        {"limits", read_limits},
        {"cache", read_cache},
        {"output_encoding", read_output_encoding},
    };

    if (read_fields(reader, root, "", fields, COUNT_OF(fields)) < 0)
        return -1;
    if (reader->run.job->language == NULL)
        return fault_set(reader->fault, 422, "language",
                         "language is missing; GET /v1/languages lists what there is");
    if (reader->run.job->n_files == 0)
        return fault_set(reader->fault, 422, "code",
                         "code is missing (or files, for more than one file)");
    return 0;
}

int v1_run_parse(struct v1_run *ret, struct slice body, struct fault *fault)
{
    CLEANUP(job_freep) struct job *job = NULL;
    CLEANUP(json_decrefp) json_t *root = NULL;
    struct reader reader = {.fault = fault};

    if (json_in_object(&root, body, fault) < 0)
        return -1;
    reader.run.job = job = job_new();
    if (job == NULL)
        return out_of_memory(&reader);
    if (read_run(&reader, root) < 0)
        return -1;
    *ret = reader.run;
    ret->job = TAKE_PTR(job);
    return 0;
}
