/* engine: which jobs are equal, who compiles and who waits, whatever becomes of either. */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/fd.h"
#include "engine_world.h"

enum { CACHE_BYTES = 1 << 20 };

static int open_one(void **state)
{
    return world_open_caching(state, 1, 8, CACHE_BYTES, 100);
}

static int open_four(void **state)
{
    return world_open_caching(state, 4, 3, CACHE_BYTES, 100);
}

static int open_without(void **state)
{
    return world_open(state, 4, 8);
}

static struct job *job_with(const char *input)
{
    struct job *job = plain_job("built");

    job->stdin_data = strdup(input);
    job->stdin_len = strlen(input);
    return job;
}

/* The run stage's box must come next, with this artifact. */
static void runs(struct world *world, struct outcome *outcome, const char *made)
{
    struct box box = lease_box(world);
    char bytes[64] = "";

    assert_int_equal(box.job.flags, 0);
    assert_int_equal(box.job.artifact_bytes, strlen(made));
    assert_int_equal(pread(box.artifact, bytes, sizeof bytes - 1, 0), (ssize_t)strlen(made));
    assert_string_equal(bytes, made);
    box_runs(world, &box, "ran", 0);
    wait_result(world, outcome);
    assert_int_equal(outcome->status, STATUS_OK);
    assert_string_equal(outcome->out[STAGE_RUN][0], "ran");
}

/* The next n boxes are for run stages; all are there before the first of them ends. */
static void run_all(struct world *world, int n)
{
    struct box boxes[4];

    for (int i = 0; i < n; i++) {
        boxes[i] = lease_box(world);
        assert_int_equal(boxes[i].job.flags, 0);
    }
    for (int i = 0; i < n; i++)
        box_runs(world, &boxes[i], "ran", 0);
}

/* Ends the world while some are under way, whose results go to the test's own variables. */
static void end(struct world *world)
{
    engine_free(world->engine);
    world->engine = NULL;
}

static void compiles_and_runs(struct world *world, struct job *job, const char *made)
{
    struct outcome outcome = {0};
    struct box box;

    (void)start(world, job, &outcome);
    box = lease_box(world);
    assert_int_equal(box.job.flags, WIRE_JOB_COLLECT);
    box_compiles(world, &box, "a warning", made, strlen(made));
    runs(world, &outcome, made);
    assert_false(outcome.stages[STAGE_COMPILE].cached);
    assert_int_equal(outcome.stages[STAGE_COMPILE].cpu_us, 1234);
}

static void compiles_once(void **state)
{
    struct world *world = *state;

    compiles_and_runs(world, job_with("1"), "program");
    for (int i = 0; i < 3; i++) {
        struct outcome outcome = {0};
        const struct stage_result *compile = &outcome.stages[STAGE_COMPILE];

        (void)start(world, job_with(i == 0 ? "1" : "2"), &outcome);
        runs(world, &outcome, "program");
        assert_true(compile->ran && compile->cached);
        assert_int_equal(compile->status, STATUS_OK);
        assert_int_equal(compile->exit_code, 0);
        assert_int_equal(compile->wall_us + compile->cpu_us + compile->memory_bytes, 0);
        assert_string_equal(outcome.out[STAGE_COMPILE][1], "a warning");
        assert_int_equal(outcome.streamed, strlen("a warning") + strlen("ran"));
        assert_int_equal(outcome.n_stages, 2);
        assert_int_equal(outcome.begun[0], STAGE_COMPILE);
        assert_int_equal(outcome.begun[1], STAGE_RUN);
        assert_false(outcome.stages[STAGE_RUN].cached);
        assert_int_equal(outcome.stages[STAGE_RUN].cpu_us, 1234);
    }
    expect_silence(world);
}

/* --- What makes a difference, and what does not ---------------------------------------------- */

static void add_file(struct job *job)
{
    assert_int_equal(job_add_file(job, "more.x", "", 0, NULL), 0);
}

static void other_bytes(struct job *job)
{
    job->files[0].data[0] = 'K';
}

static void other_length(struct job *job)
{
    job->files[0].len--;
}

static void other_name(struct job *job)
{
    job->files[0].name[0] = 'n';
}

