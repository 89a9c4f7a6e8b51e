/* boxes: the slots. The states and what holds in each are in boxd.h; box_set_state() is the one place that
 * changes them. */
#include <assert.h>
#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/wait.h>

#include "base/clock.h"
#include "base/fd.h"
#include "base/log.h"
#include "boxd/boxd.h"

enum {
    BURY_RETRY_MS = 1,
    /* Making a box takes 2 ms; one that takes this long never will be. */
    PATIENCE_MS = 10000,
    /* What a box has used so long ago is read again when it is leased: a runtime's own threads run, a little, also
     * while it waits. */
    CPU_BASE_AGE_MS = 1000,
    /* After a failure no box is made for a while, twice as long each time. */
    PAUSE_MIN_MS = 100,
    PAUSE_MAX_MS = 5000,
};

static void box_set_state(struct box *box, enum box_state state)
{
    box->state = state;
}

static const char *box_state_name(enum box_state state)
{
    static const char *const names[] = {"empty", "cloning", "booting", "idle", "warming", "leased", "dying"};

    return names[state];
}

/* ---- Burial ---- */

static void on_bury_retry(uv_timer_t *timer);

/* Every handle is closed and the process is dead: the group goes, and the slot is free. */
static void box_bury(struct box *box)
{
    struct boxd *boxd = box->boxd;
    int r = cgroup_remove(boxd->cgroups, box->serial);

    if (r < 0) {
        /* Zombies of the box are still being taken down, or a process was cloned but not yet handed to us. */
        cgroup_kill(boxd->cgroups, box->serial);
        if (uv_timer_start(&box->timer, on_bury_retry, BURY_RETRY_MS, 0) == 0)
            return;
    }
    box_set_state(box, BOX_EMPTY);
    pool_refill(boxd);
}

static void on_bury_retry(uv_timer_t *timer)
{
    box_bury(timer->data);
}

static void on_handle_closed(uv_handle_t *handle)
{
    struct box *box = handle->data;

    if (--box->n_handles == 0 && box->pidfd < 0)
        box_bury(box);
}

static void close_poll(uv_poll_t *poll, bool *polled)
{
    if (!*polled)
        return;
    *polled = false;
    (void)uv_poll_stop(poll);
    uv_close((uv_handle_t *)poll, on_handle_closed);
}

/* From the process's death, or without one, to EMPTY. */
static void box_end(struct box *box)
{
    box_set_state(box, BOX_DYING);
    (void)uv_timer_stop(&box->timer);
    close_poll(&box->job_poll, &box->job_polled);
    close_poll(&box->pid_poll, &box->pid_polled);
    closep(&box->job_fd);
    closep(&box->pidfd);
    cgroup_close_gauges(&box->gauges);
    if (box->n_handles == 0)
        box_bury(box);
}

/* The kernel kills all of a pid namespace with its init. */
void box_kill(struct box *box)
{
    if (box->pidfd >= 0)
        (void)syscall(SYS_pidfd_send_signal, box->pidfd, SIGKILL, NULL, 0);
}

void box_release(struct box *box)
{
    box->client = NULL;
    if (box->state == BOX_LEASED) {
        box_set_state(box, BOX_DYING);
        (void)uv_timer_stop(&box->timer);
        box_kill(box); /* on_dead() does the rest */
    }
}

/* ---- Life ---- */

static void on_box_says(uv_poll_t *poll, int status, int events);

static void on_pause_over(uv_timer_t *timer)
{
    pool_refill(timer->data);
}

static void pause_making(struct boxd *boxd)
{
    boxd->pause_ms = boxd->pause_ms == 0 ? PAUSE_MIN_MS : boxd->pause_ms * 2;
    if (boxd->pause_ms > PAUSE_MAX_MS)
        boxd->pause_ms = PAUSE_MAX_MS;
    (void)uv_timer_start(&boxd->pause, on_pause_over, boxd->pause_ms, 0);
}

