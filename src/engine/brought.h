/* brought: the files that a program has left, as its box hands them over. */
#pragma once

#include "model/job.h"

/* Reads the records of a memfd that nobody can change any more into result->files. Treats them as hostile. < 0 with
 * *err; what was read up to then stays. */
MUST_CHECK int brought_read(struct result *result, int fd, uint64_t bytes, struct err *err);
