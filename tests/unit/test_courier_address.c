/* Where webhooks may go: the Internet, and what the operator allows besides. */
#include <arpa/inet.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "courier/courier.h"

static bool may(const struct address_book *book, const char *text)
{
    struct sockaddr_in v4 = {.sin_family = AF_INET};
    struct sockaddr_in6 v6 = {.sin6_family = AF_INET6};

    if (inet_pton(AF_INET, text, &v4.sin_addr) == 1)
        return address_book_has(book, (const struct sockaddr *)&v4);
    assert_int_equal(inet_pton(AF_INET6, text, &v6.sin6_addr), 1);
    return address_book_has(book, (const struct sockaddr *)&v6);
}

static void only_the_internet(void **state)
{
    static const struct {
        const char *address;
        bool may;
    } cases[] = {
        {"8.8.8.8", true},         {"1.1.1.1", true},          {"9.255.255.255", true},  {"11.0.0.0", true},
        {"172.15.255.255", true},  {"172.32.0.0", true},       {"192.167.255.255", true}, {"223.255.255.255", true},
        {"100.63.255.255", true},  {"100.128.0.0", true},      {"126.255.255.255", true}, {"128.0.0.0", true},
        {"169.253.255.255", true}, {"2606:4700::1111", true},  {"2a00:1450::1", true},    {"::ffff:8.8.8.8", true},
        {"0.0.0.0", false},        {"0.1.2.3", false},         {"10.0.0.0", false},       {"10.255.255.255", false},
        {"100.64.0.1", false},     {"100.127.255.255", false}, {"127.0.0.1", false},      {"127.255.255.255", false},
        {"169.254.169.254", false}, {"172.16.0.1", false},     {"172.31.255.255", false}, {"192.0.0.1", false},
        {"192.0.2.1", false},      {"192.168.0.1", false},     {"198.18.0.1", false},     {"198.19.255.255", false},
        {"198.51.100.1", false},   {"203.0.113.1", false},     {"224.0.0.1", false},      {"240.0.0.1", false},
        {"255.255.255.255", false}, {"::", false},             {"::1", false},            {"::ffff:127.0.0.1", false},
        {"::ffff:10.0.0.1", false}, {"::127.0.0.1", false},    {"64:ff9b::7f00:1", false}, {"100::1", false},
        {"fe80::1", false},        {"febf::1", false},         {"fc00::1", false},        {"fd12:3456::1", false},
        {"fec0::1", false},        {"ff02::1", false},         {"2001::1", false},        {"2001:db8::1", false},
        {"2002:7f00:1::", false},  {"2002:808:808::", false},  {"3fff::1", false},        {"4000::1", false},
    };
    struct address_book book;
    struct err err = {0};

    (void)state;
    assert_int_equal(address_book_init(&book, NULL, 0, &err), 0);
    for (size_t i = 0; i < COUNT_OF(cases); i++)
        if (may(&book, cases[i].address) != cases[i].may)
            fail_msg("%s: %d", cases[i].address, !cases[i].may);
    free(book.allowed);
}

static void and_what_is_allowed(void **state)
{
    char *networks[] = {(char *)(uintptr_t) "10.1.0.0/16", (char *)(uintptr_t) "fd00::/64"};
    struct address_book book;
    struct err err = {0};

    (void)state;
    assert_int_equal(address_book_init(&book, networks, COUNT_OF(networks), &err), 0);
    assert_true(may(&book, "10.1.2.3"));
    assert_true(may(&book, "::ffff:10.1.2.3"));
    assert_true(may(&book, "fd00::1"));
    assert_true(may(&book, "8.8.8.8"));
    assert_false(may(&book, "10.2.0.1"));
    assert_false(may(&book, "fd00:0:0:1::1"));
    assert_false(may(&book, "127.0.0.1"));
    free(book.allowed);
}

static void other_families_never(void **state)
{
    const struct sockaddr unix_socket = {.sa_family = AF_UNIX};
    struct address_book book;
    struct err err = {0};

    (void)state;
    assert_int_equal(address_book_init(&book, NULL, 0, &err), 0);
    assert_false(address_book_has(&book, &unix_socket));
    free(book.allowed);
}

static void says_what_is_no_network(void **state)
{
    char *networks[] = {(char *)(uintptr_t) "10.1.0.0/16", (char *)(uintptr_t) "everywhere"};
    struct address_book book;
    struct err err = {0};

    (void)state;
    assert_true(address_book_init(&book, networks, COUNT_OF(networks), &err) < 0);
    assert_non_null(strstr(err.msg, "everywhere"));
    free(book.allowed);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(only_the_internet),
        cmocka_unit_test(and_what_is_allowed),
        cmocka_unit_test(other_families_never),
        cmocka_unit_test(says_what_is_no_network),
    };

    return cmocka_run_group_tests_name("courier_address", tests, NULL, NULL);
}
