/*
 * task: the one stage that a box serves, from the JOB message to the last dead process.
 * glimpse-init only. A failure of ours is an error; whatever the program does is a struct wire_exited.
 */
#pragma once

#include <sys/types.h>

#include "base/buf.h"
#include "base/err.h"
#include "wire/wire.h"

enum { TASK_MAX_WORDS = 1024, TASK_MAX_COLLECT = 32 };

struct task {
    struct wire_job job;
    int stdio[3]; /* owned; the program's */
    int blobs[2]; /* owned; payload, and artifact or -1: records, see wire.h */
    int box_fd;   /* owned; the folder /box */
    char *argv[TASK_MAX_WORDS + 1], *envp[TASK_MAX_WORDS + 1]; /* each owned; NULL at the end */
    size_t n_argv, n_envp;
    char *collect[TASK_MAX_COLLECT]; /* each owned */
    size_t n_collect;
    char *bring[TASK_MAX_COLLECT]; /* each owned: patterns */
    size_t n_bring;
};

/* Starts empty. fds: of the JOB message, taken. */
void task_init(struct task *task, const struct wire_job *job, const int *fds, size_t n_fds);

/* payload.c: reads both blobs: words into argv and envp, files into /box, owned by the program's uid. */
MUST_CHECK int task_unpack(struct task *task, struct err *err);

/* The readers must see the end when the program's copies are gone. */
void task_close_stdio(struct task *task);

/* program.c: forks the program off. *error_fd (owned by the caller) carries a struct err if it could not be
 * executed and ends when it was. */
MUST_CHECK int task_start(struct task *task, int seccomp_fd, pid_t *pid, int *error_fd, struct err *err);

/* collect.c: writes what task->collect names into a memfd of records. Every other process of the box must be dead.
 * *ret is owned by the caller, -1 where there was nothing. */
MUST_CHECK int task_collect(const struct task *task, int *ret, uint64_t *ret_bytes, struct err *err);

/* bring.c: the same of the files that task->bring matches, as far as there is room; *n_omitted: for how many there was
 * none. */
MUST_CHECK int task_bring(const struct task *task, int *ret, uint64_t *ret_bytes, uint32_t *n_omitted, struct err *err);

/* Files are read and written with the program's file system ids: they belong to it, and init needs no
 * capability to reach them. */
MUST_CHECK int task_act_as(uid_t uid);
