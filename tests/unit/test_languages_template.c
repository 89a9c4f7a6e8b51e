/* What holds for a language's names, versions and command templates. */
#include <errno.h>
#include <regex.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "languages/languages.h"

/* Lives as long as the block that it is in. */
#define WORDS(...)                                                                                 \
    (struct strings)                                                                               \
    {                                                                                              \
        .at = (char *[]){__VA_ARGS__}, .n = sizeof((char *[]){__VA_ARGS__}) / sizeof(char *)       \
    }

static char x_name[] = "X", x_main[] = "main.x", x_suffix[] = ".x", x_suffix_2[] = ".tar.x";

static char *x_suffixes[] = {x_suffix, x_suffix_2};

static struct language small_language(void)
{
    return (struct language){
        .id = "x", .name = x_name, .main_name = x_main, .suffixes = {.at = x_suffixes, .n = COUNT_OF(x_suffixes)}};
}

static const struct limits limits = {.wall_time_ms = 10500, .cpu_time_ms = 3000, .memory_bytes = 256 << 20,
                                     .processes = 64,       .output_bytes = 1,   .file_bytes = 1,
                                     .box_bytes = 1,        .open_files = 512};

static void words_are_filled(void **state)
{
    static const struct { const char *word, *file, *becomes; } cases[] = {
        {"plain", "main.x", "plain"},
        {"", "main.x", ""},
        {"{main}", "src/a.b.x", "src/a.b.x"},
        {"{stem}", "src/a.b.x", "src/a.b"},
        {"{stem}", "v1.0/tool", "v1.0/tool"},
        {"{stem}", "a/.profile", "a/.profile"},
        {"-o{stem}.out", "main.x", "-omain.out"},
        {"{dir}/run", "main.x", "/opt/glimpse/languages/x/run"},
        {"-Xmx{memory_mib*60%}m", "main.x", "-Xmx153m"},
        {"{memory_bytes}", "main.x", "268435456"},
        {"{memory_bytes*50%}", "main.x", "134217728"},
        {"{memory_mib*100%}", "main.x", "256"},
        {"{processes*1%}", "main.x", "1"}, /* at least 1 */
        {"{processes}/{open_files}", "main.x", "64/512"},
        {"{wall_time_s}-{cpu_time_s}", "main.x", "10-3"},
        {"{{{main}}}", "main.x", "{main.x}"},
        {"{{args}}", "main.x", "{args}"},
    };

    (void)state;
    for (size_t i = 0; i < COUNT_OF(cases); i++) {
        struct job_file file = {.name = (char *)(uintptr_t)cases[i].file};
        const struct job job = {.files = &file, .n_files = 1};
        struct language language = small_language();
        CLEANUP(strings_done) struct strings got = {0};
        struct err err = {0};

        language.stages[STAGE_RUN].command = WORDS((char *)(uintptr_t)cases[i].word);
        if (language_command(&got, &language, STAGE_RUN, &job, &limits, &err) < 0)
            fail_msg("%s: %s", cases[i].word, err.msg);
        assert_int_equal(got.n, 1);
        assert_string_equal(got.at[0], cases[i].becomes);
    }
}

static void bad_words_are_refused(void **state)
{
    static const char *const words[] = {
        "{", "}", "{}", "{main", "main}", "{Main}", "{ main}", "x{args}", "{sources}x", "{memory_mibs}",
        "{memory_mib%}", "{memory_mib*}", "{memory_mib*0%}", "{memory_mib*101%}", "{memory_mib*5}",
        "{memory_mib*-5%}", "{memory_mib*1000%}"};

    (void)state;
    for (size_t i = 0; i < COUNT_OF(words); i++) {
        struct job_file file = {.name = x_main};
        const struct job job = {.files = &file, .n_files = 1};
        struct language language = small_language();
        struct strings got = {0};
        struct err err = {0};

        language.stages[STAGE_RUN].env = WORDS((char *)(uintptr_t)words[i]);
        if (language_env(&got, &language, STAGE_RUN, &job, &limits, &err) == 0)
            fail_msg("%s is taken", words[i]);
        assert_int_equal(err.code, -EINVAL);
        assert_int_equal(got.n, 0);
    }
}

