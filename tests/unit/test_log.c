/* What holds for the log: a line is one line, and a value one value, whatever is in it. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/log.h"
#include "base/utf8.h"

static char written[8192];

/* What one call writes to stderr, without its time; all of it is one line. */
static const char *line_of(enum log_format format, const char *msg, const char *name, const char *value)
{
    const struct log_field fields[] = {{name, value, 7}, {NULL, NULL, 0}};
    int ends[2], old = dup(STDERR_FILENO);
    ssize_t n;

    assert_int_equal(pipe(ends), 0);
    assert_true(dup2(ends[1], STDERR_FILENO) >= 0);
    log_open("test", LOG_INFO, format);
    log_fields(LOG_WARN, name == NULL ? NULL : fields, "%s", msg);
    log_fields(LOG_DEBUG, NULL, "not shown");
    assert_true(dup2(old, STDERR_FILENO) >= 0);
    (void)close(old);
    (void)close(ends[1]);
    n = read(ends[0], written, sizeof written - 1);
    (void)close(ends[0]);
    assert_true(n > 30);
    written[n] = '\0';
    assert_ptr_equal(strchr(written, '\n'), written + n - 1);
    assert_true(utf8_valid(written, (size_t)n));
    return written + (format == LOG_JSON ? 33 : format == LOG_LOGFMT ? 28 : 24);
}

static void three_formats(void **state)
{
    (void)state;
    assert_string_equal(line_of(LOG_LOGFMT, "a word", "n", NULL), "level=warn comp=test msg=\"a word\" n=7\n");
    assert_string_equal(line_of(LOG_LOGFMT, "m", "n", "GET"), "level=warn comp=test msg=\"m\" n=GET\n");
    assert_string_equal(line_of(LOG_JSON, "m", "n", "GET"),
                        "\"level\":\"warn\",\"comp\":\"test\",\"msg\":\"m\",\"n\":\"GET\"}\n");
    assert_string_equal(line_of(LOG_JSON, "m", "n", NULL),
                        "\"level\":\"warn\",\"comp\":\"test\",\"msg\":\"m\",\"n\":7}\n");
    assert_string_equal(line_of(LOG_JSON, "m", NULL, NULL), "\"level\":\"warn\",\"comp\":\"test\",\"msg\":\"m\"}\n");
    assert_string_equal(line_of(LOG_TEXT, "it's \"so\"", "n", "a b"), "warn test: it's \"so\" n=\"a b\"\n");
}

static void nothing_gets_out_of_its_value(void **state)
{
    static const struct {
        const char *value, *written;
    } cases[] = {
        {"a\nlevel=error", "\"a\\nlevel=error\""},
        {"\" level=error msg=\"", "\"\\\" level=error msg=\\\"\""},
        {"a\\", "\"a\\\\\""},
        {"a=b", "\"a=b\""},
        {"", "\"\""},
        {"\r\t\x1b[2J\x7f", "\"\\u000d\\u0009\\u001b[2J\\u007f\""},
        {"\xc2\x9b" "2J", "\"\\u009b2J\""},              /* the same to some terminals */
        {"\xe2\x80\xa8\xe2\x80\xae", "\"\\u2028\\u202e\""}, /* a line's end to some readers; text that runs backwards */
        {"\xff\xc3", "\"\\ufffd\\ufffd\""},
        {"\xc3\xa9", "\"\xc3\xa9\""},
    };
    char expected[512];

    (void)state;
    for (size_t i = 0; i < COUNT_OF(cases); i++) {
        (void)snprintf(expected, sizeof expected, "level=warn comp=test msg=\"m\" n=%s\n", cases[i].written);
        assert_string_equal(line_of(LOG_LOGFMT, "m", "n", cases[i].value), expected);
        (void)snprintf(expected, sizeof expected, "\"level\":\"warn\",\"comp\":\"test\",\"msg\":\"m\",\"n\":%s}\n",
                       cases[i].written);
        assert_string_equal(line_of(LOG_JSON, "m", "n", cases[i].value), expected);
    }
    assert_string_equal(line_of(LOG_TEXT, "a\n2026-11-21 error", NULL, NULL), "warn test: a\\n2026-11-21 error\n");
}

static void what_is_too_long_is_left_away_as_a_whole(void **state)
{
    char text[6000], msg[600];

    (void)state;
    memset(text, '\x01', sizeof text - 1);
    text[sizeof text - 1] = '\0';
    memset(msg, '\x02', sizeof msg - 1);
    msg[sizeof msg - 1] = '\0';
    for (enum log_format format = LOG_LOGFMT; format <= LOG_TEXT; format++) {
        const char *end = format == LOG_JSON ? "\"}\n" : format == LOG_LOGFMT ? "\"\n" : "\n";
        const char *line = line_of(format, msg, "n", text);

        assert_string_equal(line + strlen(line) - strlen(end), end);
        assert_null(strstr(line, "\"n\""));
        assert_null(strstr(line, "n="));
        assert_non_null(strstr(line, "\\u0002"));
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(three_formats),
        cmocka_unit_test(nothing_gets_out_of_its_value),
        cmocka_unit_test(what_is_too_long_is_left_away_as_a_whole),
    };

    return cmocka_run_group_tests_name("log", tests, NULL, NULL);
}
