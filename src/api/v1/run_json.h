/*
 * run_json: POST /v1/run: JSON text -> struct job, struct result -> JSON text. Pure: no I/O, no global state;
 * a fuzz target.
 */
#pragma once

#include <jansson.h>

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

/* A run as a part of a larger request. */
enum { V1_RUN_OTHERS_MAX = 12 };
enum { V1_RUN_BUT_STDIN = 1, V1_RUN_BUT_OUTPUT_ENCODING = 2, V1_RUN_BUT_COLLECT = 4 };
struct v1_run_part {
    const char *prefix; /* of its paths: "submissions[3]."; "" at the top; borrowed */
    unsigned but;       /* V1_RUN_BUT_*: what it does not have */
    struct job *extra;  /* borrowed; its files and stdin are moved into the run: they came by another way. NULL: none */
    bool without_program; /* neither code nor files is wanted, files may be there */
    const char *others[V1_RUN_OTHERS_MAX]; /* fields of the same object that the caller reads; borrowed, up to a NULL */
};
MUST_CHECK int v1_run_read(struct v1_run *ret, const json_t *object, const struct v1_run_part *part,
                           struct fault *fault);

/* An array of arguments, for a job. 0, or -1 with the reader's fault set. */
struct reader;
MUST_CHECK int v1_args_read(struct reader *reader, const json_t *args, const char *path, struct job *job);

/* A stage, or null where it was not reached. output: with what it wrote. */
struct json_out;
void v1_stage_write(struct json_out *out, enum stage which, const struct stage_result *stage, bool output, bool base64);
/* {"compile": ..., "run": ...}: what the answer has in `stages`. 0 or < 0, as below. */
MUST_CHECK int v1_run_write_stages(struct buf *to, const struct result *result, bool base64);
/* [...]: what it has in `files`, where result->collects. */
MUST_CHECK int v1_run_write_files(struct buf *to, const struct result *result, bool base64);
/* The answer's body; type: what its first field `type` says, where it is an event, or NULL. 0 or < 0 (no memory, or
 * larger than to->max). */
MUST_CHECK int v1_run_write(struct buf *to, const char *type, const char *id, const struct language *language,
                            const struct result *result, bool base64);
