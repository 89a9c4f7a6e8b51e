/*
 * Which system calls a process makes once it serves. Three answers:
 *
 *   allowed   the rows below, and the plan's
 *   killed    what none of our libraries does by itself and a payload does first: the end of the process is a loud one
 *   ENOSYS    all else: what a kernel without that call says, and libraries know how to go on. A C library that
 *             is newer than this table must not turn into an outage that any request can cause
 */
#include <asm/ioctls.h>
#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <seccomp.h>
#include <sys/mman.h>
#include <sys/socket.h>

#include "lockdown/lockdown.h"

/* clang-format off */
static const char *const allowed[] = {
    /* Descriptors. */
    "read", "write", "readv", "writev", "close", "lseek", "dup", "dup3", "pipe2",
    /* Files: which ones is Landlock's part. open(2) and its kin: arm64 has only the *at calls, glibc uses both. */
    "openat", "open", "fstat", "newfstatat", "fstatat64", "stat", "lstat", "statx", "access", "faccessat", "faccessat2",
    "readlink", "readlinkat", "getcwd",
    /* Sockets that are there, or may be made: see the plan's families. No bind, no listen: that is over. */
    "connect", "recvmsg", "recvfrom", "sendmsg", "sendto", "shutdown", "getsockopt", "setsockopt", "getsockname",
    "getpeername",
    /* The loop. */
    "epoll_create1", "epoll_ctl", "epoll_wait", "epoll_pwait", "poll", "ppoll", "eventfd2",
    "clock_gettime", "clock_getres", "clock_nanosleep", "nanosleep", "gettimeofday", "time", "getrandom",
    /* Memory that is not executable; see below for how it comes. */
    "brk", "munmap", "mremap", "madvise",
    /* Threads, signals, the end. */
    "futex", "set_robust_list", "rseq", "sched_yield", "sched_getaffinity", "gettid", "getpid", "getppid", "getuid",
    "geteuid", "getgid", "getegid", "uname", "rt_sigaction", "rt_sigprocmask", "rt_sigreturn", "sigaltstack",
    "restart_syscall", "wait4", "exit", "exit_group",
};

static const char *const killed[] = {
    "execve", "execveat", "fork", "vfork",                            /* another program */
    "process_vm_readv", "process_vm_writev", "pidfd_getfd",           /* another process */
    "mount", "umount2", "pivot_root", "chroot", "unshare", "setns",   /* another view of the host */
    "setuid", "setgid", "setreuid", "setregid", "setresuid", "setresgid", "setgroups", "capset", /* other rights */
    "bpf", "perf_event_open", "userfaultfd", "keyctl", "add_key", "request_key", "init_module", "finit_module",
    "kexec_load", "open_by_handle_at",                                /* the kernel's sore points */
};

/* LeakSanitizer stops all threads from a helper process, at the end. */
static const char *const sanitizers[] = {"clone", "ptrace", "prctl", "getdents64", "getrlimit", "arch_prctl"};

static const unsigned ioctls[] = {FIONBIO, TIOCSWINSZ};

/* fcntl(2) can also ask for signals to be sent to others, and for leases on files. */
static const unsigned fcntls[] = {
    F_DUPFD, F_DUPFD_CLOEXEC, F_GETFD, F_SETFD, F_GETFL, F_SETFL, F_ADD_SEALS, F_GET_SEALS,
    F_GETLK, F_SETLK, F_SETLKW, F_OFD_GETLK, F_OFD_SETLK, F_OFD_SETLKW, /* SQLite's locks */
    F_SETPIPE_SZ, F_GETPIPE_SZ,
};
/* clang-format on */

static int add_names(scmp_filter_ctx filter, uint32_t action, const char *const *names, size_t n, struct err *err)
{
    for (size_t i = 0; i < n; i++) {
        int nr = seccomp_syscall_resolve_name(names[i]), r;

        if (nr == __NR_SCMP_ERROR)
            return err_set(err, -ENOTSUP, "libseccomp does not know the call '%s'", names[i]);
        if (nr < 0) /* not a call of this architecture */
            continue;
        r = seccomp_rule_add(filter, action, nr, 0);
        if (r < 0)
            return err_errno(err, r, "seccomp rule for %s", names[i]);
    }
    return 0;
}

