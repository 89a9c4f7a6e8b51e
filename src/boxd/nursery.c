/* nursery: boxd's side of the zygote: starting it, asking it for boxes, starting it again. */
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>

#include "base/fd.h"
#include "base/log.h"
#include "boxd/boxd.h"

enum { RETRY_MS = 100 };

/* The host's folders that every box sees, where they are there. Debian's /bin, /lib... are links into /usr. */
static const char *const base_binds[] = {"/usr",   "/bin",    "/sbin",           "/lib",
                                         "/lib32", "/lib64",  "/libx32",         "/etc/ld.so.cache",
                                         "/etc/alternatives"};

static bool has_bind(const struct nursery *nursery, const char *box)
{
    for (size_t i = 0; i < nursery->n_binds; i++)
        if (strcmp(nursery->binds[i].box, box) == 0)
            return true;
    return false;
}

/* Skips what is not there: a language whose files are missing is reported by glimpsed, the rest work. */
static int add_bind(struct nursery *nursery, const char *host, const char *box)
{
    struct rootfs_bind *longer;
    struct stat st;

    if (lstat(host, &st) < 0 || has_bind(nursery, box))
        return 0;
    longer = realloc(nursery->binds, (nursery->n_binds + 1) * sizeof *longer);
    if (longer == NULL)
        return -ENOMEM;
    nursery->binds = longer;
    longer[nursery->n_binds++] = (struct rootfs_bind){.host = host, .box = box};
    return 0;
}

static int collect_binds(struct boxd *boxd, struct err *err)
{
    struct nursery *nursery = &boxd->nursery;
    int r = 0;

    for (size_t i = 0; r == 0 && i < COUNT_OF(base_binds); i++)
        r = add_bind(nursery, base_binds[i], base_binds[i]);
    for (size_t i = 0; r == 0 && i < boxd->languages->n; i++) {
        const struct strings *binds = &boxd->languages->at[i].binds;

        for (size_t j = 0; r == 0 && j < binds->n; j++)
            r = add_bind(nursery, binds->at[j], binds->at[j]);
    }
    if (r == 0)
        r = add_bind(nursery, boxd->config->toolchains_dir, LANGUAGES_BOX_TOOLCHAINS);
    if (r == 0)
        r = add_bind(nursery, boxd->config->languages_dir, LANGUAGES_BOX_DIR);
    return r < 0 ? err_set(err, r, "binds") : 0;
}

static void lose_zygote(struct boxd *boxd, const char *why)
{
    struct nursery *nursery = &boxd->nursery;

    if (nursery->socket < 0)
        return;
    if (!boxd->stopping)
        log_warn("the zygote ended (%s); starting another", why);
    (void)uv_poll_stop(&nursery->poll);
    uv_close((uv_handle_t *)&nursery->poll, NULL);
    closep(&nursery->socket);
    /* Reaped by reap_strays(): waiting here could block, on a file system that does not answer. */
    (void)syscall(SYS_pidfd_send_signal, nursery->pidfd, SIGKILL, NULL, 0);
    closep(&nursery->pidfd);
    nursery->ready = false;
    boxes_on_zygote_lost(boxd);
}

/* Children that nobody has a pidfd of: lost zygotes, and boxes that one of them cloned and could not hand over. True
 * while a dead child is in the way that belongs to a slot, whose own handler comes later. */
static bool reap_strays(const struct boxd *boxd)
{
    siginfo_t info = {0};

    while (waitid(P_ALL, 0, &info, WEXITED | WNOHANG | WNOWAIT | __WALL) == 0 && info.si_pid != 0) {
        if (boxes_own_pid(boxd, info.si_pid))
            return true;
        (void)waitid(P_PID, (id_t)info.si_pid, &info, WEXITED | WNOHANG | __WALL);
        info = (siginfo_t){0};
    }
    return false;
}

static void on_retry(uv_timer_t *timer);

static void retry_later(struct boxd *boxd)
{
    if (!boxd->stopping)
        (void)uv_timer_start(&boxd->nursery.retry, on_retry, RETRY_MS, 0);
}

static void on_message(struct boxd *boxd, const union wire_msg *msg, int *fd)
{
    struct err err = {0};

    switch (msg->head.type) {
    case WIRE_READY:
        boxd->nursery.ready = true;
        boxes_refill(boxd);
        break;
    case WIRE_SPAWNED:
        boxes_on_spawned(boxd, msg->head.id, TAKE_FD(*fd));
        break;
    default: /* FAILED: id 0 is the zygote itself, which ends */
        (void)err_set(&err, msg->failed.code, "%s", msg->failed.msg);
        if (msg->head.id != 0) {
            boxes_on_spawn_failed(boxd, msg->head.id, TAKE_FD(*fd), &err);
        } else {
            log_error("%s", err.msg);
            if (boxd->on_first_box != NULL)
                boxd->on_first_box(boxd, &err);
        }
    }
}

