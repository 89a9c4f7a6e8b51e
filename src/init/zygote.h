/*
 * zygote: libzygote.so, which turns a booted interpreter into a template that is forked into boxes.
 *
 * boxd starts the interpreter, as it would run a program, with this library preloaded and the control socket as
 * descriptor ZYGOTE_FD_CONTROL. When the interpreter opens its script (zygote_preload.c), nothing but our own code has
 * run in it: from there it serves boxd for ever. Each ENTER names a box that is there already, with glimpse-init in it:
 *
 *   zygote ── vfork ──▶ go-between, in the box's pid namespace and cgroup ── fork ──▶ worker
 *
 * The go-between ends at once, so the worker is init's child (pid_namespaces(7): orphans go to their namespace's
 * init). The worker enters the other namespaces, gives up all privilege (confine.h), makes ready what it can, tells
 * init that it is ready, and waits for the job. A program of a user is never seen by the zygote.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "base/err.h"
#include "box/setup.h"
#include "wire/wire.h"

struct zygote_job {
    char **argv, **envp; /* NULL at the end; memory of the process's rest of life */
    size_t argc;
};

/* What an interpreter needs besides being forked; any may be NULL. With run, it is run() that runs the program, to its
 * end. Without, the interpreter goes on by itself and opens the program: where the job's words are those that it was
 * booted with and take() agrees, otherwise it is started afresh. */
struct zygote_face {
    /* Instead of all others, in one that serves by itself, later than its script is opened. argv: what it was started
     * with. */
    void (*opened)(char *const *argv);
    bool late; /* more of its start comes after the script is opened: it serves when it reads from it */
    const char *placeholder; /* likewise, but it reads this at first, and the face serves when it is time */
    void (*begin)(void); /* in the zygote before its main(), once */
    /* When it is booted, once: import what programs import. script: the language's own, or NULL. */
    void (*warm)(const char *script);
    void (*rehearse)(void);   /* in a fork that ends then (zygote_pages.c): what programs go through */
    void (*after_fork)(void); /* in each worker, and before rehearse() */
    void (*settle)(void);     /* in a worker that has time: make what can be made before the job */
    /* Puts into the interpreter what it has read at its start: the arguments (those behind the program's name) and
     * the job's environment. Without it, a job may have no arguments. False, with nothing changed, where it can't. */
    bool (*take)(const struct zygote_job *job, char **arguments);
    void (*run)(const struct zygote_job *job);
};

/* zygote_serve.c: as fork(2), without what libc does around it: it would take threads that zygote_start_threads() is
 * going to start for dead. */
pid_t zygote_fork(void);
/* Serves boxd. Returns in workers only, one that is confined in its box; *hurry: a job waits for
 * it. Ends the process when boxd is gone. */
void zygote_serve(bool *hurry);
/* zygote_enter.c: takes the calling process, a fresh fork, into the box. fds: of the ENTER message, borrowed. */
MUST_CHECK int zygote_enter(const struct wire_spawn *enter, const int *fds, struct err *err);
/* zygote_job.c: tells init that this worker is ready, in a hurry without a keeper, and waits for the job: stdio,
 * environment and limits are the job's then, and every other descriptor is closed but those that
 * zygote_open_descriptors() has opened. Ends the process where there will be no job. */
void zygote_wait(struct zygote_job *job, bool hurry);
/* True from then on. */
bool zygote_has_job(void);
/* Whether the program has brought machine code: it may want to see the process's end (atexit(3), destructors). */
bool zygote_program_has_code(void);
/* Without any more of the interpreter's own end. */
_Noreturn void zygote_end(int status);
/* zygote_image.c: what /proc tells of the worker shall be the job's: read before it is there, and set when it is.
 */
void zygote_remember_image(void);
void zygote_show_image(const struct zygote_job *job);
/* zygote_keeper.c: starts the process that takes down the worker's memory when the worker has ended. Its pid, or 0. */
pid_t zygote_keep_memory(void);
/* There is no need of it: a fresh interpreter takes the worker's place. */
void zygote_end_keeper(void);
/* zygote_pages.c: in the zygote, true in the scout, which then goes through what programs do and reports; and in a
 * worker that has time. */
bool zygote_send_scout(void);
void zygote_report_pages(void); /* ends the scout; nothing in another process */
void zygote_touch_pages(void);
/* For an interpreter of more than one thread, or with more open than files: what a fork leaves out is noted in the
 * zygote when its last own code has run, and made anew in a worker when it has entered its box. */
MUST_CHECK int zygote_note_descriptors(struct err *err);  /* zygote_descriptors.c */
MUST_CHECK int zygote_open_descriptors(struct err *err);
MUST_CHECK int zygote_close_others(void); /* all but those, and 0 to 2. 0 or a negative errno */
/* zygote_threads.c: waits, for a minute at most, until the others have had nothing to do for a while. */
void zygote_await_rest(void);
MUST_CHECK int zygote_stop_threads(struct err *err);
MUST_CHECK int zygote_start_threads(struct err *err);
MUST_CHECK int zygote_fork_all_memory(struct err *err);   /* zygote_memory.c */
/* zygote_jvm_heap.c: of a JVM that was started with these words, when its threads are stopped. */
void zygote_give_back_heap(char *const *argv);
/* zygote_jvm_end.c: in the zygote; and in a worker where its main thread has only the JVM's end to wait for any more,
 * with the process's exit status as it is then. */
struct jni_face;
void zygote_jvm_hook_end(struct jni_face *vm, struct jni_face *env);
void zygote_jvm_will_end(int status);
/* A failure of ours in the zygote: boxd hears why, and this process ends. */
_Noreturn void zygote_give_up(const struct err *err);
/* A failure of ours in a worker: init hears why, and this process ends. */
_Noreturn void zygote_fail(const struct err *err);
/* zygote_preload.c: nothing that is opened from now on is the script, and ids are as they are. */
void zygote_booted(void);
/* What the interpreter was booted with. */
char *const *zygote_boot_environment(void);
/* The job's words are those that the interpreter was booted with, and arguments, at which *ret is then; and it is on no
 * terminal. */
bool zygote_fits(const struct zygote_job *job, char ***ret);
/* Of the script's place-holder, or -1. */
int zygote_script_descriptor(void);
/* The next fork(3) in this process is this function's. */
void zygote_hook_fork(pid_t (*function)(bool *hurry), bool *hurry);
/* Forgets this interpreter and executes another, as init does in a box without one: for what is unusual. */
_Noreturn void zygote_start_afresh(const struct zygote_job *job);

/* One file each; NULL in another interpreter. */
const struct zygote_face *zygote_bash(void);
const struct zygote_face *zygote_jvm(void);
const struct zygote_face *zygote_lua_face(void);
const struct zygote_face *zygote_perl(void);
const struct zygote_face *zygote_python(void);
const struct zygote_face *zygote_ruby(void);
/* zygote_node.c: before main(); does nothing in another interpreter. preparation: or NULL. */
void zygote_node_begin(const char *preparation);
