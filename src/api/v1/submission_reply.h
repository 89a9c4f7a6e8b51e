/*
 * submission_reply: answers a request by what the store has of one submission, or of some, now or when it is finished.
 * All doors to submissions share it.
 *
 *     reply_new -> its fields are set -> reply_go, or reply_fail          each answers, sooner or later, and frees
 */
#pragma once

#include "api/fault.h"
#include "api/submissions/submissions.h"

struct reply {
    struct api *api;              /* borrowed */
    struct http_request *request; /* borrowed; NULL once the client has left: then nobody is told anything */
    char owner[SUBMISSION_OWNER_BYTES];
    char *ids;                    /* owned: UUID_BYTES - 1 bytes each */
    size_t n;
    unsigned fields;              /* SUBMISSION_FIELD() */
    bool batch;                   /* {"submissions": [...]}, also of one */
    bool accepted;                /* 202 with Location unless it is finished, instead of 200 */
    bool replayed;                /* an Idempotency-Key had been there before */
    uint64_t wait_ms;             /* for the end of the one */
    struct submission_wait wait;
};

enum { SUBMISSION_WAIT_MAX_S = 60 };

/* NULL: out of memory, and that was answered. */
struct reply *reply_new(struct api *api, struct http_request *request);
/* Copies. 0, or -1 with *fault. */
MUST_CHECK int reply_set_ids(struct reply *reply, const char *ids, size_t n, struct fault *fault);
/* ?wait= and ?fields=. 0, or -1 with *fault. */
MUST_CHECK int reply_read_query(struct reply *reply, unsigned fallback, unsigned allowed, struct fault *fault);
void reply_go(struct reply *reply);
void reply_fail(struct reply *reply, const struct fault *fault);
void reply_say_no_content(struct reply *reply); /* 204 */
/* r, err: of a function of the store that failed, or said STORE_E_FULL. Sets the fault, logs what is ours. */
void reply_store_fault(struct fault *fault, int r, const struct err *err);

/* Whose submissions the request may see and make: "" where nobody has a name. */
const char *submission_owner(const struct http_request *request);
/* A whole number in the query. Absent: *ret is as it was. 0, or -1 with *fault. */
MUST_CHECK int query_number(uint64_t *ret, const struct http_request *request, const char *name, uint64_t min,
                            uint64_t max, struct fault *fault);
