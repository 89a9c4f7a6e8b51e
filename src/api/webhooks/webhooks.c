/*
 * What is due is taken from the database, which counts the attempt and puts the next one off at once: whatever dies
 * meanwhile, it is tried again. Then it is the courier's, and what comes of it goes back to the database.
 */
#include "api/webhooks/webhooks.h"

#include <errno.h>
#include <inttypes.h>

#include "api/v1/submission_json.h"
#include "base/fd.h"
#include "base/instant.h"
#include "base/log.h"
#include "courier/message.h"
#include "store/webhooks.h"

enum {
    LEASE_S = 60, /* longer than the courier takes for one */
    IDLE_MS = 60000,
};

/* After so many seconds, and a tenth more or less; the last row: no more. docs/api.md has them. */
static const uint32_t pauses_s[] = {10, 60, 300, 1800, 7200, 21600, 86400};

struct flight {
    int64_t number;   /* of the submission; 0: free */
    uint32_t attempt; /* from 1 */
};

struct webhooks {
    struct api *api;   /* borrowed */
    uv_poll_t *poll;   /* owned */
    uv_timer_t *timer; /* owned */
    int fd;            /* owned; -1: the courier is lost */
    uint8_t secret[WEBHOOK_SECRET_BYTES];
    bool ready;  /* a courier has said so */
    bool asking; /* the store looks what is due */
    bool again;  /* something may have become due meanwhile */
    bool draining;
    struct flight flights[COURIER_IN_FLIGHT_MAX];
    struct courier_send send; /* too large for every caller's stack */
    void (*on_lost)(void *arg);
    void *arg;
};

static void on_timer(uv_timer_t *timer)
{
    webhooks_pump(timer->data);
}

static void look_in(struct webhooks *webhooks, uint64_t ms)
{
    if (!webhooks->draining)
        (void)uv_timer_start(webhooks->timer, on_timer, ms < IDLE_MS ? ms : IDLE_MS, 0);
}

static size_t n_free(const struct webhooks *webhooks)
{
    size_t n = 0;

    for (size_t i = 0; i < COUNT_OF(webhooks->flights); i++)
        n += webhooks->flights[i].number == 0;
    return n;
}

/* --- What came of one --- */

static void on_noted(void *arg, int r, const struct err *err)
{
    (void)arg;
    if (r < 0) /* the lease ends, and it is tried once more than it should be */
        log_warn("a webhook's outcome can't be stored: %s", err->msg);
}

/* Spread, so that what failed together does not come together again. */
static int64_t next_us(uint32_t attempt)
{
    const int64_t pause_us = (int64_t)pauses_s[attempt - 1] * 1000000;

    return instant_now_us() + pause_us - pause_us / 10 + instant_now_us() % (pause_us / 5 + 1);
}

static void note(struct webhooks *webhooks, const struct flight *flight, bool delivered, const char *answer)
{
    struct webhook_outcome outcome = {.number = flight->number, .delivered = delivered};
    struct err err = {0};

    if (!delivered && flight->attempt <= COUNT_OF(pauses_s))
        outcome.due_us = next_us(flight->attempt);
    (void)snprintf(outcome.answer, sizeof outcome.answer, "%s", answer);
    if (store_webhook_note(webhooks->api->store, &outcome, on_noted, webhooks, &err) < 0)
        log_warn("a webhook's outcome can't be stored: %s", err.msg);
    if (outcome.due_us != 0)
        look_in(webhooks, 0);
}

static void on_done(struct webhooks *webhooks, const struct courier_done *done)
{
    char answer[sizeof done->reason + 1];

    for (size_t i = 0; i < COUNT_OF(webhooks->flights); i++) {
        struct flight flight = webhooks->flights[i];

        if (flight.number == 0 || flight.number != done->head.id)
            continue;
        webhooks->flights[i] = (struct flight){0};
        if (done->status > 0)
            (void)snprintf(answer, sizeof answer, "HTTP %d", (int)done->status);
        else
            (void)snprintf(answer, sizeof answer, "%.*s", (int)sizeof done->reason, done->reason);
        note(webhooks, &flight, done->status >= 200 && done->status <= 299, answer);
        webhooks_pump(webhooks);
        return;
    }
}

