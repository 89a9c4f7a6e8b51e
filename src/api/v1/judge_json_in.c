#include <errno.h>
#include <math.h>

#include "api/v1/fields.h"
#include "api/v1/judge_json.h"
#include "api/v1/run_json.h"

#define CASE_FOLDER "case" /* where a checker finds a case's files: see judging_case.c */

static struct judging_request *request_of(const struct reader *reader)
{
    return reader->to;
}

/* The one of these names that a string is, or -1 with the fault set. */
static int read_choice(struct reader *reader, const json_t *value, const char *path, const char *const *names, size_t n)
{
    CLEANUP(buf_done) struct buf list;
    const char *text = json_string_value(value); /* NULL where it is no string */

    for (size_t i = 0; text != NULL && i < n; i++)
        if (strcmp(text, names[i]) == 0)
            return (int)i;
    buf_init(&list, 400);
    for (size_t i = 0; i < n; i++)
        if (buf_printf(&list, "%s\"%s\"", i == 0 ? "" : i + 1 < n ? ", " : " or ", names[i]) < 0)
            return field_out_of_memory(reader);
    return fault_set(reader->fault, 422, path, "%s must be %s", path, buf_text(&list));
}

/* A number from 0 to max. */
static int read_number(struct reader *reader, const json_t *value, const char *path, double max, double *ret)
{
    double number;

    if (!json_is_number(value))
        return field_wrong_type(reader, value, path, "a number");
    number = json_number_value(value);
    if (!(number >= 0 && number <= max))
        return fault_set(reader->fault, 422, path, "%s must be from 0 to %.12g", path, max);
    *ret = number;
    return 0;
}

/* --- Cases ----------------------------------------------------------------------------------- */

static struct judging_case *case_of(const struct reader *reader)
{
    return reader->to;
}

static int read_input(struct reader *reader, const json_t *value, const char *path)
{
    return field_bytes(reader, value, path, &case_of(reader)->input);
}

static int read_expected(struct reader *reader, const json_t *value, const char *path)
{
    return field_bytes(reader, value, path, &case_of(reader)->expected);
}

static int read_weight(struct reader *reader, const json_t *value, const char *path)
{
    return read_number(reader, value, path, JUDGING_WEIGHT_MAX, &case_of(reader)->weight);
}

static int read_case_name(struct reader *reader, const json_t *value, const char *path)
{
    if (json_is_string(value) && json_string_length(value) > JUDGING_NAME_BYTES_MAX)
        return fault_set(reader->fault, 422, path, "%s has %zu bytes, at most %d are allowed", path,
                         json_string_length(value), JUDGING_NAME_BYTES_MAX);
    return field_name(reader, value, path, &case_of(reader)->name);
}

static int read_case_args(struct reader *reader, const json_t *value, const char *path)
{
    struct judging_case *which = case_of(reader);

    which->args = job_new();
    return which->args == NULL ? field_out_of_memory(reader) : v1_args_read(reader, value, path, which->args);
}

static int read_case(struct reader *reader, const json_t *value, const char *path)
{
    static const struct field fields[] = {
        {"name", read_case_name}, {"stdin", read_input},   {"expected", read_expected},
        {"args", read_case_args}, {"weight", read_weight},
    };
    char prefix[FIELD_PATH_BYTES];

    if (!json_is_object(value))
        return field_wrong_type(reader, value, path, "an object {stdin?, expected?, args?, weight?, name?}");
    (void)snprintf(prefix, sizeof prefix, "%s.", path);
    return fields_read(reader, value, prefix, fields, COUNT_OF(fields));
}

static int read_cases(struct reader *reader, const json_t *value, const char *path)
{
    struct judging_request *request = request_of(reader);
    const size_t n = json_array_size(value); /* 0 where it is no array */

    if (!json_is_array(value))
        return field_wrong_type(reader, value, path, "an array of {stdin?, expected?, args?, weight?, name?}");
    if (n == 0 || n > JUDGING_CASES_MAX)
        return fault_set(reader->fault, 422, path, "%s has %zu cases, allowed are 1 to %d", path, n, JUDGING_CASES_MAX);
    request->cases = calloc(n, sizeof *request->cases);
    if (request->cases == NULL)
        return field_out_of_memory(reader);
    for (; request->n_cases < n; request->n_cases++) {
        struct judging_case *which = &request->cases[request->n_cases];
        struct reader of_case = {.to = which, .fault = reader->fault};
        char at[FIELD_PATH_BYTES];
        int r;

        which->weight = 1;
        (void)snprintf(at, sizeof at, "%s[%zu]", path, request->n_cases);
        r = read_case(&of_case, json_array_get(value, request->n_cases), at);
        if (r < 0) {
            request->n_cases++; /* what was read of it goes with the others */
            return r;
        }
    }
    return 0;
}

/* --- What decides ---------------------------------------------------------------------------- */

static struct comparator *comparator_of(const struct reader *reader)
{
    return reader->to;
}

