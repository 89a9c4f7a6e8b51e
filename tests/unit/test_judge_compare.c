/* What holds for comparing outputs: which are equal by which comparator, and where the first difference is. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include <cmocka.h>

#include "base/utf8.h"
#include "judge/compare.h"

static const struct comparator *by_name(const char *name)
{
    for (size_t i = 0; i < n_comparator_names; i++)
        if (strcmp(comparator_names[i].name, name) == 0)
            return &comparator_names[i].comparator;
    fail_msg("no comparator %s", name);
    return NULL;
}

static void knows_what_is_equal(void **state)
{
    static const struct {
        const char *comparator, *expected, *actual;
        bool equal;
    } rows[] = {
        {"exact", "", "", true},
        {"exact", "a\n", "a\n", true},
        {"exact", "a\n", "a", false},
        {"exact", "a", "a ", false},
        {"exact", "a\n", "A\n", false},
        {"exact", "a\r\n", "a\n", false},

        {"trimmed", "a\n", "a", true},
        {"trimmed", "", "\n \n\t\r\n", true},
        {"trimmed", "a\nb\n", "a \t\r\nb\v\f\n\n  \n", true},
        {"trimmed", "a  \nb", "a\nb", true},
        {"trimmed", "a\n\nb\n", "a\nb\n", false},
        {"trimmed", "a\nb\n", "a\n\nb\n", false},
        {"trimmed", "a", " a", false},
        {"trimmed", "a", "\na", false},
        {"trimmed", "a b", "a  b", false},
        {"trimmed", "a\nb", "a", false},
        {"trimmed", "a", "a\nb", false},
        {"trimmed", "a", "A", false},

        {"tokens", "1 2\n3\n", " 1\t2 3", true},
        {"tokens", "", " \n", true},
        {"tokens", "1 2", "12", false},
        {"tokens", "1 2", "1", false},
        {"tokens", "1", "1 2", false},
        {"tokens", "1", "1.0", false},

        {"case_insensitive", "Yes\nNO \n", "yEs\nno", true},
        {"case_insensitive", "a b", "A  B", false},
        {"case_insensitive", "\xc3\xa9", "\xc3\x89", false}, /* letters of ASCII only */
        {"case_insensitive", "[", "{", false},               /* 32 apart as well, and no letters */
        {"case_insensitive", "@", "`", false},

        {"floats", "1.0 x", "1 x", true},
        {"floats", "1", "1.000001", true}, /* just the tolerance, whatever reading it rounds */
        {"floats", "1", "1.0000021", false},
        {"floats", "1000000", "1000000.9", true},
        {"floats", "1000000", "1000001.2", false},
        {"floats", "0", "-0.0", true},
        {"floats", "0", "1e-7", true},
        {"floats", "1e-3", ".001", true},
        {"floats", "5", "5.", true},
        {"floats", "nan", "-NaN", true},
        {"floats", "nan", "0", false},
        {"floats", "0", "nan", false},
        {"floats", "inf", "+Infinity", true},
        {"floats", "inf", "-inf", false},
        {"floats", "inf", "1e308", false},
        {"floats", "1e400", "1e400", true}, /* the same words */
        {"floats", "1e400", "1e500", false},
        {"floats", "1e400", "inf", false},
        {"floats", "1", "0x1", false},
        {"floats", "1", "1,0", false},
        {"floats", "1", "1e", false},
        {"floats", "1", "1.0.0", false},
        {"floats", "1", ".", false},
        {"floats", "1", "+-1", false},
        {"floats", "1 2", "1", false},
        {"floats", "word", "Word", false},

        {"unordered_lines", "a\nb\nb\n", "b\na\nb", true},
        {"unordered_lines", "a\nb \n\n", "\n\nb\na  \n", true},
        {"unordered_lines", "", "\n\n", true},
        {"unordered_lines", "a\nb\nb\n", "a\na\nb\n", false},
        {"unordered_lines", "a\n", "a\na\n", false},
        {"unordered_lines", "a\na\n", "a\n", false},
        {"unordered_lines", "", "a", false},
        {"unordered_lines", "a b", "b a", false},
    };

    (void)state;
    for (size_t i = 0; i < COUNT_OF(rows); i++) {
        struct difference difference = {0};
        int r = compare(&difference, by_name(rows[i].comparator), slice_from(rows[i].expected),
                        slice_from(rows[i].actual));

        if (r != (rows[i].equal ? 0 : COMPARE_E_DIFFERENT))
            fail_msg("%s: \"%s\" and \"%s\": %d", rows[i].comparator, rows[i].expected, rows[i].actual, r);
        assert_int_equal(difference.line == 0, rows[i].equal); /* untouched where there is none */
    }
}

