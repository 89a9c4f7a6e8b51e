#include "api/judging_internal.h"

#include <errno.h>
#include <fcntl.h>

#include "api/admit.h"
#include "base/clock.h"
#include "base/log.h"

enum {
    RETRY_MS = 50,         /* after the engine was full and nothing of ours was under way */
    PATIENCE_MS = 60000,   /* so long it may be full for us */
    INTERACTOR_MORE_MS = 2000,
};

const char *const judging_roles[JUDGING_N_ROLES] = {
    [JUDGING_PROGRAM] = "program", [JUDGING_CHECKER] = "checker", [JUDGING_INTERACTOR] = "interactor"};

/* --- Making and freeing ---------------------------------------------------------------------- */

void judging_request_done(struct judging_request *request)
{
    for (size_t i = 0; i < JUDGING_N_ROLES; i++)
        job_free(request->parts[i]);
    for (size_t i = 0; i < request->n_cases; i++) {
        free(request->cases[i].name);
        buf_done(&request->cases[i].input);
        buf_done(&request->cases[i].expected);
        job_free(request->cases[i].args);
    }
    free(request->cases);
    *request = (struct judging_request){0};
}

static void stage_done(struct stage_result *stage)
{
    for (size_t i = 0; i < 2; i++)
        buf_done(&stage->out[i]);
}

static void part_done(struct judging_part *part)
{
    stage_done(&part->compile);
    closep(&part->compiled.fd);
}

static void destroy(struct judging *judging)
{
    for (size_t i = 0; judging->cases != NULL && i < judging->request.n_cases; i++) {
        stage_done(&judging->cases[i].outcome.run);
        buf_done(&judging->cases[i].outcome.feedback);
        job_free(judging->cases[i].check);
        judging_pair_free(judging->cases[i].pair);
    }
    free(judging->cases);
    for (size_t i = 0; i < JUDGING_N_ROLES; i++)
        part_done(&judging->parts[i]);
    judging_request_done(&judging->request);
    free(judging);
}

static void on_closed(uv_handle_t *handle)
{
    destroy(handle->data);
}

static void cancel(struct judging_state *state)
{
    if (state->run != NULL)
        run_cancel(state->run);
    if (state->interactor != NULL)
        run_cancel(state->interactor);
}

static void cancel_compilers(struct judging *judging)
{
    for (size_t i = 0; i < JUDGING_N_ROLES; i++)
        if (judging->parts[i].run != NULL)
            run_cancel(judging->parts[i].run);
}

void judging_free(struct judging *judging)
{
    if (judging == NULL || judging->freed)
        return;
    judging->freed = judging->stopping = true;
    cancel_compilers(judging);
    for (size_t i = 0; i < judging->next; i++)
        cancel(&judging->cases[i]);
    judging_go_on(judging);
}

/* --- Into the engine ------------------------------------------------------------------------- */

static void on_retry(uv_timer_t *timer)
{
    judging_go_on(timer->data);
}

/* It was not taken. */
static int refused(struct judging *judging, const struct fault *fault)
{
    const uint64_t now = now_us() / 1000;

    if ((fault->status != 503 && fault->status != 429) || api_not_ready(judging->api) != NULL)
        return -1;
    if (judging->refused_ms == 0)
        judging->refused_ms = now;
    if (now - judging->refused_ms > PATIENCE_MS)
        return -1;
    /* What is under way calls again when it ends. */
    if (judging->n_pending == 0)
        (void)uv_timer_start(&judging->retry, on_retry, RETRY_MS, 0);
    return JUDGING_E_LATER;
}

int judging_admit(struct judging *judging, struct run **ret, struct job *job, const struct run_events *events,
                  void *arg, struct fault *fault)
{
    if (admit(ret, judging->api, &judging->caller, job, events, arg, fault) < 0)
        return refused(judging, fault);
    judging->n_pending++;
    judging->refused_ms = 0;
    return 0;
}

