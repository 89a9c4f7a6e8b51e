/* signals: what execve(2) leaves as it is. */
#pragma once

#include "base/err.h"

/* The default for every signal, and none blocked in this thread: for what is executed next. 0 or -errno. Allocates
 * nothing. */
MUST_CHECK int signals_reset(void);
