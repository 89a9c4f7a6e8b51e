/*
 * local: a client of this machine's sandbox service. The engine runs on a loop of its own, which turns only inside
 * glimpse_run(), in the caller's thread.
 */
#include <errno.h>
#include <string.h>
#include <unistd.h>
#include <uv.h>

#include "client/client.h"
#include "engine/engine.h"
#include "engine/watch.h"
#include "model/config.h"

enum { STDIN_PIECE_BYTES = 65536 };

/* Cast to each other. */
_Static_assert((int)STATUS_OK == GLIMPSE_SUCCESS &&
                   (int)STATUS_INTERNAL_ERROR == GLIMPSE_INTERNAL_ERROR &&
                   (int)N_STATUSES == GLIMPSE_N_STATUSES,
               "the statuses of model/job.h and glimpse.h");
_Static_assert((int)STAGE_COMPILE == GLIMPSE_COMPILE && (int)STAGE_RUN == GLIMPSE_RUN,
               "the stages likewise");
_Static_assert(sizeof(struct limits) == sizeof(struct glimpse_limits),
               "a limit is missing in copy_limits()");

struct client_local {
    struct glimpse base;
    uv_loop_t loop;
    uv_async_t wake; /* glimpse_cancel() */
    struct watch_set
        inputs; /* stdin_fd alone. Not a uv_poll_t: that would make it non-blocking, which whoever
                              * shares the terminal with us would get to feel */
    bool has_loop, has_wake, has_inputs;
    struct config config;
    struct languages languages;
    struct engine *engine; /* owned */

    /* The run under way. */
    struct run *run; /* borrowed; NULL when its result is there */
    const struct glimpse_callbacks *callbacks;
    struct glimpse_result *result;
    struct watch input;
    int input_fd; /* borrowed; -1: there is none, or it has ended */
    bool out_of_memory;
};

static struct client_local *local_of(struct glimpse *client)
{
    return (struct client_local *)(void *)client;
}

/* Our errors in the words of glimpse.h. */
static int fail_with(struct glimpse_error *error, int r, const struct err *err)
{
    switch (r) {
    case ENGINE_E_BUSY:
        return client_fail(error, GLIMPSE_E_BUSY, "%s", err->msg);
    case ENGINE_E_LANGUAGE:
    case ENGINE_E_UNAVAILABLE:
    case ENGINE_E_VERSION:
        return client_fail(error, GLIMPSE_E_LANGUAGE, "%s", err->msg);
    case -ENOMEM:
        return client_fail(error, GLIMPSE_E_MEMORY, "%s", err->msg);
    default:
        return client_fail(error, GLIMPSE_E_INVALID, "%s", err->msg);
    }
}

/* --- Input ----------------------------------------------------------------------------------- */

static void input_end(struct client_local *local)
{
    watch_stop(&local->inputs, &local->input);
    local->input_fd = -1;
}

static void on_input(struct watch *watch, uint32_t events)
{
    struct client_local *local = WATCH_OWNER(struct client_local, input, watch);
    char piece[STDIN_PIECE_BYTES];
    ssize_t n = read(local->input_fd, piece, sizeof piece);

    (void)events;
    if (n < 0 && (errno == EINTR || errno == EAGAIN))
        return;
    if (n <= 0 || run_write_stdin(local->run, piece, (size_t)n) < 0) {
        input_end(local);
        run_close_stdin(local->run);
    } else if (run_stdin_waiting(local->run) > 0) {
        watch_stop(&local->inputs, watch); /* until the program has read it: see on_room() */
    }
}

static void on_room(void *arg)
{
    struct client_local *local = arg;

    if (local->input_fd < 0 || local->input.fd >= 0)
        return;
    if (watch_start(&local->inputs, &local->input, local->input_fd, EPOLLIN, NULL) < 0) {
        input_end(local);
        run_close_stdin(local->run);
    }
}

/* False where stdin cannot be watched: it is a file, then, and can be read at once. */
static bool open_input(struct client_local *local, int fd)
{
    local->input = (struct watch){.fd = -1, .on_ready = on_input};
    if (watch_start(&local->inputs, &local->input, fd, EPOLLIN, NULL) < 0)
        return false;
    local->input_fd = fd;
    return true;
}

/* --- One run --------------------------------------------------------------------------------- */

static void on_output(void *arg, enum stage stage, int stream, const char *bytes, size_t len)
{
    const struct client_local *local = arg;

    if (local->callbacks->on_output != NULL)
        local->callbacks->on_output(local->callbacks->arg, (int)stage, stream + 1, bytes, len);
}

