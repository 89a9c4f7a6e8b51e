/* fair: whose turn it is. Time is told, so that the order is the same each time. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>

#include <cmocka.h>

#include "engine/fair.h"

enum { MS = 1000, PLACES_MAX = 8 };

/* A machine with so many places; each flow's jobs take as long as it says. */
struct world {
    struct fair fair;
    unsigned n_places, n_running;
    uint64_t now_us;
    struct place {
        struct flow *flow; /* NULL: free */
        uint64_t since_us, until_us;
    } places[PLACES_MAX];
};

struct client {
    struct flow *flow;
    uint64_t job_us;
    unsigned n_begun, n_ended;
    uint64_t used_us;
};

static struct client client(struct world *world, const char *name, uint32_t weight, uint64_t job_us)
{
    const struct fair_caller caller = {name, weight, UINT32_MAX, UINT32_MAX};

    return (struct client){.flow = fair_join(&world->fair, &caller), .job_us = job_us};
}

static void ask(struct world *world, struct client *client, unsigned n)
{
    for (unsigned i = 0; i < n; i++)
        fair_add(&world->fair, client->flow);
}

static struct client *owner(struct client *clients, size_t n, const struct flow *flow)
{
    for (size_t i = 0; i < n; i++)
        if (clients[i].flow == flow)
            return &clients[i];
    fail_msg("nobody has that flow");
    return NULL;
}

static void fill(struct world *world, struct client *clients, size_t n)
{
    for (unsigned i = 0; i < world->n_places; i++) {
        struct place *place = &world->places[i];
        struct flow *flow = place->flow != NULL ? NULL : fair_next(&world->fair, world->now_us);

        if (flow == NULL)
            continue;
        fair_remove(&world->fair, flow);
        fair_begin(&world->fair, flow, world->now_us);
        owner(clients, n, flow)->n_begun++;
        *place = (struct place){flow, world->now_us, world->now_us + owner(clients, n, flow)->job_us};
    }
}

/* Until the next job ends. */
static bool step(struct world *world, struct client *clients, size_t n)
{
    struct place *first = NULL;
    struct client *who;

    fill(world, clients, n);
    for (unsigned i = 0; i < world->n_places; i++)
        if (world->places[i].flow != NULL && (first == NULL || world->places[i].until_us < first->until_us))
            first = &world->places[i];
    if (first == NULL)
        return false;
    world->now_us = first->until_us;
    who = owner(clients, n, first->flow);
    who->n_ended++;
    who->used_us += world->now_us - first->since_us;
    fair_end(&world->fair, first->flow, world->now_us, world->now_us - first->since_us);
    first->flow = NULL;
    return true;
}

static void leave(struct world *world, struct client *clients, size_t n)
{
    while (step(world, clients, n))
        ;
    for (size_t i = 0; i < n; i++)
        fair_leave(&world->fair, clients[i].flow);
    assert_int_equal(world->fair.n_heap, 0);
    fair_done(&world->fair);
}

static struct world open_world(unsigned n_places)
{
    struct world world = {.n_places = n_places, .now_us = 5};

    return world;
}

static void one_caller_is_first_come_first_served(void **state)
{
    struct world world = open_world(1);
    struct client clients[1];

    (void)state;
    fair_init(&world.fair);
    clients[0] = client(&world, "a", 1, 10 * MS);
    ask(&world, &clients[0], 5);
    for (size_t i = 0; i < 5; i++)
        assert_int_equal(fair_ahead(&world.fair, clients[0].flow, i), i);
    leave(&world, clients, 1);
    assert_int_equal(clients[0].n_ended, 5);
}

/* 10,000 jobs are there; another's one waits for the job that is running, and no more. */
static void a_flood_delays_nobody(void **state)
{
    struct world world = open_world(1);
    struct client clients[2];

    (void)state;
    fair_init(&world.fair);
    clients[0] = client(&world, "flood", 1, 100 * MS);
    clients[1] = client(&world, "light", 1, 20 * MS);
    ask(&world, &clients[0], 10000);
    for (unsigned round = 1; round <= 50; round++) {
        const unsigned before = clients[0].n_begun;

        for (int i = 0; i < 3; i++) /* it thinks for a while */
            assert_true(step(&world, clients, 2));
        fill(&world, clients, 2); /* one of the flood has the place */
        ask(&world, &clients[1], 1);
        assert_int_equal(fair_ahead(&world.fair, clients[1].flow, 0), 0);
        while (clients[1].n_begun < round)
            assert_true(step(&world, clients, 2)), fill(&world, clients, 2);
        assert_true(clients[0].n_begun - before <= 5);
        assert_true(step(&world, clients, 2));
    }
    leave(&world, clients, 2);
    assert_int_equal(clients[0].n_ended, 10000);
}

