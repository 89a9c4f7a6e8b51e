/* schema_submissions: version 3 of the database; private to src/store. */
#pragma once

#include "store/sql.h"

/* The tables of version 3, beside that of version 1, which is renamed to old_submissions. */
extern const char schema_submissions_tables[];
/* Its rows become rows of the new tables, with their numbers, and it goes. */
MUST_CHECK int schema_submissions_move(struct sql *db, struct err *err);
