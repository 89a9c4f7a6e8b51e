/*
 * judging_case: one case, from its turn to its outcome.
 *
 *   WAITS ── run ──▶ RUNS ──▶ COMPARES ──────────────▶ OVER        (short texts are compared at once)
 *                     │└────▶ TO_CHECK ── check ──▶ CHECKS ──▶ OVER
 *                     └──────────── failed, or not wanted any more ──▶ OVER
 */
#include <errno.h>

#include "api/judging_internal.h"
#include "base/log.h"
#include "base/utf8.h"

enum { COMPARED_AT_ONCE_BYTES = 64 << 10 }; /* both texts: some 50 us of the loop's time */

#define INPUT_FILE    "case/input.txt"
#define OUTPUT_FILE   "case/output.txt"
#define ANSWER_FILE   "case/answer.txt"
#define FEEDBACK_DIR  "case/feedback/"
#define FEEDBACK_FILE FEEDBACK_DIR "judgemessage.txt"

static const struct judging_case *case_of(const struct judging_state *state)
{
    return &state->judging->request.cases[state->i];
}

static struct slice slice_of(const struct buf *buf)
{
    return (struct slice){.at = buf_text(buf), .len = buf->len};
}

/* --- Outcomes -------------------------------------------------------------------------------- */

int judging_keep_text(struct buf *to, const struct buf *text, size_t len_max, bool *cut)
{
    size_t len = text->len;

    if (len > len_max) {
        len = len_max;
        for (size_t back = 0; back < 3 && len > 0 && ((unsigned char)text->at[len] & 0xc0) == 0x80; back++)
            len--;
        *cut = true;
    }
    buf_done(to);
    buf_init(to, len + 1);
    return buf_add(to, text->at, len);
}

static bool returns_output(const struct judging_state *state)
{
    enum judging_return which = state->judging->request.return_output;

    return which == JUDGING_RETURN_ALL || (which == JUDGING_RETURN_FAILED && state->outcome.verdict != JUDGE_ACCEPTED);
}

static void drop_output(struct judging_outcome *outcome)
{
    for (size_t i = 0; i < 2; i++)
        buf_done(&outcome->run.out[i]);
}

void judging_case_reset(struct judging_state *state)
{
    drop_output(&state->outcome);
    buf_done(&state->outcome.feedback);
    state->outcome = (struct judging_outcome){.verdict = JUDGE_SKIPPED};
}

void judging_case_end(struct judging_state *state, enum judge_verdict verdict, const char *why)
{
    struct judging_outcome *outcome = &state->outcome;

    outcome->verdict = verdict;
    if (verdict == JUDGE_ACCEPTED)
        outcome->score = case_of(state)->weight;
    if (*why != '\0')
        (void)snprintf(outcome->message, sizeof outcome->message, "%s", why);
    if (!returns_output(state))
        drop_output(outcome);
    if (state->unwanted)
        judging_case_reset(state);
    job_free(TAKE_PTR(state->check));
    judging_case_over(state);
}

static void end_out_of_memory(struct judging_state *state)
{
    judging_case_end(state, JUDGE_INTERNAL_ERROR, "the server is out of memory");
}

/* The run stage without its output; of that as much as may be returned. */
int judging_take_stage(struct judging_state *state, const struct result *result)
{
    struct judging_outcome *outcome = &state->outcome;
    const struct stage_result *run = &result->stages[STAGE_RUN];
    const size_t max = state->judging->output_bytes_max;
    int r = 0;

    outcome->run = *run;
    for (size_t i = 0; i < 2; i++) {
        buf_init(&outcome->run.out[i], 1);
        if (r == 0 && max > 0)
            r = judging_keep_text(&outcome->run.out[i], &run->out[i], max, &outcome->run.truncated[i]);
    }
    (void)snprintf(outcome->message, sizeof outcome->message, "%s", result->message);
    return r;
}

/* --- Comparing ------------------------------------------------------------------------------- */

struct comparing {
    uv_work_t work;
    struct judging_state *state;         /* borrowed; the judging waits for it */
    const struct comparator *comparator; /* borrowed */
    struct slice expected;               /* borrowed */
    struct buf actual;                   /* owned */
    struct difference difference;
    int r;
};

static void end_compared(struct judging_state *state, int r, const struct difference *difference)
{
    if (r < 0) {
        end_out_of_memory(state);
        return;
    }
    state->outcome.differs = r == COMPARE_E_DIFFERENT;
    if (state->outcome.differs)
        state->outcome.difference = *difference;
    judging_case_end(state, r == 0 ? JUDGE_ACCEPTED : JUDGE_WRONG_ANSWER, "");
}

static void compare_in_thread(uv_work_t *work)
{
    struct comparing *comparing = work->data;

    comparing->r = compare(&comparing->difference, comparing->comparator, comparing->expected,
                           slice_of(&comparing->actual));
}

static void on_compared(uv_work_t *work, int status)
{
    struct comparing *comparing = work->data;
    struct judging *judging = comparing->state->judging;

    judging->n_pending--;
    end_compared(comparing->state, status < 0 ? -ENOMEM : comparing->r, &comparing->difference);
    buf_done(&comparing->actual);
    free(comparing);
    judging_go_on(judging);
}

