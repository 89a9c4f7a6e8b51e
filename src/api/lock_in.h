/*
 * lock_in: what glimpsed keeps when it locks itself in: the database, boxd's door, the connections that it accepts.
 * docs/adr/0002 has the reasons.
 */
#pragma once

#include "lockdown/lockdown.h"

/* See lockdown(). data_dir: where the database is. */
MUST_CHECK int lock_in(const char *data_dir, struct err *err);