int judging_admit_pair(struct judging *judging, struct run *ret[2], struct job *const jobs[2],
                       const struct run_events *const events[2], void *arg, struct fault *fault)
{
    if (admit_pair(ret, judging->api, &judging->caller, jobs, events, arg, fault) < 0)
        return refused(judging, fault);
    judging->n_pending += 2;
    judging->refused_ms = 0;
    return 0;
}

/* --- Compiling ------------------------------------------------------------------------------- */

static void part_broken(struct judging_part *part, enum status status, const char *why)
{
    part->step = JUDGING_BROKEN;
    part->status = status;
    (void)snprintf(part->message, sizeof part->message, "%s", why);
}

static int part_take(struct judging_part *part, const struct result *result)
{
    const struct stage_result *stage = &result->stages[STAGE_COMPILE];
    bool cut = false;
    int r = 0;

    part->compile = *stage;
    for (size_t i = 0; i < 2; i++) {
        buf_init(&part->compile.out[i], 1);
        if (r == 0)
            r = judging_keep_text(&part->compile.out[i], &stage->out[i], stage->out[i].len, &cut);
    }
    if (r < 0 || result->compiled.bytes == 0)
        return r;
    part->compiled.fd = fcntl(result->compiled.fd, F_DUPFD_CLOEXEC, 0);
    part->compiled.bytes = result->compiled.bytes;
    return part->compiled.fd < 0 ? -errno : 0;
}

static void on_compiled(void *arg, const struct result *result)
{
    struct judging_part *part = arg;
    struct judging *judging = part->judging;

    part->run = NULL;
    judging->n_pending--;
    if (result->status == STATUS_CANCELLED && judging->stopping)
        part->step = JUDGING_TO_COMPILE; /* because another part is broken: this one is not */
    else if (part_take(part, result) < 0)
        part_broken(part, STATUS_INTERNAL_ERROR, "the server is out of memory or descriptors");
    else if (result->status != STATUS_OK)
        part_broken(part, result->status, result->message);
    else
        part->step = JUDGING_READY;
    judging_go_on(judging);
}

/* As judging_admit(). */
static int part_compile(struct judging_part *part, struct fault *fault)
{
    static const struct run_events events = {.on_result = on_compiled};
    CLEANUP(job_freep) struct job *job = job_copy(part->job);
    int r;

    if (job == NULL)
        return fault_set(fault, 503, NULL, "the server is out of memory");
    job->compile_only = true;
    r = judging_admit(part->judging, &part->run, job, &events, part, fault);
    if (r != 0)
        return r;
    (void)TAKE_PTR(job);
    part->step = JUDGING_COMPILING;
    return 0;
}

struct job *judging_job(const struct judging *judging, enum judging_role role)
{
    const struct judging_part *part = &judging->parts[role];
    struct job *job = job_copy(part->job);

    if (job != NULL && part->compile.ran)
        job->compiled = &part->compiled;
    return job;
}

/* --- Going on -------------------------------------------------------------------------------- */

static void skip_from(struct judging *judging, size_t first, enum judge_verdict verdict, const char *why)
{
    size_t from = first > judging->next ? first : judging->next;

    for (size_t i = from; i < judging->request.n_cases; i++)
        if (judging->cases[i].step == CASE_WAITS) {
            judging->n_under_way++; /* as if it had had its turn */
            judging_case_end(&judging->cases[i], verdict, why);
        }
}

/* The first failure: nothing of the later cases counts any more. None of those has been told of. */
static void stop_after(struct judging *judging, size_t failed)
{
    for (size_t i = failed + 1; i < judging->request.n_cases; i++) {
        judging->cases[i].unwanted = true;
        cancel(&judging->cases[i]);
        if (judging->cases[i].step == CASE_OVER)
            judging_case_reset(&judging->cases[i]);
    }
    for (size_t i = failed + 1; i < judging->next; i++)
        if (judging->cases[i].step == CASE_TO_CHECK) {
            judging->n_to_check--;
            judging_case_end(&judging->cases[i], JUDGE_SKIPPED, "");
        }
    skip_from(judging, failed + 1, JUDGE_SKIPPED, "");
}

