/* fd: descriptors: reading and writing whole, passing over Unix sockets, memfds. */
#pragma once

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#include "base/err.h"

enum { FD_PASS_MAX = 16 }; /* descriptors in one packet */

/* Writes all of it, retrying on EINTR and short writes; 0 or a negative errno. */
MUST_CHECK int fd_write_all(int fd, const void *bytes, size_t len);
/* Reads until len bytes or the end; the number read, or a negative errno. */
MUST_CHECK ssize_t fd_read_full(int fd, void *bytes, size_t len);
MUST_CHECK int fd_set_nonblock(int fd, bool on);

/* One packet with descriptors (borrowed) over a SOCK_SEQPACKET socket; 0, or a negative errno:
 * -EAGAIN where the socket does not block and is full. No SIGPIPE. */
MUST_CHECK int fd_send_packet(int sock, const void *bytes, size_t len, const int *fds, size_t n_fds);
/* Receives one packet. Returns its length (0: the peer is gone), or a negative errno; -EMSGSIZE for a
 * packet longer than size or with more descriptors than max_fds: these are closed, not leaked.
 * fds[0..*n_fds) are owned by the caller, close-on-exec. flags: MSG_DONTWAIT or 0. */
MUST_CHECK ssize_t fd_recv_packet(int sock, void *bytes, size_t size, int *fds, size_t max_fds,
                                  size_t *n_fds, int flags);

/* A memfd that can be sealed, close-on-exec; -1 and errno on failure. name shows in /proc only. */
MUST_CHECK int fd_memfd(const char *name);

/* Writes text into a file that exists already (cgroup and proc files): one write(2).
 * 0 or a negative errno. dir_fd may be AT_FDCWD. */
MUST_CHECK int fd_write_file_at(int dir_fd, const char *path, const char *text);
/* Reads a small text file whole, NUL-terminated, the last newline removed; 0 or a negative errno;
 * -EFBIG where it does not fit. */
MUST_CHECK int fd_read_file_at(int dir_fd, const char *path, char *text, size_t size);
