/*
 * The line: callers take turns, each as many submissions as its weight says, so that ten thousand of one caller do
 * not stand in front of another's one. A caller's own come in the order in which they were taken in.
 *
 * What is the engine's counts too: a caller that may have few places at one time does not get all that the engine is
 * given, where they would wait for each other.
 */
#include <search.h>

#include "api/submissions/internal.h"

static int compare(const void *a, const void *b)
{
    return strcmp(((const struct turn *)a)->caller, ((const struct turn *)b)->caller);
}

static struct turn *find(const struct submissions *all, const char *caller)
{
    struct turn probe = {0};
    void *found;

    (void)snprintf(probe.caller, sizeof probe.caller, "%s", caller);
    found = tfind(&probe, &all->turns_by_caller, compare);
    return found == NULL ? NULL : *(struct turn **)found;
}

size_t line_n_known(const struct submissions *all, const char *caller)
{
    const struct turn *turn = find(all, caller);

    return turn == NULL ? 0 : turn->n_known;
}

int line_know(struct submission *submission)
{
    struct submissions *all = submission->all;
    struct turn *turn = find(all, submission->caller.id);

    if (turn == NULL) {
        turn = calloc(1, sizeof *turn);
        if (turn == NULL)
            return -1;
        (void)snprintf(turn->caller, sizeof turn->caller, "%s", submission->caller.id);
        TAILQ_INIT(&turn->waiting);
        if (tsearch(turn, &all->turns_by_caller, compare) == NULL) {
            free(turn);
            return -1;
        }
        TAILQ_INSERT_TAIL(&all->turns, turn, entry);
    }
    turn->n_known++;
    submission->turn = turn;
    return 0;
}

void line_forget(struct submission *submission)
{
    struct submissions *all = submission->all;
    struct turn *turn = TAKE_PTR(submission->turn);

    if (turn == NULL || --turn->n_known > 0)
        return;
    (void)tdelete(turn, &all->turns_by_caller, compare);
    TAILQ_REMOVE(&all->turns, turn, entry);
    free(turn);
}

void line_add(struct submission *submission, bool first)
{
    struct turn *turn = submission->turn;

    if (first)
        TAILQ_INSERT_HEAD(&turn->waiting, submission, entry);
    else
        TAILQ_INSERT_TAIL(&turn->waiting, submission, entry);
    turn->n_waiting++;
    submission->all->n_line++;
}

void line_remove(struct submission *submission)
{
    TAILQ_REMOVE(&submission->turn->waiting, submission, entry);
    submission->turn->n_waiting--;
    submission->all->n_line--;
}

/* Of its turn, and of what its caller may have. */
static bool may_go(const struct submissions *all, const struct turn *turn)
{
    const struct submission *first = TAILQ_FIRST(&turn->waiting);
    const size_t places = first == NULL ? 0 : first->caller.max_running;

    /* One that follows at once for each place, as for all of them together. */
    return first != NULL && (places == 0 || turn->n_active < places * 2 || all->n_active == 0);
}

struct submission *line_next(struct submissions *all)
{
    struct turn *turn;

    TAILQ_FOREACH(turn, &all->turns, entry)
    {
        struct submission *next = TAILQ_FIRST(&turn->waiting);

        if (!may_go(all, turn))
            continue;
        if (++turn->n_taken >= next->caller.weight) { /* the others' turn */
            turn->n_taken = 0;
            TAILQ_REMOVE(&all->turns, turn, entry);
            TAILQ_INSERT_TAIL(&all->turns, turn, entry);
        }
        return next;
    }
    return NULL;
}

size_t line_position(const struct submission *submission)
{
    const struct submissions *all = submission->all;
    const struct submission *one;
    const struct turn *turn;
    size_t own = 0, n = 0;
    bool before = true; /* whose turn comes before this one's */

    TAILQ_FOREACH(one, &submission->turn->waiting, entry)
    {
        if (one == submission)
            break;
        own++;
    }
    TAILQ_FOREACH(turn, &all->turns, entry)
    {
        const size_t theirs = own + (before && turn != submission->turn ? 1 : 0);

        before = before && turn != submission->turn;
        n += turn == submission->turn ? own : theirs < turn->n_waiting ? theirs : turn->n_waiting;
    }
    return n;
}
