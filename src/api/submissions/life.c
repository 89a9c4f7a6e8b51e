/*
 * The life of one submission.
 *
 *            on the disk       its turn            read            result            on the disk
 *   SAVING ──────────────▶ WAITING ──▶ CLAIMING ───────▶ RUNNING ───────▶ ENDING ─────────────▶ (gone)
 *      │                      ▲            │  no room       │ │              ▲
 *      │                      └────────────┴────────────────┘ │              │
 *      └──── room at once ───────────────────────▶            │  cancelled, no such language any more
 *
 * An internal error sends it back to the line once: what killed boxd, or an init, need not be this program's doing.
 * Before it is given to the engine the database knows that it will be, so that nothing runs more than ATTEMPTS_MAX
 * times, whoever dies when. A stop of the service that comes before it has begun takes that back.
 */
#include <errno.h>
#include <search.h>

#include "api/admit.h"
#include "api/json_in.h"
#include "api/submissions/internal.h"
#include "api/v1/run_json.h"
#include "api/webhooks/webhooks.h"
#include "base/instant.h"
#include "base/log.h"

enum { RESULT_BYTES_MAX = 1 << 30 }; /* larger than any: see v1/run.c */

int submission_compare(const void *a, const void *b)
{
    return strcmp(((const struct submission *)a)->id, ((const struct submission *)b)->id);
}

static void enter_active(struct submission *submission)
{
    TAILQ_INSERT_TAIL(&submission->all->active, submission, entry);
    submission->all->n_active++;
    submission->turn->n_active++;
}

struct submission *submission_new(struct submissions *all, const char *id, const char *owner,
                                  const struct caller *caller)
{
    struct submission *submission = calloc(1, sizeof *submission);

    if (submission == NULL)
        return NULL;
    submission->all = all;
    (void)snprintf(submission->id, sizeof submission->id, "%s", id);
    (void)snprintf(submission->owner, sizeof submission->owner, "%s", owner);
    buf_init(&submission->stages, RESULT_BYTES_MAX);
    buf_init(&submission->files, RESULT_BYTES_MAX);
    submission->caller = *caller;
    if (line_know(submission) < 0 || tsearch(submission, &all->by_id, submission_compare) == NULL) {
        line_forget(submission);
        free(submission);
        return NULL;
    }
    all->n++;
    enter_active(submission);
    return submission;
}

static void leave_list(struct submission *submission)
{
    if (submission->state == SUBMISSION_WAITING) {
        line_remove(submission);
        return;
    }
    TAILQ_REMOVE(&submission->all->active, submission, entry);
    submission->all->n_active--;
    submission->turn->n_active--;
}

void submission_free(struct submission *submission)
{
    struct submissions *all = submission->all;

    leave_list(submission);
    line_forget(submission);
    (void)tdelete(submission, &all->by_id, submission_compare);
    all->n--;
    submission_wake(submission);
    job_free(submission->job);
    free(submission->end);
    buf_done(&submission->stages);
    buf_done(&submission->files);
    free(submission);
}

void submission_line_up(struct submission *submission, bool first)
{
    leave_list(submission);
    submission->state = SUBMISSION_WAITING;
    submission->started_us = 0;
    line_add(submission, first);
}

/* --- The end --- */

static void try_later(struct submission *submission)
{
    submission->all->retry = true;
    submissions_tick_on(submission->all);
}

static void complain(struct submission *submission, const char *why)
{
    enum { PAUSE_MS = 10000 };
    struct submissions *all = submission->all;
    const uint64_t now = uv_now(all->api->loop);

    if (all->complained_ms == 0 || now - all->complained_ms > PAUSE_MS) {
        log_error("the result of submission %s can't be stored, and is tried again: %s", submission->id, why);
        all->complained_ms = now;
    }
}

static void on_end_stored(void *arg, int r, const struct err *err)
{
    struct submission *submission = arg;
    struct submissions *all = submission->all;

    submission->ending = false;
    if (r < 0) { /* a full disk: it keeps its place, so that no others are run in vain */
        complain(submission, err->msg);
        try_later(submission);
        return;
    }
    submission_free(submission);
    webhooks_pump(all->api->webhooks);
    submissions_feed(all);
}