static void on_readable(uv_poll_t *poll, int status, int events)
{
    struct boxd *boxd = poll->data;
    struct nursery *nursery = &boxd->nursery;

    (void)events;
    while (status == 0 && nursery->socket >= 0) {
        unsigned char bytes[WIRE_MAX_BYTES];
        CLEANUP(closep) int fd = -1;
        size_t n_fds = 0;
        union wire_msg msg;
        struct err err = {0};
        ssize_t n = fd_recv_packet(nursery->socket, bytes, sizeof bytes, &fd, 1, &n_fds, MSG_DONTWAIT);

        if (n == -EAGAIN)
            return;
        if (n <= 0 || wire_decode(&msg, bytes, (size_t)n, n_fds, WIRE_FROM_ZYGOTE, &err) < 0)
            break;
        on_message(boxd, &msg, &fd);
    }
    nursery_replace(boxd, status < 0 ? uv_strerror(status) : "its socket closed");
}

void nursery_replace(struct boxd *boxd, const char *why)
{
    lose_zygote(boxd, why);
    retry_later(boxd);
}

bool nursery_ready(const struct boxd *boxd)
{
    return boxd->nursery.ready;
}

static int start_zygote(struct boxd *boxd, struct err *err)
{
    struct nursery *nursery = &boxd->nursery;
    struct zygote_config config = {.binds = nursery->binds, .n_binds = nursery->n_binds};
    int r = zygote_start(&nursery->socket, &nursery->pidfd, &config, err);

    if (r < 0)
        return r;
    r = uv_poll_init(boxd->loop, &nursery->poll, nursery->socket);
    if (r < 0) { /* it ends when its socket closes */
        closep(&nursery->socket);
        closep(&nursery->pidfd);
        return err_set(err, r, "watching the zygote: %s", uv_strerror(r));
    }
    nursery->poll.data = boxd;
    (void)uv_poll_start(&nursery->poll, UV_READABLE, on_readable); /* cannot fail for a descriptor that was taken */
    return 0;
}

static void on_retry(uv_timer_t *timer)
{
    struct boxd *boxd = timer->data;
    struct err err = {0};
    bool again = reap_strays(boxd);

    if (boxd->nursery.socket < 0 && start_zygote(boxd, &err) < 0) {
        log_error("%s", err.msg);
        again = true;
    }
    if (again)
        retry_later(boxd);
}

int nursery_init(struct boxd *boxd, struct err *err)
{
    int r;

    boxd->nursery = (struct nursery){.socket = -1, .pidfd = -1};
    r = uv_timer_init(boxd->loop, &boxd->nursery.retry);
    boxd->nursery.retry.data = boxd;
    if (r == 0)
        r = collect_binds(boxd, err);
    return r < 0 ? r : start_zygote(boxd, err);
}

void nursery_done(struct boxd *boxd)
{
    lose_zygote(boxd, "stopping");
    (void)uv_timer_stop(&boxd->nursery.retry);
    uv_close((uv_handle_t *)&boxd->nursery.retry, NULL);
    free(boxd->nursery.binds);
    boxd->nursery.binds = NULL;
}

int nursery_spawn(struct boxd *boxd, const struct box *box, int init_socket, struct err *err)
{
    struct wire_spawn spawn = {.head = wire_head(WIRE_SPAWN, box->serial),
                               .uid = boxd->uid_base + 2 * box->slot,
                               .cgroup_v2 = cgroups_is_v2(boxd->cgroups),
                               .namespaces = boxd->namespaces};
    int fds[WIRE_SPAWN_FDS + CGROUP_MAX_ENTRIES] = {init_socket, boxd->seccomp_fd, boxd->init_fd, boxd->leash[0]};
    size_t n_entries = 0;
    int r = cgroup_open_entries(boxd->cgroups, box->serial, fds + WIRE_SPAWN_FDS, &n_entries, err);

    if (r < 0)
        return r;
    r = fd_send_packet(boxd->nursery.socket, &spawn, sizeof spawn, fds, WIRE_SPAWN_FDS + n_entries);
    for (size_t i = 0; i < n_entries; i++)
        (void)close(fds[WIRE_SPAWN_FDS + i]);
    return r < 0 ? err_errno(err, r, "asking the zygote for a box") : 0;
}
