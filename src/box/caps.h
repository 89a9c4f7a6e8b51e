/* caps: capability sets by the raw system calls, always read back. capabilities(7). */
#pragma once

#include <stdint.h>

#include "base/err.h"

#define CAP_BIT(cap) (UINT64_C(1) << (cap))

/* 0 where all of wanted are effective; -EPERM, or another negative errno. */
MUST_CHECK int caps_check(uint64_t wanted);
/* Sets permitted, effective (both to keep, as far as they are permitted now) and inheritable (to nothing), clears the
 * ambient set, and reads back. Returns 0, or a negative errno; -EPERM where more is left than keep. */
MUST_CHECK int caps_keep_only(uint64_t keep);
/* Leaves only keep in the bounding set: nothing that is executed from now on can gain another capability. Needs
 * CAP_SETPCAP. */
MUST_CHECK int caps_drop_bounding(uint64_t keep);
