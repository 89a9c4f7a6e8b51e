/* Which traceparents and request ids are taken from strangers. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "http/http.h"

#define TRACE  "0af7651916cd43dd8448eb211c80319c"
#define PARENT "b7ad6b7169203331"

static void traceparents(void **state)
{
    static const struct {
        const char *text;
        bool valid;
    } cases[] = {
        {"00-" TRACE "-" PARENT "-01", true},
        {"00-" TRACE "-" PARENT "-00", true},
        {"cc-" TRACE "-" PARENT "-01-what.the.future-brings", true},
        {"cc-" TRACE "-" PARENT "-01", true},
        {"cc-" TRACE "-" PARENT "-01.more", false},
        {"00-" TRACE "-" PARENT "-01-", false},
        {"00-" TRACE "-" PARENT "-0", false},
        {"00-" TRACE "-" PARENT "-0G", false},
        {"ff-" TRACE "-" PARENT "-01", false},
        {"0-" TRACE "-" PARENT "-011", false},
        {"00-0AF7651916CD43DD8448EB211C80319C-" PARENT "-01", false},
        {"00-00000000000000000000000000000000-" PARENT "-01", false},
        {"00-" TRACE "-0000000000000000-01", false},
        {"00_" TRACE "-" PARENT "-01", false},
        {"00-" TRACE "-" PARENT "-01, 00-" TRACE "-" PARENT "-01", false},
        {"", false},
        {"00-", false},
    };

    (void)state;
    for (size_t i = 0; i < COUNT_OF(cases); i++)
        if (http_is_traceparent(cases[i].text) != cases[i].valid)
            fail_msg("%s", cases[i].text);
}

static void request_ids(void **state)
{
    static const struct {
        const char *text;
        bool valid;
    } cases[] = {
        {"a", true},
        {"01a1fe07-94d8-7798-9130-794dc714a10d", true},
        {"Root=1-67891233-abcdef012345678912345678", true},
        {"0123456789012345678901234567890123456789012345678901234567890123", true},
        {"01234567890123456789012345678901234567890123456789012345678901234", false},
        {"", false},
        {"a b", false},
        {"a\"", false},
        {"a\n", false},
        {"a\x1b", false},
        {"\xc3\xa9", false},
        {"a, b", false},
    };

    (void)state;
    for (size_t i = 0; i < COUNT_OF(cases); i++)
        if (http_is_request_id(cases[i].text) != cases[i].valid)
            fail_msg("%s", cases[i].text);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(traceparents), cmocka_unit_test(request_ids)};

    return cmocka_run_group_tests_name("http_trace", tests, NULL, NULL);
}
