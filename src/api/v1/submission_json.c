#include "api/v1/submission_json.h"

#include "base/instant.h"

struct view {
    const struct submission_row *row;
    const struct submission *unfinished; /* or NULL */
    int64_t now_us;
};

static void write_instant(struct json_out *out, int64_t unix_us)
{
    char text[INSTANT_TEXT_BYTES];

    if (unix_us == 0) {
        json_out_null(out);
        return;
    }
    instant_write(text, unix_us);
    json_out_str(out, text);
}

/* The row may be a moment older than what memory knows. */
static int64_t started_us(const struct view *view)
{
    return view->unfinished != NULL ? submission_started_us(view->unfinished) : view->row->started_us;
}

static void write_id(struct json_out *out, const struct view *view)
{
    json_out_str(out, view->row->id);
}

static void write_language(struct json_out *out, const struct view *view)
{
    json_out_str(out, view->row->language);
}

static void write_version(struct json_out *out, const struct view *view)
{
    json_out_str(out, view->row->version[0] == '\0' ? NULL : view->row->version);
}

static void write_status(struct json_out *out, const struct view *view)
{
    if (view->unfinished != NULL)
        json_out_str(out, started_us(view) != 0 ? "running" : "queued");
    else
        json_out_str(out, view->row->status);
}

static void write_message(struct json_out *out, const struct view *view)
{
    json_out_str(out, view->row->message);
}

static void write_stages(struct json_out *out, const struct view *view)
{
    json_out_raw(out,
                 view->row->stages.at != NULL ? view->row->stages : slice_from("{\"compile\":null,\"run\":null}"));
}

static void write_files(struct json_out *out, const struct view *view)
{
    json_out_raw(out, view->row->files);
    json_out_key_uint(out, "files_omitted", view->row->files_omitted);
}

static void write_created_at(struct json_out *out, const struct view *view)
{
    write_instant(out, view->row->created_us);
}

static void write_started_at(struct json_out *out, const struct view *view)
{
    write_instant(out, started_us(view));
}

static void write_finished_at(struct json_out *out, const struct view *view)
{
    write_instant(out, view->row->finished_us);
}

static void write_queue(struct json_out *out, const struct view *view)
{
    const int64_t age_us = view->now_us - view->row->created_us;
    size_t position;

    if (view->unfinished == NULL || !submission_position(view->unfinished, &position)) {
        json_out_null(out);
        return;
    }
    json_out_open(out, '{');
    json_out_key_uint(out, "position", position);
    json_out_key_uint(out, "age_ms", age_us > 0 ? (uint64_t)age_us / 1000 : 0);
    json_out_close(out, '}');
}

static void write_callback(struct json_out *out, const struct view *view)
{
    static const char *const states[] = {
        [WEBHOOK_WAITING] = "waiting", [WEBHOOK_DELIVERED] = "delivered", [WEBHOOK_FAILED] = "failed"};

    json_out_open(out, '{');
    json_out_key_str(out, "url", view->row->callback_url);
    json_out_key_str(out, "status", states[view->row->webhook]);
    json_out_key_uint(out, "tries", view->row->webhook_tries);
    json_out_key_str(out, "answer", view->row->webhook_answer[0] == '\0' ? NULL : view->row->webhook_answer);
    json_out_close(out, '}');
}

static void write_request(struct json_out *out, const struct view *view)
{
    if (view->row->request.at != NULL)
        json_out_raw(out, view->row->request);
    else
        json_out_null(out);
}

/* clang-format off */
static const struct {
    const char *name;
    void (*write)(struct json_out *out, const struct view *view);
} fields_table[N_SUBMISSION_FIELDS] = {
    [SUBMISSION_FIELD_ID]          = {"id",          write_id},
    [SUBMISSION_FIELD_LANGUAGE]    = {"language",    write_language},
    [SUBMISSION_FIELD_VERSION]     = {"version",     write_version},
    [SUBMISSION_FIELD_STATUS]      = {"status",      write_status},
    [SUBMISSION_FIELD_MESSAGE]     = {"message",     write_message},
    [SUBMISSION_FIELD_STAGES]      = {"stages",      write_stages},
    [SUBMISSION_FIELD_FILES]       = {"files",       write_files},
    [SUBMISSION_FIELD_CREATED_AT]  = {"created_at",  write_created_at},
    [SUBMISSION_FIELD_STARTED_AT]  = {"started_at",  write_started_at},
    [SUBMISSION_FIELD_FINISHED_AT] = {"finished_at", write_finished_at},
    [SUBMISSION_FIELD_QUEUE]       = {"queue",       write_queue},
    [SUBMISSION_FIELD_CALLBACK]    = {"callback",    write_callback},
    [SUBMISSION_FIELD_REQUEST]     = {"request",     write_request},
};
/* clang-format on */

static int unknown(struct slice name, unsigned allowed, struct fault *fault)
{
    char names[200] = "";
    size_t used = 0;

    for (size_t i = 0; i < N_SUBMISSION_FIELDS && used < sizeof names; i++)
        if ((allowed >> i & 1) != 0)
            used += (size_t)snprintf(names + used, sizeof names - used, "%s%s", used > 0 ? ", " : "",
                                     fields_table[i].name);
    return fault_set(fault, 422, "fields", "\"%.*s\" is not a field that can be asked for here; there are: %s",
                     name.len > 40 ? 40 : (int)name.len, name.at, names);
}

int submission_fields_parse(unsigned *ret, struct slice text, unsigned fallback, unsigned allowed,
                            struct fault *fault)
{
    const char *at = text.at, *end = text.at + text.len;
    unsigned fields = 0;

    if (text.at == NULL) {
        *ret = fallback;
        return 0;
    }
    for (;;) {
        const char *comma = memchr(at, ',', (size_t)(end - at));
        const struct slice name = {at, (size_t)((comma == NULL ? end : comma) - at)};
        size_t i = 0;

        while (i < N_SUBMISSION_FIELDS &&
               (strlen(fields_table[i].name) != name.len || memcmp(fields_table[i].name, name.at, name.len) != 0))
            i++;
        if (i == N_SUBMISSION_FIELDS || (allowed >> i & 1) == 0)
            return unknown(name, allowed, fault);
        fields |= 1u << i;
        if (comma == NULL)
            break;
        at = comma + 1;
    }
    *ret = fields;
    return 0;
}

/* Most are always there. */
static bool is_there(const struct submission_row *row, size_t field)
{
    if (field == SUBMISSION_FIELD_FILES)
        return row->files.at != NULL;
    return field != SUBMISSION_FIELD_CALLBACK || row->webhook != WEBHOOK_NONE;
}

static void write_fields(struct json_out *out, const struct view *view, unsigned fields)
{
    for (size_t i = 0; i < N_SUBMISSION_FIELDS; i++) {
        if ((fields >> i & 1) == 0 || !is_there(view->row, i))
            continue;
        json_out_key(out, fields_table[i].name);
        fields_table[i].write(out, view);
    }
}

void submission_write(struct json_out *out, const struct submission_row *row, const struct submission *unfinished,
                      unsigned fields, int64_t now_us)
{
    const struct view view = {row, row->finished_us != 0 ? NULL : unfinished, now_us};

    json_out_open(out, '{');
    write_fields(out, &view, fields);
    json_out_close(out, '}');
}

void submission_write_result(struct json_out *out, const struct submission_row *row, unsigned fields)
{
    const struct view view = {.row = row};

    json_out_open(out, '{');
    json_out_key_str(out, "type", "result");
    write_fields(out, &view, fields);
    json_out_close(out, '}');
}
