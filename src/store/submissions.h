/*
 * submissions: programs that were taken in, and what became of them. Each is in the database before its
 * sender hears of it, and stays until somebody deletes it or it has grown too old.
 *
 *   queued ── store_submission_claim, _started ─▶ running ── store_submission_finish ─▶ a status of struct result
 *      ▲                                             │
 *      └──────── store_submission_requeue, a restart ┘
 *
 * Rows go by `number`, the order in which they were taken in, between the parts of one process; clients
 * know `id`, which can't be guessed. Each has an owner ("" where nobody has a name): others find
 * nothing.
 */
#pragma once

#include "base/uuid.h"
#include "store/store.h"

enum {
    SUBMISSION_BATCH_MAX = 100,
    SUBMISSION_OWNER_BYTES = 64,
    SUBMISSION_KEY_BYTES = 256,
    SUBMISSION_HASH_BYTES = 32,
    SUBMISSION_URL_BYTES = 2049,
    WEBHOOK_ANSWER_BYTES = 168,
};

/* How far the submission's owner was told of its end. */
enum webhook_state { WEBHOOK_NONE, WEBHOOK_WAITING, WEBHOOK_DELIVERED, WEBHOOK_FAILED };

struct submission_row {
    int64_t number;
    char id[UUID_BYTES], owner[SUBMISSION_OWNER_BYTES];
    char caller[SUBMISSION_OWNER_BYTES]; /* for whom the engine counts it: struct caller's id */
    char language[64], version[128], status[24];
    char message[200];
    char callback_url[SUBMISSION_URL_BYTES]; /* "": nobody is to be told */
    uint32_t attempts;                       /* how often it was given to the engine */
    int64_t created_us, started_us, finished_us; /* Unix time; 0: not yet */
    struct slice request, stages, files;     /* JSON; NULL in .at where it was not asked for, or is not there */
    uint64_t files_omitted;                  /* goes with files */
    bool too_large;                          /* stages and files are there, and were more than was asked for */
    enum webhook_state webhook;              /* where that was asked for */
    uint32_t webhook_tries;
    char webhook_answer[WEBHOOK_ANSWER_BYTES]; /* what the last one came to */
};

/* Rows are borrowed. r: 0; an outcome of the function; or < 0 with *err, which is otherwise NULL. */
typedef void store_on_rows(void *arg, int r, const struct submission_row *rows, size_t n, const struct err *err);
typedef void store_on_done(void *arg, int r, const struct err *err);

/* --- Taking in --- */

/* Who sends the same request again under the same key gets the rows of the first time. Keys are those of an owner, or,
 * where nobody has a name, of a caller. */
struct submission_key {
    const char *key;                          /* NULL: none */
    uint8_t hash[SUBMISSION_HASH_BYTES];      /* of the request */
    int64_t expired_us;                       /* keys from before are forgotten */
};
enum {
    STORE_E_REPLAYED = 2, /* rows: those of the first time, as far as they are still there */
    STORE_E_KEY_TAKEN = 3 /* by another request */
};
/* rows: 1..SUBMISSION_BATCH_MAX of one owner; copied. All of them go in, or none. on_rows gets them in the same order,
 * with their numbers. STORE_E_FULL or < 0: on_rows does not follow. */
MUST_CHECK int store_submissions_add(struct store *store, const struct submission_row *rows, size_t n,
                                     const struct submission_key *key, store_on_rows *on_rows, void *arg,
                                     struct err *err);

/* --- Running --- */

/* attempts: written as it is, before the program runs. One row, with request. STORE_E_NONE: it is gone. */
enum { STORE_E_NONE = 4 };
MUST_CHECK int store_submission_claim(struct store *store, int64_t number, uint32_t attempts, store_on_rows *on_rows,
                                      void *arg, struct err *err);
/* Nobody waits for this to be on the disk. */
MUST_CHECK int store_submission_started(struct store *store, int64_t number, int64_t started_us, struct err *err);
/* Back among the queued, as if it had been given to the engine so often. */
MUST_CHECK int store_submission_requeue(struct store *store, int64_t number, uint32_t attempts, struct err *err);
/* result: its version, status, message, started_us, finished_us, stages and files count. */
MUST_CHECK int store_submission_finish(struct store *store, const struct submission_row *result, store_on_done *on_done,
                                       void *arg, struct err *err);
/* After a start: those that are not finished, all of them queued now, in the order of their numbers. */
MUST_CHECK int store_submissions_unfinished(struct store *store, store_on_rows *on_rows, void *arg, struct err *err);

/* --- Looking --- */

struct submission_query {
    const char *owner;
    const char *ids;  /* so many, UUID_BYTES - 1 bytes each, no more is looked at then */
    size_t n_ids;     /* 0: a list, newest first */
    bool stages, files, request; /* wanted: what may be large, so for one id at most */
    bool webhook;
    const char *caller, *status, *language; /* or NULL: any */
    const char *before_id, *not_before_id; /* id < before_id, id >= not_before_id; or NULL */
    size_t limit;     /* of a list */
};
/* Everything in query is copied. A list has up to limit rows; ids: in their order, without those that are not there. */
MUST_CHECK int store_submissions_find(struct store *store, const struct submission_query *query, store_on_rows *on_rows,
                                      void *arg, struct err *err);

/* --- Going --- */

/* STORE_E_NONE: it is not there, or not finished. */
MUST_CHECK int store_submission_delete(struct store *store, const char *owner, const char *id, store_on_done *on_done,
                                       void *arg, struct err *err);

/* What must not be kept, in one step of bounded size. */
struct submission_sweep {
    int64_t finished_before_us; /* 0: none for its age */
    int64_t keys_before_us;
    uint64_t bytes_max;         /* of the database; 0: no bound */
};
enum { STORE_E_MORE = 5 }; /* there is more to delete: call again */
MUST_CHECK int store_submissions_sweep(struct store *store, const struct submission_sweep *sweep,
                                       store_on_done *on_done, void *arg, struct err *err);
