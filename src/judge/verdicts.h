/*
 * verdicts: what a judge calls the end of a case: from our statuses, from the exit status of a checker, and from the
 * two ends of a program and its interactor. Pure.
 */
#pragma once

#include "base/buf.h"
#include "model/job.h"

/* The closed list; the names are the API's. The order is that of JUDGE_NAMES. */
enum judge_verdict {
    JUDGE_ACCEPTED,
    JUDGE_PARTIAL, /* the checker gave points */
    JUDGE_WRONG_ANSWER,
    JUDGE_PRESENTATION_ERROR, /* the checker could not read it as an answer */
    JUDGE_RUNTIME_ERROR,      /* another exit status than 0, a signal, or a limit without a name of its own */
    JUDGE_TIME_LIMIT,
    JUDGE_MEMORY_LIMIT,
    JUDGE_OUTPUT_LIMIT,
    JUDGE_COMPILE_ERROR,
    JUDGE_CHECKER_ERROR, /* the checker or interactor is at fault, not the program */
    JUDGE_SKIPPED,
    JUDGE_CANCELLED,
    JUDGE_INTERNAL_ERROR,
    JUDGE_N_VERDICTS
};
extern const char *const judge_verdict_names[JUDGE_N_VERDICTS];

/* How a checker or interactor is started, and what its exit status means. */
enum judge_protocol {
    JUDGE_TESTLIB, /* input output answer; 0 accepted, 1 wrong, 2, 4 and 8 not well-formed, 3 failed, 7 points */
    JUDGE_ICPC,    /* input answer feedback_dir, the output on stdin; 42 accepted, 43 wrong */
    JUDGE_N_PROTOCOLS
};
extern const char *const judge_protocol_names[JUDGE_N_PROTOCOLS];

/* How a stage ended. */
struct judge_end {
    enum status status;
    int exit_code; /* -1 unless it exited by itself */
    int signal;    /* 0 unless a signal ended it */
};

/* Of a program before its output is looked at: JUDGE_ACCEPTED where nothing speaks against it. */
enum judge_verdict judge_of_status(enum status status);
/* Of a checker: JUDGE_CHECKER_ERROR where its end means nothing. */
enum judge_verdict judge_of_checker(enum judge_protocol protocol, const struct judge_end *checker);
/* Of a program and its interactor. interactor_first: it was the interactor that ended first. */
enum judge_verdict judge_of_interaction(enum judge_protocol protocol, const struct judge_end *program,
                                        const struct judge_end *interactor, bool interactor_first);

/* The points that a checker's message begins with, the word "points" before them or not. False: there are none. */
bool judge_read_points(double *ret, struct slice message);
