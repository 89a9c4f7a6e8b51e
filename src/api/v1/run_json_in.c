#include "api/v1/run_json.h"

#include <errno.h>
#include <inttypes.h>

#include "api/v1/fields.h"

static struct job *job_of(const struct reader *reader)
{
    return ((const struct v1_run *)reader->to)->job;
}

static int read_language(struct reader *reader, const json_t *value, const char *path)
{
    return field_name(reader, value, path, &job_of(reader)->language);
}

static int read_version(struct reader *reader, const json_t *value, const char *path)
{
    return field_name(reader, value, path, &job_of(reader)->version);
}

static int read_code(struct reader *reader, const json_t *value, const char *path)
{
    struct err err = {0};

    if (!json_is_string(value))
        return field_wrong_type(reader, value, path, "a string");
    if (job_add_file(job_of(reader), NULL, json_string_value(value), json_string_length(value),
                     &err) < 0)
        return field_wrong_value(reader, path, &err);
    return 0;
}

/* "files[3]" -> "files" */
static const char *list_of(char *text, size_t size, const char *path)
{
    const char *bracket = strrchr(path, '[');

    (void)snprintf(text, size, "%.*s", (int)(bracket == NULL ? strlen(path) : (size_t)(bracket - path)), path);
    return text;
}

static int read_file(struct reader *reader, const json_t *file, const char *path)
{
    static const struct field fields[] = {
        {"name", field_ignore}, {"content", field_ignore}, {"encoding", field_ignore}};
    CLEANUP(buf_done) struct buf data = {0};
    CLEANUP(freep) char *name = NULL;
    const json_t *name_value;
    struct err err = {0};
    char at[FIELD_PATH_BYTES], list[FIELD_PATH_BYTES];

    if (!json_is_object(file))
        return field_wrong_type(reader, file, path, "an object {name, content, encoding?}");
    (void)snprintf(at, sizeof at, "%s.", path);
    if (fields_check_names(reader, file, at, fields, COUNT_OF(fields)) < 0)
        return -1;
    (void)snprintf(at, sizeof at, "%s.name", path);
    name_value = json_object_get(file, "name");
    if (name_value == NULL)
        return fault_set(reader->fault, 422, at,
                         "%s is missing; it is a relative path like \"main.py\"", at);
    if (field_name(reader, name_value, at, &name) < 0 || field_content(reader, file, path, &data) < 0)
        return -1;
    if (job_check_name(slice_from(name), &err) < 0)
        return field_wrong_value(reader, at, &err);
    /* EINVAL: two of one name. */
    if (job_add_file(job_of(reader), name, buf_text(&data), data.len, &err) < 0)
        return field_wrong_value(reader, err.code == -EINVAL ? at : list_of(list, sizeof list, path), &err);
    return 0;
}

static int read_files(struct reader *reader, const json_t *files, const char *path)
{
    if (!json_is_array(files))
        return field_wrong_type(reader, files, path, "an array of {name, content, encoding?}");
    if (job_of(reader)->n_files > 0)
        return fault_set(reader->fault, 422, path,
                         "code and files exclude each other: put the code into files");
    if (json_array_size(files) == 0 || json_array_size(files) > JOB_MAX_FILES)
        return fault_set(reader->fault, 422, path, "%s has %zu files, allowed are 1 to %d", path,
                         json_array_size(files), JOB_MAX_FILES);
    for (size_t i = 0; i < json_array_size(files); i++) {
        char at[FIELD_PATH_BYTES];

        (void)snprintf(at, sizeof at, "%s[%zu]", path, i);
        if (read_file(reader, json_array_get(files, i), at) < 0)
            return -1;
    }
    return 0;
}

static int read_stdin(struct reader *reader, const json_t *value, const char *path)
{
    CLEANUP(buf_done) struct buf data = {0};
    struct job *job = job_of(reader);

    if (field_bytes(reader, value, path, &data) < 0)
        return -1;
    if (data.len > JOB_MAX_STDIN_BYTES)
        return fault_set(reader->fault, 422, path, "%s has more than %d bytes", path, JOB_MAX_STDIN_BYTES);
    job->stdin_len = data.len;
    job->stdin_data = TAKE_PTR(data.at);
    return 0;
}

