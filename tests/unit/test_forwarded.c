/* forwarded: whom a proxy speaks for, whatever its client wrote in front. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>

#include <cmocka.h>

#include "api/forwarded.h"

static struct ip_network trusted[3];

static int set_up(void **state)
{
    static const char *const texts[] = {"127.0.0.1", "10.0.0.0/8", "2001:db8:1::/48"};

    (void)state;
    for (size_t i = 0; i < COUNT_OF(texts); i++)
        if (ip_network_parse(&trusted[i], texts[i], NULL) < 0)
            return -1;
    return 0;
}

static void expect(const char *list, const char *client)
{
    struct ip peer, got;
    char text[IP_TEXT_BYTES];

    assert_int_equal(ip_parse(&peer, slice_from("127.0.0.1")), 0);
    got = forwarded_client(&peer, slice_from(list), trusted, COUNT_OF(trusted));
    ip_write(text, &got);
    if (strcmp(text, client) != 0)
        fail_msg("\"%.100s\" gives %s, not %s", list, text, client);
}

static void the_last_untrusted_one_asks(void **state)
{
    static const struct {
        const char *list, *client;
    } rows[] = {
        {"192.0.2.1", "192.0.2.1"},
        {"198.51.100.9, 192.0.2.1", "192.0.2.1"}, /* the first is what the client wrote */
        {"127.0.0.1, 192.0.2.1", "192.0.2.1"},
        {"192.0.2.1,10.1.1.1 ,\t10.2.2.2", "192.0.2.1"}, /* two proxies more, both trusted */
        {"198.51.100.9, 192.0.2.1, 10.2.2.2", "192.0.2.1"},
        {"2001:db8:9::5, 2001:db8:1::1", "2001:db8:9::5"},
        {"::ffff:192.0.2.1", "192.0.2.1"},
        {"192.0.2.1, ::ffff:10.0.0.1", "192.0.2.1"}, /* a proxy by its other name */
        {"192.0.2.1:4711", "192.0.2.1"},
        {"[2001:db8:9::5]:4711", "2001:db8:9::5"},
        {"[2001:db8:9::5]", "2001:db8:9::5"},
        {"192.0.2.1, , ,", "192.0.2.1"},
        {"10.0.0.7, 10.0.0.8", "10.0.0.7"}, /* only proxies: the farthest */
        {"", "127.0.0.1"},
    };

    (void)state;
    for (size_t i = 0; i < COUNT_OF(rows); i++)
        expect(rows[i].list, rows[i].client);
}

static void garbage_ends_the_search(void **state)
{
    static const char *const rows[] = {
        "unknown", "-", "\"192.0.2.1\"", "192.0.2.1:x", "192.0.2.1:", "[192.0.2.1",
        "[2001:db8::1]x", "192.0.2", "for=192.0.2.1", "192.0.2.1;10.0.0.1", "\xff\xfe", "192.0.2.1:1234567",
        "::1%lo"};

    (void)state;
    for (size_t i = 0; i < COUNT_OF(rows); i++) {
        char behind[64];

        expect(rows[i], "127.0.0.1"); /* the proxy that wrote it */
        (void)snprintf(behind, sizeof behind, "192.0.2.1, %s, 10.1.1.1", rows[i]);
        expect(behind, "10.1.1.1");
        (void)snprintf(behind, sizeof behind, "%s, 192.0.2.1", rows[i]);
        expect(behind, "192.0.2.1"); /* nobody reads so far */
    }
}

/* Only so far back that a list can't keep us busy. */
static void long_lists_end(void **state)
{
    static char list[1 << 16];
    size_t len = 0;

    (void)state;
    len += (size_t)snprintf(list, sizeof list, "192.0.2.1");
    for (int i = 0; i < FORWARDED_HOPS_MAX - 1; i++)
        len += (size_t)snprintf(list + len, sizeof list - len, ",10.0.0.%d", 100 + i);
    expect(list, "192.0.2.1");
    while (len + 20 < sizeof list)
        len += (size_t)snprintf(list + len, sizeof list - len, ",10.0.0.7");
    expect(list, "10.0.0.7");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_last_untrusted_one_asks),
        cmocka_unit_test(garbage_ends_the_search),
        cmocka_unit_test(long_lists_end),
    };

    return cmocka_run_group_tests_name("forwarded", tests, set_up, NULL);
}