static int start_thread(struct judging_state *state, struct slice expected, const struct buf *actual)
{
    struct judging *judging = state->judging;
    struct comparing *comparing = calloc(1, sizeof *comparing);

    if (comparing == NULL)
        return -ENOMEM;
    *comparing = (struct comparing){.work = {.data = comparing},
                                    .state = state,
                                    .comparator = &judging->request.comparator,
                                    .expected = expected};
    buf_init(&comparing->actual, actual->len + 1);
    if (buf_add(&comparing->actual, actual->at, actual->len) < 0 ||
        uv_queue_work(judging->api->loop, &comparing->work, compare_in_thread, on_compared) < 0) {
        buf_done(&comparing->actual);
        free(comparing);
        return -ENOMEM;
    }
    judging->n_pending++;
    return 0;
}

static void compare_output(struct judging_state *state, const struct buf *actual)
{
    const struct slice expected = slice_of(&case_of(state)->expected);
    struct difference difference;

    state->step = CASE_COMPARES;
    if (expected.len + actual->len <= COMPARED_AT_ONCE_BYTES)
        end_compared(state, compare(&difference, &state->judging->request.comparator, expected, slice_of(actual)),
                     &difference);
    else if (start_thread(state, expected, actual) < 0)
        end_out_of_memory(state);
}

/* --- Checking -------------------------------------------------------------------------------- */

/* Puts these before the arguments that the job has. */
static int add_first_args(struct job *job, const char *const *first, size_t n_first, struct err *err)
{
    char **args = job->args;
    size_t n = job->n_args;
    int r = 0;

    job->args = NULL;
    job->n_args = 0;
    for (size_t i = 0; i < n_first && r == 0; i++)
        r = job_add_arg(job, slice_from(first[i]), err);
    for (size_t i = 0; i < n; i++) {
        if (r == 0)
            r = job_add_arg(job, slice_from(args[i]), err);
        free(args[i]);
    }
    free((void *)args);
    return r;
}

static int add_file(struct job *job, const char *name, struct slice content, struct err *err)
{
    return job_add_file(job, name, content.at, content.len, err);
}

static int set_stdin(struct job *job, const struct buf *input, struct err *err)
{
    char *copy = malloc(input->len + 1);

    if (copy == NULL)
        return err_set(err, -ENOMEM, "its input");
    if (input->len > 0)
        memcpy(copy, input->at, input->len);
    free(job->stdin_data);
    job->stdin_data = copy;
    job->stdin_len = input->len;
    return 0;
}

static int add_case_icpc(struct job *job, const struct buf *output, struct err *err)
{
    static const char *const args[] = {INPUT_FILE, ANSWER_FILE, FEEDBACK_DIR};
    int r = add_first_args(job, args, COUNT_OF(args), err);

    if (r == 0) /* so that the folder is there: what is written into it goes with the box */
        r = add_file(job, FEEDBACK_FILE, slice_from(""), err);
    return r < 0 || output == NULL ? r : set_stdin(job, output, err);
}

/* An interactor makes the output file itself, where it likes to. */
static int add_case_testlib(struct job *job, const struct buf *output, struct err *err)
{
    static const char *const args[] = {INPUT_FILE, OUTPUT_FILE, ANSWER_FILE};
    int r = add_first_args(job, args, COUNT_OF(args), err);

    return r < 0 || output == NULL ? r : add_file(job, OUTPUT_FILE, slice_of(output), err);
}

int judging_make_check(struct job **ret, const struct judging_state *state, enum judging_role role,
                       const struct buf *output, struct err *err)
{
    const struct judging *judging = state->judging;
    const struct judging_case *which = case_of(state);
    CLEANUP(job_freep) struct job *job = judging_job(judging, role);
    int r;

    if (job == NULL)
        return err_set(err, -ENOMEM, "the server is out of memory");
    r = judging->request.protocol == JUDGE_ICPC ? add_case_icpc(job, output, err)
                                                : add_case_testlib(job, output, err);
    if (r == 0)
        r = add_file(job, INPUT_FILE, slice_of(&which->input), err);
    if (r == 0)
        r = add_file(job, ANSWER_FILE, slice_of(&which->expected), err);
    if (r == 0)
        *ret = TAKE_PTR(job);
    return r;
}

static void prepare_check(struct judging_state *state, const struct buf *output)
{
    struct err err = {0};
    char why[200];

    if (judging_make_check(&state->check, state, JUDGING_CHECKER, output, &err) < 0) {
        (void)snprintf(why, sizeof why, "the checker can't be given this case: %.150s", err.msg);
        judging_case_end(state, JUDGE_CHECKER_ERROR, why);
        return;
    }
    state->step = CASE_TO_CHECK;
    state->judging->n_to_check++;
}

int judging_take_feedback(struct judging_outcome *outcome, const struct stage_result *run)
{
    const struct buf *said = &run->out[run->out[1].len > 0 ? 1 : 0];
    bool cut = false;

    outcome->has_feedback = true;
    return judging_keep_text(&outcome->feedback, said, JUDGING_FEEDBACK_BYTES, &cut);
}

