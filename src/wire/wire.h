/*
 * wire: every message between Glimpse's processes. Pure: no I/O, no allocation, fuzzable.
 *
 * One SOCK_SEQPACKET datagram is one message; descriptors ride along as SCM_RIGHTS. No pointers, paths
 * or commands cross to the privileged side: the API names a language, boxd looks it up in files that only root can
 * write, and clamps limits to its own maximum. A message that breaks a rule ends the connection.
 *
 *   glimpsed -> boxd     LEASE, USAGE, RELEASE, STATS
 *   boxd     -> glimpsed LEASED (fd: the box's socket), REFUSED, USED, ENDED, FIGURES
 *   boxd     -> zygote   SPAWN (fds: box socket, seccomp filter, leash, cgroup entries)
 *   zygote   -> boxd     READY once; SPAWNED (fd: pidfd) or FAILED ([fd: pidfd]) for each SPAWN, in order
 *   boxd     -> zygote of an interpreter   ENTER (fds: init's pidfd, worker socket, seccomp filter, cgroup entries)
 *   zygote of an interpreter -> boxd       READY once; ENTERED or FAILED for each ENTER, in order
 *   init     -> boxd     READY or FAILED while the box is made, and again after ADOPT
 *   boxd     -> init     ADOPT (fd: worker socket): an interpreter that was forked into the box will run the job
 *   worker   -> init     WORKER once it waits for the job, or FAILED
 *   glimpsed -> init     JOB (fds: stdin, stdout, stderr, payload[, artifact]), SIGNAL while its program runs
 *   init     -> worker   JOB (fds: stdin, stdout, stderr, payload)
 *   init     -> glimpsed TERMINAL (fd: its master) where one is wanted, then EXITED ([fd: artifact]) or FAILED
 */
#pragma once

#include <stddef.h>
#include <stdint.h>

#include "base/err.h"
#include "model/limits.h"

#define WIRE_MAGIC UINT32_C(0x31584c47) /* "GLX1": changes with any layout below */

enum {
    WIRE_LANGUAGE_BYTES = 32,
    WIRE_MAX_BYTES = 512, /* no message is longer */
    WIRE_MAX_FDS = 8,
    WIRE_SPAWN_FDS = 3, /* of SPAWN, before the cgroup's */
    WIRE_ENTER_FDS = 3, /* of ENTER, likewise */
};

enum wire_type {
    WIRE_NONE,
    WIRE_LEASE,
    WIRE_LEASED,
    WIRE_REFUSED,
    WIRE_USAGE,
    WIRE_USED,
    WIRE_ENDED,
    WIRE_RELEASE,
    WIRE_SPAWN,
    WIRE_SPAWNED,
    WIRE_FAILED,
    WIRE_READY,
    WIRE_JOB,
    WIRE_TERMINAL,
    WIRE_EXITED,
    WIRE_ENTER,
    WIRE_ENTERED,
    WIRE_ADOPT,
    WIRE_WORKER,
    WIRE_SIGNAL,
    WIRE_STATS,
    WIRE_FIGURES,
    WIRE_N_TYPES
};

/* Who a message is for: it is refused on any other socket. */
enum wire_side {
    WIRE_TO_BOXD,
    WIRE_TO_API,
    WIRE_TO_ZYGOTE,
    WIRE_FROM_ZYGOTE,
    WIRE_TO_INIT,
    WIRE_FROM_INIT,
    WIRE_FROM_WORKER
};

struct wire_head {
    uint32_t magic;
    uint32_t type; /* enum wire_type */
    uint64_t id;   /* the lease, chosen by glimpsed, unique in its connection; echoed. Zygote: the slot's serial */
};

enum {
    WIRE_LEASE_COLD = 1,        /* no interpreter that is there already */
    WIRE_LEASE_INTERACTIVE = 2, /* somebody sits there: wall time has the operator's maximum for that */
    WIRE_LEASE_FLAGS = 3,
};

/* Asks for a box that is this caller's alone until RELEASE or the end of the connection. Answered by LEASED or
 * REFUSED. */
struct wire_lease {
    struct wire_head head;
    char language[WIRE_LANGUAGE_BYTES]; /* an id, never a path; NUL-padded */
    uint32_t stage;                     /* enum stage: compile and run have maxima of their own */
    uint32_t flags;                     /* WIRE_LEASE_* */
    struct limits limits;               /* all set; each is lowered to boxd's maximum */
};

