/* engine: what comes of a job, whatever boxd, the box and the caller do and in whatever order they do it. */
#include <errno.h>
#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <sys/mman.h>
#include <sys/stat.h>

#include <cmocka.h>

#include "base/fd.h"
#include "engine_world.h"

static int open_one(void **state)
{
    return world_open(state, 1, 2);
}

/* --- A run as it should be ------------------------------------------------------------------- */

/* The record of this kind, the index-th, as "name=data". */
static void read_record(int fd, uint32_t kind, size_t index, char *text, size_t size)
{
    struct wire_record record;
    off_t at = 0;

    while (pread(fd, &record, sizeof record, at) == (ssize_t)sizeof record) {
        char name[256] = "", data[256] = "";

        at += (off_t)sizeof record;
        assert_true(record.name_len < sizeof name && record.data_len < sizeof data);
        assert_int_equal(pread(fd, name, record.name_len, at), (ssize_t)record.name_len);
        at += (off_t)record.name_len;
        assert_int_equal(pread(fd, data, record.data_len, at), (ssize_t)record.data_len);
        at += (off_t)record.data_len;
        if (record.kind == kind && index-- == 0) {
            (void)snprintf(text, size, "%s=%s", name, data);
            return;
        }
    }
    (void)snprintf(text, size, "none");
}

static void expect_record(int fd, uint32_t kind, size_t index, const char *wanted)
{
    char text[600];

    read_record(fd, kind, index, text, sizeof text);
    assert_string_equal(text, wanted);
}

static void runs_a_program(void **state)
{
    struct world *world = *state;
    struct outcome outcome = {0};
    struct job *job = plain_job("plain");
    struct box box;
    char one;

    assert_int_equal(job_add_arg(job, slice_from("-a"), NULL), 0);
    assert_int_equal(job_add_env(job, slice_from("HOME"), slice_from("/mine"), NULL), 0);
    (void)start(world, job, &outcome);
    box = lease_box(world);
    assert_int_equal(box.job.wall_time_ms, 1000);
    assert_int_equal(box.job.flags, 0);
    assert_int_equal(box.artifact, -1);
    expect_record(box.payload, WIRE_RECORD_ARG, 0, "=/bin/run");
    expect_record(box.payload, WIRE_RECORD_ARG, 1, "=main.x");
    expect_record(box.payload, WIRE_RECORD_ARG, 2, "=-a");
    expect_record(box.payload, WIRE_RECORD_ARG, 3, "none");
    expect_record(box.payload, WIRE_RECORD_ENV, 1, "=HOME=/mine"); /* the job's in the place of ours */
    expect_record(box.payload, WIRE_RECORD_FILE, 0, "main.x=code");
    expect_record(box.payload, WIRE_RECORD_COLLECT, 0, "none");
    assert_int_equal(read(box.in, &one, 1), 0); /* no stdin: at its end at once */
    assert_int_equal(fd_write_all(box.err, "oops", 4), 0);
    box_runs(world, &box, "hello", 3);
    wait_result(world, &outcome);
    assert_int_equal(outcome.status, STATUS_RUNTIME_ERROR);
    assert_false(outcome.stages[STAGE_COMPILE].ran);
    assert_true(outcome.stages[STAGE_RUN].ran);
    assert_int_equal(outcome.stages[STAGE_RUN].exit_code, 3);
    assert_int_equal(outcome.stages[STAGE_RUN].wall_us, 4321);
    assert_int_equal(outcome.stages[STAGE_RUN].cpu_us, 1234);
    assert_int_equal(outcome.stages[STAGE_RUN].memory_bytes, 5678);
    assert_string_equal(outcome.out[STAGE_RUN][0], "hello");
    assert_string_equal(outcome.out[STAGE_RUN][1], "oops");
    assert_int_equal(outcome.streamed, 9);
    assert_int_equal(engine_n_runs(world->engine), 0);
    expect_silence(world);
}

static void reads_what_is_written_just_before_the_end(void **state)
{
    struct world *world = *state;
    struct outcome outcome = {0};
    struct box box;

    (void)start(world, plain_job("plain"), &outcome);
    box = lease_box(world);
    box_exited(world, &box, 0);
    (void)expect_boxd(world, WIRE_USAGE);
    /* A descriptor that outlives the box's processes: there is no end of file, and none is waited for. */
    assert_int_equal(fd_write_all(box.out, "late", 4), 0);
    send_figures(world, WIRE_USED, box.lease, WIRE_CAUSE_NONE, 0);
    wait_result(world, &outcome);
    assert_int_equal(outcome.status, STATUS_OK);
    assert_string_equal(outcome.out[STAGE_RUN][0], "late");
    box_close(&box);
}

