/* fault: what is wrong with a request: the HTTP status, the field (a path like "files[1].name"), and a sentence. */
#pragma once

#include "base/cleanup.h"

struct fault {
    unsigned status; /* HTTP */
    char field[160]; /* "" where it is no field */
    char detail[512];
};

/* Returns -1, so that `return fault_set(...)` reads well. fmt is the sentence. */
int fault_set(struct fault *fault, unsigned status, const char *field, const char *fmt, ...) PRINTF_LIKE(4, 5);