static void tell(struct judging *judging, size_t i)
{
    if (judging->events.on_case != NULL && !judging->freed)
        judging->events.on_case(judging->arg, i);
}

static bool fails(const struct judging_state *state)
{
    const enum judge_verdict verdict = state->outcome.verdict;

    return verdict != JUDGE_ACCEPTED && verdict != JUDGE_SKIPPED;
}

void judging_case_over(struct judging_state *state)
{
    struct judging *judging = state->judging;
    const bool in_order = judging->request.stop_on_first_failure;

    state->step = CASE_OVER;
    judging->n_over++;
    judging->n_under_way--;
    if (in_order && fails(state) && !state->unwanted)
        stop_after(judging, state->i);
    if (!in_order)
        tell(judging, state->i);
    for (; in_order && judging->told < judging->request.n_cases && judging->cases[judging->told].step == CASE_OVER;)
        tell(judging, judging->told++);
}

/* What can't be started now is not started later either. */
static void case_refused(struct judging_state *state, const struct fault *fault)
{
    const bool stopping = api_not_ready(state->judging->api) != NULL;

    if (!stopping)
        log_warn("a case of a judge could not be run: %s", fault->detail);
    judging_case_end(state, stopping ? JUDGE_CANCELLED : JUDGE_INTERNAL_ERROR, fault->detail);
}

/* Checks before runs: they hold outputs in memory. */
static void start_checks(struct judging *judging)
{
    for (size_t i = 0; i < judging->next && judging->n_to_check > 0; i++) {
        struct judging_state *state = &judging->cases[i];
        struct fault fault = {0};
        int r;

        if (state->step != CASE_TO_CHECK)
            continue;
        r = judging_case_check(state, &fault);
        if (r == JUDGING_E_LATER)
            return;
        if (r < 0)
            case_refused(state, &fault);
    }
}

static int run_case(struct judging_state *state, struct fault *fault)
{
    return state->judging->request.parts[JUDGING_INTERACTOR] != NULL ? judging_pair_run(state, fault)
                                                                    : judging_case_run(state, fault);
}

/* 0, or as judging_admit() where the first one is not taken. */
static int start_cases(struct judging *judging, struct fault *fault)
{
    while (judging->n_under_way < judging->window && judging->next < judging->request.n_cases) {
        struct judging_state *state = &judging->cases[judging->next];
        int r = state->step == CASE_WAITS ? run_case(state, fault) : 0;

        if (r == JUDGING_E_LATER || (r < 0 && !judging->started))
            return r;
        judging->next++;
        if (state->step == CASE_OVER)
            continue; /* skipped meanwhile */
        judging->n_under_way++;
        if (r < 0)
            case_refused(state, fault);
    }
    return 0;
}

static void end_without_cases(struct judging *judging)
{
    judging->stopping = true;
    cancel_compilers(judging);
    skip_from(judging, 0, JUDGE_SKIPPED, "");
}

/* True: all that is to be compiled is. */
static bool compile_parts(struct judging *judging)
{
    bool ready = true;

    for (size_t i = 0; i < JUDGING_N_ROLES; i++) {
        struct judging_part *part = &judging->parts[i];
        struct fault fault = {0};

        if (part->step == JUDGING_TO_COMPILE && part_compile(part, &fault) < 0)
            part_broken(part, api_not_ready(judging->api) != NULL ? STATUS_CANCELLED : STATUS_INTERNAL_ERROR,
                        fault.detail);
        ready = ready && part->step == JUDGING_READY;
        if (part->step == JUDGING_BROKEN) {
            end_without_cases(judging);
            return false;
        }
    }
    return ready;
}

static void advance(struct judging *judging)
{
    struct fault fault = {0};

    if (!compile_parts(judging))
        return;
    start_checks(judging);
    (void)start_cases(judging, &fault);
}