enum wire_cause { /* why a box ended, or what it ran into; in order of what explains most */
    WIRE_CAUSE_NONE,     /* it lives */
    WIRE_CAUSE_EXIT,     /* init ended, or was killed from inside (memory) */
    WIRE_CAUSE_CPU_TIME, /* boxd killed it: the group's CPU time reached the limit */
    WIRE_CAUSE_WALL_TIME, /* boxd killed it: init did not, some time after it should have */
    WIRE_N_CAUSES
};

/* What the box has used so far, from its cgroup. Answer to USAGE (USED), or sent when it ends by itself (ENDED). */
struct wire_used {
    struct wire_head head;
    uint64_t cpu_us, memory_peak_bytes;
    uint32_t oom_kills;        /* processes of the box that the kernel killed for memory */
    uint32_t forks_refused;    /* times that the process limit said no */
    uint32_t cause;            /* enum wire_cause */
    uint32_t reserved;
};

enum {
    WIRE_KINDS_MAX = 1024,    /* of boxes: the plain one, and one for each stage of a language that is kept warm */
    WIRE_FIGURES_READY = 1,   /* boxes of this kind can be made now */
    WIRE_FIGURES_FLAGS = 1,
};

/* Asks how it stands with one kind of boxes; answered at once by FIGURES. Numbers are 0.. without gap: who wants them
 * all begins with 0 and learns how many there are. */
struct wire_stats {
    struct wire_head head; /* id: echoed */
    uint32_t kind, reserved;
};

struct wire_figures {
    struct wire_head head;
    char language[WIRE_LANGUAGE_BYTES]; /* as in wire_lease; empty: boxes for any language */
    uint32_t kind, n_kinds;
    uint32_t stage, flags;              /* enum stage; WIRE_FIGURES_* */
    uint32_t idle, warming, leased;     /* boxes of this kind */
    uint32_t waits, target;             /* leases that wait for one; idle ones that are kept */
    uint32_t reserved;
    uint64_t hits, misses;              /* leases that found an idle one, and that did not */
    uint64_t box_bytes;                 /* what an idle one takes, as far as it is known */
    /* Of boxd as a whole, in each message. */
    uint32_t slots, slots_empty, open_files, reserved_too;
    uint64_t cpu_us, resident_bytes;
};

/* LEASED, USAGE, RELEASE, READY, SPAWNED, TERMINAL, ENTERED, ADOPT. */
struct wire_plain {
    struct wire_head head;
};

/* REFUSED, FAILED: a sentence for the log and for internal_error. */
struct wire_failed {
    struct wire_head head;
    int32_t code; /* negative errno */
    char msg[200]; /* NUL-terminated, printable */
    uint32_t reserved;
};

enum {
    WIRE_SPAWN_CGROUP_V2 = 1, /* the last fd is a cgroup2 directory for CLONE_INTO_CGROUP; else: v1 `tasks` files */
    WIRE_SPAWN_HURRY = 2,     /* ENTER: a job waits for this box: nothing is made ahead of it */
    WIRE_SPAWN_FLAGS = 3,
};

/* SPAWN, ENTER. */
struct wire_spawn {
    struct wire_head head;
    uint32_t uid;        /* host uid of box root; uid + 1 is the program's. Never 0 */
    uint32_t flags;      /* WIRE_SPAWN_* */
    uint64_t namespaces; /* CLONE_NEW* flags; user, pid and mount are always among them */
};

enum {
    WIRE_JOB_MERGED = 1,  /* stdout and stderr are one terminal that changes no byte */
    WIRE_JOB_COLLECT = 2, /* what COLLECT records name, where it exits with 0: all of it, or the stage has failed */
    WIRE_JOB_BRING = 4,   /* files that BRING records match, however it ends: as many as there is room for */
    WIRE_JOB_TERMINAL = 8, /* all three are one terminal as people have them, and the program is in control of it */
    WIRE_JOB_FLAGS = 15,
};

/* JOB: one stage. Limits that boxd holds (CPU, memory, processes) are not here. */
struct wire_job {
    struct wire_head head;
    uint64_t wall_time_ms, file_bytes, box_bytes, open_files;
    uint64_t payload_bytes;  /* records in the payload memfd, from offset 0 */
    uint64_t artifact_bytes; /* records in the artifact memfd, 0 without one */
    uint32_t flags;          /* WIRE_JOB_*; not both MERGED and TERMINAL */
    uint16_t rows, columns;  /* with TERMINAL: 1 to JOB_MAX_WINDOW; otherwise 0 */
};