/* Place time counts, not jobs: long jobs get no more than short ones. */
static void shares_are_by_time_and_weight(void **state)
{
    static const struct {
        uint32_t weight[3];
        uint64_t job_ms[3];
    } rows[] = {
        {{1, 1, 1}, {10, 100, 1000}},
        {{1, 2, 4}, {50, 50, 50}},
        {{3, 1, 1}, {500, 20, 20}},
        {{1000, 1, 1}, {10, 10, 10}},
    };

    (void)state;
    for (size_t row = 0; row < COUNT_OF(rows); row++) {
        struct world world = open_world(4);
        struct client clients[3];
        uint64_t used_us = 0, weights = 0;

        fair_init(&world.fair);
        for (size_t i = 0; i < 3; i++) {
            char name[8];

            (void)snprintf(name, sizeof name, "c%zu", i);
            clients[i] = client(&world, name, rows[row].weight[i], rows[row].job_ms[i] * MS);
            ask(&world, &clients[i], 100000);
            weights += rows[row].weight[i];
        }
        while (world.now_us < UINT64_C(60) * 1000 * MS)
            assert_true(step(&world, clients, 3));
        for (size_t i = 0; i < 3; i++) {
            clients[i].used_us += (uint64_t)clients[i].n_ended * FAIR_START_US; /* which is charged too */
            used_us += clients[i].used_us;
        }
        for (size_t i = 0; i < 3; i++) {
            const double share = (double)clients[i].used_us / (double)used_us;
            const double right = (double)rows[row].weight[i] / (double)weights;

            if (share < right - 0.03 || share > right + 0.03)
                fail_msg("row %zu: client %zu had %.3f of the time, not %.3f", row, i, share, right);
        }
        for (size_t i = 0; i < 3; i++)
            while (clients[i].flow->n_ready > 0)
                fair_remove(&world.fair, clients[i].flow);
        leave(&world, clients, 3);
    }
}

/* Long jobs are charged while they run: whoever has three places does not get the fourth as well. */
static void running_jobs_count(void **state)
{
    struct world world = open_world(4);
    struct client clients[2];

    (void)state;
    fair_init(&world.fair);
    clients[0] = client(&world, "long", 1, 10000 * MS);
    clients[1] = client(&world, "short", 1, 50 * MS);
    ask(&world, &clients[0], 3);
    fill(&world, clients, 2);
    ask(&world, &clients[0], 100);
    ask(&world, &clients[1], 1000);
    world.now_us += 10 * MS; /* a place was kept free until now */
    for (int i = 0; i < 190; i++)
        assert_true(step(&world, clients, 2));
    assert_int_equal(clients[0].n_begun, 3);
    assert_int_equal(clients[1].n_ended, 190);
    leave(&world, clients, 2);
}

/* Places that become free together go to different callers. */
static void a_start_counts(void **state)
{
    struct world world = open_world(4);
    struct client clients[2];

    (void)state;
    fair_init(&world.fair);
    clients[0] = client(&world, "a", 1, 1000 * MS);
    clients[1] = client(&world, "b", 1, 1000 * MS);
    ask(&world, &clients[0], 8);
    ask(&world, &clients[1], 8);
    fill(&world, clients, 2);
    assert_int_equal(clients[0].n_begun, 2);
    assert_int_equal(clients[1].n_begun, 2);
    leave(&world, clients, 2);
}

static void a_cap_holds_and_gives_way(void **state)
{
    const struct fair_caller capped = {"capped", 100, 2, UINT32_MAX};
    struct world world = open_world(4);
    struct client clients[2];

    (void)state;
    fair_init(&world.fair);
    clients[0] = (struct client){.flow = fair_join(&world.fair, &capped), .job_us = 100 * MS};
    clients[1] = client(&world, "other", 1, 100 * MS);
    ask(&world, &clients[0], 10);
    fill(&world, clients, 2);
    assert_int_equal(clients[0].n_begun, 2); /* though two places more are free */
    ask(&world, &clients[1], 2);
    fill(&world, clients, 2);
    assert_int_equal(clients[1].n_begun, 2);
    leave(&world, clients, 2);
    assert_int_equal(clients[0].n_ended, 10);
}

