/*
 * run: from a place to a result, one box per stage.
 *
 *            place           LEASED           EXITED, stop
 *   QUEUED ────────▶ LEASING ───────▶ RUNNING ─────────────▶ MEASURING
 *     ▲  │   connection │ ▲              │                      │ USED, ENDED,
 *     │  │         lost │ │              │ ENDED, lost          │ lost
 *     └──┼──────────────┘ │              │                      │
 *        │ stop      stop │ next stage   ▼                      │
 *        └──────────▶ ENDED ◀────────────┴──────────────────────┘
 *
 * stop is a cancel, a failure of ours, or more output than allowed. Every stage that got a box goes by
 * MEASURING, so that its figures are the cgroup's, also when we end it; the box dies with the RELEASE that follows.
 * Messages cross: boxd may kill a box (ENDED) while init reports an exit (EXITED) or we ask for figures (USAGE).
 * Whatever comes in a state where it means nothing came too late, and is dropped.
 *
 * Where the compiler need not run (reuse.h) the first stage is the run stage.
 *
 * Nothing here frees the run: it is retired, and freed after its on_result from the loop's next turn.
 */
#include "engine/run.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "base/clock.h"
#include "base/fd.h"
#include "engine/reuse.h"

/* clang-format off */
#define LATE RUN_N_STATES /* means nothing in this state */
static const enum run_state run_table[RUN_N_STATES][RUN_N_EVENTS] = {
    /*                 PLACE        LEASED       EXITED         STOP           FIGURES    LOST */
    [RUN_QUEUED]    = {RUN_LEASING, LATE,        LATE,          RUN_ENDED,     LATE,      LATE},
    [RUN_LEASING]   = {LATE,        RUN_RUNNING, LATE,          RUN_ENDED,     LATE,      RUN_QUEUED},
    [RUN_RUNNING]   = {LATE,        LATE,        RUN_MEASURING, RUN_MEASURING, RUN_ENDED, RUN_ENDED},
    [RUN_MEASURING] = {LATE,        LATE,        LATE,          LATE,          RUN_ENDED, RUN_ENDED},
    [RUN_ENDED]     = {RUN_LEASING, LATE,        LATE,          LATE,          LATE,      LATE},
};
/* clang-format on */

bool run_step(struct run *run, enum run_event event)
{
    enum run_state next = run_table[run->state][event];

    if (next == LATE)
        return false;
    run->state = next;
    return true;
}

struct stage_result *run_stage_result(struct run *run)
{
    return &run->result.stages[run->stage];
}

void run_send_plain(struct run *run, enum wire_type type)
{
    struct wire_plain msg = {.head = wire_head(type, run->lease)};

    boxd_link_send(&run->engine->link, &msg);
}

/* --- The end of a stage ---------------------------------------------------------------------- */

void run_close_box(struct run *run)
{
    watch_stop(&run->engine->set, &run->box_watch);
    closep(&run->box_fd);
}

/* boxd ends the box and all in it; nobody waits for that. */
static void release(struct run *run)
{
    run_close_box(run);
    stage_io_close(&run->io);
    stage_ends_close(&run->ends);
    closep(&run->payload_fd);
    if (run->lease != 0)
        run_send_plain(run, WIRE_RELEASE);
    run->lease = 0;
}

bool run_has_terminal(const struct run *run)
{
    return run->stage == STAGE_RUN && run->job->terminal.rows > 0;
}

bool run_is_merged(const struct run *run)
{
    return run->job->merged || run_has_terminal(run);
}

/* What the stage wrote to stderr, wherever that went. */
static struct slice last_words(struct run *run)
{
    const struct buf *text = &run_stage_result(run)->out[run_is_merged(run) ? 0 : 1];

    return (struct slice){.at = buf_text(text), .len = text->len};
}