/* The bytes of both files, one after the other, are those of add_two(). */
static void add_two_cut_elsewhere(struct job *job)
{
    assert_int_equal(job_add_file(job, "a", "b", 1, NULL), 0);
    assert_int_equal(job_add_file(job, "c", "", 0, NULL), 0);
}

static void add_two(struct job *job)
{
    assert_int_equal(job_add_file(job, "a", "", 0, NULL), 0);
    assert_int_equal(job_add_file(job, "bc", "", 0, NULL), 0);
}

static void compile_memory(struct job *job)
{
    job->limits[STAGE_COMPILE].memory_bytes = 32 << 20;
}

static void compile_time(struct job *job)
{
    job->limits[STAGE_COMPILE].wall_time_ms = 500;
}

static void compile_argument(struct job *job) /* this language's compile command has {args} */
{
    assert_int_equal(job_add_arg(job, slice_from("-x"), NULL), 0);
}

static void on_a_terminal(struct job *job)
{
    job->merged = true;
}

static void every_input_counts(void **state)
{
    struct world *world = *state;
    static void (*const changes[])(struct job *) = {
        add_file,     other_bytes,    other_length, other_name, add_two, add_two_cut_elsewhere,
        compile_time, compile_memory, compile_argument,
    };
    char made[16];

    compiles_and_runs(world, plain_job("built"), "0");
    for (size_t i = 0; i < COUNT_OF(changes); i++) {
        struct job *job = plain_job("built");

        changes[i](job);
        (void)snprintf(made, sizeof made, "%zu", i + 1);
        compiles_and_runs(world, job, made); /* a box to compile in comes first */
    }
}

static void a_terminal_counts(void **state)
{
    struct world *world = *state;
    struct outcome outcome = {0};
    struct job *job = plain_job("built");
    struct box box;

    compiles_and_runs(world, plain_job("built"), "0");
    on_a_terminal(job);
    (void)start(world, job, &outcome);
    box = lease_box(world);
    assert_int_equal(box.job.flags, WIRE_JOB_COLLECT | WIRE_JOB_MERGED);
    box_close(&box);
    end(world);
}

static void another_version_counts(void **state)
{
    struct world *world = *state;
    struct language *built = &world->languages.at[1];

    built->version_text = strdup("built 1.2.3 (first build)");
    compiles_and_runs(world, plain_job("built"), "first");
    free(built->version_text);
    built->version_text = strdup("built 1.2.3 (second build)");
    compiles_and_runs(world, plain_job("built"), "second");
}

static void what_only_the_run_sees_does_not_count(void **state)
{
    struct world *world = *state;
    struct outcome outcome = {0};
    struct job *job = job_with("input");

    compiles_and_runs(world, plain_job("built"), "program");
    assert_int_equal(job_add_env(job, slice_from("NAME"), slice_from("value"), NULL), 0);
    job->limits[STAGE_RUN].wall_time_ms = 700;
    (void)start(world, job, &outcome);
    runs(world, &outcome, "program");
    assert_true(outcome.stages[STAGE_COMPILE].cached);
}

static void a_job_can_do_without(void **state)
{
    struct world *world = *state;

    for (int i = 0; i < 2; i++) { /* nothing is kept of the first */
        struct job *job = plain_job("built");

        job->no_cache = true;
        compiles_and_runs(world, job, "alone");
    }
    compiles_and_runs(world, plain_job("built"), "for all");
    {
        struct job *job = plain_job("built");

        job->no_cache = true;
        compiles_and_runs(world, job, "alone"); /* nor is it given anything */
    }
}

static void failures_are_not_kept(void **state)
{
    struct world *world = *state;

    for (int i = 0; i < 2; i++) {
        struct outcome outcome = {0};
        struct box box;

        (void)start(world, plain_job("built"), &outcome);
        box = lease_box(world);
        assert_int_equal(box.job.flags, WIRE_JOB_COLLECT);
        box_runs(world, &box, "no", 1);
        wait_result(world, &outcome);
        assert_int_equal(outcome.status, STATUS_COMPILE_ERROR);
        assert_false(outcome.stages[STAGE_COMPILE].cached);
    }
}

/* --- At the same time ------------------------------------------------------------------------ */