/* Leaving and coming back does not wash away what was used, as long as others wait. */
static void who_leaves_comes_back_with_its_debt(void **state)
{
    struct world world = open_world(1);
    struct client clients[2];
    uint64_t debt;

    (void)state;
    fair_init(&world.fair);
    clients[0] = client(&world, "again", 1, 5000 * MS);
    clients[1] = client(&world, "steady", 1, 100 * MS);
    ask(&world, &clients[0], 1);
    fill(&world, clients, 2);
    ask(&world, &clients[1], 100);
    assert_true(step(&world, clients, 2));
    debt = clients[0].flow->vtime;
    fair_leave(&world.fair, clients[0].flow);
    clients[0].flow = client(&world, "again", 1, 0).flow;
    assert_int_equal(clients[0].flow->vtime, debt);
    ask(&world, &clients[0], 1);
    assert_true(fair_ahead(&world.fair, clients[0].flow, 0) > 0);
    for (int i = 0; i < 40; i++)
        assert_true(step(&world, clients, 2));
    assert_int_equal(clients[0].n_begun, 1); /* the others have not had as much yet */
    for (int i = 0; i < 20; i++)
        assert_true(step(&world, clients, 2));
    assert_int_equal(clients[0].n_begun, 2);
    leave(&world, clients, 2);
}

static void what_is_remembered_is_bounded(void **state)
{
    struct world world = open_world(2);
    struct client steady;

    (void)state;
    fair_init(&world.fair);
    steady = client(&world, "steady", 1, 100 * MS);
    fair_begin(&world.fair, steady.flow, 1); /* somebody is always there */
    for (unsigned i = 0; i < 5 * FAIR_DEBTORS_MAX; i++) {
        char name[16];
        struct client one;

        (void)snprintf(name, sizeof name, "addr:%u", i);
        one = client(&world, name, 1, 0);
        fair_begin(&world.fair, one.flow, 1);
        fair_end(&world.fair, one.flow, 1, 1000);
        fair_leave(&world.fair, one.flow);
        assert_true(world.fair.n_flows <= FAIR_DEBTORS_MAX + 2);
    }
    assert_true(world.fair.n_debtors > 0);
    fair_end(&world.fair, steady.flow, 2, 1);
    fair_leave(&world.fair, steady.flow);
    assert_int_equal(world.fair.n_flows, 0); /* nobody is left: nothing is owed */
    fair_done(&world.fair);
}

/* Many flows that come and go: the heap's order holds. */
static void the_least_far_is_always_next(void **state)
{
    enum { N = 200 };
    struct world world = open_world(1);
    struct flow *flows[N];
    uint32_t random = 1;

    (void)state;
    fair_init(&world.fair);
    for (size_t i = 0; i < N; i++) {
        char name[16];

        (void)snprintf(name, sizeof name, "%zu", i);
        flows[i] = client(&world, name, 1 + (uint32_t)i % 7, 0).flow;
    }
    for (unsigned turn = 0; turn < 20000; turn++) {
        struct flow *flow, *next;

        random = random * 1664525 + 1013904223;
        flow = flows[(random >> 8) % N];
        world.now_us += random >> 28;
        if ((random & 3) != 0)
            fair_add(&world.fair, flow);
        else if (flow->n_ready > 0)
            fair_remove(&world.fair, flow);
        next = fair_next(&world.fair, world.now_us);
        for (size_t i = 0; i < N && next != NULL; i++)
            assert_false(flows[i]->n_ready > 0 && flows[i]->vtime < next->vtime);
        if (next != NULL && turn % 3 == 0) {
            fair_remove(&world.fair, next);
            fair_begin(&world.fair, next, world.now_us);
            fair_end(&world.fair, next, world.now_us, 1);
        }
    }
    for (size_t i = 0; i < N; i++) {
        while (flows[i]->n_ready > 0)
            fair_remove(&world.fair, flows[i]);
        fair_leave(&world.fair, flows[i]);
    }
    fair_done(&world.fair);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(one_caller_is_first_come_first_served),
        cmocka_unit_test(a_flood_delays_nobody),
        cmocka_unit_test(shares_are_by_time_and_weight),
        cmocka_unit_test(running_jobs_count),
        cmocka_unit_test(a_start_counts),
        cmocka_unit_test(a_cap_holds_and_gives_way),
        cmocka_unit_test(who_leaves_comes_back_with_its_debt),
        cmocka_unit_test(what_is_remembered_is_bounded),
        cmocka_unit_test(the_least_far_is_always_next),
    };

    return cmocka_run_group_tests_name("engine_fair", tests, NULL, NULL);
}
