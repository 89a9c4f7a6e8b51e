/*
 * metrics: figures of a running service, in the text format that Prometheus reads (version 0.0.4).
 * To observe is to add to a number: no allocation, no lock. Labels come from closed lists (languages, statuses,
 * routes), never from what a client sent, so that nobody can make figures grow in number; hence no escaping here.
 */
#pragma once

#include <stdint.h>

#include "base/buf.h"

enum { METRICS_N_BOUNDS = 19 };
extern const uint32_t metrics_bounds_us[METRICS_N_BOUNDS]; /* upper bounds, rising */

/* How often something took how long. All zero at first. */
struct histogram {
    uint64_t counts[METRICS_N_BOUNDS + 1]; /* the last: longer than the last bound */
    uint64_t sum_us;
};

void histogram_observe(struct histogram *histogram, uint64_t us);

/* Writes into a buf; the first failure sticks, so that a page is written in one go and checked once. */
struct metrics_out {
    struct buf *to; /* borrowed */
    int r;          /* 0, or the first failure */
};

/* The lines in front of a family's samples. type: "counter", "gauge", "histogram". help: a line without backslash. */
void metrics_out_family(struct metrics_out *out, const char *name, const char *type, const char *help);
/* A sample: fmt is its name with its labels, as it is to be read: "runs_total{language=\"%s\"}". */
void metrics_out_uint(struct metrics_out *out, uint64_t value, const char *fmt, ...) PRINTF_LIKE(3, 4);
void metrics_out_seconds(struct metrics_out *out, uint64_t us, const char *fmt, ...) PRINTF_LIKE(3, 4);
/* labels: `phase="run"`. */
void metrics_out_histogram(struct metrics_out *out, const char *name, const char *labels,
                           const struct histogram *histogram);

/* A family of one sample without labels. */
void metrics_out_gauge(struct metrics_out *out, const char *name, const char *help, uint64_t value);
void metrics_out_counter(struct metrics_out *out, const char *name, const char *help, uint64_t value);

#define METRICS_TYPE "text/plain; version=0.0.4; charset=utf-8"
