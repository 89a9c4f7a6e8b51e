/* What holds for the codec between processes: only whole, well-formed messages in the right direction come through. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <errno.h>
#include <sched.h>
#include <signal.h>
#include <string.h>

#include "model/job.h"
#include "wire/wire.h"

static struct wire_lease good_lease(void)
{
    struct wire_lease lease = {.head = wire_head(WIRE_LEASE, 7), .language = "python", .stage = STAGE_RUN};

    for (size_t i = 0; i < N_LIMITS; i++)
        *limit_at(&lease.limits, &limit_table[i]) = limit_table[i].min;
    return lease;
}

static struct wire_job good_job(void)
{
    return (struct wire_job){.head = wire_head(WIRE_JOB, 7),
                             .wall_time_ms = 1000,
                             .file_bytes = 1 << 20,
                             .box_bytes = 1 << 20,
                             .open_files = 64};
}

/* Refused with these words, and the output untouched. */
static void refused(const void *bytes, size_t len, size_t n_fds, enum wire_side to, const char *says)
{
    union wire_msg got = {0};
    struct err err = {0};

    assert_int_equal(wire_decode(&got, bytes, len, n_fds, to, &err), -EBADMSG);
    assert_int_equal(got.head.type, WIRE_NONE);
    if (strstr(err.msg, says) == NULL)
        fail_msg("'%s' does not say '%s'", err.msg, says);
}

static void takes_what_is_right(void **state)
{
    struct wire_lease lease = good_lease();
    struct wire_job job = good_job();
    union wire_msg got;
    struct err err = {0};

    (void)state;
    assert_int_equal(wire_decode(&got, &lease, sizeof lease, 0, WIRE_TO_BOXD, &err), 0);
    assert_memory_equal(&got.lease, &lease, sizeof lease);
    for (size_t n_fds = 4; n_fds <= 5; n_fds++)
        assert_int_equal(wire_decode(&got, &job, sizeof job, n_fds, WIRE_TO_INIT, &err), 0);
    refused(&job, sizeof job, 1, WIRE_TO_INIT, "fd count");
    refused(&job, sizeof job, 4, WIRE_TO_BOXD, "direction");
}

static void refuses_frames(void **state)
{
    static const struct {
        size_t len, n_fds;
        enum wire_side to;
        const char *says;
    } cases[] = {
        {0, 0, WIRE_TO_BOXD, "no message"},
        {15, 0, WIRE_TO_BOXD, "no message"},
        {sizeof(struct wire_lease) - 1, 0, WIRE_TO_BOXD, "bytes, not"},
        {sizeof(struct wire_lease), 1, WIRE_TO_BOXD, "fd count"},
        {sizeof(struct wire_lease), 0, WIRE_TO_API, "direction"},
        {sizeof(struct wire_lease), 0, WIRE_TO_INIT, "direction"},
        {sizeof(struct wire_lease), 0, WIRE_FROM_ZYGOTE, "direction"},
    };
    struct wire_lease lease = good_lease();

    (void)state;
    for (size_t i = 0; i < COUNT_OF(cases); i++)
        refused(&lease, cases[i].len, cases[i].n_fds, cases[i].to, cases[i].says);
    lease.head.magic ^= 1;
    refused(&lease, sizeof lease, 0, WIRE_TO_BOXD, "magic");
    lease = good_lease();
    lease.head.type = WIRE_N_TYPES;
    refused(&lease, sizeof lease, 0, WIRE_TO_BOXD, "no such type");
    lease.head.type = UINT32_MAX;
    refused(&lease, sizeof lease, 0, WIRE_TO_BOXD, "no such type");
}

