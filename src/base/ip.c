#include "base/ip.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <stdio.h>

enum { V4_BITS = 96, ALL_BITS = 128 };

static const uint8_t v4_prefix[12] = {[10] = 0xff, [11] = 0xff};

static void from_v4(struct ip *ret, const void *bytes)
{
    memcpy(ret->at, v4_prefix, sizeof v4_prefix);
    memcpy(ret->at + sizeof v4_prefix, bytes, 4);
}

bool ip_is_v4(const struct ip *ip)
{
    return memcmp(ip->at, v4_prefix, sizeof v4_prefix) == 0;
}

bool ip_is_loopback(const struct ip *ip)
{
    static const struct ip one = {.at = {[15] = 1}};

    return ip_is_v4(ip) ? ip->at[12] == 127 : memcmp(ip, &one, sizeof one) == 0;
}

int ip_parse(struct ip *ret, struct slice text)
{
    char copy[INET6_ADDRSTRLEN];
    struct in6_addr v6;
    struct in_addr v4;

    if (text.len == 0 || text.len >= sizeof copy || memchr(text.at, '\0', text.len) != NULL)
        return -EINVAL;
    memcpy(copy, text.at, text.len);
    copy[text.len] = '\0';
    if (inet_pton(AF_INET, copy, &v4) == 1)
        from_v4(ret, &v4);
    else if (inet_pton(AF_INET6, copy, &v6) == 1)
        memcpy(ret->at, &v6, sizeof v6);
    else
        return -EINVAL;
    return 0;
}

int ip_from_sockaddr(struct ip *ret, const struct sockaddr *address)
{
    if (address->sa_family == AF_INET)
        from_v4(ret, &((const struct sockaddr_in *)(const void *)address)->sin_addr);
    else if (address->sa_family == AF_INET6)
        memcpy(ret->at, &((const struct sockaddr_in6 *)(const void *)address)->sin6_addr, sizeof ret->at);
    else
        return -EAFNOSUPPORT;
    return 0;
}

void ip_write(char text[IP_TEXT_BYTES], const struct ip *ip)
{
    const bool v4 = ip_is_v4(ip);

    /* Fails only without room. */
    (void)inet_ntop(v4 ? AF_INET : AF_INET6, v4 ? ip->at + sizeof v4_prefix : ip->at, text, IP_TEXT_BYTES);
}

static struct ip mask(const struct ip *ip, unsigned bits)
{
    struct ip masked = *ip;

    for (unsigned i = 0; i < sizeof masked.at; i++) {
        const unsigned kept = bits <= i * 8 ? 0 : bits - i * 8 >= 8 ? 8 : bits - i * 8;

        masked.at[i] &= (uint8_t)(0xff00 >> kept);
    }
    return masked;
}

struct ip_network ip_network_of(const struct ip *ip, unsigned bits)
{
    return (struct ip_network){.ip = mask(ip, bits), .bits = bits};
}

bool ip_network_has(const struct ip_network *network, const struct ip *ip)
{
    const struct ip masked = mask(ip, network->bits);

    if (ip_is_v4(ip) != ip_is_v4(&network->ip))
        return false; /* ::/64 has all of IPv4 in it, as we keep it; nobody means that */
    return memcmp(&masked, &network->ip, sizeof masked) == 0;
}

/* "/24" of an IPv4 address is 120 bits of ours. False where it is no number that can be right. */
static bool parse_bits(unsigned *ret, const char *text, unsigned before)
{
    const size_t len = strlen(text);

    if (len == 0 || len > 3 || strspn(text, "0123456789") != len)
        return false;
    *ret = before + (unsigned)strtoul(text, NULL, 10);
    return *ret <= ALL_BITS;
}

int ip_network_parse(struct ip_network *ret, const char *text, struct err *err)
{
    const char *slash = strchrnul(text, '/');
    struct ip_network network = {.bits = ALL_BITS};
    char right[IP_TEXT_BYTES];
    unsigned before;

    if (ip_parse(&network.ip, (struct slice){text, (size_t)(slash - text)}) < 0)
        return err_set(err, -EINVAL, "\"%.60s\" is no address or network; 192.0.2.1, 10.0.0.0/8 or 2001:db8::/32 are",
                       text);
    before = ip_is_v4(&network.ip) && memchr(text, ':', (size_t)(slash - text)) == NULL ? V4_BITS : 0;
    if (*slash != '\0' && !parse_bits(&network.bits, slash + 1, before))
        return err_set(err, -EINVAL, "\"%.60s\": behind the slash is a number of bits, 1 to %u", text,
                       ALL_BITS - before);
    if (network.bits <= (ip_is_v4(&network.ip) ? V4_BITS : 0))
        return err_set(err, -EINVAL, "\"%.60s\" is everybody: name the networks that are meant", text);
    *ret = ip_network_of(&network.ip, network.bits);
    if (memcmp(&ret->ip, &network.ip, sizeof network.ip) == 0)
        return 0;
    ip_write(right, &ret->ip);
    return err_set(err, -EINVAL, "\"%.60s\" has bits behind its prefix: %s%s is that network", text, right, slash);
}