void submission_store_end(struct submission *submission)
{
    struct err err = {.msg = "the store is busy"};

    if (submission->ending || submission->all->api->store == NULL)
        return;
    submission->ending = true;
    if (store_submission_finish(submission->all->api->store, submission->end, on_end_stored, submission, &err) != 0) {
        submission->ending = false;
        complain(submission, err.msg);
        try_later(submission);
    }
}

/* NULL in .at: nothing was written. */
static struct slice submission_bytes(const struct buf *buf)
{
    return (struct slice){.at = buf->len > 0 ? buf->at : NULL, .len = buf->len};
}

/* message: of the end that it comes to now. stages and files: in *submission already, or none. */
static void end(struct submission *submission, enum status status, const char *message)
{
    struct submission_row *row = calloc(1, sizeof *row);

    if (submission->state == SUBMISSION_WAITING) {
        line_remove(submission);
        enter_active(submission);
    }
    submission->state = SUBMISSION_ENDING;
    job_free(TAKE_PTR(submission->job));
    if (row == NULL) {
        log_error("submission %s is left to the next start: out of memory", submission->id);
        submission_free(submission);
        return;
    }
    *row = (struct submission_row){.number = submission->number,
                                   .started_us = submission->started_us,
                                   .finished_us = instant_now_us(),
                                   .stages = submission_bytes(&submission->stages),
                                   .files = submission_bytes(&submission->files),
                                   .files_omitted = submission->files_omitted};
    (void)snprintf(row->status, sizeof row->status, "%s", status_names[status]);
    (void)snprintf(row->message, sizeof row->message, "%s", message);
    (void)snprintf(row->version, sizeof row->version, "%s", submission->version);
    submission->end = row;
    submission_store_end(submission);
}

void submission_fail(struct submission *submission, const char *message)
{
    log_warn("submission %s: %s", submission->id, message);
    end(submission, STATUS_INTERNAL_ERROR, message);
}

void submission_cancel(struct submission *submission)
{
    submission->cancelled = true;
    if (submission->state == SUBMISSION_RUNNING)
        run_cancel(submission->run);
    else if (submission->state == SUBMISSION_WAITING)
        end(submission, STATUS_CANCELLED, "");
}

/* --- Running --- */

static void requeue(struct submission *submission, uint32_t attempts)
{
    struct err err = {0};

    submission->attempts = attempts;
    /* Where that fails, a restart counts one attempt too many: at worst an honest internal error. */
    if (store_submission_requeue(submission->all->api->store, submission->number, attempts, &err) != 0)
        log_warn("submission %s: %s", submission->id, err.msg);
}

static void on_stage(void *arg, enum stage stage)
{
    struct submission *submission = arg;
    struct err err = {0};

    submission->begun[stage] = true;
    submission_tell(submission, false);
    if (submission->started_us != 0)
        return;
    submission->started_us = instant_now_us();
    if (store_submission_started(submission->all->api->store, submission->number, submission->started_us, &err) < 0)
        log_warn("submission %s: %s", submission->id, err.msg); /* its end says it again */
}

/* Who follows it reads it from where the engine keeps it, at a pace of its own. */
static void on_output(void *arg, enum stage stage, int stream, const char *bytes, size_t len)
{
    (void)stage, (void)stream, (void)bytes, (void)len;
    submission_tell(arg, false);
}

/* The service stops: it goes on at the next start. */
static void on_stopped(struct submission *submission)
{
    requeue(submission, submission->attempts - (submission->started_us == 0 ? 1 : 0));
    submission_free(submission);
}

static int write_result(struct submission *submission, const struct result *result)
{
    int r = v1_run_write_stages(&submission->stages, result, submission->base64);

    if (r == 0 && result->collects)
        r = v1_run_write_files(&submission->files, result, submission->base64);
    submission->files_omitted = result->n_omitted;
    return r;
}

