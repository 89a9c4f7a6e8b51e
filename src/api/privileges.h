/* privileges: glimpsed reads what hostile programs print, so it holds none. */
#pragma once

#include "base/err.h"

/* Started as root: makes dir (and hands it over, where it is root's), then becomes user, for good. Started as
 * anybody else: makes dir. Afterwards nothing can gain privileges. < 0 with *err saying what to change. */
MUST_CHECK int privileges_drop(const char *user, const char *dir, struct err *err);