static void refuses_names_that_are_no_ids(void **state)
{
    static const char *const names[] = {"", "Python", "a/b", "..", "a b", "a\xc3\xa9",
                                        "0123456789012345678901234567890123456789"};

    (void)state;
    for (size_t i = 0; i < COUNT_OF(names); i++) {
        struct wire_lease lease = good_lease();
        size_t len = strlen(names[i]);

        memset(lease.language, 0, sizeof lease.language);
        memcpy(lease.language, names[i], len < sizeof lease.language ? len : sizeof lease.language);
        refused(&lease, sizeof lease, 0, WIRE_TO_BOXD, "language");
    }
    {
        struct wire_lease lease = good_lease(); /* bytes after the NUL would be a channel */

        lease.language[20] = 'x';
        refused(&lease, sizeof lease, 0, WIRE_TO_BOXD, "language");
    }
}

static void refuses_numbers_out_of_bounds(void **state)
{
    (void)state;
    for (size_t i = 0; i < N_LIMITS; i++) {
        struct wire_lease lease = good_lease();

        *limit_at(&lease.limits, &limit_table[i]) = limit_table[i].min - 1;
        refused(&lease, sizeof lease, 0, WIRE_TO_BOXD, limit_table[i].name);
        *limit_at(&lease.limits, &limit_table[i]) = limit_table[i].max + 1;
        refused(&lease, sizeof lease, 0, WIRE_TO_BOXD, limit_table[i].name);
    }
    {
        struct wire_job job = good_job();

        job.wall_time_ms = 0;
        refused(&job, sizeof job, 4, WIRE_TO_INIT, "limit");
        job = good_job();
        job.flags = WIRE_JOB_FLAGS + 1;
        refused(&job, sizeof job, 4, WIRE_TO_INIT, "flags");
    }
    {
        struct wire_exited exited = {.head = wire_head(WIRE_EXITED, 7), .how = WIRE_EXIT_EXITED, .code = 256};

        refused(&exited, sizeof exited, 0, WIRE_FROM_INIT, "code");
        exited.how = WIRE_N_EXITS;
        refused(&exited, sizeof exited, 0, WIRE_FROM_INIT, "how");
    }
    {
        struct wire_failed failed = {.head = wire_head(WIRE_FAILED, 7), .code = -5};

        memset(failed.msg, 'x', sizeof failed.msg);
        refused(&failed, sizeof failed, 0, WIRE_FROM_INIT, "terminated");
    }
    {
        static const struct wire_worker bad[] = {
            {.pid = 1}, {.pid = -3}, {.pid = 3, .keeper = 1}, {.pid = 3, .keeper = 3}};

        for (size_t i = 0; i < COUNT_OF(bad); i++) {
            struct wire_worker worker = bad[i];

            worker.head = wire_head(WIRE_WORKER, 0);
            refused(&worker, sizeof worker, 0, WIRE_FROM_WORKER, "pid");
        }
    }
}

static void a_terminal_has_a_size_and_nothing_else_has(void **state)
{
    static const struct {
        uint32_t flags;
        uint16_t rows, columns;
        const char *says; /* NULL: it is right */
    } cases[] = {
        {WIRE_JOB_TERMINAL, 1, 1, NULL},
        {WIRE_JOB_TERMINAL | WIRE_JOB_COLLECT, JOB_MAX_WINDOW, JOB_MAX_WINDOW, NULL},
        {WIRE_JOB_TERMINAL, 0, 80, "size"},
        {WIRE_JOB_TERMINAL, 24, 0, "size"},
        {WIRE_JOB_TERMINAL, JOB_MAX_WINDOW + 1, 80, "size"},
        {WIRE_JOB_TERMINAL, 24, UINT16_MAX, "size"},
        {WIRE_JOB_TERMINAL | WIRE_JOB_MERGED, 24, 80, "exclude"},
        {WIRE_JOB_MERGED, 24, 80, "size"},
        {0, 0, 1, "size"},
    };
    union wire_msg got;

    (void)state;
    for (size_t i = 0; i < COUNT_OF(cases); i++) {
        struct wire_job job = good_job();

        job.flags = cases[i].flags;
        job.rows = cases[i].rows;
        job.columns = cases[i].columns;
        if (cases[i].says == NULL)
            assert_int_equal(wire_decode(&got, &job, sizeof job, 4, WIRE_TO_INIT, NULL), 0);
        else
            refused(&job, sizeof job, 4, WIRE_TO_INIT, cases[i].says);
    }
}

