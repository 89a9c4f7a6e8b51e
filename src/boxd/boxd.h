/*
 * boxd: what the parts of glimpse-boxd share. Private to src/boxd.
 *
 *   clients.c  connections from glimpsed and the command line: LEASE, USAGE, RELEASE
 *   boxes.c    a box's life
 *   accounts.c its limits, figures, CPU and wall clocks
 *   pool.c     the idle ones, and the leases that wait
 *   nursery.c  the zygotes, and what they are asked for
 *   recipe.c   what they are made of
 *   strays.c   what killed ones leave
 *   figures.c  how it stands with all that, for who asks
 *   interpreter.c, zygote.c  what zygotes do, as processes of their own
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
 *   WARMING   an interpreter is being forked into it, or started in it; init will say READY once more
 *   LEASED    a client owns it; its socket has been handed over, job_fd is -1
 *   DYING     killed or ended; the group is removed when pidfd says that it is dead
 *
 *   EMPTY ─spawn─▶ CLONING ─SPAWNED─▶ BOOTING ─READY─▶ IDLE ─lease─▶ LEASED ─release, end─▶ DYING ─▶ EMPTY
 *                     │                   │          warm│ ▲READY                             ▲
 *                     │                   │             WARMING                               │
 *                     └──────failure──────┴──────────── death ────────────────────────────────┘
 */
enum box_state { BOX_EMPTY, BOX_CLONING, BOX_BOOTING, BOX_IDLE, BOX_WARMING, BOX_LEASED, BOX_DYING };

struct box {
    struct boxd *boxd; /* borrowed */
    enum box_state state;
    uint32_t slot;
    uint64_t serial;      /* of this life; names its group */
    struct cgroup_limits limits; /* of its group, as they are now */
    uint32_t made_in, warmed_in; /* generations of the plain link and of its kind's, when that was done */
    uint32_t kind;        /* index of the link whose interpreter waits in it, or will; KIND_PLAIN: none */
    int job_fd, pidfd;    /* owned, or -1 */
    struct cgroup_gauges gauges; /* owned; open while there is a group */
    uv_poll_t job_poll, pid_poll;
    uv_timer_t timer;     /* CLONING, BOOTING, WARMING: patience; LEASED: limits; DYING: removing the group again */
    unsigned n_handles;   /* of the three, how many are not yet closed */
    bool job_polled, pid_polled; /* the handle is open */
    bool entered;                /* WARMING: the interpreter's zygote has done its part, where there is one */

    struct client *client; /* LEASED: borrowed; NULL otherwise */
    uint64_t lease_id, cpu_base_us, cpu_base_at_us, cpu_limit_us, deadline_us;
    uint64_t sampled_peak_bytes; /* where the kernel keeps no peak */
    enum wire_cause cause;
};

/* A LEASE that waits for a box. */
struct wait {
    TAILQ_ENTRY(wait) next;
    struct client *client; /* borrowed: a client takes its waits with it */
    uint32_t kind;         /* of box that it waits for */
    struct wire_lease lease;
};
TAILQ_HEAD(wait_list, wait);
LIST_HEAD(client_list, client);

enum { KIND_PLAIN };

/* boxd's side of one template process. Number KIND_PLAIN clones boxes, each of the others is an interpreter of a stage
 * of a language. */
struct zygote_link {
    struct boxd *boxd;
    const struct language *language; /* borrowed; NULL: the plain one */
    enum stage stage;
    bool sleeps;                     /* there is no process before one is asked for */
    int socket, pidfd;               /* owned, -1 while there is no process */
    uv_poll_t poll;
    uv_timer_t retry;
    uint64_t retry_ms;               /* the next pause before another is started */
    bool ready;
    bool gone;                       /* its language, or that one's warmth, is no more: nothing is made */
    uint32_t generation;             /* boxes of an older one are not given away any more */
    struct strings argv, envp;       /* of the interpreter */
    struct strings folders;          /* below /box, which it wants to find when it is booted */

