#include "client/client.h"

#include <errno.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "model/job.h"

/* clang-format off */
static const char *const client_status_names[GLIMPSE_N_STATUSES] = {
    [GLIMPSE_SUCCESS]         = "ok",
    [GLIMPSE_COMPILE_ERROR]   = "compile_error",
    [GLIMPSE_RUNTIME_ERROR]   = "runtime_error",
    [GLIMPSE_SIGNALED]        = "signaled",
    [GLIMPSE_WALL_TIME_LIMIT] = "wall_time_limit",
    [GLIMPSE_CPU_TIME_LIMIT]  = "cpu_time_limit",
    [GLIMPSE_MEMORY_LIMIT]    = "memory_limit",
    [GLIMPSE_OUTPUT_LIMIT]    = "output_limit",
    [GLIMPSE_PROCESS_LIMIT]   = "process_limit",
    [GLIMPSE_DISK_LIMIT]      = "disk_limit",
    [GLIMPSE_CANCELLED]       = "cancelled",
    [GLIMPSE_INTERNAL_ERROR]  = "internal_error",
};
/* clang-format on */

const char *glimpse_version(void)
{
    return GLIMPSE_VERSION;
}

const char *glimpse_status_name(int status)
{
    return status >= 0 && status < GLIMPSE_N_STATUSES ? client_status_names[status] : NULL;
}

int client_fail(struct glimpse_error *error, int code, const char *fmt, ...)
{
    va_list ap;

    if (error == NULL)
        return code;
    error->code = code;
    va_start(ap, fmt);
    (void)vsnprintf(error->message, sizeof error->message, fmt, ap);
    va_end(ap);
    return code;
}

int client_read_all(int fd, size_t max_bytes, char **ret, size_t *ret_length,
                    struct glimpse_error *error)
{
    CLEANUP(freep) char *bytes = NULL;
    size_t length = 0, size = 0;

    for (;;) {
        ssize_t n;

        if (length == size) {
            char *more = realloc(bytes, size = size == 0 ? 65536 : size * 2);

            if (more == NULL)
                return client_fail(error, GLIMPSE_E_MEMORY, "out of memory");
            bytes = more;
        }
        n = read(fd, bytes + length, size - length);
        if (n < 0 && errno == EINTR)
            continue;
        if (n < 0)
            return client_fail(error, GLIMPSE_E_INVALID, "stdin: %s", strerrordesc_np(errno));
        if (n == 0)
            break;
        length += (size_t)n;
        if (length > max_bytes)
            return client_fail(error, GLIMPSE_E_INVALID, "stdin has more than %zu MiB",
                               max_bytes >> 20);
    }
    *ret = TAKE_PTR(bytes);
    *ret_length = length;
    return GLIMPSE_OK;
}

/* --- SIGPIPE --------------------------------------------------------------------------------- */

/* A program that does not read its input makes our write raise SIGPIPE. A library may not change what its
 * host does about signals, so the signal is blocked in this thread, and taken back if it has come. */
struct sigpipe_guard {
    sigset_t before;
    int was_pending;
};

static void only_sigpipe(sigset_t *set)
{
    (void)sigemptyset(set);
    (void)sigaddset(set, SIGPIPE);
}

static void sigpipe_block(struct sigpipe_guard *guard)
{
    sigset_t set, pending;

    only_sigpipe(&set);
    (void)sigpending(&pending);
    guard->was_pending = sigismember(&pending, SIGPIPE);
    (void)pthread_sigmask(SIG_BLOCK, &set, &guard->before);
}

static void sigpipe_restore(const struct sigpipe_guard *guard)
{
    const struct timespec now = {0};
    sigset_t set;

    only_sigpipe(&set);
    if (guard->was_pending == 0)
        while (sigtimedwait(&set, NULL, &now) < 0 && errno == EINTR)
            ;
    (void)pthread_sigmask(SIG_SETMASK, &guard->before, NULL);
}

/* --- Clients --------------------------------------------------------------------------------- */

struct glimpse *glimpse_new(const struct glimpse_options *options, struct glimpse_error *error)
{
    static const struct glimpse_options none = {.api_version = GLIMPSE_API_VERSION};