static int read_type(struct reader *reader, const json_t *value, const char *path)
{
    const char *names[8];
    int i;

    for (size_t k = 0; k < n_comparator_names; k++)
        names[k] = comparator_names[k].name;
    i = read_choice(reader, value, path, names, n_comparator_names);
    if (i < 0)
        return -1;
    *comparator_of(reader) = comparator_names[i].comparator;
    return 0;
}

static int read_ignore_case(struct reader *reader, const json_t *value, const char *path)
{
    return field_bool(reader, value, path, &comparator_of(reader)->ignore_case);
}

static int read_tolerance(struct reader *reader, const json_t *value, const char *path, double max, double *ret)
{
    if (comparator_of(reader)->kind != COMPARE_FLOATS)
        return fault_set(reader->fault, 422, path, "%s goes with the type \"floats\" only", path);
    return read_number(reader, value, path, max, ret);
}

static int read_absolute(struct reader *reader, const json_t *value, const char *path)
{
    return read_tolerance(reader, value, path, 1e15, &comparator_of(reader)->absolute);
}

static int read_relative(struct reader *reader, const json_t *value, const char *path)
{
    return read_tolerance(reader, value, path, 1, &comparator_of(reader)->relative);
}

static bool has(const json_t *object, const char *name)
{
    const json_t *value = json_object_get(object, name);

    return value != NULL && !json_is_null(value);
}

/* One tolerance without the other: the other one allows nothing. */
static void settle_tolerances(struct comparator *comparator, const json_t *value)
{
    if (has(value, "absolute") && !has(value, "relative"))
        comparator->relative = 0;
    if (has(value, "relative") && !has(value, "absolute"))
        comparator->absolute = 0;
}

static int read_comparator(struct reader *reader, const json_t *value, const char *path)
{
    static const struct field fields[] = {
        {"type", read_type}, /* first: it sets the others */
        {"ignore_case", read_ignore_case},
        {"absolute", read_absolute},
        {"relative", read_relative},
    };
    struct comparator *comparator = &request_of(reader)->comparator;
    struct reader inner = {.to = comparator, .fault = reader->fault};
    char prefix[FIELD_PATH_BYTES];

    if (!json_is_object(value))
        return json_is_string(value) ? read_type(&inner, value, path)
                                     : field_wrong_type(reader, value, path, "a string or an object {type, ...}");
    (void)snprintf(prefix, sizeof prefix, "%s.", path);
    if (!has(value, "type"))
        return fault_set(reader->fault, 422, "comparator.type", "comparator.type is missing");
    if (fields_read(&inner, value, prefix, fields, COUNT_OF(fields)) < 0)
        return -1;
    settle_tolerances(comparator, value);
    return 0;
}

static int read_protocol(struct reader *reader, const json_t *value, const char *path)
{
    int i = read_choice(reader, value, path, judge_protocol_names, JUDGE_N_PROTOCOLS);

    if (i >= 0)
        request_of(reader)->protocol = (enum judge_protocol)i;
    return i < 0 ? -1 : 0;
}

/* The case's files must not meet its own. */
static int check_folder(struct reader *reader, const struct job *job, const char *path)
{
    const size_t len = strlen(CASE_FOLDER);

    for (size_t i = 0; i < job->n_files; i++) {
        const char *name = job->files[i].name;
        char at[FIELD_PATH_BYTES];

        if (name == NULL || strncmp(name, CASE_FOLDER, len) != 0 || (name[len] != '\0' && name[len] != '/'))
            continue;
        (void)snprintf(at, sizeof at, "%s.files[%zu].name", path, i);
        return fault_set(reader->fault, 422, at, "%s: the folder \"" CASE_FOLDER "\" is for the files of the case", at);
    }
    return 0;
}

static int read_part(struct reader *reader, const json_t *value, const char *path, enum judging_role role)
{
    char prefix[FIELD_PATH_BYTES], at[FIELD_PATH_BYTES];
    const struct v1_run_part part = {
        .prefix = prefix,
        .but = V1_RUN_BUT_STDIN | V1_RUN_BUT_OUTPUT_ENCODING | V1_RUN_BUT_COLLECT,
        .others = {"protocol"}};
    struct v1_run run;

    (void)snprintf(prefix, sizeof prefix, "%s.", path);
    (void)snprintf(at, sizeof at, "%s.protocol", path);
    if (!json_is_object(value))
        return field_wrong_type(reader, value, path, "an object {language, code or files, protocol?, ...}");
    if (v1_run_read(&run, value, &part, reader->fault) < 0)
        return -1;
    request_of(reader)->parts[role] = run.job;
    if (check_folder(reader, run.job, path) < 0)
        return -1;
    return has(value, "protocol") ? read_protocol(reader, json_object_get(value, "protocol"), at) : 0;
}

static int read_checker(struct reader *reader, const json_t *value, const char *path)
{
    return read_part(reader, value, path, JUDGING_CHECKER);
}