static void box_fail(struct box *box, const struct err *err)
{
    struct boxd *boxd = box->boxd;
    struct wait *wait = TAILQ_FIRST(&boxd->waits);

    if (boxd->stopping)
        return;
    log_error("a box could not be made: %s", err->msg);
    pause_making(boxd);
    if (boxd->on_first_box != NULL) {
        boxd->on_first_box(boxd, err);
    } else if (wait != NULL) { /* whoever waits longest gets an honest answer instead of an endless wait */
        wait_remove(boxd, wait);
        client_refuse(wait->client, wait->lease.head.id, err);
        free(wait);
    }
}

/* pidfd is readable: the box's init is dead, and with it everything in its pid namespace. */
static void on_dead(uv_poll_t *poll, int status, int events)
{
    struct box *box = poll->data;
    siginfo_t info = {0};
    enum box_state was;

    /* It may have said why, and that event comes after this one. */
    if (box->state == BOX_BOOTING || box->state == BOX_WARMING)
        on_box_says(&box->job_poll, status, events);
    was = box->state;
    if (waitid(P_PIDFD, (id_t)box->pidfd, &info, WEXITED | WNOHANG) < 0 && errno != ECHILD) {
        log_error("waitid: %s", strerror(errno));
        return;
    }
    if (was == BOX_LEASED) {
        struct wire_used ended;

        if (box->cause == WIRE_CAUSE_NONE)
            box->cause = WIRE_CAUSE_EXIT;
        ended = box_usage(box, WIRE_ENDED);
        client_send(box->client, &ended, sizeof ended, -1);
        box->client = NULL;
    } else if (was == BOX_BOOTING || was == BOX_IDLE || was == BOX_WARMING) {
        struct err err;

        (void)err_set(&err, -ECHILD, "init of slot %u died while %s (%s %d)", box->slot, box_state_name(was),
                      info.si_code == CLD_EXITED ? "status" : "signal", info.si_status);
        if (was == BOX_BOOTING)
            box_fail(box, &err);
        else if (was == BOX_WARMING)
            nursery_distrust(box->boxd, box->kind, &err);
        else if (!box->boxd->stopping)
            log_warn("%s", err.msg);
    }
    box_end(box);
}

static bool is_old(const struct box *box)
{
    const struct zygote_link *links = box->boxd->nursery.zygotes;

    return box->made_in != links[KIND_PLAIN].generation ||
           (box->kind != KIND_PLAIN && box->warmed_in != links[box->kind].generation);
}

void boxes_give_up_old(struct boxd *boxd)
{
    for (uint32_t i = 0; i < boxd->n_slots; i++)
        if (boxd->boxes[i].state == BOX_IDLE && is_old(&boxd->boxes[i]))
            box_give_up(&boxd->boxes[i]);
}

/* BOOTING or WARMING -> IDLE */
static void box_ready(struct box *box)
{
    struct boxd *boxd = box->boxd;

    (void)uv_poll_stop(&box->job_poll); /* it may be needed again: for an interpreter */
    (void)uv_timer_stop(&box->timer);
    if (box->state == BOX_WARMING) {
        boxd->nursery.zygotes[box->kind].box_bytes = box_usage(box, WIRE_USED).memory_peak_bytes;
        nursery_trust(boxd, box->kind);
    }
    box_set_state(box, BOX_IDLE);
    boxd->pause_ms = 0;
    box_read_cpu_base(box);
    if (boxd->on_first_box != NULL)
        boxd->on_first_box(boxd, NULL);
    if (is_old(box))
        box_give_up(box);
    pool_refill(boxd);
}

/* Ends a box that nobody has; on_dead() does the rest. */
void box_give_up(struct box *box)
{
    box_set_state(box, BOX_DYING);
    (void)uv_timer_stop(&box->timer);
    if (box->job_polled)
        (void)uv_poll_stop(&box->job_poll);
    box_kill(box);
}

/* BOOTING or WARMING comes to nothing. */
static void box_make_failed(struct box *box, const struct err *err)
{
    bool warming = box->state == BOX_WARMING;

    box_give_up(box);
    if (warming)
        nursery_distrust(box->boxd, box->kind, err);
    else
        box_fail(box, err);
}

