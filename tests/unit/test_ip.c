/* ip: what is an address, what is a network, and who is in it. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/ip.h"

static struct ip ip(const char *text)
{
    struct ip got;

    if (ip_parse(&got, slice_from(text)) < 0)
        fail_msg("%s is no address", text);
    return got;
}

static void addresses_are_written_as_usual(void **state)
{
    static const struct {
        const char *text, *written;
    } rows[] = {
        {"192.0.2.1", "192.0.2.1"},
        {"::ffff:192.0.2.1", "192.0.2.1"}, /* the same one */
        {"2001:DB8:0:0::1", "2001:db8::1"},
        {"::1", "::1"},
        {"ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff", "ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff"},
    };

    (void)state;
    for (size_t i = 0; i < COUNT_OF(rows); i++) {
        const struct ip got = ip(rows[i].text);
        char text[IP_TEXT_BYTES];

        ip_write(text, &got);
        assert_string_equal(text, rows[i].written);
    }
}

static void refuses_what_is_no_address(void **state)
{
    static const char *const rows[] = {
        "",      " 192.0.2.1", "192.0.2", "192.0.2.256", "192.0.2.1.1", "0x7f.0.0.1",
        "127.1", "localhost",  "[::1]",   "fe80::1%1",   "1::2::3",     "192.0.2.1/8",
        "1111:1111:1111:1111:1111:1111:1111:1111:1111:1111:1111:1111"};
    const struct ip before = ip("192.0.2.7");
    struct ip got = before;

    (void)state;
    for (size_t i = 0; i < COUNT_OF(rows); i++)
        if (ip_parse(&got, slice_from(rows[i])) == 0)
            fail_msg("%s is taken for an address", rows[i]);
    assert_true(ip_parse(&got, (struct slice){"1.2.3.4\0", 8}) < 0);
    assert_memory_equal(&got, &before, sizeof got);
}

static void networks_have_their_addresses(void **state)
{
    static const struct {
        const char *network, *ip;
        bool has;
    } rows[] = {
        {"10.0.0.0/8", "10.255.255.255", true},
        {"10.0.0.0/8", "::ffff:10.1.2.3", true},
        {"10.0.0.0/8", "11.0.0.0", false},
        {"192.0.2.128/25", "192.0.2.127", false},
        {"192.0.2.1", "192.0.2.1", true},
        {"192.0.2.1", "192.0.2.0", false},
        {"::ffff:10.0.0.0/104", "10.1.2.3", true},
        {"2001:db8::/33", "2001:db8:7fff::1", true},
        {"2001:db8::/33", "2001:db8:8000::1", false},
        {"::1", "127.0.0.1", false},
        {"::/8", "10.0.0.1", false}, /* IPv4 is in no IPv6 network, however it is kept */
        {"0.0.0.0/1", "127.0.0.1", true},
    };

    (void)state;
    for (size_t i = 0; i < COUNT_OF(rows); i++) {
        const struct ip address = ip(rows[i].ip);
        struct ip_network network;

        assert_int_equal(ip_network_parse(&network, rows[i].network, NULL), 0);
        if (ip_network_has(&network, &address) != rows[i].has)
            fail_msg("%s in %s?", rows[i].ip, rows[i].network);
    }
}

static void refuses_what_is_no_network(void **state)
{
    static const struct {
        const char *text, *says;
    } rows[] = {
        {"", "no address or network"},
        {"proxy.example", "no address or network"},
        {"10.0.0.0/", "1 to 32"},
        {"10.0.0.0/33", "1 to 32"},
        {"10.0.0.0/-1", "1 to 32"},
        {"10.0.0.0/8/8", "1 to 32"},
        {"10.0.0.0/0008", "1 to 32"},
        {"2001:db8::/129", "1 to 128"},
        {"0.0.0.0/0", "everybody"},
        {"::/0", "everybody"},
        {"::ffff:0.0.0.0/96", "everybody"},
        {"10.0.0.1/8", "10.0.0.0/8 is that network"},
        {"2001:db8::1/32", "2001:db8::/32 is that network"},
    };

    (void)state;
    for (size_t i = 0; i < COUNT_OF(rows); i++) {
        struct ip_network network;
        struct err err = {0};

        if (ip_network_parse(&network, rows[i].text, &err) >= 0 || strstr(err.msg, rows[i].says) == NULL)
            fail_msg("\"%s\": \"%s\" does not say \"%s\"", rows[i].text, err.msg, rows[i].says);
    }
}

static void loopback_is_127_and_1(void **state)
{
    static const struct {
        const char *ip;
        bool is;
    } rows[] = {{"127.0.0.1", true},  {"127.255.0.3", true}, {"::1", true},
                {"128.0.0.1", false}, {"::", false},         {"::ffff:127.0.0.1", true}};

    (void)state;
    for (size_t i = 0; i < COUNT_OF(rows); i++) {
        const struct ip address = ip(rows[i].ip);

        assert_int_equal(ip_is_loopback(&address), rows[i].is);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(addresses_are_written_as_usual), cmocka_unit_test(refuses_what_is_no_address),
        cmocka_unit_test(networks_have_their_addresses),  cmocka_unit_test(refuses_what_is_no_network),
        cmocka_unit_test(loopback_is_127_and_1),
    };

    return cmocka_run_group_tests_name("ip", tests, NULL, NULL);
}
