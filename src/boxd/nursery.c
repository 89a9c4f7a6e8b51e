/* nursery: boxd's side of the zygotes: starting them, asking them for boxes, starting them again. */
#include <errno.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/fd.h"
#include "base/log.h"
#include "box/setup.h"
#include "boxd/boxd.h"

enum {
    RETRY_MIN_MS = 100,
    RETRY_MAX_MS = 60000, /* an interpreter that can't be booted is no reason to keep a CPU busy */
    LOOK_MS = 10000,    /* warmth above the least that nobody missed for so long is given up by and by */
    /* All forks of an interpreter have its addresses and its hash seed: nobody shall have long to learn them, nor
     * (warm_renew) many. One that is costly to keep ends where nobody has asked for it for so long. */
    RENEW_MS = 3600 * 1000,
    /* As many as languages_load() takes: links do not move, since the loop knows their handles. */
    KINDS_MAX = 1 + 256 * N_STAGES,
};

/* ---- Interpreters ---- */

/* A few of what takes much memory would take all of `warm_memory` from the rest. */
static uint32_t most_idle(const struct config *config, const struct language_warm *warm)
{
    const uint64_t most = warm->costly ? 2 * config->warm : config->warm_max;

    return (uint32_t)(most < config->warm_max ? most : config->warm_max);
}

/* Of a link that has no process: what it shall be. */
static int set_interpreter(struct zygote_link *link, const struct language *language, enum stage stage, struct err *err)
{
    const struct config *config = link->boxd->config;
    int r;

    link->language = language;
    link->stage = stage;
    link->sleeps = language->stages[stage].warm.costly && config->warm_costly == COSTLY_ASKED;
    link->least = (uint32_t)config->warm;
    link->most = most_idle(config, &language->stages[stage].warm);
    link->target = link->least;
    r = recipe_write(link, err);
    return r < 0 ? err_wrap(err, r, "warmth of %s", language->id) : 0;
}

static void open_link(struct zygote_link *link, struct boxd *boxd);

static int add_interpreter(struct boxd *boxd, const struct language *language, enum stage stage, struct err *err)
{
    struct zygote_link *link = &boxd->nursery.zygotes[boxd->nursery.n_zygotes];

    if (!recipe_wanted(boxd->config, language, stage) || boxd->nursery.n_zygotes == KINDS_MAX)
        return 0;
    boxd->nursery.n_zygotes++;
    open_link(link, boxd);
    return set_interpreter(link, language, stage, err);
}

static int add_links(struct boxd *boxd, struct err *err)
{
    struct nursery *nursery = &boxd->nursery;
    int r = 0;

    nursery->zygotes = calloc(KINDS_MAX, sizeof *nursery->zygotes);
    if (nursery->zygotes == NULL)
        return err_set(err, -ENOMEM, "zygotes");
    open_link(&nursery->zygotes[KIND_PLAIN], boxd);
    nursery->zygotes[KIND_PLAIN].target = (uint32_t)boxd->config->pool;
    nursery->n_zygotes = 1;
    for (size_t i = 0; nursery->library != NULL && i < boxd->languages->n; i++)
        for (enum stage stage = 0; r == 0 && stage < N_STAGES; stage++)
            r = add_interpreter(boxd, &boxd->languages->at[i], stage, err);
    return r;
}

/* ---- One zygote's life ---- */

static uint32_t kind_of(const struct zygote_link *link)
{
    return (uint32_t)(link - link->boxd->nursery.zygotes);
}

static const char *name_of(const struct zygote_link *link)
{
    return link->language == NULL ? "plain" : link->language->id;
}

static void on_retry(uv_timer_t *timer);

/* why: NULL where that is no news. */
static void lose_zygote(struct zygote_link *link, const char *why)
{
    if (link->socket < 0)
        return;
    if (why != NULL && !link->boxd->stopping)
        log_warn("the %s zygote ended (%s); starting another", name_of(link), why);
    (void)uv_poll_stop(&link->poll);
    uv_close((uv_handle_t *)&link->poll, NULL);
    closep(&link->socket);
    /* Waiting here could block, on a file system that does not answer. */
    (void)syscall(SYS_pidfd_send_signal, link->pidfd, SIGKILL, NULL, 0);
    closep(&link->pidfd);
    link->ready = false;
    strays_expect(link->boxd);
    boxes_on_zygote_lost(link->boxd, kind_of(link));
}

