/* What holds for language files: those that ship, and those that are refused. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>
#include <errno.h>

#include "languages/languages.h"
#include "languages_dir.h"

static struct languages_dir dir;

static int make_dir(void **state)
{
    (void)state;
    languages_dir_init(&dir);
    languages_dir_write(&dir, "x/hello.x", "echo hello\n");
    languages_dir_write(&dir, "x/language.ini", SMALL_LANGUAGE);
    return 0;
}

static int remove_dir(void **state)
{
    (void)state;
    languages_dir_done(&dir);
    return 0;
}

/* meson runs tests in the build folder and compiles them by their path from there. */
static void shipped_dir(char *path, size_t size)
{
    (void)snprintf(path, size, "%s", __FILE__);
    *strrchr(path, '/') = '\0';
    assert_true(snprintf(path + strlen(path), size - strlen(path), "/../../languages") > 0);
}

static void the_shipped_languages_load(void **state)
{
    static const char *const ids[] = {"bash", "c",    "cpp", "go",     "java", "javascript", "kotlin",
                                      "lua",  "perl", "php", "python", "r",    "ruby",       "typescript"};
    static const struct { const char *name, *id; } names[] = {
        /* what the services that Glimpse replaces call them */
        {"py", "python"},   {"js", "javascript"},     {"cpp", "cpp"}, {"c", "c"},      {"kt", "kotlin"}, {"go", "go"},
        {"java", "java"},   {"nodejs", "javascript"}, {"c++", "cpp"}, {"golang", "go"}, {"PYTHON3", "python"},
        {"ts", "typescript"}, {"rb", "ruby"},         {"sh", "bash"},  {"php", "php"},  {"pl", "perl"},
        {"lua", "lua"},     {"R", "r"},
    };
    struct languages languages = {0};
    struct err err = {0};
    char path[512];

    (void)state;
    shipped_dir(path, sizeof path);
    if (languages_load(&languages, path, &err) < 0)
        fail_msg("%s", err.msg);
    assert_int_equal(languages.n, COUNT_OF(ids));
    for (size_t i = 0; i < COUNT_OF(ids); i++) {
        const struct language *language = &languages.at[i];

        assert_string_equal(language->id, ids[i]);
        assert_non_null(strstr(language->hello, "Hello, world!"));
        assert_true(language_has_suffix(language, language->main_name));
        assert_false(language->available); /* until it is probed */
        assert_true(language->stages[STAGE_RUN].defaults.wall_time_ms >= 10000);
        assert_true(language->stages[STAGE_RUN].max.wall_time_ms >= 30000); /* /run-code-pool */
        if (language->stages[STAGE_COMPILE].present)
            assert_true(language->stages[STAGE_COMPILE].collect.n > 0);
    }
    for (size_t i = 0; i < COUNT_OF(names); i++)
        assert_string_equal(languages_find(&languages, names[i].name)->id, names[i].id);
    languages_done(&languages);
}

static void defaults_fill_what_a_file_leaves_out(void **state)
{
    struct languages languages = {0};
    struct err err = {0};

    (void)state;
    languages_dir_write(&dir, "x/language.ini",
                        SMALL_LANGUAGE "wall_time = 3s\nmemory = 64M\n[run.max]\nprocesses = 200\n");
    assert_int_equal(languages_load(&languages, dir.path, &err), 0);
    assert_int_equal(languages.n, 1);
    assert_false(languages.at[0].stages[STAGE_COMPILE].present);
    assert_true(languages.at[0].stages[STAGE_RUN].present);
    assert_int_equal(languages.at[0].stages[STAGE_RUN].defaults.wall_time_ms, 3000);
    assert_int_equal(languages.at[0].stages[STAGE_RUN].defaults.memory_bytes, 64 << 20);
    assert_int_equal(languages.at[0].stages[STAGE_RUN].defaults.cpu_time_ms, 10000);
    assert_int_equal(languages.at[0].stages[STAGE_RUN].max.processes, 200);
    assert_string_equal(languages.at[0].hello, "echo hello\n");
    assert_string_equal(languages.dir, dir.path);
    languages_done(&languages);
}

