/* courier: posts webhooks; see main.c. */
#pragma once

#include <sys/socket.h>

#include "base/ip.h"
#include "courier/message.h"

/* Which addresses may be connected to. */
struct address_book {
    struct ip_network *allowed; /* owned: of the operator, besides the public ones */
    size_t n_allowed;
};

/* networks: as ip_network_parse() takes them. < 0 with *err. */
MUST_CHECK int address_book_init(struct address_book *book, char *const *networks, size_t n, struct err *err);
/* Public, or allowed; what is neither IPv4 nor IPv6 never is. */
bool address_book_has(const struct address_book *book, const struct sockaddr *address);

/* lock_in.c: connections to the outside; no files but those that naming hosts and checking certificates takes. */
MUST_CHECK int courier_lock_in(struct err *err);

/* deliver.c: serves glimpsed at fd until that ends. < 0 where we can't go on. */
MUST_CHECK int courier_serve(int fd, const struct address_book *book, struct err *err);
