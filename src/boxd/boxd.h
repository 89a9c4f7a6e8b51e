/*
 * boxd: what the parts of glimpse-boxd share. Private to src/boxd.
 *
 *   clients.c  connections from glimpsed and the command line: LEASE, USAGE, RELEASE
 *   boxes.c    a box's life, the pool of idle ones, CPU and wall clocks
 *   nursery.c  the zygote, and what it is asked for
 *   main.c     start, doctor, end
 *
 * One thread, one loop. Handlers never block; a client or zygote that does not read is dropped.
 */
#pragma once

#include <stdbool.h>
#include <sys/queue.h>
#include <uv.h>

#include "base/err.h"
#include "box/cgroup.h"
#include "boxd/zygote.h"
#include "languages/languages.h"
#include "model/config.h"
#include "wire/wire.h"

struct client;

/*
 * States of a slot, and what holds in each:
 *   EMPTY     no process, no group, no open handle
 *   CLONING   group made, SPAWN sent; owns job_fd
 *   BOOTING   the process is there (pidfd); it has not said READY
 *   IDLE      init waits for a job; nothing untrusted has ever run in it
 *   LEASED    a client owns it; its socket has been handed over, job_fd is -1
 *   DYING     killed or ended; the group is removed when pidfd says that it is dead
 *
 *   EMPTY ─spawn─▶ CLONING ─SPAWNED─▶ BOOTING ─READY─▶ IDLE ─lease─▶ LEASED ─release, end─▶ DYING ─▶ EMPTY
 *                     └──────failure──────┴──────────── death ───────────────────────────────▲
 */
enum box_state { BOX_EMPTY, BOX_CLONING, BOX_BOOTING, BOX_IDLE, BOX_LEASED, BOX_DYING };

struct box {
    struct boxd *boxd; /* borrowed */
    enum box_state state;
    uint32_t slot;
    uint64_t serial;      /* of this life; names its group */
    int job_fd, pidfd;    /* owned, or -1 */
    uv_poll_t job_poll, pid_poll;
    uv_timer_t timer;     /* CLONING, BOOTING: patience; LEASED: limits; DYING: another try at removing the group */
    unsigned n_handles;   /* of the three, how many are not yet closed */
    bool job_polled, pid_polled;

    struct client *client; /* LEASED: borrowed; NULL otherwise */
    uint64_t lease_id, cpu_base_us, cpu_limit_us, deadline_us;
    uint64_t sampled_peak_bytes; /* where the kernel keeps no peak */
    enum wire_cause cause;
};

/* A LEASE that waits for a box. */
struct wait {
    TAILQ_ENTRY(wait) next;
    struct client *client; /* borrowed: a client takes its waits with it */
    struct wire_lease lease;
};
TAILQ_HEAD(wait_list, wait);
LIST_HEAD(client_list, client);

struct boxd {
    uv_loop_t *loop;
    const struct config *config;       /* borrowed */
    const struct languages *languages; /* borrowed */
    struct cgroups *cgroups;           /* owned */
    int seccomp_fd, init_fd;           /* owned */
    int leash[2];                      /* owned; a pipe whose read end every init watches: its end is ours */
    uint64_t namespaces;               /* CLONE_NEW* that boxes get */
    uint32_t uid_base;                 /* of this process, see uids.h */
    uid_t client_uid;                  /* who may connect, besides root */
    gid_t client_gid;                  /* group of the socket */
    unsigned n_cpus;

    struct box *boxes;                 /* owned, n_slots */
    uint32_t n_slots;
    uint64_t last_serial;
    struct wait_list waits;
    size_t n_waits;
    uv_timer_t pause;                  /* active: no new boxes for now, the last one failed */
    uint64_t pause_ms;                 /* the next pause; 0 while boxes succeed */

    struct nursery {
        int socket, pidfd;             /* owned, -1 while there is no zygote */
        uv_poll_t poll;
        uv_timer_t retry;
        bool ready;
        struct rootfs_bind *binds;     /* owned */
        size_t n_binds;
    } nursery;

    int listen_fd;
    uv_poll_t listen_poll;
    struct client_list clients;
    bool listening, stopping;
    void (*on_first_box)(struct boxd *boxd, const struct err *err); /* once: err NULL when a box is IDLE */
};

/* nursery.c */
MUST_CHECK int nursery_init(struct boxd *boxd, struct err *err);
void nursery_done(struct boxd *boxd);
/* Asks for a box; the socket is borrowed. */
MUST_CHECK int nursery_spawn(struct boxd *boxd, const struct box *box, int init_socket, struct err *err);
bool nursery_ready(const struct boxd *boxd);
/* Ends a zygote that does not answer; another one follows. */
void nursery_replace(struct boxd *boxd, const char *why);

/* boxes.c */
MUST_CHECK int boxes_init(struct boxd *boxd, struct err *err);
/* Makes as many boxes as the waiting leases and the pool want; gives idle ones to who waits. */
void boxes_refill(struct boxd *boxd);
void boxes_on_spawned(struct boxd *boxd, uint64_t serial, int pidfd /* taken */);
/* pidfd: of the process that was cloned all the same, or -1; taken. */
void boxes_on_spawn_failed(struct boxd *boxd, uint64_t serial, int pidfd, const struct err *err);
void boxes_on_zygote_lost(struct boxd *boxd);
struct box *boxes_find_lease(struct boxd *boxd, const struct client *client, uint64_t lease_id); /* or NULL */
struct wire_used box_usage(const struct box *box, enum wire_type type);
void box_release(struct box *box);
/* Kills all; they are buried from the loop, and no new ones are made. */
void boxes_stop(struct boxd *boxd);
/* True where this pid, a dead child of ours, is the init of a slot: on_dead() will reap it. */
bool boxes_own_pid(const struct boxd *boxd, pid_t pid);

/* clients.c */
MUST_CHECK int clients_listen(struct boxd *boxd, struct err *err);
void clients_stop(struct boxd *boxd); /* closes the door and all connections */
/* Answers; a client that can't take it is dropped. fd: borrowed, or -1. */
void client_send(struct client *client, const void *msg, size_t len, int fd);
void client_refuse(struct client *client, uint64_t lease_id, const struct err *err);
