#include "judge/verdicts.h"

#include <math.h>
#include <signal.h>
#include <stdlib.h>

/* clang-format off */
const char *const judge_verdict_names[JUDGE_N_VERDICTS] = {
    [JUDGE_ACCEPTED]           = "accepted",
    [JUDGE_PARTIAL]            = "partial",
    [JUDGE_WRONG_ANSWER]       = "wrong_answer",
    [JUDGE_PRESENTATION_ERROR] = "presentation_error",
    [JUDGE_RUNTIME_ERROR]      = "runtime_error",
    [JUDGE_TIME_LIMIT]         = "time_limit",
    [JUDGE_MEMORY_LIMIT]       = "memory_limit",
    [JUDGE_OUTPUT_LIMIT]       = "output_limit",
    [JUDGE_COMPILE_ERROR]      = "compile_error",
    [JUDGE_CHECKER_ERROR]      = "checker_error",
    [JUDGE_SKIPPED]            = "skipped",
    [JUDGE_CANCELLED]          = "cancelled",
    [JUDGE_INTERNAL_ERROR]     = "internal_error",
};

const char *const judge_protocol_names[JUDGE_N_PROTOCOLS] = {
    [JUDGE_TESTLIB] = "testlib",
    [JUDGE_ICPC]    = "icpc",
};

static const enum judge_verdict of_status[N_STATUSES] = {
    [STATUS_OK]              = JUDGE_ACCEPTED,
    [STATUS_COMPILE_ERROR]   = JUDGE_COMPILE_ERROR,
    [STATUS_RUNTIME_ERROR]   = JUDGE_RUNTIME_ERROR,
    [STATUS_SIGNALED]        = JUDGE_RUNTIME_ERROR,
    [STATUS_WALL_TIME_LIMIT] = JUDGE_TIME_LIMIT,
    [STATUS_CPU_TIME_LIMIT]  = JUDGE_TIME_LIMIT,
    [STATUS_MEMORY_LIMIT]    = JUDGE_MEMORY_LIMIT,
    [STATUS_OUTPUT_LIMIT]    = JUDGE_OUTPUT_LIMIT,
    [STATUS_PROCESS_LIMIT]   = JUDGE_RUNTIME_ERROR,
    [STATUS_DISK_LIMIT]      = JUDGE_RUNTIME_ERROR,
    [STATUS_CANCELLED]       = JUDGE_CANCELLED,
    [STATUS_INTERNAL_ERROR]  = JUDGE_INTERNAL_ERROR,
};

static const struct {
    enum judge_protocol protocol;
    int exit_code;
    enum judge_verdict verdict;
} exits[] = {
    {JUDGE_TESTLIB, 0,  JUDGE_ACCEPTED},
    {JUDGE_TESTLIB, 1,  JUDGE_WRONG_ANSWER},
    {JUDGE_TESTLIB, 2,  JUDGE_PRESENTATION_ERROR},
    {JUDGE_TESTLIB, 3,  JUDGE_CHECKER_ERROR},
    {JUDGE_TESTLIB, 4,  JUDGE_PRESENTATION_ERROR}, /* "dirt": something follows the answer */
    {JUDGE_TESTLIB, 7,  JUDGE_PARTIAL},
    {JUDGE_TESTLIB, 8,  JUDGE_PRESENTATION_ERROR}, /* the answer ends too early */
    {JUDGE_TESTLIB, 42, JUDGE_ACCEPTED},           /* checkers that know only these two go with either protocol */
    {JUDGE_TESTLIB, 43, JUDGE_WRONG_ANSWER},
    {JUDGE_ICPC,    42, JUDGE_ACCEPTED},
    {JUDGE_ICPC,    43, JUDGE_WRONG_ANSWER},
};
/* clang-format on */

enum { SHELL_SIGPIPE = 128 + SIGPIPE }; /* how a shell, or a runtime that catches it, passes SIGPIPE on */

enum judge_verdict judge_of_status(enum status status)
{
    return of_status[status];
}

enum judge_verdict judge_of_checker(enum judge_protocol protocol, const struct judge_end *checker)
{
    if (checker->status == STATUS_CANCELLED || checker->status == STATUS_INTERNAL_ERROR)
        return of_status[checker->status];
    if (checker->status != STATUS_OK && checker->status != STATUS_RUNTIME_ERROR)
        return JUDGE_CHECKER_ERROR; /* a signal, or a limit */
    for (size_t i = 0; i < COUNT_OF(exits); i++)
        if (exits[i].protocol == protocol && exits[i].exit_code == checker->exit_code)
            return exits[i].verdict;
    return JUDGE_CHECKER_ERROR;
}

static bool is_ours(enum status status)
{
    return status == STATUS_INTERNAL_ERROR || status == STATUS_CANCELLED;
}

static bool is_limit(enum status status)
{
    return status >= STATUS_WALL_TIME_LIMIT && status <= STATUS_DISK_LIMIT;
}

/* It wrote to an interactor that reads no more. */
static bool died_of_pipe(const struct judge_end *program)
{
    return (program->status == STATUS_SIGNALED && program->signal == SIGPIPE) ||
           (program->status == STATUS_RUNTIME_ERROR && program->exit_code == SHELL_SIGPIPE);
}

enum judge_verdict judge_of_interaction(enum judge_protocol protocol, const struct judge_end *program,
                                        const struct judge_end *interactor, bool interactor_first)
{
    const enum judge_verdict says = judge_of_checker(protocol, interactor);
    enum judge_verdict of_program = of_status[program->status];

    if (interactor->status == STATUS_INTERNAL_ERROR || (program->status == STATUS_INTERNAL_ERROR && !interactor_first))
        return JUDGE_INTERNAL_ERROR;
    if (is_limit(program->status))
        return of_program; /* an interactor that had decided before would have ended it before */
    if (interactor_first) {
        /* Both wait for each other: the program is to answer, and the interactor's clock was just the first to end. */
        if (interactor->status == STATUS_WALL_TIME_LIMIT)
            return JUDGE_TIME_LIMIT;
        if (says != JUDGE_ACCEPTED && says != JUDGE_PARTIAL)
            return says; /* whatever became of the program, which is ended then */
        /* What it makes of a closed pipe is not held against it; that it never ends is. */
        if (program->status == STATUS_RUNTIME_ERROR || died_of_pipe(program))
            of_program = JUDGE_ACCEPTED;
        return of_program == JUDGE_ACCEPTED ? says : of_program;
    }
    if (is_ours(program->status) || is_ours(interactor->status))
        return is_ours(program->status) ? of_program : says;
    if (of_program == JUDGE_ACCEPTED || died_of_pipe(program))
        return says; /* the interactor had closed its end before its own */
    return of_program;
}

bool judge_read_points(double *ret, struct slice message)
{
    char text[64];
    size_t len = message.len < sizeof text - 1 ? message.len : sizeof text - 1;
    const char *at = text + 0;
    char *end;
    double points;

    if (len > 0)
        memcpy(text, message.at, len);
    text[len] = '\0';
    at += strspn(at, " \t\r\n");
    if (strncmp(at, "points", 6) == 0)
        at += 6 + strspn(at + 6, " \t:=");
    if (strspn(at, "+-.0123456789") == 0)
        return false; /* strtod() takes more than numbers as people write them */
    points = strtod(at, &end);
    if (end == at || !isfinite(points))
        return false;
    *ret = points;
    return true;
}
