/* Which addresses are the Internet's: IANA's special-purpose registries, as of 2024. */
#include <errno.h>
#include <stdlib.h>

#include "courier/courier.h"

/* clang-format off */
static const char *const not_public[] = {
    /* IPv4 */
    "0.0.0.0/8",          /* this network */
    "10.0.0.0/8", "172.16.0.0/12", "192.168.0.0/16", /* private */
    "100.64.0.0/10",      /* shared by providers */
    "127.0.0.0/8",        /* loopback */
    "169.254.0.0/16",     /* link-local: metadata services of clouds */
    "192.0.0.0/24", "192.0.2.0/24", "192.88.99.0/24", "198.18.0.0/15", "198.51.100.0/24", "203.0.113.0/24",
    "224.0.0.0/4", "240.0.0.0/4", /* multicast, reserved, broadcast */
    /* IPv6, of what 2000::/3 has */
    "2001::/23",          /* Teredo, ORCHID, benchmarks */
    "2001:db8::/32", "3fff::/20",
    "2002::/16",          /* 6to4: an IPv4 address in disguise */
};
/* clang-format on */
static const char global_v6[] = "2000::/3"; /* nothing else is given out: loopback, unique local, link-local, NAT64 */

int address_book_init(struct address_book *book, char *const *networks, size_t n, struct err *err)
{
    *book = (struct address_book){.allowed = calloc(n + 1, sizeof *book->allowed)};
    if (book->allowed == NULL)
        return err_set(err, -ENOMEM, "out of memory");
    for (; book->n_allowed < n; book->n_allowed++) {
        int r = ip_network_parse(&book->allowed[book->n_allowed], networks[book->n_allowed], err);

        if (r < 0)
            return r;
    }
    return 0;
}

static bool is_in(const char *text, const struct ip *ip)
{
    struct ip_network network;
    struct err err = {0};

    return ip_network_parse(&network, text, &err) == 0 && ip_network_has(&network, ip);
}

static bool is_public(const struct ip *ip)
{
    if (!ip_is_v4(ip) && !is_in(global_v6, ip))
        return false;
    for (size_t i = 0; i < COUNT_OF(not_public); i++)
        if (is_in(not_public[i], ip))
            return false;
    return true;
}

bool address_book_has(const struct address_book *book, const struct sockaddr *address)
{
    struct ip ip;

    if (ip_from_sockaddr(&ip, address) < 0)
        return false;
    for (size_t i = 0; i < book->n_allowed; i++)
        if (ip_network_has(&book->allowed[i], &ip))
            return true;
    return is_public(&ip);
}