/* --- Two stages ------------------------------------------------------------------------------ */

/* EXITED with an artifact of these bytes, said to be so long. */
static void send_artifact(struct world *world, struct box *box, int fd, uint64_t said)
{
    struct wire_exited exited = {.head = wire_head(WIRE_EXITED, box->lease), .artifact_bytes = said};

    send_box(box, &exited, fd);
    (void)expect_boxd(world, WIRE_USAGE);
    send_figures(world, WIRE_USED, box->lease, WIRE_CAUSE_NONE, 0);
    (void)expect_boxd(world, WIRE_RELEASE);
    box_close(box);
}

static void hands_the_artifact_on_sealed(void **state)
{
    struct world *world = *state;
    struct outcome outcome = {0};
    CLEANUP(closep) int kept = -1;
    struct box box;
    char bytes[8] = "";
    int fd = fd_memfd("artifact");

    assert_int_equal(fd_write_all(fd, "program", 7), 0);
    kept = fcntl(fd, F_DUPFD_CLOEXEC, 0); /* a hostile init keeps its own */
    (void)start(world, plain_job("built"), &outcome);
    box = lease_box(world);
    assert_int_equal(box.job.flags, WIRE_JOB_COLLECT);
    expect_record(box.payload, WIRE_RECORD_ARG, 0, "=/bin/compile");
    expect_record(box.payload, WIRE_RECORD_COLLECT, 0, "a.out=");
    send_artifact(world, &box, fd, 7);
    assert_true(pwrite(kept, "P", 1, 0) < 0);
    box = lease_box(world);
    assert_int_equal(box.job.flags, 0);
    assert_int_equal(box.job.artifact_bytes, 7);
    assert_int_equal(pread(box.artifact, bytes, sizeof bytes, 0), 7);
    assert_string_equal(bytes, "program");
    expect_record(box.payload, WIRE_RECORD_ARG, 0, "=/bin/run");
    box_runs(world, &box, "ran", 0);
    wait_result(world, &outcome);
    assert_int_equal(outcome.status, STATUS_OK);
    assert_true(outcome.stages[STAGE_COMPILE].ran && outcome.stages[STAGE_RUN].ran);
    assert_int_equal(outcome.n_stages, 2);
    assert_int_equal(outcome.begun[0], STAGE_COMPILE);
    assert_int_equal(outcome.begun[1], STAGE_RUN);
}

static void says_what_it_would_not_take(void **state)
{
    static const struct {
        const char *language, *version;
        int r;
    } cases[] = {
        {"plain", NULL, 0},
        {"plain", "77", ENGINE_E_VERSION},
        {"absent", NULL, ENGINE_E_UNAVAILABLE},
        {"nonsense", NULL, ENGINE_E_LANGUAGE},
    };
    struct world *world = *state;

    for (size_t i = 0; i < COUNT_OF(cases); i++) {
        CLEANUP(job_freep) struct job *job = plain_job(cases[i].language);
        struct err err = {0};

        if (cases[i].version != NULL)
            job->version = strdup(cases[i].version);
        assert_int_equal(engine_check(world->engine, job, &err), cases[i].r);
        assert_int_equal(err.msg[0] == '\0', cases[i].r == 0);
    }
    assert_int_equal(engine_n_runs(world->engine), 0);
}

static void stops_at_a_compile_error(void **state)
{
    struct world *world = *state;
    struct outcome outcome = {0};
    struct box box;

    (void)start(world, plain_job("built"), &outcome);
    box = lease_box(world);
    box_runs(world, &box, "line 1: no", 1);
    wait_result(world, &outcome);
    assert_int_equal(outcome.status, STATUS_COMPILE_ERROR);
    assert_string_equal(outcome.out[STAGE_COMPILE][0], "line 1: no");
    assert_false(outcome.stages[STAGE_RUN].ran);
    expect_silence(world);
}

