/* All of them: what a start finds, what is taken in, who comes next. */
#include "api/submissions/internal.h"

#include <errno.h>
#include <search.h>

#include "base/instant.h"
#include "base/log.h"

/* --- The line --- */

void submissions_feed(struct submissions *all)
{
    while (all->loaded && !all->draining && all->n_line > 0 && all->n_active < all->config.active_max) {
        struct submission *next;

        if (api_not_ready(all->api) != NULL || !engine_has_room(all->api->engine)) {
            all->retry = true; /* nobody tells when that changes */
            submissions_tick_on(all);
            return;
        }
        next = line_next(all);
        if (next == NULL)
            return; /* when one of theirs ends, another of them may go */
        submission_begin(next);
    }
}

bool submissions_loaded(const struct submissions *all)
{
    return all->loaded;
}

size_t submissions_n_active(const struct submissions *all)
{
    return all->n_active;
}

/* --- Starting --- */

/* Where the keys were not read yet, it is as one of an address until it ends. */
static const struct key *key_of(const struct api *api, const char *caller)
{
    static const char prefix[] = "key:";

    return strncmp(caller, prefix, sizeof prefix - 1) != 0 ? NULL
                                                           : keyring_find(&api->keyring, caller + sizeof prefix - 1);
}

static void take_over(struct submissions *all, const struct submission_row *row)
{
    struct caller caller = {0};
    struct submission *submission;

    caller_restore(&caller, &all->api->callers, row->caller, key_of(all->api, row->caller));
    submission = submission_new(all, row->id, row->owner, &caller);
    if (submission == NULL) {
        log_error("submission %s is left to the next start: out of memory", row->id);
        return;
    }
    submission->number = row->number;
    submission->attempts = row->attempts;
    if (row->attempts >= ATTEMPTS_MAX)
        submission_fail(submission,
                        "the server ended twice while this was running, or about to; it is not tried again");
    else
        submission_line_up(submission, false);
}

static void on_unfinished(void *arg, int r, const struct submission_row *rows, size_t n, const struct err *err)
{
    struct submissions *all = arg;

    if (r < 0) { /* nothing is lost: the next start finds them */
        log_error("submissions can't be read, and none are taken in: %s", err->msg);
        return;
    }
    all->loaded = true;
    for (size_t i = 0; i < n; i++)
        take_over(all, &rows[i]);
    if (n > 0)
        log_info("%zu submissions go on where the last run ended", n);
    submissions_feed(all);
}

static void on_tick(uv_timer_t *timer)
{
    struct submissions *all = timer->data;
    bool retry = all->retry;
    struct submission *one;

    all->retry = false;
    submissions_wake_until(all, uv_now(all->api->loop));
    if (retry) {
        TAILQ_FOREACH(one, &all->active, entry)
        if (one->state == SUBMISSION_ENDING)
            submission_store_end(one);
        submissions_feed(all);
    }
    if (all->n_waits == 0 && !all->retry)
        (void)uv_timer_stop(all->tick);
}

void submissions_tick_on(struct submissions *all)
{
    enum { TICK_MS = 100 };

    if (uv_is_active((uv_handle_t *)all->tick) == 0)
        (void)uv_timer_start(all->tick, on_tick, TICK_MS, TICK_MS);
}

int submissions_new(struct submissions **ret, struct api *api, const struct submissions_config *config,
                    struct err *err)
{
    CLEANUP(submissions_freep) struct submissions *all = calloc(1, sizeof *all);
    int r;

    if (all == NULL)
        return err_set(err, -ENOMEM, "submissions");
    TAILQ_INIT(&all->turns);
    TAILQ_INIT(&all->active);
    all->api = api;
    all->config = *config;
    all->tick = calloc(1, sizeof *all->tick);
    all->sweep = calloc(1, sizeof *all->sweep);
    if (all->tick == NULL || all->sweep == NULL)
        return err_set(err, -ENOMEM, "submissions");
    (void)uv_timer_init(api->loop, all->tick); /* always 0 */
    (void)uv_timer_init(api->loop, all->sweep);
    all->tick->data = all->sweep->data = all;
    submissions_start_sweeping(all);
    r = store_submissions_unfinished(api->store, on_unfinished, all, err);
    if (r != 0)
        return r < 0 ? r : err_set(err, -EAGAIN, "submissions: the store is busy");
    *ret = TAKE_PTR(all);
    return 0;
}

