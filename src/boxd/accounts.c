/* accounts: the cgroup of a box: its limits, its figures, and the clocks that look at them. */
#include "base/clock.h"
#include "base/log.h"
#include "boxd/boxd.h"

enum {
    /* init holds the wall clock. boxd's own comes this much later, for an init that was stopped or starved. */
    WALL_GRACE_MS = 2000,
    /* CPU time is looked at when it could have reached the limit at the earliest, but not more often than this. */
    CPU_CHECK_MIN_MS = 1,
    /* Where the kernel keeps no peak of memory, it is looked at this often. */
    SAMPLE_MS = 20,
};

int box_set_limits(struct box *box, const struct limits *limits, struct err *err)
{
    /* What is ours in the box is on top of the job's: an interpreter that waits has a keeper (init/zygote_keeper.c). */
    const struct cgroup_limits wanted = {.memory_bytes = limits->memory_bytes,
                                         .processes = limits->processes + (box->kind != KIND_PLAIN)};
    int r = cgroup_set_limits(box->boxd->cgroups, box->serial, &box->limits, &wanted, err);

    if (r == 0)
        box->limits = wanted;
    return r;
}

int box_set_usual_limits(struct box *box, struct err *err)
{
    return box_set_limits(box, languages_usual_limits(STAGE_RUN), err);
}

int box_make_group(struct box *box, struct err *err)
{
    int r = cgroup_make(box->boxd->cgroups, box->serial, err);

    box->limits = (struct cgroup_limits){0};
    if (r < 0)
        return r;
    r = box_set_usual_limits(box, err);
    if (r == 0)
        r = cgroup_open_gauges(box->boxd->cgroups, box->serial, &box->gauges, err);
    if (r < 0 && cgroup_remove(box->boxd->cgroups, box->serial) < 0)
        log_error("a new group can't be removed");
    return r;
}

void box_read_cpu_base(struct box *box)
{
    struct err err = {0};

    box->cpu_base_at_us = now_us();
    if (cgroup_read_cpu_us(box->boxd->cgroups, &box->gauges, &box->cpu_base_us, &err) < 0)
        log_error("CPU time of a box: %s", err.msg);
}

struct wire_used box_usage(const struct box *box, enum wire_type type)
{
    struct wire_used used = {.head = wire_head(type, box->lease_id), .cause = box->cause};
    struct cgroup_usage usage = {0};
    struct err err = {0};

    if (cgroup_read_usage(box->boxd->cgroups, &box->gauges, &usage, &err) < 0)
        log_error("figures of a box: %s", err.msg);
    used.cpu_us = usage.cpu_us > box->cpu_base_us ? usage.cpu_us - box->cpu_base_us : 0;
    used.memory_peak_bytes = usage.memory_peak_bytes;
    if (used.memory_peak_bytes < box->sampled_peak_bytes)
        used.memory_peak_bytes = box->sampled_peak_bytes;
    used.oom_kills = usage.oom_kills;
    used.forks_refused = usage.forks_refused;
    return used;
}

static void on_check(uv_timer_t *timer);

/* When the limit can be reached at the earliest: all CPUs busy with this box from now on. */
static void schedule_check(struct box *box, uint64_t cpu_used_us)
{
    uint64_t now = now_us(), cpu_left = (box->cpu_limit_us - cpu_used_us) / box->boxd->n_cpus;
    uint64_t wall_left = box->deadline_us > now ? box->deadline_us - now : 0;
    uint64_t wait_ms = (cpu_left < wall_left ? cpu_left : wall_left) / 1000;

    if (!cgroups_keep_peak(box->boxd->cgroups) && wait_ms > SAMPLE_MS)
        wait_ms = SAMPLE_MS;
    (void)uv_timer_start(&box->timer, on_check, wait_ms > CPU_CHECK_MIN_MS ? wait_ms : CPU_CHECK_MIN_MS, 0);
}

static void on_check(uv_timer_t *timer)
{
    struct box *box = timer->data;
    uint64_t cpu_us = 0;
    struct err err = {0};

    if (cgroup_read_cpu_us(box->boxd->cgroups, &box->gauges, &cpu_us, &err) < 0)
        log_error("CPU time of a box: %s", err.msg);
    if (!cgroups_keep_peak(box->boxd->cgroups))
        box->sampled_peak_bytes = box_usage(box, WIRE_USED).memory_peak_bytes;
    cpu_us = cpu_us > box->cpu_base_us ? cpu_us - box->cpu_base_us : 0;
    if (cpu_us >= box->cpu_limit_us)
        box->cause = WIRE_CAUSE_CPU_TIME;
    else if (now_us() >= box->deadline_us)
        box->cause = WIRE_CAUSE_WALL_TIME;
    if (box->cause == WIRE_CAUSE_NONE)
        schedule_check(box, cpu_us);
    else
        box_kill(box); /* on_dead() tells the client */
}

void box_start_clocks(struct box *box, const struct limits *limits)
{
    box->cpu_limit_us = limits->cpu_time_ms * 1000;
    box->deadline_us = now_us() + (limits->wall_time_ms + WALL_GRACE_MS) * 1000;
    schedule_check(box, 0);
}
