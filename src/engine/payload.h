/* payload: what one stage gets, as records in a memfd: its command, environment and files, and what it is
 * to bring back. */
#pragma once

#include <nettle/sha2.h>

#include "engine/artifacts.h"
#include "languages/languages.h"
#include "model/job.h"
#include "wire/wire.h"

/* A payload being written. Small records are gathered in `gather`, large data goes out as it is. */
struct payload {
    int fd;         /* borrowed; -1: the records are hashed instead */
    struct sha256_ctx hash;
    uint64_t bytes; /* written and gathered */
    size_t n_gathered;
    char gather[32768];
};

/* Writes all records of a stage into a new memfd; its descriptor is *ret_fd, owned by the caller, and its length
 * *ret_bytes. *payload is scratch memory: 32 KiB that need not be on the stack of every caller. */
MUST_CHECK int payload_write(int *ret_fd, uint64_t *ret_bytes, struct payload *payload,
                             const struct language *language, enum stage stage,
                             const struct job *job, struct err *err);

/* The key of what a compile stage will make: a hash of its payload and limits, of the language, and of all that its
 * compiler says of its version. Equal keys: equal input, down to the byte. */
MUST_CHECK int payload_key(struct artifact_key *ret, struct payload *payload, const struct language *language,
                           const struct job *job, struct err *err);

/* The environment of a stage: what every program gets, then the language's, then (run stage only) the job's; a
 * later value takes the place of an earlier one. *ret is owned by the caller, also half filled on failure. */
MUST_CHECK int payload_env(struct strings *ret, const struct language *language, enum stage stage,
                           const struct job *job, const struct limits *limits, struct err *err);
