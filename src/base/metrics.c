#include "base/metrics.h"

#include <errno.h>
#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>

/* From what a warm lease takes to the longest stage that a language allows. */
const uint32_t metrics_bounds_us[METRICS_N_BOUNDS] = {
    100,    250,    500,    1000,    2500,    5000,    10000,    25000,    50000,     100000,
    250000, 500000, 1000000, 2500000, 5000000, 10000000, 30000000, 60000000, 120000000,
};

void histogram_observe(struct histogram *histogram, uint64_t us)
{
    size_t i = 0;

    while (i < METRICS_N_BOUNDS && us > metrics_bounds_us[i])
        i++;
    histogram->counts[i]++;
    histogram->sum_us += us;
}

static void PRINTF_LIKE(2, 3) add(struct metrics_out *out, const char *fmt, ...)
{
    char line[512];
    va_list ap;
    int n;

    va_start(ap, fmt);
    n = vsnprintf(line, sizeof line, fmt, ap);
    va_end(ap);
    if (out->r == 0)
        out->r = n < 0 || (size_t)n >= sizeof line ? -EFBIG : buf_add(out->to, line, (size_t)n);
}

static void PRINTF_LIKE(2, 0) add_name(struct metrics_out *out, const char *fmt, va_list ap)
{
    char name[256];
    int n = vsnprintf(name, sizeof name, fmt, ap);

    if (out->r == 0 && (n < 0 || (size_t)n >= sizeof name))
        out->r = -EFBIG;
    add(out, "%s", name);
}

void metrics_out_family(struct metrics_out *out, const char *name, const char *type, const char *help)
{
    add(out, "# HELP %s %s\n# TYPE %s %s\n", name, help, name, type);
}

void metrics_out_uint(struct metrics_out *out, uint64_t value, const char *fmt, ...)
{
    va_list ap;

    va_start(ap, fmt);
    add_name(out, fmt, ap);
    va_end(ap);
    add(out, " %" PRIu64 "\n", value);
}

/* By hand: printf's point is the locale's. */
static void add_seconds(struct metrics_out *out, uint64_t us)
{
    add(out, "%" PRIu64 ".%06" PRIu64, us / 1000000, us % 1000000);
}

void metrics_out_seconds(struct metrics_out *out, uint64_t us, const char *fmt, ...)
{
    va_list ap;

    va_start(ap, fmt);
    add_name(out, fmt, ap);
    va_end(ap);
    add(out, " ");
    add_seconds(out, us);
    add(out, "\n");
}

void metrics_out_histogram(struct metrics_out *out, const char *name, const char *labels,
                           const struct histogram *histogram)
{
    uint64_t n = 0;

    for (size_t i = 0; i < METRICS_N_BOUNDS; i++) {
        n += histogram->counts[i];
        add(out, "%s_bucket{%s,le=\"", name, labels);
        add_seconds(out, metrics_bounds_us[i]);
        add(out, "\"} %" PRIu64 "\n", n);
    }
    n += histogram->counts[METRICS_N_BOUNDS];
    add(out, "%s_bucket{%s,le=\"+Inf\"} %" PRIu64 "\n", name, labels, n);
    metrics_out_seconds(out, histogram->sum_us, "%s_sum{%s}", name, labels);
    metrics_out_uint(out, n, "%s_count{%s}", name, labels);
}

void metrics_out_gauge(struct metrics_out *out, const char *name, const char *help, uint64_t value)
{
    metrics_out_family(out, name, "gauge", help);
    metrics_out_uint(out, value, "%s", name);
}

void metrics_out_counter(struct metrics_out *out, const char *name, const char *help, uint64_t value)
{
    metrics_out_family(out, name, "counter", help);
    metrics_out_uint(out, value, "%s", name);
}
