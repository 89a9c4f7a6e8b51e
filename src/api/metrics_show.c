/* GET /metrics. What it shows is for the operator: this machine, and the networks that metrics_allow names. */
#include "api/api.h"

/* Routes, languages and statuses are closed lists: a page has tens of kilobytes. */
enum { PAGE_BYTES_MAX = 4 << 20 };

static bool may_read(const struct metrics *metrics, const struct caller *caller)
{
    bool may = caller->local || (caller->has_key && (caller->scopes & KEY_SCOPE_METRICS) != 0);

    for (size_t i = 0; i < metrics->n_readers && !may; i++)
        may = ip_network_has(&metrics->readers[i], &caller->ip);
    return may;
}

static void show(struct http_request *request, void *arg)
{
    CLEANUP(buf_done) struct buf page;

    buf_init(&page, PAGE_BYTES_MAX);
    if (metrics_write(&page, arg) < 0)
        http_answer_problem(request, 500, NULL, "the metrics could not be written");
    else
        http_answer(request, 200, METRICS_TYPE, &page, NULL);
}

void metrics_show(struct http_request *request, void *arg)
{
    struct api *api = arg;

    if (!may_read(&api->metrics, caller_of(request))) {
        http_answer_problem(
            request, 403, NULL,
            "metrics are not shown to %s: a key with the scope metrics is, and whom `metrics_allow` names",
            caller_of(request)->id);
        return;
    }
    if (!metrics_ask_boxd(&api->metrics, request, api->loop, show, api))
        http_answer_problem(request, 503, NULL, "too many are reading the metrics; try again in a moment");
}
