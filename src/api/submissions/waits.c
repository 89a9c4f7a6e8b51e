/* Who waits for the end of a submission, and how long. */
#include "api/submissions/internal.h"

enum { FOLLOWERS_MAX = 64, ALL_FOLLOWERS_MAX = 1024 }; /* each is a connection, and work at each piece of output */

static void leave(struct submission_wait *wait)
{
    LIST_REMOVE(wait, entry);
    wait->submission->all->n_waits--;
    if (wait->on_news != NULL) {
        wait->submission->n_followers--;
        wait->submission->all->n_followers--;
    }
    wait->submission = NULL;
}

bool submission_may_follow(const struct submission *submission)
{
    return submission->n_followers < FOLLOWERS_MAX && submission->all->n_followers < ALL_FOLLOWERS_MAX;
}

void submission_wait(struct submission_wait *wait, struct submission *submission, uint64_t ms)
{
    struct submissions *all = submission->all;

    wait->submission = submission;
    wait->until_ms = uv_now(all->api->loop) + ms;
    LIST_INSERT_HEAD(&submission->waits, wait, entry);
    all->n_waits++;
    if (wait->on_news != NULL) {
        submission->n_followers++;
        all->n_followers++;
    }
    submissions_tick_on(all);
}

void submission_wait_stop(struct submission_wait *wait)
{
    if (wait->submission != NULL)
        leave(wait);
}

void submission_tell(struct submission *submission, bool last)
{
    struct submission_wait *wait, *next;

    for (wait = LIST_FIRST(&submission->waits); wait != NULL; wait = next) {
        next = LIST_NEXT(wait, entry);
        if (wait->on_news != NULL)
            wait->on_news(wait->arg, last);
    }
}

static void wake_until(struct submission *submission, uint64_t until_ms)
{
    struct submission_wait *wait, *next;

    for (wait = LIST_FIRST(&submission->waits); wait != NULL; wait = next) {
        next = LIST_NEXT(wait, entry);
        if (wait->until_ms > until_ms)
            continue;
        leave(wait);
        wait->on_over(wait->arg); /* only asks the store: nothing that waits is touched */
    }
}

void submission_wake(struct submission *submission)
{
    wake_until(submission, UINT64_MAX);
}

void submissions_wake_until(struct submissions *all, uint64_t until_ms)
{
    struct submission *one;
    struct turn *turn;

    TAILQ_FOREACH(turn, &all->turns, entry)
    TAILQ_FOREACH(one, &turn->waiting, entry)
    wake_until(one, until_ms);
    TAILQ_FOREACH(one, &all->active, entry)
    wake_until(one, until_ms);
}