/* --- Stopping --- */

void submissions_drain(struct submissions *all)
{
    all->draining = true;
    submissions_wake_until(all, UINT64_MAX);
}

static void on_closed(uv_handle_t *handle)
{
    free(handle);
}

static void close_timer(uv_timer_t *timer)
{
    if (timer != NULL && timer->loop != NULL)
        uv_close((uv_handle_t *)timer, on_closed);
    else
        free(timer);
}

void submissions_free(struct submissions *all)
{
    if (all == NULL)
        return;
    while (!TAILQ_EMPTY(&all->active))
        submission_free(TAILQ_FIRST(&all->active));
    while (!TAILQ_EMPTY(&all->turns)) /* a turn goes with its last submission */
        submission_free(TAILQ_FIRST(&TAILQ_FIRST(&all->turns)->waiting));
    close_timer(all->tick);
    close_timer(all->sweep);
    free(all);
}

/* --- Taking in --- */

struct intake {
    struct submissions *all;
    struct submission *members[SUBMISSION_BATCH_MAX]; /* borrowed from all */
    size_t n;
    submissions_on_taken *on_taken;
    void *arg; /* borrowed */
};

void submissions_count(const struct submissions *all, size_t *n_waiting, size_t *n_active)
{
    *n_waiting = all->n_line;
    *n_active = all->n_active;
}

/* As in the engine's queue, each caller leaves as much as it takes: however many fill it, one more finds room. */
int submissions_check_room(const struct submissions *all, const struct caller *caller, size_t n, struct fault *fault)
{
    const size_t room =
        all->config.waiting_max - (all->n < all->config.waiting_max ? all->n : all->config.waiting_max);
    const size_t own = line_n_known(all, caller->id);

    if (!all->loaded)
        return fault_set(fault, 503, NULL,
                         "the server is starting: it is reading what it has to go on with; try again in a moment");
    if (n > room) {
        metrics_reject(&all->api->metrics, REJECT_QUEUE_FULL);
        return fault_set(fault, 503, NULL, "%zu submissions are waiting already; try again later", all->n);
    }
    if (own + n > room && own > 0) {
        metrics_reject(&all->api->metrics, REJECT_CALLER_QUEUE_FULL);
        return fault_set(fault, 429, NULL,
                         "%zu of your submissions are waiting already, and that is your share of the line; "
                         "try again when some are finished",
                         own);
    }
    return 0;
}

static void drop_members(struct intake *intake)
{
    for (size_t i = 0; i < intake->n; i++)
        submission_free(intake->members[i]);
}

static void on_added(void *arg, int r, const struct submission_row *rows, size_t n, const struct err *err)
{
    CLEANUP(freep) struct intake *intake = arg;
    char ids[SUBMISSION_BATCH_MAX * (UUID_BYTES - 1)];

    if (r == 0)
        for (size_t i = 0; i < intake->n; i++)
            submission_saved(intake->members[i], rows[i].number);
    else
        drop_members(intake); /* as if it had never been; a replay's are others */
    for (size_t i = 0; i < n && i < SUBMISSION_BATCH_MAX; i++)
        memcpy(ids + i * (UUID_BYTES - 1), rows[i].id, UUID_BYTES - 1);
    intake->on_taken(intake->arg, r, ids, n, err);
    submissions_feed(intake->all);
}