/* --- The courier --- */

/* What was its predecessor's is lost: the lease brings it back. */
static void on_ready(struct webhooks *webhooks)
{
    memset(webhooks->flights, 0, sizeof webhooks->flights);
    webhooks->ready = true;
    webhooks_pump(webhooks);
}

static void on_message(uv_poll_t *poll, int status, int events)
{
    struct webhooks *webhooks = poll->data;
    struct courier_done done;
    size_t n_fds;
    ssize_t n = fd_recv_packet(webhooks->fd, &done, sizeof done, NULL, 0, &n_fds, MSG_DONTWAIT);

    (void)status;
    (void)events;
    if (n == -EAGAIN)
        return;
    if (n == (ssize_t)sizeof done.head && done.head.magic == COURIER_MAGIC && done.head.type == COURIER_READY) {
        on_ready(webhooks);
    } else if (n == (ssize_t)sizeof done && done.head.magic == COURIER_MAGIC && done.head.type == COURIER_DONE) {
        on_done(webhooks, &done);
    } else {
        log_error("the courier %s", n == 0 ? "has ended" : "sent what is no message");
        (void)uv_poll_stop(poll);
        closep(&webhooks->fd);
        webhooks->ready = false;
        if (!webhooks->draining)
            webhooks->on_lost(webhooks->arg);
    }
}

/* --- Sending --- */

/* The submission as GET shows it; what is too large comes without its output. */
static int write_body(struct buf *to, const struct submission_row *row)
{
    static const unsigned fields[] = {SUBMISSION_DEFAULT_FIELDS, SUBMISSION_LIST_FIELDS};
    int r = -EFBIG;

    for (size_t i = row->too_large ? 1 : 0; r < 0 && i < COUNT_OF(fields); i++) {
        struct json_out out;

        buf_clear(to);
        out = json_out_to(to);
        submission_write(&out, row, NULL, fields[i], 0);
        r = json_out_end(&out);
    }
    return r;
}

static int body_fd(const struct buf *body)
{
    int fd = fd_memfd("glimpse-webhook");
    int r = fd < 0 ? -errno : fd_write_all(fd, buf_text(body), body->len);

    if (r < 0)
        closep(&fd);
    return r < 0 ? r : fd;
}

static int send_one(struct webhooks *webhooks, const struct submission_row *row)
{
    struct courier_send *send = &webhooks->send;
    CLEANUP(buf_done) struct buf body;
    CLEANUP(closep) int fd = -1;
    int r;

    buf_init(&body, COURIER_BODY_BYTES_MAX);
    r = write_body(&body, row);
    if (r < 0)
        return r;
    fd = body_fd(&body);
    if (fd < 0)
        return fd;
    *send = (struct courier_send){.head = {.magic = COURIER_MAGIC, .type = COURIER_SEND, .id = row->number},
                                  .body_bytes = (uint32_t)body.len};
    (void)snprintf(send->url, sizeof send->url, "%s", row->callback_url);
    (void)snprintf(send->webhook_id, sizeof send->webhook_id, "%s", row->id);
    (void)snprintf(send->timestamp, sizeof send->timestamp, "%" PRId64, instant_now_us() / 1000000);
    webhook_sign(send->signature, webhooks->secret, send->webhook_id, send->timestamp,
                 (struct slice){buf_text(&body), body.len});
    return fd_send_packet(webhooks->fd, send, sizeof *send, &fd, 1);
}

static void dispatch(struct webhooks *webhooks, const struct submission_row *row)
{
    struct flight flight = {.number = row->number, .attempt = row->webhook_tries};
    size_t i = 0;
    int r;

    while (i < COUNT_OF(webhooks->flights) && webhooks->flights[i].number != 0)
        i++;
    if (i == COUNT_OF(webhooks->flights) || webhooks->fd < 0)
        return; /* the lease brings it back */
    r = send_one(webhooks, row);
    if (r == 0)
        webhooks->flights[i] = flight;
    else if (r != -EAGAIN)
        note(webhooks, &flight, false, strerror(-r));
}

