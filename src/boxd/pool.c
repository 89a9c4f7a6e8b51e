/*
 * pool: which boxes are there, and who gets them.
 *
 * Idle boxes are plain, for any language, or have an interpreter in them. A lease that wants an interpreter waits for
 * the next box that gets one, which is sooner than a fresh one; without a zygote for it, it takes a plain box.
 */
#include "base/clock.h"
#include "boxd/boxd.h"

/* The kind of an empty or dying box does not matter. */
static struct box *find_box(struct boxd *boxd, enum box_state state, uint32_t kind)
{
    for (uint32_t i = 0; i < boxd->n_slots; i++)
        if (boxd->boxes[i].state == state && (state == BOX_EMPTY || state == BOX_DYING || boxd->boxes[i].kind == kind))
            return &boxd->boxes[i];
    return NULL;
}

static size_t count_boxes(const struct boxd *boxd, enum box_state state, uint32_t kind)
{
    size_t n = 0;

    for (uint32_t i = 0; i < boxd->n_slots; i++)
        n += boxd->boxes[i].state == state && boxd->boxes[i].kind == kind;
    return n;
}

/* ---- Leases that wait ---- */

void wait_add(struct boxd *boxd, struct wait *wait)
{
    struct zygote_link *link = &boxd->nursery.zygotes[wait->kind];

    TAILQ_INSERT_TAIL(&boxd->waits, wait, next);
    boxd->n_waits++;
    link->n_waits++;
    if (wait->kind == KIND_PLAIN || count_boxes(boxd, BOX_IDLE, wait->kind) >= link->n_waits)
        return;
    link->missed_us = now_us(); /* more are used than are made: keep more */
    if (link->target > 0)
        link->target = link->target * 2 < boxd->config->warm_max ? link->target * 2 : (uint32_t)boxd->config->warm_max;
}

void wait_remove(struct boxd *boxd, struct wait *wait)
{
    TAILQ_REMOVE(&boxd->waits, wait, next);
    boxd->n_waits--;
    boxd->nursery.zygotes[wait->kind].n_waits--;
}

/* Gives idle boxes to those who wait, first come first served within a kind. */
static void serve_waits(struct boxd *boxd)
{
    struct wait *wait, *next;

    for (wait = TAILQ_FIRST(&boxd->waits); wait != NULL; wait = next) {
        struct box *box = find_box(boxd, BOX_IDLE, wait->kind);

        next = TAILQ_NEXT(wait, next);
        if (box == NULL)
            continue;
        wait_remove(boxd, wait);
        box_lease(box, wait->client, &wait->lease); /* may drop the client, and with it waits: */
        free(wait);
        next = TAILQ_FIRST(&boxd->waits);
    }
}

/* Idle boxes with interpreters leave slots for all jobs that may run, and for the plain pool. */
static bool may_keep_more(const struct boxd *boxd)
{
    size_t n = boxd->config->max_running + boxd->config->pool;

    for (uint32_t kind = KIND_PLAIN + 1; kind < boxd->nursery.n_zygotes; kind++)
        n += count_boxes(boxd, BOX_IDLE, kind) + count_boxes(boxd, BOX_WARMING, kind);
    return n < boxd->n_slots;
}

/* Puts interpreters into plain idle boxes that nobody waits for. The number of plain ones that are missing for it. */
static size_t warm_boxes(struct boxd *boxd, uint32_t kind)
{
    const struct zygote_link *link = &boxd->nursery.zygotes[kind];
    size_t coming = count_boxes(boxd, BOX_IDLE, kind) + count_boxes(boxd, BOX_WARMING, kind);
    size_t wanted = link->n_waits + link->target;
    struct box *box;

    if (!link->ready)
        return 0;
    if (wanted > coming && !may_keep_more(boxd))
        wanted = link->n_waits > coming ? link->n_waits : coming;
    for (; coming < wanted && (box = find_box(boxd, BOX_IDLE, KIND_PLAIN)) != NULL; coming++)
        if (!box_warm(box, kind, coming < link->n_waits))
            break;
    return coming < wanted ? wanted - coming : 0;
}

/* A lease waits, and every slot is taken: idle warmth of some language makes room. */
static void make_room(struct boxd *boxd)
{
    for (uint32_t kind = KIND_PLAIN + 1; kind < boxd->nursery.n_zygotes; kind++) {
        struct box *box = boxd->nursery.zygotes[kind].n_waits > 0 ? NULL : find_box(boxd, BOX_IDLE, kind);

        if (box != NULL) {
            box_give_up(box);
            return;
        }
    }
}

void pool_refill(struct boxd *boxd)
{
    struct box *box;
    size_t wanted, coming;

    if (boxd->stopping)
        return;
    serve_waits(boxd);
    if (!nursery_ready(boxd, KIND_PLAIN) || uv_is_active((uv_handle_t *)&boxd->pause))
        return; /* comes again by the zygote's READY, or when the pause is over */
    wanted = boxd->nursery.zygotes[KIND_PLAIN].n_waits + boxd->config->pool;
    for (uint32_t kind = KIND_PLAIN + 1; kind < boxd->nursery.n_zygotes; kind++)
        wanted += warm_boxes(boxd, kind);
    coming = count_boxes(boxd, BOX_IDLE, KIND_PLAIN) + count_boxes(boxd, BOX_CLONING, KIND_PLAIN) +
             count_boxes(boxd, BOX_BOOTING, KIND_PLAIN);
    for (; coming < wanted && (box = find_box(boxd, BOX_EMPTY, KIND_PLAIN)) != NULL; coming++)
        if (!box_spawn(box))
            return;
    if (coming < boxd->n_waits && find_box(boxd, BOX_DYING, KIND_PLAIN) == NULL)
        make_room(boxd);
}

bool pool_can_serve(const struct boxd *boxd, uint32_t kind)
{
    return count_boxes(boxd, BOX_IDLE, kind) > boxd->nursery.zygotes[kind].n_waits;
}

bool pool_is_warming(const struct boxd *boxd, uint32_t kind)
{
    return count_boxes(boxd, BOX_WARMING, kind) > 0;
}

void pool_shrink(struct boxd *boxd, uint32_t kind)
{
    struct box *box = find_box(boxd, BOX_IDLE, kind);

    if (box != NULL)
        box_give_up(box);
}
