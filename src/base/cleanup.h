/* cleanup: the one cleanup idiom. Every resource variable is initialised; success takes it out. */
#pragma once

#include <stddef.h>
#include <stdlib.h>
#include <unistd.h>

#define CLEANUP(fn)           __attribute__((cleanup(fn)))
#define MUST_CHECK            __attribute__((warn_unused_result))
#define PRINTF_LIKE(fmt, arg) __attribute__((format(printf, fmt, arg)))
#define COUNT_OF(a)           (sizeof(a) / sizeof((a)[0]))

#define TAKE_PTR(p)                                                                                \
    __extension__({                                                                                \
        __typeof__(p) *p_ = &(p);                                                                  \
        __typeof__(p) v_ = *p_;                                                                    \
        *p_ = NULL;                                                                                \
        v_;                                                                                        \
    })
#define TAKE_FD(fd)                                                                                \
    __extension__({                                                                                \
        int *fd_ = &(fd);                                                                          \
        int v_ = *fd_;                                                                             \
        *fd_ = -1;                                                                                 \
        v_;                                                                                        \
    })
#define DEFINE_FREEP(type, name)                                                                   \
    static inline void name##_freep(type **p)                                                      \
    {                                                                                              \
        name##_free(*p);                                                                           \
    }

/* Never retried on EINTR: Linux has released the descriptor by then (close(2), NOTES). */
static inline void closep(int *fd)
{
    if (*fd >= 0)
        (void)close(*fd);
    *fd = -1;
}

static inline void freep(void *p)
{
    free(*(void **)p);
}
