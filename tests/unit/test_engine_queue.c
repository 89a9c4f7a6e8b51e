/* engine: several callers, one queue. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>

#include <cmocka.h>

#include "engine_world.h"

static const struct engine_caller a = {.name = "addr:a", .weight = 1}, b = {.name = "addr:b", .weight = 1},
                                  c = {.name = "addr:c", .weight = 1}, d = {.name = "addr:d", .weight = 1},
                                  one_place = {.name = "addr:one", .weight = 1, .max_running = 1},
                                  one_waits = {.name = "addr:waits", .weight = 1, .max_queued = 1};

static int open_one(void **state)
{
    return world_open(state, 1, 8);
}

static int open_two(void **state)
{
    return world_open_caching(state, 2, 8, 1 << 20, 4);
}

/* 0 or ENGINE_E_*; the job is gone in any case. */
static int try_start(struct world *world, const struct engine_caller *caller, struct outcome *outcome, char *says)
{
    static const struct run_events events = {.on_result = NULL};
    struct job *job = plain_job("plain");
    struct run *run = NULL;
    struct err err = {0};
    int r;

    if (outcome != NULL) {
        (void)start_as(world, caller, job, outcome);
        return 0;
    }
    r = engine_start(&run, world->engine, caller, job, &events, NULL, &err);
    assert_true(r > 0);
    assert_null(run);
    job_free(job);
    (void)snprintf(says, sizeof err.msg, "%s", err.msg);
    return r;
}

static void run_next(struct world *world, struct outcome *whose)
{
    struct box box = lease_box(world);

    box_runs(world, &box, "", 0);
    wait_result(world, whose);
    assert_int_equal(whose->status, STATUS_OK);
}

static void a_caller_is_not_behind_anothers_queue(void **state)
{
    struct world *world = *state;
    struct outcome as[4] = {0}, bs[2] = {0}, cs[1] = {0};
    struct run *runs[3];
    struct engine_figures figures;

    for (size_t i = 0; i < COUNT_OF(as); i++)
        runs[i % 3] = start_as(world, &a, plain_job("plain"), &as[i]); /* the first has the place */
    runs[1] = start_as(world, &b, plain_job("plain"), &bs[0]);
    (void)start_as(world, &b, plain_job("plain"), &bs[1]);
    runs[2] = start_as(world, &c, plain_job("plain"), &cs[0]);
    assert_int_equal(run_queue_position(runs[1]), 1);
    assert_in_range(run_queue_position(runs[2]), 1, 2);
    assert_true(run_queue_position(runs[0]) > 3); /* a's last */
    assert_in_range(run_queue_age_us(runs[0]), 1, 10000000);
    engine_read_figures(&figures, world->engine);
    assert_int_equal(figures.n_queued, 6);
    assert_int_equal(figures.n_callers, 3);
    run_next(world, &as[0]);
    run_next(world, &bs[0]);
    run_next(world, &cs[0]);
    assert_int_equal(bs[1].n_results + as[1].n_results, 0);
    for (int i = 0; i < 4; i++) {
        struct box box = lease_box(world);

        box_runs(world, &box, "", 0);
        world_turn(world);
    }
    for (size_t i = 0; i < COUNT_OF(as); i++)
        wait_result(world, &as[i]);
    wait_result(world, &bs[1]);
    expect_silence(world);
}

static void a_full_queue_has_room_for_one_more_caller(void **state)
{
    struct world *world = *state;
    static struct outcome as[6], bs[2], cs; /* some end with the world */
    char says[200];

    for (size_t i = 0; i < COUNT_OF(as); i++)
        assert_int_equal(try_start(world, &a, &as[i], NULL), 0); /* one runs, five of eight wait */
    assert_int_equal(try_start(world, &a, NULL, says), ENGINE_E_SHARE);
    assert_non_null(strstr(says, "5 of your runs are waiting"));
    for (size_t i = 0; i < COUNT_OF(bs); i++)
        assert_int_equal(try_start(world, &b, &bs[i], NULL), 0);
    assert_int_equal(try_start(world, &b, NULL, says), ENGINE_E_SHARE);
    assert_int_equal(try_start(world, &c, &cs, NULL), 0);
    assert_int_equal(try_start(world, &d, NULL, says), ENGINE_E_BUSY);
    assert_non_null(strstr(says, "8 runs are waiting"));
    run_next(world, &as[0]);
    (void)expect_boxd(world, WIRE_LEASE); /* b's or c's: a has no more room than before */
    assert_int_equal(try_start(world, &a, NULL, says), ENGINE_E_SHARE);
}

