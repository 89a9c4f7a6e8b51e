#include <errno.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>

#include <cmocka.h>

#include "base/fd.h"
#include "engine_world.h"

enum { PATIENCE_TURNS = 2000 }; /* of 1 ms: nothing here takes longer unless it is broken */

/* --- The world ------------------------------------------------------------------------------- */

static const struct limits some_limits = {.wall_time_ms = 1000,
                                          .cpu_time_ms = 1000,
                                          .memory_bytes = 64 << 20,
                                          .processes = 10,
                                          .output_bytes = 100,
                                          .file_bytes = 1 << 20,
                                          .box_bytes = 1 << 20,
                                          .open_files = 64};

static void add_stage(struct language_stage *stage, const char *command)
{
    *stage = (struct language_stage){.present = true, .defaults = some_limits, .max = some_limits};
    stage->max.output_bytes = 1000;
    assert_int_equal(strings_add(&stage->command, command, strlen(command)), 0);
    assert_int_equal(strings_add(&stage->command, "{main}", 6), 0);
    assert_int_equal(strings_add(&stage->command, "{args}", 6), 0);
}

static void add_languages(struct languages *languages)
{
    static const char *const ids[] = {"absent", "built", "plain"}; /* sorted, as languages_find() wants them */

    languages->dir = strdup("/nonexistent");
    languages->at = calloc(COUNT_OF(ids), sizeof *languages->at);
    assert_non_null(languages->at);
    languages->n = COUNT_OF(ids);
    for (size_t i = 0; i < COUNT_OF(ids); i++) {
        struct language *language = &languages->at[i];

        (void)snprintf(language->id, sizeof language->id, "%s", ids[i]);
        language->name = strdup(ids[i]);
        language->main_name = strdup("main.x");
        language->version = strdup("1.2.3");
        language->available = i != 0;
        add_stage(&language->stages[STAGE_RUN], "/bin/run");
    }
    languages->at[0].unavailable = strdup("absent is missing; install absent");
    add_stage(&languages->at[1].stages[STAGE_COMPILE], "/bin/compile");
    assert_int_equal(strings_add(&languages->at[1].stages[STAGE_COMPILE].collect, "a.out", 5), 0);
}

void world_listen(struct world *world)
{
    struct sockaddr_un address = {.sun_family = AF_UNIX};

    (void)snprintf(address.sun_path, sizeof address.sun_path, "%s", world->socket);
    (void)unlink(world->socket);
    world->listen_fd = socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    assert_true(world->listen_fd >= 0);
    assert_int_equal(bind(world->listen_fd, (struct sockaddr *)&address, sizeof address), 0);
    assert_int_equal(listen(world->listen_fd, 4), 0);
}

int world_open(void **state, uint32_t max_running, uint32_t max_queued)
{
    return world_open_caching(state, max_running, max_queued, 0, 0);
}

int world_open_caching(void **state, uint32_t max_running, uint32_t max_queued, uint64_t bytes, uint32_t entries)
{
    struct world *world = calloc(1, sizeof *world);
    struct engine_config config = {
        .max_running = max_running, .max_queued = max_queued, .cache_bytes = bytes, .cache_entries = entries,
        .interactive_ms = WORLD_INTERACTIVE_MS};
    struct err err = {0};

    (void)signal(SIGPIPE, SIG_IGN); /* as engine/stage_io.h asks of every program */
    assert_non_null(world);
    (void)snprintf(world->dir, sizeof world->dir, "/tmp/test_engine.XXXXXX");
    assert_non_null(mkdtemp(world->dir));
    (void)snprintf(world->socket, sizeof world->socket, "%s/boxd.sock", world->dir);
    world->boxd_fd = -1;
    world_listen(world);
    add_languages(&world->languages);
    assert_int_equal(uv_loop_init(&world->loop), 0);
    config.loop = &world->loop;
    config.boxd_socket = world->socket;
    config.languages = &world->languages;
    assert_int_equal(engine_new(&world->engine, &config, &err), 0);
    world_accept(world);
    *state = world;
    return 0;
}

int world_close(void **state)
{
    struct world *world = *state;

    engine_free(world->engine);
    (void)uv_run(&world->loop, UV_RUN_DEFAULT);
    assert_int_equal(uv_loop_close(&world->loop), 0); /* no handle is left */
    closep(&world->boxd_fd);
    closep(&world->listen_fd);
    (void)unlink(world->socket);
    (void)rmdir(world->dir);
    languages_done(&world->languages);
    free(world);
    return 0;
}

void world_turn(struct world *world)
{
    for (int i = 0; i < 4; i++)
        (void)uv_run(&world->loop, UV_RUN_NOWAIT);
}