static void refuses_artifacts_that_are_not_what_was_said(void **state)
{
    struct world *world = *state;
    static const struct {
        uint64_t said;
        bool pipe;
        enum status status;
        const char *says;
    } cases[] = {
        {8, false, STATUS_INTERNAL_ERROR, "shorter than"},
        {1, true, STATUS_INTERNAL_ERROR, "cannot be sealed"},
        {UINT64_C(1) << 40, false, STATUS_DISK_LIMIT, "more than 64 MiB"}, /* the program's own doing */
    };

    for (size_t i = 0; i < COUNT_OF(cases); i++) {
        struct outcome outcome = {0};
        struct box box;
        int ends[2], fd = fd_memfd("artifact");

        assert_int_equal(fd_write_all(fd, "program", 7), 0);
        if (cases[i].pipe) {
            closep(&fd);
            assert_int_equal(pipe2(ends, O_CLOEXEC), 0);
            closep(&ends[1]);
            fd = ends[0];
        }
        (void)start(world, plain_job("built"), &outcome);
        box = lease_box(world);
        send_artifact(world, &box, fd, cases[i].said);
        wait_result(world, &outcome);
        assert_int_equal(outcome.status, cases[i].status);
        assert_non_null(strstr(outcome.message, cases[i].says));
        expect_silence(world);
    }
}

/* --- Cancelling ------------------------------------------------------------------------------ */

static void cancels_in_the_queue(void **state)
{
    struct world *world = *state;
    struct outcome first = {0}, second = {0};
    struct run *run;
    struct box box;

    (void)start(world, plain_job("plain"), &first);
    run = start(world, plain_job("plain"), &second);
    run_cancel(run);
    assert_int_equal(second.n_results, 0); /* from the loop, not from inside */
    wait_result(world, &second);
    assert_int_equal(second.status, STATUS_CANCELLED);
    assert_false(second.stages[STAGE_RUN].ran);
    box = lease_box(world);
    box_runs(world, &box, "", 0);
    wait_result(world, &first);
    assert_int_equal(first.status, STATUS_OK);
    expect_silence(world);
}

static void cancels_while_boxd_looks_for_a_box(void **state)
{
    struct world *world = *state;
    struct outcome outcome = {0};
    struct run *run = start(world, plain_job("plain"), &outcome);
    union wire_msg lease = expect_boxd(world, WIRE_LEASE);
    struct wire_plain leased = {.head = wire_head(WIRE_LEASED, lease.head.id)};
    int ends[2];
    char byte;

    run_cancel(run);
    wait_result(world, &outcome);
    assert_int_equal(outcome.status, STATUS_CANCELLED);
    assert_int_equal(expect_boxd(world, WIRE_RELEASE).head.id, lease.head.id);
    /* LEASED had crossed with that: the box's socket must not stay open. */
    assert_int_equal(socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC | SOCK_NONBLOCK, 0, ends), 0);
    send_boxd(world, &leased, ends[1]);
    assert_int_equal(read(ends[0], &byte, 1), 0);
    closep(&ends[0]);
}

static void cancels_a_program_with_its_figures(void **state)
{
    struct world *world = *state;
    struct outcome outcome = {0};
    struct run *run = start(world, plain_job("plain"), &outcome);
    struct box box = lease_box(world);

    assert_int_equal(fd_write_all(box.out, "part", 4), 0);
    run_cancel(run);
    run_cancel(run); /* twice is as good as once */
    (void)expect_boxd(world, WIRE_USAGE);
    send_figures(world, WIRE_USED, box.lease, WIRE_CAUSE_NONE, 0);
    (void)expect_boxd(world, WIRE_RELEASE);
    wait_result(world, &outcome);
    assert_int_equal(outcome.status, STATUS_CANCELLED);
    assert_string_equal(outcome.out[STAGE_RUN][0], "part");
    assert_int_equal(outcome.stages[STAGE_RUN].cpu_us, 1234);
    expect_silence(world);
    box_close(&box);
}

static void cancelled_compiling_does_not_run(void **state)
{
    struct world *world = *state;
    struct outcome outcome = {0};
    struct run *run = start(world, plain_job("built"), &outcome);
    struct box box = lease_box(world);

    box_exited(world, &box, 0);
    (void)expect_boxd(world, WIRE_USAGE);
    run_cancel(run); /* crosses with the figures of a compiler that succeeded */
    send_figures(world, WIRE_USED, box.lease, WIRE_CAUSE_NONE, 0);
    (void)expect_boxd(world, WIRE_RELEASE);
    wait_result(world, &outcome);
    assert_int_equal(outcome.status, STATUS_CANCELLED);
    expect_silence(world);
    box_close(&box);
}

