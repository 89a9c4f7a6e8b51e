/* schema: the tables, and how an older database becomes a newer one. */
#pragma once

#include "store/sql.h"

/* Brings the database to the latest version, each step in a transaction. */
MUST_CHECK int schema_migrate(struct sql *db, struct err *err);