static void sources_and_args_become_words(void **state)
{
    char command[] = "/bin/x", sources[] = "{sources}", args[] = "{args}";
    struct job_file files[] = {{.name = (char[]){"b.x"}},
                               {.name = (char[]){"data.txt"}},
                               {.name = (char[]){"lib/a.tar.x"}},
                               {.name = (char[]){".x"}}};
    char *values[] = {(char[]){"a b"}, (char[]){""}, (char[]){"{main}"}};
    const struct job job = {.files = files, .n_files = COUNT_OF(files), .args = values, .n_args = COUNT_OF(values)};
    static const char *const expected[] = {"/bin/x", "b.x", "lib/a.tar.x", "a b", "", "{main}"};
    struct language language = small_language();
    CLEANUP(strings_done) struct strings got = {0};
    struct err err = {0};

    (void)state;
    language.stages[STAGE_COMPILE].command = WORDS(command, sources, args);
    assert_int_equal(language_command(&got, &language, STAGE_COMPILE, &job, &limits, &err), 0);
    assert_int_equal(got.n, COUNT_OF(expected));
    for (size_t i = 0; i < got.n; i++)
        assert_string_equal(got.at[i], expected[i]);
}

static void without_a_suffix_that_fits_the_main_file_is_the_source(void **state)
{
    char command[] = "/bin/x", sources[] = "{sources}";
    struct job_file files[] = {{.name = (char[]){"prog.txt"}}, {.name = (char[]){"data.txt"}}};
    const struct job job = {.files = files, .n_files = COUNT_OF(files)};
    struct language language = small_language();
    CLEANUP(strings_done) struct strings got = {0};
    struct err err = {0};

    (void)state;
    language.stages[STAGE_COMPILE].command = WORDS(command, sources);
    assert_int_equal(language_command(&got, &language, STAGE_COMPILE, &job, &limits, &err), 0);
    assert_int_equal(got.n, 2);
    assert_string_equal(got.at[1], "prog.txt");
}

static void versions_match_by_whole_numbers(void **state)
{
    static const struct { const char *has, *wanted; bool fits; } cases[] = {
        {"3.11.2", NULL, true},   {"3.11.2", "*", true},       {"3.11.2", "3", true},    {"3.11.2", "3.11", true},
        {"3.11.2", "3.11.2", true}, {"3.11.2", "3.1", false},  {"3.11.2", "3.11.", false}, {"3.11.2", "", false},
        {"3.11.2", "3.11.2.1", false}, {"3.11.2", "4", false}, {NULL, "3", false},       {NULL, NULL, true},
    };

    (void)state;
    for (size_t i = 0; i < COUNT_OF(cases); i++) {
        struct language language = small_language();

        language.version = (char *)(uintptr_t)cases[i].has;
        assert_int_equal(language_has_version(&language, cases[i].wanted), cases[i].fits);
    }
}

static void suffixes_choose_the_longest(void **state)
{
    char tar[] = ".x";
    struct language at[] = {small_language(), small_language()};
    const struct languages languages = {.at = at, .n = 2};

    (void)state;
    at[0].suffixes = WORDS(tar);
    at[1].suffixes = WORDS(x_suffix_2);
    assert_ptr_equal(languages_find_by_file(&languages, "a/b.x"), &at[0]);
    assert_ptr_equal(languages_find_by_file(&languages, "a/b.tar.x"), &at[1]);
    assert_null(languages_find_by_file(&languages, "a/b.y"));
    assert_null(languages_find_by_file(&languages, "a/.x"));
    assert_null(languages_find_by_file(&languages, ""));
}

static void a_name_is_found_in_the_source(void **state)
{
    static const struct { const char *source; size_t len; const char *name; } cases[] = {
        {"public class Foo {", SIZE_MAX, "Foo.java"},
        {"x\n public  class Foo{", SIZE_MAX, "Foo.java"},
        {"class Foo {", SIZE_MAX, "main.x"},
        {"public class ../Foo {", SIZE_MAX, "main.x"}, /* no path is made of it */
        {"public class -x {", SIZE_MAX, "main.x"},
        {"public class Foo {", 13, "main.x"},
        {"", SIZE_MAX, "main.x"},
        {"\0public class Foo {", 19, "main.x"},
    };
    struct language language = small_language();
    char name_template[] = "{1}.java";
    regex_t pattern;

    (void)state;
    assert_int_equal(regcomp(&pattern, "^ *public +class +([^ {]+)", REG_EXTENDED | REG_NEWLINE), 0);
    language.name_pattern = &pattern;
    language.name_template = name_template;
    for (size_t i = 0; i < COUNT_OF(cases); i++) {
        size_t len = cases[i].len == SIZE_MAX ? strlen(cases[i].source) : cases[i].len;
        CLEANUP(freep) char *name = language_main_name(&language, (struct slice){.at = cases[i].source, .len = len});

        assert_string_equal(name, cases[i].name);
    }
    regfree(&pattern);
}

