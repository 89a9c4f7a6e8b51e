/*
 * webhooks: who is still to be told that a submission is finished. A row is made with the end of a submission that has
 * a callback_url, and goes with it.
 */
#pragma once

#include "store/submissions.h"

/* rows: as of submissions.h, whole, with webhook_tries. next_us: when the next one is due, Unix time; 0: none waits. */
typedef void store_on_due(void *arg, int r, const struct submission_row *rows, size_t n, int64_t next_us,
                          const struct err *err);
/* Takes up to limit that are due: counts the attempt, and has them due again at again_us, should nobody note before
 * then what came of it. Results of more than bytes_max are left out (too_large). */
MUST_CHECK int store_webhooks_take(struct store *store, int64_t now_us, int64_t again_us, size_t limit,
                                   uint64_t bytes_max, store_on_due *on_due, void *arg, struct err *err);

struct webhook_outcome {
    int64_t number;
    bool delivered;
    int64_t due_us;   /* when it is tried again; 0: never */
    char answer[WEBHOOK_ANSWER_BYTES]; /* for who looks at the submission */
};
MUST_CHECK int store_webhook_note(struct store *store, const struct webhook_outcome *outcome, store_on_done *on_done,
                                  void *arg, struct err *err);