static void on_result(void *arg, const struct result *result)
{
    struct submission *submission = arg;
    struct submissions *all = submission->all;

    submission_tell(submission, true);
    submission->run = NULL;
    if (result->status == STATUS_CANCELLED && !submission->cancelled) {
        on_stopped(submission);
        return;
    }
    if (result->status == STATUS_INTERNAL_ERROR && !submission->cancelled && !all->draining &&
        submission->attempts < ATTEMPTS_MAX) {
        log_warn("submission %s: %s; it is run once more", submission->id, result->message);
        requeue(submission, submission->attempts);
        submission_line_up(submission, true);
        submissions_feed(all);
        return;
    }
    if (write_result(submission, result) < 0) {
        buf_done(&submission->stages);
        buf_done(&submission->files);
        submission_fail(submission, "the server was out of memory for the result");
        return;
    }
    end(submission, result->status, result->message);
}

/* Its attempt is counted, its job is there. */
static void start(struct submission *submission)
{
    static const struct run_events events = {.on_stage = on_stage, .on_output = on_output, .on_result = on_result};
    struct submissions *all = submission->all;
    const struct language *language = languages_find(&all->api->languages, submission->job->language);
    struct fault fault = {0};

    if (language != NULL && language->version != NULL)
        (void)snprintf(submission->version, sizeof submission->version, "%s", language->version);
    submission->state = SUBMISSION_RUNNING;
    memset(submission->begun, 0, sizeof submission->begun);
    if (admit(&submission->run, all->api, &submission->caller, submission->job, &events, submission, &fault) == 0) {
        submission->job = NULL; /* taken */
    } else if (fault.status != 503 && fault.status != 429) {
        submission_fail(submission, fault.detail); /* the language went away meanwhile */
    } else {
        submission_line_up(submission, true); /* the job stays with it */
        try_later(submission);
    }
}

static int parse(struct submission *submission, struct slice request, struct fault *fault)
{
    static const struct v1_run_part part = {.prefix = "", .others = {"callback_url"}};
    CLEANUP(json_decrefp) json_t *root = NULL;
    struct v1_run run;

    if (json_in_object(&root, request, fault) < 0 || v1_run_read(&run, root, &part, fault) < 0)
        return -1;
    submission->job = run.job;
    submission->base64 = run.base64;
    return 0;
}

static void on_claimed(void *arg, int r, const struct submission_row *rows, size_t n, const struct err *err)
{
    struct submission *submission = arg;
    struct submissions *all = submission->all;
    struct fault fault = {0};

    (void)n;
    if (r == 0 && !submission->cancelled && parse(submission, rows[0].request, &fault) < 0) {
        submission_fail(submission, fault.detail);
    } else if (r == STORE_E_NONE) { /* somebody took it out of the database by hand */
        submission_free(submission);
    } else if (submission->cancelled) {
        end(submission, STATUS_CANCELLED, "");
    } else if (all->draining) {
        on_stopped(submission);
    } else if (r < 0) {
        log_error("submission %s: %s", submission->id, err->msg);
        submission->attempts--;
        submission_line_up(submission, true);
        try_later(submission);
        return;
    } else {
        start(submission);
    }
    submissions_feed(all);
}

void submission_begin(struct submission *submission)
{
    struct submissions *all = submission->all;
    struct err err = {.msg = "the store is busy"};

    line_remove(submission);
    enter_active(submission);
    submission->state = SUBMISSION_CLAIMING;
    if (submission->job != NULL) { /* the engine was full when it came there first */
        start(submission);
        return;
    }
    submission->attempts++;
    if (store_submission_claim(all->api->store, submission->number, submission->attempts, on_claimed, submission,
                               &err) != 0) {
        log_warn("submission %s: %s", submission->id, err.msg);
        submission->attempts--;
        submission_line_up(submission, true);
        try_later(submission);
    }
}

void submission_saved(struct submission *submission, int64_t number)
{
    submission->number = number;
    if (submission->all->draining) {
        if (submission->direct)
            requeue(submission, 0);
        submission_free(submission);
    } else if (submission->direct) {
        start(submission);
    } else {
        job_free(TAKE_PTR(submission->job)); /* it is in the database; memory is for those who run */
        submission_line_up(submission, false);
    }
}
