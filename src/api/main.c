/*
 * glimpsed: the HTTP API. Holds no privilege; everything is on one loop, but for the store's writer thread.
 *
 *   starting -> locked in -> serving -> draining (SIGTERM, SIGINT) -> stopped
 *
 * Starting takes from the host what cannot be had later (lock_in.h): programs to run, a socket that listens.
 * Nothing that a stranger sent is read before.
 * Draining: nobody new is let in, runs under way may end; after DRAIN_MS what is left is cancelled.
 */
#include <errno.h>
#include <getopt.h>
#include <signal.h>
#include <sys/resource.h>

#include "api/access_log.h"
#include "api/api.h"
#include "api/gate.h"
#include "api/lock_in.h"
#include "api/privileges.h"
#include "api/prober.h"
#include "api/submissions/submissions.h"
#include "api/webhooks/webhooks.h"
#include "base/log.h"

enum {
    DRAIN_MS = 30000,
    DRAIN_STEP_MS = 20,
    CONNECTIONS_MAX = 4096,
    ANSWERS_BYTES_MAX = 256 << 20,
    BODIES_AT_ONCE = 16, /* of the largest size; more of smaller ones */
    IDLE_TIME_MS = 60000,
    HEAD_TIME_MS = 10000,
    TRANSFER_TIME_MS = 20000,
    TRANSFER_RATE = 16384,
    STALL_TIME_MS = 60000,
    QUIET_TIME_MS = 15000, /* proxies give a connection up after 30 s or more without a byte */
    EXIT_USAGE = 2,
};

struct old_languages {
    struct old_languages *next;
    struct languages languages;
};

struct program {
    struct config config;
    uv_loop_t loop;
    struct api api;
    struct prober prober;
    struct old_languages *old_languages; /* owned */
    int courier_fd; /* owned until webhooks_new() */
    uv_signal_t on_term, on_int, on_hup;
    uv_timer_t drain;
    uint64_t drain_until_ms; /* uv_now() */
};

/* ---- stopping ---- */

static void on_drain_step(uv_timer_t *timer)
{
    struct program *program = timer->data;
    bool late = uv_now(&program->loop) >= program->drain_until_ms;

    if (!late && (http_server_n_busy(program->api.http) > 0 || submissions_n_active(program->api.submissions) > 0))
        return;
    if (late)
        log_warn("stopping with %zu runs under way: they are cancelled",
                 engine_n_runs(program->api.engine));
    uv_stop(&program->loop);
}

static void stop(struct program *program)
{
    program->api.draining = true;
    engine_drain(program->api.engine);
    submissions_drain(program->api.submissions);
    http_server_drain(program->api.http);
    program->drain_until_ms = uv_now(&program->loop) + DRAIN_MS;
    (void)uv_timer_start(&program->drain, on_drain_step, DRAIN_STEP_MS, DRAIN_STEP_MS);
}

static void on_signal(uv_signal_t *handle, int signum)
{
    struct program *program = handle->data;

    if (program->api.draining) { /* a second signal: whoever sends it does not want to wait */
        uv_stop(&program->loop);
        return;
    }
    log_info("stopping on signal %d: %zu runs under way", signum, engine_n_runs(program->api.engine));
    stop(program);
}

/* Locked in, we can't start another one: whoever started us does it, and us with it. */
static void on_courier_lost(void *arg)
{
    struct program *program = arg;

    log_error("stopping, to be started again with a new courier: %zu runs under way",
              engine_n_runs(program->api.engine));
    stop(program);
}

/* ---- the languages ---- */

static void say_languages(const struct program *program)
{
    for (size_t i = 0; i < program->api.languages.n; i++) {
        const struct language *language = &program->api.languages.at[i];

        if (language->available)
            log_info("language %s: %s", language->id, language->version);
        else
            log_warn("language %s is not available: %s", language->id, language->unavailable);
    }
}

static void on_probed(void *arg)
{
    struct program *program = arg;

    program->api.probed = true;
    submissions_feed(program->api.submissions);
    say_languages(program);
}