static void only_the_end_of_stderr_tells_of_memory(void **state)
{
    char text[] = "heap is full";
    struct language language = small_language();
    static char output[LANGUAGE_SCAN_BYTES + 100];

    (void)state;
    assert_false(language_says_out_of_memory(&language, STAGE_RUN, slice_from("heap is full")));
    language.stages[STAGE_RUN].out_of_memory = WORDS(text);
    assert_true(language_says_out_of_memory(&language, STAGE_RUN, slice_from("x: heap is full\n")));
    assert_false(language_says_out_of_memory(&language, STAGE_RUN, slice_from("x: heap is ful")));
    assert_false(language_says_out_of_memory(&language, STAGE_RUN, (struct slice){0}));
    memcpy(output, text, sizeof text - 1);
    assert_false(language_says_out_of_memory(&language, STAGE_RUN, (struct slice){.at = output, .len = sizeof output}));
}

static void some_variables_want_a_fresh_interpreter(void **state)
{
    char word[] = "/bin/x", lang[] = "LANG", x[] = "X_";
    char plain[] = "A=LANG", exact[] = "LANG=C", longer[] = "LANGUAGE=de", prefixed[] = "X_1=", shorter[] = "X=_";
    struct language language = small_language();
    struct { char *pair; bool warm; } cases[] = {
        {plain, true}, {exact, false}, {longer, false}, {prefixed, false}, {shorter, true}};
    const struct limits usual = *languages_usual_limits(STAGE_RUN);

    (void)state;
    assert_false(language_runs_warm(&language, STAGE_RUN, &(struct job){0}, &usual));
    language.stages[STAGE_RUN].warm.command = WORDS(word, word);
    language.stages[STAGE_RUN].warm.cold_env = WORDS(lang, x);
    assert_true(language_runs_warm(&language, STAGE_RUN, &(struct job){0}, &usual));
    for (size_t i = 0; i < COUNT_OF(cases); i++)
        assert_int_equal(
            language_runs_warm(&language, STAGE_RUN, &(struct job){.env = &cases[i].pair, .n_env = 1}, &usual),
            cases[i].warm);
    /* A compiler sees none of them. */
    language.stages[STAGE_COMPILE].warm = language.stages[STAGE_RUN].warm;
    assert_true(
        language_runs_warm(&language, STAGE_COMPILE, &(struct job){.env = &cases[1].pair, .n_env = 1}, &usual));
}

static void limits_in_its_words_are_the_interpreters(void **state)
{
    char word[] = "-Xmx{memory_mib*50%}m", dir[] = "{dir}/x", name[] = "Wait", file[] = "{main}", args[] = "{args}";
    struct language language = small_language();
    struct language_stage *run = &language.stages[STAGE_RUN];
    CLEANUP(strings_done) struct strings filled = {0};
    struct limits other;
    struct err err = {0};

    (void)state;
    run->defaults = *languages_usual_limits(STAGE_RUN);
    run->warm = (struct language_warm){.command = WORDS(word, dir, name)};
    assert_int_equal(language_warm_command(&filled, &language, STAGE_RUN, &run->defaults, &err), 0);
    assert_string_equal(filled.at[0], "-Xmx128m");
    assert_string_equal(filled.at[1], LANGUAGES_BOX_DIR "/x/x");
    assert_true(language_runs_warm(&language, STAGE_RUN, &(struct job){0}, &run->defaults));
    other = run->defaults;
    other.wall_time_ms *= 2; /* is in none of its words */
    assert_true(language_runs_warm(&language, STAGE_RUN, &(struct job){0}, &other));
    other.memory_bytes *= 2;
    assert_false(language_runs_warm(&language, STAGE_RUN, &(struct job){0}, &other));

    run->warm.command = WORDS(file, name);
    assert_int_equal(language_warm_command(&filled, &language, STAGE_RUN, &run->defaults, &err), -EINVAL);
    run->warm.command = WORDS(args, name);
    assert_int_equal(language_warm_command(&filled, &language, STAGE_RUN, &run->defaults, &err), -EINVAL);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(words_are_filled),
        cmocka_unit_test(bad_words_are_refused),
        cmocka_unit_test(sources_and_args_become_words),
        cmocka_unit_test(without_a_suffix_that_fits_the_main_file_is_the_source),
        cmocka_unit_test(versions_match_by_whole_numbers),
        cmocka_unit_test(suffixes_choose_the_longest),
        cmocka_unit_test(a_name_is_found_in_the_source),
        cmocka_unit_test(only_the_end_of_stderr_tells_of_memory),
        cmocka_unit_test(some_variables_want_a_fresh_interpreter),
        cmocka_unit_test(limits_in_its_words_are_the_interpreters),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
