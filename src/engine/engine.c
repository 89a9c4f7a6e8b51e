/* engine: who may run when. The connection to boxd, the queue and the places; a run's own life is in run.c. */
#include <assert.h>
#include <errno.h>
#include <fcntl.h>
#include <string.h>

#include "base/clock.h"
#include "engine/reuse.h"

enum {
    PLACE_BITS = 10, /* of a lease's number: finds its run without a search */
    PLACES_MAX = 1 << PLACE_BITS,
    ABSENT_MAX_MS = 5000, /* boxd restarts in less; longer, and those that wait are told */
};

/* --- Places ---------------------------------------------------------------------------------- */

uint64_t engine_new_lease(struct engine *engine, uint32_t place)
{
    return ++engine->serial << PLACE_BITS | place;
}

static struct run *find_run(const struct engine *engine, uint64_t lease)
{
    uint64_t place = lease & (PLACES_MAX - 1);
    struct run *run = place < engine->max_running ? engine->places[place] : NULL;

    return run != NULL && run->lease == lease ? run : NULL;
}

static void count_waiting(struct run *run, struct run_list *queue)
{
    run->queue = queue;
    run->flow->n_waiting++;
    run->engine->n_queued++;
}

void engine_enqueue(struct run *run, bool first)
{
    struct run_list *queue = &run->flow->queue;

    if (first)
        TAILQ_INSERT_HEAD(queue, run, entry);
    else
        TAILQ_INSERT_TAIL(queue, run, entry);
    count_waiting(run, queue);
    fair_add(&run->engine->fair, run->flow);
}

void engine_follow(struct run *run, struct run *leader)
{
    TAILQ_INSERT_TAIL(&leader->followers, run, entry);
    count_waiting(run, &leader->followers);
}

void engine_unqueue(struct run *run)
{
    TAILQ_REMOVE(run->queue, run, entry);
    if (run->queue == &run->flow->queue)
        fair_remove(&run->engine->fair, run->flow);
    run->queue = NULL;
    run->flow->n_waiting--;
    run->engine->n_queued--;
}

static uint32_t take_place(struct engine *engine, struct run *run)
{
    uint32_t place = engine->next_place;

    assert(engine->n_running < engine->max_running);
    while (engine->places[place] != NULL)
        place = (place + 1) % engine->max_running;
    engine->next_place = (place + 1) % engine->max_running;
    engine->places[place] = run;
    engine->n_running++;
    run->since_us = now_us();
    fair_begin(&engine->fair, run->flow, run->since_us);
    return place;
}

static void leave_place(struct run *run)
{
    const uint64_t now = now_us();

    if (run->place == RUN_NO_PLACE)
        return;
    fair_end(&run->engine->fair, run->flow, now, now - run->since_us);
    run->engine->places[run->place] = NULL;
    run->engine->n_running--;
    run->place = RUN_NO_PLACE;
    reuse_release(run); /* only who has a place is followed */
}

/* A run that fails at once leaves its place again and comes back to here: hence a loop, not recursion. */
void engine_fill_places(struct engine *engine)
{
    if (engine->filling)
        return;
    engine->filling = true;
    while (engine->n_running < engine->max_running && boxd_link_connected(&engine->link)) {
        struct flow *flow = fair_next(&engine->fair, now_us());
        struct run *run = flow == NULL ? NULL : TAILQ_FIRST(&flow->queue);

        if (run == NULL)
            break;
        if (run->partner != NULL && engine->n_running + 2 > engine->max_running)
            break; /* its turn: the next place is kept for it */
        engine_unqueue(run);
        if (run->partner != NULL) {
            const uint32_t place = take_place(engine, run);

            run_admit_pair(run, place, take_place(engine, run->partner));
            continue;
        }
        switch (reuse_try(run)) {
        case REUSE_WAITS:
            break;
        case REUSE_FOUND:
            if (run->job->compile_only) {
                run_end_compiled(run);
                break;
            }
            /* fallthrough */
        case REUSE_NONE:
            run_admit(run, take_place(engine, run));
        }
    }
    engine->filling = false;
}

/* --- Results --------------------------------------------------------------------------------- */

static void report(const struct run *run)
{
    const uint64_t now = now_us();
    struct engine_report report = {.language = run->language,
                                   .result = &run->result,
                                   .queue_us = (run->placed_us != 0 ? run->placed_us : now) - run->taken_us,
                                   .total_us = now - run->taken_us};

    memcpy(report.lease_us, run->lease_us, sizeof report.lease_us);
    if (run->engine->on_report != NULL)
        run->engine->on_report(run->engine->report_arg, &report);
}

