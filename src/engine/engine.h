/*
 * engine: a job's life. Queue, admission, lease, compile stage, run stage, result. Knows no HTTP.
 *
 * Every stage runs in a box of its own (ADR 1): the compile box's collected files become an
 * artifact, which is written into the run box together with the job's own files. Artifacts are kept
 * for equal jobs (reuse.h); of equal jobs at one time, one compiles and the others wait for it.
 * Single-threaded: everything happens on the loop that engine_new() is given.
 */
#pragma once

#include <uv.h>

#include "base/err.h"
#include "languages/languages.h"
#include "model/job.h"
#include "wire/wire.h"

struct engine; /* opaque */
struct run;    /* one job under way; opaque */

enum {
    ENGINE_E_BUSY = 1,     /* the queue is full: try again later */
    ENGINE_E_LANGUAGE = 2, /* no such language: *err says which there are */
    ENGINE_E_UNAVAILABLE = 3, /* the language is known but its toolchain is missing: *err says what to install */
    ENGINE_E_VERSION = 4,  /* the language is there in another version: *err says which */
    ENGINE_E_SHARE = 5,    /* the caller's part of the queue is full: try again later */
};

/* A run that has ended, for who keeps figures. All borrowed during the call. */
struct engine_report {
    const struct language *language;
    const struct result *result;
    uint64_t queue_us; /* until its first place */
    uint64_t total_us; /* from engine_start() to the result */
    uint64_t lease_us[N_STAGES]; /* from the question to the box; of stages that ran, not of cached ones */
};

struct engine_config {
    uv_loop_t *loop;          /* borrowed until engine_free() */
    const char *boxd_socket;  /* path; borrowed until engine_free() */
    const struct languages *languages; /* borrowed until engine_free() */
    uint32_t max_running;     /* stages at one time, 1..1024 */
    uint32_t max_queued;      /* jobs that wait for a place, 0..100000 */
    uint64_t cache_bytes;     /* of compiled programs that are kept; 0: none, and each job compiles for itself */
    uint32_t cache_entries;   /* how many, each a descriptor; at least 1 with cache_bytes */
    uint64_t interactive_ms;  /* wall time of interactive jobs: their default and their maximum; 0: as of all jobs */
    void (*on_report)(void *arg, const struct engine_report *report); /* before each on_result; may be NULL */
    /* The answer to engine_ask_boxd(). figures: borrowed; NULL: boxd has gone, and will not answer. May be NULL. */
    void (*on_figures)(void *arg, const struct wire_figures *figures);
    void *arg;                /* for on_report and on_figures */
};

/* Connects to boxd now; when the connection is lost, runs under way end with internal_error and it
 * is tried again, at most once a second, until it is back. < 0 only where memory or the loop fail. */
MUST_CHECK int engine_new(struct engine **ret, const struct engine_config *config, struct err *err);
/* Cancels all runs (each gets its on_result), then releases everything; the loop must run once more
 * for its handles to close. NULL is allowed. */
void engine_free(struct engine *engine);
DEFINE_FREEP(struct engine, engine)

/* Compiled programs that are kept are not given to anybody any more. */
void engine_forget_artifacts(struct engine *engine);
bool engine_connected(const struct engine *engine);
/* on: no new runs are taken (engine_start() says busy); those under way end as usual. */
void engine_drain(struct engine *engine);
bool engine_has_room(const struct engine *engine); /* engine_start() would not say ENGINE_E_BUSY */
size_t engine_n_runs(const struct engine *engine); /* queued and running */

struct engine_figures {
    uint64_t n_queued, max_queued, oldest_us; /* how long the one that waits longest has waited; 0: none does */
    uint64_t n_callers; /* whose jobs wait for a place */
    uint64_t n_running, max_running;
    uint64_t cache_hits, cache_misses, cache_entries, cache_bytes, cache_bytes_max;
};
void engine_read_figures(struct engine_figures *ret, const struct engine *engine);
/* Asks glimpse-boxd how it stands with one kind of boxes (struct wire_stats). False: it is not there now. */
bool engine_ask_boxd(struct engine *engine, uint32_t kind);

