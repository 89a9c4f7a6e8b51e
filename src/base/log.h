/*
 * log: one line per event on stderr, in one write. As logfmt, as JSON, or as text for people:
 *
 *   ts=2026-11-21T20:43:46.294Z level=info comp=boxd msg="boxes are ready" slots=56
 *   {"ts":"2026-11-21T20:43:46.294Z","level":"info","comp":"boxd","msg":"boxes are ready","slots":56}
 *   2026-11-21 20:43:46.294 info boxd: boxes are ready slots=56
 *
 * Whatever a value holds, it stays one value of one line: control characters, quotes and what is not UTF-8 are escaped.
 * Only programs (main files and what they own) log; libraries return errors.
 * The sink is the one piece of global state in Glimpse.
 */
#pragma once

#include <stdint.h>

#include "base/cleanup.h"

enum log_level { LOG_DEBUG, LOG_INFO, LOG_WARN, LOG_ERROR };
enum log_format { LOG_LOGFMT, LOG_JSON, LOG_TEXT };

/* component: static, e.g. "boxd". From main(); again when the settings are known, or have changed. */
void log_open(const char *component, enum log_level least, enum log_format format);

/* A list ends with a NULL name. */
struct log_field {
    const char *name; /* a plain word of ours */
    const char *text; /* borrowed; NULL: the number */
    uint64_t number;
};

/* fields: NULL: none. */
void log_fields(enum log_level level, const struct log_field *fields, const char *fmt, ...) PRINTF_LIKE(3, 4);
#define log_debug(...) log_fields(LOG_DEBUG, NULL, __VA_ARGS__)
#define log_info(...)  log_fields(LOG_INFO, NULL, __VA_ARGS__)
#define log_warn(...)  log_fields(LOG_WARN, NULL, __VA_ARGS__)
#define log_error(...) log_fields(LOG_ERROR, NULL, __VA_ARGS__)
