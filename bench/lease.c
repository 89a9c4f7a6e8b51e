/* lease: boxd's part of a run, alone: LEASE to LEASED. Speaks as glimpsed does, and must be root or glimpsed's user. */
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>

#include "base/clock.h"
#include "base/fd.h"
#include "bench.h"
#include "wire/wire.h"

_Static_assert(sizeof(struct limits) == LIMITS_N * sizeof(uint64_t),
               "a lease case has a number for each limit");

int lease_open(const struct bench_case *c, struct err *err)
{
    CLEANUP(closep) int fd = socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0);
    struct sockaddr_un address = {.sun_family = AF_UNIX};

    (void)snprintf(address.sun_path, sizeof address.sun_path, "%s", c->path);
    if (fd < 0 || connect(fd, (const struct sockaddr *)&address, sizeof address) < 0)
        return err_set(err, -errno, "%s: %s", c->path, strerror(errno));
    return TAKE_FD(fd);
}

int lease_run(int fd, const struct bench_case *c, struct record *record, struct err *err)
{
    static uint64_t last_id;
    struct wire_lease lease = {.head = wire_head(WIRE_LEASE, ++last_id), .stage = c->stage};
    struct wire_plain release = {.head = wire_head(WIRE_RELEASE, last_id)};
    CLEANUP(closep) int box = -1;
    char bytes[WIRE_MAX_BYTES];
    union wire_msg msg;
    size_t n_fds = 0;
    uint64_t started_us = now_us();
    ssize_t n;
    int r;

    (void)snprintf(lease.language, sizeof lease.language, "%s", c->language);
    memcpy(&lease.limits, c->limits, sizeof lease.limits);
    r = fd_send_packet(fd, &lease, sizeof lease, NULL, 0);
    n = r < 0 ? r : fd_recv_packet(fd, bytes, sizeof bytes, &box, 1, &n_fds, 0);
    record->took_us = now_us() - started_us;
    if (n <= 0)
        return err_set(err, n < 0 ? (int)n : -ECONNRESET, "boxd does not answer a LEASE");
    r = wire_decode(&msg, bytes, (size_t)n, n_fds, WIRE_TO_API, err);
    if (r == 0 && msg.head.type != WIRE_LEASED)
        r = err_set(err, -EBADMSG, "boxd answers a LEASE with message %u", msg.head.type);
    record->good = r == 0;
    return r < 0 ? r : fd_send_packet(fd, &release, sizeof release, NULL, 0);
}
