/* engine: jobs that end with their compile stage, and jobs that begin with what another one compiled. */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/fd.h"
#include "engine_world.h"

static int open_caching(void **state)
{
    return world_open_caching(state, 2, 8, 1 << 20, 100);
}

static int open_without(void **state)
{
    return world_open(state, 2, 8);
}

static struct job *compile_only(void)
{
    struct job *job = plain_job("built");

    job->compile_only = true;
    return job;
}

static struct job *with_compiled(const char *language, const struct compiled *compiled)
{
    struct job *job = plain_job(language);

    job->compiled = compiled;
    return job;
}

static void compiles(struct world *world, struct outcome *outcome, const char *made)
{
    struct box box;

    (void)start(world, compile_only(), outcome);
    box = lease_box(world);
    assert_int_equal(box.job.flags, WIRE_JOB_COLLECT);
    box_compiles(world, &box, "a warning", made, strlen(made));
    wait_result(world, outcome);
    assert_int_equal(outcome->status, STATUS_OK);
}

/* A run stage must come next, with this artifact, and end the job. */
static void runs(struct world *world, struct outcome *outcome, const char *made)
{
    struct box box = lease_box(world);
    char bytes[64] = "";

    assert_int_equal(box.job.flags, 0);
    assert_int_equal(box.job.artifact_bytes, strlen(made));
    if (*made != '\0')
        assert_int_equal(pread(box.artifact, bytes, sizeof bytes - 1, 0), (ssize_t)strlen(made));
    assert_string_equal(bytes, made);
    box_runs(world, &box, "ran", 0);
    wait_result(world, outcome);
    assert_int_equal(outcome->status, STATUS_OK);
}

static void one_compiles_for_many(void **state)
{
    struct world *world = *state;
    struct outcome first = {0};

    compiles(world, &first, "program");
    expect_silence(world); /* no run stage */
    assert_true(first.stages[STAGE_COMPILE].ran);
    assert_false(first.stages[STAGE_RUN].ran);
    assert_string_equal(first.out[STAGE_COMPILE][1], "a warning");
    assert_int_equal(first.compiled.bytes, strlen("program"));
    for (int i = 0; i < 3; i++) {
        struct outcome outcome = {0};

        (void)start(world, with_compiled("built", &first.compiled), &outcome);
        runs(world, &outcome, "program");
        assert_false(outcome.stages[STAGE_COMPILE].ran);
        assert_int_equal(outcome.compiled.bytes, 0);
    }
    closep(&first.compiled.fd);
}

static void what_is_kept_needs_no_box(void **state)
{
    struct world *world = *state;
    struct outcome first = {0}, second = {0};

    compiles(world, &first, "program");
    (void)start(world, compile_only(), &second);
    wait_result(world, &second);
    expect_silence(world);
    assert_int_equal(second.status, STATUS_OK);
    assert_true(second.stages[STAGE_COMPILE].cached);
    assert_string_equal(second.out[STAGE_COMPILE][1], "a warning");
    assert_int_equal(second.compiled.bytes, strlen("program"));
    closep(&first.compiled.fd);
    closep(&second.compiled.fd);
}

static void equal_ones_follow(void **state)
{
    struct world *world = *state;
    struct outcome outcomes[2] = {0};
    struct box box;

    for (size_t i = 0; i < 2; i++)
        (void)start(world, compile_only(), &outcomes[i]);
    box = lease_box(world);
    expect_silence(world);
    box_compiles(world, &box, "", "program", strlen("program"));
    for (size_t i = 0; i < 2; i++) {
        wait_result(world, &outcomes[i]);
        assert_int_equal(outcomes[i].compiled.bytes, strlen("program"));
        closep(&outcomes[i].compiled.fd);
    }
}

static void a_failure_hands_nothing_over(void **state)
{
    struct world *world = *state;
    struct outcome outcome = {0};
    struct box box;

    (void)start(world, compile_only(), &outcome);
    box = lease_box(world);
    box_runs(world, &box, "", 1);
    wait_result(world, &outcome);
    assert_int_equal(outcome.status, STATUS_COMPILE_ERROR);
    assert_int_equal(outcome.compiled.bytes, 0);
    assert_int_equal(outcome.compiled.fd, -1);
}

static void a_program_may_be_nothing(void **state)
{
    static const struct compiled nothing = {.fd = -1};
    struct world *world = *state;
    struct outcome outcome = {0};

    (void)start(world, with_compiled("built", &nothing), &outcome);
    runs(world, &outcome, "");
}

static void what_is_not_compiled_is_refused(void **state)
{
    static const struct run_events events = {0};
    struct world *world = *state;
    struct job *job = compile_only();
    struct run *run = NULL;
    struct err err = {0};

    (void)snprintf(job->language, strlen("built") + 1, "plain");
    assert_int_equal(engine_start(&run, world->engine, NULL, job, &events, NULL, &err), -EINVAL);
    assert_null(run);
    assert_non_null(strstr(err.msg, "not compiled"));
    job_free(job);
}

static void a_closed_descriptor_is_an_error(void **state)
{
    static const struct compiled closed = {.fd = 1000000, .bytes = 7};
    static const struct run_events events = {0};
    struct world *world = *state;
    struct job *job = with_compiled("built", &closed);
    struct run *run = NULL;
    struct err err = {0};

    assert_int_equal(engine_start(&run, world->engine, NULL, job, &events, NULL, &err), -EBADF);
    assert_int_equal(engine_n_runs(world->engine), 0);
    job_free(job);
}

#define CACHING(test) cmocka_unit_test_setup_teardown(test, open_caching, world_close)
#define WITHOUT(test) cmocka_unit_test_setup_teardown(test, open_without, world_close)

int main(void)
{
    const struct CMUnitTest tests[] = {
        CACHING(one_compiles_for_many),
        WITHOUT(one_compiles_for_many),
        CACHING(what_is_kept_needs_no_box),
        CACHING(equal_ones_follow),
        CACHING(a_failure_hands_nothing_over),
        WITHOUT(a_failure_hands_nothing_over),
        CACHING(a_program_may_be_nothing),
        WITHOUT(what_is_not_compiled_is_refused),
        WITHOUT(a_closed_descriptor_is_an_error),
    };

    return cmocka_run_group_tests_name("engine_compiled", tests, NULL, NULL);
}
