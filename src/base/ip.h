/* ip: addresses of the Internet, and networks of them. An IPv4 address is kept as the IPv6 address that maps it
 * (::ffff:192.0.2.1), so that the two ways to write one are equal. */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "base/buf.h"
#include "base/err.h"

struct sockaddr;

struct ip {
    uint8_t at[16]; /* network order */
};

struct ip_network {
    struct ip ip;  /* all bits behind the prefix are 0 */
    unsigned bits; /* of the prefix, 1..128; an IPv4 network has 96 more than it is written with */
};

enum { IP_TEXT_BYTES = 46 + 4 }; /* the longest address, and "/128" */

/* Numeric, without zone, brackets or blanks. 0, or -EINVAL with *ret untouched. */
MUST_CHECK int ip_parse(struct ip *ret, struct slice text);
/* 0, or -EAFNOSUPPORT where it is of another family (a Unix socket). */
MUST_CHECK int ip_from_sockaddr(struct ip *ret, const struct sockaddr *address);
bool ip_is_v4(const struct ip *ip);
bool ip_is_loopback(const struct ip *ip);
/* As everybody writes it; NUL-terminated. */
void ip_write(char text[IP_TEXT_BYTES], const struct ip *ip);

/* "10.0.0.0/8", "2001:db8::/32"; an address alone is a network of one. < 0 with *err saying what would be right:
 * also for a prefix of 0 bits (that is everybody), and for bits behind the prefix. */
MUST_CHECK int ip_network_parse(struct ip_network *ret, const char *text, struct err *err);
bool ip_network_has(const struct ip_network *network, const struct ip *ip);
/* The network with this prefix that ip is in; bits as in struct ip_network. */
struct ip_network ip_network_of(const struct ip *ip, unsigned bits);
