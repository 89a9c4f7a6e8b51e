/* Moments as text, and ids that carry them. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/instant.h"
#include "base/uuid.h"

static void reads_rfc_3339(void **state)
{
    static const struct {
        const char *text;
        int64_t us; /* -1: refused */
    } cases[] = {
        {"1970-01-01T00:00:00Z", 0},
        {"2023-11-14T22:13:20.123456Z", 1700000000123456},
        {"2023-11-14T22:13:20.1Z", 1700000000100000},
        {"2023-11-14T22:13:20.1234569Z", 1700000000123456},
        {"2023-11-14t22:13:20z", 1700000000000000},
        {"2023-11-15T00:13:20+02:00", 1700000000000000},
        {"2023-11-14T16:43:20-05:30", 1700000000000000},
        {"2024-02-29T00:00:00Z", 1709164800000000},
        {"9999-12-31T23:59:59Z", 253402300799000000},
        {"2023-02-29T00:00:00Z", -1},
        {"1900-02-29T00:00:00Z", -1},
        {"1969-12-31T23:59:59Z", -1},
        {"2023-13-14T22:13:20Z", -1},
        {"2023-11-31T22:13:20Z", -1},
        {"2023-11-14T24:13:20Z", -1},
        {"2023-11-14T22:60:20Z", -1},
        {"2023-11-14T22:13:61Z", -1},
        {"2023-11-14T22:13:20", -1},
        {"2023-11-14T22:13:20.Z", -1},
        {"2023-11-14T22:13:20Z ", -1},
        {"2023-11-14 22:13:20Z", -1},
        {"2023-11-14T22:13:20+2:00", -1},
        {"2023-11-14T22:13:20+02", -1},
        {"2023\r11-14T22:13:20Z", -1},
        {"1700000000", -1},
        {"", -1},
    };

    (void)state;
    for (size_t i = 0; i < COUNT_OF(cases); i++) {
        int64_t us = -7;
        int r = instant_parse(&us, slice_from(cases[i].text));

        assert_int_equal(r < 0, cases[i].us < 0);
        assert_int_equal(us, cases[i].us < 0 ? -7 : cases[i].us);
    }
}

static void writes_what_it_reads(void **state)
{
    char text[INSTANT_TEXT_BYTES];

    (void)state;
    instant_write(text, 1700000000123456);
    assert_string_equal(text, "2023-11-14T22:13:20.123Z");
    instant_write(text, 253402300799999999);
    assert_string_equal(text, "9999-12-31T23:59:59.999Z");
}

static void ids_sort_by_time(void **state)
{
    char before[UUID_BYTES] = "", id[UUID_BYTES], least[UUID_BYTES];

    (void)state;
    for (int64_t us = 1700000000123000; us < 1700000000125000; us++) {
        uuid_make_at(id, us);
        assert_true(uuid_is(slice_from(id)));
        assert_true(strcmp(id, before) > 0);
        assert_int_equal(id[14], '7');
        uuid_floor(least, us / 1000);
        assert_true(strcmp(least, id) <= 0);
        uuid_floor(least, us / 1000 + 1);
        assert_true(strcmp(least, id) > 0);
        memcpy(before, id, sizeof id);
    }
    assert_memory_equal(id, "018bcfe5-687c-7", 15);
    assert_false(uuid_is(slice_from("018bcfe5-687c-7000-8000-00000000000")));
    assert_false(uuid_is(slice_from("018BCFE5-687c-7000-8000-000000000000")));
    assert_false(uuid_is(slice_from("018bcfe5x687c-7000-8000-000000000000")));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(reads_rfc_3339),
        cmocka_unit_test(writes_what_it_reads),
        cmocka_unit_test(ids_sort_by_time),
    };

    return cmocka_run_group_tests_name("instant", tests, NULL, NULL);
}
