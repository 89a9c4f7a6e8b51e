/* A file of its own: what is linked into boxes' own programs needs nothing else of cgroup. */
#include <errno.h>
#include <unistd.h>

#include "box/cgroup.h"

int cgroup_enter(const int *entries, size_t n)
{
    for (size_t i = 0; i < n; i++)
        if (write(entries[i], "0", 1) != 1)
            return -errno;
    return 0;
}