static int new_member(struct intake *intake, struct submission_row *row, struct submission_draft *draft,
                      const char *owner, const struct caller *caller)
{
    struct submissions *all = intake->all;
    const struct language *language = languages_find(&all->api->languages, draft->job->language);
    const bool direct = !all->draining && all->n_line == 0 && all->n_active < all->config.active_max &&
                        engine_has_room(all->api->engine);
    struct submission *submission;

    row->created_us = instant_now_us();
    uuid_make_at(row->id, row->created_us);
    (void)snprintf(row->owner, sizeof row->owner, "%s", owner);
    (void)snprintf(row->caller, sizeof row->caller, "%s", caller->id);
    (void)snprintf(row->language, sizeof row->language, "%s", language->id);
    (void)snprintf(row->version, sizeof row->version, "%s", language->version);
    (void)snprintf(row->status, sizeof row->status, "queued");
    (void)snprintf(row->callback_url, sizeof row->callback_url, "%s",
                   draft->callback_url == NULL ? "" : draft->callback_url);
    row->request = draft->request;
    row->attempts = direct ? 1 : 0;
    submission = submission_new(all, row->id, owner, caller);
    if (submission == NULL)
        return -ENOMEM;
    intake->members[intake->n++] = submission;
    submission->attempts = row->attempts;
    submission->direct = direct;
    submission->base64 = draft->base64;
    submission->job = TAKE_PTR(draft->job);
    return 0;
}

static int make_members(struct intake *intake, struct submission_row *rows, struct submission_draft *drafts, size_t n,
                        const char *owner, const struct caller *caller, struct err *err)
{
    for (size_t i = 0; i < n; i++)
        if (new_member(intake, &rows[i], &drafts[i], owner, caller) < 0)
            return err_set(err, -ENOMEM, "the server is out of memory");
    return 0;
}

int submissions_take_in(struct submissions *all, const char *owner, const struct caller *caller,
                        struct submission_draft *drafts, size_t n, const struct submission_key *key,
                        submissions_on_taken *on_taken, void *arg, struct err *err)
{
    CLEANUP(freep) struct submission_row *rows = calloc(n, sizeof *rows);
    CLEANUP(freep) struct intake *intake = calloc(1, sizeof *intake);
    int r = -ENOMEM;

    if (rows == NULL || intake == NULL) {
        (void)err_set(err, r, "the server is out of memory");
    } else {
        *intake = (struct intake){.all = all, .on_taken = on_taken, .arg = arg};
        r = make_members(intake, rows, drafts, n, owner, caller, err);
        if (r == 0)
            r = store_submissions_add(all->api->store, rows, n, key, on_added, intake, err);
        if (r != 0)
            drop_members(intake);
        else
            (void)TAKE_PTR(intake);
    }
    for (size_t i = 0; i < n; i++)
        job_free(TAKE_PTR(drafts[i].job));
    return r;
}

/* --- Looking --- */

struct submission *submissions_find(struct submissions *all, const char *owner, const char *id)
{
    struct submission probe = {0}, *submission;
    void *found;

    (void)snprintf(probe.id, sizeof probe.id, "%s", id);
    found = tfind(&probe, &all->by_id, submission_compare);
    if (found == NULL)
        return NULL;
    submission = *(struct submission **)found;
    return submission->number != 0 && strcmp(submission->owner, owner) == 0 ? submission : NULL;
}

uint32_t submission_attempt(const struct submission *submission)
{
    return submission->attempts;
}

bool submission_has_begun(const struct submission *submission, enum stage stage)
{
    return submission->run != NULL && submission->begun[stage];
}

bool submission_base64(const struct submission *submission)
{
    return submission->base64;
}

struct slice submission_output(const struct submission *submission, enum stage stage, int stream)
{
    return submission->run == NULL ? (struct slice){0} : run_output(submission->run, stage, stream);
}

int64_t submission_started_us(const struct submission *submission)
{
    return submission->started_us;
}

bool submission_position(const struct submission *submission, size_t *ret)
{
    const struct submissions *all = submission->all;
    const struct submission *one;
    size_t n = 0;

    if (submission->started_us != 0 || submission->state == SUBMISSION_ENDING)
        return false;
    TAILQ_FOREACH(one, &all->active, entry)
    {
        if (one == submission)
            break;
        n += one->started_us == 0 && one->state != SUBMISSION_ENDING;
    }
    if (one == NULL) /* in the line, behind all of them */
        n += line_position(submission);
    *ret = n;
    return true;
}