/* A message of a box that is made or warmed: READY, or FAILED from set-up or init. */
static void on_box_says(uv_poll_t *poll, int status, int events)
{
    struct box *box = poll->data;
    unsigned char bytes[WIRE_MAX_BYTES];
    union wire_msg msg;
    struct err err = {0};
    size_t n_fds = 0;
    ssize_t n = fd_recv_packet(box->job_fd, bytes, sizeof bytes, NULL, 0, &n_fds, MSG_DONTWAIT);

    (void)status;
    (void)events;
    if (n == -EAGAIN)
        return;
    if (n > 0 && wire_decode(&msg, bytes, (size_t)n, n_fds, WIRE_FROM_INIT, &err) == 0 && msg.head.type == WIRE_READY) {
        box_ready(box);
        return;
    }
    if (n > 0 && err.code == 0 && msg.head.type == WIRE_FAILED)
        (void)err_set(&err, msg.failed.code, "%s", msg.failed.msg);
    else if (err.code == 0)
        (void)err_set(&err, -EPIPE, "init of slot %u closed its socket", box->slot);
    box_make_failed(box, &err);
}

static void on_impatient(uv_timer_t *timer)
{
    struct box *box = timer->data;
    struct err err;

    if (box->state == BOX_CLONING || (box->state == BOX_WARMING && !box->entered)) {
        nursery_replace(box->boxd, box->kind, "it does not answer");
        return;
    }
    (void)err_set(&err, -ETIMEDOUT, "init of slot %u is not ready in time", box->slot);
    box_make_failed(box, &err);
}

static int watch(struct box *box, uv_poll_t *poll, bool *polled, int fd, uv_poll_cb callback)
{
    int r = uv_poll_init(box->boxd->loop, poll, fd);

    if (r < 0)
        return r;
    poll->data = box;
    box->n_handles++;
    *polled = true;
    return uv_poll_start(poll, UV_READABLE, callback); /* cannot fail for a descriptor that was taken */
}

static struct box *find_serial(struct boxd *boxd, uint64_t serial, enum box_state state)
{
    for (uint32_t i = 0; i < boxd->n_slots; i++)
        if (boxd->boxes[i].state == state && boxd->boxes[i].serial == serial)
            return &boxd->boxes[i];
    return NULL;
}

/* Ends a box that is not watched. */
static void box_discard(struct box *box)
{
    box_kill(box);
    if (box->pidfd >= 0) /* blocks for as long as a kill takes */
        (void)waitid(P_PIDFD, (id_t)box->pidfd, &(siginfo_t){0}, WEXITED);
    box_end(box);
}

void boxes_on_spawned(struct boxd *boxd, uint64_t serial, int pidfd)
{
    struct box *box = find_serial(boxd, serial, BOX_CLONING);

    assert(box != NULL); /* the zygote answers each SPAWN once, in order, and is not older than the slot's life */
    box->pidfd = pidfd;
    box_set_state(box, BOX_BOOTING);
    if (watch(box, &box->pid_poll, &box->pid_polled, box->pidfd, on_dead) < 0 ||
        watch(box, &box->job_poll, &box->job_polled, box->job_fd, on_box_says) < 0) {
        struct err err;

        (void)err_set(&err, -ENOMEM, "watching a box");
        box_fail(box, &err);
        box_discard(box);
    }
}

void boxes_on_spawn_failed(struct boxd *boxd, uint64_t serial, int pidfd, const struct err *err)
{
    struct box *box = find_serial(boxd, serial, BOX_CLONING);

    assert(box != NULL);
    box->pidfd = pidfd;
    box_fail(box, err);
    box_discard(box);
}

/* Who waits goes on waiting: another zygote comes. A process that was cloned but not handed over dies with its
 * socket, and the group is not removed before. */
