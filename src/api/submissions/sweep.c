/* Retention: what has been finished for too long, or is too much, goes in small steps, so that nobody waits. */
#include "api/submissions/internal.h"
#include "base/instant.h"
#include "base/log.h"

enum {
    PAUSE_MS = 60000,
    STEP_MS = 50, /* between two steps while there is more to do: others write, too */
    KEY_HOURS = 24,
};

static void on_time(uv_timer_t *timer);

static void on_swept(void *arg, int r, const struct err *err)
{
    struct submissions *all = arg;

    all->sweeping = false;
    if (r < 0)
        log_warn("old submissions can't be deleted: %s", err->msg);
    if (!all->draining)
        (void)uv_timer_start(all->sweep, on_time, r == STORE_E_MORE ? STEP_MS : PAUSE_MS, 0);
}

static void on_time(uv_timer_t *timer)
{
    struct submissions *all = timer->data;
    const int64_t now = instant_now_us();
    const struct submission_sweep sweep = {
        .finished_before_us = all->config.keep_ms == 0 ? 0 : now - (int64_t)all->config.keep_ms * 1000,
        .keys_before_us = now - KEY_HOURS * INT64_C(3600000000),
        .bytes_max = all->config.bytes_max,
    };
    struct err err = {0};

    if (all->draining || all->sweeping)
        return;
    all->sweeping = true;
    if (store_submissions_sweep(all->api->store, &sweep, on_swept, all, &err) != 0)
        on_swept(all, 0, NULL); /* busy: later */
}

void submissions_start_sweeping(struct submissions *all)
{
    enum { FIRST_MS = 5000 };

    (void)uv_timer_start(all->sweep, on_time, FIRST_MS, 0);
}
