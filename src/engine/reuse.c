#include "engine/reuse.h"

#include <fcntl.h>
#include <string.h>

/* False: it is compiled for itself, whatever others have. */
static bool find_key(struct run *run)
{
    struct engine *engine = run->engine;

    if (engine->artifacts == NULL || run->stage != STAGE_COMPILE || run->job->no_cache)
        return false;
    /* A failure (a command that can't be filled) comes up again, with its words, when the payload is written. */
    if (!run->has_key)
        run->has_key = payload_key(&run->key, &engine->payload, run->language, run->job, NULL) == 0;
    return run->has_key;
}

/* The compile stage as it was then, but for its costs: now there were none. */
static bool fill_result(struct run *run, const struct artifact *artifact)
{
    struct stage_result *result = &run->result.stages[STAGE_COMPILE];

    for (size_t i = 0; i < 2; i++) {
        buf_done(&result->out[i]);
        buf_init(&result->out[i], run->job->limits[STAGE_COMPILE].output_bytes);
        if (artifact->out[i].len > 0 && buf_add(&result->out[i], artifact->out[i].at, artifact->out[i].len) < 0)
            return false;
    }
    result->ran = true;
    result->cached = true;
    result->status = STATUS_OK;
    result->exit_code = 0;
    return true;
}

static bool take_kept(struct run *run)
{
    CLEANUP(closep) int fd = -1;
    struct artifact artifact;

    if (!artifacts_find(&artifact, run->engine->artifacts, &run->key))
        return false;
    fd = fcntl(artifact.fd, F_DUPFD_CLOEXEC, 0); /* the cache may drop its own at any time */
    if (fd < 0 || !fill_result(run, &artifact))
        return false;
    run->artifact_fd = TAKE_FD(fd);
    run->artifact_bytes = artifact.bytes;
    run->stage = STAGE_RUN;
    return true;
}

/* Whoever compiles holds a place, and there are few of them. */
static struct run *find_compiling(const struct run *run)
{
    const struct engine *engine = run->engine;

    for (uint32_t i = 0; i < engine->max_running; i++) {
        struct run *other = engine->places[i];

        if (other != NULL && other->stage == STAGE_COMPILE && other->has_key &&
            memcmp(&other->key, &run->key, sizeof run->key) == 0)
            return other;
    }
    return NULL;
}

enum reuse reuse_try(struct run *run)
{
    struct engine *engine = run->engine;
    struct run *leader;

    if (!find_key(run))
        return REUSE_NONE;
    if (take_kept(run))
        return REUSE_FOUND;
    leader = run->alone ? NULL : find_compiling(run);
    /* Followers wait as others do, and count as such; the bound holds for them too. */
    if (leader == NULL || engine->n_queued >= engine->max_queued)
        return REUSE_NONE;
    engine_follow(run, leader);
    return REUSE_WAITS;
}

void reuse_keep(struct run *run)
{
    const struct buf *out = run->result.stages[STAGE_COMPILE].out;
    const struct artifact artifact = {
        .fd = run->artifact_fd,
        .bytes = run->artifact_bytes,
        .out = {{buf_text(&out[0]), out[0].len}, {buf_text(&out[1]), out[1].len}},
    };

    if (run->has_key && run->artifact_bytes > 0)
        artifacts_keep(run->engine->artifacts, &run->key, &artifact);
}

void reuse_release(struct run *run)
{
    /* What failed, or made more than is kept, would do so for each of them in turn: they go on side by side. A
     * compile stage that was cancelled says nothing about the source; the next of them leads. */
    const struct stage_result *result = &run->result.stages[STAGE_COMPILE];
    const bool told = result->ran && result->status != STATUS_CANCELLED && result->status != STATUS_INTERNAL_ERROR;
    struct run *follower;

    while ((follower = TAILQ_LAST(&run->followers, run_list)) != NULL) {
        engine_unqueue(follower);
        follower->alone = told;
        engine_enqueue(follower, true);
    }
}