/* An interpreter that never was of use is started again later and later. */
static void retry_later(struct zygote_link *link)
{
    if (link->boxd->stopping)
        return;
    (void)uv_timer_start(&link->retry, on_retry, link->retry_ms, 0);
    if (link->language != NULL)
        link->retry_ms = link->retry_ms * 2 < RETRY_MAX_MS ? link->retry_ms * 2 : RETRY_MAX_MS;
}

static void on_failed(struct zygote_link *link, const struct wire_failed *failed, int *fd)
{
    struct boxd *boxd = link->boxd;
    struct err err = {0};

    (void)err_set(&err, failed->code, "%s", failed->msg);
    if (failed->head.id != 0 && link->language != NULL)
        boxes_on_entered(boxd, failed->head.id, &err);
    else if (failed->head.id != 0)
        boxes_on_spawn_failed(boxd, failed->head.id, TAKE_FD(*fd), &err);
    else { /* the zygote itself, which ends */
        log_error("%s zygote: %s", name_of(link), err.msg);
        if (link->language == NULL && boxd->on_first_box != NULL)
            boxd->on_first_box(boxd, &err);
    }
}

static void on_message(struct zygote_link *link, const union wire_msg *msg, int *fd)
{
    struct boxd *boxd = link->boxd;

    switch (msg->head.type) {
    case WIRE_READY:
        link->ready = true;
        pool_refill(boxd);
        break;
    case WIRE_SPAWNED:
        boxes_on_spawned(boxd, msg->head.id, TAKE_FD(*fd));
        break;
    case WIRE_ENTERED:
        boxes_on_entered(boxd, msg->head.id, NULL);
        break;
    default:
        on_failed(link, &msg->failed, fd);
    }
}

/* Each kind of zygote has its own answer. */
static bool may_say(const struct zygote_link *link, const union wire_msg *msg)
{
    return msg->head.type != (link->language == NULL ? WIRE_ENTERED : WIRE_SPAWNED);
}

static void on_readable(uv_poll_t *poll, int status, int events)
{
    struct zygote_link *link = poll->data;

    (void)events;
    while (status == 0 && link->socket >= 0) {
        unsigned char bytes[WIRE_MAX_BYTES];
        CLEANUP(closep) int fd = -1;
        size_t n_fds = 0;
        union wire_msg msg;
        struct err err = {0};
        ssize_t n = fd_recv_packet(link->socket, bytes, sizeof bytes, &fd, 1, &n_fds, MSG_DONTWAIT);

        if (n == -EAGAIN)
            return;
        if (n <= 0 || wire_decode(&msg, bytes, (size_t)n, n_fds, WIRE_FROM_ZYGOTE, &err) < 0 || !may_say(link, &msg))
            break;
        on_message(link, &msg, &fd);
    }
    nursery_replace(link->boxd, kind_of(link), status < 0 ? uv_strerror(status) : "its socket closed");
}

void nursery_replace(struct boxd *boxd, uint32_t kind, const char *why)
{
    lose_zygote(&boxd->nursery.zygotes[kind], why);
    retry_later(&boxd->nursery.zygotes[kind]);
}

bool nursery_ready(const struct boxd *boxd, uint32_t kind)
{
    return boxd->nursery.zygotes[kind].ready;
}

void nursery_trust(struct boxd *boxd, uint32_t kind)
{
    boxd->nursery.zygotes[kind].retry_ms = RETRY_MIN_MS;
    boxd->nursery.zygotes[kind].n_made++;
}

void nursery_distrust(struct boxd *boxd, uint32_t kind, const struct err *err)
{
    struct zygote_link *link = &boxd->nursery.zygotes[kind];

    if (boxd->stopping || !link->ready)
        return;
    log_error("%s has no interpreter ready for now: %s", name_of(link), err->msg);
    nursery_replace(boxd, kind, "its boxes fail");
    pool_refill(boxd);
}

/* Not at once: whoever asks is served first. */
static void wake(struct zygote_link *link)
{
    link->asked_us = now_us();
    if (!link->sleeps)
        return;
    link->sleeps = false;
    (void)uv_timer_start(&link->retry, on_retry, RETRY_MIN_MS, 0);
}

