/*
 * Virtual time is microseconds of a place, times SCALE, by weight. It never goes back.
 *
 *   join -> add -> in the heap -> remove, begin -> charged as time goes by -> end -> leave -> debtor, or freed
 */
#include "engine/fair.h"

#include <assert.h>
#include <search.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { SCALE = 1024, MEAN_SHARE = 8 };

/* --- The heap -------------------------------------------------------------------------------- */

/* Of two that are as far, who has fewer places. */
static bool is_before(const struct flow *a, const struct flow *b)
{
    return a->vtime != b->vtime ? a->vtime < b->vtime : a->n_running < b->n_running;
}

static void put(struct fair *fair, size_t at, struct flow *flow)
{
    fair->heap[at] = flow;
    flow->at = at;
}

static void sift_up(struct fair *fair, struct flow *flow)
{
    size_t at = flow->at;

    for (size_t up; at > 0 && is_before(flow, fair->heap[up = (at - 1) / 2]); at = up)
        put(fair, at, fair->heap[up]);
    put(fair, at, flow);
}

static void sift_down(struct fair *fair, struct flow *flow)
{
    size_t at = flow->at;

    for (size_t down; (down = 2 * at + 1) < fair->n_heap; at = down) {
        if (down + 1 < fair->n_heap && is_before(fair->heap[down + 1], fair->heap[down]))
            down++;
        if (!is_before(fair->heap[down], flow))
            break;
        put(fair, at, fair->heap[down]);
    }
    put(fair, at, flow);
}

static void take_out(struct fair *fair, struct flow *flow)
{
    struct flow *last = fair->heap[--fair->n_heap];
    const size_t at = flow->at;

    flow->at = FAIR_NOWHERE;
    if (last == flow)
        return;
    put(fair, at, last);
    sift_up(fair, last);
    sift_down(fair, last);
}

/* Into the heap or out of it, as it should be. */
static void settle(struct fair *fair, struct flow *flow)
{
    const bool wanted = flow->n_ready > 0 && flow->n_running < flow->max_running;

    if (wanted && flow->at == FAIR_NOWHERE) {
        if (flow->vtime < fair->vtime)
            flow->vtime = fair->vtime;
        flow->at = fair->n_heap++;
        sift_up(fair, flow);
    } else if (!wanted && flow->at != FAIR_NOWHERE) {
        take_out(fair, flow);
    }
}

/* --- Time ------------------------------------------------------------------------------------ */

static void charge(struct fair *fair, struct flow *flow, uint64_t used_us)
{
    flow->vtime += used_us * SCALE / flow->weight;
    if (flow->at != FAIR_NOWHERE)
        sift_down(fair, flow);
}

static void charge_all(struct fair *fair, uint64_t now_us)
{
    const uint64_t passed_us = now_us > fair->now_us ? now_us - fair->now_us : 0;
    struct flow *flow;

    if (passed_us == 0)
        return;
    TAILQ_FOREACH(flow, &fair->running, running)
        charge(fair, flow, passed_us * flow->n_running);
    fair->now_us = now_us;
}

/* --- Flows ----------------------------------------------------------------------------------- */

static int compare(const void *a, const void *b)
{
    return strcmp(((const struct flow *)a)->name, ((const struct flow *)b)->name);
}

static void forget(struct fair *fair, struct flow *flow)
{
    (void)tdelete(flow, &fair->names, compare);
    fair->n_flows--;
    free(flow);
}

static void forget_debtor(struct fair *fair, struct flow *flow)
{
    TAILQ_REMOVE(&fair->debtors, flow, debtor);
    fair->n_debtors--;
    forget(fair, flow);
}

static void forget_debtors(struct fair *fair)
{
    const bool idle = TAILQ_EMPTY(&fair->ready) && TAILQ_EMPTY(&fair->running);
    struct flow *first;

    while ((first = TAILQ_FIRST(&fair->debtors)) != NULL &&
           (idle || first->vtime <= fair->vtime || fair->n_debtors > FAIR_DEBTORS_MAX))
        forget_debtor(fair, first);
}

/* Room in the heap for one flow more. */
static bool make_room(struct fair *fair)
{
    const size_t room = fair->room == 0 ? 16 : fair->room * 2;
    struct flow **heap;

    if (fair->n_flows < fair->room)
        return true;
    heap = (struct flow **)reallocarray((void *)fair->heap, room, sizeof(struct flow *));
    if (heap == NULL)
        return false;
    fair->heap = heap;
    fair->room = room;
    return true;
}

static struct flow *new_flow(struct fair *fair, const char *name)
{
    struct flow *flow = make_room(fair) ? calloc(1, sizeof *flow) : NULL;

