#include "client/remote_json.h"

#include <jansson.h>
#include <nettle/base64.h>
#include <string.h>

#include "base/json_out.h"
#include "base/utf8.h"
#include "model/job.h"
#include "model/limits.h"

_Static_assert(sizeof(struct limits) == sizeof(struct glimpse_limits),
               "limit_table's offsets serve both");

/* --- The request ----------------------------------------------------------------------------- */

static void write_content(struct json_out *out, struct slice bytes)
{
    json_out_key(out, "content");
    if (utf8_valid(bytes.at, bytes.len)) {
        json_out_text(out, bytes);
        return;
    }
    json_out_base64(out, bytes);
    json_out_key_str(out, "encoding", "base64");
}

static void write_files(struct json_out *out, const struct glimpse_request *request)
{
    json_out_key(out, "files");
    json_out_open(out, '[');
    for (size_t i = 0; i < request->n_files; i++) {
        const struct glimpse_file *file = &request->files[i];

        json_out_open(out, '{');
        json_out_key_str(out, "name", file->name);
        write_content(out, (struct slice){file->data, file->length});
        json_out_close(out, '}');
    }
    json_out_close(out, ']');
}

static void write_texts(struct json_out *out, const struct glimpse_request *request)
{
    json_out_key(out, "args");
    json_out_open(out, '[');
    for (size_t i = 0; i < request->n_args; i++)
        json_out_str(out, request->args[i]);
    json_out_close(out, ']');
}

static void write_env(struct json_out *out, const struct glimpse_request *request)
{
    json_out_key(out, "env");
    json_out_open(out, '{');
    for (size_t i = 0; i < request->n_env; i++) {
        const char *equals = strchr(request->env[i], '=');
        char name[JOB_MAX_NAME_BYTES];

        (void)snprintf(name, sizeof name, "%.*s", (int)(equals - request->env[i]), request->env[i]);
        json_out_key_str(out, name, equals + 1);
    }
    json_out_close(out, '}');
}

static void write_limits(struct json_out *out, const struct glimpse_request *request)
{
    json_out_key(out, "limits");
    json_out_open(out, '{');
    for (size_t stage = 0; stage < GLIMPSE_N_STAGES; stage++) {
        json_out_key(out, stage_names[stage]);
        json_out_open(out, '{');
        for (size_t i = 0; i < N_LIMITS; i++) {
            uint64_t value;

            memcpy(&value, (const char *)&request->limits[stage] + limit_table[i].offset,
                   sizeof value);
            if (value != 0)
                json_out_key_uint(out, limit_table[i].name, value);
        }
        json_out_close(out, '}');
    }
    json_out_close(out, '}');
}

static int write_stdin(struct json_out *out, const struct glimpse_request *request,
                       const struct remote_input *input)
{
    CLEANUP(buf_done) struct buf all;

    buf_init(&all, (size_t)2 * CLIENT_MAX_STDIN_BYTES);
    if (buf_add(&all, request->stdin_data, request->stdin_length) < 0 ||
        buf_add(&all, input->more_stdin, input->more_length) < 0)
        return -1;
    json_out_key(out, "stdin");
    json_out_open(out, '{');
    write_content(out, (struct slice){buf_text(&all), all.len});
    json_out_close(out, '}');
    return 0;
}

/* What JSON cannot carry, or the API has no field for. */
static int check_request(const struct glimpse_request *request, struct glimpse_error *error)
{
    for (size_t i = 0; i < request->n_env; i++) {
        const char *equals = strchr(request->env[i], '=');
        bool plain = equals != NULL && equals - request->env[i] < JOB_MAX_NAME_BYTES;

        for (const char *at = request->env[i]; plain && at < equals; at++)
            plain = *at > ' ' && *at < 0x7f && *at != '"' && *at != '\\';
        if (!plain)
            return client_fail(error, GLIMPSE_E_INVALID,
                               "environment variable \"%.40s\" is not NAME=VALUE", request->env[i]);
    }
    if (request->n_files == 0 && request->repl == 0)
        return client_fail(error, GLIMPSE_E_INVALID, "there is no file to run");
    for (size_t i = 0; i < request->n_files; i++)
        if (request->files[i].name == NULL &&
            (request->n_files > 1 || !utf8_valid(request->files[i].data, request->files[i].length)))
            return client_fail(error, GLIMPSE_E_INVALID,
                               "a file has no name, which only a single text file may");
    return GLIMPSE_OK;
}