static void only_signals_of_the_list_are_sent(void **state)
{
    struct wire_signal msg = {.head = wire_head(WIRE_SIGNAL, 7)};
    union wire_msg got;
    int n = 0;

    (void)state;
    for (msg.signal = -2; msg.signal <= 70; msg.signal++) {
        if (job_signal_is_one(msg.signal)) {
            assert_int_equal(wire_decode(&got, &msg, sizeof msg, 0, WIRE_TO_INIT, NULL), 0);
            assert_int_equal(got.signal.signal, msg.signal);
            refused(&msg, sizeof msg, 1, WIRE_TO_INIT, "fd count");
            refused(&msg, sizeof msg, 0, WIRE_TO_BOXD, "direction");
            refused(&msg, sizeof msg, 0, WIRE_FROM_INIT, "direction");
            n++;
        } else {
            refused(&msg, sizeof msg, 0, WIRE_TO_INIT, "no signal");
        }
    }
    assert_int_equal(n, 10);
    msg.signal = SIGINT;
    msg.reserved = 1;
    refused(&msg, sizeof msg, 0, WIRE_TO_INIT, "reserved");
}

static struct wire_figures good_figures(void)
{
    return (struct wire_figures){.head = wire_head(WIRE_FIGURES, 0), .language = "c", .kind = 1, .n_kinds = 2};
}

static void figures_are_of_a_kind_that_there_is(void **state)
{
    struct wire_stats stats = {.head = wire_head(WIRE_STATS, 0), .kind = WIRE_KINDS_MAX - 1};
    struct wire_figures figures = good_figures();
    union wire_msg got;
    struct err err = {0};

    (void)state;
    assert_int_equal(wire_decode(&got, &stats, sizeof stats, 0, WIRE_TO_BOXD, &err), 0);
    refused(&stats, sizeof stats, 0, WIRE_TO_API, "direction");
    stats.kind++;
    refused(&stats, sizeof stats, 0, WIRE_TO_BOXD, "kind");
    stats = (struct wire_stats){.head = wire_head(WIRE_STATS, 0), .reserved = 1};
    refused(&stats, sizeof stats, 0, WIRE_TO_BOXD, "reserved");
    assert_int_equal(wire_decode(&got, &figures, sizeof figures, 0, WIRE_TO_API, &err), 0);
    refused(&figures, sizeof figures, 0, WIRE_TO_BOXD, "direction");
    figures.language[0] = '\0'; /* boxes for any language */
    assert_int_equal(wire_decode(&got, &figures, sizeof figures, 0, WIRE_TO_API, &err), 0);
    figures.language[9] = 'x';
    refused(&figures, sizeof figures, 0, WIRE_TO_API, "language");
    figures = good_figures();
    figures.language[1] = '"'; /* it becomes a label */
    refused(&figures, sizeof figures, 0, WIRE_TO_API, "language");
    figures = good_figures();
    figures.n_kinds = 1;
    refused(&figures, sizeof figures, 0, WIRE_TO_API, "kind");
    figures = good_figures();
    figures.n_kinds = WIRE_KINDS_MAX + 1;
    refused(&figures, sizeof figures, 0, WIRE_TO_API, "kind");
    figures = good_figures();
    figures.stage = N_STAGES;
    refused(&figures, sizeof figures, 0, WIRE_TO_API, "stage");
    figures = good_figures();
    figures.flags = 2;
    refused(&figures, sizeof figures, 0, WIRE_TO_API, "flags");
}