static void judge(struct run *run)
{
    struct stage_result *result = run_stage_result(run);
    struct verdict verdict;

    run->end.stage = run->stage;
    run->end.says_out_of_memory = language_says_out_of_memory(run->language, run->stage, last_words(run));
    verdict_of(&verdict, &run->end, &run->job->limits[run->stage]);
    result->status = verdict.status;
    result->exit_code = verdict.exit_code;
    result->signal = verdict.signal;
    if (result->wall_us == 0 && run->started_us != 0)
        result->wall_us = now_us() - run->started_us;
    run->result.status = verdict.status;
    memcpy(run->result.message, verdict.message, sizeof run->result.message);
}

static void hand_over(struct run *run)
{
    run->result.compiled = (struct compiled){.fd = run->artifact_fd, .bytes = run->artifact_bytes};
}

/* Each is on its own from now on; who has not begun never will without the other. */
static void part(struct run *run)
{
    struct run *partner = run->partner;

    if (partner == NULL)
        return;
    run->partner = partner->partner = NULL;
    if (partner->started_us != 0)
        return;
    if (run->end.cancelled)
        run_cancel(partner);
    else
        run_fail(partner, run->failure[0] != '\0' ? run->failure : "what it was to run with could not be started");
}

static void ask_for_box(struct run *run);

/* In RUN_ENDED: on to the next stage, or to the result. */
static void end_stage(struct run *run)
{
    stage_io_drain(&run->io);
    release(run);
    judge(run);
    if (run->result.status == STATUS_OK && run->job->compile_only) {
        reuse_keep(run);
        hand_over(run);
    }
    if (run->result.status != STATUS_OK || run->stage == STAGE_RUN || run->job->compile_only) {
        if (run->result.ended_us == 0)
            run->result.ended_us = now_us();
        part(run);
        engine_retire(run);
        return;
    }
    run->stage = STAGE_RUN;
    if (run_step(run, EV_PLACE))
        ask_for_box(run);
    reuse_keep(run); /* boxd looks for a box meanwhile */
    reuse_release(run);
    engine_fill_places(run->engine);
}

/* Ends the stage early; run->end says why. The program may go on until boxd has answered. */
static void stop(struct run *run)
{
    if (!run_step(run, EV_STOP))
        return;
    if (run->state == RUN_MEASURING)
        run_send_plain(run, WIRE_USAGE);
    else
        end_stage(run); /* there was no box yet */
}

void run_stop_too_big(struct run *run, const char *why)
{
    (void)snprintf(run->failure, sizeof run->failure, "%s", why);
    run->end.too_big = run->failure;
    stop(run);
}

void run_fail(struct run *run, const char *why)
{
    if (run->end.failure == NULL) /* the first one explains the others */
        (void)snprintf(run->failure, sizeof run->failure, "%s", why);
    run->end.failure = run->failure;
    stop(run);
}

void run_cancel(struct run *run)
{
    /* What has ended by itself is only asked for its figures any more. */
    if (run->state == RUN_ENDED || (run->state == RUN_MEASURING && run->stage == STAGE_RUN && run->end.exited))
        return;
    run->end.cancelled = true;
    if (run->state == RUN_QUEUED && run->queue != NULL) /* of a pair only one is in the queue */
        engine_unqueue(run);
    else if (run->state == RUN_QUEUED && run->partner != NULL)
        engine_unqueue(run->partner);
    stop(run);
}

size_t run_queue_position(const struct run *run)
{
    size_t index = 0;

    if (run->queue == NULL)
        return 0;
    if (run->queue != &run->flow->queue)
        return 1; /* it follows one that compiles, and goes to the front then */
    for (const struct run *before = run; (before = TAILQ_PREV(before, run_list, entry)) != NULL;)
        index++;
    return fair_ahead(&run->engine->fair, run->flow, index) + 1;
}

uint64_t run_queue_age_us(const struct run *run)
{
    return run->queue == NULL ? 0 : now_us() - run->taken_us;
}

/* --- What the program writes and reads ------------------------------------------------------- */

struct slice run_output(const struct run *run, enum stage stage, int stream)
{
    const struct buf *out = &run->result.stages[stage].out[stream];

    return (struct slice){buf_text(out), out->len};
}