int remote_write_request(struct buf *to, const struct glimpse_request *request,
                         const struct remote_input *input, struct glimpse_error *error)
{
    struct json_out out = json_out_to(to);
    int code = check_request(request, error);

    if (code != GLIMPSE_OK)
        return code;
    json_out_open(&out, '{');
    json_out_key_str(&out, "language", input->language);
    json_out_key_str(&out, "version", request->version);
    if (request->repl != 0) {
        json_out_key(&out, "repl");
        json_out_bool(&out, true);
    }
    if (request->n_files > 0 && request->files[0].name == NULL)
        json_out_key_text(&out, "code",
                          (struct slice){request->files[0].data, request->files[0].length});
    else if (request->n_files > 0)
        write_files(&out, request);
    write_texts(&out, request);
    write_env(&out, request);
    write_limits(&out, request);
    json_out_key_str(&out, "output_encoding", "base64");
    if (write_stdin(&out, request, input) < 0)
        return client_fail(error, GLIMPSE_E_INVALID, "stdin is too long");
    json_out_close(&out, '}');
    return json_out_end(&out) < 0 ? client_fail(error, GLIMPSE_E_MEMORY, "the request is too long")
                                  : GLIMPSE_OK;
}

int remote_write_start(struct buf *to, const struct glimpse_request *request, const struct remote_input *input,
                       struct glimpse_error *error)
{
    int r = buf_add_str(to, "{\"type\":\"start\",\"request\":"), code;

    code = r == 0 ? remote_write_request(to, request, input, error) : GLIMPSE_OK;
    if (code != GLIMPSE_OK)
        return code;
    if (r == 0)
        r = request->rows <= 0 ? buf_add_str(to, "}")
                               : buf_printf(to, ",\"terminal\":{\"rows\":%d,\"columns\":%d}}", request->rows,
                                            request->columns);
    return r < 0 ? client_fail(error, GLIMPSE_E_MEMORY, "the request is too long") : GLIMPSE_OK;
}

/* --- Answers --------------------------------------------------------------------------------- */

static json_t *parse(const struct buf *answer)
{
    return json_loadb(buf_text(answer), answer->len, JSON_ALLOW_NUL | JSON_REJECT_DUPLICATES, NULL);
}

static int not_understood(struct glimpse_error *error)
{
    return client_fail(error, GLIMPSE_E_SERVICE,
                       "the server's answer is not understood: is it a Glimpse of our version?");
}

static int read_status(const json_t *object)
{
    const char *name = json_string_value(json_object_get(object, "status"));

    for (int i = 0; name != NULL && i < GLIMPSE_N_STATUSES; i++)
        if (strcmp(glimpse_status_name(i), name) == 0)
            return i;
    return -1;
}

static int read_signal(const json_t *value)
{
    const char *wanted = json_string_value(value);
    char name[32];

    for (int i = 1; wanted != NULL && i <= 64; i++)
        if (strcmp(signal_name(i, name, sizeof name), wanted) == 0)
            return i;
    return 0;
}

/* wall_ms and cpu_ms have three decimals. */
static uint64_t read_us(const json_t *value)
{
    double ms = json_number_value(value);

    return ms > 0 && ms < 1e15 ? (uint64_t)(ms * 1000 + 0.5) : 0;
}

static char *decode(const json_t *text, size_t *length)
{
    CLEANUP(freep) char *bytes = NULL;
    struct base64_decode_ctx context;

    if (!json_is_string(text))
        return NULL;
    bytes = malloc(BASE64_DECODE_LENGTH(json_string_length(text)) + 1);
    if (bytes == NULL)
        return NULL;
    base64_decode_init(&context);
    if (!base64_decode_update(&context, length, (uint8_t *)bytes, json_string_length(text),
                              json_string_value(text)) ||
        !base64_decode_final(&context))
        return NULL;
    bytes[*length] = '\0';
    return TAKE_PTR(bytes);
}

static const char *const stream_names[] = {"stdout", "stderr"};

static bool read_stage(struct glimpse_stage_result *ret, const json_t *stage)
{
    const json_t *exit_code = json_object_get(stage, "exit_code");

    if (!json_is_object(stage)) { /* null: not reached, or there is none */
        ret->data[0] = strdup("");
        ret->data[1] = strdup("");
        return ret->data[0] != NULL && ret->data[1] != NULL;
    }
    ret->ran = 1;
    ret->status = read_status(stage);
    ret->exit_code = json_is_integer(exit_code) ? (int)json_integer_value(exit_code) : -1;
    ret->signal = read_signal(json_object_get(stage, "signal"));
    ret->wall_us = read_us(json_object_get(stage, "wall_ms"));
    ret->cpu_us = read_us(json_object_get(stage, "cpu_ms"));
    ret->memory_bytes = (uint64_t)json_integer_value(json_object_get(stage, "memory_bytes"));
    for (size_t i = 0; i < 2; i++) {
        ret->data[i] = decode(json_object_get(stage, stream_names[i]), &ret->length[i]);
        ret->truncated[i] =
            json_is_true(json_object_get(json_object_get(stage, "truncated"), stream_names[i]));
    }
    return ret->status >= 0 && ret->data[0] != NULL && ret->data[1] != NULL;
}

bool remote_is_result(const struct buf *answer)
{
    json_auto_t *root = parse(answer);

    return json_is_object(json_object_get(root, "stages"));
}

