/* engine: two programs that talk to each other: they get places together, begin together, and end each for itself. */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/fd.h"
#include "engine_world.h"

static struct outcome outcomes[2]; /* of the pair under way */

static int open_two(void **state)
{
    memset(outcomes, 0, sizeof outcomes);
    return world_open(state, 2, 8);
}

static int open_one(void **state)
{
    memset(outcomes, 0, sizeof outcomes);
    return world_open(state, 1, 8);
}

static void on_first(void *arg, const struct result *result)
{
    (void)arg;
    outcomes[0].n_results++;
    outcomes[0].status = result->status;
    (void)snprintf(outcomes[0].message, sizeof outcomes[0].message, "%s", result->message);
}

static void on_second(void *arg, const struct result *result)
{
    (void)arg;
    outcomes[1].n_results++;
    outcomes[1].status = result->status;
    (void)snprintf(outcomes[1].message, sizeof outcomes[1].message, "%s", result->message);
}

static int try_pair(struct run *runs[2], struct world *world, struct job *const jobs[2], struct err *err)
{
    static const struct run_events first = {.on_result = on_first}, second = {.on_result = on_second};
    static const struct run_events *const events[] = {&first, &second};

    return engine_start_pair(runs, world->engine, NULL, jobs, events, NULL, err);
}

static void start_pair(struct run *runs[2], struct world *world)
{
    struct job *const jobs[] = {plain_job("plain"), plain_job("plain")};
    struct err err = {0};

    if (try_pair(runs, world, jobs, &err) != 0)
        fail_msg("%s", err.msg);
    assert_int_equal(outcomes[0].n_results + outcomes[1].n_results, 0);
}

static void both_end(struct world *world, enum status first, enum status second)
{
    wait_result(world, &outcomes[0]);
    wait_result(world, &outcomes[1]);
    assert_int_equal(outcomes[0].status, first);
    assert_int_equal(outcomes[1].status, second);
}

static void begin_pair(struct world *world, struct box boxes[2])
{
    boxes[0] = grant_box(world);
    assert_false(box_has_job(&boxes[0])); /* its clock would run, and nobody would answer it */
    boxes[1] = grant_box(world);
    assert_true(box_has_job(&boxes[0]));
    assert_true(box_has_job(&boxes[1]));
}

static void ends(struct world *world, struct box *box, int code)
{
    box_exited(world, box, code);
    assert_int_equal(expect_boxd(world, WIRE_USAGE).head.id, box->lease);
    send_figures(world, WIRE_USED, box->lease, WIRE_CAUSE_NONE, 0);
    assert_int_equal(expect_boxd(world, WIRE_RELEASE).head.id, box->lease);
    box_close(box);
}

static void they_begin_together_and_hear_each_other(void **state)
{
    struct world *world = *state;
    struct run *runs[2];
    struct box boxes[2];
    char text[8] = "";
    struct stat st;

    start_pair(runs, world);
    begin_pair(world, boxes);
    for (int i = 0; i < 2; i++) {
        assert_int_equal(write(boxes[i].out, "hello", 5), 5);
        assert_int_equal(read(boxes[1 - i].in, text, sizeof text), 5);
        assert_int_equal(fstat(boxes[i].in, &st), 0);
        assert_int_equal(st.st_mode & 0777, 0666);
    }
    closep(&boxes[0].in);
    closep(&boxes[0].out);
    world_turn(world);
    assert_int_equal(fd_set_nonblock(boxes[1].in, true), 0);
    assert_int_equal(read(boxes[1].in, text, sizeof text), -1); /* not before the engine has heard of it: so whoever */
    assert_int_equal(errno, EAGAIN);                            /* reacts to the other one's end has ended after it */
    ends(world, &boxes[0], 3);
    wait_result(world, &outcomes[0]);
    assert_int_equal(read(boxes[1].in, text, sizeof text), 0); /* nobody else holds an end: not we either */
    assert_int_equal(write(boxes[1].out, "x", 1), 1); /* the second of a pair may say a last word */
    assert_int_equal(outcomes[1].n_results, 0);
    ends(world, &boxes[1], 0);
    both_end(world, STATUS_RUNTIME_ERROR, STATUS_OK);
}

