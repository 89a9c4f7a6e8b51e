/* key: what is a key, and what is not; and the table that both processes use. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>

#include <cmocka.h>

#include "store/keys.h"

static void a_key_fits_itself_only(void **state)
{
    struct key one = {0}, other = {0};
    char text[KEY_TEXT_BYTES], others[KEY_TEXT_BYTES], id[KEY_ID_BYTES];

    (void)state;
    key_make(&one, text);
    key_make(&other, others);
    assert_int_equal(strlen(text), KEY_TEXT_BYTES - 1);
    assert_string_not_equal(text, others);
    assert_true(key_read_id(id, slice_from(text)));
    assert_string_equal(id, one.id);
    assert_true(key_fits(&one, slice_from(text)));
    assert_false(key_fits(&one, slice_from(others)));
    for (size_t i = 0; i < KEY_TEXT_BYTES - 1; i++) {
        const char was = text[i];

        text[i] = was == 'q' ? 'z' : 'q';
        assert_false(key_fits(&one, slice_from(text)));
        text[i] = was;
    }
    assert_null(memmem(&one, sizeof one, text + 13, 8)); /* nothing of the secret is kept */
}

static void refuses_what_is_no_key(void **state)
{
    struct key key = {0};
    char text[KEY_TEXT_BYTES + 4], id[KEY_ID_BYTES] = "before";
    static const struct {
        size_t at;
        char is;
    } rows[] = {{0, 'G'}, {3, '-'}, {4, 'l'}, {11, 'U'}, {12, '-'}, {13, 'i'}, {64, 'o'}, {30, '\0'}, {30, '\x80'}};

    (void)state;
    for (size_t i = 0; i < COUNT_OF(rows); i++) {
        key_make(&key, text);
        text[rows[i].at] = rows[i].is;
        assert_false(key_read_id(id, (struct slice){text, KEY_TEXT_BYTES - 1}));
    }
    key_make(&key, text);
    assert_false(key_read_id(id, (struct slice){text, KEY_TEXT_BYTES - 2}));
    assert_false(key_read_id(id, (struct slice){text, KEY_TEXT_BYTES}));
    assert_false(key_read_id(id, (struct slice){"", 0}));
    assert_string_equal(id, "before");
    assert_false(key_is_id(slice_from("0123456u")));
    assert_false(key_is_id(slice_from("0123456")));
    assert_true(key_is_id(slice_from("0123456z")));
}

static void scopes_are_a_closed_list(void **state)
{
    static const struct {
        const char *text, *written;
    } rows[] = {{"run", "run"},
                {"judge,run", "run,judge"},
                {" metrics  submissions ", "submissions,metrics"},
                {"run,run", "run"}};
    static const char *const bad[] = {"", " ", ",", "runs", "run,admin", "RUN", "run;judge"};
    uint32_t scopes = 77;

    (void)state;
    for (size_t i = 0; i < COUNT_OF(bad); i++)
        assert_false(key_read_scopes(&scopes, bad[i]));
    assert_int_equal(scopes, 77);
    for (size_t i = 0; i < COUNT_OF(rows); i++) {
        char text[KEY_SCOPES_TEXT_BYTES];

        assert_true(key_read_scopes(&scopes, rows[i].text));
        key_write_scopes(text, scopes, ',');
        assert_string_equal(text, rows[i].written);
    }
}

struct answer {
    int n;
    struct keys *keys;
};

static void on_keys(void *arg, struct keys *keys, const struct err *err)
{
    struct answer *answer = arg;

    assert_null(err);
    answer->n++;
    answer->keys = keys;
}

static struct keys *ask(struct store *store, uv_loop_t *loop, int64_t version)
{
    struct answer answer = {0};

    assert_int_equal(store_read_keys(store, version, on_keys, &answer, NULL), 0);
    assert_int_equal(answer.n, 0);
    while (answer.n == 0)
        (void)uv_run(loop, UV_RUN_ONCE);
    return answer.keys;
}

/* A store that serves, and a table beside it, as another process has it. */
static void changes_are_seen_and_only_those(void **state)
{
    char dir[] = "/tmp/test_key.XXXXXX", path[64], text[KEY_TEXT_BYTES];
    struct store *store = NULL;
    struct key_table *table = NULL;
    struct keys *keys;
    struct key key = {.scopes = KEY_SCOPE_RUN,
                      .weight = 7,
                      .rate = 100,
                      .max_running = 3,
                      .created_s = 1,
                      .expires_s = 2,
                      .name = "it's \"mine\""};
    struct err err = {0};
    uv_loop_t loop;
    int64_t version;

    (void)state;
    assert_non_null(mkdtemp(dir));
    assert_int_equal(uv_loop_init(&loop), 0);
    (void)snprintf(path, sizeof path, "%s/" STORE_FILE, dir);
    assert_true(key_table_open(&table, dir, &err) < 0); /* it makes none */
    assert_true(access(path, F_OK) < 0);
    assert_int_equal(store_new(&store, &loop, dir, &err), 0);
    assert_int_equal(key_table_open(&table, dir, &err), 0);
    keys = ask(store, &loop, 0);
    assert_int_equal(keys->n, 0);
    version = keys->version;
    keys_free(keys);
    assert_null(ask(store, &loop, version)); /* as it was */

    key_make(&key, text);
    assert_int_equal(key_table_add(table, &key, &err), 0);
    assert_true(key_table_add(table, &key, &err) < 0); /* the same id again */
    keys = ask(store, &loop, version);
    assert_int_equal(keys->n, 1);
    assert_memory_equal(&keys->at[0], &key, sizeof key);
    assert_true(key_fits(&keys->at[0], slice_from(text)));
    version = keys->version;
    keys_free(keys);

    assert_int_equal(key_table_revoke(table, "zzzzzzzz", 5, &err), KEY_E_NONE);
    assert_int_equal(key_table_revoke(table, key.id, 5, &err), 0);
    assert_int_equal(key_table_revoke(table, key.id, 9, &err), 0); /* again: it was then */
    keys = ask(store, &loop, version);
    assert_int_equal(keys->at[0].revoked_s, 5);
    version = keys->version;
    keys_free(keys);
    assert_int_equal(key_table_remove(table, key.id, &err), 0);
    assert_int_equal(key_table_remove(table, key.id, &err), KEY_E_NONE);
    keys = ask(store, &loop, version);
    assert_int_equal(keys->n, 0);
    keys_free(keys);

    key_table_close(table);
    store_free(store);
    (void)uv_run(&loop, UV_RUN_DEFAULT);
    assert_int_equal(uv_loop_close(&loop), 0);
    assert_int_equal(unlink(path), 0);
    assert_int_equal(rmdir(dir), 0); /* no -wal, no -shm */
}

static void a_missing_folder_is_told(void **state)
{
    struct key_table *table = NULL;
    struct err err = {0};

    (void)state;
    assert_true(key_table_open(&table, "/nonexistent", &err) < 0);
    assert_null(table);
    assert_non_null(strstr(err.msg, "glimpse serve"));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_key_fits_itself_only),          cmocka_unit_test(refuses_what_is_no_key),
        cmocka_unit_test(scopes_are_a_closed_list),        cmocka_unit_test(changes_are_seen_and_only_those),
        cmocka_unit_test(a_missing_folder_is_told),
    };

    return cmocka_run_group_tests_name("key", tests, NULL, NULL);
}
