/* What holds for the writer of JSON: whatever goes in, valid JSON comes out. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <errno.h>

#include "base/json_out.h"

static void writes(void (*write)(struct json_out *out), const char *expected)
{
    CLEANUP(buf_done) struct buf text;
    struct json_out out;

    buf_init(&text, 4096);
    out = json_out_to(&text);
    write(&out);
    assert_int_equal(json_out_end(&out), 0);
    assert_string_equal(buf_text(&text), expected);
}

static void write_nested(struct json_out *out)
{
    json_out_open(out, '{');
    json_out_key_str(out, "a", "x");
    json_out_key(out, "b");
    json_out_open(out, '[');
    json_out_open(out, '{');
    json_out_close(out, '}');
    json_out_open(out, '[');
    json_out_close(out, ']');
    json_out_null(out);
    json_out_bool(out, true);
    json_out_bool(out, false);
    json_out_close(out, ']');
    json_out_key_uint(out, "c", UINT64_MAX);
    json_out_key_str(out, "d", NULL);
    json_out_close(out, '}');
}

static void puts_commas_where_they_belong(void **state)
{
    (void)state;
    writes(write_nested,
           "{\"a\":\"x\",\"b\":[{},[],null,true,false],\"c\":18446744073709551615,\"d\":null}");
}

static void write_numbers(struct json_out *out)
{
    json_out_open(out, '[');
    json_out_int(out, INT64_MIN);
    json_out_thousandths(out, 0);
    json_out_thousandths(out, 7);
    json_out_thousandths(out, 1234);
    json_out_thousandths(out, UINT64_MAX);
    json_out_micros(out, 1);
    json_out_micros(out, 2000000);
    json_out_real(out, 0);
    json_out_real(out, 31.5);
    json_out_real(out, 0.1 + 0.2);
    json_out_real(out, 1e9);
    json_out_close(out, ']');
}

static void writes_numbers_exactly(void **state)
{
    (void)state;
    writes(write_numbers,
           "[-9223372036854775808,0.000,0.007,1.234,18446744073709551.615,0.000001,2.000000,0,31.5,0.3,1000000000]");
}

static void escapes_and_replaces(void **state)
{
    static const struct {
        const char *text;
        size_t len;
        const char *expected;
    } rows[] = {
        {"", 0, "\"\""},
        {NULL, 0, "\"\""},
        {"plain", 5, "\"plain\""},
        {"\"\\/", 3, "\"\\\"\\\\/\""},
        {"\b\f\n\r\t", 5, "\"\\b\\f\\n\\r\\t\""},
        {"a\0b\x1f\x7f", 5, "\"a\\u0000b\\u001f\\u007f\""},
        {"\xc3\xa9\xf0\x9f\x98\x80", 6, "\"\xc3\xa9\xf0\x9f\x98\x80\""},
        {"\xc2\x85\xe2\x80\xa8z\xe2\x80\xa9", 9, "\"\\u0085\\u2028z\\u2029\""}, /* taken for ends of lines */
        {"\xc2\x84\xe2\x80\xa7\xe2\x80\xaa", 8, "\"\xc2\x84\xe2\x80\xa7\xe2\x80\xaa\""},
        {"\xff", 1, "\"\xef\xbf\xbd\""},
        {"a\xc3", 2, "\"a\xef\xbf\xbd\""}, /* cut */
        {"\xed\xa0\x80", 3,
         "\"\xef\xbf\xbd\xef\xbf\xbd\xef\xbf\xbd\""}, /* a surrogate: no two bytes of it fit */
        {"\xf0\x9f\x98x", 4, "\"\xef\xbf\xbdx\""},    /* one maximal subpart, one mark */
    };

    (void)state;
    for (size_t i = 0; i < COUNT_OF(rows); i++) {
        CLEANUP(buf_done) struct buf text;
        struct json_out out;

        buf_init(&text, 4096);
        out = json_out_to(&text);
        json_out_text(&out, (struct slice){rows[i].text, rows[i].len});
        assert_int_equal(json_out_end(&out), 0);
        assert_string_equal(buf_text(&text), rows[i].expected);
    }
}

static void writes_base64(void **state)
{
    static const char *const rows[][2] = {
        /* RFC 4648, 10 */
        {"", "\"\""},
        {"f", "\"Zg==\""},
        {"fo", "\"Zm8=\""},
        {"foo", "\"Zm9v\""},
        {"foob", "\"Zm9vYg==\""},
        {"fooba", "\"Zm9vYmE=\""},
        {"foobar", "\"Zm9vYmFy\""},
        {"\xff\xfe\xfd", "\"//79\""},
    };

    (void)state;
    for (size_t i = 0; i < COUNT_OF(rows); i++) {
        CLEANUP(buf_done) struct buf text;
        struct json_out out;

        buf_init(&text, 4096);
        out = json_out_to(&text);
        json_out_base64(&out, slice_from(rows[i][0]));
        assert_string_equal(buf_text(&text), rows[i][1]);
    }
}

static void the_first_failure_sticks(void **state)
{
    CLEANUP(buf_done) struct buf text;
    struct json_out out;

    (void)state;
    buf_init(&text, 10);
    out = json_out_to(&text);
    json_out_open(&out, '{');
    json_out_key_str(&out, "key", "too long to fit");
    json_out_close(&out, '}'); /* this alone would fit */
    assert_int_equal(json_out_end(&out), -EFBIG);
    assert_true(text.len <= 10);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(puts_commas_where_they_belong), cmocka_unit_test(writes_numbers_exactly),
        cmocka_unit_test(escapes_and_replaces),          cmocka_unit_test(writes_base64),
        cmocka_unit_test(the_first_failure_sticks),
    };

    return cmocka_run_group_tests_name("json_out", tests, NULL, NULL);
}
