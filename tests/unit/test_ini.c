/* ini: every kind of value, and every mistake with its file, line and remedy. */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>

#include <cmocka.h>

#include "base/fd.h"
#include "model/ini.h"

struct settings {
    char *text;
    struct strings words;
    bool flag;
    uint64_t count, bytes, time_ms, color;
    char custom[64];
};

static int set_custom(void *field, const char *text, bool more, struct err *err)
{
    char *custom = field;

    if (strcmp(text, "bad") == 0)
        return err_set(err, -EINVAL, "good would be right");
    (void)snprintf(custom + (more ? strlen(custom) : 0), 32, "<%s>", text);
    return 0;
}

static const char *const colors[] = {"red", "green", NULL};

#define KEY(in, field, kind) .section = in, .name = #field, .type = kind, .offset = offsetof(struct settings, field)

static const struct ini_key keys[] = {
    {KEY("", text, INI_STRING), .max = 20, .help = "some text"},
    {KEY("s", words, INI_WORDS), .max = 4},
    {KEY("s", flag, INI_BOOL)},
    {KEY("s", count, INI_UINT), .min = 1, .max = 10},
    {KEY("s", bytes, INI_BYTES), .min = 1024, .max = 1 << 30},
    {KEY("s", time_ms, INI_MS), .required = true, .help = "how long"},
    {KEY("s", color, INI_CHOICE), .choices = colors},
    {KEY("s", custom, INI_CUSTOM), .set = set_custom},
};

/* In a memfd: no files to clean up. *err then begins with its path. */
static int read_text(struct settings *ret, const char *text, char *path, size_t path_size, struct err *err)
{
    CLEANUP(closep) int fd = fd_memfd("ini");

    assert_true(fd >= 0);
    assert_int_equal(fd_write_all(fd, text, strlen(text)), 0);
    (void)snprintf(path, path_size, "/proc/self/fd/%d", fd);
    return ini_read(ret, path, keys, COUNT_OF(keys), err);
}

static void done(struct settings *settings)
{
    free(settings->text);
    strings_done(&settings->words);
}

static void reads_every_kind(void **state)
{
    CLEANUP(done) struct settings got = {.text = strdup("default"), .color = 7};
    struct err err = {0};
    char path[64];
    int r = read_text(&got,
                      "# a comment\n"
                      "text = one ; and a comment\n"
                      "  two\n"
                      "[s]\n"
                      "words = a \"b c\"\n"
                      "        'd \"e' ;\n"
                      "flag = yes\ncount = 10\nbytes = 64M\ntime_ms = 2m\ncolor = green\n"
                      "custom = x\n y\n",
                      path, sizeof path, &err);

    (void)state;
    assert_string_equal(err.msg, "");
    assert_int_equal(r, 0);
    assert_string_equal(got.text, "one\ntwo");
    assert_int_equal(got.words.n, 4);
    assert_string_equal(got.words.at[1], "b c");
    assert_string_equal(got.words.at[2], "d \"e");
    assert_string_equal(got.words.at[3], ";");
    assert_true(got.flag);
    assert_int_equal(got.count, 10);
    assert_int_equal(got.bytes, 64 << 20);
    assert_int_equal(got.time_ms, 120000);
    assert_int_equal(got.color, 1);
    assert_string_equal(got.custom, "<x><y>");
}

static void leaves_what_is_not_given(void **state)
{
    CLEANUP(done) struct settings got = {.text = strdup("default"), .count = 5};
    struct err err = {0};
    char path[64];

    (void)state;
    assert_int_equal(read_text(&got, "[s]\ntime_ms = 1\n", path, sizeof path, &err), 0);
    assert_string_equal(got.text, "default");
    assert_int_equal(got.count, 5);
}

