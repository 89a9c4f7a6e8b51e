#include "api/media.h"
#include "api/v1/run_json.h"
#include "base/json_out.h"
#include "base/utf8.h"

static void write_output(struct json_out *out, const char *name, const struct buf *bytes,
                         bool base64)
{
    struct slice slice = {.at = buf_text(bytes), .len = bytes->len};

    json_out_key(out, name);
    if (base64)
        json_out_base64(out, slice);
    else
        json_out_text(out, slice);
}

static bool is_binary(const struct stage_result *stage)
{
    for (size_t i = 0; i < COUNT_OF(stage->out); i++)
        if (!utf8_valid(buf_text(&stage->out[i]), stage->out[i].len))
            return true;
    return false;
}

static void write_end(struct json_out *out, const struct stage_result *stage)
{
    char name[32];

    json_out_key_str(out, "status", status_names[stage->status]);
    json_out_key(out, "exit_code");
    if (stage->exit_code < 0)
        json_out_null(out);
    else
        json_out_int(out, stage->exit_code);
    json_out_key_str(out, "signal",
                     stage->signal == 0 ? NULL : signal_name(stage->signal, name, sizeof name));
}

static void write_outputs(struct json_out *out, const struct stage_result *stage, bool base64)
{
    write_output(out, "stdout", &stage->out[0], base64);
    write_output(out, "stderr", &stage->out[1], base64);
    json_out_key(out, "truncated");
    json_out_open(out, '{');
    json_out_key(out, "stdout");
    json_out_bool(out, stage->truncated[0]);
    json_out_key(out, "stderr");
    json_out_bool(out, stage->truncated[1]);
    json_out_close(out, '}');
    json_out_key(out, "binary");
    json_out_bool(out, is_binary(stage));
}

void v1_stage_write(struct json_out *out, enum stage which, const struct stage_result *stage, bool output, bool base64)
{
    if (!stage->ran) {
        json_out_null(out);
        return;
    }
    json_out_open(out, '{');
    write_end(out, stage);
    if (output)
        write_outputs(out, stage, base64);
    json_out_key(out, "wall_ms");
    json_out_thousandths(out, stage->wall_us);
    json_out_key(out, "cpu_ms");
    json_out_thousandths(out, stage->cpu_us);
    json_out_key_uint(out, "memory_bytes", stage->memory_bytes);
    if (which == STAGE_COMPILE) {
        json_out_key(out, "cached");
        json_out_bool(out, stage->cached);
    }
    json_out_close(out, '}');
}

/* As text where it is, unless the client wants none. */
static void write_file(struct json_out *out, const struct job_file *file, bool base64)
{
    const struct slice content = {.at = file->data, .len = file->len};
    const bool as_text = !base64 && utf8_valid(content.at, content.len);

    json_out_open(out, '{');
    json_out_key_text(out, "name", slice_from(file->name));
    json_out_key_str(out, "media_type", media_type(file->name, content));
    json_out_key_uint(out, "size", file->len);
    json_out_key_str(out, "encoding", as_text ? "utf8" : "base64");
    json_out_key(out, "content");
    if (as_text)
        json_out_text(out, content);
    else
        json_out_base64(out, content);
    json_out_close(out, '}');
}

static void write_files(struct json_out *out, const struct result *result, bool base64)
{
    json_out_open(out, '[');
    for (size_t i = 0; i < result->n_files; i++)
        write_file(out, &result->files[i], base64);
    json_out_close(out, ']');
}

int v1_run_write_files(struct buf *to, const struct result *result, bool base64)
{
    struct json_out out = json_out_to(to);

    write_files(&out, result, base64);
    return json_out_end(&out);
}

static void write_stages(struct json_out *out, const struct result *result, bool base64)
{
    json_out_open(out, '{');
    for (enum stage stage = 0; stage < N_STAGES; stage++) {
        json_out_key(out, stage_names[stage]);
        v1_stage_write(out, stage, &result->stages[stage], true, base64);
    }
    json_out_close(out, '}');
}

int v1_run_write_stages(struct buf *to, const struct result *result, bool base64)
{
    struct json_out out = json_out_to(to);

    write_stages(&out, result, base64);
    return json_out_end(&out);
}

int v1_run_write(struct buf *to, const char *type, const char *id, const struct language *language,
                 const struct result *result, bool base64)
{
    struct json_out out = json_out_to(to);

    json_out_open(&out, '{');
    if (type != NULL)
        json_out_key_str(&out, "type", type);
    json_out_key_str(&out, "id", id);
    json_out_key_str(&out, "language", language->id);
    json_out_key_str(&out, "version", language->version);
    json_out_key_str(&out, "status", status_names[result->status]);
    json_out_key_str(&out, "message", result->message);
    json_out_key(&out, "stages");
    write_stages(&out, result, base64);
    if (result->collects) {
        json_out_key(&out, "files");
        write_files(&out, result, base64);
        json_out_key_uint(&out, "files_omitted", result->n_omitted);
    }
    json_out_close(&out, '}');
    return json_out_end(&out);
}
