#include "engine/verdict.h"

#include <inttypes.h>
#include <signal.h>
#include <stdio.h>

/* 268435456 bytes -> "256 MiB", 10000 ms -> "10 s": numbers as people set them. */
static const char *show_limit(char *text, size_t size, const struct limits *limits,
                              const char *name)
{
    const struct limit_info *info = limit_find(name, strlen(name));
    uint64_t value = limit_get(limits, info);
    const char *unit = info->unit;

    if (strcmp(unit, "bytes") == 0 && value % (1 << 20) == 0) {
        value >>= 20;
        unit = "MiB";
    } else if (strcmp(unit, "bytes") == 0 && value % (1 << 10) == 0) {
        value >>= 10;
        unit = "KiB";
    } else if (strcmp(unit, "ms") == 0 && value % 1000 == 0) {
        value /= 1000;
        unit = "s";
    }
    (void)snprintf(text, size, "%" PRIu64 "%s%s", value, *unit ? " " : "", unit);
    return text;
}

static enum status failed_by_itself(const struct stage_end *end)
{
    if (end->how == WIRE_EXIT_SIGNALED)
        return STATUS_SIGNALED;
    return end->stage == STAGE_COMPILE ? STATUS_COMPILE_ERROR : STATUS_RUNTIME_ERROR;
}

static bool killed_by(const struct stage_end *end, int signal)
{
    return end->exited && end->how == WIRE_EXIT_SIGNALED && end->code == signal;
}

static enum status status_of(const struct stage_end *end)
{
    if (end->cancelled)
        return STATUS_CANCELLED;
    if (end->failure != NULL)
        return STATUS_INTERNAL_ERROR;
    if (end->cause == WIRE_CAUSE_CPU_TIME)
        return STATUS_CPU_TIME_LIMIT;
    if (end->cause == WIRE_CAUSE_WALL_TIME || (end->exited && end->how == WIRE_EXIT_WALL_TIME))
        return STATUS_WALL_TIME_LIMIT;
    if (end->too_much_output)
        return STATUS_OUTPUT_LIMIT;
    if (end->too_big != NULL)
        return STATUS_DISK_LIMIT;
    if (end->exited && end->how == WIRE_EXIT_EXITED && end->code == 0)
        return STATUS_OK;
    if (end->oom_kills > 0)
        return STATUS_MEMORY_LIMIT; /* also when it was init that the kernel chose */
    if (!end->exited)
        return STATUS_INTERNAL_ERROR;
    if (killed_by(end, SIGXFSZ) || end->disk_full)
        return STATUS_DISK_LIMIT;
    if (end->forks_refused > 0)
        return STATUS_PROCESS_LIMIT;
    if (end->says_out_of_memory)
        return STATUS_MEMORY_LIMIT;
    return failed_by_itself(end);
}

/* clang-format off */
static const struct {
    const char *limit; /* its value goes into the sentence */
    const char *sentence;
} explanations[N_STATUSES] = {
    [STATUS_WALL_TIME_LIMIT] = {"wall_time_ms", "it ran for longer than %s"},
    [STATUS_CPU_TIME_LIMIT]  = {"cpu_time_ms",  "it used more than %s of CPU time"},
    [STATUS_MEMORY_LIMIT]    = {"memory_bytes", "it needed more than %s of memory"},
    [STATUS_OUTPUT_LIMIT]    = {"output_bytes", "it wrote more than %s to one stream"},
    [STATUS_PROCESS_LIMIT]   = {"processes",    "it wanted more than %s processes and threads"},
    [STATUS_DISK_LIMIT]      = {"box_bytes",    "its files in /box and /tmp need more than %s, or are too many"},
};
/* clang-format on */

static void explain(struct verdict *verdict, const struct stage_end *end,
                    const struct limits *limits)
{
    const char *limit = explanations[verdict->status].limit;
    const char *sentence = explanations[verdict->status].sentence;
    char value[40], what[160], name[32];

    if (verdict->status == STATUS_DISK_LIMIT && killed_by(end, SIGXFSZ)) {
        limit = "file_bytes";
        sentence = "it wrote a file of more than %s";
    }
    if (verdict->status == STATUS_DISK_LIMIT && end->too_big != NULL) {
        (void)snprintf(verdict->message, sizeof verdict->message, "%s", end->too_big);
    } else if (sentence != NULL) {
#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wformat-nonliteral" /* from the table above */
        (void)snprintf(what, sizeof what, sentence, show_limit(value, sizeof value, limits, limit));
#pragma GCC diagnostic pop
        (void)snprintf(verdict->message, sizeof verdict->message, "%s stage: %s (%s)",
                       stage_names[end->stage], what, limit);
    } else if (verdict->status == STATUS_SIGNALED) {
        (void)snprintf(verdict->message, sizeof verdict->message, "%s stage: ended by %s",
                       stage_names[end->stage], signal_name(end->code, name, sizeof name));
    } else if (verdict->status == STATUS_INTERNAL_ERROR) {
        (void)snprintf(verdict->message, sizeof verdict->message, "%s",
                       end->failure ? end->failure : "the sandbox ended before its program did");
    }
}

void verdict_of(struct verdict *ret, const struct stage_end *end, const struct limits *limits)
{
    *ret = (struct verdict){.status = status_of(end), .exit_code = -1};
    if (end->exited && end->how == WIRE_EXIT_EXITED)
        ret->exit_code = end->code;
    if (end->exited && end->how == WIRE_EXIT_SIGNALED)
        ret->signal = end->code;
    explain(ret, end, limits);
}
