/*
 * engine_world: an engine, and a test that plays boxd and the boxes' inits to it, over real sockets, in one thread:
 * every expect_*() turns the engine's loop until the message is there.
 */
#pragma once

#include "engine/engine.h"
#include "wire/wire.h"

enum { WORLD_OUTPUT_MAX = 4096, WORLD_INTERACTIVE_MS = 70000 };

struct world {
    uv_loop_t loop;
    char dir[32], socket[64];
    int listen_fd, boxd_fd; /* ours: boxd's end */
    struct languages languages; /* "plain" runs, "built" compiles first, "absent" is not available */
    struct engine *engine;
};

struct outcome { /* what the callbacks of one run have seen */
    int n_results;
    enum status status;
    char message[200];
    struct stage_result stages[N_STAGES]; /* without out */
    char out[N_STAGES][2][WORLD_OUTPUT_MAX];
    size_t len[N_STAGES][2];
    size_t streamed, n_rooms;
    enum stage begun[N_STAGES];
    size_t n_stages;
    struct compiled compiled; /* its descriptor is owned, where bytes is not 0 */
};

struct box { /* our end of a box: init's */
    int fd;
    uint64_t lease;
    struct wire_job job;
    int in, out, err, payload, artifact;
};

int world_open(void **state, uint32_t max_running, uint32_t max_queued);
int world_open_caching(void **state, uint32_t max_running, uint32_t max_queued, uint64_t bytes, uint32_t entries);
int world_close(void **state);
void world_listen(struct world *world);
void world_accept(struct world *world); /* the engine's connection */
void world_hang_up(struct world *world);
void world_turn(struct world *world);   /* all that is to be done now */

struct job *plain_job(const char *language); /* one file, "main.x" with "code" */
/* Starts it; the job is taken. */
struct run *start(struct world *world, struct job *job, struct outcome *outcome);
struct run *start_as(struct world *world, const struct engine_caller *caller, struct job *job, struct outcome *outcome);
void wait_result(struct world *world, struct outcome *outcome);

/* boxd's side. */
union wire_msg expect_boxd(struct world *world, enum wire_type type);
void expect_silence(struct world *world); /* boxd has got nothing more */
void send_boxd(struct world *world, const void *msg, int fd); /* fd: consumed, or -1 */
void send_figures(struct world *world, enum wire_type type, uint64_t lease, enum wire_cause cause, uint32_t oom_kills);

/* A box: answers the LEASE that must come, takes the JOB. */
struct box lease_box(struct world *world);
struct box grant_box(struct world *world); /* the first half of it */
bool box_has_job(struct box *box);         /* the second; false: no JOB has come */
void box_close(struct box *box);
void send_box(struct box *box, const void *msg, int fd);
void box_exited(struct world *world, struct box *box, int code);
/* This output, EXITED with code, USAGE answered, RELEASE seen. */
void box_runs(struct world *world, struct box *box, const char *out, int code);
/* A compile box: these words on stderr, EXITED with 0 and an artifact that begins so and is as long as said; then as
 * box_runs(). */
void box_compiles(struct world *world, struct box *box, const char *words, const char *made, uint64_t said);
