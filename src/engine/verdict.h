/* verdict: from what was seen of a stage to what it is called. Pure. */
#pragma once

#include <stdbool.h>

#include "model/job.h"
#include "wire/wire.h"

/* Everything that was seen of one stage. */
struct stage_end {
    enum stage stage;
    bool cancelled;
    const char *failure; /* borrowed, or NULL: our own failure, a sentence */
    const char *too_big; /* borrowed, or NULL: the compiled program is; a sentence that says how much is allowed */
    bool exited;         /* init told how it ended: how, code and disk_full are set */
    uint32_t how;        /* enum wire_exit */
    int code;
    bool disk_full;
    bool too_much_output;
    uint32_t cause; /* enum wire_cause */
    uint32_t oom_kills, forks_refused;
    bool says_out_of_memory; /* its runtime says that the heap, which is sized by the limit, is full */
};

struct verdict {
    enum status status;
    int exit_code;     /* -1 unless it exited by itself */
    int signal;        /* 0 unless a signal ended it */
    char message[200]; /* which limit and how much, which signal; "" where status says all */
};

/* What explains more comes first: a program that is killed for CPU time may also have been short of memory. A limit
 * that a program ran into but got along with (exit status 0) is no failure. */
void verdict_of(struct verdict *ret, const struct stage_end *end, const struct limits *limits);