void judging_go_on(struct judging *judging)
{
    if (!judging->stopping)
        advance(judging);
    if (judging->n_pending > 0)
        return;
    if (judging->freed) {
        if (!uv_is_closing((uv_handle_t *)&judging->retry))
            uv_close((uv_handle_t *)&judging->retry, on_closed);
    } else if (!judging->done && judging->n_over == judging->request.n_cases) {
        judging->done = judging->stopping = true;
        judging->events.on_done(judging->arg);
    }
}

/* --- Starting -------------------------------------------------------------------------------- */

/* It has longer than the program that it waits for, where nothing else is said. */
static void give_time(struct job *interactor, const struct job *program)
{
    uint64_t *wall_time_ms = &interactor->limits[STAGE_RUN].wall_time_ms;

    if (*wall_time_ms == 0)
        *wall_time_ms = program->limits[STAGE_RUN].wall_time_ms + INTERACTOR_MORE_MS; /* or as much as there is */
}

static int part_init(struct judging *judging, enum judging_role role, struct fault *fault)
{
    struct judging_part *part = &judging->parts[role];
    char prefix[32] = "";

    part->step = JUDGING_READY;
    part->judging = judging;
    part->job = judging->request.parts[role];
    if (part->job == NULL)
        return 0;
    if (role == JUDGING_INTERACTOR)
        give_time(part->job, judging->request.parts[JUDGING_PROGRAM]);
    if (role != JUDGING_PROGRAM)
        (void)snprintf(prefix, sizeof prefix, "%s.", judging_roles[role]);
    if (admit_check(judging->api, part->job, prefix, fault) < 0)
        return -1;
    part->language = languages_find(&judging->api->languages, part->job->language);
    if (part->language->stages[STAGE_COMPILE].present)
        part->step = JUDGING_TO_COMPILE;
    return 0;
}

static size_t output_part(const struct judging_request *request)
{
    size_t bytes = JUDGING_OUTPUT_BYTES / request->n_cases;

    if (request->return_output == JUDGING_RETURN_NONE)
        return 0;
    return bytes > JUDGING_OUTPUT_LEAST ? bytes : JUDGING_OUTPUT_LEAST;
}

static int init(struct judging *judging, struct fault *fault)
{
    struct judging_request *request = &judging->request;
    struct engine_figures figures;

    engine_read_figures(&figures, judging->api->engine);
    judging->window = figures.max_running;
    if (request->parts[JUDGING_INTERACTOR] != NULL)
        judging->window = figures.max_running / 2;
    if (judging->window == 0)
        return fault_set(fault, 422, "interactor",
                         "this server runs one program at a time, and an interactor needs two");
    judging->output_bytes_max = output_part(request);
    judging->cases = calloc(request->n_cases, sizeof *judging->cases);
    if (judging->cases == NULL)
        return fault_set(fault, 503, NULL, "the server is out of memory");
    for (size_t i = 0; i < request->n_cases; i++)
        judging->cases[i] = (struct judging_state){.judging = judging, .i = i, .outcome = {.verdict = JUDGE_SKIPPED}};
    for (enum judging_role role = 0; role < JUDGING_N_ROLES; role++)
        if (part_init(judging, role, fault) < 0)
            return -1;
    return 0;
}

/* What must be taken now, or all is refused. As judging_admit(). */
static int start_first(struct judging *judging, struct fault *fault)
{
    int r;

    for (size_t i = 0; i < JUDGING_N_ROLES; i++)
        if (judging->parts[i].step == JUDGING_TO_COMPILE)
            return part_compile(&judging->parts[i], fault);
    r = start_cases(judging, fault);
    return judging->n_pending > 0 ? 0 : r; /* one case is enough */
}

