/* engine: what goes into a program and comes out of it, and who may run when. */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/fd.h"
#include "engine_world.h"

static int open_one(void **state)
{
    return world_open(state, 1, 2);
}

static int open_four(void **state)
{
    return world_open(state, 4, 2);
}

/* --- Output and input ------------------------------------------------------------------------ */

static void keeps_output_up_to_the_limit(void **state)
{
    struct world *world = *state;
    static const struct {
        size_t written, kept;
        enum status status;
    } cases[] = {{99, 99, STATUS_OK}, {100, 100, STATUS_OK}, {101, 100, STATUS_OUTPUT_LIMIT}};

    for (size_t i = 0; i < COUNT_OF(cases); i++) {
        struct outcome outcome = {0};
        char text[200];
        struct box box;

        memset(text, 'x', sizeof text);
        (void)start(world, plain_job("plain"), &outcome);
        box = lease_box(world);
        assert_int_equal(fd_write_all(box.err, "other", 5), 0);
        assert_int_equal(fd_write_all(box.out, text, cases[i].written), 0);
        if (cases[i].status == STATUS_OK)
            box_exited(world, &box, 0);
        (void)expect_boxd(world, WIRE_USAGE); /* over the limit: at once, with no EXITED */
        send_figures(world, WIRE_USED, box.lease, WIRE_CAUSE_NONE, 0);
        (void)expect_boxd(world, WIRE_RELEASE);
        wait_result(world, &outcome);
        assert_int_equal(outcome.status, cases[i].status);
        assert_int_equal(outcome.len[STAGE_RUN][0], cases[i].kept);
        assert_int_equal(outcome.stages[STAGE_RUN].truncated[0], cases[i].status != STATUS_OK);
        assert_string_equal(outcome.out[STAGE_RUN][1], "other");
        assert_false(outcome.stages[STAGE_RUN].truncated[1]);
        box_close(&box);
    }
}

static void reads_nothing_while_paused(void **state)
{
    struct world *world = *state;
    struct outcome outcome = {0};
    struct job *job = plain_job("plain");
    struct run *run;
    struct box box;

    job->limits[STAGE_RUN].output_bytes = 1000;
    run = start(world, job, &outcome);
    run_pause_output(run, true); /* before there is a pipe */
    box = lease_box(world);
    assert_int_equal(fd_write_all(box.out, "first", 5), 0);
    assert_int_equal(fd_write_all(box.err, "other", 5), 0);
    world_turn(world);
    assert_int_equal(outcome.streamed, 0);
    run_pause_output(run, false);
    world_turn(world);
    assert_int_equal(outcome.streamed, 10);
    run_pause_output(run, true);
    run_pause_output(run, true); /* no more than once */
    closep(&box.err);
    assert_int_equal(fd_write_all(box.out, " second", 7), 0);
    world_turn(world);
    assert_int_equal(outcome.streamed, 10);
    run_pause_output(run, false);
    run_pause_output(run, false);
    world_turn(world);
    assert_int_equal(outcome.streamed, 17);
    box_runs(world, &box, " third", 0);
    wait_result(world, &outcome);
    assert_string_equal(outcome.out[STAGE_RUN][0], "first second third");
    assert_string_equal(outcome.out[STAGE_RUN][1], "other");
}

static void a_full_pipe_stops_who_writes(void **state)
{
    struct world *world = *state;
    struct outcome outcome = {0};
    struct run *run = start(world, plain_job("plain"), &outcome);
    struct box box = lease_box(world);
    char text[4096] = "";
    ssize_t n;

    run_pause_output(run, true);
    assert_int_equal(fd_set_nonblock(box.out, true), 0);
    do {
        n = write(box.out, text, sizeof text);
        world_turn(world);
    } while (n > 0);
    assert_int_equal(errno, EAGAIN);
    assert_int_equal(outcome.streamed, 0);
    expect_silence(world); /* what is not read does not count yet */
    run_pause_output(run, false);
    (void)expect_boxd(world, WIRE_USAGE); /* over the limit */
    send_figures(world, WIRE_USED, box.lease, WIRE_CAUSE_NONE, 0);
    (void)expect_boxd(world, WIRE_RELEASE);
    wait_result(world, &outcome);
    assert_int_equal(outcome.status, STATUS_OUTPUT_LIMIT);
    assert_int_equal(outcome.streamed, 100);
    box_close(&box);
}