static void finish_runs(struct engine *engine)
{
    struct run_list ended = TAILQ_HEAD_INITIALIZER(ended);

    /* Off the list first: an on_result may end other runs. */
    TAILQ_CONCAT(&ended, &engine->ended, entry);
    for (;;) {
        struct run *run = TAILQ_FIRST(&ended);

        if (run == NULL)
            break;
        TAILQ_REMOVE(&ended, run, entry);
        report(run);
        run->events.on_result(run->arg, &run->result);
        run_free(run);
    }
}

static void on_finisher(uv_idle_t *idle)
{
    struct engine *engine = idle->data;

    (void)uv_idle_stop(idle);
    finish_runs(engine);
}

void engine_retire(struct run *run)
{
    struct engine *engine = run->engine;

    leave_place(run);
    TAILQ_INSERT_TAIL(&engine->ended, run, entry);
    (void)uv_idle_start(&engine->finisher, on_finisher); /* fails only without a handler */
    engine_fill_places(engine);
}

/* --- boxd ------------------------------------------------------------------------------------ */

static void on_up(void *arg)
{
    engine_fill_places(arg);
}

static void on_figures(const struct engine *engine, const struct wire_figures *figures)
{
    if (engine->on_figures != NULL)
        engine->on_figures(engine->report_arg, figures);
}

static void on_down(void *arg, const char *why)
{
    struct engine *engine = arg;

    on_figures(engine, NULL);
    /* Backwards, so that those who are queued again come in the order of their places. */
    for (uint32_t i = engine->max_running; i-- > 0;) {
        struct run *run = engine->places[i];

        if (run != NULL && run_on_gone(run, why)) {
            leave_place(run);
            engine_enqueue(run, true);
        }
    }
}

/* Of those that wait for a place, whoever's. */
static struct run *any_queued(const struct engine *engine)
{
    struct flow *flow = TAILQ_FIRST(&engine->fair.ready);

    return flow == NULL ? NULL : TAILQ_FIRST(&flow->queue);
}

static void on_absent(void *arg, uint64_t down_ms)
{
    struct engine *engine = arg;
    struct run *run;

    while (down_ms >= ABSENT_MAX_MS && (run = any_queued(engine)) != NULL) {
        engine_unqueue(run);
        run_fail(run, "the sandbox service does not answer");
    }
}

bool engine_ask_boxd(struct engine *engine, uint32_t kind)
{
    const struct wire_stats stats = {.head = wire_head(WIRE_STATS, 0), .kind = kind}; /* no lease has the id 0 */

    if (!engine_connected(engine))
        return false;
    boxd_link_send(&engine->link, &stats);
    return true;
}

static void on_message(void *arg, const union wire_msg *msg, int fd)
{
    struct run *run = find_run(arg, msg->head.id);

    if (msg->head.type == WIRE_FIGURES)
        on_figures(arg, &msg->figures);
    else if (run != NULL)
        run_on_boxd(run, msg, fd);
    else
        closep(
            &fd); /* a box for a lease that was released while boxd looked for one: it has read that by now */
}

/* --- The engine ------------------------------------------------------------------------------ */

static void free_engine(struct engine *engine)
{
    artifacts_free(engine->artifacts);
    fair_done(&engine->fair);
    free((void *)engine->places);
    free(engine);
}

static void on_closed(uv_handle_t *handle)
{
    struct engine *engine = handle->data;

    /* The handles are parts of the engine: it goes with the last of them. */
    if (--engine->n_handles == 0)
        free_engine(engine);
}

static void close_handles(struct engine *engine)
{
    int n = engine->n_handles; /* in the order of open_handles() */

    engine->set.poll.data = engine;
    engine->link.retry.data = engine;
    if (n > 2)
        boxd_link_close(&engine->link, on_closed);
    if (n > 1)
        watch_set_close(&engine->set, on_closed);
    uv_close((uv_handle_t *)&engine->finisher, on_closed);
}

static int open_handles(struct engine *engine, struct err *err)
{
    int r;

    (void)uv_idle_init(engine->loop, &engine->finisher); /* always 0 */
    engine->finisher.data = engine;
    engine->n_handles = 1;
    r = watch_set_init(&engine->set, engine->loop, err);
    if (r < 0)
        return r;
    engine->n_handles = 2;
    r = boxd_link_init(&engine->link, engine->loop, err);
    if (r < 0)
        return r;
    engine->n_handles = 3;
    return 0;
}

