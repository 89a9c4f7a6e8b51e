/*
 * What glimpse-boxd knows: asked for when somebody wants to see it, kind by kind, each when the one before has
 * come, so that boxd never has more than one answer to write. Who comes meanwhile waits for the same figures. A boxd
 * that is busy for longer than PATIENCE_MS, or is not there, is left out of the page.
 */
#include "api/metrics.h"

enum { PATIENCE_MS = 500, SCRAPES_MAX = 64 };

struct scrape {
    struct metrics *metrics; /* borrowed */
    struct scrape *prev, *next;
    uv_timer_t timer;
    struct http_request *request; /* borrowed */
    void (*on_done)(struct http_request *request, void *arg);
    void *arg;
};

static void on_closed(uv_handle_t *handle)
{
    free(handle->data);
}

static void scrape_end(struct scrape *scrape, bool tell)
{
    struct metrics *metrics = scrape->metrics;

    if (scrape->prev != NULL)
        scrape->prev->next = scrape->next;
    else
        metrics->boxd.waiting = scrape->next;
    if (scrape->next != NULL)
        scrape->next->prev = scrape->prev;
    metrics->boxd.n_waiting--;
    uv_close((uv_handle_t *)&scrape->timer, on_closed);
    if (tell)
        scrape->on_done(scrape->request, scrape->arg);
}

/* The figures are whole, or given up. */
static void end_all(struct metrics *metrics)
{
    metrics->boxd.n_asked = 0;
    while (metrics->boxd.waiting != NULL)
        scrape_end(metrics->boxd.waiting, true);
}

static void give_up(struct metrics *metrics)
{
    metrics->boxd.n = 0;
    end_all(metrics);
}

static void on_gone(void *arg)
{
    scrape_end(arg, false);
}

static void on_late(uv_timer_t *timer)
{
    give_up(((struct scrape *)timer->data)->metrics);
}

static void ask(struct metrics *metrics, uint32_t kind)
{
    if (!engine_ask_boxd(metrics->engine, kind))
        give_up(metrics);
}

/* The first answer says how many there are. False: there is no memory for them. */
static bool make_room(struct boxd_figures *boxd, uint32_t n)
{
    struct wire_figures *at = reallocarray(boxd->at, n, sizeof *at);

    if (at == NULL)
        return false;
    boxd->at = at;
    boxd->n_asked = n;
    return true;
}

void metrics_on_figures(void *arg, const struct wire_figures *figures)
{
    struct metrics *metrics = arg;
    struct boxd_figures *boxd = &metrics->boxd;

    if (figures == NULL && boxd->n_asked > 0)
        give_up(metrics);
    /* Another kind than the next was asked for by somebody who has given up. */
    if (figures == NULL || boxd->n_asked == 0 || figures->kind != boxd->n)
        return;
    if (figures->n_kinds != boxd->n_asked && !make_room(boxd, figures->n_kinds)) {
        give_up(metrics);
        return;
    }
    boxd->at[boxd->n++] = *figures;
    if (boxd->n == boxd->n_asked)
        end_all(metrics);
    else
        ask(metrics, boxd->n);
}

static void scrape_wait(struct scrape *scrape, uv_loop_t *loop)
{
    struct boxd_figures *boxd = &scrape->metrics->boxd;

    (void)uv_timer_init(loop, &scrape->timer); /* neither can fail */
    scrape->timer.data = scrape;
    (void)uv_timer_start(&scrape->timer, on_late, PATIENCE_MS, 0);
    scrape->next = boxd->waiting;
    if (scrape->next != NULL)
        scrape->next->prev = scrape;
    boxd->waiting = scrape;
    boxd->n_waiting++;
    http_request_on_gone(scrape->request, on_gone, scrape);
}

bool metrics_ask_boxd(struct metrics *metrics, struct http_request *request, uv_loop_t *loop,
                      void (*on_done)(struct http_request *request, void *arg), void *arg)
{
    struct boxd_figures *boxd = &metrics->boxd;
    struct scrape *scrape = boxd->n_waiting < SCRAPES_MAX ? calloc(1, sizeof *scrape) : NULL;

    if (scrape == NULL)
        return false;
    *scrape = (struct scrape){.metrics = metrics, .request = request, .on_done = on_done, .arg = arg};
    scrape_wait(scrape, loop);
    if (boxd->n_asked > 0)
        return true; /* it comes for the others already */
    boxd->n = 0;
    if (!make_room(boxd, 1))
        give_up(metrics);
    else
        ask(metrics, 0);
    return true;
}

void metrics_stop_asking(struct metrics *metrics)
{
    metrics->boxd.n_asked = 0;
    while (metrics->boxd.waiting != NULL) {
        http_request_on_gone(metrics->boxd.waiting->request, NULL, NULL);
        scrape_end(metrics->boxd.waiting, false);
    }
}