static void refuses(const char *file, const char *says)
{
    struct languages languages = {0};
    struct err err = {0};

    languages_dir_write(&dir, "x/language.ini", file);
    if (languages_load(&languages, dir.path, &err) == 0)
        fail_msg("taken, although: %s", says);
    if (strstr(err.msg, says) == NULL || strstr(err.msg, "x/language.ini") == NULL)
        fail_msg("\"%s\" does not say \"%s\" with the file's name", err.msg, says);
    assert_int_equal(languages.n, 0);
    assert_null(languages.dir);
}

static void refuses_bad_files(void **state)
{
    /* clang-format off */
    static const struct { const char *from, *to, *says; } cases[] = { /* SMALL_LANGUAGE with one thing changed */
        {"name = X\n",          "",                            "lacks `name"},
        {"name = X\n",          "name = X\ncolour = red\n",    "language.ini:3: there is no key colour"},
        {"name = X\n",          "name = X\nname = Y\n",        "language.ini:3: name is given twice"},
        {"name = X\n",          "name = X\naliases = a/b\n",   "\"a/b\" is no id of a language"},
        {"suffixes = .x\n",     "suffixes = x\n",              "does not begin with '.'"},
        {"suffixes = .x\n",     "suffixes =\n",                "suffixes"},
        {"main = main.x\n",     "main = ../main.x\n",          "main"},
        {"hello = hello.x\n",   "hello = ../x/hello.x\n",      "the same folder"},
        {"hello = hello.x\n",   "hello = none.x\n",            "hello = none.x: No such file"},
        {"needs = /bin/sh\n",   "needs = bin/sh\n",            "needs: \"bin/sh\" is not an absolute path"},
        {"needs = /bin/sh\n",   "needs = /bin/sh\nbinds = /etc/../a\n", "binds: \"/etc/../a\" is not an absolute path"},
        {"version_command = /bin/sh --version\n", "version_command = sh --version\n", "version_command"},
        {"([0-9.]+)",           "[0-9.]+",                     "version_pattern has no (group)"},
        {"([0-9.]+)",           "([0-9.]+",                    "version_pattern is not a POSIX extended"},
        {"main = main.x\n",     "main = main.x\nname_pattern = (x)\n", "name_template belong together"},
        {"main = main.x\n",     "main = main.x\nname_pattern = (x)\nname_template = {2}.x\n", "has 1 groups"},
        {"main = main.x\n",     "main = main.x\nname_pattern = (x)\nname_template = y.x\n", "needs {1}"},
        {"command = /bin/sh {main} {args}\n", "",              "[run] lacks `command"},
        {"/bin/sh {main}",      "sh {main}",                   "[run]: command: \"sh\" is not an absolute path"},
        {"{main}",              "{file}",                      "there is no placeholder {file}"},
        {"{main}",              "{memory_mib*0%}",             "percentage from 1% to 100%"},
        {"{main}",              "-x{args}",                    "there is no placeholder {args}"},
        {"{main}",              "{main",                       "a single '{'"},
        {"/bin/sh {main} {args}\n", "{args}\n",                "is not an absolute path"},
        {"{args}\n",            "{args}\nenv = X\n",           "\"X\" is not NAME=VALUE"},
        {"{args}\n",            "{args}\nwall_time = 10 s\n",  "wall_time: \"10 s\" is not a time"},
        {"{args}\n",            "{args}\nwall_time = 1ms\n",   "wall_time_ms is 1, allowed are 10 to"},
        {"{args}\n",            "{args}\nmemory = 4G\n",       "the default of memory_bytes is above its maximum"},
        {"{args}\n",            "{args}\n[run.max]\nmemory = 999G\n", "[run]: max: memory_bytes"},
        {"{args}\n",            "{args}\ncollect = a\n",       "collect does not belong in [run] but in [compile]"},
        {"{args}\n",            "{args}\nout_of_memory = no\n", "could be in any output"},
        {"{args}\n",            "{args}\n[compile]\nenv = A=b\n", "[compile]: there is env"},
        {"{args}\n",            "{args}\n[compile]\ncommand = /bin/true\ncollect = ../a\n", "collect"},
        {"{args}\n",            "{args}\n[warm]\nscript = a\n", "[warm]: warmth has no command"},
        {"{args}\n",            "{args}\n[warm]\ncostly = yes\n", "[warm]: warmth has no command"},
        {"{args}\n",            "{args}\n[warm]\ncostly = perhaps\n", "costly"},
        {"{args}\n",            "{args}\n[warm]\ncommand = /bin/sh a\nfolders = ../b\n", "[warm]"},
        {"{args}\n",            "{args}\n[compile.warm]\ncommand = /bin/sh a\n", "[compile.warm]: command: as that of [compile]"},
        {"{args}\n",            "{args}\n[warm]\ncommand = /bin/bash main.x\n", "\"/bin/bash\" is not what [run] has"},
        {"{args}\n",            "{args}\n[warm]\ncommand = /bin/sh\n", "as far as the script's name"},
        {"{args}\n",            "{args}\n[warm]\ncommand = /bin/sh ../main.x\n", "[warm]"},
        {"{args}\n",            "{args}\n[warm]\ncommand = /bin/sh main.x\nscript = ../a\n", "[warm]"},
        {"{args}\n",            "{args}\n[warm]\ncommand = /bin/sh {nonsense}\n", "[warm]"},
    };
    /* clang-format on */
    (void)state;
    for (size_t i = 0; i < COUNT_OF(cases); i++) {
        const char *at = strstr(SMALL_LANGUAGE, cases[i].from);
        char *text = NULL;

        assert_non_null(at);
        assert_true(asprintf(&text, "%.*s%s%s", (int)(at - SMALL_LANGUAGE), SMALL_LANGUAGE, cases[i].to,
                             at + strlen(cases[i].from)) > 0);
        refuses(text, cases[i].says);
        free(text);
    }
}