void judging_explain(struct judging_outcome *outcome, enum judging_role role, enum status status, int exit_code,
                     const char *message)
{
    const char *who = judging_roles[role];

    if (*message != '\0')
        (void)snprintf(outcome->message, sizeof outcome->message, "the %s: %.180s", who, message);
    else if (status == STATUS_RUNTIME_ERROR && exit_code == 3)
        (void)snprintf(outcome->message, sizeof outcome->message, "the %s says that it has failed", who);
    else
        (void)snprintf(outcome->message, sizeof outcome->message, "the %s exited with %d, which means nothing", who,
                       exit_code);
}

/* Full points are an accepted answer. */
enum judge_verdict judging_take_points(struct judging_state *state, enum judging_role role)
{
    struct judging_outcome *outcome = &state->outcome;
    const double weight = case_of(state)->weight;
    double points;

    if (!judge_read_points(&points, slice_of(&outcome->feedback))) {
        (void)snprintf(outcome->message, sizeof outcome->message,
                       "the %s exited with 7, and its message does not begin with points", judging_roles[role]);
        return JUDGE_CHECKER_ERROR;
    }
    outcome->score = points < 0 ? 0 : points > weight ? weight : points;
    return points >= weight ? JUDGE_ACCEPTED : JUDGE_PARTIAL;
}

static void end_checked(struct judging_state *state, const struct result *result)
{
    const struct stage_result *run = &result->stages[STAGE_RUN];
    const struct judge_end end = {result->status, run->exit_code, run->signal};
    struct judging_outcome *outcome = &state->outcome;
    enum judge_verdict verdict = judge_of_checker(state->judging->request.protocol, &end);

    if (judging_take_feedback(outcome, run) < 0) {
        end_out_of_memory(state);
        return;
    }
    if (verdict == JUDGE_CHECKER_ERROR)
        judging_explain(outcome, JUDGING_CHECKER, result->status, run->exit_code, result->message);
    if (verdict == JUDGE_PARTIAL)
        verdict = judging_take_points(state, JUDGING_CHECKER);
    judging_case_end(state, verdict, verdict == JUDGE_INTERNAL_ERROR ? result->message : "");
}

static void on_checked(void *arg, const struct result *result)
{
    struct judging_state *state = arg;
    struct judging *judging = state->judging;

    state->run = NULL;
    judging->n_pending--;
    end_checked(state, result);
    judging_go_on(judging);
}

int judging_case_check(struct judging_state *state, struct fault *fault)
{
    static const struct run_events events = {.on_result = on_checked};
    int r = judging_admit(state->judging, &state->run, state->check, &events, state, fault);

    if (r == JUDGING_E_LATER)
        return r;
    state->judging->n_to_check--;
    if (r < 0)
        return r;
    (void)TAKE_PTR(state->check);
    state->step = CASE_CHECKS;
    return 0;
}

/* --- Running --------------------------------------------------------------------------------- */

static void end_run(struct judging_state *state, const struct result *result)
{
    const struct buf *output = &result->stages[STAGE_RUN].out[0];
    enum judge_verdict verdict = judge_of_status(result->status);

    if (judging_take_stage(state, result) < 0)
        end_out_of_memory(state);
    else if (verdict != JUDGE_ACCEPTED || state->unwanted || state->judging->freed)
        judging_case_end(state, verdict, "");
    else if (state->judging->request.parts[JUDGING_CHECKER] != NULL)
        prepare_check(state, output);
    else
        compare_output(state, output);
}

static void on_run(void *arg, const struct result *result)
{
    struct judging_state *state = arg;
    struct judging *judging = state->judging;

    state->run = NULL;
    judging->n_pending--;
    end_run(state, result);
    judging_go_on(judging);
}

int judging_make_run(struct job **ret, const struct judging_state *state, bool input, struct err *err)
{
    const struct judging_case *which = case_of(state);
    CLEANUP(job_freep) struct job *job = judging_job(state->judging, JUDGING_PROGRAM);
    int r;

    if (job == NULL)
        return err_set(err, -ENOMEM, "the server is out of memory");
    r = input ? set_stdin(job, &which->input, err) : 0;
    for (size_t i = 0; which->args != NULL && i < which->args->n_args && r == 0; i++)
        r = job_add_arg(job, slice_from(which->args->args[i]), err);
    if (r == 0)
        *ret = TAKE_PTR(job);
    return r;
}

int judging_case_run(struct judging_state *state, struct fault *fault)
{
    static const struct run_events events = {.on_result = on_run};
    CLEANUP(job_freep) struct job *job = NULL;
    struct err err = {0};
    int r = judging_make_run(&job, state, true, &err);

    if (r < 0)
        return fault_set(fault, 503, NULL, "%s", err.msg);
    r = judging_admit(state->judging, &state->run, job, &events, state, fault);
    if (r != 0)
        return r;
    (void)TAKE_PTR(job);
    state->step = CASE_RUNS;
    return 0;
}
