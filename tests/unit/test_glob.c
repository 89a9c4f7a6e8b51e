#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include <cmocka.h>

#include "base/glob.h"

static bool match(const char *pattern, const char *name)
{
    return glob_match(slice_from(pattern), slice_from(name));
}

static void test_what_matches(void **state)
{
    static const char *const rows[][2] = {
        {"plot.png", "plot.png"}, {"*", "plot.png"},      {"*.png", "plot.png"}, {"p*t.png", "plot.png"},
        {"*.*", "a.b.c"},         {"a*b*c", "a-b-b-b-c"}, {"?lot*", "plot"},     {"**", "x"},
        {"*", ""},                {"", ""},               {".*", ".hidden"},     {".hid*", ".hidden"},
        {"[a]", "[a]"},           {"\\*", "\\any"},       {"*\xff*", "a\xff"},   {"*aab", "aaab"},
    };

    (void)state;
    for (size_t i = 0; i < COUNT_OF(rows); i++)
        if (!match(rows[i][0], rows[i][1]))
            fail_msg("'%s' does not match '%s'", rows[i][0], rows[i][1]);
}

static void test_what_does_not(void **state)
{
    static const char *const rows[][2] = {
        {"plot.png", "plot.pn"}, {"*.png", "plot.PNG"}, {"*", ".hidden"}, {"?hidden", ".hidden"}, {"", "x"},
        {"?", ""},               {"a*b", "acc"},        {"[a]", "a"},     {"a*", "ba"},           {"*a", "ab"},
    };

    (void)state;
    for (size_t i = 0; i < COUNT_OF(rows); i++)
        if (match(rows[i][0], rows[i][1]))
            fail_msg("'%s' matches '%s'", rows[i][0], rows[i][1]);
}

/* A matcher that tries all stars again would take longer than the universe has. */
static void test_many_stars_end(void **state)
{
    char pattern[256], name[256];

    (void)state;
    for (size_t i = 0; i < 254; i++) {
        pattern[i] = i % 2 == 0 ? 'a' : '*';
        name[i] = 'a';
    }
    pattern[254] = 'b';
    name[254] = 'a';
    pattern[255] = name[255] = '\0';
    assert_false(match(pattern, name));
}

static void test_patterns_are_told(void **state)
{
    (void)state;
    assert_true(glob_is_pattern(slice_from("*.png")));
    assert_true(glob_is_pattern(slice_from("a?")));
    assert_false(glob_is_pattern(slice_from("plot.png")));
    assert_false(glob_is_pattern(slice_from("")));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_what_matches),
        cmocka_unit_test(test_what_does_not),
        cmocka_unit_test(test_many_stars_end),
        cmocka_unit_test(test_patterns_are_told),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