int remote_read_result(struct glimpse_result *ret, const struct buf *answer,
                       struct glimpse_error *error)
{
    json_auto_t *root = parse(answer);
    const json_t *stages = json_object_get(root, "stages");
    const char *message = json_string_value(json_object_get(root, "message"));

    ret->status = read_status(root);
    if (ret->status < 0 || !json_is_object(stages))
        return not_understood(error);
    (void)snprintf(ret->message, sizeof ret->message, "%s", message != NULL ? message : "");
    for (size_t i = 0; i < GLIMPSE_N_STAGES; i++)
        if (!read_stage(&ret->stages[i], json_object_get(stages, stage_names[i])))
            return not_understood(error);
    return GLIMPSE_OK;
}

static int pass_piece(const json_t *event, int stage, int stream, const struct glimpse_callbacks *callbacks,
                      struct glimpse_error *error)
{
    size_t length;
    CLEANUP(freep) char *bytes = decode(json_object_get(event, "data"), &length);

    if (bytes == NULL)
        return not_understood(error);
    if (callbacks->on_output != NULL)
        callbacks->on_output(callbacks->arg, stage, stream, bytes, length);
    return GLIMPSE_OK;
}

int remote_read_event(const struct buf *line, const struct glimpse_callbacks *callbacks, struct glimpse_error *error)
{
    json_auto_t *event = parse(line);
    const char *type = json_string_value(json_object_get(event, "type"));
    const char *stage = json_string_value(json_object_get(event, "stage"));

    if (type == NULL)
        return not_understood(error);
    if (strcmp(type, "result") == 0)
        return REMOTE_E_RESULT;
    if (strcmp(type, "error") == 0)
        return remote_read_problem(line, (long)json_integer_value(json_object_get(event, "status")), error);
    for (int i = 0; stage != NULL && i < GLIMPSE_N_STAGES; i++)
        for (int k = 0; k < 2; k++)
            if (strcmp(stage, stage_names[i]) == 0 && strcmp(type, stream_names[k]) == 0)
                return pass_piece(event, i, k + 1, callbacks, error);
    return GLIMPSE_OK;
}

static char *copy_text(const json_t *value)
{
    const char *text = json_string_value(value);

    return text == NULL ? NULL : strdup(text);
}

static char **copy_texts(const json_t *list)
{
    char **texts = (char **)calloc(json_array_size(list) + 1, sizeof(char *));
    size_t n = 0;

    for (size_t i = 0; texts != NULL && i < json_array_size(list); i++) {
        texts[n] = copy_text(json_array_get(list, i));
        n += texts[n] != NULL;
    }
    return texts;
}

static bool read_language(struct glimpse_language *ret, const json_t *language)
{
    ret->id = copy_text(json_object_get(language, "id"));
    ret->name = copy_text(json_object_get(language, "name"));
    ret->version = copy_text(json_object_get(language, "version"));
    ret->unavailable = copy_text(json_object_get(language, "unavailable"));
    ret->aliases = copy_texts(json_object_get(language, "aliases"));
    ret->suffixes = copy_texts(json_object_get(language, "suffixes"));
    return ret->id != NULL && ret->name != NULL && ret->aliases != NULL && ret->suffixes != NULL;
}

int remote_read_languages(struct glimpse_languages *ret, const struct buf *answer,
                          struct glimpse_error *error)
{
    json_auto_t *root = parse(answer);
    const json_t *list = json_object_get(root, "languages");

    if (!json_is_array(list))
        return not_understood(error);
    ret->at = calloc(json_array_size(list) + 1, sizeof *ret->at);
    if (ret->at == NULL)
        return client_fail(error, GLIMPSE_E_MEMORY, "out of memory");
    for (size_t i = 0; i < json_array_size(list); i++)
        if (!read_language(&ret->at[ret->n++], json_array_get(list, i)))
            return not_understood(error);
    return GLIMPSE_OK;
}

int remote_read_problem(const struct buf *answer, long status, struct glimpse_error *error)
{
    json_auto_t *root = parse(answer);
    const char *detail = json_string_value(json_object_get(root, "detail"));
    const char *field = json_string_value(json_object_get(root, "field"));
    int code = GLIMPSE_E_INVALID;

    if (field != NULL && strncmp(field, "request.", 8) == 0) /* of /v1/interactive */
        field += 8;
    if (status == 429 || status == 503)
        code = GLIMPSE_E_BUSY;
    else if (status >= 500 || status < 400 || detail == NULL)
        code = GLIMPSE_E_SERVICE;
    else if (field != NULL && (strcmp(field, "language") == 0 || strcmp(field, "version") == 0))
        code = GLIMPSE_E_LANGUAGE;
    if (detail == NULL)
        return client_fail(error, code, "the server answered with HTTP status %ld", status);
    return client_fail(error, code, "%s", detail);
}
