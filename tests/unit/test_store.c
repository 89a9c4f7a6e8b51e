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
#include "base/instant.h"
#include "store/store.h"
#include "store/submissions.h"
#include "store/webhooks.h"

struct world {
    uv_loop_t loop;
    struct store *store;
    char dir[64], path[96];
    unsigned n_added, n_failed;
    int64_t last_id, last_first;
    size_t last_n;
    int last_r;
    char why[200];
};

static void on_added(void *arg, int r, const struct submission_row *rows, size_t n, const struct err *err)
{
    struct world *world = arg;

    if (err == NULL) {
        world->last_r = r;
        world->last_n = n;
        world->last_first = n > 0 ? rows[0].number : 0;
        for (size_t i = 0; r == 0 && i < n; i++) {
            assert_true(rows[i].number > world->last_id); /* in the order of asking */
            world->last_id = rows[i].number;
        }
        world->n_added++;
    } else {
        assert_true(r < 0);
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

static struct submission_row new_row(const char *request)
{
    struct submission_row row = {.language = "python", .status = "queued", .request = slice_from(request)};

    row.created_us = instant_now_us();
    uuid_make_at(row.id, row.created_us);
    return row;
}

static void add(struct world *world, const char *request)
{
    const struct submission_row row = new_row(request);
    struct err err = {0};

    assert_int_equal(store_submissions_add(world->store, &row, 1, NULL, on_added, world, &err), 0);
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
    assert_int_equal(ask(world, "SELECT count(*) FROM submissions JOIN submission_requests USING (number)"
                                " WHERE language = 'python' AND status = 'queued' AND body = CAST('print(1)' AS BLOB)"
                                " AND created_us BETWEEN 1700000000000000 AND 9000000000000000"),
                     1);
    assert_int_equal(ask(world, "SELECT number FROM submissions"), world->last_id);
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
    assert_int_equal(sqlite3_exec(other, "DROP TABLE submission_requests", NULL, NULL, NULL), SQLITE_OK);
    (void)sqlite3_close(other);
    add(world, "x");
    wait_until(world, 1);
    assert_int_equal(world->n_failed, 1);
    assert_non_null(strstr(world->why, "submission_requests"));
}

static void too_much_waiting_is_refused(void **state)
{
    struct world *world = *state;
    size_t len = 20 << 20;
    CLEANUP(freep) char *code = calloc(1, len);
    struct submission_row row = new_row("");
    sqlite3 *other = NULL;
    struct err err = {0};
    unsigned n_taken = 0;

    row.request = (struct slice){code, len};
    assert_int_equal(sqlite3_open(world->path, &other), SQLITE_OK);
    assert_int_equal(sqlite3_exec(other, "BEGIN EXCLUSIVE", NULL, NULL, NULL), SQLITE_OK);
    while (n_taken < 20 && store_submissions_add(world->store, &row, 1, NULL, on_added, world, &err) == 0) {
        uuid_make_at(row.id, row.created_us);
        n_taken++;
    }
    assert_in_range(n_taken, 3, 8); /* 64 MiB wait, and as much again may be on its way */
    assert_int_equal(store_submissions_add(world->store, &row, 1, NULL, on_added, world, &err), STORE_E_FULL);
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

/* ---- keys ---- */

static void add_with_key(struct world *world, const char *key, uint8_t hash, int64_t expired_us, size_t n)
{
    struct submission_row rows[3];
    struct submission_key with = {.key = key, .hash = {hash}, .expired_us = expired_us};
    unsigned n_before = world->n_added;
    struct err err = {0};

    for (size_t i = 0; i < n; i++)
        rows[i] = new_row("{}");
    assert_int_equal(store_submissions_add(world->store, rows, n, &with, on_added, world, &err), 0);
    wait_until(world, n_before + 1);
}

static void a_key_makes_one(void **state)
{
    struct world *world = *state;
    int64_t first;

    add_with_key(world, "k", 1, 0, 2);
    assert_int_equal(world->last_r, 0);
    first = world->last_first;
    add_with_key(world, "k", 1, 0, 2);
    assert_int_equal(world->last_r, STORE_E_REPLAYED);
    assert_int_equal(world->last_n, 2);
    assert_int_equal(world->last_first, first);
    add_with_key(world, "k", 2, 0, 1);
    assert_int_equal(world->last_r, STORE_E_KEY_TAKEN);
    add_with_key(world, "other", 2, 0, 1);
    assert_int_equal(world->last_r, 0);
    assert_int_equal(ask(world, "SELECT count(*) FROM submissions"), 3);
    add_with_key(world, "k", 2, INT64_MAX, 1); /* it has expired */
    assert_int_equal(world->last_r, 0);
    assert_int_equal(ask(world, "SELECT count(*) FROM submissions"), 4);
}

/* ---- what was there before ---- */

static void version_1_becomes_what_is_there_now(void **state)
{
    static const char version_1[] =
        "PRAGMA journal_mode = WAL; PRAGMA auto_vacuum = NONE;"
        "CREATE TABLE submissions (id INTEGER PRIMARY KEY, created_us INTEGER NOT NULL, language TEXT NOT NULL,"
        " code BLOB NOT NULL, output BLOB NOT NULL, exit_code INTEGER NOT NULL, time_us INTEGER NOT NULL,"
        " memory_bytes INTEGER NOT NULL) STRICT;"
        "INSERT INTO submissions VALUES (7, 1700000000123456, 'python', CAST('print(\"1\")' AS BLOB),"
        " x'310a', 0, 1500, 99);"
        "INSERT INTO submissions VALUES (9, 1700000000123457, 'python', CAST('x' AS BLOB), x'ff00', 0, 1500, 99);"
        "PRAGMA user_version = 1;";
    struct world *world = *state;
    sqlite3 *other = NULL;
    struct err err = {0};

    store_free(TAKE_PTR(world->store));
    assert_int_equal(unlink(world->path), 0);
    assert_int_equal(sqlite3_open(world->path, &other), SQLITE_OK);
    assert_int_equal(sqlite3_exec(other, version_1, NULL, NULL, NULL), SQLITE_OK);
    (void)sqlite3_close(other);
    assert_int_equal(store_new(&world->store, &world->loop, world->dir, &err), 0);
    assert_int_equal(ask(world, "SELECT count(*) FROM submissions JOIN submission_requests r USING (number)"
                                " JOIN submission_results s USING (number) WHERE number = 7 AND status = 'ok'"
                                " AND id LIKE '018bcfe5-687b-7%' AND created_us = 1700000000123456"
                                " AND finished_us = created_us + 1500"
                                " AND CAST(r.body AS TEXT) ->> 'code' = 'print(\"1\")'"
                                " AND CAST(s.stages AS TEXT) ->> '$.run.stdout' = '1' || char(10)"),
                     1);
    /* What is not UTF-8 is kept as it was. */
    assert_int_equal(ask(world, "SELECT count(*) FROM submission_requests r JOIN submission_results s USING (number)"
                                " WHERE number = 9 AND CAST(r.body AS TEXT) ->> 'output_encoding' = 'base64'"
                                " AND CAST(s.stages AS TEXT) ->> '$.run.stdout' = '/wA='"),
                     1);
    assert_int_equal(ask(world, "PRAGMA auto_vacuum"), 2);
    world->last_id = 9;
    add(world, "{}");
    wait_until(world, 1);
    assert_int_equal(world->last_id, 10); /* numbers go on */
}

static void a_number_is_never_given_twice(void **state)
{
    struct world *world = *state;
    sqlite3 *other = NULL;

    add(world, "{}");
    wait_until(world, 1);
    assert_int_equal(sqlite3_open(world->path, &other), SQLITE_OK);
    assert_int_equal(sqlite3_exec(other, "DELETE FROM submissions", NULL, NULL, NULL), SQLITE_OK);
    (void)sqlite3_close(other);
    add(world, "{}");
    wait_until(world, 2);
    assert_int_equal(world->last_id, 2);
}

/* ---- retention ---- */

static void on_swept(void *arg, int r, const struct err *err)
{
    assert_null(err);
    *(int *)arg = r;
}

static unsigned sweep(struct world *world, struct submission_sweep what)
{
    unsigned n_steps = 0;
    struct err err = {0};
    int r = STORE_E_MORE;

    while (r == STORE_E_MORE && n_steps++ < 1000) {
        r = -1;
        assert_int_equal(store_submissions_sweep(world->store, &what, on_swept, &r, &err), 0);
        while (r == -1) {
            (void)uv_run(&world->loop, UV_RUN_NOWAIT);
            (void)usleep(200);
        }
    }
    assert_int_equal(r, 0);
    return n_steps;
}

static void add_finished(struct world *world, int64_t finished_us, struct slice stages)
{
    struct submission_row row = new_row("{}");
    struct err err = {0};

    (void)snprintf(row.status, sizeof row.status, "ok");
    row.finished_us = finished_us;
    row.stages = stages;
    assert_int_equal(store_submissions_add(world->store, &row, 1, NULL, on_added, world, &err), 0);
}

static void the_old_go_in_small_steps(void **state)
{
    struct world *world = *state;

    for (int i = 1; i <= 300; i++)
        add_finished(world, i, slice_from("{}"));
    add(world, "{}"); /* it waits, so it is not old, however long it waits */
    wait_until(world, 301);
    assert_true(sweep(world, (struct submission_sweep){.finished_before_us = 251}) > 4);
    assert_int_equal(ask(world, "SELECT count(*) FROM submissions"), 51);
    assert_int_equal(ask(world, "SELECT count(*) FROM submission_requests"), 51);
    assert_int_equal(ask(world, "SELECT count(*) FROM submission_results"), 50);
    assert_int_equal(ask(world, "SELECT min(finished_us) FROM submissions"), 251);
    assert_int_equal(sweep(world, (struct submission_sweep){0}), 1); /* no bound: nothing to do */
}

static void on_finished(void *arg, int r, const struct err *err)
{
    assert_null(err);
    assert_int_equal(r, 0);
    ((struct world *)arg)->n_added++;
}

/* With results of 100, 200, 300 and 400 bytes, files included. */
static void on_due(void *arg, int r, const struct submission_row *rows, size_t n, int64_t next_us,
                   const struct err *err)
{
    struct world *world = arg;

    (void)next_us;
    assert_null(err);
    assert_int_equal(r, 0);
    assert_int_equal(n, 4);
    for (size_t i = 0; i < n; i++) {
        assert_int_equal(rows[i].webhook_tries, 1);
        assert_int_equal(rows[i].files_omitted, 7);
        assert_int_equal(rows[i].too_large, i >= 2);
        assert_int_equal(rows[i].stages.len, i >= 2 ? 0 : 50 * (i + 1));
        assert_int_equal(rows[i].files.len, i >= 2 ? 0 : 50 * (i + 1));
    }
    world->n_added++;
}

static void webhooks_are_taken_without_what_is_too_large(void **state)
{
    struct world *world = *state;
    static char bytes[200];
    struct err err = {0};

    memset(bytes, ' ', sizeof bytes);
    for (int64_t i = 1; i <= 4; i++) {
        struct submission_row row = new_row("{}");
        const struct slice half = {bytes, 50 * (size_t)i};

        (void)snprintf(row.callback_url, sizeof row.callback_url, "https://example.com/");
        assert_int_equal(store_submissions_add(world->store, &row, 1, NULL, on_added, world, &err), 0);
        row.number = i;
        row.finished_us = i;
        row.stages = row.files = half;
        row.files_omitted = 7;
        (void)snprintf(row.status, sizeof row.status, "ok");
        assert_int_equal(store_submission_finish(world->store, &row, on_finished, world, &err), 0);
    }
    assert_int_equal(store_webhooks_take(world->store, 4, 1000, 9, 200, on_due, world, &err), 0);
    wait_until(world, 9);
}

static void what_is_too_much_goes_and_the_file_shrinks(void **state)
{
    enum { N = 200, BYTES = 100000 };
    struct world *world = *state;
    CLEANUP(freep) char *stages = calloc(1, BYTES);
    int64_t pages;

    for (int i = 1; i <= N; i++)
        add_finished(world, i, (struct slice){stages, BYTES});
    wait_until(world, N);
    pages = ask(world, "PRAGMA page_count");
    (void)sweep(world, (struct submission_sweep){.bytes_max = N * BYTES / 2});
    assert_true(ask(world, "SELECT count(*) FROM submissions") > 0);
    assert_true(ask(world, "PRAGMA page_count") < pages * 6 / 10);
    assert_int_equal(ask(world, "SELECT max(finished_us) FROM submissions"), N); /* the oldest went */
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
        IN_A_WORLD(a_key_makes_one),
        IN_A_WORLD(version_1_becomes_what_is_there_now),
        IN_A_WORLD(a_number_is_never_given_twice),
        IN_A_WORLD(the_old_go_in_small_steps),
        IN_A_WORLD(what_is_too_much_goes_and_the_file_shrinks),
        IN_A_WORLD(webhooks_are_taken_without_what_is_too_large),
        IN_A_WORLD(refuses_what_it_does_not_know),
    };

    return cmocka_run_group_tests_name("store", tests, NULL, NULL);
}