static void equal_ones_wait_for_one(void **state)
{
    struct world *world = *state;
    struct outcome outcomes[3] = {{0}};
    struct box box;

    for (int i = 0; i < 3; i++)
        (void)start(world, plain_job("built"), &outcomes[i]);
    box = lease_box(world);
    expect_silence(world); /* there are places, but nothing to do in them */
    box_compiles(world, &box, "", "program", 7);
    run_all(world, 3);
    for (int i = 0; i < 3; i++) {
        wait_result(world, &outcomes[i]);
        assert_int_equal(outcomes[i].status, STATUS_OK);
        assert_int_equal(outcomes[i].stages[STAGE_COMPILE].cached, i > 0);
    }
}

static void others_pass_those_that_wait(void **state)
{
    struct world *world = *state;
    struct outcome leader = {0}, follower = {0}, other = {0};
    struct box compiling, box;

    (void)start(world, plain_job("built"), &leader);
    compiling = lease_box(world);
    (void)start(world, plain_job("built"), &follower);
    (void)start(world, plain_job("plain"), &other);
    box = lease_box(world);
    box_runs(world, &box, "other", 0);
    wait_result(world, &other);
    box_compiles(world, &compiling, "", "program", 7);
    run_all(world, 2);
    wait_result(world, &leader);
    wait_result(world, &follower);
}

/* The source is at fault, or the compiler: each finds out for itself, and not one after the other. */
static void a_failure_sets_all_free(void **state)
{
    struct world *world = *state;
    struct outcome outcomes[3] = {{0}};
    struct box boxes[2], box;

    for (int i = 0; i < 3; i++)
        (void)start(world, plain_job("built"), &outcomes[i]);
    box = lease_box(world);
    box_runs(world, &box, "no", 1);
    for (int i = 0; i < 2; i++) { /* both before either has ended */
        boxes[i] = lease_box(world);
        assert_int_equal(boxes[i].job.flags, WIRE_JOB_COLLECT);
    }
    for (int i = 0; i < 2; i++)
        box_runs(world, &boxes[i], "no", 1);
    for (int i = 0; i < 3; i++) {
        wait_result(world, &outcomes[i]);
        assert_int_equal(outcomes[i].status, STATUS_COMPILE_ERROR);
    }
}

static void too_big_to_keep_sets_all_free(void **state)
{
    struct world *world = *state;
    struct outcome outcomes[3] = {{0}};
    struct box boxes[3];

    for (int i = 0; i < 3; i++)
        (void)start(world, plain_job("built"), &outcomes[i]);
    boxes[0] = lease_box(world);
    box_compiles(world, &boxes[0], "", "program", CACHE_BYTES);
    boxes[0] = lease_box(world);
    assert_int_equal(boxes[0].job.flags, 0);
    for (int i = 1; i < 3; i++) {
        boxes[i] = lease_box(world);
        assert_int_equal(boxes[i].job.flags, WIRE_JOB_COLLECT);
    }
    for (int i = 0; i < 3; i++)
        box_close(&boxes[i]);
    end(world);
}

static void the_next_one_leads_after_a_cancel(void **state)
{
    struct world *world = *state;
    struct outcome outcomes[3] = {{0}};
    struct run *first;
    struct box box;

    first = start(world, plain_job("built"), &outcomes[0]);
    for (int i = 1; i < 3; i++)
        (void)start(world, plain_job("built"), &outcomes[i]);
    box = lease_box(world);
    run_cancel(first);
    assert_int_equal(expect_boxd(world, WIRE_USAGE).head.id, box.lease);
    send_figures(world, WIRE_USED, box.lease, WIRE_CAUSE_NONE, 0);
    (void)expect_boxd(world, WIRE_RELEASE);
    box_close(&box);
    wait_result(world, &outcomes[0]);
    box = lease_box(world);
    assert_int_equal(box.job.flags, WIRE_JOB_COLLECT);
    expect_silence(world); /* the third waits again */
    box_compiles(world, &box, "", "program", 7);
    run_all(world, 2);
    for (int i = 1; i < 3; i++) {
        wait_result(world, &outcomes[i]);
        assert_int_equal(outcomes[i].status, STATUS_OK);
    }
}

