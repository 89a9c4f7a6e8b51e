/* snippet_json: POST /v1/snippets: JSON text -> a program to be kept, and that as JSON again. Pure. */
#pragma once

#include "api/fault.h"
#include "base/buf.h"
#include "model/job.h"

enum {
    SNIPPET_PROGRAM_BYTES_MAX = 256 << 10, /* as JSON */
    SNIPPET_DAYS = 90,
    SNIPPET_DAYS_MAX = 365,
};

struct v1_snippet {
    struct job *job; /* owned: language, files, stdin, arguments, nothing else */
    uint64_t days;   /* until it expires */
};
void v1_snippet_done(struct v1_snippet *snippet);

/* 0, or -1 with *fault saying which field and what would be right; *ret is then untouched. */
MUST_CHECK int v1_snippet_parse(struct v1_snippet *ret, struct slice body, struct fault *fault);
/* Appends {language, files, stdin, args}. language: its id. 0 or < 0: -EFBIG where it does not fit. */
MUST_CHECK int v1_snippet_program(struct buf *to, const struct v1_snippet *snippet, const char *language);
