#include "api/compat/compat.h"

#include <errno.h>

void compat_run_done(struct compat_run *run)
{
    json_decref(TAKE_PTR(run->root));
}

static int read_text(struct slice *ret, const json_t *root, const char *name, struct fault *fault)
{
    const json_t *value = name == NULL ? NULL : json_object_get(root, name);

    if (value == NULL || json_is_null(value))
        return 0;
    if (!json_is_string(value))
        return fault_set(fault, 400, name, "%s must be a string, not %s", name,
                         json_in_type_name(value));
    *ret = json_in_slice(value);
    return 0;
}

int compat_read(struct compat_run *ret, struct http_request *request, const char *language_name,
                const char *input_name, struct fault *fault)
{
    *ret = (struct compat_run){0};
    if (json_in_object(&ret->root, http_request_body(request), fault) < 0 ||
        read_text(&ret->language, ret->root, language_name, fault) < 0 ||
        read_text(&ret->code, ret->root, "code", fault) < 0 ||
        read_text(&ret->input, ret->root, input_name, fault) < 0)
        return -1;
    return 0;
}

static int fill_job(struct job *job, const struct compat_run *run, const char *language,
                    struct err *err)
{
    int r = job_add_file(job, NULL, run->code.at, run->code.len, err);

    if (r < 0)
        return r;
    job->language = strdup(language);
    if (job->language == NULL)
        return err_set(err, -ENOMEM, "the server is out of memory");
    if (run->input.len == 0)
        return 0;
    if (run->input.len > JOB_MAX_STDIN_BYTES)
        return err_set(err, -E2BIG, "the input has more than %d bytes", JOB_MAX_STDIN_BYTES);
    job->stdin_data = malloc(run->input.len);
    if (job->stdin_data == NULL)
        return err_set(err, -ENOMEM, "the server is out of memory");
    memcpy(job->stdin_data, run->input.at, run->input.len);
    job->stdin_len = run->input.len;
    return 0;
}

struct job *compat_job(const struct compat_run *run, const char *language, uint64_t time_ms,
                       struct fault *fault)
{
    CLEANUP(job_freep) struct job *job = job_new();
    struct err err = {.code = -ENOMEM, .msg = "the server is out of memory"};

    if (job == NULL || fill_job(job, run, language, &err) < 0) {
        (void)fault_set(fault, err.code == -ENOMEM ? 503 : 400, NULL, "%s", err.msg);
        return NULL;
    }
    job->limits[STAGE_RUN].wall_time_ms = time_ms;
    /* The old services counted the clock's time. */
    job->limits[STAGE_RUN].cpu_time_ms = time_ms * 2;
    return TAKE_PTR(job);
}

/* A language's name becomes a C string; what holds a NUL is no language's. */
static int check_run_code(const struct compat_run *run, struct fault *fault)
{
    if (run->language.len == 0)
        return fault_set(fault, 400, "language",
                         "language is missing: py, java, js, cpp, c, go, kt, ...");
    if (strlen(run->language.at) != run->language.len)
        return fault_set(fault, 400, "language", "language holds a NUL character");
    if (run->code.len == 0)
        return fault_set(fault, 400, "code", "code is missing");
    return 0;
}

void compat_run_code(struct http_request *request, struct api *api, const struct call_door *door)
{
    CLEANUP(compat_run_done) struct compat_run run;
    struct fault fault = {0};
    struct job *job = NULL;

    if (compat_read(&run, request, "language", "input", &fault) == 0 &&
        check_run_code(&run, &fault) == 0)
        job = compat_job(&run, run.language.at, COMPAT_TIME_MS, &fault);
    if (job == NULL) {
        door->refuse(request, &fault);
        return;
    }
    call_start(api, request, job, door, (struct call_options){0});
}

const struct stage_result *compat_last_stage(const struct result *result)
{
    return &result->stages[result->stages[STAGE_RUN].ran ? STAGE_RUN : STAGE_COMPILE];
}

bool compat_needs_words(const struct result *result)
{
    return result->status != STATUS_OK && result->status != STATUS_COMPILE_ERROR &&
           result->status != STATUS_RUNTIME_ERROR && result->message[0] != '\0';
}

/* On a line of their own. */
static int add_words(struct buf *to, const struct result *result)
{
    int r = 0;

    if (!compat_needs_words(result))
        return 0;
    if (to->len > 0 && to->at[to->len - 1] != '\n')
        r = buf_add(to, "\n", 1);
    if (r == 0)
        r = buf_add_str(to, result->message);
    return r < 0 ? r : buf_add(to, "\n", 1);
}

int compat_error_text(struct buf *to, const struct result *result)
{
    const struct stage_result *stage = compat_last_stage(result);
    int r = 0;

    if (stage == &result->stages[STAGE_COMPILE]) /* some compilers complain on stdout */
        r = buf_add(to, buf_text(&stage->out[0]), stage->out[0].len);
    if (r == 0)
        r = buf_add(to, buf_text(&stage->out[1]), stage->out[1].len);
    return r < 0 ? r : add_words(to, result);
}

int compat_terminal_text(struct buf *to, const struct result *result)
{
    const struct stage_result *stage = compat_last_stage(result);
    int r = buf_add(to, buf_text(&stage->out[0]), stage->out[0].len);

    if (r == 0)
        r = buf_add(to, buf_text(&stage->out[1]), stage->out[1].len);
    return r < 0 ? r : add_words(to, result);
}