static void pause_1_ms(struct world *world)
{
    world_turn(world);
    (void)usleep(1000);
}

void world_accept(struct world *world)
{
    for (int i = 0; i < PATIENCE_TURNS && world->boxd_fd < 0; i++) {
        world->boxd_fd = accept4(world->listen_fd, NULL, NULL, SOCK_CLOEXEC | SOCK_NONBLOCK);
        if (world->boxd_fd < 0)
            pause_1_ms(world);
    }
    assert_true(world->boxd_fd >= 0);
    world_turn(world);
    assert_true(engine_connected(world->engine));
}

void world_hang_up(struct world *world)
{
    closep(&world->boxd_fd);
    world_turn(world);
    assert_false(engine_connected(world->engine));
}

/* --- Runs ------------------------------------------------------------------------------------ */

struct job *plain_job(const char *language)
{
    struct job *job = job_new();

    assert_non_null(job);
    job->language = strdup(language);
    assert_int_equal(job_add_file(job, "main.x", "code", 4, NULL), 0);
    return job;
}

static void on_stage(void *arg, enum stage stage)
{
    struct outcome *outcome = arg;

    assert_int_equal(outcome->n_results, 0);
    assert_true(outcome->n_stages < N_STAGES);
    outcome->begun[outcome->n_stages++] = stage;
}

static void on_output(void *arg, enum stage stage, int stream, const char *bytes, size_t len)
{
    struct outcome *outcome = arg;

    (void)stage, (void)stream, (void)bytes;
    outcome->streamed += len;
}

static void on_room(void *arg)
{
    struct outcome *outcome = arg;

    outcome->n_rooms++;
}

static void on_result(void *arg, const struct result *result)
{
    struct outcome *outcome = arg;

    outcome->n_results++;
    outcome->status = result->status;
    (void)snprintf(outcome->message, sizeof outcome->message, "%s", result->message);
    outcome->compiled = result->compiled;
    if (result->compiled.bytes > 0)
        outcome->compiled.fd = fcntl(result->compiled.fd, F_DUPFD_CLOEXEC, 0);
    for (size_t i = 0; i < N_STAGES; i++) {
        outcome->stages[i] = result->stages[i];
        for (size_t k = 0; k < 2; k++) {
            outcome->len[i][k] = result->stages[i].out[k].len;
            assert_true(outcome->len[i][k] < WORLD_OUTPUT_MAX);
            memcpy(outcome->out[i][k], buf_text(&result->stages[i].out[k]), outcome->len[i][k] + 1);
        }
    }
}

struct run *start(struct world *world, struct job *job, struct outcome *outcome)
{
    return start_as(world, NULL, job, outcome);
}

struct run *start_as(struct world *world, const struct engine_caller *caller, struct job *job, struct outcome *outcome)
{
    static const struct run_events events = {on_stage, on_output, on_room, on_result};
    struct run *run = NULL;
    struct err err = {0};

    if (engine_start(&run, world->engine, caller, job, &events, outcome, &err) != 0)
        fail_msg("engine_start: %s", err.msg);
    assert_int_equal(outcome->n_results, 0); /* never from inside */
    return run;
}

void wait_result(struct world *world, struct outcome *outcome)
{
    for (int i = 0; i < PATIENCE_TURNS && outcome->n_results == 0; i++) {
        world_turn(world);
        if (outcome->n_results == 0)
            (void)usleep(1000);
    }
    assert_int_equal(outcome->n_results, 1);
    world_turn(world);
    assert_int_equal(outcome->n_results, 1);
}

/* --- boxd ------------------------------------------------------------------------------------ */

union wire_msg expect_boxd(struct world *world, enum wire_type type)
{
    char bytes[WIRE_MAX_BYTES];
    union wire_msg msg = {0};
    struct err err = {0};
    size_t n_fds = 0;
    ssize_t n = -EAGAIN;

    for (int i = 0; i < PATIENCE_TURNS && n == -EAGAIN; i++) {
        world_turn(world);
        n = fd_recv_packet(world->boxd_fd, bytes, sizeof bytes, NULL, 0, &n_fds, MSG_DONTWAIT);
        if (n == -EAGAIN)
            (void)usleep(1000);
    }
    if (n <= 0 || wire_decode(&msg, bytes, (size_t)n, n_fds, WIRE_TO_BOXD, &err) < 0)
        fail_msg("boxd got %zd: %s", n, err.msg);
    if (msg.head.type != (uint32_t)type)
        fail_msg("boxd got message %u, not %u", msg.head.type, (unsigned)type);
    return msg;
}

