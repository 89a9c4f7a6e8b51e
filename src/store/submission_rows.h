/* submission_rows: rows that an operation owns; private to src/store. */
#pragma once

#include "store/sql.h"
#include "store/submissions.h"

struct submission_rows {
    struct submission_row *at; /* owned, as request and stages of each */
    size_t n, size;
    size_t bytes; /* of request and stages together */
};

/* 0 or -ENOMEM; nothing is added then. */
MUST_CHECK int submission_rows_add(struct submission_rows *rows, const struct submission_row *row);
void submission_rows_done(struct submission_rows *rows);

/* The columns that submission_row_read() wants, from its first on. */
#define SUBMISSION_COLUMNS                                                                         \
    "number, id, owner, caller, language, version, status, message, callback_url, attempts, "      \
    "created_us, started_us, finished_us"
enum { SUBMISSION_N_COLUMNS = 13 };
/* *ret borrows nothing. */
void submission_row_read(struct submission_row *ret, const struct sql_rows *from);