static void says_what_is_wrong_and_where(void **state)
{
    static const struct {
        const char *text, *says; /* says: after the path */
    } cases[] = {
        {"[s]\ncount = 11\n", ":2: count: \"11\" is not a whole number from 1 to 10"},
        {"[s]\ncount = 0\n", ":2: count: \"0\" is not"},
        {"[s]\ncount = -1\n", ":2: count: \"-1\" is not"},
        {"[s]\ncount = 1K\n", ":2: count: \"1K\" is not"},
        {"[s]\ncount = 99999999999999999999\n", ":2: count: \"99999999999999999999\" is not"},
        {"[s]\ncount =\n", ":2: count: \"\" is not"},
        {"[s]\nbytes = 2G\n", ":2: bytes: \"2G\" is not a size like 64M from 1K to 1G"},
        {"[s]\nbytes = 17179869184G\n", ":2: bytes: \"17179869184G\" is not"},
        {"[s]\ntime_ms = 10 s\n", ":2: time_ms: \"10 s\" is not a time like 10s or 500ms"},
        {"[s]\nflag = true\n", ":2: flag: \"true\" is neither yes nor no"},
        {"[s]\ncolor = blue\n", ":2: color: \"blue\" is none of: red, green"},
        {"[s]\ncustom = bad\n", ":2: custom: good would be right"},
        {"[s]\nwords = \"a\n", ":2: words: a word begins with \""},
        {"[s]\nwords = \"a\"b\n", ":2: words: a blank must follow"},
        {"[s]\nwords = a b c\n d e\n", ":3: words: has more than 4 words"},
        {"text = 123456789012345678901\n", ":1: text: has more than 20 bytes"},
        {"[s]\ncount = 1\n 2\n", ":3: count: takes one line"},
        {"[s]\ncount = 1\n\n\ncount = 1\n", ":5: count is given twice, first in line 2"},
        {"count = 1\n", ":1: count does not belong in [] but in [s]"},
        {"[s]\nnone = 1\n", ":2: there is no key none in section [s]"},
        {"[s]\nflag = yes\nwhat is this\n", ":3: this is neither"},
        {"[s]\nflag = yes\n", ": section [s] lacks `time_ms = ...` (how long)"},
        {"text = "
         "xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx"
         "xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx\n",
         ":1: the line is longer than 198 bytes"},
    };

    (void)state;
    for (size_t i = 0; i < COUNT_OF(cases); i++) {
        CLEANUP(done) struct settings got = {0};
        struct err err = {0};
        char path[64];
        int r = read_text(&got, cases[i].text, path, sizeof path, &err);

        if (r >= 0 || r != err.code || strncmp(err.msg, path, strlen(path)) != 0 ||
            strncmp(err.msg + strlen(path), cases[i].says, strlen(cases[i].says)) != 0)
            fail_msg("case %zu: %d \"%s\" does not say \"%s\"", i, r, err.msg, cases[i].says);
    }
}

static void refuses_nul_and_missing_files(void **state)
{
    CLEANUP(closep) int fd = fd_memfd("ini");
    CLEANUP(done) struct settings got = {0};
    struct err err = {0};
    char path[64];

    (void)state;
    assert_int_equal(fd_write_all(fd, "text = a\0b\n", 11), 0);
    (void)snprintf(path, sizeof path, "/proc/self/fd/%d", fd);
    assert_int_equal(ini_read(&got, path, keys, COUNT_OF(keys), &err), -EINVAL);
    assert_non_null(strstr(err.msg, ":1: a NUL byte"));
    assert_int_equal(ini_read(&got, "/nonexistent.ini", keys, COUNT_OF(keys), &err), -ENOENT);
    assert_non_null(strstr(err.msg, "/nonexistent.ini"));
}

static void keeps_the_old_value_of_a_bad_number(void **state)
{
    uint64_t value = 42;
    struct err err = {0};

    (void)state;
    assert_int_equal(ini_number(&value, INI_BYTES, 1, 100, "1K", &err), -EINVAL);
    assert_int_equal(value, 42);
    assert_int_equal(ini_number(&value, INI_BYTES, 1, 0, "16GiB", &err), 0);
    assert_int_equal(value, UINT64_C(16) << 30);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(reads_every_kind),
        cmocka_unit_test(leaves_what_is_not_given),
        cmocka_unit_test(says_what_is_wrong_and_where),
        cmocka_unit_test(refuses_nul_and_missing_files),
        cmocka_unit_test(keeps_the_old_value_of_a_bad_number),
    };

    return cmocka_run_group_tests_name("ini", tests, NULL, NULL);
}
