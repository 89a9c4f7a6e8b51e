/* tcp: what the kernel says of a connection. A file of its own: <linux/tcp.h> does not go with <netinet/tcp.h>,
 * which libuv includes and which knows less. */
#pragma once

#include <stdint.h>

/* Bytes received since the connection began; 0 where the socket is not TCP. */
uint64_t tcp_received_bytes(int fd);
/* The kernel takes no more to send once so many bytes wait for the peer's window. */
void tcp_set_unsent_max(int fd, int bytes);
/* No waiting for more to send (Nagle). */
void tcp_set_nodelay(int fd);