/* --- boxd and the box have their own ideas --------------------------------------------------- */

static void tells_why_there_is_no_box(void **state)
{
    struct world *world = *state;
    struct outcome outcome = {0};
    struct wire_failed refused;
    struct err err;

    (void)err_set(&err, -EBUSY, "no slots");
    (void)start(world, plain_job("plain"), &outcome);
    refused = wire_failed(WIRE_REFUSED, expect_boxd(world, WIRE_LEASE).head.id, &err);
    send_boxd(world, &refused, -1);
    wait_result(world, &outcome);
    assert_int_equal(outcome.status, STATUS_INTERNAL_ERROR);
    assert_string_equal(outcome.message, "no slots");
    expect_silence(world);
}

static void tells_what_init_could_not_do(void **state)
{
    struct world *world = *state;
    struct outcome outcome = {0};
    struct wire_failed failed;
    struct err err;
    struct box box;

    (void)err_set(&err, -EIO, "no room for main.x");
    (void)start(world, plain_job("plain"), &outcome);
    box = lease_box(world);
    failed = wire_failed(WIRE_FAILED, box.lease, &err);
    send_box(&box, &failed, -1);
    (void)expect_boxd(world, WIRE_USAGE);
    send_figures(world, WIRE_USED, box.lease, WIRE_CAUSE_NONE, 0);
    (void)expect_boxd(world, WIRE_RELEASE);
    wait_result(world, &outcome);
    assert_int_equal(outcome.status, STATUS_INTERNAL_ERROR);
    assert_string_equal(outcome.message, "no room for main.x");
    box_close(&box);
}

static void takes_the_end_of_a_killed_box(void **state)
{
    struct world *world = *state;
    static const struct {
        enum wire_cause cause;
        uint32_t oom_kills;
        enum status status;
    } cases[] = {
        {WIRE_CAUSE_CPU_TIME, 0, STATUS_CPU_TIME_LIMIT},
        {WIRE_CAUSE_WALL_TIME, 0, STATUS_WALL_TIME_LIMIT},
        {WIRE_CAUSE_EXIT, 1, STATUS_MEMORY_LIMIT},
        {WIRE_CAUSE_EXIT, 0, STATUS_INTERNAL_ERROR},
    };

    for (size_t i = 0; i < COUNT_OF(cases); i++) {
        struct outcome outcome = {0};
        struct box box;

        (void)start(world, plain_job("plain"), &outcome);
        box = lease_box(world);
        assert_int_equal(fd_write_all(box.out, "part", 4), 0);
        closep(&box.fd); /* the box is gone before boxd has told */
        world_turn(world);
        assert_int_equal(outcome.n_results, 0);
        send_figures(world, WIRE_ENDED, box.lease, cases[i].cause, cases[i].oom_kills);
        wait_result(world, &outcome);
        assert_int_equal(outcome.status, cases[i].status);
        assert_string_equal(outcome.out[STAGE_RUN][0], "part");
        assert_int_equal(outcome.stages[STAGE_RUN].cpu_us, 1234);
        assert_true(outcome.stages[STAGE_RUN].wall_us > 0);
        expect_silence(world); /* boxd has forgotten the lease: no RELEASE */
        box_close(&box);
    }
}

/* EXITED waits in the box's socket when ENDED is read: both have to count. */
static void exit_and_end_cross(void **state)
{
    struct world *world = *state;
    struct outcome outcome = {0};
    struct wire_exited exited = {.code = 5, .wall_us = 99};
    struct wire_used ended = {.cause = WIRE_CAUSE_EXIT};
    struct box box;

    (void)start(world, plain_job("plain"), &outcome);
    box = lease_box(world);
    exited.head = wire_head(WIRE_EXITED, box.lease);
    ended.head = wire_head(WIRE_ENDED, box.lease);
    assert_int_equal(fd_send_packet(world->boxd_fd, &ended, sizeof ended, NULL, 0), 0);
    send_box(&box, &exited, -1);
    wait_result(world, &outcome);
    assert_int_equal(outcome.status, STATUS_RUNTIME_ERROR);
    assert_int_equal(outcome.stages[STAGE_RUN].exit_code, 5);
    box_close(&box);
}