uint32_t nursery_kind(struct boxd *boxd, const struct wire_lease *lease)
{
    const struct nursery *nursery = &boxd->nursery;
    uint32_t kind = KIND_PLAIN + 1;

    while (kind < nursery->n_zygotes && (nursery->zygotes[kind].stage != lease->stage ||
                                         strcmp(nursery->zygotes[kind].language->id, lease->language) != 0))
        kind++;
    if (kind == nursery->n_zygotes || nursery->zygotes[kind].gone || (lease->flags & WIRE_LEASE_COLD) != 0)
        kind = KIND_PLAIN;
    else
        wake(&boxd->nursery.zygotes[kind]);
    if (pool_can_serve(boxd, kind)) {
        nursery->zygotes[kind].n_hits++;
        return kind;
    }
    nursery->zygotes[kind].n_misses++;
    if (kind == KIND_PLAIN)
        return kind;
    return nursery->zygotes[kind].ready ? kind : KIND_PLAIN;
}

static int start_zygote(struct zygote_link *link, struct err *err)
{
    struct boxd *boxd = link->boxd;
    const struct nursery *nursery = &boxd->nursery;
    struct zygote_config config = {.binds = nursery->binds,
                                   .n_binds = nursery->n_binds,
                                   .argv = link->argv.at,
                                   .envp = link->envp.at,
                                   .folders = link->folders.at,
                                   .init_fd = boxd->init_fd};
    int r = zygote_start(&link->socket, &link->pidfd, &config, err);

    if (r < 0)
        return r;
    r = uv_poll_init(boxd->loop, &link->poll, link->socket);
    if (r < 0) { /* it ends when its socket closes */
        closep(&link->socket);
        closep(&link->pidfd);
        return err_set(err, r, "watching the zygote: %s", uv_strerror(r));
    }
    link->started_us = now_us();
    link->n_made = 0;
    link->poll.data = link;
    (void)uv_poll_start(&link->poll, UV_READABLE, on_readable); /* cannot fail for a descriptor that was taken */
    return 0;
}

static void on_retry(uv_timer_t *timer)
{
    struct zygote_link *link = timer->data;
    struct err err = {0};

    if (!link->gone && link->socket < 0 && start_zygote(link, &err) < 0) {
        log_error("%s", err.msg);
        retry_later(link);
    }
}

/* ---- All of them ---- */

static void open_link(struct zygote_link *link, struct boxd *boxd)
{
    *link = (struct zygote_link){.boxd = boxd, .socket = -1, .pidfd = -1, .retry_ms = RETRY_MIN_MS};
    (void)uv_timer_init(boxd->loop, &link->retry); /* always 0 */
    link->retry.data = link;
}

static bool has_served(const struct zygote_link *link, uint64_t now, uint64_t times)
{
    return link->n_made >= times * link->boxd->config->warm_renew ||
           now - link->started_us >= times * RENEW_MS * UINT64_C(1000);
}

static bool is_left_alone(const struct zygote_link *link, uint64_t now)
{
    return link->language->stages[link->stage].warm.costly && link->boxd->config->warm_costly == COSTLY_ASKED &&
           now - link->asked_us >= RENEW_MS * UINT64_C(1000);
}

static void put_to_sleep(struct zygote_link *link)
{
    log_info("nobody has asked for %s for an hour: it is kept warm no longer", name_of(link));
    lose_zygote(link, NULL);
    link->sleeps = true;
    pool_empty(link->boxd, kind_of(link));
}

/* Between two boxes: what is idle serves until the next one is booted. Where there is no such moment, because somebody
 * sees to that perhaps, it is done all the same after twice the time; who waits then gets a fresh interpreter. */
static void renew(struct zygote_link *link, uint64_t now)
{
    const bool busy = link->n_waits > 0 || pool_is_warming(link->boxd, kind_of(link));

    if (!link->ready || !has_served(link, now, busy ? 2 : 1))
        return;
    if (is_left_alone(link, now)) {
        put_to_sleep(link);
        return;
    }
    log_info("the %s zygote has made %llu boxes: a new one takes its place", name_of(link),
             (unsigned long long)link->n_made);
    lose_zygote(link, NULL);
    retry_later(link); /* not at once: the handle of its socket is closed by the loop, and then used again */
}