static int add_conditional(scmp_filter_ctx filter, const struct lockdown_plan *plan)
{
    const uint64_t low = UINT32_MAX; /* what the kernel looks at of an int */
    const uint64_t thread = CLONE_VM | CLONE_SIGHAND | CLONE_THREAD;
    const uint32_t allow = SCMP_ACT_ALLOW;
    int r;

    /* Injected code has nowhere to be. */
    r = seccomp_rule_add(filter, allow, SCMP_SYS(mmap), 1, SCMP_A2(SCMP_CMP_MASKED_EQ, PROT_EXEC, 0));
    if (r == 0)
        r = seccomp_rule_add(filter, allow, SCMP_SYS(mprotect), 1, SCMP_A2(SCMP_CMP_MASKED_EQ, PROT_EXEC, 0));
    /* Threads, not processes. clone3(2) hides its flags in memory; ENOSYS makes glibc use this one. */
    if (r == 0 && !LOCKDOWN_SANITIZED)
        r = seccomp_rule_add(filter, allow, SCMP_SYS(clone), 1, SCMP_A0(SCMP_CMP_MASKED_EQ, thread, thread));
    for (size_t i = 0; r == 0 && i < plan->n_families; i++)
        r = seccomp_rule_add(filter, allow, SCMP_SYS(socket), 1,
                             SCMP_A0(SCMP_CMP_MASKED_EQ, low, (uint64_t)plan->families[i]));
    /* libuv makes descriptors non-blocking by the one, a box's terminal gets its size by the other; drivers are behind
     * all else. */
    for (size_t i = 0; r == 0 && i < COUNT_OF(ioctls); i++)
        r = seccomp_rule_add(filter, allow, SCMP_SYS(ioctl), 1, SCMP_A1(SCMP_CMP_MASKED_EQ, low, ioctls[i]));
    for (size_t i = 0; r == 0 && i < COUNT_OF(fcntls); i++)
        r = seccomp_rule_add(filter, allow, SCMP_SYS(fcntl), 1, SCMP_A1(SCMP_CMP_MASKED_EQ, low, fcntls[i]));
    if (r == 0) /* abort(3): ourselves, nobody else */
        r = seccomp_rule_add(filter, allow, SCMP_SYS(tgkill), 1, SCMP_A0(SCMP_CMP_EQ, (uint64_t)getpid()));
    if (r == 0) /* reading a limit; A2 is the new one */
        r = seccomp_rule_add(filter, allow, SCMP_SYS(prlimit64), 1, SCMP_A2(SCMP_CMP_EQ, 0));
    return r;
}

static void release_filter(scmp_filter_ctx *filter)
{
    if (*filter != NULL)
        seccomp_release(*filter);
}

int lockdown_calls(const struct lockdown_plan *plan, struct err *err)
{
    CLEANUP(release_filter) scmp_filter_ctx filter = seccomp_init(SCMP_ACT_ERRNO(ENOSYS));
    int r;

    if (filter == NULL)
        return err_set(err, -ENOMEM, "seccomp filter");
    /* i386's and x32's numbers mean other calls. */
    r = seccomp_attr_set(filter, SCMP_FLTATR_ACT_BADARCH, SCMP_ACT_KILL_PROCESS);
    if (r == 0)
        r = seccomp_attr_set(filter, SCMP_FLTATR_CTL_OPTIMIZE, 2); /* a tree: each call passes it */
    if (r < 0)
        return err_errno(err, r, "seccomp attributes");
    r = add_names(filter, SCMP_ACT_ALLOW, allowed, COUNT_OF(allowed), err);
    if (r == 0)
        r = add_names(filter, SCMP_ACT_ALLOW, plan->calls, plan->n_calls, err);
    if (r == 0)
        r = add_names(filter, SCMP_ACT_KILL_PROCESS, killed, COUNT_OF(killed), err);
    if (r == 0 && LOCKDOWN_SANITIZED)
        r = add_names(filter, SCMP_ACT_ALLOW, sanitizers, COUNT_OF(sanitizers), err);
    else if (r == 0)
        r = add_names(filter, SCMP_ACT_KILL_PROCESS, (const char *const[]){"ptrace"}, 1, err);
    if (r < 0)
        return r;
    r = add_conditional(filter, plan);
    if (r < 0)
        return err_errno(err, r, "seccomp rule on arguments");
    r = seccomp_load(filter);
    return r < 0 ? err_errno(err, r, "loading the seccomp filter") : 0;
}