/* The table before this one stays: runs that are under way point into it. Who changes languages does so by hand, a few
 * times. */
static int take_languages(struct program *program, struct languages *fresh, struct err *err)
{
    struct old_languages *old = malloc(sizeof *old);
    int r = old == NULL ? err_set(err, -ENOMEM, "out of memory")
                        : metrics_add_languages(&program->api.metrics, fresh, err);

    if (r < 0) {
        free(old);
        return r;
    }
    *old = (struct old_languages){program->old_languages, program->api.languages};
    program->old_languages = old;
    program->api.languages = *fresh;
    *fresh = (struct languages){0};
    engine_forget_artifacts(program->api.engine); /* of a compiler that may be another one now */
    return 0;
}

static void on_reloaded(void *arg, struct languages *fresh, const struct err *why)
{
    struct program *program = arg;
    struct err err = {0};

    if (why == NULL && fresh == NULL) {
        log_info("languages are as they were");
    } else if (why != NULL) {
        log_error("the languages stay as they are: %s", why->msg);
    } else if (take_languages(program, fresh, &err) < 0) {
        log_error("the languages stay as they are: %s", err.msg);
    } else {
        log_info("languages and their limits are reloaded");
        say_languages(program);
    }
}

static void on_hangup(uv_signal_t *handle, int signum)
{
    struct program *program = handle->data;

    (void)signum;
    if (prober_reload(&program->prober))
        log_info("looking at the languages again; settings of glimpse.ini take a restart");
    else
        log_warn("not reloading: the languages are being looked at already, or can't be any more");
}

static void free_old_languages(struct program *program)
{
    while (program->old_languages != NULL) {
        struct old_languages *old = program->old_languages;

        program->old_languages = old->next;
        languages_done(&old->languages);
        free(old);
    }
}

/* ---- starting ---- */

static int parse_args(struct config_args *ret, int argc, char **argv)
{
    static const struct option options[] = {
        {"config", required_argument, NULL, 'c'}, {"data", required_argument, NULL, 'd'},
        {"listen", required_argument, NULL, 'l'}, {"version", no_argument, NULL, 'v'},
        {"help", no_argument, NULL, 'h'},         {NULL, 0, NULL, 0},
    };
    int c;

    while ((c = getopt_long(argc, argv, "", options, NULL)) != -1) {
        switch (c) {
        case 'c':
            ret->file = optarg;
            break;
        case 'd':
            ret->data_dir = optarg;
            break;
        case 'l':
            ret->listen = optarg;
            break;
        case 'v':
            puts("glimpsed " GLIMPSE_VERSION);
            exit(EXIT_SUCCESS);
        case 'h':
            puts("usage: glimpsed [--config FILE] [--data DIR] [--listen ADDR:PORT]");
            exit(EXIT_SUCCESS);
        default: /* getopt has said what is wrong */
            return -EINVAL;
        }
    }
    if (optind < argc) {
        fprintf(stderr, "glimpsed: '%s' is not an option\n", argv[optind]);
        return -EINVAL;
    }
    return 0;
}

/* A run needs about eight descriptors, a connection one. */
static void raise_file_limit(void)
{
    struct rlimit limit;

    if (getrlimit(RLIMIT_NOFILE, &limit) == 0 && limit.rlim_cur < limit.rlim_max) {
        limit.rlim_cur = limit.rlim_max;
        (void)setrlimit(RLIMIT_NOFILE, &limit); /* we go on with less */
    }
}

static int lock(const char *data_dir, struct err *err)
{
    int r = lock_in(data_dir, err);

    if (r == LOCKDOWN_E_NO_LANDLOCK)
        log_warn("this kernel has no Landlock (5.13, with landlock in `lsm=`): file permissions alone keep glimpsed "
                 "from other users' files");
    return r < 0 ? err_wrap(err, r, "glimpsed cannot lock itself in") : 0;
}

