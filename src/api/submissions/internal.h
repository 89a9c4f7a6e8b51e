/* internal: what the files of submissions share. See life.c for the states. */
#pragma once

#include "api/submissions/submissions.h"

enum { ATTEMPTS_MAX = 2 }; /* how often one may be given to the engine */

enum submission_state {
    SUBMISSION_SAVING,   /* goes to the disk; its sender does not know it yet */
    SUBMISSION_WAITING,  /* is in the line */
    SUBMISSION_CLAIMING, /* its turn: the database counts that, and gives back what is to be run */
    SUBMISSION_RUNNING,  /* is the engine's */
    SUBMISSION_ENDING,   /* its end goes to the disk */
};

TAILQ_HEAD(submission_list, submission);

/* A caller, while there is anything of it that is not finished. */
struct turn {
    TAILQ_ENTRY(turn) entry;
    char caller[CALLER_ID_BYTES];
    struct submission_list waiting;
    size_t n_waiting, n_active, n_known; /* n_known: submissions that point here */
    uint32_t n_taken;                    /* from the line since its turn began */
};

struct submission {
    TAILQ_ENTRY(submission) entry; /* of its turn's `waiting` while WAITING, of `active` otherwise */
    struct turn *turn;             /* borrowed from all */
    struct submissions *all;       /* borrowed */
    enum submission_state state;
    char id[UUID_BYTES], owner[SUBMISSION_OWNER_BYTES];
    struct caller caller;
    int64_t number; /* 0 while SAVING */
    int64_t started_us;
    uint32_t attempts; /* as the database has it, or is about to */
    bool cancelled, base64;
    bool ending;       /* ENDING: the store is at it */
    bool direct;       /* SAVING: there is room for it in the engine at once */
    struct job *job;   /* owned; NULL: it is in the database only */
    struct run *run;   /* borrowed from the engine while RUNNING */
    bool begun[N_STAGES]; /* in this attempt */
    char version[128]; /* of its language, as it ran last; "" before */
    struct submission_row *end;      /* owned: ENDING; its stages and files are in: */
    struct buf stages, files;
    uint64_t files_omitted;
    LIST_HEAD(, submission_wait) waits;
    size_t n_followers; /* of them: with on_news */
};

struct submissions {
    struct api *api; /* borrowed */
    struct submissions_config config;
    uv_timer_t *tick;  /* owned: active while somebody waits, or something is to be tried again */
    uv_timer_t *sweep; /* owned: retention */
    bool loaded, draining;
    bool sweeping;       /* the store is at it */
    bool retry;          /* the line, at the next tick */
    uint64_t complained_ms; /* when the log was told last that ends can't be stored */
    void *by_id;         /* tsearch(3) */
    void *turns_by_caller; /* tsearch(3) */
    TAILQ_HEAD(, turn) turns; /* owned; whose turn it is, in order */
    size_t n, n_line, n_active, n_waits, n_followers;
    struct submission_list active;
};

/* --- line.c --- */

/* Its caller gets a turn, or has one. 0 or -1: out of memory. */
MUST_CHECK int line_know(struct submission *submission);
void line_forget(struct submission *submission);
size_t line_n_known(const struct submissions *all, const char *caller);
void line_add(struct submission *submission, bool first); /* first: of its caller's */
void line_remove(struct submission *submission);
/* Who comes next, still in the line; NULL: nobody may. Counts as its caller's turn. */
struct submission *line_next(struct submissions *all);
/* How many would come before it, if nobody else came in. */
size_t line_position(const struct submission *submission);

/* --- life.c --- */

int submission_compare(const void *a, const void *b); /* for tsearch(3) */
/* Into by_id and `active`. NULL: out of memory. */
struct submission *submission_new(struct submissions *all, const char *id, const char *owner,
                                  const struct caller *caller);
/* Out of them, whoever waits is told. */
void submission_free(struct submission *submission);
/* The rows are on the disk. */
void submission_saved(struct submission *submission, int64_t number);
/* Into the line; first: in front. */
void submission_line_up(struct submission *submission, bool first);
/* It had its chances; in the words of message it was not to be. */
void submission_fail(struct submission *submission, const char *message);
/* From its place in the line towards the engine. */
void submission_begin(struct submission *submission);
/* An end that could not be stored is tried again. */
void submission_store_end(struct submission *submission);

/* --- waits.c --- */

void submissions_tick_on(struct submissions *all);
/* Nobody waits any longer for this one. */
void submission_wake(struct submission *submission);
/* There is news for those who follow it. */
void submission_tell(struct submission *submission, bool last);
/* Those whose time is over by then (uv_now()). */
void submissions_wake_until(struct submissions *all, uint64_t until_ms);

/* --- sweep.c --- */

void submissions_start_sweeping(struct submissions *all);
