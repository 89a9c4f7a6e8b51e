/*
 * forwarded: whom a proxy speaks for, by its X-Forwarded-For. Pure.
 *
 * Each proxy writes the address that it was asked from at the end of the list, so the list is as true as
 * its end: read from the right, as long as the addresses are proxies that the operator trusts. The first other one is
 * the client; what stands left of it was written by the client, and may say anything.
 *
 * Forwarded (RFC 7239) is not read: a proxy that writes one of the two headers lets its clients write the other.
 */
#pragma once

#include "base/ip.h"

enum { FORWARDED_HOPS_MAX = 64 }; /* more proxies in a row are nobody's */

bool forwarded_is_trusted(const struct ip *ip, const struct ip_network *trusted, size_t n_trusted);

/* The client behind peer, a trusted proxy. list: all X-Forwarded-For of the request, in their order, joined by
 * commas. An entry that is no address ends the search: then it is the proxy that wrote it who asks. */
struct ip forwarded_client(const struct ip *peer, struct slice list, const struct ip_network *trusted,
                           size_t n_trusted);