static void on_output(struct stage_io *io, int stream, const char *bytes, size_t len)
{
    struct run *run = WATCH_OWNER(struct run, io, io);

    if (run->events.on_output != NULL)
        run->events.on_output(run->arg, run->stage, stream, bytes, len);
}

void run_pause_output(struct run *run, bool on)
{
    struct err err = {0};

    if (stage_io_pause(&run->io, on, &err) < 0)
        run_fail(run, err.msg);
}

static void on_too_much(struct stage_io *io)
{
    struct run *run = WATCH_OWNER(struct run, io, io);

    run->end.too_much_output = true;
    stop(run);
}

static void on_room(struct stage_io *io)
{
    struct run *run = WATCH_OWNER(struct run, io, io);

    if (run->events.on_stdin_room != NULL)
        run->events.on_stdin_room(run->arg);
}

/* Whether the program's stdin is being fed; before that, input gathers in the job. */
static bool feeding(const struct run *run)
{
    return run->stage == STAGE_RUN && run->state >= RUN_RUNNING;
}

int run_write_stdin(struct run *run, const void *bytes, size_t len)
{
    struct job *job = run->job;
    char *more;

    if (!job->stdin_open || len == 0)
        return 0;
    if (feeding(run))
        return stage_io_write(&run->io, bytes, len);
    if (len > JOB_MAX_STDIN_BYTES - job->stdin_len)
        return -EFBIG;
    more = realloc(job->stdin_data, job->stdin_len + len);
    if (more == NULL)
        return -ENOMEM;
    memcpy(more + job->stdin_len, bytes, len);
    job->stdin_data = more;
    job->stdin_len += len;
    return 0;
}

void run_close_stdin(struct run *run)
{
    if (!feeding(run) || !run_has_terminal(run))
        run->job->stdin_open = false;
    if (feeding(run))
        stage_io_close_stdin(&run->io);
}

size_t run_stdin_waiting(const struct run *run)
{
    return feeding(run) ? stage_io_waiting(&run->io) : run->job->stdin_len;
}

/* A compiler gets an empty stdin. */
static int start_stdin(struct run *run, struct err *err)
{
    const struct job *job = run->job;

    const bool program = feeding(run);
    const struct slice first = {job->stdin_data, program ? job->stdin_len : 0};
    int r = stage_io_feed(&run->io, first, program && job->stdin_open, err);

    /* What had waited for the stage may have gone at once. */
    if (r == 0 && first.len > 0 && stage_io_waiting(&run->io) == 0)
        on_room(&run->io);
    return r;
}

/* --- The start of a stage -------------------------------------------------------------------- */

static int send_job(struct run *run, struct err *err)
{
    const struct limits *limits = &run->job->limits[run->stage];
    const bool merged = run_is_merged(run), terminal = run_has_terminal(run);
    struct wire_job msg = {
        .head = wire_head(WIRE_JOB, run->lease),
        .wall_time_ms = limits->wall_time_ms,
        .file_bytes = limits->file_bytes,
        .box_bytes = limits->box_bytes,
        .open_files = limits->open_files,
        .payload_bytes = run->payload_bytes,
        .artifact_bytes = run->stage == STAGE_RUN ? run->artifact_bytes : 0,
        .flags =
            (terminal ? WIRE_JOB_TERMINAL : merged ? WIRE_JOB_MERGED : 0) |
            (run->stage == STAGE_COMPILE ? WIRE_JOB_COLLECT : 0) |
            (run->stage == STAGE_RUN && run->job->n_collect > 0 ? WIRE_JOB_BRING : 0),
        .rows = terminal ? run->job->terminal.rows : 0,
        .columns = terminal ? run->job->terminal.columns : 0,
    };
    const int fds[] = {run->ends.in, run->ends.out, merged ? run->ends.out : run->ends.err,
                       run->payload_fd, run->artifact_fd};
    const size_t n_fds = msg.artifact_bytes > 0 ? 5 : 4;
    int r = fd_send_packet(run->box_fd, &msg, sizeof msg, fds, n_fds);

    if (r < 0)
        return err_errno(err, r, "sending the job to its sandbox");
    run->started_us = now_us();
    if (run->partner == NULL)
        stage_ends_close(&run->ends);
    closep(&run->payload_fd);
    return watch_start(&run->engine->set, &run->box_watch, run->box_fd, EPOLLIN, err);
}

