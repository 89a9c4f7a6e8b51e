#include "box/caps.h"

#include <errno.h>
#include <linux/capability.h>
#include <sys/prctl.h>
#include <stdbool.h>
#include <sys/syscall.h>

/* Version 3: two 32-bit words a set. */
static int get(struct __user_cap_data_struct data[2])
{
    struct __user_cap_header_struct head = {.version = _LINUX_CAPABILITY_VERSION_3};

    return syscall(SYS_capget, &head, data) < 0 ? -errno : 0;
}

int caps_check(uint64_t wanted)
{
    struct __user_cap_data_struct data[2];
    int r = get(data);

    for (int i = 0; r == 0 && i < 2; i++)
        if ((~data[i].effective & (uint32_t)(wanted >> (32 * i))) != 0)
            r = -EPERM;
    return r;
}

int caps_keep_only(uint64_t keep)
{
    struct __user_cap_header_struct head = {.version = _LINUX_CAPABILITY_VERSION_3};
    struct __user_cap_data_struct data[2];
    int r = get(data);

    if (r < 0)
        return r;
    for (int i = 0; i < 2; i++) {
        uint32_t word = (uint32_t)(keep >> (32 * i));

        data[i].permitted &= word;
        data[i].effective = data[i].permitted;
        data[i].inheritable = 0;
    }
    if (syscall(SYS_capset, &head, data) < 0 || prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_CLEAR_ALL, 0, 0, 0) < 0)
        return -errno;
    r = get(data);
    for (int i = 0; r == 0 && i < 2; i++) {
        uint32_t word = (uint32_t)(keep >> (32 * i));

        if (((data[i].permitted | data[i].effective) & ~word) != 0 || data[i].inheritable != 0)
            r = -EPERM;
    }
    return r;
}

int caps_drop_bounding(uint64_t keep)
{
    /* The kernel knows its last capability: EINVAL ends the list. To read one costs half of dropping it, and every box
     * does this: what is read is the outcome. */
    for (unsigned long cap = 0; cap < 64; cap++) {
        const bool kept = (keep & CAP_BIT(cap)) != 0;
        int has;

        if (!kept)
            (void)prctl(PR_CAPBSET_DROP, cap, 0, 0, 0);
        has = prctl(PR_CAPBSET_READ, cap, 0, 0, 0);
        if (has < 0)
            return errno == EINVAL && cap > 0 ? 0 : -errno;
        if (has > 0 && !kept)
            return -EPERM;
    }
    return 0;
}
