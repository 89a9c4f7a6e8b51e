/* What holds for every operation of the store: it is kept as a whole or not at all, and whoever asked is told which. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <errno.h>
#include <stdatomic.h>

#include "base/clock.h"
#include "store/op.h"

struct world {
    uv_loop_t loop;
    struct store *store;
    char dir[64];
    unsigned n_done, n_freed;
    atomic_uint n_run;
};

/* An operation as a test wants it. */
struct probe {
    struct store_op op;
    struct world *world;
    const char *sql[3];
    int outcome; /* of run(), where its SQL goes well */
    int *ret;
    int64_t *value;
    size_t read_bytes; /* it says that it has read so much */
};

static int run(struct store_op *op, struct sql *db, struct err *err)
{
    struct probe *probe = (struct probe *)(void *)op;

    for (size_t i = 0; i < COUNT_OF(probe->sql) && probe->sql[i] != NULL; i++) {
        CLEANUP(sql_rows_done) struct sql_rows rows = {0};
        int r = sql_ask(&rows, db, probe->sql[i], SQL_NO_VALUES, err);

        if (r == 0)
            r = sql_next(&rows, err);
        if (r < 0)
            return r;
        if (r > 0 && probe->value != NULL)
            *probe->value = sql_int(&rows, 0);
    }
    op->bytes += probe->read_bytes;
    atomic_fetch_add(&probe->world->n_run, 1);
    return probe->outcome;
}

static void done(struct store_op *op, int r, const struct err *err)
{
    struct probe *probe = (struct probe *)(void *)op;

    assert_true((r < 0) == (err != NULL));
    assert_true(err == NULL || err->msg[0] != '\0');
    probe->world->n_done++;
    *probe->ret = r;
}

static void probe_free(struct store_op *op)
{
    struct probe *probe = (struct probe *)(void *)op;

    probe->world->n_freed++;
    free(probe);
}

static void submit(struct world *world, enum store_lane lane, struct probe from)
{
    struct probe *probe = malloc(sizeof *probe);

    assert_non_null(probe);
    *probe = from;
    probe->op = (struct store_op){.run = run, .done = done, .free = probe_free, .bytes = sizeof *probe};
    probe->world = world;
    assert_int_equal(store_submit(world->store, lane, &probe->op), 0);
}

static void wait_until(struct world *world, unsigned n)
{
    uint64_t until = now_us() + 20000000;

    while (world->n_done < n && now_us() < until) {
        (void)uv_run(&world->loop, UV_RUN_NOWAIT);
        (void)usleep(500);
    }
    assert_int_equal(world->n_done, n);
    assert_int_equal(world->n_freed, n);
}

static unsigned n_run(struct world *world)
{
    return atomic_load(&world->n_run);
}

static int64_t ask(struct world *world, const char *sql)
{
    int64_t value = -1;
    int r = 1;

    submit(world, STORE_READER, (struct probe){.sql = {sql}, .ret = &r, .value = &value});
    wait_until(world, world->n_done + 1);
    assert_int_equal(r, 0);
    return value;
}

static int set_up(void **state)
{
    struct world *world = calloc(1, sizeof *world);
    struct err err = {0};
    int r = 1;

    if (world == NULL || uv_loop_init(&world->loop) < 0)
        return -1;
    (void)snprintf(world->dir, sizeof world->dir, "/tmp/glimpse-store-XXXXXX");
    if (mkdtemp(world->dir) == NULL || store_new(&world->store, &world->loop, world->dir, &err) < 0)
        return -1;
    *state = world;
    submit(world, STORE_WRITER, (struct probe){.sql = {"CREATE TABLE t (n INTEGER UNIQUE, b BLOB)"}, .ret = &r});
    wait_until(world, 1);
    return r;
}

static int tear_down(void **state)
{
    static const char *const names[] = {"glimpse.db", "glimpse.db-wal", "glimpse.db-shm"};
    struct world *world = *state;

    store_free(world->store);
    (void)uv_run(&world->loop, UV_RUN_DEFAULT);
    assert_int_equal(uv_loop_close(&world->loop), 0);
    for (size_t i = 0; i < COUNT_OF(names); i++) {
        char path[128];

        (void)snprintf(path, sizeof path, "%s/%s", world->dir, names[i]);
        (void)unlink(path);
    }
    assert_int_equal(rmdir(world->dir), 0);
    free(world);
    return 0;
}

/* Otherwise a hundred clients that ask for a hundred megabytes each have ten gigabytes in memory, before one is
 * answered. */
static void reading_waits_for_what_was_read_to_be_taken(void **state)
{
    enum { N = 20, AT_ONCE_MAX = 3, EACH = 32 << 20 };
    struct world *world = *state;
    const unsigned before = n_run(world), done_before = world->n_done;
    uint64_t until = now_us() + 20000000;
    int r[N];

    for (size_t i = 0; i < N; i++) {
        r[i] = 1;
        submit(world, STORE_READER, (struct probe){.sql = {"SELECT 1"}, .ret = &r[i], .read_bytes = EACH});
    }
    while (n_run(world) == before && now_us() < until)
        (void)usleep(1000);
    (void)usleep(200000); /* time for many more, did it not wait */
    assert_in_range(n_run(world) - before, 1, AT_ONCE_MAX);
    wait_until(world, done_before + N);
    for (size_t i = 0; i < N; i++)
        assert_int_equal(r[i], 0);
    /* Nor does it keep a stop from coming to its end. */
    for (size_t i = 0; i < N; i++)
        submit(world, STORE_READER, (struct probe){.sql = {"SELECT 1"}, .ret = &r[i], .read_bytes = EACH});
    store_free(TAKE_PTR(world->store));
    assert_int_equal(world->n_done, done_before + 2 * N);
}

