/* GET /v1/languages */
#include "api/call.h"
#include "api/v1/v1.h"
#include "base/json_out.h"

enum { LIST_BYTES_MAX = 4 << 20 };

static void write_limits(struct json_out *out, const char *key, const struct language *language,
                         bool max)
{
    json_out_key(out, key);
    json_out_open(out, '{');
    for (enum stage stage = 0; stage < N_STAGES; stage++) {
        const struct language_stage *which = &language->stages[stage];

        if (!which->present)
            continue;
        json_out_key(out, stage_names[stage]);
        json_out_open(out, '{');
        for (size_t i = 0; i < N_LIMITS; i++)
            json_out_key_uint(out, limit_table[i].name,
                              limit_get(max ? &which->max : &which->defaults, &limit_table[i]));
        json_out_close(out, '}');
    }
    json_out_close(out, '}');
}

static void write_texts(struct json_out *out, const char *key, const struct strings *texts)
{
    json_out_key(out, key);
    json_out_open(out, '[');
    for (size_t i = 0; i < texts->n; i++)
        json_out_str(out, texts->at[i]);
    json_out_close(out, ']');
}

static void write_language(struct json_out *out, const struct language *language)
{
    json_out_open(out, '{');
    json_out_key_str(out, "id", language->id);
    json_out_key_str(out, "name", language->name);
    json_out_key_str(out, "version", language->version);
    write_texts(out, "aliases", &language->aliases);
    write_texts(out, "suffixes", &language->suffixes);
    json_out_key(out, "available");
    json_out_bool(out, language->available);
    json_out_key_str(out, "unavailable", language->unavailable);
    json_out_key(out, "stages");
    json_out_open(out, '[');
    for (enum stage stage = 0; stage < N_STAGES; stage++)
        if (language->stages[stage].present)
            json_out_str(out, stage_names[stage]);
    json_out_close(out, ']');
    json_out_key(out, "repl");
    json_out_bool(out, language->repl.n > 0);
    json_out_key(out, "hello");
    json_out_open(out, '{');
    json_out_key_str(out, "name", language->main_name);
    json_out_key_str(out, "content", language->hello);
    json_out_close(out, '}');
    write_limits(out, "default_limits", language, false);
    write_limits(out, "max_limits", language, true);
    json_out_close(out, '}');
}

void v1_languages(struct http_request *request, void *arg)
{
    const struct api *api = arg;
    CLEANUP(buf_done) struct buf body;
    struct json_out out;

    if (!api->probed) {
        http_answer_problem(request, 503, NULL, "%s", api_not_ready(api));
        return;
    }
    buf_init(&body, LIST_BYTES_MAX);
    out = json_out_to(&body);
    json_out_open(&out, '{');
    json_out_key(&out, "languages");
    json_out_open(&out, '[');
    for (size_t i = 0; i < api->languages.n; i++)
        write_language(&out, &api->languages.at[i]);
    json_out_close(&out, ']');
    json_out_close(&out, '}');
    call_answer_json(request, 200, &body, json_out_end(&out));
}
