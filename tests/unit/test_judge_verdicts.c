/* What holds for verdicts: which end of a program, a checker or an interactor is called what. */
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "judge/verdicts.h"

static void every_status_has_a_verdict(void **state)
{
    (void)state;
    for (enum status status = 0; status < N_STATUSES; status++)
        assert_int_equal(judge_of_status(status) == JUDGE_ACCEPTED, status == STATUS_OK);
    for (size_t i = 0; i < JUDGE_N_VERDICTS; i++)
        assert_non_null(judge_verdict_names[i]);
}

static void reads_exit_statuses_of_checkers(void **state)
{
    static const struct {
        enum judge_protocol protocol;
        struct judge_end end;
        enum judge_verdict verdict;
    } rows[] = {
        {JUDGE_TESTLIB, {STATUS_OK, 0, 0}, JUDGE_ACCEPTED},
        {JUDGE_TESTLIB, {STATUS_RUNTIME_ERROR, 1, 0}, JUDGE_WRONG_ANSWER},
        {JUDGE_TESTLIB, {STATUS_RUNTIME_ERROR, 2, 0}, JUDGE_PRESENTATION_ERROR},
        {JUDGE_TESTLIB, {STATUS_RUNTIME_ERROR, 3, 0}, JUDGE_CHECKER_ERROR},
        {JUDGE_TESTLIB, {STATUS_RUNTIME_ERROR, 7, 0}, JUDGE_PARTIAL},
        {JUDGE_TESTLIB, {STATUS_RUNTIME_ERROR, 42, 0}, JUDGE_ACCEPTED},
        {JUDGE_TESTLIB, {STATUS_RUNTIME_ERROR, 43, 0}, JUDGE_WRONG_ANSWER},
        {JUDGE_TESTLIB, {STATUS_RUNTIME_ERROR, 5, 0}, JUDGE_CHECKER_ERROR},
        {JUDGE_TESTLIB, {STATUS_RUNTIME_ERROR, 255, 0}, JUDGE_CHECKER_ERROR},
        {JUDGE_TESTLIB, {STATUS_SIGNALED, -1, SIGSEGV}, JUDGE_CHECKER_ERROR},
        {JUDGE_TESTLIB, {STATUS_WALL_TIME_LIMIT, -1, 0}, JUDGE_CHECKER_ERROR},
        {JUDGE_TESTLIB, {STATUS_OUTPUT_LIMIT, 0, 0}, JUDGE_CHECKER_ERROR}, /* whatever it might have said */
        {JUDGE_TESTLIB, {STATUS_MEMORY_LIMIT, 1, 0}, JUDGE_CHECKER_ERROR},
        {JUDGE_TESTLIB, {STATUS_CANCELLED, -1, 0}, JUDGE_CANCELLED},
        {JUDGE_TESTLIB, {STATUS_INTERNAL_ERROR, -1, 0}, JUDGE_INTERNAL_ERROR},
        {JUDGE_ICPC, {STATUS_RUNTIME_ERROR, 42, 0}, JUDGE_ACCEPTED},
        {JUDGE_ICPC, {STATUS_RUNTIME_ERROR, 43, 0}, JUDGE_WRONG_ANSWER},
        {JUDGE_ICPC, {STATUS_OK, 0, 0}, JUDGE_CHECKER_ERROR},
        {JUDGE_ICPC, {STATUS_RUNTIME_ERROR, 1, 0}, JUDGE_CHECKER_ERROR},
    };

    (void)state;
    for (size_t i = 0; i < COUNT_OF(rows); i++)
        if (judge_of_checker(rows[i].protocol, &rows[i].end) != rows[i].verdict)
            fail_msg("row %zu: %s", i, judge_verdict_names[judge_of_checker(rows[i].protocol, &rows[i].end)]);
}

#define FINE     {STATUS_OK, 0, 0}
#define EXIT(n)  {STATUS_RUNTIME_ERROR, n, 0}
#define PIPE     {STATUS_SIGNALED, -1, SIGPIPE}
#define CRASH    {STATUS_SIGNALED, -1, SIGSEGV}
#define TIMED    {STATUS_WALL_TIME_LIMIT, -1, 0}
#define ENDED    {STATUS_CANCELLED, -1, 0}
#define OURS     {STATUS_INTERNAL_ERROR, -1, 0}