void boxes_on_zygote_lost(struct boxd *boxd, uint32_t kind)
{
    struct wait *wait;

    for (uint32_t i = 0; i < boxd->n_slots; i++) {
        struct box *box = &boxd->boxes[i];

        if (kind == KIND_PLAIN && box->state == BOX_CLONING)
            box_end(box);
        else if (box->state == BOX_WARMING && box->kind == kind && !box->entered)
            box_give_up(box); /* there may be a worker in it, or not */
    }
    if (kind == KIND_PLAIN)
        return;
    TAILQ_FOREACH (wait, &boxd->waits, next)
        if (wait->kind == kind)
            wait->kind = KIND_PLAIN;
    boxd->nursery.zygotes[KIND_PLAIN].n_waits += boxd->nursery.zygotes[kind].n_waits;
    boxd->nursery.zygotes[kind].n_waits = 0;
}

void boxes_on_entered(struct boxd *boxd, uint64_t serial, const struct err *err)
{
    struct box *box = find_serial(boxd, serial, BOX_WARMING);

    if (box == NULL)
        return; /* it has died meanwhile */
    box->entered = true;
    if (err != NULL)
        box_make_failed(box, err);
}

bool box_spawn(struct box *box)
{
    struct boxd *boxd = box->boxd;
    CLEANUP(closep) int init_side = -1;
    struct err err = {0};
    int pair[2];

    box->serial = ++boxd->last_serial;
    box->kind = KIND_PLAIN;
    box->made_in = boxd->nursery.zygotes[KIND_PLAIN].generation;
    if (box_make_group(box, &err) < 0) {
        box_fail(box, &err);
        return false;
    }
    if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, pair) < 0) {
        (void)err_errno(&err, -errno, "socketpair");
    } else {
        box->job_fd = pair[0];
        init_side = pair[1];
        if (nursery_spawn(boxd, box, init_side, &err) == 0) {
            box->entered = false;
            box->cause = WIRE_CAUSE_NONE;
            box->sampled_peak_bytes = 0;
            box_set_state(box, BOX_CLONING);
            (void)uv_timer_start(&box->timer, on_impatient, PATIENCE_MS, 0);
            return true;
        }
        closep(&box->job_fd);
    }
    box_fail(box, &err);
    cgroup_close_gauges(&box->gauges);
    if (cgroup_remove(boxd->cgroups, box->serial) < 0)
        log_error("a new group can't be removed");
    return false;
}

/* init is told first: the worker's READY must find it listening. */
static int send_interpreter(struct box *box, bool hurry, struct err *err)
{
    struct wire_plain adopt = {.head = wire_head(WIRE_ADOPT, box->serial)};
    CLEANUP(closep) int init_side = -1;
    CLEANUP(closep) int worker_side = -1;
    int pair[2], r;

    r = box_set_usual_limits(box, err);
    if (r < 0)
        return r;
    if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, pair) < 0)
        return err_errno(err, -errno, "socketpair");
    init_side = pair[0];
    worker_side = pair[1];
    r = fd_send_packet(box->job_fd, &adopt, sizeof adopt, &init_side, 1);
    if (r < 0)
        return err_errno(err, r, "telling init of an interpreter");
    return nursery_enter(box->boxd, box, worker_side, hurry, err);
}

bool box_warm(struct box *box, uint32_t kind, bool hurry)
{
    struct err err = {0};
    int r;

    box->kind = kind;
    box->warmed_in = box->boxd->nursery.zygotes[kind].generation;
    box->entered = false;
    box_set_state(box, BOX_WARMING);
    (void)uv_timer_start(&box->timer, on_impatient, PATIENCE_MS, 0);
    r = send_interpreter(box, hurry, &err);
    if (r == 0 && uv_poll_start(&box->job_poll, UV_READABLE, on_box_says) == 0)
        return true;
    box_make_failed(box, &err);
    return false;
}

/* ---- Leases ---- */

static const struct language *find_language(const struct boxd *boxd, const char *id)
{
    const struct language *language = languages_find(boxd->languages, id);

    return language != NULL && strcmp(language->id, id) == 0 ? language : NULL;
}

