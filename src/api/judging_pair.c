/*
 * judging_pair: one case of an interactive problem: program and interactor at the same time, each one's output being
 * the other one's input.
 *
 *   WAITS ── both ──▶ RUNS ── one has ended ──▶ RUNS ── the other one too ──▶ OVER
 *
 * An interactor that has decided against the program ends it; one whose program has ended has its time to decide.
 */
#include <errno.h>

#include "api/judging_internal.h"

struct judging_pair {
    struct judge_end program, interactor;
    uint64_t program_us, interactor_us; /* when they ended; 0: not yet */
    char message[200];                  /* of the interactor's end */
};

void judging_pair_free(struct judging_pair *pair)
{
    free(pair);
}

static bool interactor_first(const struct judging_pair *pair)
{
    return pair->interactor_us < pair->program_us;
}

static struct judge_end end_of(const struct result *result, int r)
{
    const struct stage_result *run = &result->stages[STAGE_RUN];

    return (struct judge_end){r < 0 ? STATUS_INTERNAL_ERROR : result->status, run->exit_code, run->signal};
}

/* Both have ended. */
static void decide(struct judging_state *state)
{
    const struct judging_pair *pair = state->pair;
    struct judging_outcome *outcome = &state->outcome;
    const enum judge_protocol protocol = state->judging->request.protocol;
    enum judge_verdict verdict =
        judge_of_interaction(protocol, &pair->program, &pair->interactor, interactor_first(pair));
    const char *why = "";

    if (verdict == JUDGE_CHECKER_ERROR)
        judging_explain(outcome, JUDGING_INTERACTOR, pair->interactor.status, pair->interactor.exit_code,
                        pair->message);
    else if (verdict == JUDGE_TIME_LIMIT && judge_of_status(pair->program.status) != JUDGE_TIME_LIMIT)
        why = "the interactor waited for the program until its own time was up";
    else if (verdict == JUDGE_INTERNAL_ERROR && pair->interactor.status == STATUS_INTERNAL_ERROR)
        why = pair->message;
    else if (judge_of_status(pair->program.status) != verdict)
        outcome->message[0] = '\0'; /* how the program ended is not what decided */
    if (verdict == JUDGE_PARTIAL)
        verdict = judging_take_points(state, JUDGING_INTERACTOR);
    judging_case_end(state, verdict, why);
}

static void on_end(struct judging_state *state, int r)
{
    struct judging *judging = state->judging;
    const struct judging_pair *pair = state->pair;

    judging->n_pending--;
    if (r < 0)
        (void)snprintf(state->outcome.message, sizeof state->outcome.message, "the server is out of memory");
    if (pair->program_us != 0 && pair->interactor_us != 0)
        decide(state);
    judging_go_on(judging);
}

static void on_program(void *arg, const struct result *result)
{
    struct judging_state *state = arg;
    int r = judging_take_stage(state, result);

    state->run = NULL;
    state->pair->program = end_of(result, r);
    state->pair->program_us = result->ended_us;
    on_end(state, r);
}

static void on_interactor(void *arg, const struct result *result)
{
    struct judging_state *state = arg;
    struct judging_pair *pair = state->pair;
    int r = judging_take_feedback(&state->outcome, &result->stages[STAGE_RUN]);
    enum judge_verdict says;

    state->interactor = NULL;
    pair->interactor = end_of(result, r);
    pair->interactor_us = result->ended_us;
    (void)snprintf(pair->message, sizeof pair->message, "%s", result->message);
    says = judge_of_checker(state->judging->request.protocol, &pair->interactor);
    if (state->run != NULL && says != JUDGE_ACCEPTED && says != JUDGE_PARTIAL)
        run_cancel(state->run);
    on_end(state, r);
}

static int start(struct judging_state *state, struct job *const jobs[2], struct fault *fault)
{
    static const struct run_events program = {.on_result = on_program}, interactor = {.on_result = on_interactor};
    static const struct run_events *const events[] = {&program, &interactor};
    struct run *runs[2];
    int r;

    if (state->pair == NULL)
        state->pair = calloc(1, sizeof *state->pair);
    if (state->pair == NULL)
        return fault_set(fault, 503, NULL, "the server is out of memory");
    r = judging_admit_pair(state->judging, runs, jobs, events, state, fault);
    if (r != 0)
        return r;
    state->run = runs[0];
    state->interactor = runs[1];
    state->step = CASE_RUNS;
    return 0;
}

int judging_pair_run(struct judging_state *state, struct fault *fault)
{
    struct job *jobs[2] = {NULL, NULL};
    struct err err = {0};
    int r = judging_make_run(&jobs[0], state, false, &err);

    if (r == 0)
        r = judging_make_check(&jobs[1], state, JUDGING_INTERACTOR, NULL, &err);
    r = r < 0 ? fault_set(fault, 500, NULL, "%s", err.msg) : start(state, jobs, fault);
    if (r != 0) {
        job_free(jobs[0]);
        job_free(jobs[1]);
    }
    return r;
}
