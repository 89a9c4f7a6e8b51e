#include "api/metrics.h"

#include <errno.h>
#include <fcntl.h>

#include "base/instant.h"

static int allow_readers(struct metrics *metrics, const struct strings *readers, struct err *err)
{
    int r = 0;

    if (readers->n == 0)
        return 0;
    metrics->readers = calloc(readers->n, sizeof *metrics->readers);
    if (metrics->readers == NULL)
        return err_set(err, -ENOMEM, "metrics");
    for (; r == 0 && metrics->n_readers < readers->n; metrics->n_readers++)
        r = ip_network_parse(&metrics->readers[metrics->n_readers], readers->at[metrics->n_readers], err);
    return r;
}

int metrics_open(struct metrics *metrics, const struct strings *readers, struct err *err)
{
    *metrics = (struct metrics){.started_us = (uint64_t)instant_now_us(),
                                .statm_fd = open("/proc/self/statm", O_RDONLY | O_CLOEXEC)};
    return metrics->statm_fd < 0 ? err_errno(err, -errno, "/proc/self/statm") : allow_readers(metrics, readers, err);
}

void metrics_close(struct metrics *metrics)
{
    free(metrics->languages);
    free(metrics->boxd.at);
    free(metrics->readers);
    closep(&metrics->statm_fd);
    *metrics = (struct metrics){.statm_fd = -1};
}

static struct metrics_language *find(const struct metrics *metrics, const char *id)
{
    for (size_t i = 0; i < metrics->n_languages; i++)
        if (strcmp(metrics->languages[i].id, id) == 0)
            return &metrics->languages[i];
    return NULL;
}

int metrics_add_languages(struct metrics *metrics, const struct languages *languages, struct err *err)
{
    struct metrics_language *more =
        reallocarray(metrics->languages, metrics->n_languages + languages->n, sizeof *more);

    if (more == NULL)
        return err_set(err, -ENOMEM, "metrics");
    metrics->languages = more;
    for (size_t i = 0; i < languages->n; i++) {
        if (find(metrics, languages->at[i].id) != NULL)
            continue;
        more[metrics->n_languages] = (struct metrics_language){0};
        memcpy(more[metrics->n_languages++].id, languages->at[i].id, LANGUAGE_ID_BYTES);
    }
    return 0;
}

void metrics_on_report(void *arg, const struct engine_report *report)
{
    struct metrics *metrics = arg;
    struct metrics_language *language = find(metrics, report->language->id);

    histogram_observe(&metrics->phases[PHASE_QUEUE], report->queue_us);
    histogram_observe(&metrics->phases[PHASE_TOTAL], report->total_us);
    for (enum stage stage = 0; stage < N_STAGES; stage++) {
        const struct stage_result *result = &report->result->stages[stage];

        if (!result->ran || result->cached)
            continue;
        histogram_observe(&metrics->phases[PHASE_LEASE], report->lease_us[stage]);
        histogram_observe(&metrics->phases[stage == STAGE_COMPILE ? PHASE_COMPILE : PHASE_RUN], result->wall_us);
        if (language != NULL)
            language->cpu_us += result->cpu_us;
    }
    if (language != NULL)
        language->by_status[report->result->status]++;
}

void metrics_reject(struct metrics *metrics, enum reject why)
{
    metrics->rejections[why]++;
}
