/*
 * fields: reads a JSON object by a table: one row for each field, at each level. Rows are read in the table's order,
 * not the body's, so that of several faults the same one is reported always. Optional fields may be null, which many
 * clients send for "none".
 *
 * A path is that of a field in the whole request ("checker.files[1].name"), as struct fault has it.
 */
#pragma once

#include "api/json_in.h"
#include "base/err.h"

struct reader {
    void *to; /* borrowed: what is being filled; the rows' functions know what it is */
    struct fault *fault;
};

typedef int read_fn(struct reader *reader, const json_t *value, const char *path);

struct field {
    const char *name;
    read_fn *read;
};

enum { FIELD_PATH_BYTES = 160 }; /* as many as struct fault has: longer ones are cut */

/* All return 0, or -1 with the fault set. prefix: path of the object with its '.', or "". */
MUST_CHECK int fields_read(struct reader *reader, const json_t *object, const char *prefix, const struct field *fields,
                           size_t n_fields);
/* Refuses what is not in the table, and says what is. */
MUST_CHECK int fields_check_names(struct reader *reader, const json_t *object, const char *prefix,
                                  const struct field *fields, size_t n_fields);
/* For rows whose object is read whole by somebody else. */
int field_ignore(struct reader *reader, const json_t *value, const char *path);

/* A short text that becomes a C string: *ret is owned by the caller, and freed first. */
MUST_CHECK int field_name(struct reader *reader, const json_t *value, const char *path, char **ret);
/* {content, encoding?} -> bytes, of an object that may have other fields. to: all zero; half filled on failure. */
MUST_CHECK int field_content(struct reader *reader, const json_t *object, const char *path, struct buf *to);
/* A string, or {content, encoding?} and nothing else. */
MUST_CHECK int field_bytes(struct reader *reader, const json_t *value, const char *path, struct buf *to);
MUST_CHECK int field_bool(struct reader *reader, const json_t *value, const char *path, bool *ret);

/* Faults. */
int field_wrong_type(struct reader *reader, const json_t *value, const char *path, const char *wanted);
/* From a function of model/: -ENOMEM is ours, all else is the client's. */
int field_wrong_value(struct reader *reader, const char *path, const struct err *err);
int field_out_of_memory(struct reader *reader);