static void the_first_one_hears_that_the_second_is_gone(void **state)
{
    struct world *world = *state;
    struct run *runs[2];
    struct box boxes[2];
    char text[8];

    start_pair(runs, world);
    begin_pair(world, boxes);
    closep(&boxes[1].in);
    closep(&boxes[1].out);
    ends(world, &boxes[1], 0);
    wait_result(world, &outcomes[1]);
    assert_int_equal(read(boxes[0].in, text, sizeof text), 0);
    assert_int_equal(write(boxes[0].out, "x", 1), -1);
    assert_int_equal(errno, EPIPE);
    ends(world, &boxes[0], 0);
    both_end(world, STATUS_OK, STATUS_OK);
}

static void a_pair_waits_for_two_places(void **state)
{
    struct world *world = *state;
    struct outcome before = {0}, after = {0};
    struct run *runs[2];
    struct box box, boxes[2], last;

    (void)start(world, plain_job("plain"), &before);
    start_pair(runs, world);
    (void)start(world, plain_job("plain"), &after);
    box = lease_box(world);
    expect_silence(world); /* one place is free, and kept */
    box_runs(world, &box, "", 0);
    begin_pair(world, boxes);
    expect_silence(world);
    ends(world, &boxes[1], 0);
    last = lease_box(world);
    box_runs(world, &last, "", 0);
    ends(world, &boxes[0], 0);
    both_end(world, STATUS_OK, STATUS_OK);
    wait_result(world, &after);
}

static void without_one_box_neither_begins(void **state)
{
    struct world *world = *state;
    struct run *runs[2];
    struct box box;
    struct wire_failed refused;
    struct err err = {0};

    start_pair(runs, world);
    box = grant_box(world);
    assert_false(box_has_job(&box));
    (void)err_set(&err, -EMFILE, "no more boxes");
    refused = wire_failed(WIRE_REFUSED, expect_boxd(world, WIRE_LEASE).head.id, &err);
    send_boxd(world, &refused, -1);
    assert_int_equal(expect_boxd(world, WIRE_USAGE).head.id, box.lease);
    send_figures(world, WIRE_USED, box.lease, WIRE_CAUSE_NONE, 0);
    assert_int_equal(expect_boxd(world, WIRE_RELEASE).head.id, box.lease);
    both_end(world, STATUS_INTERNAL_ERROR, STATUS_INTERNAL_ERROR);
    assert_non_null(strstr(outcomes[0].message, "no more boxes"));
    box_close(&box);
}

static void cancelled_while_it_waits(void **state)
{
    for (int which = 0; which < 2; which++) {
        struct world *world = *state;
        struct outcome before = {0};
        struct run *runs[2];
        struct box box;

        memset(outcomes, 0, sizeof outcomes);
        (void)start(world, plain_job("plain"), &before);
        box = lease_box(world);
        start_pair(runs, world);
        run_cancel(runs[which]);
        both_end(world, STATUS_CANCELLED, STATUS_CANCELLED);
        box_runs(world, &box, "", 0);
        wait_result(world, &before);
        expect_silence(world);
        assert_int_equal(engine_n_runs(world->engine), 0);
    }
}

static void cancelled_while_boxes_are_looked_for(void **state)
{
    for (int which = 0; which < 2; which++) {
        struct world *world = *state;
        struct run *runs[2];

        memset(outcomes, 0, sizeof outcomes);
        start_pair(runs, world);
        run_cancel(runs[which]);
        both_end(world, STATUS_CANCELLED, STATUS_CANCELLED);
        for (int i = 0; i < 2; i++)
            (void)expect_boxd(world, WIRE_LEASE);
        for (int i = 0; i < 2; i++)
            (void)expect_boxd(world, WIRE_RELEASE);
        assert_int_equal(engine_n_runs(world->engine), 0);
    }
}