static void on_look(uv_timer_t *timer)
{
    struct boxd *boxd = timer->data;
    const uint64_t now = now_us();

    for (uint32_t kind = KIND_PLAIN + 1; kind < boxd->nursery.n_zygotes; kind++) {
        struct zygote_link *link = &boxd->nursery.zygotes[kind];

        renew(link, now);
        if (link->target > link->least && now - link->missed_us > LOOK_MS * UINT64_C(1000)) {
            link->target--;
            pool_shrink(boxd, kind);
        }
    }
}

int nursery_init(struct boxd *boxd, struct err *err)
{
    struct nursery *nursery = &boxd->nursery;
    struct err none = {0};
    int r;

    *nursery = (struct nursery){0};
    if (boxd->config->warm > 0 && config_find_program(&nursery->library, "libzygote.so", &none) < 0)
        log_warn("no interpreter is kept warm: %s", none.msg);
    r = recipe_binds(boxd, err);
    if (r == 0)
        r = add_links(boxd, err);
    (void)uv_timer_init(boxd->loop, &nursery->look); /* cannot fail, as below */
    nursery->look.data = boxd;
    (void)uv_timer_start(&nursery->look, on_look, LOOK_MS, LOOK_MS);
    uv_unref((uv_handle_t *)&nursery->look);
    return r < 0 ? r : start_zygote(&nursery->zygotes[KIND_PLAIN], err);
}

/* ---- Languages that changed ---- */

/* Its boxes are made anew, by another process. */
static void make_anew(struct zygote_link *link)
{
    link->generation++;
    link->box_bytes = 0;
    link->retry_ms = RETRY_MIN_MS;
    lose_zygote(link, NULL);
    link->ready = false;
    if (!link->sleeps)
        retry_later(link); /* not at once: the loop closes the old socket's handle first */
}

/* language: of the same id as it is now, or NULL: it is no more. */
static void reload_link(struct zygote_link *link, const struct language *language)
{
    const struct language *was = link->language;
    struct err err = {0};

    if (language != NULL)
        link->language = language;
    if (language != NULL && !link->gone && was->fingerprint == language->fingerprint)
        return;
    link->gone = language == NULL || !recipe_wanted(link->boxd->config, language, link->stage);
    strings_done(&link->argv);
    strings_done(&link->envp);
    strings_done(&link->folders);
    link->target = 0;
    if (!link->gone && set_interpreter(link, language, link->stage, &err) < 0) {
        log_error("%s", err.msg);
        link->gone = true;
    }
    log_info("%s of %s: %s", stage_names[link->stage], was->id,
             link->gone ? "is not kept warm any more" : "is made anew");
    make_anew(link);
}

/* By its id, not by what others call themselves too. */
static const struct language *find_now(const struct boxd *boxd, const char *id)
{
    const struct language *language = languages_find(boxd->languages, id);

    return language != NULL && strcmp(language->id, id) == 0 ? language : NULL;
}

static bool has_link(const struct nursery *nursery, const struct language *language, enum stage stage)
{
    for (uint32_t kind = KIND_PLAIN + 1; kind < nursery->n_zygotes; kind++)
        if (nursery->zygotes[kind].stage == stage && strcmp(nursery->zygotes[kind].language->id, language->id) == 0)
            return true;
    return false;
}

static void add_new_links(struct boxd *boxd)
{
    struct nursery *nursery = &boxd->nursery;
    struct err err = {0};

    for (size_t i = 0; nursery->library != NULL && i < boxd->languages->n; i++)
        for (enum stage stage = 0; stage < N_STAGES; stage++) {
            const uint32_t kind = nursery->n_zygotes;

            if (has_link(nursery, &boxd->languages->at[i], stage))
                continue;
            if (add_interpreter(boxd, &boxd->languages->at[i], stage, &err) < 0) {
                log_error("%s", err.msg);
                nursery->zygotes[kind].gone = true;
            }
            if (nursery->n_zygotes > kind && !nursery->zygotes[kind].sleeps)
                retry_later(&nursery->zygotes[kind]);
        }
}

/* True where zygotes see other folders than new ones would. The binds are those of the languages as they are now. */
static bool reload_binds(struct boxd *boxd)
{
    struct nursery *nursery = &boxd->nursery;
    CLEANUP(freep) struct rootfs_bind *old = TAKE_PTR(nursery->binds);
    const size_t n_old = nursery->n_binds;
    struct err err = {0};
    bool same;

    nursery->n_binds = 0;
    if (recipe_binds(boxd, &err) < 0) {
        log_error("%s", err.msg);
        free(nursery->binds);
        nursery->binds = TAKE_PTR(old);
        nursery->n_binds = n_old;
        return false;
    }
    same = n_old == nursery->n_binds;
    for (size_t i = 0; same && i < n_old; i++)
        same = strcmp(old[i].host, nursery->binds[i].host) == 0 && strcmp(old[i].box, nursery->binds[i].box) == 0;
    return !same;
}