/* The listening socket before the lock, all that works with strangers' bytes behind it. */
static int open_api(struct program *program, struct err *err)
{
    const struct config *config = &program->config;
    struct api *api = &program->api;
    const struct engine_config engine = {
        .loop = &program->loop,
        .boxd_socket = config->boxd_socket,
        .languages = &api->languages,
        .max_running = (uint32_t)config->max_running,
        .max_queued = (uint32_t)config->max_queued,
        .cache_bytes = config->cache,
        .cache_entries = (uint32_t)config->cache_entries,
        .interactive_ms = config->interactive_time,
        .on_report = metrics_on_report,
        .on_figures = metrics_on_figures,
        .arg = &api->metrics,
    };
    const struct http_config http = {
        .loop = &program->loop,
        .listen = config->listen,
        .routes = api_routes,
        .n_routes = api_n_routes,
        .arg = api,
        .gate = gate_pass,
        .allow_origins = &config->allow_origins,
        .allow_headers = GATE_ALLOW_HEADERS,
        .expose_headers = GATE_EXPOSE_HEADERS,
        .on_done = access_log_done,
        .body_bytes_max = config->body_max,
        .answers_bytes_max = ANSWERS_BYTES_MAX,
        .bodies_bytes_max = BODIES_AT_ONCE * config->body_max,
        .connections_max = CONNECTIONS_MAX,
        .idle_time_ms = IDLE_TIME_MS,
        .head_time_ms = HEAD_TIME_MS,
        .transfer_time_ms = TRANSFER_TIME_MS,
        .transfer_rate = TRANSFER_RATE,
        .stall_time_ms = STALL_TIME_MS,
        .quiet_time_ms = QUIET_TIME_MS,
    };
    const struct submissions_config submissions = {
        .waiting_max = config->submissions_max,
        .active_max = config->max_running * 2, /* one for each place, and one that follows at once */
        .keep_ms = config->submissions_age,
        .bytes_max = config->submissions_bytes,
    };
    int r;

    api->loop = &program->loop;
    api->interactive_max = (uint32_t)config->interactive_max;
    api->snippets_max = config->snippets;
    r = callers_init(&api->callers, config, err);
    if (r == 0)
        r = gate_init(&api->gate, err);
    if (r < 0)
        return r;
    r = http_server_new(&api->http, &http, err);
    if (r == 0)
        r = lock(config->data_dir, err);
    if (r == 0)
        r = store_new(&api->store, &program->loop, config->data_dir, err);
    if (r == 0)
        keyring_start(&api->keyring, api->store);
    if (r == 0)
        r = engine_new(&api->engine, &engine, err);
    api->metrics.engine = api->engine;
    if (r == 0)
        r = webhooks_new(&api->webhooks, api, config->data_dir, TAKE_FD(program->courier_fd), on_courier_lost, program,
                         err);
    if (r == 0)
        r = submissions_new(&api->submissions, api, &submissions, err);
    return r;
}

/* None of these can fail: the loop is sound and the handlers are given. */
static void open_handles(struct program *program)
{
    (void)uv_timer_init(&program->loop, &program->drain);
    keyring_init(&program->api.keyring, &program->loop);
    (void)uv_signal_init(&program->loop, &program->on_term);
    (void)uv_signal_init(&program->loop, &program->on_int);
    (void)uv_signal_init(&program->loop, &program->on_hup);
    program->drain.data = program->on_term.data = program->on_int.data = program;
    (void)uv_signal_start(&program->on_term, on_signal, SIGTERM);
    (void)uv_signal_start(&program->on_int, on_signal, SIGINT);
    program->on_hup.data = program;
    (void)uv_signal_start(&program->on_hup, on_hangup, SIGHUP);
}