static void spawn_keeps_the_layers_that_boxes_need(void **state)
{
    const uint64_t must = CLONE_NEWUSER | CLONE_NEWPID | CLONE_NEWNS;
    struct wire_spawn spawn = {.head = wire_head(WIRE_SPAWN, 1), .uid = 100000, .namespaces = must};
    union wire_msg got;
    struct err err = {0};

    (void)state;
    assert_int_equal(wire_decode(&got, &spawn, sizeof spawn, WIRE_SPAWN_FDS, WIRE_TO_ZYGOTE, &err), 0);
    spawn.uid = 0;
    refused(&spawn, sizeof spawn, WIRE_SPAWN_FDS, WIRE_TO_ZYGOTE, "uid");
    spawn.uid = 100000;
    for (uint64_t flag = 1; flag <= must; flag <<= 1)
        if ((must & flag) != 0) {
            spawn.namespaces = must & ~flag;
            refused(&spawn, sizeof spawn, WIRE_SPAWN_FDS, WIRE_TO_ZYGOTE, "namespaces");
        }
    spawn.namespaces = must | CLONE_VM;
    refused(&spawn, sizeof spawn, WIRE_SPAWN_FDS, WIRE_TO_ZYGOTE, "namespaces");
}

static void records_stay_within_their_blob(void **state)
{
    const struct wire_record good = {.kind = WIRE_RECORD_FILE, .name_len = 4, .data_len = 100};
    const uint64_t size = sizeof good + 104;
    static const struct wire_record bad[] = {
        {.kind = 0, .name_len = 4},
        {.kind = 9, .name_len = 4},
        {.kind = WIRE_RECORD_FILE, .name_len = 0, .data_len = 1},
        {.kind = WIRE_RECORD_FILE, .name_len = JOB_MAX_NAME_BYTES + 1},
        {.kind = WIRE_RECORD_FILE, .name_len = 4, .mode = 2},
        {.kind = WIRE_RECORD_FILE, .name_len = 4, .reserved = 1},
        {.kind = WIRE_RECORD_FILE, .name_len = 4, .data_len = (uint64_t)JOB_MAX_FILES_BYTES + 1},
        {.kind = WIRE_RECORD_FILE, .name_len = 4, .data_len = UINT64_MAX - 8},
        {.kind = WIRE_RECORD_ARG, .name_len = 1, .data_len = 1},
        {.kind = WIRE_RECORD_ARG, .data_len = JOB_MAX_STRING_BYTES + 1},
        {.kind = WIRE_RECORD_COLLECT, .name_len = 4, .data_len = 1},
        {.kind = WIRE_RECORD_FOLDER, .name_len = 4, .data_len = 1},
        {.kind = WIRE_RECORD_FOLDER, .name_len = 0},
        {.kind = WIRE_RECORD_BRING, .name_len = 4, .data_len = 1},
        {.kind = WIRE_RECORD_BRING, .name_len = 0},
    };
    struct err err;

    (void)state;
    assert_int_equal(wire_record_check(&good, size, &err), size);
    for (uint64_t left = 0; left < size; left++)
        assert_int_equal(wire_record_check(&good, left, &err), -EBADMSG);
    for (size_t i = 0; i < COUNT_OF(bad); i++)
        assert_int_equal(wire_record_check(&bad[i], UINT64_MAX / 2, &err), -EBADMSG);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(takes_what_is_right),
        cmocka_unit_test(refuses_frames),
        cmocka_unit_test(refuses_names_that_are_no_ids),
        cmocka_unit_test(refuses_numbers_out_of_bounds),
        cmocka_unit_test(a_terminal_has_a_size_and_nothing_else_has),
        cmocka_unit_test(only_signals_of_the_list_are_sent),
        cmocka_unit_test(figures_are_of_a_kind_that_there_is),
        cmocka_unit_test(spawn_keeps_the_layers_that_boxes_need),
        cmocka_unit_test(records_stay_within_their_blob),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