static void cancels_one_that_waits(void **state)
{
    struct world *world = *state;
    struct outcome leader = {0}, follower = {0};
    struct run *waiting;
    struct box box;

    (void)start(world, plain_job("built"), &leader);
    waiting = start(world, plain_job("built"), &follower);
    assert_int_equal(engine_n_runs(world->engine), 2);
    run_cancel(waiting);
    wait_result(world, &follower);
    assert_int_equal(follower.status, STATUS_CANCELLED);
    assert_int_equal(engine_n_runs(world->engine), 1);
    box = lease_box(world);
    box_compiles(world, &box, "", "program", 7);
    runs(world, &leader, "program");
    expect_silence(world);
}

static void who_waits_counts_as_queued(void **state)
{
    struct world *world = *state;
    struct outcome outcomes[6] = {{0}};
    struct box boxes[2];

    for (int i = 0; i < 5; i++) /* one leads, three wait, which is the bound: the fifth compiles too */
        (void)start(world, plain_job("built"), &outcomes[i]);
    for (int i = 0; i < 2; i++) {
        boxes[i] = lease_box(world);
        assert_int_equal(boxes[i].job.flags, WIRE_JOB_COLLECT);
        box_close(&boxes[i]);
    }
    expect_silence(world);
    assert_int_equal(engine_n_runs(world->engine), 5);
    end(world);
}

static void boxd_goes_while_some_wait(void **state)
{
    struct world *world = *state;
    struct outcome outcomes[3] = {{0}};
    struct box box;

    for (int i = 0; i < 3; i++)
        (void)start(world, plain_job("built"), &outcomes[i]);
    box = lease_box(world);
    world_hang_up(world);
    wait_result(world, &outcomes[0]);
    assert_int_equal(outcomes[0].status, STATUS_INTERNAL_ERROR);
    box_close(&box);
    world_accept(world);
    box = lease_box(world); /* the others had not begun: one of them leads now */
    assert_int_equal(box.job.flags, WIRE_JOB_COLLECT);
    expect_silence(world);
    box_compiles(world, &box, "", "program", 7);
    run_all(world, 2);
    for (int i = 1; i < 3; i++) {
        wait_result(world, &outcomes[i]);
        assert_int_equal(outcomes[i].status, STATUS_OK);
    }
}

/* All that are under way get their result, those that wait as well. */
static void ends_with_some_waiting(void **state)
{
    struct world *world = *state;
    struct outcome outcomes[4] = {{0}};
    struct box box;

    for (int i = 0; i < 4; i++)
        (void)start(world, plain_job("built"), &outcomes[i]);
    box = lease_box(world);
    box_close(&box);
    end(world);
    for (int i = 0; i < 4; i++) {
        assert_int_equal(outcomes[i].n_results, 1);
        assert_int_equal(outcomes[i].status, STATUS_CANCELLED);
    }
}

static void without_a_cache_each_compiles(void **state)
{
    struct world *world = *state;
    struct outcome outcomes[2] = {{0}};
    struct box boxes[2];

    for (int i = 0; i < 2; i++)
        (void)start(world, plain_job("built"), &outcomes[i]);
    for (int i = 0; i < 2; i++) {
        boxes[i] = lease_box(world);
        assert_int_equal(boxes[i].job.flags, WIRE_JOB_COLLECT);
    }
    for (int i = 0; i < 2; i++)
        box_close(&boxes[i]);
    end(world);
}

#define ONE(test)  cmocka_unit_test_setup_teardown(test, open_one, world_close)
#define FOUR(test) cmocka_unit_test_setup_teardown(test, open_four, world_close)

int main(void)
{
    const struct CMUnitTest tests[] = {
        ONE(compiles_once),
        ONE(every_input_counts),
        ONE(a_terminal_counts),
        ONE(another_version_counts),
        ONE(what_only_the_run_sees_does_not_count),
        ONE(a_job_can_do_without),
        ONE(failures_are_not_kept),
        FOUR(equal_ones_wait_for_one),
        FOUR(others_pass_those_that_wait),
        FOUR(a_failure_sets_all_free),
        FOUR(too_big_to_keep_sets_all_free),
        FOUR(the_next_one_leads_after_a_cancel),
        FOUR(cancels_one_that_waits),
        FOUR(who_waits_counts_as_queued),
        FOUR(boxd_goes_while_some_wait),
        FOUR(ends_with_some_waiting),
        cmocka_unit_test_setup_teardown(without_a_cache_each_compiles, open_without, world_close),
    };

    return cmocka_run_group_tests_name("engine_reuse", tests, NULL, NULL);
}