static int copy_stage(struct glimpse_stage_result *to, const struct stage_result *from)
{
    *to = (struct glimpse_stage_result){
        .ran = from->ran,
        .status = (int)from->status,
        .exit_code = from->exit_code,
        .signal = from->signal,
        .wall_us = from->wall_us,
        .cpu_us = from->cpu_us,
        .memory_bytes = from->memory_bytes,
    };
    for (size_t i = 0; i < 2; i++) {
        to->data[i] = malloc(from->out[i].len + 1);
        if (to->data[i] == NULL)
            return -ENOMEM;
        memcpy(to->data[i], buf_text(&from->out[i]), from->out[i].len + 1);
        to->length[i] = from->out[i].len;
        to->truncated[i] = from->truncated[i];
    }
    return 0;
}

static void on_result(void *arg, const struct result *from)
{
    struct client_local *local = arg;
    struct glimpse_result *to = local->result;

    local->run = NULL;
    to->status = (int)from->status;
    (void)snprintf(to->message, sizeof to->message, "%s", from->message);
    for (size_t i = 0; i < N_STAGES; i++)
        if (copy_stage(&to->stages[i], &from->stages[i]) < 0)
            local->out_of_memory = true;
    input_end(local);
}

static void on_wake(uv_async_t *wake)
{
    struct client_local *local = wake->data;

    const uint32_t window = atomic_load(&local->base.window);

    if (local->run != NULL && atomic_load(&local->base.cancelled))
        run_cancel(local->run);
    else if (local->run != NULL && window != 0)
        run_resize(local->run, (struct job_terminal){.rows = (uint16_t)(window >> 16), .columns = (uint16_t)window});
}

/* glimpse_limits has the fields of struct limits, under the same names. */
static void copy_limits(struct limits *to, const struct glimpse_limits *from)
{
    *to = (struct limits){
        .wall_time_ms = from->wall_time_ms,
        .cpu_time_ms = from->cpu_time_ms,
        .memory_bytes = from->memory_bytes,
        .processes = from->processes,
        .output_bytes = from->output_bytes,
        .file_bytes = from->file_bytes,
        .box_bytes = from->box_bytes,
        .open_files = from->open_files,
    };
}

static int add_lists(struct job *job, const struct glimpse_request *request, struct err *err)
{
    int r = 0;

    for (size_t i = 0; i < request->n_files && r == 0; i++)
        r = job_add_file(job, request->files[i].name, request->files[i].data,
                         request->files[i].length, err);
    for (size_t i = 0; i < request->n_args && r == 0; i++)
        r = job_add_arg(job, slice_from(request->args[i]), err);
    for (size_t i = 0; i < request->n_env && r == 0; i++) {
        const char *pair = request->env[i], *equals = strchr(pair, '=');

        if (equals == NULL)
            return err_set(err, -EINVAL, "environment variable \"%.40s\" is not NAME=VALUE", pair);
        r = job_add_env(job, (struct slice){pair, (size_t)(equals - pair)}, slice_from(equals + 1),
                        err);
    }
    return r;
}

/* The language by the file's suffix, where the request leaves it open. Borrowed; NULL with *err. */
static const char *pick_language(const struct client_local *local,
                                 const struct glimpse_request *request, struct err *err)
{
    const char *name = request->n_files > 0 ? request->files[0].name : NULL;
    const struct language *language;

    if (request->language != NULL)
        return request->language;
    language = name == NULL ? NULL : languages_find_by_file(&local->languages, name);
    if (language == NULL)
        (void)err_set(err, -EINVAL, "no language has files like \"%.60s\": say which one it is",
                      name == NULL ? "" : name);
    return language == NULL ? NULL : language->id;
}

