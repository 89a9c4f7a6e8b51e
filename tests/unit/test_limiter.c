/* limiter: an hour slides, a table is full, and nobody gets by. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>

#include <cmocka.h>

#include "api/limiter.h"

enum { N_MAX = 50, START_S = 1000000 };

static int set_up(void **state)
{
    return limiter_new((struct limiter **)state, N_MAX, NULL);
}

static int tear_down(void **state)
{
    limiter_free(*state);
    return 0;
}

static bool one(struct limiter *limiter, const char *name, uint32_t limit, uint64_t now_s)
{
    struct limiter_state state;

    return limiter_count(&state, limiter, name, "all", limit, 1, now_s);
}

static void says_what_is_left_and_when_there_is_more(void **state)
{
    struct limiter_state got;
    const uint64_t now_s = START_S - START_S % LIMITER_SLOT_S;

    assert_true(limiter_count(&got, *state, "a", "", 3, 1, now_s + 10));
    assert_int_equal(got.left, 2);
    assert_int_equal(got.more_s, LIMITER_WINDOW_S + LIMITER_SLOT_S - 10);
    assert_true(limiter_count(&got, *state, "a", "", 3, 2, now_s + 100));
    assert_int_equal(got.left, 0);
    assert_false(limiter_count(&got, *state, "a", "", 3, 1, now_s + 200));
    assert_int_equal(got.left, 0);
    assert_int_equal(got.more_s, LIMITER_WINDOW_S + LIMITER_SLOT_S - 200);
    assert_false(limiter_count(&got, *state, "a", "", 3, 1, now_s + 200 + got.more_s - 1));
    assert_true(limiter_count(&got, *state, "a", "", 3, 1, now_s + 200 + LIMITER_WINDOW_S + LIMITER_SLOT_S - 200));
    assert_int_equal(got.left, 0);
    assert_int_equal(got.more_s, LIMITER_SLOT_S); /* the two of the next slot */
    assert_true(limiter_count(&got, *state, "b", "", 3, 1, now_s + 9999)); /* nobody else's */
    assert_false(limiter_count(&got, *state, "c", "", 3, 4, now_s + 9999)); /* all or none */
    assert_int_equal(got.left, 3);
    assert_true(limiter_count(&got, *state, "c", "", 3, 3, now_s + 9999));
}

/* Whatever the times: in no hour are there more than the limit. And who waits as told comes in. */
static void no_hour_has_more(void **state)
{
    enum { LIMIT = 20, N = 5000 };
    static uint64_t times[N];
    uint64_t now_s = START_S;
    uint32_t random = 7;
    size_t n = 0;

    for (unsigned i = 0; i < N; i++) {
        struct limiter_state got;

        random = random * 1664525 + 1013904223;
        if (limiter_count(&got, *state, "a", "", LIMIT, 1, now_s))
            times[n++] = now_s;
        else if ((random >> 16) % 4 == 0) {
            now_s += got.more_s;
            assert_true(limiter_count(&got, *state, "a", "", LIMIT, 1, now_s));
            times[n++] = now_s;
        }
        now_s += (random >> 8) % ((random >> 20) % 50 == 0 ? 5000 : 60);
    }
    assert_true(n > 500 && n < N);
    for (size_t i = LIMIT; i < n; i++)
        assert_true(times[i] - times[i - LIMIT] >= LIMITER_WINDOW_S);
}

/* More addresses than there is room for: those that were counted stay so, and the others count together. */
static void a_flood_of_names_neither_grows_nor_pushes_out(void **state)
{
    struct limiter *limiter = *state;
    unsigned n_passed = 0;

    for (int i = 0; i < 5; i++)
        assert_true(one(limiter, "steady", 5, START_S));
    assert_false(one(limiter, "steady", 5, START_S));
    for (unsigned i = 0; i < 100000; i++) {
        char name[32];

        (void)snprintf(name, sizeof name, "addr:%u", i);
        n_passed += one(limiter, name, 5, START_S + i / 100);
    }
    assert_int_equal(limiter_n_callers(limiter), N_MAX);
    assert_int_equal(n_passed, N_MAX - 1 + 5);
    assert_false(one(limiter, "steady", 5, START_S + 1000)); /* it is still known */
    assert_false(one(limiter, "new", 5, START_S + 1000));
    /* An hour later those that are silent give way; who goes on asking does not. */
    assert_true(one(limiter, "new", 5, START_S + 2 * LIMITER_WINDOW_S + 2 * LIMITER_SLOT_S));
    assert_int_equal(limiter_n_callers(limiter), N_MAX);
}

static void a_limit_can_change(void **state)
{
    struct limiter_state got;

    for (int i = 0; i < 10; i++)
        assert_true(one(*state, "a", 10, START_S));
    assert_false(limiter_count(&got, *state, "a", "", 4, 1, START_S)); /* now it is less */
    assert_int_equal(got.left, 0);
    assert_true(limiter_count(&got, *state, "a", "", UINT32_MAX, 1, START_S));
    assert_int_equal(got.left, UINT32_MAX - 11);
}

int main(void)
{
#define FRESH(test) cmocka_unit_test_setup_teardown(test, set_up, tear_down)
    const struct CMUnitTest tests[] = {
        FRESH(says_what_is_left_and_when_there_is_more),
        FRESH(no_hour_has_more),
        FRESH(a_flood_of_names_neither_grows_nor_pushes_out),
        FRESH(a_limit_can_change),
    };

    return cmocka_run_group_tests_name("limiter", tests, NULL, NULL);
}
