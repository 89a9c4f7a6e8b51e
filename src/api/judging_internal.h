/* judging: what its files share. judging.c decides what is started when; judging_case.c is one case's life. */
#pragma once

#include "api/judging.h"

enum case_step {
    CASE_WAITS,    /* for its turn */
    CASE_RUNS,
    CASE_COMPARES, /* a thread does */
    CASE_TO_CHECK, /* has the checker's job, and waits for a place */
    CASE_CHECKS,
    CASE_OVER,
};

struct judging_state { /* of a case */
    struct judging *judging; /* borrowed */
    size_t i;
    enum case_step step;
    bool unwanted;       /* an earlier case has failed: whatever comes of this one, it is skipped */
    struct run *run;     /* borrowed, while one is under way */
    struct job *check;   /* owned */
    struct judging_outcome outcome;
};

struct judging {
    struct api *api; /* borrowed */
    struct caller caller;
    struct judging_request request;
    struct judging_events events;
    void *arg;

    struct judging_part parts[JUDGING_N_ROLES];
    struct judging_state *cases; /* owned */
    size_t next;        /* the first that waits */
    size_t n_to_check, n_over;
    size_t n_under_way; /* cases that have had their turn and are not over */
    size_t window;      /* the most of them */
    size_t told;        /* in their order: cases before this one were told of */
    size_t n_pending;   /* runs and threads whose callback is still to come */
    size_t output_bytes_max; /* of one stream of one case */
    uint64_t refused_ms; /* since when the engine takes nothing more of us; 0: it does */
    uv_timer_t retry;
    bool started;       /* judging_start() has said yes */
    bool stopping;      /* nothing new is started */
    bool freed, done;
};

/* --- judging.c, for judging_case.c ----------------------------------------------------------- */

/* Hands a job to the engine. 0: taken; JUDGING_E_LATER: it is full; -1 with *fault. */
enum { JUDGING_E_LATER = 1 };
MUST_CHECK int judging_admit(struct judging *judging, struct run **ret, struct job *job,
                             const struct run_events *events, void *arg, struct fault *fault);
/* Something has ended: goes on, as far as can be. The judging may be gone afterwards. */
void judging_go_on(struct judging *judging);
/* A case is over, its outcome known. */
void judging_case_over(struct judging_state *state);
/* A job like that of a part; NULL when out of memory. */
struct job *judging_job(const struct judging *judging, enum judging_role role);

/* --- judging_case.c, for judging.c ----------------------------------------------------------- */

/* Both: 0; JUDGING_E_LATER, and nothing has changed; or -1 with *fault. */
MUST_CHECK int judging_case_run(struct judging_state *state, struct fault *fault);
MUST_CHECK int judging_case_check(struct judging_state *state, struct fault *fault);
/* Ends it; of one that is not wanted any more nothing stays. why: a sentence, or "". */
void judging_case_reset(struct judging_state *state);
void judging_case_end(struct judging_state *state, enum judge_verdict verdict, const char *why);
/* Bytes of which len are kept, at whole characters. */
MUST_CHECK int judging_keep_text(struct buf *to, const struct buf *text, size_t len_max, bool *cut);