static void close_all(struct program *program)
{
    struct api *api = &program->api;

    metrics_stop_asking(&api->metrics);
    if (api->submissions != NULL)
        submissions_drain(api->submissions);
    if (api->webhooks != NULL)
        webhooks_drain(api->webhooks);
    engine_free(TAKE_PTR(api->engine)); /* answers those whose runs it cancels */
    store_free(api->store);             /* calls back, and may be asked in vain meanwhile */
    api->store = NULL;
    http_server_free(TAKE_PTR(api->http));
    keyring_close(&api->keyring);
    submissions_free(TAKE_PTR(api->submissions));
    webhooks_free(TAKE_PTR(api->webhooks));
    prober_close(&program->prober);
    uv_close((uv_handle_t *)&program->drain, NULL);
    uv_close((uv_handle_t *)&program->on_term, NULL);
    uv_close((uv_handle_t *)&program->on_int, NULL);
    uv_close((uv_handle_t *)&program->on_hup, NULL);
    (void)uv_run(&program->loop, UV_RUN_DEFAULT);
    (void)uv_loop_close(&program->loop);
    metrics_close(&api->metrics);
    languages_done(&api->languages);
    free_old_languages(program);
    callers_done(&api->callers);
    gate_done(&api->gate);
    page_files_done(&api->page);
}

static int serve(struct program *program, struct err *err)
{
    static const struct prober_events events = {on_probed, on_reloaded};
    int r = uv_loop_init(&program->loop);

    if (r < 0)
        return err_set(err, r, "event loop: %s", uv_strerror(r));
    open_handles(program);
    r = prober_watch(&program->prober, &program->loop, &events, program, err);
    if (r == 0)
        r = open_api(program, err);
    if (r == 0) {
        (void)printf("glimpsed: listening on %s\n", http_server_url(program->api.http));
        (void)fflush(stdout);
        (void)uv_run(&program->loop, UV_RUN_DEFAULT);
        log_info("stopped");
    }
    close_all(program);
    return r;
}

/* While there is one thread and no lock: the languages' files are read, and their programs asked. */
static int look_at_languages(struct program *program, struct err *err)
{
    const struct config *config = &program->config;
    int r = languages_load(&program->api.languages, config->languages_dir, err);

    if (r == 0)
        r = metrics_open(&program->api.metrics, &config->metrics_allow, err);
    if (r == 0)
        r = metrics_add_languages(&program->api.metrics, &program->api.languages, err);
    if (r == 0)
        r = prober_start(&program->prober, &program->api.languages, config->toolchains_dir, err);
    return r;
}

/* While files can be read. Without the page the API works. */
static int look_at_page(struct program *program, struct err *err)
{
    int r = page_files_load(&program->api.page, program->config.web_dir, err);

    if (r == PAGE_E_NO_FOLDER)
        log_info("no playground: %s is not there; script/server builds it", program->config.web_dir);
    return r < 0 ? r : 0;
}

int main(int argc, char **argv)
{
    struct program program = {.courier_fd = -1};
    struct config_args args = {0};
    struct err err = {0};
    int r;

    if (parse_args(&args, argc, argv) < 0)
        return EXIT_USAGE;
    log_open("glimpsed", LOG_INFO, LOG_LOGFMT);
    (void)signal(SIGHUP, SIG_IGN);  /* until it can be listened to */
    (void)signal(SIGPIPE, SIG_IGN); /* a client that is gone is an error code, not a death */
    r = config_load_args(&program.config, &args, &err);
    if (r == 0) {
        log_open("glimpsed", (enum log_level)program.config.log_level, (enum log_format)program.config.log_format);
        raise_file_limit();
        r = privileges_drop(program.config.user, program.config.data_dir, &err);
    }
    if (r == 0)
        r = look_at_languages(&program, &err);
    if (r == 0)
        r = webhooks_start_courier(&program.courier_fd, &program.config, &err);
    if (r == 0)
        r = look_at_page(&program, &err);
    if (r == 0)
        r = serve(&program, &err);
    config_done(&program.config);
    if (r < 0) {
        log_error("%s", err.msg);
        return EXIT_FAILURE;
    }
    return EXIT_SUCCESS;
}