static void once_begun_each_ends_for_itself(void **state)
{
    struct world *world = *state;
    struct run *runs[2];
    struct box boxes[2];

    start_pair(runs, world);
    begin_pair(world, boxes);
    run_cancel(runs[0]);
    assert_int_equal(expect_boxd(world, WIRE_USAGE).head.id, boxes[0].lease);
    send_figures(world, WIRE_USED, boxes[0].lease, WIRE_CAUSE_NONE, 0);
    assert_int_equal(expect_boxd(world, WIRE_RELEASE).head.id, boxes[0].lease);
    wait_result(world, &outcomes[0]);
    assert_int_equal(outcomes[1].n_results, 0);
    box_close(&boxes[0]);
    ends(world, &boxes[1], 0);
    both_end(world, STATUS_CANCELLED, STATUS_OK);
}

static void boxd_goes_while_boxes_are_looked_for(void **state)
{
    struct world *world = *state;
    struct run *runs[2];
    struct box box;

    start_pair(runs, world);
    box = grant_box(world);
    world_hang_up(world);
    both_end(world, STATUS_INTERNAL_ERROR, STATUS_INTERNAL_ERROR);
    assert_int_equal(engine_n_runs(world->engine), 0);
    box_close(&box);
}

static void the_engine_ends_with_pairs(void **state)
{
    struct world *world = *state;
    struct run *runs[2], *more[2];

    start_pair(runs, world);
    start_pair(more, world);
    engine_free(world->engine);
    world->engine = NULL;
    assert_int_equal(outcomes[0].n_results, 2);
    assert_int_equal(outcomes[1].n_results, 2);
    assert_int_equal(outcomes[0].status, STATUS_CANCELLED);
}

static void what_makes_no_pair_is_refused(void **state)
{
    struct world *world = *state;
    struct job *plain = plain_job("plain"), *built = plain_job("built"), *fed = plain_job("plain");
    struct job *const pairs[][2] = {{plain, built}, {built, plain}, {plain, fed}};
    struct run *runs[2];
    struct err err = {0};

    fed->stdin_data = strdup("x");
    fed->stdin_len = 1;
    for (size_t i = 0; i < COUNT_OF(pairs); i++)
        assert_int_equal(try_pair(runs, world, pairs[i], &err), -EINVAL);
    assert_int_equal(engine_n_runs(world->engine), 0);
    job_free(plain);
    job_free(built);
    job_free(fed);
}

static void one_place_is_too_few(void **state)
{
    struct world *world = *state;
    struct job *const jobs[] = {plain_job("plain"), plain_job("plain")};
    struct run *runs[2];
    struct err err = {0};

    assert_int_equal(try_pair(runs, world, jobs, &err), -EINVAL);
    assert_non_null(strstr(err.msg, "max_running"));
    job_free(jobs[0]);
    job_free(jobs[1]);
}

#define TWO(test) cmocka_unit_test_setup_teardown(test, open_two, world_close)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TWO(they_begin_together_and_hear_each_other),
        TWO(the_first_one_hears_that_the_second_is_gone),
        TWO(a_pair_waits_for_two_places),
        TWO(without_one_box_neither_begins),
        TWO(cancelled_while_it_waits),
        TWO(cancelled_while_boxes_are_looked_for),
        TWO(once_begun_each_ends_for_itself),
        TWO(boxd_goes_while_boxes_are_looked_for),
        TWO(the_engine_ends_with_pairs),
        TWO(what_makes_no_pair_is_refused),
        cmocka_unit_test_setup_teardown(one_place_is_too_few, open_one, world_close),
    };

    return cmocka_run_group_tests_name("engine_pair", tests, NULL, NULL);
}
