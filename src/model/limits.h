/*
 * limits: what one stage of a job may use. All are hard; zero is never "unlimited".
 * The table gives each limit its name, unit and bounds: JSON, language files, the command line and
 * the wire check all read it, so that no number goes unchecked.
 */
#pragma once

#include <stddef.h>
#include <stdint.h>

#include "base/err.h"

/* Every field is uint64_t so that the table can address it by offset, and the wire needs no padding. */
struct limits {
    uint64_t wall_time_ms; /* from the start of the program to its end */
    uint64_t cpu_time_ms;  /* user + system, all processes of the box together, reaped ones too */
    uint64_t memory_bytes; /* peak of the whole box: processes, its tmpfs, page tables, sockets */
    uint64_t processes;    /* processes and threads at one time */
    uint64_t output_bytes; /* of stdout, and as much again of stderr */
    uint64_t file_bytes;   /* size of one file (RLIMIT_FSIZE) */
    uint64_t box_bytes;    /* /box, /tmp and /dev/shm together; their memory counts as memory_bytes too */
    uint64_t open_files;   /* descriptors of one process (RLIMIT_NOFILE) */
};

enum { N_LIMITS = sizeof(struct limits) / sizeof(uint64_t) };

struct limit_info {
    const char *name; /* as in JSON and language files */
    const char *unit; /* "ms", "bytes", "" */
    size_t offset;    /* in struct limits */
    uint64_t min, max; /* no configuration can go beyond these */
    const char *help;
};
extern const struct limit_info limit_table[N_LIMITS];

/* NULL where there is no limit of that name. */
const struct limit_info *limit_find(const char *name, size_t len);
uint64_t *limit_at(struct limits *limits, const struct limit_info *info);
uint64_t limit_get(const struct limits *limits, const struct limit_info *info);

/* 0, or -ERANGE with a sentence that names the first limit outside its bounds. */
MUST_CHECK int limits_check(const struct limits *limits, struct err *err);
/* Fills zero fields of *limits from *defaults and lowers what is above *max ("requests ask, the
 * operator's maximum clamps"). */
void limits_settle(struct limits *limits, const struct limits *defaults, const struct limits *max);