int v1_args_read(struct reader *reader, const json_t *args, const char *path, struct job *job)
{
    struct err err = {0};

    if (!json_is_array(args))
        return field_wrong_type(reader, args, path, "an array of strings");
    if (json_array_size(args) > JOB_MAX_ARGS)
        return fault_set(reader->fault, 422, path, "%s has %zu strings, at most %d are allowed",
                         path, json_array_size(args), JOB_MAX_ARGS);
    for (size_t i = 0; i < json_array_size(args); i++) {
        const json_t *arg = json_array_get(args, i);
        char at[FIELD_PATH_BYTES];

        (void)snprintf(at, sizeof at, "%s[%zu]", path, i);
        if (!json_is_string(arg))
            return field_wrong_type(reader, arg, at, "a string");
        if (job_add_arg(job, json_in_slice(arg), &err) < 0)
            return field_wrong_value(reader, at, &err);
    }
    return 0;
}

static int read_args(struct reader *reader, const json_t *args, const char *path)
{
    return v1_args_read(reader, args, path, job_of(reader));
}

static int read_env(struct reader *reader, const json_t *env, const char *path)
{
    struct err err = {0};
    const char *name;
    json_t *value;

    if (!json_is_object(env))
        return field_wrong_type(reader, env, path, "an object of strings");
    json_object_foreach((json_t *)(uintptr_t)env, name, value) {
        char at[FIELD_PATH_BYTES];

        (void)snprintf(at, sizeof at, "%s.%s", path, name);
        if (!json_is_string(value))
            return field_wrong_type(reader, value, at, "a string");
        if (job_add_env(job_of(reader), slice_from(name), json_in_slice(value), &err) < 0)
            return field_wrong_value(reader, at, &err);
    }
    return 0;
}

static int read_limit(struct reader *reader, struct limits *limits, const struct limit_info *info,
                      const json_t *value, const char *path)
{
    json_int_t number;

    if (!json_is_integer(value))
        return field_wrong_type(reader, value, path, "a whole number");
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
            return field_out_of_memory(reader);
    return fault_set(reader->fault, 422, path, "%.100s is not a limit; there are: %s", path,
                     buf_text(&names));
}

static int read_stage_limits(struct reader *reader, const json_t *value, const char *path,
                             enum stage stage)
{
    const char *name;
    json_t *limit;

