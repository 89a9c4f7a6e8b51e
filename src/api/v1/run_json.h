/*
 * run_json: POST /v1/run: JSON text -> struct job, struct result -> JSON text. Pure: no I/O, no global state;
 * a fuzz target.
 */
#pragma once

#include "api/fault.h"
#include "base/buf.h"
#include "languages/languages.h"
#include "model/job.h"

struct v1_run {
    struct job *job; /* owned */
    bool base64;     /* output_encoding */
};

/* 0, or -1 with *fault saying which field and what would be right; *ret is then untouched. */
MUST_CHECK int v1_run_parse(struct v1_run *ret, struct slice body, struct fault *fault);

/* The answer's body. 0 or < 0 (no memory, or larger than to->max). */
MUST_CHECK int v1_run_write(struct buf *to, const char *id, const struct language *language,
                            const struct result *result, bool base64);
