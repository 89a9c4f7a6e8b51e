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
    struct run *interactor; /* likewise */
    struct judging_pair *pair; /* owned; while both are under way, or one of them has ended */
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

/* The same for two that talk to each other: jobs[0] is the program. */
MUST_CHECK int judging_admit_pair(struct judging *judging, struct run *ret[2], struct job *const jobs[2],
                                  const struct run_events *const events[2], void *arg, struct fault *fault);

/* --- judging_pair.c, for the others ---------------------------------------------------------- */

/* As judging_case_run(), with an interactor. */
MUST_CHECK int judging_pair_run(struct judging_state *state, struct fault *fault);
void judging_pair_free(struct judging_pair *pair);

/* --- judging_case.c, for judging_pair.c -------------------------------------------------------- */

/* A job of the program for this case: stdin: whether the case's input is that; of a checker or interactor, with the
 * case's files and arguments; output: what it is to check, or NULL. */
MUST_CHECK int judging_make_run(struct job **ret, const struct judging_state *state, bool input, struct err *err);
MUST_CHECK int judging_make_check(struct job **ret, const struct judging_state *state, enum judging_role role,
                                  const struct buf *output, struct err *err);
/* Takes the program's run stage, and what a checker or interactor said, into the outcome. 0 or -ENOMEM. */
MUST_CHECK int judging_take_stage(struct judging_state *state, const struct result *result);
MUST_CHECK int judging_take_feedback(struct judging_outcome *outcome, const struct stage_result *run);
/* Why a checker or interactor is at fault: a sentence into the outcome. */
void judging_explain(struct judging_outcome *outcome, enum judging_role role, enum status status, int exit_code,
                     const char *message);
/* JUDGE_PARTIAL by the points in the feedback: into the outcome's score. */
enum judge_verdict judging_take_points(struct judging_state *state, enum judging_role role);

/* --- judging_case.c, for judging.c ----------------------------------------------------------- */

/* Both: 0; JUDGING_E_LATER, and nothing has changed; or -1 with *fault. */
MUST_CHECK int judging_case_run(struct judging_state *state, struct fault *fault);
MUST_CHECK int judging_case_check(struct judging_state *state, struct fault *fault);
/* Ends it; of one that is not wanted any more nothing stays. why: a sentence, or "". */
void judging_case_reset(struct judging_state *state);
void judging_case_end(struct judging_state *state, enum judge_verdict verdict, const char *why);
/* Bytes of which len are kept, at whole characters. */
MUST_CHECK int judging_keep_text(struct buf *to, const struct buf *text, size_t len_max, bool *cut);