/* We have asked for the figures when boxd's ENDED arrives instead of USED. */
static void usage_and_end_cross(void **state)
{
    struct world *world = *state;
    struct outcome outcome = {0};
    struct box box;

    (void)start(world, plain_job("plain"), &outcome);
    box = lease_box(world);
    box_exited(world, &box, 0);
    (void)expect_boxd(world, WIRE_USAGE);
    send_figures(world, WIRE_ENDED, box.lease, WIRE_CAUSE_CPU_TIME, 0);
    wait_result(world, &outcome);
    assert_int_equal(outcome.status, STATUS_CPU_TIME_LIMIT);
    expect_silence(world);
    send_figures(world, WIRE_USED, box.lease, WIRE_CAUSE_NONE, 0); /* too late for anybody */
    assert_true(engine_connected(world->engine));
    box_close(&box);
}

static void distrusts_a_box_that_talks_nonsense(void **state)
{
    struct world *world = *state;
    struct outcome outcome = {0};
    struct box box;

    (void)start(world, plain_job("plain"), &outcome);
    box = lease_box(world);
    assert_int_equal(fd_send_packet(box.fd, "nonsense nonsense", 17, NULL, 0), 0);
    (void)expect_boxd(world, WIRE_USAGE);
    send_figures(world, WIRE_USED, box.lease, WIRE_CAUSE_NONE, 0);
    (void)expect_boxd(world, WIRE_RELEASE);
    wait_result(world, &outcome);
    assert_int_equal(outcome.status, STATUS_INTERNAL_ERROR);
    assert_non_null(strstr(outcome.message, "what is no message"));
    box_close(&box);
}

/* --- boxd is gone ---------------------------------------------------------------------------- */

static void says_so_when_boxd_restarts(void **state)
{
    struct world *world = *state;
    struct outcome running = {0}, next = {0};
    struct box box;

    (void)start(world, plain_job("plain"), &running);
    box = lease_box(world);
    (void)start(world, plain_job("plain"), &next);
    world_hang_up(world);
    wait_result(world, &running);
    assert_int_equal(running.status, STATUS_INTERNAL_ERROR);
    assert_string_equal(running.message, "the sandbox service restarted");
    box_close(&box);
    assert_int_equal(next.n_results, 0); /* whoever waits goes on waiting */
    world_accept(world);
    box = lease_box(world);
    box_runs(world, &box, "", 0);
    wait_result(world, &next);
    assert_int_equal(next.status, STATUS_OK);
}

static void asks_the_new_boxd_once_more(void **state)
{
    struct world *world = *state;
    struct outcome lucky = {0}, unlucky = {0};
    struct box box;

    (void)start(world, plain_job("plain"), &lucky);
    (void)expect_boxd(world, WIRE_LEASE); /* nothing has been started yet */
    world_hang_up(world);
    world_accept(world);
    box = lease_box(world);
    box_runs(world, &box, "", 0);
    wait_result(world, &lucky);
    assert_int_equal(lucky.status, STATUS_OK);

    (void)start(world, plain_job("plain"), &unlucky);
    for (int i = 0; i < 2; i++) {
        (void)expect_boxd(world, WIRE_LEASE);
        world_hang_up(world);
        if (i == 0)
            world_accept(world);
    }
    wait_result(world, &unlucky); /* perhaps it is this very lease that boxd dies of */
    assert_int_equal(unlucky.status, STATUS_INTERNAL_ERROR);
}

#define ONE(test) cmocka_unit_test_setup_teardown(test, open_one, world_close)

int main(void)
{
    const struct CMUnitTest tests[] = {
        ONE(runs_a_program),
        ONE(reads_what_is_written_just_before_the_end),
        ONE(hands_the_artifact_on_sealed),
        ONE(stops_at_a_compile_error),
        ONE(says_what_it_would_not_take),
        ONE(refuses_artifacts_that_are_not_what_was_said),
        ONE(cancels_in_the_queue),
        ONE(cancels_while_boxd_looks_for_a_box),
        ONE(cancels_a_program_with_its_figures),
        ONE(cancelled_compiling_does_not_run),
        ONE(tells_why_there_is_no_box),
        ONE(tells_what_init_could_not_do),
        ONE(takes_the_end_of_a_killed_box),
        ONE(exit_and_end_cross),
        ONE(usage_and_end_cross),
        ONE(distrusts_a_box_that_talks_nonsense),
        ONE(says_so_when_boxd_restarts),
        ONE(asks_the_new_boxd_once_more),
    };

    return cmocka_run_group_tests_name("engine", tests, NULL, NULL);
}
