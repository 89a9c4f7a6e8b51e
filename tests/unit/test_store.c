/* What holds for the store: an id means that the row is on the disk, and nothing else gets one. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <errno.h>
#include <sqlite3.h>
#include <stdio.h>
#include <sys/stat.h>

#include "base/clock.h"
#include "store/store.h"
#include "store/submissions.h"

struct world {
    uv_loop_t loop;
    struct store *store;
    char dir[64], path[96];
    unsigned n_added, n_failed;
    int64_t last_id;
    char why[200];
};

static void on_added(void *arg, int64_t id, const struct err *err)
{
    struct world *world = arg;

    if (err == NULL) {
        assert_true(id > world->last_id); /* in the order of asking */
        world->last_id = id;
        world->n_added++;
    } else {
        assert_true(id < 0);
        world->n_failed++;
        (void)snprintf(world->why, sizeof world->why, "%s", err->msg);
    }
}

static int set_up(void **state)
{
    struct world *world = calloc(1, sizeof *world);
    struct err err = {0};

    if (world == NULL || uv_loop_init(&world->loop) < 0)
        return -1;
    (void)snprintf(world->dir, sizeof world->dir, "/tmp/glimpse-store-XXXXXX");
    if (mkdtemp(world->dir) == NULL)
        return -1;
    (void)snprintf(world->path, sizeof world->path, "%s/glimpse.db", world->dir);
    *state = world;
    return store_new(&world->store, &world->loop, world->dir, &err);
}

static int tear_down(void **state)
{
    static const char *const suffixes[] = {"", "-wal", "-shm"};
    struct world *world = *state;

    store_free(world->store);
    (void)uv_run(&world->loop, UV_RUN_DEFAULT);
    assert_int_equal(uv_loop_close(&world->loop), 0);
    for (size_t i = 0; i < COUNT_OF(suffixes); i++) {
        char path[128];

        (void)snprintf(path, sizeof path, "%s%s", world->path, suffixes[i]);
        (void)unlink(path);
    }
    assert_int_equal(rmdir(world->dir), 0);
    free(world);
    return 0;
}

static void add(struct world *world, const char *code)
{
    const struct store_submission row = {.language = "python",
                                         .code = {code, strlen(code)},
                                         .output = {"a\0\xff", 3},
                                         .exit_code = 0,
                                         .time_us = 1234,
                                         .memory_bytes = 5678};
    struct err err = {0};

    assert_int_equal(store_add_submission(world->store, &row, on_added, world, &err), 0);
}

static void wait_until(struct world *world, unsigned n_answers)
{
    uint64_t until = now_us() + 20000000;

    while (world->n_added + world->n_failed < n_answers && now_us() < until) {
        (void)uv_run(&world->loop, UV_RUN_NOWAIT);
        (void)usleep(500);
    }
    assert_int_equal(world->n_added + world->n_failed, n_answers);
}

/* As somebody else sees the database. */
static int64_t ask(struct world *world, const char *sql)
{
    sqlite3_stmt *statement = NULL;
    sqlite3 *db = NULL;
    int64_t value;

    assert_int_equal(sqlite3_open_v2(world->path, &db, SQLITE_OPEN_READONLY, NULL), SQLITE_OK);
    assert_int_equal(sqlite3_prepare_v2(db, sql, -1, &statement, NULL), SQLITE_OK);
    assert_int_equal(sqlite3_step(statement), SQLITE_ROW);
    value = sqlite3_column_int64(statement, 0);
    (void)sqlite3_finalize(statement);
    (void)sqlite3_close(db);
    return value;
}

static void what_was_answered_can_be_read(void **state)
{
    struct world *world = *state;

    add(world, "print(1)");
    assert_int_equal(world->n_added, 0); /* never from inside the call */
    wait_until(world, 1);
    assert_int_equal(
        ask(world,
            "SELECT count(*) FROM submissions WHERE language = 'python' AND code = CAST('print(1)' AS BLOB)"
            " AND output = x'6100ff' AND exit_code = 0 AND time_us = 1234 AND memory_bytes = 5678"
            " AND created_us BETWEEN 1700000000000000 AND 9000000000000000"),
        1);
    assert_int_equal(ask(world, "SELECT id FROM submissions"), world->last_id);
}

static void many_at_once_share_commits(void **state)
{
    struct world *world = *state;

    for (int i = 0; i < 2000; i++)
        add(world, "x");
    wait_until(world, 2000);
    assert_int_equal(world->n_added, 2000);
    assert_int_equal(ask(world, "SELECT count(*) FROM submissions"), 2000);
}

