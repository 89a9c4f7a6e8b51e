/* schema: the tables, and how an older database becomes a newer one. */
#pragma once

#include <sqlite3.h>

#include "base/err.h"

/* Brings the database to the latest version, each step in a transaction. */
MUST_CHECK int schema_migrate(sqlite3 *db, struct err *err);
