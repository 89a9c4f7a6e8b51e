#include "api/lock_in.h"

#include <sys/socket.h>

/* clang-format off */
static const char *const calls[] = {
    "pread64", "pwrite64", "unlink", "unlinkat", "ftruncate", "fallocate", "fsync", "fdatasync", "chmod", "fchmod",
    "fchmodat",     /* SQLite makes, grows and removes files beside the database */
    "accept4",
    "memfd_create", /* what goes into boxes, and to the courier */
};
/* clang-format on */

int lock_in(const char *data_dir, struct err *err)
{
    static const int families[] = {AF_UNIX}; /* to boxd, again and again */
    const struct lockdown_path paths[] = {{data_dir, LOCKDOWN_DATABASE, false}};
    const struct lockdown_plan plan = {.paths = paths,
                                       .n_paths = COUNT_OF(paths),
                                       .calls = calls,
                                       .n_calls = COUNT_OF(calls),
                                       .families = families,
                                       .n_families = COUNT_OF(families)};

    return lockdown(&plan, err);
}