/* What a compiler wrote when it ran for somebody else, as if it had done so now. */
static void replay_compile(const struct run *run)
{
    if (run->events.on_stage != NULL)
        run->events.on_stage(run->arg, STAGE_COMPILE);
    for (int i = 0; i < 2; i++) {
        const struct buf *out = &run->result.stages[STAGE_COMPILE].out[i];

        if (out->len > 0 && run->events.on_output != NULL)
            run->events.on_output(run->arg, STAGE_COMPILE, i, buf_text(out), out->len);
    }
}

/* The box is there: the program in it is told to go. */
static void begin(struct run *run)
{
    struct err err = {0};

    if (send_job(run, &err) < 0 || start_stdin(run, &err) < 0)
        run_fail(run, err.msg);
    if (run->result.stages[STAGE_COMPILE].cached)
        replay_compile(run);
    if (run->events.on_stage != NULL)
        run->events.on_stage(run->arg, run->stage);
}

static void on_leased(struct run *run, int fd)
{
    struct run *partner = run->partner;

    if (!run_step(run, EV_LEASED)) {
        closep(&fd);
        return;
    }
    run->box_fd = fd;
    run->lease_us[run->stage] = now_us() - run->asked_us;
    run_stage_result(run)->ran = true;
    if (partner != NULL && (partner->state != RUN_RUNNING || partner->box_fd < 0))
        return; /* neither one's clock runs before both can */
    begin(run);
    if (partner != NULL && run->partner == partner)
        begin(partner);
}

static void prepare_io(struct run *run)
{
    struct stage_result *result = run_stage_result(run);

    run->io.set = &run->engine->set;
    run->io.piece = run->engine->piece;
    run->io.truncated = result->truncated;
    run->io.on_output = on_output;
    run->io.on_too_much = on_too_much;
    run->io.on_room = on_room;
    for (size_t i = 0; i < 2; i++) {
        buf_init(&result->out[i], run->job->limits[run->stage].output_bytes);
        run->io.out[i] = &result->out[i];
    }
}

/* Everything that the box's init will get; done while boxd looks for a box. */
static int prepare(struct run *run, struct err *err)
{
    const enum stage stage = run->stage;
    int r;

    prepare_io(run);
    if (run_has_terminal(run))
        stage_io_expect_terminal(&run->io);
    r = stage_io_open(&run->io, &run->ends, run_is_merged(run), err);
    if (r < 0)
        return r;
    return payload_write(&run->payload_fd, &run->payload_bytes, &run->engine->payload,
                         run->language, stage, run->job, err);
}

static void ask_for_box(struct run *run)
{
    struct wire_lease msg = {.stage = run->stage, .limits = run->job->limits[run->stage]};
    struct err err = {0};

    if (!language_runs_warm(run->language, run->stage, run->job, &msg.limits))
        msg.flags |= WIRE_LEASE_COLD;
    if (run->job->interactive)
        msg.flags |= WIRE_LEASE_INTERACTIVE;
    run->lease = engine_new_lease(run->engine, run->place);
    run->started_us = 0;
    run->end = (struct stage_end){.stage = run->stage};
    msg.head = wire_head(WIRE_LEASE, run->lease);
    (void)snprintf(msg.language, sizeof msg.language, "%s", run->language->id);
    run->asked_us = now_us();
    boxd_link_send(&run->engine->link, &msg);
    if (prepare(run, &err) < 0)
        run_fail(run, err.msg);
}

void run_admit(struct run *run, uint32_t place)
{
    if (!run_step(run, EV_PLACE))
        return;
    run->place = place;
    if (run->placed_us == 0)
        run->placed_us = now_us();
    ask_for_box(run);
}