static void closing_writes_what_waits(void **state)
{
    struct world *world = *state;

    for (int i = 0; i < 100; i++)
        add(world, "x");
    store_free(TAKE_PTR(world->store));
    assert_int_equal(world->n_added, 100);
    assert_int_equal(ask(world, "SELECT count(*) FROM submissions"), 100);
}

static void what_cannot_be_written_gets_no_id(void **state)
{
    struct world *world = *state;
    sqlite3 *other = NULL;

    assert_int_equal(sqlite3_open(world->path, &other), SQLITE_OK);
    assert_int_equal(sqlite3_exec(other, "DROP TABLE submissions", NULL, NULL, NULL), SQLITE_OK);
    (void)sqlite3_close(other);
    add(world, "x");
    wait_until(world, 1);
    assert_int_equal(world->n_failed, 1);
    assert_non_null(strstr(world->why, "submissions"));
}

static void too_much_waiting_is_refused(void **state)
{
    struct world *world = *state;
    size_t len = 20 << 20;
    CLEANUP(freep) char *code = calloc(1, len);
    const struct store_submission row = {.language = "python", .code = {code, len}};
    sqlite3 *other = NULL;
    struct err err = {0};
    unsigned n_taken = 0;

    assert_int_equal(sqlite3_open(world->path, &other), SQLITE_OK);
    assert_int_equal(sqlite3_exec(other, "BEGIN EXCLUSIVE", NULL, NULL, NULL), SQLITE_OK);
    while (n_taken < 20 && store_add_submission(world->store, &row, on_added, world, &err) == 0)
        n_taken++;
    assert_in_range(n_taken, 3, 8); /* 64 MiB wait, and as much again may be on its way */
    assert_int_equal(store_add_submission(world->store, &row, on_added, world, &err), STORE_E_FULL);
    assert_int_equal(sqlite3_exec(other, "ROLLBACK", NULL, NULL, NULL), SQLITE_OK);
    (void)sqlite3_close(other);
    wait_until(world, n_taken);
    assert_int_equal(world->n_added, n_taken);
}

static void it_is_nobody_elses_to_read(void **state)
{
    struct world *world = *state;
    struct stat st;

    assert_int_equal(stat(world->path, &st), 0);
    assert_int_equal(st.st_mode & 0777, 0600);
}

static void opens_again_and_keeps_what_is_there(void **state)
{
    struct world *world = *state;
    struct err err = {0};

    add(world, "x");
    wait_until(world, 1);
    store_free(TAKE_PTR(world->store));
    assert_int_equal(store_new(&world->store, &world->loop, world->dir, &err), 0);
    add(world, "y");
    wait_until(world, 2);
    assert_int_equal(ask(world, "SELECT count(*) FROM submissions"), 2);
}

static void refuses_what_it_does_not_know(void **state)
{
    struct world *world = *state;
    struct store *store = NULL;
    sqlite3 *other = NULL;
    struct err err = {0};

    assert_true(store_new(&store, &world->loop, "/nonexistent", &err) < 0);
    assert_non_null(strstr(err.msg, "/nonexistent/glimpse.db"));
    assert_int_equal(sqlite3_open(world->path, &other), SQLITE_OK);
    assert_int_equal(sqlite3_exec(other, "PRAGMA user_version = 99", NULL, NULL, NULL), SQLITE_OK);
    (void)sqlite3_close(other);
    assert_true(store_new(&store, &world->loop, world->dir, &err) < 0);
    assert_non_null(strstr(err.msg, "version 99"));
    assert_null(store);
}

int main(void)
{
#define IN_A_WORLD(test) cmocka_unit_test_setup_teardown(test, set_up, tear_down)
    const struct CMUnitTest tests[] = {
        IN_A_WORLD(what_was_answered_can_be_read),
        IN_A_WORLD(many_at_once_share_commits),
        IN_A_WORLD(closing_writes_what_waits),
        IN_A_WORLD(what_cannot_be_written_gets_no_id),
        IN_A_WORLD(too_much_waiting_is_refused),
        IN_A_WORLD(it_is_nobody_elses_to_read),
        IN_A_WORLD(opens_again_and_keeps_what_is_there),
        IN_A_WORLD(refuses_what_it_does_not_know),
    };

    return cmocka_run_group_tests_name("store", tests, NULL, NULL);
}