static void refuses_clashes(void **state)
{
    static const struct { const char *id, *aliases, *suffixes, *says; } cases[] = {
        {"y", "x", ".y", "the alias \"x\" also means x"},
        {"y", "z", ".x .y", "the suffix .x also means"},
        {"Y", "z", ".y", "\"Y\" is no id of a language"},
    };

    (void)state;
    for (size_t i = 0; i < COUNT_OF(cases); i++) {
        struct languages languages = {0};
        struct err err = {0};
        char name[64], text[1024];

        languages_dir_done(&dir);
        (void)make_dir(NULL);
        (void)snprintf(name, sizeof name, "%s/hello.x", cases[i].id);
        languages_dir_write(&dir, name, "echo\n");
        (void)snprintf(name, sizeof name, "%s/language.ini", cases[i].id);
        (void)snprintf(text, sizeof text,
                       "[language]\naliases = %s\nsuffixes = %s\nname = Y\nmain = m.y\nhello = hello.x\n"
                       "needs = /bin/sh\npackage = x\nversion_command = /bin/sh\nversion_pattern = (.)\n"
                       "[run]\ncommand = /bin/sh\n",
                       cases[i].aliases, cases[i].suffixes);
        languages_dir_write(&dir, name, text);
        assert_true(languages_load(&languages, dir.path, &err) < 0);
        if (strstr(err.msg, cases[i].says) == NULL)
            fail_msg("\"%s\" does not say \"%s\"", err.msg, cases[i].says);
    }
}

static void passes_over_what_is_no_language(void **state)
{
    struct languages languages = {0};
    struct err err = {0};

    (void)state;
    languages_dir_write(&dir, "README", "text");
    languages_dir_write(&dir, "_draft/language.ini", "nonsense");
    languages_dir_write(&dir, ".git/config", "nonsense");
    assert_int_equal(languages_load(&languages, dir.path, &err), 0);
    assert_int_equal(languages.n, 1);
    languages_done(&languages);
    assert_true(languages_load(&languages, "/nonexistent", &err) < 0);
    assert_non_null(strstr(err.msg, "/nonexistent"));
}

