/* verdict: what explains more comes first, and a program that succeeds has run into nothing. */
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdint.h>

#include <cmocka.h>

#include "engine/verdict.h"

#define EXIT(n)   .exited = true, .how = WIRE_EXIT_EXITED, .code = (n)
#define KILLED(n) .exited = true, .how = WIRE_EXIT_SIGNALED, .code = (n)

static const struct limits limits = {.wall_time_ms = 10000,
                                     .cpu_time_ms = 1500,
                                     .memory_bytes = 256 << 20,
                                     .processes = 64,
                                     .output_bytes = 1000,
                                     .file_bytes = 8 << 10,
                                     .box_bytes = 64 << 20,
                                     .open_files = 100};

static void names_what_happened(void **state)
{
    /* clang-format off */
    static const struct {
        struct stage_end end;
        enum status status;
        int exit_code, signal;
        const char *says;
    } cases[] = {
        {{EXIT(0), .stage = STAGE_RUN},         STATUS_OK,            0, 0, ""},
        {{EXIT(0), .stage = STAGE_COMPILE},     STATUS_OK,            0, 0, ""},
        {{EXIT(7), .stage = STAGE_RUN},         STATUS_RUNTIME_ERROR, 7, 0, ""},
        {{EXIT(1), .stage = STAGE_COMPILE},     STATUS_COMPILE_ERROR, 1, 0, ""},
        {{KILLED(SIGSEGV), .stage = STAGE_RUN}, STATUS_SIGNALED,     -1, SIGSEGV, "ended by SIGSEGV"},

        /* each limit, with its value and name */
        {{.exited = true, .how = WIRE_EXIT_WALL_TIME}, STATUS_WALL_TIME_LIMIT, -1, 0, "10 s (wall_time_ms)"},
        {{.cause = WIRE_CAUSE_WALL_TIME},              STATUS_WALL_TIME_LIMIT, -1, 0, "10 s (wall_time_ms)"},
        {{.cause = WIRE_CAUSE_CPU_TIME},               STATUS_CPU_TIME_LIMIT,  -1, 0, "1500 ms of CPU time"},
        {{.too_much_output = true},                    STATUS_OUTPUT_LIMIT,    -1, 0, "1000 bytes"},
        {{KILLED(SIGKILL), .oom_kills = 1},            STATUS_MEMORY_LIMIT,    -1, SIGKILL, "256 MiB"},
        {{.cause = WIRE_CAUSE_EXIT, .oom_kills = 1},   STATUS_MEMORY_LIMIT,    -1, 0, "256 MiB"},
        {{KILLED(SIGXFSZ)},                            STATUS_DISK_LIMIT,      -1, SIGXFSZ, "8 KiB (file_bytes)"},
        {{EXIT(1), .disk_full = true},                 STATUS_DISK_LIMIT,       1, 0, "64 MiB"},
        {{EXIT(1), .forks_refused = 3},                STATUS_PROCESS_LIMIT,    1, 0, "64 processes"},

        /* whoever gets along with a limit has not failed */
        {{EXIT(0), .oom_kills = 1, .forks_refused = 1, .disk_full = true}, STATUS_OK, 0, 0, ""},

        /* precedence */
        {{.cancelled = true, .failure = "x", .too_much_output = true}, STATUS_CANCELLED,      -1, 0, ""},
        {{EXIT(0), .failure = "no box"},                               STATUS_INTERNAL_ERROR,  0, 0, "no box"},
        {{EXIT(0), .cause = WIRE_CAUSE_CPU_TIME},                      STATUS_CPU_TIME_LIMIT,  0, 0, "CPU"},
        {{EXIT(1), .too_much_output = true, .oom_kills = 1},           STATUS_OUTPUT_LIMIT,    1, 0, "1000"},
        {{EXIT(1), .oom_kills = 1, .disk_full = true, .forks_refused = 1}, STATUS_MEMORY_LIMIT, 1, 0, "memory"},
        {{EXIT(1), .disk_full = true, .forks_refused = 1},             STATUS_DISK_LIMIT,      1, 0, "files"},

        /* what a compiler made can be too much for a box */
        {{.stage = STAGE_COMPILE, .too_big = "65 MiB"}, STATUS_DISK_LIMIT, -1, 0, "65 MiB"},

        /* a box that just vanished is our failure, never the program's */
        {{.cause = WIRE_CAUSE_EXIT}, STATUS_INTERNAL_ERROR, -1, 0, "before its program"},
    };
    /* clang-format on */

    (void)state;
    for (size_t i = 0; i < COUNT_OF(cases); i++) {
        struct verdict verdict;

        verdict_of(&verdict, &cases[i].end, &limits);
        if (verdict.status != cases[i].status)
            fail_msg("case %zu: %s, not %s", i, status_names[verdict.status], status_names[cases[i].status]);
        assert_int_equal(verdict.exit_code, cases[i].exit_code);
        assert_int_equal(verdict.signal, cases[i].signal);
        if (strstr(verdict.message, cases[i].says) == NULL || (*cases[i].says == '\0') != (*verdict.message == '\0'))
            fail_msg("case %zu: \"%s\" does not say \"%s\"", i, verdict.message, cases[i].says);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(names_what_happened)};

    return cmocka_run_group_tests_name("engine_verdict", tests, NULL, NULL);
}
