#include "api/admit.h"

#include <errno.h>

#include "base/log.h"

static int not_ready(struct api *api, struct fault *fault)
{
    metrics_reject(&api->metrics, REJECT_NOT_READY);
    return fault_set(fault, 503, NULL, "%s", api_not_ready(api));
}

/* r: of the engine. prefix: of the fields' paths. */
static int refuse(struct api *api, int r, const struct err *err, const char *prefix, struct fault *fault)
{
    char field[64];

    switch (r) {
    case ENGINE_E_BUSY:
        metrics_reject(&api->metrics, REJECT_QUEUE_FULL);
        return fault_set(fault, 503, NULL, "too many runs are waiting; try again in a moment");
    case ENGINE_E_SHARE:
        metrics_reject(&api->metrics, REJECT_CALLER_QUEUE_FULL);
        return fault_set(fault, 429, NULL, "%s", err->msg);
    case ENGINE_E_LANGUAGE:
    case ENGINE_E_UNAVAILABLE:
    case ENGINE_E_VERSION:
        metrics_reject(&api->metrics, REJECT_LANGUAGE);
        (void)snprintf(field, sizeof field, "%s%s", prefix, r == ENGINE_E_VERSION ? "version" : "language");
        return fault_set(fault, 422, field, "%s", err->msg);
    default:
        metrics_reject(&api->metrics, REJECT_INTERNAL);
        log_error("a run could not be started: %s", err->msg);
        return fault_set(fault, r == -ENOMEM ? 503 : 500, NULL, "%s", err->msg);
    }
}

int admit_check(struct api *api, struct job *job, const char *prefix, struct fault *fault)
{
    struct err err = {0};
    int r;

    if (api_not_ready(api) != NULL)
        return not_ready(api, fault);
    r = engine_check(api->engine, job, &err);
    return r == 0 ? 0 : refuse(api, r, &err, prefix, fault);
}

static struct engine_caller engine_caller(const struct caller *caller)
{
    return (struct engine_caller){.name = caller->id,
                                  .weight = caller->weight,
                                  .max_running = caller->max_running,
                                  .max_queued = caller->max_queued};
}

/* r: of engine_start*(). */
static int started(struct api *api, int r, const struct caller *caller, const struct err *err, struct fault *fault)
{
    if (r == 0)
        return 0;
    log_debug("a run for %s is refused: %s", caller->id, err->msg);
    return refuse(api, r, err, "", fault);
}

int admit(struct run **ret, struct api *api, const struct caller *caller, struct job *job,
          const struct run_events *events, void *arg, struct fault *fault)
{
    const struct engine_caller who = engine_caller(caller);
    struct err err = {0};

    if (api_not_ready(api) != NULL)
        return not_ready(api, fault);
    return started(api, engine_start(ret, api->engine, &who, job, events, arg, &err), caller, &err, fault);
}

int admit_pair(struct run *ret[2], struct api *api, const struct caller *caller, struct job *const jobs[2],
               const struct run_events *const events[2], void *arg, struct fault *fault)
{
    const struct engine_caller who = engine_caller(caller);
    struct err err = {0};

    if (api_not_ready(api) != NULL)
        return not_ready(api, fault);
    return started(api, engine_start_pair(ret, api->engine, &who, jobs, events, arg, &err), caller, &err, fault);
}