void expect_silence(struct world *world)
{
    char bytes[WIRE_MAX_BYTES];
    size_t n_fds = 0;

    world_turn(world);
    assert_int_equal(fd_recv_packet(world->boxd_fd, bytes, sizeof bytes, NULL, 0, &n_fds, MSG_DONTWAIT), -EAGAIN);
}

void send_boxd(struct world *world, const void *msg, int fd)
{
    const struct wire_head *head = msg;

    assert_int_equal(fd_send_packet(world->boxd_fd, msg, wire_size(head->type), &fd, fd >= 0), 0);
    closep(&fd);
    world_turn(world);
}

void send_figures(struct world *world, enum wire_type type, uint64_t lease, enum wire_cause cause, uint32_t oom_kills)
{
    struct wire_used used = {.head = wire_head(type, lease),
                             .cpu_us = 1234,
                             .memory_peak_bytes = 5678,
                             .oom_kills = oom_kills,
                             .cause = cause};

    send_boxd(world, &used, -1);
}

/* --- Boxes ----------------------------------------------------------------------------------- */

struct box grant_box(struct world *world)
{
    union wire_msg lease = expect_boxd(world, WIRE_LEASE);
    struct wire_plain leased = {.head = wire_head(WIRE_LEASED, lease.head.id)};
    struct box box = {.lease = lease.head.id, .in = -1, .out = -1, .err = -1, .payload = -1, .artifact = -1};
    int ends[2];

    assert_int_equal(socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, ends), 0);
    box.fd = ends[0];
    send_boxd(world, &leased, ends[1]);
    return box;
}

bool box_has_job(struct box *box)
{
    union wire_msg msg;
    char bytes[WIRE_MAX_BYTES];
    int fds[5] = {-1, -1, -1, -1, -1};
    struct err err = {0};
    size_t n_fds = 0;
    ssize_t n = fd_recv_packet(box->fd, bytes, sizeof bytes, fds, COUNT_OF(fds), &n_fds, MSG_DONTWAIT);

    if (n == -EAGAIN)
        return false;
    if (n <= 0 || wire_decode(&msg, bytes, (size_t)n, n_fds, WIRE_TO_INIT, &err) < 0)
        fail_msg("init got %zd: %s", n, err.msg);
    assert_int_equal(msg.head.type, WIRE_JOB);
    box->job = msg.job;
    box->in = fds[0];
    box->out = fds[1];
    box->err = fds[2];
    box->payload = fds[3];
    box->artifact = fds[4];
    return true;
}

struct box lease_box(struct world *world)
{
    struct box box = grant_box(world);

    assert_true(box_has_job(&box));
    return box;
}

void box_close(struct box *box)
{
    int *const all[] = {&box->fd, &box->in, &box->out, &box->err, &box->payload, &box->artifact};

    for (size_t i = 0; i < COUNT_OF(all); i++)
        closep(all[i]);
}

void send_box(struct box *box, const void *msg, int fd)
{
    const struct wire_head *head = msg;

    assert_int_equal(fd_send_packet(box->fd, msg, wire_size(head->type), &fd, fd >= 0), 0);
    closep(&fd);
}

void box_exited(struct world *world, struct box *box, int code)
{
    struct wire_exited exited = {
        .head = wire_head(WIRE_EXITED, box->lease), .how = WIRE_EXIT_EXITED, .code = code, .wall_us = 4321};

    send_box(box, &exited, -1);
    world_turn(world);
}

void box_runs(struct world *world, struct box *box, const char *out, int code)
{
    assert_int_equal(fd_write_all(box->out, out, strlen(out)), 0);
    box_exited(world, box, code);
    assert_int_equal(expect_boxd(world, WIRE_USAGE).head.id, box->lease);
    send_figures(world, WIRE_USED, box->lease, WIRE_CAUSE_NONE, 0);
    assert_int_equal(expect_boxd(world, WIRE_RELEASE).head.id, box->lease);
    box_close(box);
}

void box_compiles(struct world *world, struct box *box, const char *words, const char *made, uint64_t said)
{
    struct wire_exited exited = {.head = wire_head(WIRE_EXITED, box->lease), .wall_us = 4321, .artifact_bytes = said};
    int fd = fd_memfd("artifact");

    assert_int_equal(fd_write_all(fd, made, strlen(made)), 0);
    assert_int_equal(ftruncate(fd, (off_t)said), 0);
    assert_int_equal(fd_write_all(box->err, words, strlen(words)), 0);
    send_box(box, &exited, fd);
    assert_int_equal(expect_boxd(world, WIRE_USAGE).head.id, box->lease);
    send_figures(world, WIRE_USED, box->lease, WIRE_CAUSE_NONE, 0);
    assert_int_equal(expect_boxd(world, WIRE_RELEASE).head.id, box->lease);
    box_close(box);
}