    if (flow == NULL)
        return NULL;
    (void)snprintf(flow->name, sizeof flow->name, "%s", name);
    flow->at = FAIR_NOWHERE;
    TAILQ_INIT(&flow->queue);
    if (tsearch(flow, &fair->names, compare) == NULL) {
        free(flow);
        return NULL;
    }
    fair->n_flows++;
    return flow;
}

static struct flow *find_flow(struct fair *fair, const char *name)
{
    struct flow wanted;
    void *found;

    (void)snprintf(wanted.name, sizeof wanted.name, "%s", name);
    found = tfind(&wanted, &fair->names, compare);
    return found == NULL ? NULL : *(struct flow **)found;
}

struct flow *fair_join(struct fair *fair, const struct fair_caller *caller)
{
    struct flow *flow = find_flow(fair, caller->name);

    assert(caller->weight >= 1 && caller->weight <= FAIR_WEIGHT_MAX && caller->max_running >= 1);
    if (flow == NULL) {
        flow = new_flow(fair, caller->name);
        if (flow == NULL)
            return NULL;
    } else if (flow->n_users == 0) {
        TAILQ_REMOVE(&fair->debtors, flow, debtor);
        fair->n_debtors--;
    }
    flow->n_users++;
    flow->weight = caller->weight;
    flow->max_running = caller->max_running;
    flow->max_waiting = caller->max_waiting;
    settle(fair, flow);
    return flow;
}

void fair_leave(struct fair *fair, struct flow *flow)
{
    if (--flow->n_users > 0)
        return;
    assert(flow->n_ready == 0 && flow->n_running == 0);
    TAILQ_INSERT_TAIL(&fair->debtors, flow, debtor);
    fair->n_debtors++;
    forget_debtors(fair);
}

void fair_init(struct fair *fair)
{
    *fair = (struct fair){.ready = TAILQ_HEAD_INITIALIZER(fair->ready),
                          .running = TAILQ_HEAD_INITIALIZER(fair->running),
                          .debtors = TAILQ_HEAD_INITIALIZER(fair->debtors)};
}

void fair_done(struct fair *fair)
{
    while (!TAILQ_EMPTY(&fair->debtors))
        forget_debtor(fair, TAILQ_FIRST(&fair->debtors));
    assert(fair->n_flows == 0);
    free((void *)fair->heap);
}

/* --- Waiting and running --------------------------------------------------------------------- */

void fair_add(struct fair *fair, struct flow *flow)
{
    if (flow->n_ready++ == 0)
        TAILQ_INSERT_TAIL(&fair->ready, flow, ready);
    settle(fair, flow);
}

void fair_remove(struct fair *fair, struct flow *flow)
{
    if (--flow->n_ready == 0)
        TAILQ_REMOVE(&fair->ready, flow, ready);
    settle(fair, flow);
}

struct flow *fair_next(struct fair *fair, uint64_t now_us)
{
    charge_all(fair, now_us);
    return fair->n_heap == 0 ? NULL : fair->heap[0];
}

void fair_begin(struct fair *fair, struct flow *flow, uint64_t now_us)
{
    charge_all(fair, now_us);
    if (flow->vtime > fair->vtime)
        fair->vtime = flow->vtime;
    if (flow->n_running++ == 0)
        TAILQ_INSERT_TAIL(&fair->running, flow, running);
    charge(fair, flow, FAIR_START_US);
    settle(fair, flow);
}

void fair_end(struct fair *fair, struct flow *flow, uint64_t now_us, uint64_t used_us)
{
    charge_all(fair, now_us);
    if (--flow->n_running == 0)
        TAILQ_REMOVE(&fair->running, flow, running);
    if (flow->at != FAIR_NOWHERE)
        sift_up(fair, flow); /* fewer places count among equals */
    settle(fair, flow);
    fair->mean_us = fair->mean_us == 0 ? used_us : (fair->mean_us * (MEAN_SHARE - 1) + used_us) / MEAN_SHARE;
    forget_debtors(fair);
}

size_t fair_ahead(const struct fair *fair, const struct flow *flow, size_t index)
{
    const uint64_t each = (fair->mean_us + FAIR_START_US) * SCALE;
    const uint64_t begins = flow->vtime + index * (each / flow->weight);
    const struct flow *other;
    size_t ahead = index;

    TAILQ_FOREACH(other, &fair->ready, ready) {
        const uint64_t n = other->vtime >= begins ? 0 : (begins - other->vtime - 1) / (each / other->weight) + 1;

        if (other != flow)
            ahead += n < other->n_ready ? (size_t)n : other->n_ready;
    }
    return ahead;
}