    if (options == NULL)
        options = &none;
    if (options->api_version < 1 || options->api_version > GLIMPSE_API_VERSION) {
        (void)client_fail(error, GLIMPSE_E_INVALID, "api_version is %d, this library knows 1 to %d",
                          options->api_version, GLIMPSE_API_VERSION);
        return NULL;
    }
    return options->server != NULL ? client_remote_new(options, error)
                                   : client_local_new(options, error);
}

void glimpse_free(struct glimpse *client)
{
    if (client != NULL)
        client->backend->free(client);
}

void glimpse_cancel(struct glimpse *client)
{
    atomic_store(&client->cancelled, true);
    if (client->backend->wake != NULL)
        client->backend->wake(client);
}

static uint32_t window_of(int rows, int columns)
{
    const bool is_one = rows > 0 && rows <= JOB_MAX_WINDOW && columns > 0 && columns <= JOB_MAX_WINDOW;

    return is_one ? (uint32_t)rows << 16 | (uint32_t)columns : 0;
}

void glimpse_resize(struct glimpse *client, int rows, int columns)
{
    const uint32_t window = window_of(rows, columns);

    if (window == 0 || atomic_load(&client->window) == 0)
        return;
    atomic_store(&client->window, window);
    if (client->backend->wake != NULL)
        client->backend->wake(client);
}

static int check_interactive(const struct glimpse_request *request, struct glimpse_error *error)
{
    const bool terminal = request->rows != 0 || request->columns != 0;

    if ((terminal || request->repl != 0) && request->interactive == 0)
        return client_fail(error, GLIMPSE_E_INVALID, "terminals and prompts are for interactive runs");
    if (terminal && window_of(request->rows, request->columns) == 0)
        return client_fail(error, GLIMPSE_E_INVALID, "the terminal has %d rows and %d columns, allowed are 1 to %d",
                           request->rows, request->columns, JOB_MAX_WINDOW);
    if (request->interactive != 0 && request->merged != 0)
        return client_fail(error, GLIMPSE_E_INVALID, "interactive runs have a terminal instead of merged outputs");
    return GLIMPSE_OK;
}

int glimpse_run(struct glimpse *client, const struct glimpse_request *request,
                const struct glimpse_callbacks *callbacks, struct glimpse_result *result,
                struct glimpse_error *error)
{
    static const struct glimpse_callbacks none = {0};
    struct sigpipe_guard guard;
    int code;

    *result = (struct glimpse_result){0};
    code = check_interactive(request, error);
    if (code != GLIMPSE_OK)
        return code;
    atomic_store(&client->cancelled, false);
    atomic_store(&client->window, window_of(request->rows, request->columns));
    sigpipe_block(&guard);
    code =
        client->backend->run(client, request, callbacks != NULL ? callbacks : &none, result, error);
    sigpipe_restore(&guard);
    atomic_store(&client->window, 0);
    if (code != GLIMPSE_OK)
        glimpse_result_clear(result);
    return code;
}

int glimpse_languages(struct glimpse *client, struct glimpse_languages *ret,
                      struct glimpse_error *error)
{
    int code;

    *ret = (struct glimpse_languages){0};
    code = client->backend->languages(client, ret, error);
    if (code != GLIMPSE_OK)
        glimpse_languages_clear(ret);
    return code;
}

/* --- What the caller owns -------------------------------------------------------------------- */

void glimpse_result_clear(struct glimpse_result *result)
{
    for (size_t i = 0; i < GLIMPSE_N_STAGES; i++) {
        free(result->stages[i].data[0]);
        free(result->stages[i].data[1]);
    }
    *result = (struct glimpse_result){0};
}

static void free_texts(char **texts)
{
    for (size_t i = 0; texts != NULL && texts[i] != NULL; i++)
        free(texts[i]);
    free((void *)texts);
}

void glimpse_languages_clear(struct glimpse_languages *languages)
{
    for (size_t i = 0; i < languages->n; i++) {
        struct glimpse_language *language = &languages->at[i];

        free(language->id);
        free(language->name);
        free(language->version);
        free(language->unavailable);
        free_texts(language->aliases);
        free_texts(language->suffixes);
    }
    free(languages->at);
    *languages = (struct glimpse_languages){0};
}