static int read_interactor(struct reader *reader, const json_t *value, const char *path)
{
    return read_part(reader, value, path, JUDGING_INTERACTOR);
}

static int read_stop(struct reader *reader, const json_t *value, const char *path)
{
    return field_bool(reader, value, path, &request_of(reader)->stop_on_first_failure);
}

static int read_return(struct reader *reader, const json_t *value, const char *path)
{
    static const char *const names[] = {
        [JUDGING_RETURN_NONE] = "none", [JUDGING_RETURN_FAILED] = "failed", [JUDGING_RETURN_ALL] = "all"};
    int i = read_choice(reader, value, path, names, COUNT_OF(names));

    if (i >= 0)
        request_of(reader)->return_output = (enum judging_return)i;
    return i < 0 ? -1 : 0;
}

/* --- All of it ------------------------------------------------------------------------------- */

static const struct field judge_fields[] = {
    {"cases", read_cases},
    {"comparator", read_comparator},
    {"checker", read_checker},
    {"interactor", read_interactor},
    {"stop_on_first_failure", read_stop},
    {"return_output", read_return},
};

/* The fields that are the program's. */
static int read_program(struct reader *reader, const json_t *root)
{
    struct v1_run_part part = {.prefix = "", .but = V1_RUN_BUT_STDIN | V1_RUN_BUT_COLLECT};
    struct v1_run run;

    for (size_t i = 0; i < COUNT_OF(judge_fields); i++)
        part.others[i] = judge_fields[i].name;
    if (json_object_get(root, "stdin") != NULL)
        return fault_set(reader->fault, 422, "stdin", "stdin is each case's own: \"cases\": [{\"stdin\": ...}]");
    if (v1_run_read(&run, root, &part, reader->fault) < 0)
        return -1;
    request_of(reader)->parts[JUDGING_PROGRAM] = run.job;
    request_of(reader)->base64 = run.base64;
    return 0;
}

/* The program's arguments and the case's are one list for the kernel. */
static int check_args(struct reader *reader, const struct job *program, const struct judging_case *which, size_t i)
{
    size_t n = program->n_args + which->args->n_args, bytes = 0;
    char at[FIELD_PATH_BYTES];

    for (size_t k = 0; k < program->n_args; k++)
        bytes += strlen(program->args[k]);
    for (size_t k = 0; k < program->n_env; k++)
        bytes += strlen(program->env[k]);
    for (size_t k = 0; k < which->args->n_args; k++)
        bytes += strlen(which->args->args[k]);
    if (n <= JOB_MAX_ARGS && bytes <= JOB_MAX_STRINGS_BYTES)
        return 0;
    (void)snprintf(at, sizeof at, "cases[%zu].args", i);
    return fault_set(reader->fault, 422, at,
                     "%s and args are %zu arguments, of %zu bytes with env; at most %d of %d bytes are allowed", at, n,
                     bytes, JOB_MAX_ARGS, JOB_MAX_STRINGS_BYTES);
}

static int check_cases(struct reader *reader)
{
    const struct judging_request *request = request_of(reader);

    for (size_t i = 0; i < request->n_cases; i++)
        if (request->cases[i].args != NULL &&
            check_args(reader, request->parts[JUDGING_PROGRAM], &request->cases[i], i) < 0)
            return -1;
    return 0;
}

static int check_one_decides(struct reader *reader, const json_t *root)
{
    static const char *const names[] = {"comparator", "checker", "interactor"};
    const char *first = NULL;

    for (size_t i = 0; i < COUNT_OF(names); i++) {
        if (!has(root, names[i]))
            continue;
        if (first != NULL)
            return fault_set(reader->fault, 422, names[i], "%s and %s exclude each other: one of them decides", first,
                             names[i]);
        first = names[i];
    }
    return 0;
}

static int read_rest(struct reader *reader, const json_t *root)
{
    for (size_t i = 0; i < COUNT_OF(judge_fields); i++)
        if (has(root, judge_fields[i].name) &&
            judge_fields[i].read(reader, json_object_get(root, judge_fields[i].name), judge_fields[i].name) < 0)
            return -1;
    if (!has(root, "cases"))
        return fault_set(reader->fault, 422, "cases", "cases is missing; it is an array of {stdin?, expected?, ...}");
    if (check_one_decides(reader, root) < 0)
        return -1;
    return check_cases(reader);
}

int v1_judge_parse(struct judging_request *ret, struct slice body, struct fault *fault)
{
    CLEANUP(judging_request_done) struct judging_request request = {.comparator = {.kind = COMPARE_TRIMMED}};
    CLEANUP(json_decrefp) json_t *root = NULL;
    struct reader reader = {.to = &request, .fault = fault};

    if (json_in_object(&root, body, fault) < 0 || read_program(&reader, root) < 0 || read_rest(&reader, root) < 0)
        return -1;
    *ret = request;
    request = (struct judging_request){0};
    return 0;
}
