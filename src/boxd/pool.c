/*
 * pool: which boxes are there, and who gets them.
 *
 * Idle boxes are plain, for any language, or have an interpreter in them. A lease that wants an interpreter waits for
 * the next box that gets one, which is sooner than a fresh one; without a zygote for it, it takes a plain box.
 */
#include "base/clock.h"
#include "boxd/boxd.h"

/* The pool is filled up a moment after it was used, when no job runs that wants the CPUs, and wants answers of boxd.
 * While half of a kind is there, that is waited for, but no longer than this; what is costly takes tens of milliseconds
 * of every CPU, and programs whose time that would be are over in a second, for the most part. */
enum {
    SPARE_TIME_MS = 3,
    PATIENCE_MS = 20,
    COSTLY_PATIENCE_MS = 1000,
    /* So long after a lease found no interpreter ready, they are used up faster than made. */
    HURRY_MS = 250,
};

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
    if (wait->kind != KIND_PLAIN && count_boxes(boxd, BOX_IDLE, wait->kind) < link->n_waits)
        pool_note_miss(boxd, wait->kind);
}

void pool_note_miss(struct boxd *boxd, uint32_t kind)
{
    struct zygote_link *link = &boxd->nursery.zygotes[kind];

    link->missed_us = now_us(); /* more are used than are made: keep more */
    if (link->target > 0)
        link->target = link->target * 2 < link->most ? link->target * 2 : link->most;
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

/* Idle boxes with interpreters leave slots for all jobs that may run, and for the plain pool; and memory: what the
 * first box of a kind takes is known before there is a second. */
static bool may_keep_more(const struct boxd *boxd, uint32_t of_kind)
{
    size_t n = boxd->config->max_running + boxd->config->pool;
    uint64_t bytes = 0;

    for (uint32_t i = 0; i < boxd->n_slots; i++) {
        const struct box *box = &boxd->boxes[i];

        if (box->kind == KIND_PLAIN || (box->state != BOX_IDLE && box->state != BOX_WARMING))
            continue;
        n++;
        if (box->kind == of_kind && boxd->nursery.zygotes[of_kind].box_bytes == 0)
            return false;
        bytes += boxd->nursery.zygotes[box->kind].box_bytes;
    }
    return n < boxd->n_slots && bytes < boxd->config->warm_memory;
}

/* What an interpreter makes ahead of its job makes the job faster, and costs more CPU time than it saves. */
static bool is_used_up(const struct zygote_link *link)
{
    return link->missed_us != 0 && now_us() - link->missed_us < HURRY_MS * UINT64_C(1000);
}

static bool is_somebody_at_work(const struct boxd *boxd)
{
    for (uint32_t i = 0; i < boxd->n_slots; i++)
        if (boxd->boxes[i].state == BOX_LEASED)
            return true;
    return false;
}

static bool may_be_made_now(const struct boxd *boxd, uint32_t kind)
{
    const struct zygote_link *link = &boxd->nursery.zygotes[kind];
    const bool costly = kind != KIND_PLAIN && link->language->stages[link->stage].warm.costly;
    const uint64_t patience_us = (costly ? COSTLY_PATIENCE_MS : PATIENCE_MS) * UINT64_C(1000);

    return 2 * count_boxes(boxd, BOX_IDLE, kind) < link->target || !is_somebody_at_work(boxd) ||
           now_us() - boxd->spare_since_us >= patience_us;
}

/* Puts interpreters into plain idle boxes that nobody waits for: for leases, and with spare for the pool. Returns the
 * number of plain ones that are missing for it; counts up *missing where more is left for later. */
static size_t warm_boxes(struct boxd *boxd, uint32_t kind, bool spare, size_t *missing)
{
    const struct zygote_link *link = &boxd->nursery.zygotes[kind];
    size_t coming = count_boxes(boxd, BOX_IDLE, kind) + count_boxes(boxd, BOX_WARMING, kind);
    size_t wanted = link->n_waits;
    struct box *box;

    if (!link->ready)
        return 0;
    if (spare && may_be_made_now(boxd, kind) && may_keep_more(boxd, kind))
        wanted += link->target;
    else if (coming < wanted + link->target && may_keep_more(boxd, kind))
        (*missing)++;
    for (; coming < wanted && (box = find_box(boxd, BOX_IDLE, KIND_PLAIN)) != NULL; coming++)
        if ((coming >= link->n_waits && !may_keep_more(boxd, kind)) ||
            !box_warm(box, kind, coming < link->n_waits || is_used_up(link)))
            return 0;
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

/* Plain boxes that are kept. At the start one is made in any case: it shows that boxes can be made. */
static size_t pool_size(const struct boxd *boxd)
{
    return boxd->config->pool > 0 || boxd->on_first_box == NULL ? boxd->config->pool : 1;
}

/* Makes boxes for the leases that wait, and, with spare, up to what the pool keeps. True where some of that is left for
 * later. */
static bool make_boxes(struct boxd *boxd, bool spare)
{
    struct box *box;
    size_t wanted = boxd->nursery.zygotes[KIND_PLAIN].n_waits, missing = 0;
    size_t coming = count_boxes(boxd, BOX_CLONING, KIND_PLAIN) + count_boxes(boxd, BOX_BOOTING, KIND_PLAIN);

    for (uint32_t kind = KIND_PLAIN + 1; kind < boxd->nursery.n_zygotes; kind++)
        wanted += warm_boxes(boxd, kind, spare, &missing);
    coming += count_boxes(boxd, BOX_IDLE, KIND_PLAIN);
    if (spare && may_be_made_now(boxd, KIND_PLAIN))
        wanted += pool_size(boxd);
    else if (coming < wanted + pool_size(boxd))
        missing++;
    for (; coming < wanted && (box = find_box(boxd, BOX_EMPTY, KIND_PLAIN)) != NULL; coming++)
        if (!box_spawn(box))
            return false;
    if (coming < boxd->n_waits && find_box(boxd, BOX_EMPTY, KIND_PLAIN) == NULL &&
        find_box(boxd, BOX_DYING, KIND_PLAIN) == NULL)
        make_room(boxd);
    return missing > 0;
}

static bool may_make(const struct boxd *boxd)
{
    /* Comes again by the zygote's READY, or when the pause is over. */
    return !boxd->stopping && nursery_ready(boxd, KIND_PLAIN) && !uv_is_active((const uv_handle_t *)&boxd->pause);
}

static void on_spare_time(uv_timer_t *timer)
{
    struct boxd *boxd = timer->data;

    if (may_make(boxd) && make_boxes(boxd, true))
        (void)uv_timer_start(timer, on_spare_time, SPARE_TIME_MS, 0);
}

void pool_refill(struct boxd *boxd)
{
    if (boxd->stopping)
        return;
    serve_waits(boxd);
    if (may_make(boxd) && make_boxes(boxd, false) && !uv_is_active((uv_handle_t *)&boxd->spare_time)) {
        boxd->spare_since_us = now_us();
        (void)uv_timer_start(&boxd->spare_time, on_spare_time, SPARE_TIME_MS, 0);
    }
}

void pool_init(struct boxd *boxd)
{
    TAILQ_INIT(&boxd->waits);
    (void)uv_timer_init(boxd->loop, &boxd->spare_time); /* always 0 */
    boxd->spare_time.data = boxd;
}

bool pool_can_serve(const struct boxd *boxd, uint32_t kind)
{
    return count_boxes(boxd, BOX_IDLE, kind) > boxd->nursery.zygotes[kind].n_waits;
}

bool pool_is_warming(const struct boxd *boxd, uint32_t kind)
{
    return count_boxes(boxd, BOX_WARMING, kind) > 0;
}

void pool_empty(struct boxd *boxd, uint32_t kind)
{
    struct box *box;

    while ((box = find_box(boxd, BOX_IDLE, kind)) != NULL)
        box_give_up(box);
}

void pool_shrink(struct boxd *boxd, uint32_t kind)
{
    struct box *box = find_box(boxd, BOX_IDLE, kind);

    if (box != NULL)
        box_give_up(box);
}
