/*
 * judging: one program against many cases. Knows no HTTP and no JSON.
 *
 *     compile program and checker ──▶ each case: run ──▶ compare, or check ──▶ on_case ──▶ ... on_done, once
 *
 * With an interactor a case is a pair of programs that talk to each other, and the interactor's end decides.
 *
 * Compiled once, whatever the cache is told; each case and each check in a box of its own. No more of them are under
 * way than the engine has places, and the next one is handed in when one has ended, so that others come in between.
 * Comparing what is long is a thread's work. An outcome does not depend on what ended first.
 */
#pragma once

#include "api/api.h"
#include "api/fault.h"
#include "judge/compare.h"
#include "judge/verdicts.h"

enum {
    JUDGING_CASES_MAX = 1000,
    JUDGING_NAME_BYTES_MAX = 100,
    JUDGING_WEIGHT_MAX = 1000000,
    JUDGING_FEEDBACK_BYTES = 1000, /* kept of what a checker says */
    JUDGING_OUTPUT_BYTES = 4 << 20, /* of each stream, returned of all cases together; each has an equal part */
    JUDGING_OUTPUT_LEAST = 4 << 10, /* ... and at least so much */
};

enum judging_return { JUDGING_RETURN_NONE, JUDGING_RETURN_FAILED, JUDGING_RETURN_ALL };

/* The programs that take part. */
enum judging_role { JUDGING_PROGRAM, JUDGING_CHECKER, JUDGING_INTERACTOR, JUDGING_N_ROLES };
extern const char *const judging_roles[JUDGING_N_ROLES]; /* "program", "checker", ... */

struct judging_case {
    char *name;                 /* owned; NULL: none */
    struct buf input, expected; /* owned */
    struct job *args;           /* owned; its arguments alone count; NULL: none */
    double weight;
};

/* What is asked for. */
struct judging_request {
    struct job *parts[JUDGING_N_ROLES]; /* owned; at most one of checker and interactor, the others NULL: without
                                         * either the comparator decides */
    enum judge_protocol protocol;    /* of the checker or interactor */
    struct comparator comparator;
    struct judging_case *cases;      /* owned, each with what it owns */
    size_t n_cases;
    bool stop_on_first_failure;
    enum judging_return return_output;
    bool base64;                     /* not judging's: how output is written */
};
void judging_request_done(struct judging_request *request);

/* What came of a case. */
struct judging_outcome {
    enum judge_verdict verdict;
    double score;              /* 0 to the case's weight */
    struct stage_result run;   /* owned; out: only what is returned */
    char message[200];         /* a sentence, or "" */
    bool differs;              /* there is a difference */
    struct difference difference;
    bool has_feedback;
    struct buf feedback;       /* owned: what the checker or interactor wrote to stderr; or the checker to stdout */
};

/* What came of all. */
struct judging_total {
    enum judge_verdict verdict;
    char message[200];
    double score, max_score;
    size_t n_passed;
    uint64_t wall_us, cpu_us, memory_bytes; /* the most of any case */
};

/* Of one of the programs that take part. */
struct judging_part {
    struct judging *judging;         /* borrowed */
    struct job *job;                 /* borrowed: each run's job is a copy of it; NULL: nobody has that role */
    const struct language *language; /* borrowed from the API */
    struct stage_result compile;     /* owned */
    struct compiled compiled;        /* owned, where it is compiled */
    struct run *run;                 /* borrowed: the compiler's, while it is under way */
    enum judging_step { JUDGING_TO_COMPILE, JUDGING_COMPILING, JUDGING_READY, JUDGING_BROKEN } step;
    enum status status;              /* of a compiler that failed */
    char message[200];
};

struct judging; /* opaque */

struct judging_events {
    /* A case's outcome is known: judging_outcome() has it. In the order of cases where judging stops on a failure,
     * otherwise as they come. May be NULL. */
    void (*on_case)(void *arg, size_t i);
    /* All of them are, and nothing is under way. Exactly once, never from inside judging_start(). It may free it. */
    void (*on_done)(void *arg);
};

/* request: taken on success. 0 with *ret owned by the caller, or -1 with *fault saying what to change, or that it can't
 * be taken now. */
MUST_CHECK int judging_start(struct judging **ret, struct api *api, const struct caller *caller,
                             struct judging_request *request, const struct judging_events *events, void *arg,
                             struct fault *fault);
/* Also while things are under way: they are cancelled, and no event comes any more. NULL is allowed. */
void judging_free(struct judging *judging);

/* All borrowed until judging_free(). */
const struct judging_request *judging_request_of(const struct judging *judging);
const struct judging_outcome *judging_outcome(const struct judging *judging, size_t i);
const struct judging_part *judging_part(const struct judging *judging, enum judging_role role);
void judging_sum_up(struct judging_total *ret, const struct judging *judging);