    if (!json_is_object(value))
        return field_wrong_type(reader, value, path, "an object of limits");
    json_object_foreach((json_t *)(uintptr_t)value, name, limit) {
        const struct limit_info *info = limit_find(name, strlen(name));
        char at[FIELD_PATH_BYTES];

        (void)snprintf(at, sizeof at, "%s.%s", path, name);
        if (info == NULL)
            return unknown_limit(reader, at);
        if (!json_is_null(limit) &&
            read_limit(reader, &job_of(reader)->limits[stage], info, limit, at) < 0)
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
    char at[FIELD_PATH_BYTES];

    if (!json_is_object(limits))
        return field_wrong_type(reader, limits, path, "an object {compile?, run?}");
    for (size_t i = 0; i < N_LIMITS; i++) { /* the likely mistake */
        const char *name = limit_table[i].name;

        if (json_object_get(limits, name) == NULL)
            continue;
        (void)snprintf(at, sizeof at, "%s.%s", path, name);
        return fault_set(
            reader->fault, 422, at,
            "limits are given for each stage: \"limits\": {\"run\": {\"%s\": ...}}, or \"compile\"",
            name);
    }
    (void)snprintf(at, sizeof at, "%s.", path);
    return fields_read(reader, limits, at, fields, COUNT_OF(fields));
}

static int read_output_encoding(struct reader *reader, const json_t *value, const char *path)
{
    const char *name = json_string_value(value); /* NULL where it is no string */

    if (name == NULL || (strcmp(name, "utf8") != 0 && strcmp(name, "base64") != 0))
        return fault_set(reader->fault, 422, path, "%s must be \"utf8\" or \"base64\"", path);
    ((struct v1_run *)reader->to)->base64 = strcmp(name, "base64") == 0;
    return 0;
}

static int read_collect(struct reader *reader, const json_t *patterns, const char *path)
{
    struct err err = {0};

    if (!json_is_array(patterns))
        return field_wrong_type(reader, patterns, path, "an array of file names, which may have * and ?");
    if (json_array_size(patterns) > JOB_MAX_COLLECT)
        return fault_set(reader->fault, 422, path, "%s has %zu patterns, at most %d are allowed", path,
                         json_array_size(patterns), JOB_MAX_COLLECT);
    for (size_t i = 0; i < json_array_size(patterns); i++) {
        const json_t *pattern = json_array_get(patterns, i);
        char at[FIELD_PATH_BYTES];

        (void)snprintf(at, sizeof at, "%s[%zu]", path, i);
        if (!json_is_string(pattern))
            return field_wrong_type(reader, pattern, at, "a string");
        if (job_add_collect(job_of(reader), json_in_slice(pattern), &err) < 0)
            return field_wrong_value(reader, at, &err);
    }
    return 0;
}

static int read_cache(struct reader *reader, const json_t *value, const char *path)
{
    bool cache;

    if (field_bool(reader, value, path, &cache) < 0)
        return -1;
    job_of(reader)->no_cache = !cache;
    return 0;
}

/* clang-format off */
static const struct row {
    struct field field;
    unsigned but; /* V1_RUN_BUT_*: parts that don't have it */
} rows[] = {
    {{"language", read_language}, 0},
    {{"version", read_version}, 0},
    {{"code", read_code}, 0},
    {{"files", read_files}, 0},
    {{"stdin", read_stdin}, V1_RUN_BUT_STDIN},
    {{"args", read_args}, 0},
    {{"env", read_env}, 0},
    {{"limits", read_limits}, 0},
    {{"collect", read_collect}, V1_RUN_BUT_COLLECT},
    {{"cache", read_cache}, 0},
    {{"output_encoding", read_output_encoding}, V1_RUN_BUT_OUTPUT_ENCODING},
};
/* clang-format on */

/* The rows of a part, and a row for each field that somebody else reads. How many. */
static size_t fields_of(struct field fields[COUNT_OF(rows) + V1_RUN_OTHERS_MAX], const struct v1_run_part *part)
{
    size_t n = 0;

    for (size_t i = 0; i < COUNT_OF(rows); i++)
        if ((rows[i].but & part->but) == 0)
            fields[n++] = rows[i].field;
    for (size_t i = 0; i < V1_RUN_OTHERS_MAX && part->others[i] != NULL; i++)
        fields[n++] = (struct field){part->others[i], field_ignore};
    return n;
}

/* What came beside the JSON. Its files follow those that are in it. */
static int move_extra(struct reader *reader, struct job *extra)
{
    struct job *job = job_of(reader);
    struct err err = {0};

    if (job->main_unnamed && extra->n_files > 0)
        return fault_set(reader->fault, 422, "files", "code and files exclude each other: send the code as a file");
    for (size_t i = 0; i < extra->n_files; i++)
        if (job_add_file(job, extra->files[i].name, extra->files[i].data, extra->files[i].len, &err) < 0)
            return field_wrong_value(reader, "files", &err);
    if (extra->stdin_data == NULL)
        return 0;
    if (job->stdin_data != NULL)
        return fault_set(reader->fault, 422, "stdin", "stdin is given twice: in the request, and as a part of its own");
    job->stdin_data = TAKE_PTR(extra->stdin_data);
    job->stdin_len = extra->stdin_len;
    return 0;
}

static int read_run(struct reader *reader, const json_t *object, const struct v1_run_part *part)
{
    struct field fields[COUNT_OF(rows) + V1_RUN_OTHERS_MAX];
    char at[FIELD_PATH_BYTES];

    if (fields_read(reader, object, part->prefix, fields, fields_of(fields, part)) < 0)
        return -1;
    (void)snprintf(at, sizeof at, "%slanguage", part->prefix);
    if (job_of(reader)->language == NULL)
        return fault_set(reader->fault, 422, at, "%s is missing; GET /v1/languages lists what there is", at);
    if (part->extra != NULL && move_extra(reader, part->extra) < 0)
        return -1;
    (void)snprintf(at, sizeof at, "%scode", part->prefix);
    if (part->without_program && job_of(reader)->main_unnamed)
        return fault_set(reader->fault, 422, at, "%s and a prompt exclude each other; files may be there", at);
    if (job_of(reader)->n_files == 0 && !part->without_program)
        return fault_set(reader->fault, 422, at, "%s is missing (or files, for more than one file)", at);
    return 0;
}

int v1_run_read(struct v1_run *ret, const json_t *object, const struct v1_run_part *part, struct fault *fault)
{
    CLEANUP(job_freep) struct job *job = job_new();
    struct v1_run run = {.job = job};
    struct reader reader = {.to = &run, .fault = fault};

    if (job == NULL)
        return field_out_of_memory(&reader);
    if (read_run(&reader, object, part) < 0)
        return -1;
    *ret = run;
    ret->job = TAKE_PTR(job);
    return 0;
}

int v1_run_parse(struct v1_run *ret, struct slice body, struct fault *fault)
{
    static const struct v1_run_part whole = {.prefix = ""};
    CLEANUP(json_decrefp) json_t *root = NULL;

    if (json_in_object(&root, body, fault) < 0)
        return -1;
    return v1_run_read(ret, root, &whole, fault);
}
