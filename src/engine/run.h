/* run: one job under way; private to the engine. engine.c decides when a run may start, run.c takes it from
 * lease to result, run_box.c talks to its box. See run.c for its states. */
#pragma once

#include <sys/queue.h>

#include "engine/artifacts.h"
#include "engine/boxd_link.h"
#include "engine/engine.h"
#include "engine/fair.h"
#include "engine/payload.h"
#include "engine/stage_io.h"
#include "engine/verdict.h"

enum { RUN_MAX_ARTIFACT_BYTES = 64 << 20 }; /* what a compile stage may hand on, records and all */
#define RUN_NO_PLACE UINT32_MAX

enum run_state {
    RUN_QUEUED,    /* waits for a place, or for an equal run's compiler */
    RUN_LEASING,   /* has a place and asked boxd for a box; pipes and payload are being made */
    RUN_RUNNING,   /* has a box, whose init got the job */
    RUN_MEASURING, /* the program has ended or is to end: boxd was asked for the figures */
    RUN_ENDED,     /* the stage is over, its box given back */
    RUN_N_STATES
};

struct run {
    TAILQ_ENTRY(run) entry; /* in `queue` while QUEUED, in the engine's list of ended runs at the end */
    struct run_list *queue; /* borrowed: its flow's, or another run's followers; NULL: it does not wait */
    struct flow *flow;      /* used: its caller's */
    uint64_t since_us;      /* when it got the place that it has */
    struct engine *engine;
    enum run_state state;
    struct job *job; /* owned; its limits are settled */
    const struct language *language; /* borrowed from the engine */
    struct run_events events;
    void *arg;
    struct result result;
    int sink_fd;              /* owned; of the second of a pair: a reader of its stdout, besides the first; or -1 */
    struct run *partner;      /* borrowed: the other one of a pair, until either of them is over; NULL: none */
    uint64_t taken_us, placed_us;      /* when it was taken in, and had its first place; 0: not yet */
    uint64_t asked_us;                 /* for a box, the last time */
    uint64_t lease_us[N_STAGES];

    /* The stage under way. */
    enum stage stage;
    uint64_t lease;  /* unique in the connection; its low bits are the place. 0: none */
    uint32_t place; /* RUN_NO_PLACE: none */
    bool asked_again; /* the lease was lost with the connection once: it is not tried a third time */
    struct watch box_watch;
    int box_fd;      /* owned */
    struct stage_io io;
    struct stage_ends ends;
    int payload_fd;  /* owned */
    uint64_t payload_bytes;
    uint64_t started_us; /* when the job was sent, for a box that ends without telling; 0: not yet */
    struct stage_end end;
    char failure[200]; /* what end.failure and end.too_big point to */

    int artifact_fd; /* owned: what the compile stage made, sealed */
    uint64_t artifact_bytes;

    /* See reuse.h. */
    struct artifact_key key;
    bool has_key;
    bool alone;                /* it has followed once, in vain */
    struct run_list followers; /* QUEUED: equal ones that wait for this one's compiler */
};

struct engine {
    uv_loop_t *loop;
    const struct languages *languages;
    struct watch_set set;
    struct boxd_link link;
    uv_idle_t finisher;   /* active while `ended` is not empty */
    int n_handles;        /* open ones among the three above */
    bool draining, filling;
    uint64_t interactive_ms;

    uint32_t max_running, max_queued;
    size_t n_queued;
    struct fair fair;      /* QUEUED, by callers */
    struct run_list ended; /* wait for their on_result, which the loop's next turn calls */
    struct run **places;   /* owned: [max_running], NULL where free */
    uint32_t n_running, next_place;
    uint64_t serial;       /* of the last lease */

    struct artifacts *artifacts; /* owned; NULL: nothing is kept */
    void (*on_report)(void *arg, const struct engine_report *report); /* or NULL */
    void (*on_figures)(void *arg, const struct wire_figures *figures);      /* or NULL */
    void *report_arg;
    char piece[STAGE_IO_PIECE_BYTES];
    struct payload payload;
};

/* --- settle.c, for engine.c ------------------------------------------------------------------ */

/* *ret is borrowed from the engine. 0, an ENGINE_E_*, or < 0, with *err saying what to change. */
MUST_CHECK int settle(const struct language **ret, const struct engine *engine, struct job *job, struct err *err);

/* --- run.c, for engine.c --------------------------------------------------------------------- */

struct run *run_new(struct engine *engine); /* NULL when out of memory */
void run_free(struct run *run); /* closes all that it holds; calls nobody */
/* A place is free: asks for the first stage's box. */
void run_admit(struct run *run, uint32_t place);
/* A pair that is QUEUED, and a place for each. */
void run_admit_pair(struct run *run, uint32_t place, uint32_t partners_place);
/* QUEUED, compile_only, and what it wants is there already. */
void run_end_compiled(struct run *run);
/* fd: -1, or owned by the run. */
void run_on_boxd(struct run *run, const union wire_msg *msg, int fd);
/* The connection to boxd is gone, and with it the box. True where nothing had been started: the run is
 * QUEUED then, and belongs in the queue again. */
bool run_on_gone(struct run *run, const char *why);
/* Cancels without waiting for the figures. */
void run_abandon(struct run *run);
/* Ends a run with internal_error; one that waits is to be unqueued before. */
void run_fail(struct run *run, const char *why);

/* --- run.c and run_box.c, for each other ----------------------------------------------------- */

enum run_event {
    EV_PLACE,
    EV_LEASED,
    EV_EXITED,
    EV_STOP,
    EV_FIGURES,
    EV_LOST,
    RUN_N_EVENTS
};

/* The one place where run->state changes. False: the event came too late, and nothing has changed. */
bool run_step(struct run *run, enum run_event event);
struct stage_result *run_stage_result(struct run *run); /* of the stage under way */
void run_send_plain(struct run *run, enum wire_type type); /* to boxd */
void run_close_box(struct run *run);
bool run_has_terminal(const struct run *run);
bool run_is_merged(const struct run *run); /* stdout and stderr are one */
/* What a compiler made is more than a box can be given: that is the program's doing, not ours. */
void run_stop_too_big(struct run *run, const char *why);

/* One message of init's. False where there is none, or the box is gone: then boxd sends ENDED, or has done so. */
bool run_receive(struct run *run);
void run_on_box(struct watch *watch, uint32_t events);

/* --- engine.c, for run.c --------------------------------------------------------------------- */

uint64_t engine_new_lease(struct engine *engine, uint32_t place);
/* Into its caller's queue (first: at the front), or among another run's followers. */
void engine_enqueue(struct run *run, bool first);
void engine_follow(struct run *run, struct run *leader);
/* Out of wherever it waits, before anything else becomes of it. */
void engine_unqueue(struct run *run);
/* Gives free places to those who wait. */
void engine_fill_places(struct engine *engine);
/* The run is over: gives its place to the next, and its on_result will follow. */
void engine_retire(struct run *run);
