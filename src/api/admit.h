/* admit: the one way into the engine. Every door's jobs pass here, so that what is refused, and in which words, is
 * the same for all of them. */
#pragma once

#include "api/api.h"
#include "api/fault.h"

/* Starts a job for a caller (borrowed during the call): see engine_start(). job: taken on success. 0, or -1 with
 * *fault saying what to change, or that it can't be taken now. */
MUST_CHECK int admit(struct run **ret, struct api *api, const struct caller *caller, struct job *job,
                     const struct run_events *events, void *arg, struct fault *fault);

/* Would a job like this be taken, if there were room? Fills in what it left to its language. prefix: of the fields'
 * paths, "" or "checker.". 0, or -1 with *fault. */
MUST_CHECK int admit_check(struct api *api, struct job *job, const char *prefix, struct fault *fault);

/* Starts two jobs that talk to each other: see engine_start_pair(). As admit(), for both or none. */
MUST_CHECK int admit_pair(struct run *ret[2], struct api *api, const struct caller *caller, struct job *const jobs[2],
                          const struct run_events *const events[2], void *arg, struct fault *fault);