void run_admit_pair(struct run *run, uint32_t place, uint32_t partners_place)
{
    struct run *partner = run->partner;
    struct err err = {0};
    int r = stage_ends_cross(&run->ends, &partner->ends, &err);

    if (r == 0) {
        partner->sink_fd = fcntl(run->ends.in, F_DUPFD_CLOEXEC, 0);
        if (partner->sink_fd < 0)
            r = err_errno(&err, -errno, "a pipe");
    }
    partner->place = partners_place; /* it may be given back before it is used: see part() */
    run_admit(run, place);
    if (partner->state == RUN_QUEUED)
        run_admit(partner, partners_place);
    if (r < 0)
        run_fail(run, err.msg);
}

void run_end_compiled(struct run *run)
{
    if (!run_step(run, EV_STOP))
        return;
    run->result.status = STATUS_OK;
    hand_over(run);
    engine_retire(run);
}

/* --- Messages of boxd ------------------------------------------------------------------------ */

static void on_figures(struct run *run, const struct wire_used *used)
{
    struct stage_result *result = run_stage_result(run);

    /* The box may have reported its exit before it was ended: read that first. */
    while (used->head.type == WIRE_ENDED && run->box_fd >= 0 && run_receive(run))
        ;
    if (!run_step(run, EV_FIGURES))
        return;
    result->cpu_us = used->cpu_us;
    result->memory_bytes = used->memory_peak_bytes;
    run->end.cause = used->cause;
    run->end.oom_kills = used->oom_kills;
    run->end.forks_refused = used->forks_refused;
    if (used->head.type == WIRE_ENDED)
        run->lease = 0; /* boxd has forgotten it */
    end_stage(run);
}

void run_on_boxd(struct run *run, const union wire_msg *msg, int fd)
{
    switch (msg->head.type) {
    case WIRE_LEASED:
        on_leased(run, fd);
        return;
    case WIRE_REFUSED:
        if (run->state != RUN_LEASING)
            return;
        run->lease = 0; /* there is nothing to release */
        run_fail(run, msg->failed.msg);
        return;
    default: /* USED and ENDED: wire_decode() lets nothing else through */
        on_figures(run, &msg->used);
        return;
    }
}

bool run_on_gone(struct run *run, const char *why)
{
    run->lease = 0;
    if (run->state == RUN_LEASING && (run->asked_again || run->partner != NULL)) {
        run_fail(run, why);
        return false;
    }
    if (!run_step(run, EV_LOST))
        return false;
    if (run->state == RUN_QUEUED) { /* nothing has been started: no harm in asking again */
        run->asked_again = true;
        release(run);
        return true;
    }
    if (run->end.failure == NULL)
        (void)snprintf(run->failure, sizeof run->failure, "%s", why);
    run->end.failure = run->failure;
    end_stage(run);
    return false;
}

void run_abandon(struct run *run)
{
    run_cancel(run);
    run->end.cancelled = true;
    (void)run_on_gone(run, ""); /* the connection is about to close: nobody will answer */
}

/* --- Making and freeing ---------------------------------------------------------------------- */

struct run *run_new(struct engine *engine)
{
    struct run *run = calloc(1, sizeof *run);

    if (run == NULL)
        return NULL;
    run->engine = engine;
    run->box_watch = (struct watch){.fd = -1, .on_ready = run_on_box};
    run->place = RUN_NO_PLACE;
    run->box_fd = run->payload_fd = run->artifact_fd = run->sink_fd = -1;
    run->ends = (struct stage_ends){-1, -1, -1};
    TAILQ_INIT(&run->followers);
    run->io.set = &engine->set;
    stage_io_init(&run->io);
    result_init(&run->result);
    return run;
}

void run_free(struct run *run)
{
    run_close_box(run);
    stage_io_close(&run->io);
    stage_ends_close(&run->ends);
    closep(&run->payload_fd);
    closep(&run->artifact_fd);
    closep(&run->sink_fd);
    result_done(&run->result);
    job_free(run->job);
    if (run->flow != NULL)
        fair_leave(&run->engine->fair, run->flow);
    free(run);
}