/* SIGNAL: to the process group in the foreground of the job's terminal; without one, to the program's own. */
struct wire_signal {
    struct wire_head head; /* id: the job's */
    int32_t signal;        /* of job_signals */
    uint32_t reserved;
};

/* A forked interpreter is ready. Pids are those of the box. */
struct wire_worker {
    struct wire_head head;
    int32_t pid;    /* of the program that will be; at least 2 */
    int32_t keeper; /* of the process that shares its memory (init/zygote_keeper.c); 0: there is none */
};

enum wire_exit { WIRE_EXIT_EXITED, WIRE_EXIT_SIGNALED, WIRE_EXIT_WALL_TIME, WIRE_N_EXITS };

struct wire_exited {
    struct wire_head head;
    uint32_t how;       /* enum wire_exit */
    int32_t code;       /* exit status 0..255, or signal 1..64; 0 with WIRE_EXIT_WALL_TIME */
    uint64_t wall_us;
    uint64_t artifact_bytes; /* with WIRE_JOB_COLLECT and exit status 0, or with WIRE_JOB_BRING; 0 otherwise */
    uint32_t disk_full; /* 1: no block or no inode was left in the box */
    uint32_t omitted;   /* with WIRE_JOB_BRING: files that matched and that there was no room for */
};

union wire_msg {
    struct wire_head head;
    struct wire_lease lease;
    struct wire_plain plain;
    struct wire_used used;
    struct wire_failed failed;
    struct wire_spawn spawn;
    struct wire_job job;
    struct wire_worker worker;
    struct wire_exited exited;
    struct wire_signal signal;
    struct wire_stats stats;
    struct wire_figures figures;
};

/* Checks all that can be checked without state: length, magic, direction, number of descriptors, ranges, zero
 * in reserved fields, terminated strings. Returns 0, or -EBADMSG with *ret unchanged. */
MUST_CHECK int wire_decode(union wire_msg *ret, const void *bytes, size_t len, size_t n_fds, enum wire_side to,
                           struct err *err);
/* Bytes of a message of this type; 0 for a type that does not exist. */
size_t wire_size(enum wire_type type);
struct wire_head wire_head(enum wire_type type, uint64_t id);
/* A FAILED or REFUSED message of err. */
struct wire_failed wire_failed(enum wire_type type, uint64_t id, const struct err *err);

/*
 * Payload and artifact: records back to back in a memfd, each a head, a name without NUL and data.
 * The reader treats them as hostile: an artifact was written in a box that ran a hostile compiler input.
 */
enum wire_record_kind {
    WIRE_RECORD_ARG = 1, /* name: empty; data: one word of argv */
    WIRE_RECORD_ENV,     /* data: NAME=VALUE */
    WIRE_RECORD_FILE,    /* name: path below /box; data: content; mode: 0 or 1 for executable */
    WIRE_RECORD_COLLECT, /* name: file or folder below /box to bring back */
    WIRE_RECORD_FOLDER,  /* name: folder below /box */
    WIRE_RECORD_BRING,   /* name: pattern of files below /box to bring back (base/glob.h) */
};

struct wire_record {
    uint32_t kind; /* enum wire_record_kind */
    uint32_t mode; /* FILE: 1 sets the x bits; otherwise 0 */
    uint32_t name_len;
    uint32_t reserved;
    uint64_t data_len;
};

/* Checks a record's head against what is left of the blob. Returns the bytes of the whole record, or -EBADMSG. */
MUST_CHECK int64_t wire_record_check(const struct wire_record *record, uint64_t left, struct err *err);

/* A padding byte would carry what happened to be in memory. */
_Static_assert(sizeof(struct wire_lease) == 16 + 32 + 8 + 64, "no padding on the wire");
_Static_assert(sizeof(struct wire_used) == 48, "no padding on the wire");
_Static_assert(sizeof(struct wire_failed) == 224, "no padding on the wire");
_Static_assert(sizeof(struct wire_spawn) == 32, "no padding on the wire");
_Static_assert(sizeof(struct wire_job) == 72, "no padding on the wire");
_Static_assert(sizeof(struct wire_exited) == 48, "no padding on the wire");
_Static_assert(sizeof(struct wire_signal) == 24, "no padding on the wire");
_Static_assert(sizeof(struct wire_stats) == 24, "no padding on the wire");
_Static_assert(sizeof(struct wire_figures) == 16 + 32 + 40 + 24 + 32, "no padding on the wire");
_Static_assert(sizeof(struct wire_record) == 24, "no padding on the wire");
