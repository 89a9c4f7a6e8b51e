/* uids: what one boxd has and no other of this machine: its instance, and a range of host uids. */
#pragma once

#include <stdint.h>

#include "base/err.h"

enum { UIDS_PER_RANGE = 8192, UIDS_N_RANGES = 16 };

/* Two boxd with one socket path would sweep each other's boxes away: the second is refused, -EBUSY. The lock
 * holds as long as *ret_lock, owned by the caller, is open. */
MUST_CHECK int instance_lock(int *ret_lock, const char *instance, struct err *err);
/* At the end, while the lock is held: the file goes. Closes lock, which may be -1. */
void instance_unlock(int lock, const char *instance);

/*
 * Takes the first free of UIDS_N_RANGES ranges above base: each live box has two uids of its own, so that the
 * kernel's limits per user (pipes, inotify, keys, pending signals) are not shared. The lock holds as above.
 */
MUST_CHECK int uids_lock(uint32_t *ret_base, int *ret_lock, uint32_t base, struct err *err);
