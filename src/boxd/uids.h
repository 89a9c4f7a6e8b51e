/* uids: a range of host uids that no other boxd of this machine uses. */
#pragma once

#include <stdint.h>

#include "base/err.h"

enum { UIDS_PER_RANGE = 8192, UIDS_N_RANGES = 16 };

/*
 * Takes the first free of UIDS_N_RANGES ranges above base: each live box has two uids of its own, so that the kernel's limits
 * per user (pipes, inotify, keys, pending signals) are not shared. The lock holds as long as *ret_lock, owned by the caller, is open.
 */
MUST_CHECK int uids_lock(uint32_t *ret_base, int *ret_lock, uint32_t base, struct err *err);