static void a_stage_ends_while_paused(void **state)
{
    static const struct {
        size_t written, kept;
        enum status status;
    } cases[] = {{80, 80, STATUS_OK}, {101, 100, STATUS_OUTPUT_LIMIT}};
    struct world *world = *state;

    for (size_t i = 0; i < COUNT_OF(cases); i++) {
        struct outcome outcome = {0};
        struct run *run = start(world, plain_job("built"), &outcome);
        char text[200];
        struct box box;

        memset(text, 'x', sizeof text);
        box = lease_box(world);
        run_pause_output(run, true); /* for both stages */
        box_compiles(world, &box, "a warning", "program", 7);
        assert_int_equal(outcome.streamed, 9); /* the compiler's end brings it */
        box = lease_box(world);
        assert_int_equal(fd_write_all(box.out, text, cases[i].written), 0);
        world_turn(world);
        assert_int_equal(outcome.streamed, 9);
        box_exited(world, &box, 0);
        (void)expect_boxd(world, WIRE_USAGE);
        send_figures(world, WIRE_USED, box.lease, WIRE_CAUSE_NONE, 0);
        (void)expect_boxd(world, WIRE_RELEASE);
        wait_result(world, &outcome);
        assert_int_equal(outcome.status, cases[i].status);
        assert_int_equal(outcome.len[STAGE_RUN][0], cases[i].kept);
        assert_int_equal(outcome.streamed, 9 + cases[i].kept);
        box_close(&box);
    }
}

static void lowers_limits_to_the_maximum(void **state)
{
    struct world *world = *state;
    struct outcome outcome = {0};
    struct job *job = plain_job("plain");
    union wire_msg lease;
    struct run *run;

    job->limits[STAGE_RUN].output_bytes = 1 << 30;
    job->limits[STAGE_RUN].processes = 3;
    run = start(world, job, &outcome);
    lease = expect_boxd(world, WIRE_LEASE);
    assert_int_equal(lease.lease.limits.output_bytes, 1000);
    assert_int_equal(lease.lease.limits.processes, 3);
    assert_int_equal(lease.lease.limits.wall_time_ms, 1000);
    assert_string_equal(lease.lease.language, "plain");
    run_cancel(run);
    wait_result(world, &outcome);
}

static void feeds_stdin_as_it_comes(void **state)
{
    struct world *world = *state;
    struct outcome outcome = {0};
    struct job *job = plain_job("plain");
    struct run *run;
    struct box box;
    char text[32] = "";

    job->stdin_data = strdup("one ");
    job->stdin_len = 4;
    job->stdin_open = true;
    run = start(world, job, &outcome);
    assert_int_equal(run_write_stdin(run, "two ", 4), 0); /* before there is a box */
    assert_int_equal(run_stdin_waiting(run), 8);
    box = lease_box(world);
    assert_int_equal(run_stdin_waiting(run), 0);
    assert_int_equal(outcome.n_rooms, 1);
    assert_int_equal(run_write_stdin(run, "three", 5), 0);
    assert_int_equal(fd_set_nonblock(box.in, true), 0);
    assert_int_equal(read(box.in, text, sizeof text), 13);
    assert_string_equal(text, "one two three");
    assert_true(read(box.in, text, sizeof text) < 0); /* open still */
    run_close_stdin(run);
    assert_int_equal(read(box.in, text, sizeof text), 0);
    box_runs(world, &box, "", 0);
    wait_result(world, &outcome);
    assert_int_equal(outcome.status, STATUS_OK);
}

static void does_not_wait_for_who_does_not_read(void **state)
{
    struct world *world = *state;
    struct outcome outcome = {0};
    struct job *job = plain_job("plain");
    struct run *run;
    struct box box;

    job->stdin_len = 1 << 20; /* more than a pipe holds */
    job->stdin_data = calloc(1, job->stdin_len);
    job->stdin_open = true;
    run = start(world, job, &outcome);
    box = lease_box(world);
    assert_true(run_stdin_waiting(run) > 0);
    closep(&box.in); /* the last reader: EPIPE, and no SIGPIPE */
    world_turn(world);
    assert_int_equal(run_stdin_waiting(run), 0);
    assert_int_equal(outcome.n_rooms, 1);
    assert_int_equal(run_write_stdin(run, "x", 1), 0); /* dropped */
    box_runs(world, &box, "", 0);
    wait_result(world, &outcome);
    assert_int_equal(outcome.status, STATUS_OK);
}

/* --- Admission ------------------------------------------------------------------------------- */

