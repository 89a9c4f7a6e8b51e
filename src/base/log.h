/*
 * log: one line per event on stderr, logfmt: `ts=… level=… comp=… msg="…" key=value`.
 * Only programs (main files and what they own) log; libraries return errors.
 * The sink is the one piece of global state in Glimpse.
 */
#pragma once

#include "base/cleanup.h"

enum log_level { LOG_DEBUG, LOG_INFO, LOG_WARN, LOG_ERROR };

/* component: static, e.g. "boxd". Called once, from main(). */
void log_open(const char *component, enum log_level least);

/* fields: logfmt text that is appended as it is (`job=7 status=ok`), or NULL. msg is quoted. */
void log_line(enum log_level level, const char *fields, const char *fmt, ...) PRINTF_LIKE(3, 4);
#define log_debug(...) log_line(LOG_DEBUG, NULL, __VA_ARGS__)
#define log_info(...)  log_line(LOG_INFO, NULL, __VA_ARGS__)
#define log_warn(...)  log_line(LOG_WARN, NULL, __VA_ARGS__)
#define log_error(...) log_line(LOG_ERROR, NULL, __VA_ARGS__)