int engine_new(struct engine **ret, const struct engine_config *config, struct err *err)
{
    struct engine *engine = malloc(sizeof *engine);
    int r;

    assert(config->max_running >= 1 && config->max_running <= PLACES_MAX);
    if (engine == NULL)
        return err_set(err, -ENOMEM, "engine");
    *engine = (struct engine){.loop = config->loop,
                              .languages = config->languages,
                              .max_running = config->max_running,
                              .max_queued = config->max_queued,
                              .interactive_ms = config->interactive_ms,
                              .on_report = config->on_report,
                              .on_figures = config->on_figures,
                              .report_arg = config->arg,
                              .ended = TAILQ_HEAD_INITIALIZER(engine->ended)};
    fair_init(&engine->fair);
    engine->link = (struct boxd_link){.path = config->boxd_socket,
                                      .set = &engine->set,
                                      .events = {on_up, on_down, on_absent, on_message},
                                      .arg = engine};
    engine->places = (struct run **)calloc(config->max_running, sizeof(struct run *));
    if (engine->places == NULL) {
        free_engine(engine);
        return err_set(err, -ENOMEM, "engine");
    }
    if (config->cache_bytes > 0) {
        r = artifacts_new(&engine->artifacts, config->cache_bytes, config->cache_entries, err);
        if (r < 0) {
            free_engine(engine);
            return r;
        }
    }
    r = open_handles(engine, err);
    if (r < 0) {
        close_handles(engine);
        return r;
    }
    *ret = engine;
    return 0;
}

void engine_free(struct engine *engine)
{
    struct run *run;

    if (engine == NULL)
        return;
    engine->draining = true;
    engine->filling = true; /* nobody gets a place any more */
    for (uint32_t i = 0; i < engine->max_running; i++)
        if (engine->places[i] != NULL)
            run_abandon(engine->places[i]); /* its followers are queued then */
    while ((run = any_queued(engine)) != NULL)
        run_cancel(run);
    while (!TAILQ_EMPTY(&engine->ended))
        finish_runs(engine);
    close_handles(engine);
}

void engine_forget_artifacts(struct engine *engine)
{
    artifacts_clear(engine->artifacts);
}

bool engine_connected(const struct engine *engine)
{
    return boxd_link_connected(&engine->link);
}

void engine_drain(struct engine *engine)
{
    engine->draining = true;
}

size_t engine_n_runs(const struct engine *engine)
{
    return engine->n_queued + engine->n_running;
}

static uint64_t waits_since(const struct run_list *queue, uint64_t earliest)
{
    const struct run *run = TAILQ_FIRST(queue);

    return run != NULL && run->taken_us < earliest ? run->taken_us : earliest;
}

void engine_read_figures(struct engine_figures *ret, const struct engine *engine)
{
    const uint64_t now = now_us();
    struct artifacts_figures kept;
    const struct flow *flow;
    uint64_t since = now, n_callers = 0;

    TAILQ_FOREACH(flow, &engine->fair.ready, ready) {
        since = waits_since(&flow->queue, since);
        n_callers++;
    }
    for (uint32_t i = 0; i < engine->max_running; i++)
        if (engine->places[i] != NULL)
            since = waits_since(&engine->places[i]->followers, since);
    artifacts_read_figures(&kept, engine->artifacts);
    *ret = (struct engine_figures){.n_queued = engine->n_queued,
                                   .max_queued = engine->max_queued,
                                   .oldest_us = now - since,
                                   .n_callers = n_callers,
                                   .n_running = engine->n_running,
                                   .max_running = engine->max_running,
                                   .cache_hits = kept.hits,
                                   .cache_misses = kept.misses,
                                   .cache_entries = kept.entries,
                                   .cache_bytes = kept.bytes,
                                   .cache_bytes_max = kept.bytes_max};
}

/* --- Taking a job in ------------------------------------------------------------------------- */

static bool would_wait(const struct engine *engine, const struct flow *flow)
{
    return engine->fair.n_heap > 0 || engine->n_running >= engine->max_running ||
           flow->n_running >= flow->max_running || !engine_connected(engine);
}

/* 0 or ENGINE_E_*. Each caller leaves as much of the queue as it takes: however many fill it, one more finds room. */
static int find_room(const struct engine *engine, const struct flow *flow, struct err *err)
{
    const size_t n_queued = engine->n_queued, max_queued = engine->max_queued;

    if (!engine->draining && !would_wait(engine, flow))
        return 0;
    if (engine->draining || n_queued >= max_queued) {
        (void)err_set(err, -EBUSY, "%zu runs are waiting already; try again in a moment", n_queued);
        return ENGINE_E_BUSY;
    }
    if (flow->n_waiting >= flow->max_waiting || flow->n_waiting > max_queued - n_queued) {
        (void)err_set(err, -EBUSY, "%u of your runs are waiting already, and that is your share of the queue; try "
                                   "again when some have ended", flow->n_waiting);
        return ENGINE_E_SHARE;
    }
    return 0;
}