static void one_that_fails_fails_alone(void **state)
{
    struct world *world = *state;
    int r[4] = {1, 1, 1, 1};

    submit(world, STORE_WRITER, (struct probe){.sql = {"INSERT INTO t (n) VALUES (1)"}, .ret = &r[0]});
    submit(world, STORE_WRITER,
           (struct probe){.sql = {"INSERT INTO t (n) VALUES (2)", "INSERT INTO t (n) VALUES (1)"}, .ret = &r[1]});
    submit(world, STORE_WRITER, (struct probe){.sql = {"INSERT INTO t (n) VALUES (3)"}, .outcome = 7, .ret = &r[2]});
    submit(world, STORE_WRITER, (struct probe){.sql = {"INSERT INTO t (n) VALUES (4)"}, .ret = &r[3]});
    wait_until(world, 5);
    assert_int_equal(r[0], 0);
    assert_int_equal(r[1], -EIO);
    assert_int_equal(r[2], 7); /* its own outcome; nothing of it is kept */
    assert_int_equal(r[3], 0);
    assert_int_equal(ask(world, "SELECT sum(n) FROM t"), 5);
}

/* SQLite rolls the whole transaction back: those before it in the same one are told so, and those behind it go in. */
static void a_full_disk_is_told_to_all_whom_it_hits(void **state)
{
    enum { N = 40 };
    static const char *const small = "INSERT INTO t (b) VALUES (zeroblob(10))";
    struct world *world = *state;
    int r[N], limited = 1, kept = 0;

    submit(world, STORE_WRITER, (struct probe){.sql = {"PRAGMA max_page_count = 60"}, .ret = &limited});
    wait_until(world, 2);
    for (int i = 0; i < N; i++) {
        const char *sql = i % 10 == 5 ? "INSERT INTO t (b) VALUES (zeroblob(1000000))" : small;

        r[i] = 1;
        submit(world, STORE_WRITER, (struct probe){.sql = {sql}, .ret = &r[i]});
    }
    wait_until(world, 2 + N);
    for (int i = 0; i < N; i++) {
        assert_true(r[i] == 0 || r[i] == -ENOSPC);
        assert_true(i % 10 != 5 || r[i] == -ENOSPC);
        kept += r[i] == 0;
    }
    assert_int_equal(r[N - 1], 0);
    assert_int_equal(ask(world, "SELECT count(*) FROM t"), kept);
}

static void a_reader_changes_nothing(void **state)
{
    struct world *world = *state;
    int r = 1;

    submit(world, STORE_READER, (struct probe){.sql = {"INSERT INTO t (n) VALUES (1)"}, .ret = &r});
    wait_until(world, 2);
    assert_true(r < 0);
    assert_int_equal(ask(world, "SELECT count(*) FROM t"), 0);
}

/* What was answered is seen by whoever asks then. */
static void a_reader_sees_what_was_written(void **state)
{
    struct world *world = *state;

    for (int i = 1; i <= 20; i++) {
        int r = 1;

        submit(world, STORE_WRITER, (struct probe){.sql = {"INSERT INTO t DEFAULT VALUES"}, .ret = &r});
        wait_until(world, world->n_done + 1);
        assert_int_equal(ask(world, "SELECT count(*) FROM t"), i);
    }
}

static void closing_does_what_waits(void **state)
{
    struct world *world = *state;
    int r[100];

    for (size_t i = 0; i < COUNT_OF(r); i++)
        submit(world, i % 2 == 0 ? STORE_WRITER : STORE_READER,
               (struct probe){.sql = {i % 2 == 0 ? "INSERT INTO t DEFAULT VALUES" : "SELECT 1"}, .ret = &r[i]});
    store_free(TAKE_PTR(world->store));
    assert_int_equal(world->n_freed, 101);
    for (size_t i = 0; i < COUNT_OF(r); i++)
        assert_int_equal(r[i], 0);
}

int main(void)
{
#define IN_A_WORLD(test) cmocka_unit_test_setup_teardown(test, set_up, tear_down)
    const struct CMUnitTest tests[] = {
        IN_A_WORLD(reading_waits_for_what_was_read_to_be_taken),
        IN_A_WORLD(one_that_fails_fails_alone),
        IN_A_WORLD(a_full_disk_is_told_to_all_whom_it_hits),
        IN_A_WORLD(a_reader_changes_nothing),
        IN_A_WORLD(a_reader_sees_what_was_written),
        IN_A_WORLD(closing_does_what_waits),
    };

    return cmocka_run_group_tests_name("store_ops", tests, NULL, NULL);
}