static void owner_check_refuses(const char *says)
{
    struct err err = {0};

    if (languages_check_owner(dir.path, &err) == 0)
        fail_msg("taken, although: %s", says);
    if (strstr(err.msg, says) == NULL)
        fail_msg("\"%s\" does not say \"%s\"", err.msg, says);
}

static void files_that_others_can_write_are_refused(void **state)
{
    char path[256], link[256];
    struct err err = {0};

    (void)state;
    if (languages_check_owner(dir.path, &err) < 0)
        fail_msg("%s", err.msg);
    (void)snprintf(path, sizeof path, "%s/x/language.ini", dir.path);
    assert_int_equal(chmod(path, 0646), 0);
    owner_check_refuses("x/language.ini can be written by others than its owner");
    assert_int_equal(chmod(path, 0644), 0);

    assert_int_equal(chmod(dir.path, 0777), 0);
    owner_check_refuses("can be written by others");
    assert_int_equal(chmod(dir.path, 0755), 0);

    (void)snprintf(link, sizeof link, "%s/y", dir.path);
    assert_int_equal(symlink("x", link), 0);
    owner_check_refuses("is a symbolic link");
    assert_int_equal(unlink(link), 0);

    if (getuid() == 0) { /* nobody else can give files away */
        assert_int_equal(chown(path, 65534, 65534), 0);
        owner_check_refuses("belongs to uid 65534");
        assert_int_equal(chown(path, 0, 65534), 0);
        assert_int_equal(chmod(path, 0664), 0);
        owner_check_refuses("can be written by others");
        assert_int_equal(chown(path, 0, 0), 0); /* what tar makes of a release, say: root's group is root */
        assert_int_equal(languages_check_owner(dir.path, &err), 0);
        assert_int_equal(chmod(path, 0644), 0);
    }
    assert_int_equal(languages_check_owner(dir.path, &err), 0);
}

static void probes_tell_what_is_there(void **state)
{
    /* clang-format off */
    static const struct { const char *from, *to, *unavailable, *version; } cases[] = {
        {"/bin/sh --version", "/bin/echo X 4.5.6 on stdout", NULL, "4.5.6"},
        {"/bin/sh --version", "/bin/sh -c 'echo X 7.8 >&2; yes | head -c 99999'", NULL, "7.8"},
        {"/bin/sh --version", "/bin/echo none", "/bin/echo does not say its version; install x", NULL},
        {"/bin/sh --version", "/bin/false 1.2", "/bin/false fails; install x", NULL},
        {"/bin/sh --version", "/nonexistent/tool", "/nonexistent/tool No such file or directory; install x", NULL},
        {"needs = /bin/sh",   "needs = /bin/sh /nonexistent/tool", "/nonexistent/tool is missing; install x", NULL},
        {"needs = /bin/sh",   "needs = /opt/glimpse/toolchains/x/a", "/elsewhere/x/a is missing; install x", NULL},
    };
    /* clang-format on */

    (void)state;
    for (size_t i = 0; i < COUNT_OF(cases); i++) {
        const char *at = strstr(SMALL_LANGUAGE, cases[i].from);
        struct languages languages = {0};
        struct err err = {0};
        char text[1024];

        assert_non_null(at);
        (void)snprintf(text, sizeof text, "%.*s%s%s", (int)(at - SMALL_LANGUAGE), SMALL_LANGUAGE, cases[i].to,
                       at + strlen(cases[i].from));
        languages_dir_write(&dir, "x/language.ini", text);
        assert_int_equal(languages_load(&languages, dir.path, &err), 0);
        languages_probe(&languages, "/elsewhere");
        languages_probe(&languages, "/elsewhere"); /* again: nothing leaks, nothing stays */
        assert_int_equal(languages.at[0].available, cases[i].unavailable == NULL);
        if (cases[i].unavailable != NULL) {
            assert_string_equal(languages.at[0].unavailable, cases[i].unavailable);
            assert_null(languages.at[0].version);
        } else {
            assert_string_equal(languages.at[0].version, cases[i].version);
            assert_true(strlen(languages.at[0].version_text) <= 4096);
            assert_null(languages.at[0].unavailable);
        }
        languages_done(&languages);
    }
}

