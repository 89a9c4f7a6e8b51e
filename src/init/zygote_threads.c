/*
 * fork(2) makes a copy of one thread. The others of an interpreter are made anew here, each where it was:
 *
 *   zygote:  a signal takes every other thread into park(), where it notes where it is, and stays.
 *   worker:  its memory has all their stacks and libc's descriptors of them. For each, the kernel is asked for a
 *            thread as pthread_create(3) asks for one, with the descriptor that is there already; it goes on in
 *            park(), by the context noted, and returns from the signal to what it was doing. A system call that it
 *            was in is begun again, or says EINTR, as after any signal (signal(7)).
 *
 * Nothing of the interpreter runs in the zygote from then on, so what is copied is always the same.
 */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/rseq.h>
#include <sys/syscall.h>
#include <time.h>
#include <ucontext.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/fd.h"
#include "init/zygote.h"

enum {
    MAX_THREADS = 64,
    STACK_BYTES = 32 << 10, /* until the thread is on its own; room for a signal's frame */
    PATIENCE_US = 5000000,
    REST_PATIENCE_US = 60000000,
    REST_LOOK_NS = 10000000,
    REST_LOOKS = 20,
    /* libc's own (SIGSETXID): no thread can block it, as libc takes it out of every mask; and libc refuses it in
     * sigaction(3), so that no program has a handler for it. */
    SIGNAL = 33,
};

struct thread {
    pid_t tid; /* in the zygote */
    int *
        tid_address; /* in libc's descriptor: the kernel clears it at the end, for pthread_join(3) */
    void *pointer;   /* to the descriptor: the thread pointer */
    void *robust;    /* list of mutexes, get_robust_list(2) */
    size_t robust_bytes;
    char name[16];
    ucontext_t context;
    int parked;
};

/* As the kernel has it; libc's struct is another. */
struct kernel_sigaction {
    void (*handler)(int);
    unsigned long flags;
    void (*restorer)(void);
    uint64_t mask;
};

static struct thread threads[MAX_THREADS];
static size_t n_threads;
static bool in_worker;
static struct kernel_sigaction of_libc;

static int set_handler(const struct kernel_sigaction *action, struct kernel_sigaction *before)
{
    return (int)syscall(SYS_rt_sigaction, SIGNAL, action, before, sizeof action->mask);
}

static struct thread *find(pid_t tid)
{
    for (size_t i = 0; i < n_threads; i++)
        if (threads[i].tid == tid)
            return &threads[i];
    return NULL;
}

/* What the kernel knows of this thread, besides its registers. */
static bool note(struct thread *self)
{
    self->pointer = __builtin_thread_pointer();
    return prctl(PR_GET_TID_ADDRESS, &self->tid_address) == 0 &&
           prctl(PR_GET_NAME, self->name) == 0 &&
           syscall(SYS_get_robust_list, 0, &self->robust, &self->robust_bytes) == 0;
}

/* And what it does not know yet of the new one. */
static void tell(const struct thread *self)
{
    (void)syscall(SYS_set_robust_list, self->robust, self->robust_bytes);
    (void)prctl(PR_SET_NAME, self->name);
    if (__rseq_size >
        0) /* libc registered it when it made the thread, with no less than the first version's 32 bytes */
        (void)syscall(SYS_rseq, (char *)self->pointer + __rseq_offset,
                      __rseq_size > 32 ? __rseq_size : 32, 0, RSEQ_SIG);
}

/* All signals are blocked here. */
static void park(int signal)
{
    struct thread *volatile self =
        find((pid_t)syscall(SYS_gettid)); /* volatile: park() is gone on with from afar */
    volatile int before = errno;

    (void)signal;
    if (self == NULL || !note(self))
        return; /* and the zygote waits for it in vain, and says so */
    (void)getcontext(&self->context);
    if (!in_worker) {
        __atomic_store_n(&self->parked, 1, __ATOMIC_RELEASE);
        for (;;)
            (void)syscall(SYS_ppoll, NULL, 0, NULL, NULL, 0);
    }
    tell(self);
    errno = before;
}

/* Every thread but this one. Again, until there is none that was not seen before: one may have begun another. */
static int signal_all(size_t *n_new)
{
    const pid_t self = (pid_t)syscall(SYS_gettid);
    DIR *folder = opendir("/proc/self/task");
    struct dirent *entry;
    int r = folder == NULL ? -errno : 0;

    *n_new = 0;
    while (r == 0 && (entry = readdir(folder)) != NULL) {
        pid_t tid = (pid_t)strtol(entry->d_name, NULL, 10);

        if (tid <= 0 || tid == self || find(tid) != NULL)
            continue;
        if (n_threads == MAX_THREADS) {
            r = -E2BIG;
            break;
        }
        threads[n_threads++] = (struct thread){.tid = tid};
        (*n_new)++;
        if (syscall(SYS_tgkill, getpid(), tid, SIGNAL) < 0)
            r = -errno;
    }
    if (folder != NULL)
        (void)closedir(folder);
    return r;
}