static struct flow *join(struct engine *engine, const struct engine_caller *caller)
{
    static const struct engine_caller nobody = {.name = "", .weight = 1};
    const struct engine_caller *who = caller == NULL ? &nobody : caller;
    const struct fair_caller bounds = {
        .name = who->name,
        .weight = who->weight == 0 ? 1 : who->weight,
        .max_running = who->max_running == 0 ? UINT32_MAX : who->max_running,
        .max_waiting = who->max_queued == 0 ? UINT32_MAX : who->max_queued,
    };

    return fair_join(&engine->fair, &bounds);
}

bool engine_has_room(const struct engine *engine)
{
    const bool at_once =
        engine->fair.n_heap == 0 && engine->n_running < engine->max_running && engine_connected(engine);

    return !engine->draining && (at_once || engine->n_queued < engine->max_queued);
}

static int take_compiled(struct run *run, const struct job *job, struct err *err)
{
    const struct compiled *compiled = job->compiled;

    if (compiled == NULL || compiled->bytes == 0)
        return 0;
    run->artifact_fd = fcntl(compiled->fd, F_DUPFD_CLOEXEC, 0);
    run->artifact_bytes = compiled->bytes;
    return run->artifact_fd < 0 ? err_errno(err, -errno, "the compiled program") : 0;
}

static bool has_compile_stage(const struct job *job, const struct language *language)
{
    return language->stages[STAGE_COMPILE].present && job->compiled == NULL && !job->repl;
}

/* A run that is not in the queue yet, owned by the caller; its job is the caller's still. */
static int make_run(struct run **ret, struct engine *engine, const struct engine_caller *caller, struct job *job,
                    struct err *err)
{
    const struct language *language = NULL;
    struct run *run;
    int r;

    r = settle(&language, engine, job, err);
    if (r != 0)
        return r;
    run = run_new(engine);
    if (run == NULL)
        return err_set(err, -ENOMEM, "out of memory");
    run->flow = join(engine, caller);
    r = run->flow == NULL ? err_set(err, -ENOMEM, "out of memory") : find_room(engine, run->flow, err);
    if (r == 0)
        r = take_compiled(run, job, err);
    if (r != 0) {
        run_free(run);
        return r;
    }
    run->result.collects = job->n_collect > 0;
    run->language = language;
    run->stage = has_compile_stage(job, language) ? STAGE_COMPILE : STAGE_RUN;
    run->taken_us = now_us();
    *ret = run;
    return 0;
}

static void take_job(struct run *run, struct job *job, const struct run_events *events, void *arg)
{
    run->job = job;
    run->events = *events;
    run->arg = arg;
}

int engine_start(struct run **ret, struct engine *engine, const struct engine_caller *caller,
                 struct job *job, const struct run_events *events, void *arg, struct err *err)
{
    struct run *run;
    int r = make_run(&run, engine, caller, job, err);

    if (r != 0)
        return r;
    take_job(run, job, events, arg);
    *ret = run;
    engine_enqueue(run, false);
    engine_fill_places(engine);
    return 0;
}

int engine_start_pair(struct run *ret[2], struct engine *engine, const struct engine_caller *caller,
                      struct job *const jobs[2], const struct run_events *const events[2], void *arg, struct err *err)
{
    struct run *runs[2] = {NULL, NULL};
    int r = 0;

    if (engine->max_running < 2)
        return err_set(err, -EINVAL, "two programs at one time need max_running of at least 2");
    for (size_t i = 0; i < 2 && r == 0; i++) {
        r = make_run(&runs[i], engine, caller, jobs[i], err);
        if (r == 0 && (runs[i]->stage != STAGE_RUN || jobs[i]->merged || jobs[i]->stdin_len > 0))
            r = err_set(err, -EINVAL, "%s is to be compiled first, or has an input of its own", jobs[i]->language);
    }
    if (r != 0) {
        for (size_t i = 0; i < 2; i++)
            if (runs[i] != NULL)
                run_free(runs[i]);
        return r;
    }
    for (size_t i = 0; i < 2; i++) {
        take_job(runs[i], jobs[i], events[i], arg);
        runs[i]->partner = runs[1 - i];
        ret[i] = runs[i];
    }
    engine_enqueue(runs[0], false);
    engine_fill_places(engine);
    return 0;
}
