/*
 * limiter: how many requests each has made in the last hour, in a bounded table. Pure: time is told.
 *
 * The hour slides: it is kept in LIMITER_SLOTS slots, and the oldest is forgotten when the hour has gone past all
 * of it. So in any hour there are never more than the limit; who comes back a little later than it might is the
 * price of that.
 *
 * The table has room for so many callers. One that has asked for nothing for an hour gives way, nobody else does:
 * if those that ask often pushed others out, they would be new again when they came back, with nothing counted. A
 * caller for whom there is no room shares a count with its neighbours, those of the same /32 (IPv6) or /16 (IPv4),
 * of which LIMITER_SHARED are kept: a flood of addresses counts as a few.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "base/err.h"

enum {
    LIMITER_WINDOW_S = 3600,
    LIMITER_SLOTS = 60,  /* and one that is being filled */
    LIMITER_SLOT_S = LIMITER_WINDOW_S / LIMITER_SLOTS,
    LIMITER_SHARED = 256,
    LIMITER_NAME_BYTES = 64,
};

struct limiter; /* opaque */

/* n_max: callers with a count of their own. Memory for all is reserved now, and used when it is needed. */
MUST_CHECK int limiter_new(struct limiter **ret, uint32_t n_max, struct err *err);
void limiter_free(struct limiter *limiter);
DEFINE_FREEP(struct limiter, limiter)

struct limiter_state {
    uint32_t left;    /* requests that may still come now */
    uint32_t more_s; /* until some become possible again, 1..3660; what is asked for, where it was refused. 0: all are
                        left */
};

/* Counts n requests of a caller, if all of them are within the limit (> 0) of an hour, and none otherwise.
 * neighbours: whom it shares a count with where the table is full. now_s never goes back (CLOCK_MONOTONIC). True
 * where they may go on. */
MUST_CHECK bool limiter_count(struct limiter_state *ret, struct limiter *limiter, const char *name,
                              const char *neighbours, uint32_t limit, uint32_t n, uint64_t now_s);
/* For tests. */
uint32_t limiter_n_callers(const struct limiter *limiter);