static int make_job(struct job **ret, const struct client_local *local,
                    const struct glimpse_request *request, struct err *err)
{
    CLEANUP(job_freep) struct job *job = job_new();
    const char *language = pick_language(local, request, err);
    int r;

    if (language == NULL)
        return -EINVAL;
    if (job == NULL)
        return err_set(err, -ENOMEM, "out of memory");
    job->language = strdup(language);
    job->version = request->version == NULL ? NULL : strdup(request->version);
    if (job->language == NULL || (request->version != NULL && job->version == NULL))
        return err_set(err, -ENOMEM, "out of memory");
    r = add_lists(job, request, err);
    if (r < 0)
        return r;
    if (request->stdin_length > JOB_MAX_STDIN_BYTES)
        return err_set(err, -E2BIG, "stdin has more than %d MiB", JOB_MAX_STDIN_BYTES >> 20);
    if (request->stdin_length > 0) {
        job->stdin_data = malloc(request->stdin_length);
        if (job->stdin_data == NULL)
            return err_set(err, -ENOMEM, "out of memory");
        memcpy(job->stdin_data, request->stdin_data, request->stdin_length);
        job->stdin_len = request->stdin_length;
    }
    job->merged = request->merged != 0;
    job->interactive = request->interactive != 0;
    job->repl = request->repl != 0;
    job->terminal = (struct job_terminal){.rows = (uint16_t)request->rows, .columns = (uint16_t)request->columns};
    for (size_t i = 0; i < N_STAGES; i++)
        copy_limits(&job->limits[i], &request->limits[i]);
    *ret = TAKE_PTR(job);
    return 0;
}

/* What follows stdin_data: watched, or read here where it is a file. */
static int add_input(struct client_local *local, struct job *job, int fd,
                     struct glimpse_error *error)
{
    CLEANUP(freep) char *bytes = NULL;
    size_t length = 0;
    char *all;
    int code;

    if (fd < 0)
        return GLIMPSE_OK;
    if (open_input(local, fd)) {
        job->stdin_open = true;
        return GLIMPSE_OK;
    }
    code = client_read_all(fd, JOB_MAX_STDIN_BYTES - job->stdin_len, &bytes, &length, error);
    if (code != GLIMPSE_OK || length == 0)
        return code;
    all = realloc(job->stdin_data, job->stdin_len + length);
    if (all == NULL)
        return client_fail(error, GLIMPSE_E_MEMORY, "out of memory");
    memcpy(all + job->stdin_len, bytes, length);
    job->stdin_data = all;
    job->stdin_len += length;
    return GLIMPSE_OK;
}

/* Versions are asked for only where one is wanted: it takes a compiler's start. */
static void look_for_version(struct client_local *local, const struct job *job)
{
    const struct language *found = languages_find(&local->languages, job->language);

    if (found == NULL || job->version == NULL || found->version != NULL)
        return;
    languages_probe(&(struct languages){.dir = local->languages.dir,
                                        .at = &local->languages.at[found - local->languages.at],
                                        .n = 1},
                    local->config.toolchains_dir);
}

static int local_run(struct glimpse *client, const struct glimpse_request *request,
                     const struct glimpse_callbacks *callbacks, struct glimpse_result *result,
                     struct glimpse_error *error)
{
    static const struct run_events events = {
        .on_output = on_output, .on_stdin_room = on_room, .on_result = on_result};
    struct client_local *local = local_of(client);
    CLEANUP(job_freep) struct job *job = NULL;
    struct err err = {0};
    int r;

    r = make_job(&job, local, request, &err);
    if (r < 0)
        return fail_with(error, r, &err);
    look_for_version(local, job);
    r = add_input(local, job, request->stdin_fd, error);
    if (r != GLIMPSE_OK)
        return r;
    local->callbacks = callbacks;
    local->result = result;
    local->out_of_memory = false;
    r = engine_start(&local->run, local->engine, NULL, job, &events, local, &err);
    if (r != 0) {
        input_end(local);
        return fail_with(error, r, &err);
    }
    (void)TAKE_PTR(job);
    while (local->run != NULL)
        (void)uv_run(&local->loop, UV_RUN_ONCE);
    return local->out_of_memory ? client_fail(error, GLIMPSE_E_MEMORY, "out of memory")
                                : GLIMPSE_OK;
}

/* --- Languages ------------------------------------------------------------------------------- */

static char *copy_text(const char *text, bool *out_of_memory)
{
    char *copy = text == NULL ? NULL : strdup(text);

    *out_of_memory = *out_of_memory || (text != NULL && copy == NULL);
    return copy;
}

static char **copy_texts(const struct strings *texts, bool *out_of_memory)
{
    char **copy = (char **)calloc(texts->n + 1, sizeof(char *));

    *out_of_memory = *out_of_memory || copy == NULL;
    for (size_t i = 0; copy != NULL && i < texts->n; i++)
        copy[i] = copy_text(texts->at[i], out_of_memory);
    return copy;
}

static int local_languages(struct glimpse *client, struct glimpse_languages *ret,
                           struct glimpse_error *error)
{
    struct client_local *local = local_of(client);
    bool out_of_memory = false;

