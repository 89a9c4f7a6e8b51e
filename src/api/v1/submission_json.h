/* submission_json: a submission as its reader sees it, and which fields of it are wanted. */
#pragma once

#include "api/fault.h"
#include "api/submissions/submissions.h"
#include "base/json_out.h"

enum submission_field { /* in the order of writing */
    SUBMISSION_FIELD_ID,
    SUBMISSION_FIELD_LANGUAGE,
    SUBMISSION_FIELD_VERSION,
    SUBMISSION_FIELD_STATUS,
    SUBMISSION_FIELD_MESSAGE,
    SUBMISSION_FIELD_STAGES,
    SUBMISSION_FIELD_FILES, /* and files_omitted; only where the request collects */
    SUBMISSION_FIELD_CREATED_AT,
    SUBMISSION_FIELD_STARTED_AT,
    SUBMISSION_FIELD_FINISHED_AT,
    SUBMISSION_FIELD_QUEUE,
    SUBMISSION_FIELD_CALLBACK, /* only where there is a callback_url */
    SUBMISSION_FIELD_REQUEST,  /* what was sent */
    N_SUBMISSION_FIELDS
};
#define SUBMISSION_FIELD(name) (1u << SUBMISSION_FIELD_##name)
enum {
    SUBMISSION_ALL_FIELDS = (1 << N_SUBMISSION_FIELDS) - 1,
    SUBMISSION_DEFAULT_FIELDS = SUBMISSION_ALL_FIELDS & ~(1 << SUBMISSION_FIELD_REQUEST),
    /* Without what may be large: for lists. */
    SUBMISSION_LIST_FIELDS = SUBMISSION_DEFAULT_FIELDS & ~(1 << SUBMISSION_FIELD_STAGES | 1 << SUBMISSION_FIELD_FILES |
                                                           1 << SUBMISSION_FIELD_CALLBACK),
};

/* text: a comma list, or NULL in .at for the fallback. Only what is in allowed may be asked for. 0, or -1. */
MUST_CHECK int submission_fields_parse(unsigned *ret, struct slice text, unsigned fallback, unsigned allowed,
                                       struct fault *fault);
/* `unfinished`: what is known of it beyond the row, or NULL. now_us: Unix time. */
void submission_write(struct json_out *out, const struct submission_row *row, const struct submission *unfinished,
                      unsigned fields, int64_t now_us);
/* The last event of its stream. row: of a finished one. */
void submission_write_result(struct json_out *out, const struct submission_row *row, unsigned fields);