struct run_events {
    /* A stage begins: it has its box, and the program in it is told to go. Before any output of it; may be NULL. A
     * compile stage that need not run again begins, and is over, right before the run stage. */
    void (*on_stage)(void *arg, enum stage stage);
    /* A piece of output as it comes, stream 0 or 1; may be NULL. bytes: borrowed. The result has it all again. */
    void (*on_output)(void *arg, enum stage stage, int stream, const char *bytes, size_t len);
    /* All that was given to run_write_stdin() has been read, after run_stdin_waiting() was not 0; may be NULL. */
    void (*on_stdin_room)(void *arg);
    /* Exactly once, never from inside engine_start(). result: borrowed. The run is gone afterwards. */
    void (*on_result)(void *arg, const struct result *result);
};

/* Would engine_start() take it, if there were room? 0, or what it would return for a language, a version or limits that
 * can't be; fills in what the job left to its language. */
MUST_CHECK int engine_check(const struct engine *engine, struct job *job, struct err *err);

/* For whom a job runs. Places and queue are shared between callers, by weight (fair.h). */
struct engine_caller {
    const char *name;     /* borrowed; who has the same is the same. At most 63 bytes */
    uint32_t weight;      /* at most 1000; 0: 1 */
    uint32_t max_running; /* places at one time; 0: all there are */
    uint32_t max_queued;  /* waiting at one time; 0: no bound but that it leaves as much of the queue as it takes */
};

/*
 * Takes a job in. caller: NULL for nobody in particular. job: taken on success. Limits above the language's maximum
 * are lowered to it.
 * Returns 0 with *ret borrowed until on_result; an ENGINE_E_* with *err saying what to change; or < 0.
 */
MUST_CHECK int engine_start(struct run **ret, struct engine *engine, const struct engine_caller *caller,
                            struct job *job, const struct run_events *events, void *arg, struct err *err);
/*
 * A pair: two jobs without compile stages that run at the same time, each one's stdout being the other one's stdin;
 * they begin together, and end each for itself. Nothing that goes between them comes by here: no output limit counts
 * it, and results have it not. What the second writes when the first has ended is lost, as far as a pipe takes it, and
 * no error: it may not have heard of that yet. Neither has a stdin of its own. As engine_start(), for both or none;
 * arg: of both.
 */
MUST_CHECK int engine_start_pair(struct run *ret[2], struct engine *engine, const struct engine_caller *caller,
                                 struct job *const jobs[2], const struct run_events *const events[2], void *arg,
                                 struct err *err);
/* While it waits for a place: how many come before it, and it, as things are now: who comes later may still come
 * before, where its caller has had less. 0: it does not wait. age_us: for how long it has waited. */
size_t run_queue_position(const struct run *run);
uint64_t run_queue_age_us(const struct run *run);
/* What a stage has written so far to stream 0 or 1, as far as it is kept. Borrowed until the loop's next turn; it grows
 * until on_result, in which it can be asked for too. */
struct slice run_output(const struct run *run, enum stage stage, int stream);
/* Ends it: on_result follows, from the loop, with STATUS_CANCELLED and what was printed so far. */
void run_cancel(struct run *run);

/* on: output is not read any more, and who writes it has to wait, once its pipe is full; its clocks go on. off: it is
 * read again. Holds for all stages. When a stage ends meanwhile, what is left in its pipes comes nevertheless: 1 MiB of
 * each stream at most, and no more than output_bytes. May be called from on_output. */
void run_pause_output(struct run *run, bool on);

/* For jobs with stdin_open. Copies; held until the program reads; -EFBIG with more than JOB_MAX_STDIN_BYTES waiting. */
MUST_CHECK int run_write_stdin(struct run *run, const void *bytes, size_t len);
size_t run_stdin_waiting(const struct run *run); /* bytes that the program has not taken yet */
/* In a terminal it is as if Ctrl-D were typed, and what is written later is typed too. */
void run_close_stdin(struct run *run);

/* signal: of job_signals. To the process group in the foreground of the run's terminal; without one, to the stage's
 * program and what it has started in its group. Nothing where no program runs, yet or any more. */
void run_signal(struct run *run, int signal);
/* For jobs with a terminal, at any time: its size, or that which it will have. */
void run_resize(struct run *run, struct job_terminal size);