static int try_start(struct world *world, struct job *job, struct err *err)
{
    static const struct run_events events = {0};
    struct run *run;
    int r = engine_start(&run, world->engine, NULL, job, &events, NULL, err);

    if (r != 0)
        job_free(job); /* not taken */
    return r;
}

static void refuses_what_it_cannot_run(void **state)
{
    struct world *world = *state;
    struct job *job = plain_job("plain");
    struct err err = {0};

    assert_int_equal(try_start(world, plain_job("cobol"), &err), ENGINE_E_LANGUAGE);
    assert_string_equal(err.msg, "there is no language \"cobol\"; there are: absent, built, plain");
    assert_int_equal(try_start(world, plain_job("absent"), &err), ENGINE_E_UNAVAILABLE);
    assert_string_equal(err.msg, "absent is missing; install absent");
    job->version = strdup("2");
    assert_int_equal(try_start(world, job, &err), ENGINE_E_VERSION);
    assert_string_equal(err.msg, "plain is there in version 1.2.3, not 2");
    job = plain_job("plain");
    job->limits[STAGE_RUN].memory_bytes = 1;
    assert_true(try_start(world, job, &err) < 0);
    assert_non_null(strstr(err.msg, "limits.run: memory_bytes is 1"));
    assert_int_equal(engine_n_runs(world->engine), 0);
    expect_silence(world);
}

static void is_busy_when_the_queue_is_full(void **state)
{
    struct world *world = *state;
    struct outcome outcomes[3] = {0};
    struct run *runs[3];
    struct err err = {0};

    for (size_t i = 0; i < 3; i++) /* one runs, two wait */
        runs[i] = start(world, plain_job("plain"), &outcomes[i]);
    assert_int_equal(try_start(world, plain_job("plain"), &err), ENGINE_E_BUSY);
    assert_int_equal(engine_n_runs(world->engine), 3);
    run_cancel(runs[2]);
    engine_drain(world->engine);
    assert_int_equal(try_start(world, plain_job("plain"), &err), ENGINE_E_BUSY);
    run_cancel(runs[1]);
    run_cancel(runs[0]);
    for (size_t i = 0; i < 3; i++)
        wait_result(world, &outcomes[i]);
}

static void runs_as_many_as_allowed_in_order(void **state)
{
    struct world *world = *state;
    struct outcome outcomes[6] = {0};
    struct box boxes[6];

    for (size_t i = 0; i < 6; i++)
        (void)start(world, plain_job("plain"), &outcomes[i]);
    for (size_t i = 0; i < 4; i++)
        boxes[i] = lease_box(world);
    expect_silence(world);
    box_runs(world, &boxes[2], "", 2);
    boxes[4] = lease_box(world);
    expect_silence(world);
    box_runs(world, &boxes[0], "", 0);
    boxes[5] = lease_box(world);
    for (size_t i = 0; i < 6; i++) {
        if (i != 0 && i != 2)
            box_runs(world, &boxes[i], "", (int)i);
        wait_result(world, &outcomes[i]);
        assert_int_equal(outcomes[i].stages[STAGE_RUN].exit_code, (int)i);
    }
}

static void cancels_all_when_it_is_freed(void **state)
{
    struct world *world = *state;
    struct outcome outcomes[3] = {0};
    struct box box;

    for (size_t i = 0; i < 3; i++)
        (void)start(world, plain_job("plain"), &outcomes[i]);
    box = lease_box(world);
    engine_free(world->engine);
    world->engine = NULL;
    for (size_t i = 0; i < 3; i++) {
        assert_int_equal(outcomes[i].n_results, 1);
        assert_int_equal(outcomes[i].status, STATUS_CANCELLED);
    }
    box_close(&box);
}

#define ONE(test)  cmocka_unit_test_setup_teardown(test, open_one, world_close)
#define FOUR(test) cmocka_unit_test_setup_teardown(test, open_four, world_close)

int main(void)
{
    const struct CMUnitTest tests[] = {
        ONE(keeps_output_up_to_the_limit),
        ONE(reads_nothing_while_paused),
        ONE(a_full_pipe_stops_who_writes),
        ONE(a_stage_ends_while_paused),
        ONE(lowers_limits_to_the_maximum),
        ONE(feeds_stdin_as_it_comes),
        ONE(does_not_wait_for_who_does_not_read),
        ONE(refuses_what_it_cannot_run),
        ONE(is_busy_when_the_queue_is_full),
        FOUR(runs_as_many_as_allowed_in_order),
        ONE(cancels_all_when_it_is_freed),
    };

    return cmocka_run_group_tests_name("engine_io", tests, NULL, NULL);
}
