/*
 * worker: init's side of an interpreter that was forked into the box and waits for the job
 * (libzygote.so is the other). It is a process of the program's uid with nothing left to give up; until it has the
 * job it runs only our code.
 */
#pragma once

#include <sys/types.h>

#include "base/err.h"
#include "init/task.h"

struct worker {
    int fd;       /* owned; -1: there is none */
    pid_t pid;    /* 0 until it is ready */
    pid_t keeper; /* shares its memory (zygote_keeper.c), and is to be killed with it; 0: there is none */
    uint64_t cpu_us; /* it had used when it got the job */
    int pids_fd;     /* owned; tells which pid was given out last (ns_last_pid), or -1 */
    long last_pid;   /* that was when it got the job */
};

#define WORKER_NONE ((struct worker){.fd = -1, .pids_fd = -1})

/* Reads what it says. 1: it is ready, said once; 0: nothing yet; -EPIPE where it has ended. */
MUST_CHECK int worker_hear(struct worker *worker, struct err *err);
/* Hands the job over, and with it the ends of the pipes; the program runs from now on. *pid is its first process.
 * After an error the task is as before: the interpreter has ended while it waited, and a fresh one can be executed.
 */
MUST_CHECK int worker_start(struct worker *worker, struct task *task, pid_t *pid, struct err *err);
/* Once the program has ended: true where it never made a process or a thread, so that the keeper is all that is left.
 */
bool worker_was_alone(const struct worker *worker);
/* Once it has ended: *err is set where it could not begin with the job, which is our failure and not the program's.
 */
void worker_check_started(const struct worker *worker, struct err *err);