static void weighs_a_program_and_its_interactor(void **state)
{
    static const struct {
        struct judge_end program, interactor;
        bool interactor_first;
        enum judge_verdict verdict;
    } rows[] = {
        {FINE, FINE, false, JUDGE_ACCEPTED},
        {FINE, FINE, true, JUDGE_ACCEPTED},
        {FINE, EXIT(1), false, JUDGE_WRONG_ANSWER},
        {FINE, EXIT(7), false, JUDGE_PARTIAL},
        {FINE, EXIT(99), false, JUDGE_CHECKER_ERROR},
        {FINE, CRASH, false, JUDGE_CHECKER_ERROR},
        {FINE, TIMED, false, JUDGE_CHECKER_ERROR}, /* it got the end of its input */

        /* The interactor was content, and the program wrote on. */
        {PIPE, FINE, true, JUDGE_ACCEPTED},
        {EXIT(1), FINE, true, JUDGE_ACCEPTED},   /* BrokenPipeError */
        {EXIT(141), FINE, true, JUDGE_ACCEPTED},
        {PIPE, FINE, false, JUDGE_ACCEPTED},     /* it closed its end, and then looked at its figures */
        {EXIT(141), EXIT(7), false, JUDGE_PARTIAL},
        {PIPE, EXIT(1), false, JUDGE_WRONG_ANSWER},
        {CRASH, FINE, true, JUDGE_RUNTIME_ERROR},
        {TIMED, FINE, true, JUDGE_TIME_LIMIT},   /* it never ends */

        /* The interactor was not, and the program is ended. */
        {ENDED, EXIT(1), true, JUDGE_WRONG_ANSWER},
        {PIPE, EXIT(2), true, JUDGE_PRESENTATION_ERROR},
        {CRASH, EXIT(1), true, JUDGE_WRONG_ANSWER},
        {ENDED, EXIT(3), true, JUDGE_CHECKER_ERROR},
        {ENDED, CRASH, true, JUDGE_CHECKER_ERROR},
        {PIPE, CRASH, true, JUDGE_CHECKER_ERROR},
        {ENDED, TIMED, true, JUDGE_TIME_LIMIT},  /* each waits for the other */

        {TIMED, EXIT(1), true, JUDGE_TIME_LIMIT}, /* it was killed, and that is told later than seen */
        {{STATUS_MEMORY_LIMIT, -1, 0}, CRASH, true, JUDGE_MEMORY_LIMIT},

        /* The program failed by itself; what the interactor makes of that does not matter. */
        {CRASH, EXIT(1), false, JUDGE_RUNTIME_ERROR},
        {EXIT(1), FINE, false, JUDGE_RUNTIME_ERROR},
        {EXIT(1), CRASH, false, JUDGE_RUNTIME_ERROR},
        {TIMED, EXIT(1), false, JUDGE_TIME_LIMIT},
        {{STATUS_MEMORY_LIMIT, -1, 0}, EXIT(1), false, JUDGE_MEMORY_LIMIT},

        /* We failed, or are stopping. */
        {OURS, FINE, false, JUDGE_INTERNAL_ERROR},
        {FINE, OURS, true, JUDGE_INTERNAL_ERROR},
        {FINE, OURS, false, JUDGE_INTERNAL_ERROR},
        {ENDED, ENDED, true, JUDGE_CANCELLED},
        {ENDED, ENDED, false, JUDGE_CANCELLED},
        {FINE, ENDED, false, JUDGE_CANCELLED},
    };

    (void)state;
    for (size_t i = 0; i < COUNT_OF(rows); i++) {
        enum judge_verdict got =
            judge_of_interaction(JUDGE_TESTLIB, &rows[i].program, &rows[i].interactor, rows[i].interactor_first);

        if (got != rows[i].verdict)
            fail_msg("row %zu: %s, not %s", i, judge_verdict_names[got], judge_verdict_names[rows[i].verdict]);
    }
}

static void reads_points(void **state)
{
    static const struct {
        const char *message;
        double points; /* -1: none */
    } rows[] = {
        {"points 0.5 not all", 0.5}, {"0.25", 0.25}, {" \n7 of 10", 7}, {"points: 3", 3}, {"points=1e1", 10},
        {"", -1}, {"points", -1}, {"wrong answer", -1}, {"nan", -1}, {"inf", -1}, {"1e999", -1}, {".", -1},
        {"points 00000000000000000000000000000000000000000000000000000000000000000000001", 0}, /* so much is read */
    };

    (void)state;
    for (size_t i = 0; i < COUNT_OF(rows); i++) {
        double points = -1;

        assert_int_equal(judge_read_points(&points, slice_from(rows[i].message)), rows[i].points >= 0);
        if (points < rows[i].points || points > rows[i].points)
            fail_msg("%s: %g", rows[i].message, points);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_status_has_a_verdict),
        cmocka_unit_test(reads_exit_statuses_of_checkers),
        cmocka_unit_test(weighs_a_program_and_its_interactor),
        cmocka_unit_test(reads_points),
    };

    return cmocka_run_group_tests_name("judge_verdicts", tests, NULL, NULL);
}
