#include "model/limits.h"

#include <errno.h>
#include <inttypes.h>
#include <string.h>

#define ROW(field, unit, min, max, help)                                                           \
    {                                                                                              \
        #field, unit, offsetof(struct limits, field), min, max, help                               \
    }
#define MIB ((uint64_t)1 << 20)
#define GIB ((uint64_t)1 << 30)

/* clang-format off */
const struct limit_info limit_table[N_LIMITS] = {
    ROW(wall_time_ms, "ms",    10,       3600000,  "time from the program's start to its end"),
    ROW(cpu_time_ms,  "ms",    10,       36000000, "CPU time of all its processes together"),
    ROW(memory_bytes, "bytes", 8 * MIB,  64 * GIB, "peak memory of the whole box"),
    ROW(processes,    "",      1,        4096,     "processes and threads at one time"),
    ROW(output_bytes, "bytes", 1,        64 * MIB, "bytes kept of stdout, and of stderr"),
    ROW(file_bytes,   "bytes", 1,        16 * GIB, "size of one file"),
    ROW(box_bytes,    "bytes", MIB,      16 * GIB, "all files in /box, /tmp and /dev/shm"),
    ROW(open_files,   "",      8,        65536,    "open files of one process"),
};
/* clang-format on */

const struct limit_info *limit_find(const char *name, size_t len)
{
    for (size_t i = 0; i < N_LIMITS; i++)
        if (strlen(limit_table[i].name) == len && memcmp(limit_table[i].name, name, len) == 0)
            return &limit_table[i];
    return NULL;
}

uint64_t *limit_at(struct limits *limits, const struct limit_info *info)
{
    return (uint64_t *)(void *)((char *)limits + info->offset);
}

uint64_t limit_get(const struct limits *limits, const struct limit_info *info)
{
    return *(const uint64_t *)(const void *)((const char *)limits + info->offset);
}

int limits_check(const struct limits *limits, struct err *err)
{
    for (size_t i = 0; i < N_LIMITS; i++) {
        const struct limit_info *info = &limit_table[i];
        uint64_t value = limit_get(limits, info);

        if (value < info->min || value > info->max)
            return err_set(err, -ERANGE, "%s is %" PRIu64 ", allowed are %" PRIu64 " to %" PRIu64 "%s%s",
                           info->name, value, info->min, info->max, *info->unit ? " " : "", info->unit);
    }
    return 0;
}

void limits_settle(struct limits *limits, const struct limits *defaults, const struct limits *max)
{
    for (size_t i = 0; i < N_LIMITS; i++) {
        const struct limit_info *info = &limit_table[i];
        uint64_t *value = limit_at(limits, info);

        if (*value == 0)
            *value = limit_get(defaults, info);
        if (*value > limit_get(max, info))
            *value = limit_get(max, info);
    }
}