/* What one process reads and another parses is the same language. */
static void a_language_passes_as_text(void **state)
{
    CLEANUP(buf_done) struct buf ini;
    struct languages read = {0}, parsed = {0};
    struct language_text texts[2] = {0};
    struct err err = {0};
    char path[256];

    (void)state;
    shipped_dir(path, sizeof path);
    assert_int_equal(languages_load(&read, path, &err), 0);
    for (size_t i = 0; i < read.n; i++) {
        const struct language *a = &read.at[i], *b;

        buf_init(&ini, 65536);
        assert_int_equal(languages_read_text(&ini, path, a->id, &err), 0);
        texts[0] = (struct language_text){a->id, {buf_text(&ini), ini.len}, slice_from(a->hello)};
        assert_int_equal(languages_parse(&parsed, path, texts, 1, &err), 0);
        b = &parsed.at[0];
        assert_string_equal(a->id, b->id);
        assert_string_equal(a->name, b->name);
        assert_string_equal(a->hello, b->hello);
        assert_int_equal(a->needs.n, b->needs.n);
        assert_memory_equal(&a->stages[STAGE_RUN].max, &b->stages[STAGE_RUN].max, sizeof(struct limits));
        languages_done(&parsed);
        buf_done(&ini);
    }
    texts[0].ini = slice_from("[language]\nname = x\n");
    assert_int_equal(languages_parse(&parsed, path, texts, 1, &err), -EINVAL);
    assert_non_null(strstr(err.msg, "language.ini"));
    assert_int_equal(languages_parse(&parsed, path, texts, 0, &err), -EINVAL);
    assert_null(parsed.at);
    languages_done(&read);
}

static void a_fingerprint_changes_with_the_files(void **state)
{
    struct strings needs = {0};
    char folder[300], needed[300];
    uint64_t was;

    (void)state;
    (void)snprintf(folder, sizeof folder, "%s/x", dir.path);
    (void)snprintf(needed, sizeof needed, "%s/needed", dir.path);
    languages_dir_write(&dir, "x/language.ini", "a");
    assert_int_equal(strings_add(&needs, needed, strlen(needed)), 0);
    was = language_fingerprint(folder, &needs);
    assert_true(was == language_fingerprint(folder, &needs));
    languages_dir_write(&dir, "x/deep/script", "b");
    assert_true(was != language_fingerprint(folder, &needs));
    was = language_fingerprint(folder, &needs);
    languages_dir_write(&dir, "x/language.ini", "ab");
    assert_true(was != language_fingerprint(folder, &needs));
    was = language_fingerprint(folder, &needs);
    languages_dir_write(&dir, "needed", "c");
    assert_true(was != language_fingerprint(folder, &needs));
    strings_done(&needs);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_shipped_languages_load),
        cmocka_unit_test(a_language_passes_as_text),
        cmocka_unit_test_setup_teardown(a_fingerprint_changes_with_the_files, make_dir, remove_dir),
        cmocka_unit_test_setup_teardown(defaults_fill_what_a_file_leaves_out, make_dir, remove_dir),
        cmocka_unit_test_setup_teardown(refuses_bad_files, make_dir, remove_dir),
        cmocka_unit_test_setup_teardown(refuses_clashes, make_dir, remove_dir),
        cmocka_unit_test_setup_teardown(passes_over_what_is_no_language, make_dir, remove_dir),
        cmocka_unit_test_setup_teardown(files_that_others_can_write_are_refused, make_dir, remove_dir),
        cmocka_unit_test_setup_teardown(probes_tell_what_is_there, make_dir, remove_dir),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
