/*
 * fair: whose turn it is, when more want to run than there are places. Private to the engine. Knows no runs and no
 * clock: a flow is a caller's queue, and its time is told.
 *
 * Weighted fair queueing by what was used (start-time fair queueing, Goyal 1996, with the cost known only
 * afterwards, as Linux' CFS has it): a flow's virtual time is the place time that its runs have used, and are using, by
 * its weight, and the flow that is least far gets the next place. So callers that want more than there is get
 * places by their weights, whether they send many short jobs or a few long ones, and who wants less than its share
 * waits for no queue but its own.
 *
 *   A start costs FAIR_START_US besides, so that places that become free together go to different callers.
 *   Who comes back after a while begins where the last one served began: nobody saves up, or is owed, while he is not
 *   here. What he used beyond that is remembered until the others have had as much, or nobody is left.
 *
 * All is O(log n) in the number of flows that wait, and one addition for each flow that runs.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/queue.h>

#include "base/cleanup.h"

enum {
    FAIR_NAME_BYTES = 64,
    FAIR_WEIGHT_MAX = 1000,
    FAIR_START_US = 10000,
    FAIR_DEBTORS_MAX = 1024, /* flows without runs that are remembered; the longest ago is forgotten first */
};

TAILQ_HEAD(run_list, run);

struct flow {
    char name[FAIR_NAME_BYTES];
    uint32_t weight, max_running; /* 1..; max_running may be UINT32_MAX */
    uint32_t max_waiting;
    struct run_list queue;        /* the engine's: those that n_ready counts, first come first served */
    uint32_t n_waiting;           /* the engine's: those, and followers (reuse.h) */

    /* fair's own. */
    uint32_t n_users;             /* runs of any state */
    uint32_t n_ready, n_running;
    uint64_t vtime;               /* see fair.c */
    size_t at;                    /* in the heap; FAIR_NOWHERE */
    TAILQ_ENTRY(flow) ready, running, debtor;
};
#define FAIR_NOWHERE SIZE_MAX

TAILQ_HEAD(flow_list, flow);

struct fair {
    void *names;         /* owned: tsearch(3) of all flows */
    struct flow **heap;  /* owned, flows borrowed: those that are ready and below max_running, least vtime first */
    size_t n_heap, room; /* room: for every flow there is, so that nothing fails later */
    size_t n_flows, n_debtors;
    struct flow_list ready, running, debtors;
    uint64_t vtime;      /* where the last one that was served began */
    uint64_t now_us;     /* until when those that run have been charged */
    uint64_t mean_us;    /* of a run's place time, lately */
};

struct fair_caller {
    const char *name; /* at most FAIR_NAME_BYTES - 1 bytes */
    uint32_t weight, max_running, max_waiting; /* not 0 */
};

void fair_init(struct fair *fair);
void fair_done(struct fair *fair); /* when nobody uses a flow any more */

/* The caller's flow, made where there is none; it has these bounds from now on. Used until fair_leave().
 * NULL: no memory. */
struct flow *fair_join(struct fair *fair, const struct fair_caller *caller);
void fair_leave(struct fair *fair, struct flow *flow);

/* One more of the flow is ready to run, or one less. */
void fair_add(struct fair *fair, struct flow *flow);
void fair_remove(struct fair *fair, struct flow *flow);

/* Whose first should run now; NULL where nobody is ready, or may have more. now_us never goes back. */
struct flow *fair_next(struct fair *fair, uint64_t now_us);
/* One of the flow (which was removed before) has got a place, or gives it back. */
void fair_begin(struct fair *fair, struct flow *flow, uint64_t now_us);
void fair_end(struct fair *fair, struct flow *flow, uint64_t now_us, uint64_t used_us);

/* How many would run before the flow's index-th (from 0) that is ready, if all take as long; O(flows). */
size_t fair_ahead(const struct fair *fair, const struct flow *flow, size_t index);