    uint64_t started_us, n_made;     /* of the process */
    uint64_t box_bytes;              /* what its last box had taken when it was idle; 0 until there was one */
    uint32_t target;                 /* idle boxes of this kind that the pool keeps: */
    uint32_t least, most;            /* from so many to so many */
    uint64_t n_waits;                /* leases that wait for this kind */
    uint64_t n_hits, n_misses;       /* leases that found an idle box of this kind, and that did not */
    uint64_t asked_us;               /* when there was last a lease for it */
    uint64_t missed_us;              /* when a lease last found none */
};

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
    uv_timer_t spare_time;             /* active: the pool is to be filled up */
    uint64_t spare_since_us;           /* when it was first to be, and is not yet */
    uv_timer_t pause;                  /* active: no new boxes for now, the last one failed */
    uint64_t pause_ms;                 /* the next pause; 0 while boxes succeed */

    struct nursery {
        struct zygote_link *zygotes;   /* owned */
        uint32_t n_zygotes;
        struct rootfs_bind *binds;     /* owned */
        size_t n_binds;                /* what boxes see, and interpreters */
        char *library;                 /* owned: libzygote.so on the host; NULL: there are no interpreters */
        uv_timer_t look;               /* for zygotes that are old, and warmth that nobody has needed lately */
    } nursery;
    uv_timer_t strays;                 /* looks for them, often until then */
    uint64_t strays_until_us;

    int listen_fd;
    uv_poll_t listen_poll;
    struct client_list clients;
    bool listening, stopping;
    void (*on_first_box)(struct boxd *boxd, const struct err *err); /* once: err NULL when a box is IDLE */
};

/* recipe.c */

/* Fills the nursery's binds, those of all languages together. */
MUST_CHECK int recipe_binds(struct boxd *boxd, struct err *err);
/* Shall there be a zygote for this stage, and can there be? */
bool recipe_wanted(const struct config *config, const struct language *language, enum stage stage);
/* Fills the words, variables and folders of a link whose language and stage are set. */
MUST_CHECK int recipe_write(struct zygote_link *link, struct err *err);

/* nursery.c */
MUST_CHECK int nursery_init(struct boxd *boxd, struct err *err);
/* The plain zygote is started by nursery_init(); the others once boxes can be made. */
void nursery_start_interpreters(struct boxd *boxd);
void nursery_stop(struct boxd *boxd);
void nursery_done(struct boxd *boxd); /* after the loop's end */
/* Asks for a box; the socket is borrowed. */
MUST_CHECK int nursery_spawn(struct boxd *boxd, const struct box *box, int init_socket, struct err *err);
/* Asks the interpreter box->kind to fork itself into the box; the socket, the worker's, is borrowed. */
MUST_CHECK int nursery_enter(struct boxd *boxd, const struct box *box, int worker_socket, bool hurry, struct err *err);
bool nursery_ready(const struct boxd *boxd, uint32_t kind);
/* boxd->languages has other contents now; those before it must stay. What changed is made anew; boxes that are leased,
 * and what did not change, go on. */
void nursery_reload(struct boxd *boxd);
/* The kind of box for a lease; KIND_PLAIN where there is no interpreter for it now, which the pool takes note of. */
uint32_t nursery_kind(struct boxd *boxd, const struct wire_lease *lease);
/* A box of this kind was made; or could not be: jobs that want one get a plain box, and after a pause, longer each
 * time, another interpreter is tried. */
void nursery_trust(struct boxd *boxd, uint32_t kind);
void nursery_distrust(struct boxd *boxd, uint32_t kind, const struct err *err);
/* Ends a zygote that does not answer; another one follows. */
void nursery_replace(struct boxd *boxd, uint32_t kind, const char *why);

/* strays.c */
MUST_CHECK int strays_init(struct boxd *boxd, struct err *err);
void strays_expect(struct boxd *boxd); /* a zygote was killed: what it leaves is looked for often, for a while */