static void tolerances_are_each_their_own(void **state)
{
    static const struct {
        double absolute, relative;
        const char *expected, *actual;
        bool equal;
    } rows[] = {
        {0, 0, "0.3", "0.30", true},
        {0, 0, "0.3", "0.30000000000000004", false},
        {0.5, 0, "1", "1.5", true},
        {0.5, 0, "1", "1.6", false},
        {0, 0.1, "100", "110", true},
        {0, 0.1, "100", "111", false},
        {0, 0.1, "-100", "-90", true},
        {0, 0.1, "0", "0.0001", false},
        {0.5, 0.1, "100", "109", true},
    };

    (void)state;
    for (size_t i = 0; i < COUNT_OF(rows); i++) {
        const struct comparator comparator = {
            .kind = COMPARE_FLOATS, .absolute = rows[i].absolute, .relative = rows[i].relative};
        struct difference difference;

        if (compare(&difference, &comparator, slice_from(rows[i].expected), slice_from(rows[i].actual)) !=
            (rows[i].equal ? 0 : COMPARE_E_DIFFERENT))
            fail_msg("row %zu", i);
    }
}

static void ignores_case_where_it_is_told_to(void **state)
{
    static const enum comparison kinds[] = {COMPARE_EXACT, COMPARE_TRIMMED, COMPARE_TOKENS, COMPARE_FLOATS,
                                            COMPARE_UNORDERED_LINES};
    const struct slice a = slice_from("aB\nz\n"), b = slice_from("Ab\nZ\n");
    struct difference difference;

    (void)state;
    for (size_t i = 0; i < COUNT_OF(kinds); i++) {
        struct comparator comparator = {.kind = kinds[i]};

        assert_int_equal(compare(&difference, &comparator, a, b), COMPARE_E_DIFFERENT);
        comparator.ignore_case = true;
        assert_int_equal(compare(&difference, &comparator, a, b), 0);
    }
}

/* "-": there is none. */
static bool shows(const struct excerpt *excerpt, const char *text)
{
    if (strcmp(text, "-") == 0)
        return !excerpt->present;
    return excerpt->present && excerpt->len == strlen(text) && memcmp(excerpt->text, text, excerpt->len) == 0;
}

static void says_where_they_differ(void **state)
{
    static const struct {
        const char *comparator, *expected, *actual;
        size_t line, column;
        const char *shows_expected, *shows_actual;
    } rows[] = {
        {"exact", "a\nbcd\ne", "a\nbXd\ne", 2, 2, "bcd\n", "bXd\n"},
        {"exact", "a\n", "a", 1, 2, "a\n", "a"},
        {"exact", "a\nb", "a\n", 2, 1, "b", "-"},
        {"exact", "", "x", 1, 1, "-", "x"},
        {"trimmed", "a\nbcd  \ne", "a\nbcX\ne", 2, 3, "bcd", "bcX"},
        {"trimmed", "a\nb\nc", "a\n", 2, 1, "b", "-"},
        {"trimmed", "a\n", "a\n\nb\n", 2, 1, "-", ""},
        {"trimmed", "abc", "ab", 1, 3, "abc", "ab"},
        {"trimmed", "\xc3\xa9\xc3\xa9x", "\xc3\xa9\xc3\xa9y", 1, 3, "\xc3\xa9\xc3\xa9x", "\xc3\xa9\xc3\xa9y"},
        {"trimmed", "\xff\xffx", "\xff\xffy", 1, 3, "\xff\xffx", "\xff\xffy"},
        {"tokens", "1 2 3", "1\n\n 2 4\n", 3, 4, "3", "4"},
        {"tokens", "1 2", "1\n", 2, 1, "2", "-"},
        {"tokens", "1", "1 \xc3\xa9 2", 1, 3, "-", "\xc3\xa9"},
        {"floats", "1 2.5", "1 2.6", 1, 3, "2.5", "2.6"},
        {"unordered_lines", "a\nb\nc\n", "c\n\nx\na\n", 3, 1, "b", "x"},
        {"unordered_lines", "a\nb\n", "b\n", 2, 1, "a", "-"},
        {"unordered_lines", "a\n", "a\nb\n", 2, 1, "-", "b"},
    };

    (void)state;
    for (size_t i = 0; i < COUNT_OF(rows); i++) {
        struct difference difference;

        assert_int_equal(compare(&difference, by_name(rows[i].comparator), slice_from(rows[i].expected),
                                 slice_from(rows[i].actual)), COMPARE_E_DIFFERENT);
        if (difference.line != rows[i].line || difference.column != rows[i].column ||
            !shows(&difference.expected, rows[i].shows_expected) || !shows(&difference.actual, rows[i].shows_actual))
            fail_msg("row %zu: line %zu, column %zu, \"%.*s\", \"%.*s\"", i, difference.line, difference.column,
                     (int)difference.expected.len, difference.expected.text, (int)difference.actual.len,
                     difference.actual.text);
    }
}

