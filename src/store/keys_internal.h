/* keys_internal: what the files of keys share. */
#pragma once

#include "store/keys.h"
#include "store/sql.h"

/* *ret stays as it is where they are still of that version; otherwise it is the caller's. */
MUST_CHECK int keys_read(struct keys **ret, struct sql *db, int64_t version, struct err *err);
