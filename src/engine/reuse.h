/*
 * reuse: what need not be compiled, because it has been, or is being compiled for somebody else at this moment.
 *
 * Jobs are equal where everything is that a compile stage is given: language and its version, command, environment,
 * limits, and every file, names and bytes. So what a compiler made of somebody's source only ever comes
 * to those who sent the very same one.
 */
#pragma once

#include "engine/run.h"

/* What becomes of a run that has left the queue for its first stage. */
enum reuse {
    REUSE_NONE,  /* it goes on as it is */
    REUSE_FOUND, /* it has its artifact: its stage is STAGE_RUN now */
    REUSE_WAITS, /* it follows an equal run that compiles, and comes back into the queue when that is done */
};
enum reuse reuse_try(struct run *run);

/* The compile stage has succeeded: keeps what it made, for those that follow and those that will come. */
void reuse_keep(struct run *run);

/* The compile stage is over, however it ended: its followers go to the front of their callers' queues. No-op without
 * any. */
void reuse_release(struct run *run);
