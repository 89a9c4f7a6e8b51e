/*
 * POST /, POST /run/{lang} {code, input?} -> {message: output}, as a terminal would show it: the old service gave
 * programs a terminal, so its clients know lines that end with "\r\n". 3 s to run, else 408.
 *
 * POST / runs the language that "lang" in its body names, Python without it.
 */
#include "api/compat/compat.h"

enum { TIME_MS = 3000, LIST_BYTES_MAX = 4096 };

static void answer_message(struct http_request *request, unsigned status, struct slice message)
{
    CLEANUP(buf_done) struct buf body;
    struct json_out out;

    buf_init(&body, COMPAT_ANSWER_BYTES_MAX);
    out = json_out_to(&body);
    json_out_open(&out, '{');
    json_out_key_text(&out, "message", message);
    json_out_close(&out, '}');
    call_answer_json(request, status, &body, json_out_end(&out));
}

static void refuse(struct http_request *request, const struct fault *fault)
{
    answer_message(request, fault->status, slice_from(fault->detail));
}

/* What a terminal's ONLCR does. */
static int add_crlf(struct buf *to, struct slice text)
{
    int r = 0;

    while (text.len > 0 && r == 0) {
        const char *newline = memchr(text.at, '\n', text.len);
        size_t n = newline == NULL ? text.len : (size_t)(newline - text.at);

        r = buf_add(to, text.at, n);
        if (r == 0 && newline != NULL)
            r = buf_add(to, "\r\n", 2);
        n += newline != NULL;
        text.at += n;
        text.len -= n;
    }
    return r;
}

static void answer(struct call *call, const struct result *result)
{
    CLEANUP(buf_done) struct buf text, shown;
    struct fault fault;
    int r;

    if (result->status == STATUS_WALL_TIME_LIMIT || result->status == STATUS_CPU_TIME_LIMIT) {
        (void)fault_set(&fault, 408, NULL, "Timeout of %d exceeded", TIME_MS);
        refuse(call->request, &fault);
        return;
    }
    buf_init(&text, COMPAT_ANSWER_BYTES_MAX);
    buf_init(&shown, COMPAT_ANSWER_BYTES_MAX);
    r = compat_terminal_text(&text, result);
    if (r == 0)
        r = add_crlf(&shown, buf_slice(&text));
    if (r < 0)
        call_answer_json(call->request, 200, &text, r);
    else
        answer_message(call->request, 200, buf_slice(&shown));
}

static void refuse_language(struct http_request *request, const struct api *api)
{
    CLEANUP(buf_done) struct buf text;
    int r;

    buf_init(&text, LIST_BYTES_MAX);
    r = buf_add_str(&text, "Language not supported. The languages supported are: ");
    for (size_t i = 0, n = 0; i < api->languages.n && r == 0; i++)
        if (api->languages.at[i].available)
            r = buf_printf(&text, "%s%s", n++ > 0 ? ", " : "", api->languages.at[i].id);
    answer_message(request, 400, buf_slice(&text));
}

/* The old service looked for code first, then at the language. */
static void start(struct http_request *request, struct api *api, const struct compat_run *run,
                  struct slice name)
{
    static const struct call_door door = {answer, refuse};
    const struct language *language;
    struct fault fault = {0};
    char id[LANGUAGE_ID_BYTES];
    struct job *job;

    if (run->code.len == 0) {
        (void)fault_set(&fault, 400, "code", "Code is required");
        refuse(request, &fault);
        return;
    }
    if (api_not_ready(api) != NULL) { /* which languages there are is not known yet */
        (void)fault_set(&fault, 503, NULL, "%s", api_not_ready(api));
        refuse(request, &fault);
        return;
    }
    (void)snprintf(id, sizeof id, "%.*s", (int)(name.len < sizeof id ? name.len : 0),
                   name.len > 0 ? name.at : "");
    language = languages_find(&api->languages, id);
    if (language == NULL || !language->available) {
        refuse_language(request, api);
        return;
    }
    job = compat_job(run, language->id, TIME_MS, &fault);
    if (job == NULL) {
        refuse(request, &fault);
        return;
    }
    job->merged = true;
    call_start(api, request, job, &door, (struct call_options){0});
}

void compat_root_post(struct http_request *request, void *arg)
{
    CLEANUP(compat_run_done) struct compat_run run;
    struct fault fault = {0};

    if (compat_read(&run, request, "lang", "input", &fault) < 0)
        refuse(request, &fault);
    else
        start(request, arg, &run, run.language.len > 0 ? run.language : slice_from("python"));
}

void compat_root_run(struct http_request *request, void *arg)
{
    CLEANUP(compat_run_done) struct compat_run run;
    struct fault fault = {0};

    if (compat_read(&run, request, NULL, "input", &fault) < 0)
        refuse(request, &fault);
    else
        start(request, arg, &run, http_request_part(request, 0));
}

/* What asks for no HTML; a browser gets the playground (page.h). */
void compat_root_get(struct http_request *request, void *arg)
{
    static const char text[] =
        "{\"name\":\"glimpse\",\"version\":\"" GLIMPSE_VERSION "\",\"run\":\"POST /v1/run\","
        "\"languages\":\"GET /v1/languages\",\"documentation\":\"docs/api.md\"}";
    CLEANUP(buf_done) struct buf body;

    (void)arg;
    buf_init(&body, sizeof text);
    call_answer_json(request, 200, &body, buf_add(&body, text, sizeof text - 1));
}
