/* Any packet on any socket: refused, or a message that keeps every rule. The first two bytes choose the side
 * and the number of fds. */
#include "fuzz.h"
#include "model/job.h"
#include "wire/wire.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    union wire_msg msg, untouched;
    struct err err = {0};
    int r;

    if (size < 2)
        return 0;
    memset(&msg, 0xa5, sizeof msg);
    untouched = msg;
    r = wire_decode(&msg, data + 2, size - 2, data[1] % (WIRE_MAX_FDS + 1), data[0] % (WIRE_FROM_WORKER + 1), &err);
    if (r < 0) {
        assert(memcmp(&msg, &untouched, sizeof msg) == 0);
        assert(err.msg[0] != '\0');
        return 0;
    }
    assert(wire_size(msg.head.type) == size - 2);
    if (msg.head.type == WIRE_LEASE)
        assert(limits_check(&msg.lease.limits, NULL) == 0 && strlen(msg.lease.language) < sizeof msg.lease.language);
    if (msg.head.type == WIRE_SIGNAL)
        assert(job_signal_is_one(msg.signal.signal));
    if (msg.head.type == WIRE_JOB)
        assert(msg.job.rows <= JOB_MAX_WINDOW && msg.job.columns <= JOB_MAX_WINDOW);
    if (msg.head.type == WIRE_FAILED || msg.head.type == WIRE_REFUSED)
        assert(strlen(msg.failed.msg) < sizeof msg.failed.msg);
    return 0;
}
