/* config: who wins over whom, and what depends on what. */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>

#include <cmocka.h>

#include "base/fd.h"
#include "model/config.h"

static void set(const char *name, const char *value)
{
    assert_int_equal(value != NULL ? setenv(name, value, 1) : unsetenv(name), 0);
}

static void last_one_wins(void **state)
{
    CLEANUP(closep) int fd = fd_memfd("config");
    struct config config;
    struct err err = {0};
    char path[64];

    (void)state;
    assert_int_equal(fd_write_all(fd, "max_running = 3\nmax_queued = 7\nlisten = [::1]:1\n", 48), 0);
    (void)snprintf(path, sizeof path, "/proc/self/fd/%d", fd);
    set("GLIMPSE_MAX_QUEUED", "8");
    set("GLIMPSE_LISTEN", "127.0.0.1:2");
    assert_int_equal(config_load_args(&config, &(struct config_args){.file = path, .listen = "127.0.0.1:3"}, &err), 0);
    set("GLIMPSE_MAX_QUEUED", NULL);
    set("GLIMPSE_LISTEN", NULL);
    assert_int_equal(config.max_running, 3);
    assert_int_equal(config.max_queued, 8);
    assert_string_equal(config.listen, "127.0.0.1:3");
    assert_int_equal(config.pool, 4);
    assert_int_equal(config.slots, 3 + 4 + 16 + 32); /* follows from the others */
    config_done(&config);
}

static void folders_are_absolute_and_follow_data(void **state)
{
    struct config config;
    struct err err = {0};

    (void)state;
    assert_int_equal(chdir("/usr"), 0);
    assert_int_equal(config_load_args(&config, &(struct config_args){.data_dir = "data"}, &err), 0);
    assert_string_equal(config.data_dir, "/usr/data");
    assert_string_equal(config.run_dir, "/usr/data/run");
    assert_string_equal(config.boxd_socket, "/usr/data/run/boxd.sock");
    config_done(&config);
}

static void refuses_and_names_the_source(void **state)
{
    static const struct {
        const char *name, *value, *says;
    } cases[] = {
        {"GLIMPSE_MAX_RUNNING", "0", "variable GLIMPSE_MAX_RUNNING: \"0\" is not a whole number from 1 to 1024"},
        {"GLIMPSE_UID_BASE", "1000", "from 65536"},
        {"GLIMPSE_LOG_LEVEL", "loud", "is none of: debug, info, warn, error"},
        {"GLIMPSE_LISTEN", "2358", "listen is \"2358\", ADDR:PORT is right"},
        {"GLIMPSE_LISTEN", "127.0.0.1:65536", "ADDR:PORT is right"},
        {"GLIMPSE_DATA_DIR", "", "a directory is the empty string"},
        {"GLIMPSE_RUN_DIR",
         "/12345678901234567890123456789012345678901234567890123456789012345678901234567890123456789012345678",
         "too long for a socket's name: 109 bytes with /boxd.sock, at most 107 fit"},
    };

    (void)state;
    for (size_t i = 0; i < COUNT_OF(cases); i++) {
        struct config config = {.max_running = 77};
        struct err err = {0};

        set(cases[i].name, cases[i].value);
        if (config_load(&config, NULL, &err) >= 0 || strstr(err.msg, cases[i].says) == NULL)
            fail_msg("case %zu: \"%s\" does not say \"%s\"", i, err.msg, cases[i].says);
        set(cases[i].name, NULL);
        assert_int_equal(config.max_running, 77); /* untouched */
    }
}

static void every_key_has_help(void **state)
{
    (void)state;
    assert_true(config_n_keys > 10);
    for (size_t i = 0; i < config_n_keys; i++)
        assert_true(config_keys[i].help != NULL && strlen(config_keys[i].help) > 10);
}

static void programs_are_found_beside_the_executable(void **state)
{
    CLEANUP(freep) char *path = NULL;
    struct err err = {0};

    (void)state;
    assert_int_equal(config_find_program(&path, "test_config", &err), 0);
    assert_int_equal(access(path, X_OK), 0);
    assert_int_equal(config_find_program(&path, "no-such-program", &err), -ENOENT);
    assert_non_null(strstr(err.msg, "no-such-program is neither in "));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(last_one_wins),
        cmocka_unit_test(folders_are_absolute_and_follow_data),
        cmocka_unit_test(refuses_and_names_the_source),
        cmocka_unit_test(every_key_has_help),
        cmocka_unit_test(programs_are_found_beside_the_executable),
    };

    return cmocka_run_group_tests_name("config", tests, NULL, NULL);
}