/* pool.c */
void pool_init(struct boxd *boxd);
/* Queues a lease (taken), which pool_refill() serves; removes one that is not served yet, for the caller to free. */
void wait_add(struct boxd *boxd, struct wait *wait);
void wait_remove(struct boxd *boxd, struct wait *wait);
/* Makes as many boxes as the waiting leases and the pool want; gives idle ones to who waits. */
void pool_refill(struct boxd *boxd);
/* A lease of this kind did not find an idle box: more are kept from now on. */
void pool_note_miss(struct boxd *boxd, uint32_t kind);
/* True where one more lease of this kind finds an idle box: also while its zygote is being replaced. */
bool pool_can_serve(const struct boxd *boxd, uint32_t kind);
bool pool_is_warming(const struct boxd *boxd, uint32_t kind);
/* Gives up one idle box of this kind, if there is one. */
void pool_shrink(struct boxd *boxd, uint32_t kind);
void pool_empty(struct boxd *boxd, uint32_t kind); /* all of them */

/* figures.c: how it stands with one kind of boxes, one that there is. */
struct wire_figures figures_of(const struct boxd *boxd, uint32_t kind, uint64_t id);

/* boxes.c */
MUST_CHECK int boxes_init(struct boxd *boxd, struct err *err);
void boxes_on_spawned(struct boxd *boxd, uint64_t serial, int pidfd /* taken */);
/* pidfd: of the process that was cloned all the same, or -1; taken. */
void boxes_on_spawn_failed(struct boxd *boxd, uint64_t serial, int pidfd, const struct err *err);
/* The answer to ENTER. err: NULL, or why there is no interpreter in the box now. */
void boxes_on_entered(struct boxd *boxd, uint64_t serial, const struct err *err);
void boxes_on_zygote_lost(struct boxd *boxd, uint32_t kind);
struct box *boxes_find_lease(struct boxd *boxd, const struct client *client, uint64_t lease_id); /* or NULL */
/* EMPTY -> CLONING. False where that failed; a pause begins then. */
bool box_spawn(struct box *box);
/* IDLE -> WARMING. hurry: a job waits for it. False where that failed, and the box is lost. */
bool box_warm(struct box *box, uint32_t kind, bool hurry);
/* IDLE -> LEASED: limits on, clocks started, socket handed over. May drop the client. */
void box_lease(struct box *box, struct client *client, const struct wire_lease *lease);
/* Ends a box that nobody has. */
void box_give_up(struct box *box);
/* Ends idle boxes that are of an older generation; those that are being made end when they are ready. */
void boxes_give_up_old(struct boxd *boxd);
void box_release(struct box *box);
/* The kernel kills all that is in it; the rest comes from the loop. */
void box_kill(struct box *box);
/* Kills all; they are buried from the loop, and no new ones are made. */
void boxes_stop(struct boxd *boxd);
/* True where this pid, a dead child of ours, is the init of a slot: on_dead() will reap it. */
bool boxes_own_pid(const struct boxd *boxd, pid_t pid);

/* accounts.c */
/* A group with the limits that most jobs have, so that they need not be set while one waits. */
MUST_CHECK int box_make_group(struct box *box, struct err *err);
MUST_CHECK int box_set_usual_limits(struct box *box, struct err *err);
MUST_CHECK int box_set_limits(struct box *box, const struct limits *limits, struct err *err);
/* What is used from here on is the job's. */
void box_read_cpu_base(struct box *box);
void box_start_clocks(struct box *box, const struct limits *limits);
struct wire_used box_usage(const struct box *box, enum wire_type type);

/* clients.c */
MUST_CHECK int clients_listen(struct boxd *boxd, struct err *err);
void clients_stop(struct boxd *boxd); /* closes the door and all connections */
/* Answers; a client that can't take it is dropped. fd: borrowed, or -1. */
void client_send(struct client *client, const void *msg, size_t len, int fd);
void client_refuse(struct client *client, uint64_t lease_id, const struct err *err);
