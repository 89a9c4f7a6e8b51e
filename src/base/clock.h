/* clock: CLOCK_MONOTONIC in microseconds, the one clock that limits and figures use. */
#pragma once

#include <stdint.h>
#include <time.h>

static inline uint64_t now_us(void)
{
    struct timespec t;

    (void)clock_gettime(CLOCK_MONOTONIC, &t); /* cannot fail with this clock and a valid pointer */
    return (uint64_t)t.tv_sec * 1000000 + (uint64_t)t.tv_nsec / 1000;
}
