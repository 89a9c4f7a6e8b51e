/* The part of the page that is about boxes and glimpse-boxd. */
#include "api/metrics.h"

struct gauge {
    const char *name, *type, *help;
    uint64_t (*value)(const struct wire_figures *figures);
};

static uint64_t target(const struct wire_figures *figures)
{
    return figures->target;
}

static uint64_t waits(const struct wire_figures *figures)
{
    return figures->waits;
}

static uint64_t is_ready(const struct wire_figures *figures)
{
    return (figures->flags & WIRE_FIGURES_READY) != 0;
}

static uint64_t idle_bytes(const struct wire_figures *figures)
{
    return figures->idle * figures->box_bytes;
}

static uint64_t hits(const struct wire_figures *figures)
{
    return figures->hits;
}

static uint64_t misses(const struct wire_figures *figures)
{
    return figures->misses;
}

/* clang-format off */
static const struct gauge gauges[] = {
    {"glimpse_pool_target_boxes", "gauge", "Idle sandboxes that are kept now, by what waits in them.", target},
    {"glimpse_pool_waiting_leases", "gauge", "Stages that wait for a sandbox.", waits},
    {"glimpse_pool_ready", "gauge", "1 while sandboxes of this kind can be made.", is_ready},
    {"glimpse_pool_idle_bytes", "gauge", "Memory of idle sandboxes with an interpreter in them.", idle_bytes},
    {"glimpse_pool_hits_total", "counter", "Stages that found an idle sandbox.", hits},
    {"glimpse_pool_misses_total", "counter", "Stages that found none, and waited or began cold.", misses},
};
/* clang-format on */

/* A kind: boxes for any language have neither language nor stage. */
static void write_labelled(struct metrics_out *out, const char *name, const struct wire_figures *figures,
                           const char *more, uint64_t value)
{
    const bool plain = figures->language[0] == '\0';

    metrics_out_uint(out, value, "%s{language=\"%s\",stage=\"%s\"%s}", name, plain ? "any" : figures->language,
                     plain ? "any" : stage_names[figures->stage], more);
}

static void write_boxes(struct metrics_out *out, const struct boxd_figures *boxd)
{
    metrics_out_family(out, "glimpse_pool_boxes", "gauge", "Sandboxes, by what waits in them and state.");
    for (uint32_t i = 0; i < boxd->n; i++) {
        write_labelled(out, "glimpse_pool_boxes", &boxd->at[i], ",state=\"idle\"", boxd->at[i].idle);
        write_labelled(out, "glimpse_pool_boxes", &boxd->at[i], ",state=\"warming\"", boxd->at[i].warming);
        write_labelled(out, "glimpse_pool_boxes", &boxd->at[i], ",state=\"leased\"", boxd->at[i].leased);
    }
}

void metrics_write_boxd(struct metrics_out *out, const struct boxd_figures *boxd)
{
    const struct wire_figures *whole;

    if (boxd->n == 0)
        return;
    whole = &boxd->at[boxd->n - 1]; /* the newest */
    write_boxes(out, boxd);
    for (size_t i = 0; i < COUNT_OF(gauges); i++) {
        metrics_out_family(out, gauges[i].name, gauges[i].type, gauges[i].help);
        for (uint32_t j = 0; j < boxd->n; j++)
            write_labelled(out, gauges[i].name, &boxd->at[j], "", gauges[i].value(&boxd->at[j]));
    }
    metrics_out_gauge(out, "glimpse_slots", "Sandboxes that may be alive at one time.", whole->slots);
    metrics_out_gauge(out, "glimpse_slots_empty", "Slots without a sandbox.", whole->slots_empty);
    metrics_out_family(out, "glimpse_boxd_cpu_seconds_total", "counter", "CPU time of glimpse-boxd.");
    metrics_out_seconds(out, whole->cpu_us, "glimpse_boxd_cpu_seconds_total");
    metrics_out_gauge(out, "glimpse_boxd_resident_memory_bytes", "Memory of glimpse-boxd.", whole->resident_bytes);
    metrics_out_gauge(out, "glimpse_boxd_open_fds", "Open files of glimpse-boxd.", whole->open_files);
}
