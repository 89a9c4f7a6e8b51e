/*
 * setup: what a box's first process does between clone3() and being its init.
 *
 * It starts as a copy of the zygote: root on the host by uid, but already in all its new namespaces. A list of
 * steps (setup.c) is run from top to bottom; then init begins, in the same program.
 */
#pragma once

#include <stdbool.h>

#include "box/cgroup.h"
#include "box/rootfs.h"
#include "wire/wire.h"

/* Numbers of the descriptors that init starts with; there are no others. */
enum { BOX_FD_JOB = 3, BOX_FD_SECCOMP = 4, BOX_FD_LEASH = 5 };

/* Of an interpreter that is forked into boxes: in the zygote, and in a fork until it has its job. High, so that what it
 * opens as it starts has the numbers that it has elsewhere. */
enum { ZYGOTE_FD_CONTROL = 99, ZYGOTE_FD_WORKER = 100 };

/* Its environment: what it opens when it is ready to serve, and what prepares it, as absolute names in the box. */
#define ZYGOTE_ENV_SCRIPT "GLIMPSE_ZYGOTE_SCRIPT"
#define ZYGOTE_ENV_WARM   "GLIMPSE_ZYGOTE_WARM"

enum {
    BOX_UID_INIT = 0,       /* in the box: the host uid of the SPAWN message */
    BOX_UID_PROGRAM = 1000, /* the host uid after that */
};

/* The tmpfs behind /box, /tmp and /dev/shm while the box waits: what most jobs have (languages_usual_limits()), so that
 * init need not set it. */
#define BOX_TMPFS_BYTES  (128u << 20)
#define BOX_TMPFS_INODES 65536u /* about 1 KiB of kernel memory each, charged to the box */

struct setup_plan {
    struct wire_spawn spawn;
    int mapped_fd; /* a byte comes when the uid and gid maps are written */
    int job_fd, seccomp_fd;
    int leash_fd; /* a pipe's read end: its end says that boxd is gone */
    int entry_fds[CGROUP_MAX_ENTRIES]; /* v1: `tasks` files to enter; v2: none, it was cloned into its group */
    size_t n_entries;
    const struct rootfs_masks *masks;
    void (*become_init)(void) __attribute__((noreturn));
};

/* Ends in become_init(), or sends FAILED on job_fd and exits. All descriptors are borrowed. */
_Noreturn void setup_run(const struct setup_plan *plan);

/* The same root for an interpreter that will be forked into boxes: names and files are as in a box, but for /proc. The
 * calling process, which rootfs_enter() has served, has it as "/" then, and /box as its folder. */
MUST_CHECK int setup_enter_root(struct err *err);