static bool all_parked(void)
{
    for (size_t i = 0; i < n_threads; i++)
        if (__atomic_load_n(&threads[i].parked, __ATOMIC_ACQUIRE) == 0)
            return false;
    return true;
}

/* Is each of the others waiting for something? */
static bool all_sleep(void)
{
    const pid_t self = (pid_t)syscall(SYS_gettid);
    DIR *folder = opendir("/proc/self/task");
    struct dirent *entry;
    bool sleep = folder != NULL;

    while (sleep && (entry = readdir(folder)) != NULL) {
        char path[64], text[512];
        const char *name_end;
        pid_t tid = (pid_t)strtol(entry->d_name, NULL, 10);

        if (tid <= 0 || tid == self)
            continue;
        (void)snprintf(path, sizeof path, "/proc/self/task/%d/stat", tid);
        name_end = fd_read_file_at(AT_FDCWD, path, text, sizeof text) < 0 ? NULL : strrchr(text, ')');
        sleep = name_end != NULL && strncmp(name_end, ") S", 3) == 0; /* proc_pid_stat(5) */
    }
    if (folder != NULL)
        (void)closedir(folder);
    return sleep;
}

void zygote_await_rest(void)
{
    uint64_t patience_us = now_us() + REST_PATIENCE_US;
    int n = 0;

    while (n < REST_LOOKS && now_us() < patience_us) {
        n = all_sleep() ? n + 1 : 0;
        (void)nanosleep(&(struct timespec){.tv_nsec = REST_LOOK_NS}, NULL);
    }
}

int zygote_stop_threads(struct err *err)
{
    /* The restorer is libc's: it is the same for every signal. Handlers return by it on x86-64. */
    struct kernel_sigaction park_here = {.handler = park, .mask = ~(uint64_t)0};
    struct kernel_sigaction sample;
    struct sigaction any = {.sa_handler = park}, before;
    uint64_t patience_us = now_us() + PATIENCE_US;
    size_t n_new = 1;
    int r = 0;

    if (sigaction(SIGURG, &any, &before) < 0 ||
        syscall(SYS_rt_sigaction, SIGURG, NULL, &sample, sizeof sample.mask) < 0 ||
        sigaction(SIGURG, &before, NULL) < 0)
        return err_errno(err, -errno, "threads of an interpreter");
    park_here.restorer = sample.restorer;
    park_here.flags = (sample.flags & ~(unsigned long)SA_RESETHAND) | SA_RESTART;
    if (set_handler(&park_here, &of_libc) < 0)
        return err_errno(err, -errno, "threads of an interpreter");
    while (r == 0 && (n_new > 0 || !all_parked())) {
        r = signal_all(&n_new);
        if (r == 0 && now_us() > patience_us)
            r = -ETIMEDOUT;
        (void)nanosleep(&(struct timespec){.tv_nsec = 1000000}, NULL);
    }
    return r < 0 ? err_errno(err, r, "stopping the threads of an interpreter") : 0;
}

/* On a stack that it leaves for its own. */
static int go_on(void *thread)
{
    (void)setcontext(&((struct thread *)thread)->context);
    _exit(126);
}

int zygote_start_threads(struct err *err)
{
    static _Alignas(16) char stacks[MAX_THREADS][STACK_BYTES];
    const int flags = CLONE_VM | CLONE_FS | CLONE_FILES | CLONE_SIGHAND | CLONE_THREAD |
                      CLONE_SYSVSEM | CLONE_SETTLS | CLONE_PARENT_SETTID | CLONE_CHILD_CLEARTID;
    sigset_t all, before;
    int r = 0;

    in_worker = true;
    (void)sigfillset(&all);
    (void)sigprocmask(SIG_SETMASK, &all,
                      &before); /* they begin with them blocked, and end so in park() */
    for (size_t i = 0; r == 0 && i < n_threads; i++) {
        struct thread *at = &threads[i];

        if (clone(go_on, stacks[i] + STACK_BYTES, flags, at, at->tid_address, at->pointer,
                  at->tid_address) < 0)
            r = -errno;
    }
    (void)sigprocmask(SIG_SETMASK, &before, NULL);
    if (r == 0 && set_handler(&of_libc, NULL) < 0)
        r = -errno;
    return r < 0 ? err_errno(err, r, "threads of a forked interpreter") : 0;
}