static void long_lines_are_shown_around_the_difference(void **state)
{
    enum { N = 3000 };
    char expected[N], actual[N];
    struct difference difference;

    (void)state;
    for (size_t i = 0; i < N; i += 3) { /* characters of three bytes: a cut may fall into each */
        memcpy(expected + i, "\xe2\x82\xac", 3);
        memcpy(actual + i, "\xe2\x82\xac", 3);
    }
    for (size_t at = 0; at < N; at += 3) {
        actual[at + 2] = (char)0xad;
        assert_int_equal(compare(&difference, by_name("exact"), (struct slice){expected, N}, (struct slice){actual, N}),
                         COMPARE_E_DIFFERENT);
        actual[at + 2] = (char)0xac;
        assert_int_equal(difference.column, at / 3 + 1);
        assert_int_equal(difference.line, 1);
        assert_true(utf8_valid(difference.expected.text, difference.expected.len));
        assert_true(utf8_valid(difference.actual.text, difference.actual.len));
        assert_true(difference.actual.len > 0);
        assert_int_equal(difference.actual.cut_before, at > 40);
        /* 40 before it, 120 from there. */
        assert_true(difference.actual.cut_after ? at + 120 < N + 3 : at + 120 > N - 6);
        assert_non_null(memmem(difference.actual.text, difference.actual.len, "\xe2\x82\xad", 3));
    }
}

/* By a second, simple way: shuffled lines are equal, with one replaced they are not, and the one is named. */
static void finds_one_line_among_many(void **state)
{
    enum { N = 5000 };
    CLEANUP(buf_done) struct buf expected, actual;
    static size_t order[N];
    struct difference difference;

    (void)state;
    srandom(7);
    buf_init(&expected, 1 << 20);
    buf_init(&actual, 1 << 20);
    for (size_t i = 0; i < N; i++) {
        order[i] = i;
        assert_int_equal(buf_printf(&expected, "%zu\n", i / 3), 0);
    }
    for (size_t i = N - 1; i > 0; i--) {
        size_t j = (size_t)random() % (i + 1), other = order[i];

        order[i] = order[j];
        order[j] = other;
    }
    for (size_t i = 0; i < N; i++)
        assert_int_equal(buf_printf(&actual, "%zu\n", order[i] / 3), 0);
    assert_int_equal(compare(&difference, by_name("unordered_lines"), (struct slice){expected.at, expected.len},
                             (struct slice){actual.at, actual.len}), 0);
    memcpy(strstr(actual.at, "\n777\n"), "\nxyz\n", 5);
    assert_int_equal(compare(&difference, by_name("unordered_lines"), (struct slice){expected.at, expected.len},
                             (struct slice){actual.at, actual.len}), COMPARE_E_DIFFERENT);
    assert_true(shows(&difference.expected, "777"));
    assert_true(shows(&difference.actual, "xyz"));
}

static void texts_may_be_absent(void **state)
{
    const struct slice none = {0}, some = slice_from("x");
    struct difference difference;

    (void)state;
    for (size_t i = 0; i < n_comparator_names; i++) {
        const struct comparator *comparator = &comparator_names[i].comparator;

        assert_int_equal(compare(&difference, comparator, none, none), 0);
        assert_int_equal(compare(&difference, comparator, none, some), COMPARE_E_DIFFERENT);
        assert_int_equal(compare(&difference, comparator, some, none), COMPARE_E_DIFFERENT);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(knows_what_is_equal),
        cmocka_unit_test(tolerances_are_each_their_own),
        cmocka_unit_test(ignores_case_where_it_is_told_to),
        cmocka_unit_test(says_where_they_differ),
        cmocka_unit_test(long_lines_are_shown_around_the_difference),
        cmocka_unit_test(finds_one_line_among_many),
        cmocka_unit_test(texts_may_be_absent),
    };

    return cmocka_run_group_tests_name("judge_compare", tests, NULL, NULL);
}
