#include "api/limiter.h"

#include <assert.h>
#include <errno.h>
#include <search.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/queue.h>
#include <sys/random.h>

/* Slot t of the clock is counts[t % RING]; those older than the hour are 0. */
enum { RING = LIMITER_SLOTS + 1 };

struct window {
    uint64_t slot;  /* of the clock: the newest that has been looked at */
    uint32_t total; /* of all counts */
    uint32_t counts[RING];
};

struct asker {
    char name[LIMITER_NAME_BYTES];
    struct window window;
    TAILQ_ENTRY(asker) used; /* who was counted longest ago is first */
};
TAILQ_HEAD(askers, asker);

struct limiter {
    void *names; /* owned: tsearch(3) of those in use, whose worst case is their logarithm */
    struct asker *askers; /* owned: [n_max] */
    uint32_t n, n_max;
    struct askers used;
    struct window shared[LIMITER_SHARED];
    uint64_t seed; /* so that nobody can choose whom he shares a count with */
};

int limiter_new(struct limiter **ret, uint32_t n_max, struct err *err)
{
    struct limiter *limiter = calloc(1, sizeof *limiter);

    assert(n_max > 0);
    if (limiter != NULL)
        limiter->askers = calloc(n_max, sizeof *limiter->askers); /* pages that nobody touches cost nothing */
    if (limiter == NULL || limiter->askers == NULL) {
        limiter_free(limiter);
        return err_set(err, -ENOMEM, "out of memory");
    }
    /* Never short below 256 bytes, and the kernel's generator is ready long before we start. */
    if (getrandom(&limiter->seed, sizeof limiter->seed, 0) != (ssize_t)sizeof limiter->seed)
        abort();
    limiter->n_max = n_max;
    TAILQ_INIT(&limiter->used);
    *ret = limiter;
    return 0;
}

static int compare(const void *a, const void *b)
{
    return strcmp(((const struct asker *)a)->name, ((const struct asker *)b)->name);
}

void limiter_free(struct limiter *limiter)
{
    struct asker *asker;

    if (limiter == NULL)
        return;
    while ((asker = TAILQ_FIRST(&limiter->used)) != NULL) {
        TAILQ_REMOVE(&limiter->used, asker, used);
        (void)tdelete(asker, &limiter->names, compare);
    }
    free(limiter->askers);
    free(limiter);
}

uint32_t limiter_n_callers(const struct limiter *limiter)
{
    return limiter->n;
}

/* --- One window ------------------------------------------------------------------------------ */

/* Forgets what is older than the hour. */
static void slide(struct window *window, uint64_t slot)
{
    if (slot - window->slot >= RING) {
        *window = (struct window){.slot = slot};
        return;
    }
    while (window->slot < slot) {
        uint32_t *oldest = &window->counts[++window->slot % RING];

        window->total -= *oldest;
        *oldest = 0;
    }
}

/* How long until n of those that were counted are forgotten. */
static uint32_t seconds_until_free(const struct window *window, uint32_t n, uint64_t now_s)
{
    uint64_t slot = window->slot + 1; /* in the ring, the oldest one is where the next will be */
    uint32_t freed = 0;

    for (; slot < window->slot + RING; slot++) {
        freed += window->counts[slot % RING];
        if (freed >= n)
            break;
    }
    return (uint32_t)(slot * LIMITER_SLOT_S - now_s);
}

static bool count(struct limiter_state *ret, struct window *window, uint32_t limit, uint32_t n, uint64_t now_s)
{
    bool may;

    slide(window, now_s / LIMITER_SLOT_S);
    may = window->total < limit && n <= limit - window->total;
    if (may) {
        window->total += n;
        window->counts[window->slot % RING] += n;
    }
    ret->left = window->total < limit ? limit - window->total : 0;
    if (may)
        ret->more_s = seconds_until_free(window, 1, now_s);
    else /* more than the limit is never possible: then when all is free */
        ret->more_s = seconds_until_free(window, n > limit ? window->total : n - ret->left, now_s);
    return may;
}

/* --- The table ------------------------------------------------------------------------------- */

static struct asker *find(struct limiter *limiter, const char *name)
{
    struct asker wanted;
    void *found;

    (void)snprintf(wanted.name, sizeof wanted.name, "%s", name);
    found = tfind(&wanted, &limiter->names, compare);
    return found == NULL ? NULL : *(struct asker **)found;
}

/* One that nobody uses, or whose caller has not been counted for an hour; NULL: there is none. */
static struct asker *find_room(struct limiter *limiter, uint64_t now_s)
{
    struct asker *oldest;

    if (limiter->n < limiter->n_max)
        return &limiter->askers[limiter->n++];
    oldest = TAILQ_FIRST(&limiter->used);
    if (now_s / LIMITER_SLOT_S - oldest->window.slot < RING)
        return NULL;
    TAILQ_REMOVE(&limiter->used, oldest, used);
    (void)tdelete(oldest, &limiter->names, compare);
    return oldest;
}

static struct asker *add(struct limiter *limiter, const char *name, uint64_t now_s)
{
    struct asker *asker = find_room(limiter, now_s);

    if (asker == NULL)
        return NULL;
    *asker = (struct asker){.window.slot = now_s / LIMITER_SLOT_S};
    (void)snprintf(asker->name, sizeof asker->name, "%s", name);
    if (tsearch(asker, &limiter->names, compare) == NULL)
        asker->name[0] = '\0'; /* no memory for the tree: nobody's, until it gives way as the oldest */
    TAILQ_INSERT_TAIL(&limiter->used, asker, used);
    return asker->name[0] == '\0' ? NULL : asker;
}

/* FNV-1a, from a secret start, mixed at the end. */
static struct window *shared(struct limiter *limiter, const char *neighbours)
{
    uint64_t hash = limiter->seed ^ UINT64_C(0xcbf29ce484222325);

    for (; *neighbours != '\0'; neighbours++)
        hash = (hash ^ (unsigned char)*neighbours) * UINT64_C(0x100000001b3);
    hash = (hash ^ hash >> 33) * UINT64_C(0xff51afd7ed558ccd);
    return &limiter->shared[(hash ^ hash >> 33) % LIMITER_SHARED];
}

bool limiter_count(struct limiter_state *ret, struct limiter *limiter, const char *name, const char *neighbours,
                   uint32_t limit, uint32_t n, uint64_t now_s)
{
    struct asker *asker = find(limiter, name);

    if (asker != NULL) {
        TAILQ_REMOVE(&limiter->used, asker, used);
        TAILQ_INSERT_TAIL(&limiter->used, asker, used);
    } else {
        asker = add(limiter, name, now_s);
    }
    return count(ret, asker != NULL ? &asker->window : shared(limiter, neighbours), limit, n, now_s);
}