/* What a client asks is lowered to what root's files allow: glimpsed is not trusted with this. */
static int settle_limits(const struct boxd *boxd, const struct wire_lease *lease, struct limits *ret, struct err *err)
{
    const struct language *language = find_language(boxd, lease->language);
    struct limits max;

    if (language == NULL || !language->stages[lease->stage].present)
        return err_set(err, -ENOENT, "no language '%s' with a %s stage", lease->language, stage_names[lease->stage]);
    *ret = lease->limits;
    max = language->stages[lease->stage].max;
    if ((lease->flags & WIRE_LEASE_INTERACTIVE) != 0 && lease->stage == STAGE_RUN)
        max.wall_time_ms = boxd->config->interactive_time;
    limits_settle(ret, &language->stages[lease->stage].defaults, &max);
    return 0;
}

void box_lease(struct box *box, struct client *client, const struct wire_lease *lease)
{
    struct boxd *boxd = box->boxd;
    struct wire_plain leased = {.head = wire_head(WIRE_LEASED, lease->head.id)};
    struct limits limits;
    struct err err = {0};
    int r = settle_limits(boxd, lease, &limits, &err);

    if (r < 0) { /* the box has seen nothing of it and stays idle */
        client_refuse(client, lease->head.id, &err);
        return;
    }
    box_set_state(box, BOX_LEASED);
    box->client = client;
    box->lease_id = lease->head.id;
    if (box->kind != KIND_PLAIN && now_us() - box->cpu_base_at_us > CPU_BASE_AGE_MS * UINT64_C(1000))
        box_read_cpu_base(box);
    r = box_set_limits(box, &limits, &err);
    if (r < 0) {
        client_refuse(client, lease->head.id, &err);
        box_release(box);
        return;
    }
    box_start_clocks(box, &limits);
    client_send(client, &leased, sizeof leased, box->job_fd); /* may drop the client, which releases the box */
    close_poll(&box->job_poll, &box->job_polled);
    closep(&box->job_fd);
}

struct box *boxes_find_lease(struct boxd *boxd, const struct client *client, uint64_t lease_id)
{
    for (uint32_t i = 0; i < boxd->n_slots; i++)
        if (boxd->boxes[i].client == client && boxd->boxes[i].lease_id == lease_id)
            return &boxd->boxes[i];
    return NULL;
}

/* ---- All of them ---- */

int boxes_init(struct boxd *boxd, struct err *err)
{
    pool_init(boxd);
    (void)uv_timer_init(boxd->loop, &boxd->pause); /* cannot fail, as below */
    boxd->pause.data = boxd;
    boxd->boxes = calloc(boxd->n_slots, sizeof *boxd->boxes);
    if (boxd->boxes == NULL)
        return err_set(err, -ENOMEM, "slots");
    for (uint32_t i = 0; i < boxd->n_slots; i++) {
        struct box *box = &boxd->boxes[i];

        *box = (struct box){.boxd = boxd, .slot = i, .job_fd = -1, .pidfd = -1, .gauges = {{-1, -1, -1, -1}}};
        (void)uv_timer_init(boxd->loop, &box->timer);
        box->timer.data = box;
    }
    return 0;
}

void boxes_stop(struct boxd *boxd)
{
    (void)uv_timer_stop(&boxd->pause);
    (void)uv_timer_stop(&boxd->spare_time);
    for (uint32_t i = 0; i < boxd->n_slots; i++)
        if (boxd->boxes[i].state != BOX_EMPTY)
            box_kill(&boxd->boxes[i]);
}

bool boxes_own_pid(const struct boxd *boxd, pid_t pid)
{
    for (uint32_t i = 0; i < boxd->n_slots; i++) {
        siginfo_t info = {0};

        if (boxd->boxes[i].pidfd >= 0 &&
            waitid(P_PIDFD, (id_t)boxd->boxes[i].pidfd, &info, WEXITED | WNOHANG | WNOWAIT) == 0 && info.si_pid == pid)
            return true;
    }
    return false;
}