int judging_start(struct judging **ret, struct api *api, const struct caller *caller, struct judging_request *request,
                  const struct judging_events *events, void *arg, struct fault *fault)
{
    struct judging *judging;

    if (api_not_ready(api) != NULL)
        return fault_set(fault, 503, NULL, "%s", api_not_ready(api));
    judging = calloc(1, sizeof *judging);
    if (judging == NULL)
        return fault_set(fault, 503, NULL, "the server is out of memory");
    *judging = (struct judging){.api = api,
                                .caller = *caller,
                                .request = *request,
                                .events = *events,
                                .arg = arg};
    for (size_t i = 0; i < JUDGING_N_ROLES; i++)
        judging->parts[i].compiled.fd = -1;
    (void)uv_timer_init(api->loop, &judging->retry); /* always 0 */
    judging->retry.data = judging;
    if (init(judging, fault) < 0 || start_first(judging, fault) != 0) {
        judging->request = (struct judging_request){0}; /* the caller's still */
        free(TAKE_PTR(judging->cases));
        judging_free(judging);
        return -1;
    }
    *request = (struct judging_request){0};
    judging->started = true;
    /* The rest of what can be started, but not from here: no event may come before we have returned. */
    (void)uv_timer_start(&judging->retry, on_retry, 0, 0);
    *ret = judging;
    return 0;
}

/* --- What came of it ------------------------------------------------------------------------- */

const struct judging_request *judging_request_of(const struct judging *judging)
{
    return &judging->request;
}

const struct judging_outcome *judging_outcome(const struct judging *judging, size_t i)
{
    return &judging->cases[i].outcome;
}

const struct judging_part *judging_part(const struct judging *judging, enum judging_role role)
{
    return &judging->parts[role];
}

static bool is_ours(enum judge_verdict verdict)
{
    return verdict == JUDGE_INTERNAL_ERROR || verdict == JUDGE_CANCELLED;
}

/* Of two that stand in this order: ours before all, then the first that failed, then points. */
static enum judge_verdict worse(enum judge_verdict so_far, enum judge_verdict next)
{
    if (is_ours(so_far) || next == JUDGE_ACCEPTED || next == JUDGE_SKIPPED)
        return so_far;
    if (is_ours(next) || so_far == JUDGE_ACCEPTED || (so_far == JUDGE_PARTIAL && next != JUDGE_PARTIAL))
        return next;
    return so_far;
}

static void sum_up_case(struct judging_total *total, const struct judging_outcome *outcome)
{
    const struct stage_result *run = &outcome->run;

    if (worse(total->verdict, outcome->verdict) != total->verdict)
        (void)snprintf(total->message, sizeof total->message, "%s", outcome->message);
    total->verdict = worse(total->verdict, outcome->verdict);
    total->n_passed += outcome->verdict == JUDGE_ACCEPTED;
    total->score += outcome->score;
    total->wall_us = run->wall_us > total->wall_us ? run->wall_us : total->wall_us;
    total->cpu_us = run->cpu_us > total->cpu_us ? run->cpu_us : total->cpu_us;
    total->memory_bytes = run->memory_bytes > total->memory_bytes ? run->memory_bytes : total->memory_bytes;
}

static void sum_up_part(struct judging_total *total, const struct judging_part *part, enum judging_role role)
{
    enum judge_verdict verdict = judge_of_status(part->status);
    const bool program = role == JUDGING_PROGRAM;

    if (part->step != JUDGING_BROKEN)
        return;
    total->verdict = is_ours(verdict) ? verdict : program ? JUDGE_COMPILE_ERROR : JUDGE_CHECKER_ERROR;
    if (program)
        (void)snprintf(total->message, sizeof total->message, "%s", part->message);
    else
        (void)snprintf(total->message, sizeof total->message, "the %s does not compile%s%.150s", judging_roles[role],
                       part->message[0] != '\0' ? ": " : "", part->message);
}

void judging_sum_up(struct judging_total *ret, const struct judging *judging)
{
    *ret = (struct judging_total){.verdict = JUDGE_ACCEPTED};
    for (size_t i = 0; i < judging->request.n_cases; i++) {
        ret->max_score += judging->request.cases[i].weight;
        sum_up_case(ret, &judging->cases[i].outcome);
    }
    for (enum judging_role role = JUDGING_N_ROLES; role-- > 0;) /* the program's own says most */
        sum_up_part(ret, &judging->parts[role], role);
}
