/* What holds for figures: a bound belongs to its bucket, buckets add up, and a page that does not fit is no page. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <errno.h>

#include "base/metrics.h"

static void bounds_rise(void **state)
{
    (void)state;
    for (size_t i = 1; i < METRICS_N_BOUNDS; i++)
        assert_true(metrics_bounds_us[i] > metrics_bounds_us[i - 1]);
}

static void a_time_is_counted_once(void **state)
{
    static const struct {
        uint64_t us;
        size_t bucket;
    } cases[] = {{0, 0}, {100, 0}, {101, 1}, {1000, 3}, {120000000, 18}, {120000001, 19}, {UINT64_MAX >> 1, 19}};

    (void)state;
    for (size_t i = 0; i < COUNT_OF(cases); i++) {
        struct histogram histogram = {0};

        histogram_observe(&histogram, cases[i].us);
        for (size_t j = 0; j <= METRICS_N_BOUNDS; j++)
            assert_int_equal(histogram.counts[j], j == cases[i].bucket);
        assert_int_equal(histogram.sum_us, cases[i].us);
    }
}

static void a_histogram_is_written_in_sums(void **state)
{
    CLEANUP(buf_done) struct buf buf;
    struct metrics_out out = {.to = &buf};
    struct histogram histogram = {0};

    (void)state;
    buf_init(&buf, 65536);
    histogram_observe(&histogram, 100);
    histogram_observe(&histogram, 200);
    histogram_observe(&histogram, 600000000);
    metrics_out_histogram(&out, "x_seconds", "phase=\"run\"", &histogram);
    assert_int_equal(out.r, 0);
    assert_non_null(strstr(buf.at, "x_seconds_bucket{phase=\"run\",le=\"0.000100\"} 1\n"));
    assert_non_null(strstr(buf.at, "x_seconds_bucket{phase=\"run\",le=\"0.000250\"} 2\n"));
    assert_non_null(strstr(buf.at, "x_seconds_bucket{phase=\"run\",le=\"120.000000\"} 2\n"));
    assert_non_null(strstr(buf.at, "x_seconds_bucket{phase=\"run\",le=\"+Inf\"} 3\n"));
    assert_non_null(strstr(buf.at, "x_seconds_sum{phase=\"run\"} 600.000300\n"));
    assert_non_null(strstr(buf.at, "x_seconds_count{phase=\"run\"} 3\n"));
}

static void samples_are_written_as_they_are_read(void **state)
{
    CLEANUP(buf_done) struct buf buf;
    struct metrics_out out = {.to = &buf};

    (void)state;
    buf_init(&buf, 65536);
    metrics_out_gauge(&out, "x", "What it is.", 7);
    metrics_out_seconds(&out, 1, "y_seconds{a=\"%s\"}", "b");
    metrics_out_counter(&out, "z_total", "Z.", UINT64_MAX);
    assert_string_equal(buf.at, "# HELP x What it is.\n# TYPE x gauge\nx 7\ny_seconds{a=\"b\"} 0.000001\n"
                                "# HELP z_total Z.\n# TYPE z_total counter\nz_total 18446744073709551615\n");
}

static void the_first_failure_sticks(void **state)
{
    CLEANUP(buf_done) struct buf buf;
    struct metrics_out out = {.to = &buf};

    (void)state;
    buf_init(&buf, 40);
    metrics_out_gauge(&out, "x", "What it is, in more words than fit.", 7);
    assert_int_equal(out.r, -EFBIG);
    metrics_out_uint(&out, 1, "y");
    assert_int_equal(out.r, -EFBIG);
    assert_int_equal(buf.len, 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(bounds_rise),
        cmocka_unit_test(a_time_is_counted_once),
        cmocka_unit_test(a_histogram_is_written_in_sums),
        cmocka_unit_test(samples_are_written_as_they_are_read),
        cmocka_unit_test(the_first_failure_sticks),
    };

    return cmocka_run_group_tests_name("metrics", tests, NULL, NULL);
}