void nursery_reload(struct boxd *boxd)
{
    struct nursery *nursery = &boxd->nursery;
    const bool new_root = reload_binds(boxd);

    for (uint32_t kind = KIND_PLAIN + 1; kind < nursery->n_zygotes; kind++) {
        struct zygote_link *link = &nursery->zygotes[kind];

        reload_link(link, find_now(boxd, link->language->id));
    }
    if (new_root) {
        log_info("languages need other folders: all that is idle is made anew");
        for (uint32_t kind = 0; kind < nursery->n_zygotes; kind++)
            make_anew(&nursery->zygotes[kind]);
    }
    add_new_links(boxd);
    boxes_give_up_old(boxd);
    pool_refill(boxd);
}

void nursery_start_interpreters(struct boxd *boxd)
{
    for (uint32_t kind = KIND_PLAIN + 1; kind < boxd->nursery.n_zygotes; kind++)
        if (!boxd->nursery.zygotes[kind].sleeps)
            on_retry(&boxd->nursery.zygotes[kind].retry);
}

/* The handles are closed by now, and the loop has seen to it. */
void nursery_done(struct boxd *boxd)
{
    struct nursery *nursery = &boxd->nursery;

    for (uint32_t i = 0; i < nursery->n_zygotes; i++) {
        strings_done(&nursery->zygotes[i].argv);
        strings_done(&nursery->zygotes[i].envp);
        strings_done(&nursery->zygotes[i].folders);
    }
    free(nursery->zygotes);
    free(nursery->binds);
    free(nursery->library);
    *nursery = (struct nursery){0};
}

void nursery_stop(struct boxd *boxd)
{
    struct nursery *nursery = &boxd->nursery;

    (void)uv_timer_stop(&nursery->look);
    for (uint32_t i = 0; i < nursery->n_zygotes; i++) {
        lose_zygote(&nursery->zygotes[i], NULL);
        (void)uv_timer_stop(&nursery->zygotes[i].retry);
    }
}

/* ---- Asking ---- */

static int ask(struct boxd *boxd, const struct box *box, uint32_t kind, struct wire_spawn *spawn, int *fds,
               size_t n_fds, struct err *err)
{
    size_t n_entries = 0;
    int r = cgroup_open_entries(boxd->cgroups, box->serial, fds + n_fds, &n_entries, err);

    if (r < 0)
        return r;
    spawn->uid = boxd->uid_base + 2 * box->slot;
    spawn->flags |= cgroups_is_v2(boxd->cgroups) ? WIRE_SPAWN_CGROUP_V2 : 0;
    spawn->namespaces = boxd->namespaces;
    r = fd_send_packet(boxd->nursery.zygotes[kind].socket, spawn, sizeof *spawn, fds, n_fds + n_entries);
    for (size_t i = 0; i < n_entries; i++)
        (void)close(fds[n_fds + i]);
    return r < 0 ? err_errno(err, r, "asking a zygote for a box") : 0;
}

int nursery_spawn(struct boxd *boxd, const struct box *box, int init_socket, struct err *err)
{
    struct wire_spawn spawn = {.head = wire_head(WIRE_SPAWN, box->serial)};
    int fds[WIRE_SPAWN_FDS + CGROUP_MAX_ENTRIES] = {init_socket, boxd->seccomp_fd, boxd->leash[0]};

    return ask(boxd, box, KIND_PLAIN, &spawn, fds, WIRE_SPAWN_FDS, err);
}

int nursery_enter(struct boxd *boxd, const struct box *box, int worker_socket, bool hurry, struct err *err)
{
    struct wire_spawn enter = {.head = wire_head(WIRE_ENTER, box->serial), .flags = hurry ? WIRE_SPAWN_HURRY : 0};
    int fds[WIRE_ENTER_FDS + CGROUP_MAX_ENTRIES] = {box->pidfd, worker_socket, boxd->seccomp_fd};

    return ask(boxd, box, box->kind, &enter, fds, WIRE_ENTER_FDS, err);
}