static void a_caller_may_have_bounds_of_its_own(void **state)
{
    struct world *world = *state;
    static struct outcome ones[3], waits[2], bs; /* some end with the world */
    struct box first, second;
    struct run *run;
    char says[200];

    (void)start_as(world, &one_place, plain_job("plain"), &ones[0]);
    first = lease_box(world);
    run = start_as(world, &one_place, plain_job("plain"), &ones[1]);
    expect_silence(world); /* though there is a place */
    assert_int_equal(run_queue_position(run), 1);
    (void)start_as(world, &b, plain_job("plain"), &bs);
    second = lease_box(world);
    box_runs(world, &second, "", 0);
    wait_result(world, &bs);
    expect_silence(world);
    box_runs(world, &first, "", 0);
    wait_result(world, &ones[0]);
    run_next(world, &ones[1]);

    (void)start_as(world, &b, plain_job("plain"), &ones[2]);
    bs = (struct outcome){0};
    (void)start_as(world, &b, plain_job("plain"), &bs);
    assert_int_equal(try_start(world, &one_waits, &waits[0], NULL), 0);
    assert_int_equal(try_start(world, &one_waits, NULL, says), ENGINE_E_SHARE);
}

/* Equal jobs of two callers: one compiles, and the other keeps its turn. */
static void followers_stay_their_callers(void **state)
{
    struct world *world = *state;
    struct outcome as[2] = {0}, bs = {0};
    struct engine_figures figures;
    struct box box, boxes[2];
    struct run *run;

    (void)start_as(world, &a, plain_job("built"), &as[0]);
    run = start_as(world, &b, plain_job("built"), &bs);
    assert_int_equal(run_queue_position(run), 1);
    engine_read_figures(&figures, world->engine);
    assert_int_equal(figures.n_queued, 1);
    assert_int_equal(figures.n_callers, 0); /* nobody waits for a place */
    box = lease_box(world);
    box_compiles(world, &box, "", "program", 7);
    for (int i = 0; i < 2; i++) {
        boxes[i] = lease_box(world);
        assert_int_equal(boxes[i].job.artifact_bytes, 7);
    }
    for (int i = 0; i < 2; i++)
        box_runs(world, &boxes[i], "", 0);
    wait_result(world, &as[0]);
    wait_result(world, &bs);
    run = start_as(world, &b, plain_job("plain"), &as[1]);
    run_cancel(run);
    wait_result(world, &as[1]);
    assert_int_equal(as[1].status, STATUS_CANCELLED);
}

/* boxd is gone with the leases: those that had not begun come first again, each in its caller's queue. */
static void a_lost_lease_is_asked_for_again(void **state)
{
    struct world *world = *state;
    struct outcome as[2] = {0}, bs = {0};

    (void)start_as(world, &a, plain_job("plain"), &as[0]);
    (void)start_as(world, &a, plain_job("plain"), &as[1]);
    (void)start_as(world, &b, plain_job("plain"), &bs);
    (void)expect_boxd(world, WIRE_LEASE);
    world_hang_up(world);
    world_accept(world);
    run_next(world, &bs); /* a has had the place already */
    run_next(world, &as[0]);
    run_next(world, &as[1]);
}

int main(void)
{
#define ONE(test) cmocka_unit_test_setup_teardown(test, open_one, world_close)
#define TWO(test) cmocka_unit_test_setup_teardown(test, open_two, world_close)
    const struct CMUnitTest tests[] = {
        ONE(a_caller_is_not_behind_anothers_queue),
        ONE(a_full_queue_has_room_for_one_more_caller),
        TWO(a_caller_may_have_bounds_of_its_own),
        TWO(followers_stay_their_callers),
        ONE(a_lost_lease_is_asked_for_again),
    };

    return cmocka_run_group_tests_name("engine_queue", tests, NULL, NULL);
}
