/*
 * submissions: programs that are taken in now and run when there is room: POST /v1/submissions. Each is in the database
 * before its sender hears of it. Here is what is not finished; what is finished is the store's alone.
 *
 * The engine gets few at a time, so that POST /v1/run does not stand behind a long line; the line itself is in the
 * database, and only who is in it, in which order, is in memory. A start goes on with what it finds there.
 */
#pragma once

#include <sys/queue.h>

#include "api/api.h"
#include "api/fault.h"
#include "store/submissions.h"

struct submissions; /* opaque */

struct submissions_config {
    size_t waiting_max;   /* that are not finished; more are refused */
    size_t active_max;    /* that are the engine's at one time, running or about to */
    uint64_t keep_ms;     /* how long after its end one is kept; 0: for ever */
    uint64_t bytes_max;   /* of the database: beyond that the oldest finished ones go; 0: no bound */
};

/* Begins to read what is unfinished from the store. api: borrowed until submissions_free(); its store is there. */
MUST_CHECK int submissions_new(struct submissions **ret, struct api *api, const struct submissions_config *config,
                               struct err *err);
/* Nothing is taken in or started any more, and nobody waits any longer. */
void submissions_drain(struct submissions *submissions);
/* After the engine and the store are gone. NULL is allowed. */
void submissions_free(struct submissions *submissions);
DEFINE_FREEP(struct submissions, submissions)

/* Something has changed (the languages are known): who may run now? */
void submissions_feed(struct submissions *submissions);
/* False until the store has told what is unfinished: none are taken in before. */
bool submissions_loaded(const struct submissions *submissions);
/* That a stop should wait for. */
size_t submissions_n_active(const struct submissions *submissions);

/* --- Taking in --- */

struct submission_draft {
    struct job *job;      /* owned */
    bool base64;          /* how its output is to be written */
    struct slice request; /* JSON; borrowed */
    const char *callback_url; /* borrowed; NULL: none */
};
/* ids: so many, UUID_BYTES - 1 bytes each; borrowed. r, err: of store_submissions_add(). */
typedef void submissions_on_taken(void *arg, int r, const char *ids, size_t n, const struct err *err);
/* May this caller have n taken in now? 0, or -1 with *fault. */
MUST_CHECK int submissions_check_room(const struct submissions *submissions, const struct caller *caller, size_t n,
                                      struct fault *fault);
/* drafts: consumed, 1..SUBMISSION_BATCH_MAX, each passed engine_check(). 0: on_taken follows, once. Otherwise as
 * store_submissions_add(). */
MUST_CHECK int submissions_take_in(struct submissions *submissions, const char *owner, const struct caller *caller,
                                   struct submission_draft *drafts, size_t n, const struct submission_key *key,
                                   submissions_on_taken *on_taken, void *arg, struct err *err);

/* --- What is not finished --- */

struct submission; /* opaque; borrowed until the loop's next turn */

/* How many wait, and how many have been given to the engine. */
void submissions_count(const struct submissions *submissions, size_t *n_waiting, size_t *n_active);

/* NULL: it is finished, not there, or somebody else's. */
struct submission *submissions_find(struct submissions *submissions, const char *owner, const char *id);
/* Ends it; it will be finished soon, with STATUS_CANCELLED where it had not come to its end by itself. */
void submission_cancel(struct submission *submission);
/* How many that have not begun are in front of it. False: it has begun itself. */
bool submission_position(const struct submission *submission, size_t *ret);
/* Unix time; 0: it has not begun. */
int64_t submission_started_us(const struct submission *submission);

/* What it has printed in this attempt. See run_output(). */
uint32_t submission_attempt(const struct submission *submission);
bool submission_has_begun(const struct submission *submission, enum stage stage);
bool submission_base64(const struct submission *submission); /* known when a stage has begun */
struct slice submission_output(const struct submission *submission, enum stage stage, int stream);

struct submission_wait { /* part of what waits; all but the first three are ours */
    void (*on_over)(void *arg); /* it is finished, and in the store; or the time is over. Once, from the loop */
    /* NULL: only its end matters. A stage has begun, or there is more output; last: there will be no more of this
     * attempt. May stop its own wait, nobody else's. */
    void (*on_news)(void *arg, bool last);
    void *arg;
    struct submission *submission; /* NULL: not waiting */
    uint64_t until_ms;             /* uv_now() */
    LIST_ENTRY(submission_wait) entry;
};
/* False: so many wait with on_news, for this one or for all, that no more should. */
bool submission_may_follow(const struct submission *submission);
void submission_wait(struct submission_wait *wait, struct submission *submission, uint64_t ms);
/* on_over will not be called. No-op where it is not waiting. */
void submission_wait_stop(struct submission_wait *wait);
