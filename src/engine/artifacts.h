/*
 * artifacts: what compilers made of which input: one program that is judged on a hundred inputs is compiled once.
 *
 * Kept in memory, each as a sealed memfd of our own: nothing that is on a disk has to be trusted again after a
 * restart, a changed toolchain begins with an empty cache, and what is kept counts as our memory, not as that of a
 * box that is gone. Bounded in bytes and in number; what has not been used for the longest time goes first.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "base/buf.h"
#include "base/err.h"

enum {
    ARTIFACT_KEY_BYTES = 32,           /* SHA-256 of all that a compile stage is given */
    ARTIFACT_KEPT_BYTES_MAX = 16 << 20, /* larger ones are compiled each time: they are copied on the loop */
};

struct artifact_key {
    uint8_t bytes[ARTIFACT_KEY_BYTES];
};

struct artifact {
    int fd;             /* sealed: no shrinking, growing, writing, no further seals */
    uint64_t bytes;
    struct slice out[2]; /* what the compiler wrote meanwhile */
};

struct artifacts; /* opaque */

/* bytes_max: of artifacts and output together, 0: nothing is ever kept. n_max: how many, each is a descriptor. */
MUST_CHECK int artifacts_new(struct artifacts **ret, uint64_t bytes_max, uint32_t n_max, struct err *err);
void artifacts_free(struct artifacts *artifacts);
DEFINE_FREEP(struct artifacts, artifacts)

/* False: there is none. *ret is borrowed until the next artifacts_keep(). */
bool artifacts_find(struct artifact *ret, struct artifacts *artifacts, const struct artifact_key *key);

void artifacts_clear(struct artifacts *artifacts); /* NULL is allowed */

struct artifacts_figures {
    uint64_t hits, misses, entries, bytes, bytes_max;
};
/* artifacts: NULL is allowed: nothing is kept. */
void artifacts_read_figures(struct artifacts_figures *ret, const struct artifacts *artifacts);

/* Copies *artifact. Does nothing where it is too big or there already, or memory or descriptors are short. */
void artifacts_keep(struct artifacts *artifacts, const struct artifact_key *key,
                    const struct artifact *artifact);