static void on_due(void *arg, int r, const struct submission_row *rows, size_t n, int64_t next, const struct err *err)
{
    struct webhooks *webhooks = arg;
    const int64_t now = instant_now_us();

    webhooks->asking = false;
    if (r < 0) {
        log_warn("webhooks can't be read: %s", err->msg);
        look_in(webhooks, IDLE_MS);
        return;
    }
    for (size_t i = 0; i < n && !webhooks->draining; i++)
        dispatch(webhooks, &rows[i]);
    if (webhooks->again)
        webhooks_pump(webhooks);
    else if (next != 0)
        look_in(webhooks, next > now ? (uint64_t)(next - now) / 1000 + 1 : 0);
}

void webhooks_pump(struct webhooks *webhooks)
{
    const int64_t now = instant_now_us();
    struct err err = {0};
    size_t room;

    if (webhooks == NULL)
        return;
    room = n_free(webhooks);
    webhooks->again = webhooks->asking;
    if (!webhooks->ready || webhooks->asking || webhooks->draining || room == 0)
        return;
    webhooks->asking = true;
    if (store_webhooks_take(webhooks->api->store, now, now + LEASE_S * INT64_C(1000000), room,
                            COURIER_BODY_BYTES_MAX, on_due, webhooks, &err) != 0) {
        webhooks->asking = false;
        look_in(webhooks, 1000);
    }
}

/* --- Life --- */

void webhooks_drain(struct webhooks *webhooks)
{
    webhooks->draining = true;
    (void)uv_timer_stop(webhooks->timer);
}

static void on_closed(uv_handle_t *handle)
{
    free(handle);
}

void webhooks_free(struct webhooks *webhooks)
{
    if (webhooks == NULL)
        return;
    if (webhooks->poll != NULL)
        uv_close((uv_handle_t *)webhooks->poll, on_closed);
    if (webhooks->timer != NULL)
        uv_close((uv_handle_t *)webhooks->timer, on_closed);
    closep(&webhooks->fd); /* the courier's sign to end */
    free(webhooks);
}

static int open_handles(struct webhooks *webhooks, struct err *err)
{
    uv_loop_t *loop = webhooks->api->loop;
    int r;

    webhooks->timer = calloc(1, sizeof *webhooks->timer);
    if (webhooks->timer == NULL)
        return err_set(err, -ENOMEM, "webhooks");
    (void)uv_timer_init(loop, webhooks->timer); /* always 0 */
    webhooks->poll = calloc(1, sizeof *webhooks->poll);
    if (webhooks->poll == NULL)
        return err_set(err, -ENOMEM, "webhooks");
    r = uv_poll_init(loop, webhooks->poll, webhooks->fd);
    if (r < 0) {
        free(TAKE_PTR(webhooks->poll));
        return err_set(err, r, "webhooks: %s", uv_strerror(r));
    }
    webhooks->poll->data = webhooks->timer->data = webhooks;
    (void)uv_poll_start(webhooks->poll, UV_READABLE, on_message);
    return 0;
}

int webhooks_new(struct webhooks **ret, struct api *api, const char *data_dir, int fd, void (*on_lost)(void *arg),
                 void *arg, struct err *err)
{
    CLEANUP(webhooks_freep) struct webhooks *webhooks = calloc(1, sizeof *webhooks);
    int r;

    if (webhooks == NULL) {
        closep(&fd);
        return err_set(err, -ENOMEM, "webhooks");
    }
    webhooks->api = api;
    webhooks->fd = fd;
    webhooks->on_lost = on_lost;
    webhooks->arg = arg;
    r = webhook_secret_load(webhooks->secret, data_dir, err);
    if (r == 0)
        r = open_handles(webhooks, err);
    if (r < 0)
        return r;
    *ret = TAKE_PTR(webhooks);
    return 0;
}
