/*
 * The keeper: a process that does nothing but share the worker's memory. Giving back the memory of an interpreter takes
 * the kernel a millisecond, and a process's parent learns of its end only after that, unless somebody else still has
 * the memory (exit_mm() comes before exit_notify()). So the program's end is known at once, and init kills the keeper
 * with the rest of the box.
 *
 * A program that executes another leaves this memory too, and shall not go on paying for it: the kernel then wakes who
 * waits for the main thread's end (mm_release()), the keeper, which ends.
 *
 * The program can do with it what it can do with any process of its own: it has its uid, its filter and its cgroup.
 */
#include <limits.h>
#include <linux/futex.h>
#include <sched.h>
#include <signal.h>
#include <stdatomic.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

#include "init/zygote.h"

static pid_t keeper;
static atomic_int settled; /* the keeper has given up what it was born with */
static pid_t worker;
/* The worker's, which the kernel sets to 0 when it leaves this memory (set_tid_address(2)). NULL where that can't be
 * known: then the keeper stays to the end. */
static atomic_int *tid_address;

static void find_tid_address(void)
{
    worker = getpid();
    if (prctl(PR_GET_TID_ADDRESS, &tid_address) < 0 || atomic_load(tid_address) != worker)
        tid_address = NULL;
}

/* In the worker's memory, thread-local storage included: so nothing that writes errno while the worker has it. No
 * system call here fails before, and no signal ends one, since all are blocked. Its descriptors are copies, of which
 * the program shall have none, and its limits no lower than the worker's are now: it may open and write nothing
 * instead. */
static int keep(void *unused)
{
    static const struct rlimit64 none;
    static const struct timespec moment = {.tv_nsec = 1000000};

    (void)unused;
    (void)syscall(SYS_close_range, 0, ~0U, 0);
    (void)syscall(SYS_prlimit64, 0, RLIMIT_FSIZE, &none, NULL);
    (void)syscall(SYS_prlimit64, 0, RLIMIT_NOFILE, &none, NULL);
    atomic_store(&settled, 1);
    (void)syscall(SYS_futex, &settled, FUTEX_WAKE, 1, NULL, NULL, 0);
    while (tid_address == NULL)
        (void)syscall(SYS_ppoll, NULL, 0, NULL, NULL, 0);
    while (atomic_load(tid_address) == worker)
        (void)syscall(SYS_futex, tid_address, FUTEX_WAIT, worker, NULL, NULL, 0);
    /* The kernel wakes one, and it may have been meant for another thread of the worker's, in pthread_join(3). */
    (void)syscall(SYS_futex, tid_address, FUTEX_WAKE, INT_MAX, NULL, NULL, 0);
    /* Whether it ends or executes something, it is not yet out. Where it ends, it is to be the first. */
    (void)syscall(SYS_nanosleep, &moment, NULL);
    return 0;
}

/* Before the program, which could have it do something else: a second is ample. */
static bool has_settled(void)
{
    const struct timespec patience = {.tv_sec = 1};

    (void)syscall(SYS_futex, &settled, FUTEX_WAIT, 0, &patience, NULL, 0); /* EAGAIN: it has already */
    return atomic_load(&settled) == 1;
}

/* CLONE_PARENT: init's child as the worker is, so that a program finds no child that it did not make (wait(2)). */
pid_t zygote_keep_memory(void)
{
    static _Alignas(16) char stack[4096];
    sigset_t all, before;

    find_tid_address();
    (void)sigfillset(&all);
    if (sigprocmask(SIG_SETMASK, &all, &before) < 0)
        return 0;
    keeper = clone(keep, stack + sizeof stack, CLONE_VM | CLONE_PARENT, NULL);
    if (keeper < 0 || !has_settled()) {
        zygote_end_keeper();
        keeper = 0;
    }
    (void)sigprocmask(SIG_SETMASK, &before, NULL);
    return keeper;
}

void zygote_end_keeper(void)
{
    if (keeper > 0)
        (void)kill(keeper, SIGKILL);
}