    languages_probe(&local->languages, local->config.toolchains_dir);
    ret->at = calloc(local->languages.n + 1, sizeof *ret->at);
    if (ret->at == NULL)
        return client_fail(error, GLIMPSE_E_MEMORY, "out of memory");
    ret->n = local->languages.n;
    for (size_t i = 0; i < ret->n; i++) {
        const struct language *from = &local->languages.at[i];

        ret->at[i] = (struct glimpse_language){
            .id = copy_text(from->id, &out_of_memory),
            .name = copy_text(from->name, &out_of_memory),
            .version = copy_text(from->version, &out_of_memory),
            .unavailable = copy_text(from->unavailable, &out_of_memory),
            .aliases = copy_texts(&from->aliases, &out_of_memory),
            .suffixes = copy_texts(&from->suffixes, &out_of_memory),
        };
    }
    return out_of_memory ? client_fail(error, GLIMPSE_E_MEMORY, "out of memory") : GLIMPSE_OK;
}

/* --- The client ------------------------------------------------------------------------------ */

static void local_wake(struct glimpse *client)
{
    (void)uv_async_send(&local_of(client)->wake); /* fails only for what is no handle */
}

static void local_free(struct glimpse *client)
{
    struct client_local *local = local_of(client);

    engine_free(local->engine);
    if (local->has_wake)
        uv_close((uv_handle_t *)&local->wake, NULL);
    if (local->has_inputs)
        watch_set_close(&local->inputs, NULL);
    if (local->has_loop) {
        (void)uv_run(&local->loop, UV_RUN_DEFAULT); /* until all handles are closed */
        (void)uv_loop_close(&local->loop);
    }
    languages_done(&local->languages);
    config_done(&local->config);
    free(local);
}

static const struct client_backend local_backend = {local_run, local_languages, local_wake,
                                                    local_free};

/* The configuration, the languages, the loop and the engine, in this order. */
static int local_open(struct client_local *local, const struct glimpse_options *options,
                      struct err *err)
{
    const struct config_args args = {.file = options->config_file, .data_dir = options->data_dir};
    struct engine_config engine = {.loop = &local->loop, .max_running = 1, .max_queued = 1};
    int r;

    r = config_load_args(&local->config, &args, err);
    if (r == 0)
        r = languages_load(&local->languages, local->config.languages_dir, err);
    if (r < 0)
        return r;
    languages_look(&local->languages, local->config.toolchains_dir);
    r = uv_loop_init(&local->loop);
    if (r < 0)
        return err_set(err, r, "the event loop: %s", uv_strerror(r));
    local->has_loop = true;
    r = uv_async_init(&local->loop, &local->wake, on_wake);
    if (r < 0)
        return err_set(err, r, "the event loop: %s", uv_strerror(r));
    local->has_wake = true;
    local->wake.data = local;
    r = watch_set_init(&local->inputs, &local->loop, err);
    if (r < 0)
        return r;
    local->has_inputs = true;
    engine.boxd_socket = local->config.boxd_socket;
    engine.interactive_ms = local->config.interactive_time;
    engine.languages = &local->languages;
    return engine_new(&local->engine, &engine, err);
}

/* Why it cannot be reached, for somebody who has just typed `glimpse run`. */
static int refuse_unreachable(const struct config *config, struct glimpse_error *error)
{
    const char *fix =
        errno == EACCES
            ? "only root and the user of the service may use it, or ask a server instead"
            : "start it with `glimpse serve`, or ask a server instead";

    return client_fail(error, GLIMPSE_E_SERVICE, "no sandbox service at %.107s (%s): %s",
                       config->boxd_socket, strerrordesc_np(errno), fix);
}

struct glimpse *client_local_new(const struct glimpse_options *options, struct glimpse_error *error)
{
    struct client_local *local = calloc(1, sizeof *local);
    struct err err = {0};
    int r;

    if (local == NULL) {
        (void)client_fail(error, GLIMPSE_E_MEMORY, "out of memory");
        return NULL;
    }
    local->base.backend = &local_backend;
    local->input_fd = local->input.fd = -1;
    r = local_open(local, options, &err);
    if (r < 0) {
        (void)fail_with(error, r, &err);
    } else if (!engine_connected(local->engine)) {
        errno = access(local->config.boxd_socket, W_OK) < 0 ? errno : ECONNREFUSED;
        r = refuse_unreachable(&local->config, error);
    }
    if (r != 0) {
        local_free(&local->base);
        return NULL;
    }
    return &local->base;
}
