#include "box/seccomp.h"

#include <asm/ioctls.h>
#include <asm/unistd.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/filter.h>
#include <netinet/in.h>
#include <linux/prctl.h>
#include <linux/seccomp.h>
#include <sched.h>
#include <seccomp.h>
#include <stddef.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/shm.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/uio.h>

#include "base/fd.h"

struct row {
    const char *name; /* resolved by libseccomp: a call unknown on this architecture is skipped */
    int error;
    const char *why;
};

/* Newer than libseccomp 2.5.4's tables, and the same number on every architecture. From FIRST_UNKNOWN_CALL on, all are
 * refused: a deny-list would let a new kernel's calls through before anybody here has read what they do. So are
 * those of the gap in the tables below pidfd_send_signal, where x86 puts new ones of its own. (335 and 336,
 * uretprobe and uprobe, no filter is asked about since Linux 6.14; outside a probe of the host's they end in
 * SIGILL.) */
enum { FIRST_GAP_CALL = 335, FIRST_CALL_AFTER_GAP = 424, FIRST_UNKNOWN_CALL = 470 };

static const struct {
    int nr;
    const char *why;
} newer_rows[] = {
    {450, "set_mempolicy_home_node: NUMA placement, as set_mempolicy"},
    {451, "cachestat: which pages of a shared file are in memory tells what others read"},
    {453, "map_shadow_stack: no use for programs here"},
    {454, "futex_wake: too new to have been looked at"},
    {455, "futex_wait: the same"},
    {456, "futex_requeue: the same"},
    {457, "statmount: tells of mounts by id"},
    {458, "listmount: the same"},
    {459, "lsm_get_self_attr: tells how the host is secured"},
    {460, "lsm_set_self_attr: the same"},
    {461, "lsm_list_modules: the same"},
    {463, "setxattrat: too new to have been looked at"},
    {464, "getxattrat: the same"},
    {465, "listxattrat: the same"},
    {466, "removexattrat: the same"},
    {467, "open_tree_attr: mount API"},
    {468, "file_getattr: too new to have been looked at"},
    {469, "file_setattr: the same"},
};

/* clang-format off */
static const struct row rows[] = {
    /* Namespaces: a program that is root of its own user namespace reaches ten times more kernel code. */
    {"unshare",           EPERM,  "new namespaces"},
    {"setns",             EPERM,  "entering namespaces"},
    /* clone3's flags are in memory, where a filter can't look: libc falls back to clone on ENOSYS. */
    {"clone3",            ENOSYS, "flags can't be checked"},
    /* Mounts and roots. */
    {"mount",             EPERM,  "mount API"},
    {"umount2",           EPERM,  "mount API"},
    {"pivot_root",        EPERM,  "mount API"},
    {"chroot",            EPERM,  "a classic way out of a root"},
    {"fsopen",            EPERM,  "mount API"},
    {"fsconfig",          EPERM,  "mount API"},
    {"fsmount",           EPERM,  "mount API"},
    {"fspick",            EPERM,  "mount API"},
    {"move_mount",        EPERM,  "mount API"},
    {"open_tree",         EPERM,  "mount API"},
    {"mount_setattr",     EPERM,  "mount API"},
    {"swapon",            EPERM,  "host memory"},
    {"swapoff",           EPERM,  "host memory"},
    {"quotactl",          EPERM,  "host file systems"},
    {"quotactl_fd",       EPERM,  "host file systems"},
    {"sysfs",             EPERM,  "obsolete"},
    {"ustat",             EPERM,  "obsolete"},
    /* Other processes' insides: the uid already forbids init's; this closes the whole surface. */
    {"ptrace",            EPERM,  "reads and writes other processes"},
    {"process_vm_readv",  EPERM,  "reads other processes"},
    {"process_vm_writev", EPERM,  "writes other processes"},
    {"process_madvise",   EPERM,  "other processes' memory"},
    {"process_mrelease",  EPERM,  "other processes' memory"},
    {"kcmp",              EPERM,  "compares kernel objects of processes"},
    {"pidfd_getfd",       EPERM,  "takes other processes' descriptors"},
    {"migrate_pages",     EPERM,  "other processes' memory"},
    {"move_pages",        EPERM,  "other processes' memory"},
    {"get_robust_list",   EPERM,  "other processes' addresses"},
    /* Kernel interfaces with a long record of holes, and none that a batch program needs. */
    {"bpf",               EPERM,  "kernel programs"},
    {"perf_event_open",   EPERM,  "kernel counters, side channels"},
    {"userfaultfd",       EPERM,  "widens kernel races"},
    {"io_uring_setup",    ENOSYS, "does system calls behind this filter"},
    {"io_uring_enter",    ENOSYS, "the same"},
    {"io_uring_register", ENOSYS, "the same"},
    {"vmsplice",          EPERM,  "page sharing tricks (Dirty Pipe's kin)"},
    {"fanotify_init",     EPERM,  "watches whole mounts"},
    {"fanotify_mark",     EPERM,  "the same"},
    {"name_to_handle_at", EPERM,  "file handles know no mount namespace (\"shocker\")"},
    {"open_by_handle_at", EPERM,  "the same"},
    {"lookup_dcookie",    EPERM,  "profiling"},
    /* A watch is on the inode, and /usr's are everybody's: it would tell which programs and modules other
     * boxes, and the host, open. ENOSYS is what a kernel without it says: tail, Node and others have a way
     * without. */
    {"inotify_init",      ENOSYS, "spies on who opens shared files"},
    {"inotify_init1",     ENOSYS, "the same"},
    {"inotify_add_watch", ENOSYS, "the same"},
    {"seccomp",           EPERM,  "notify descriptors; a program needs no filter of its own"},
    {"landlock_create_ruleset", EPERM, "not needed, new"},
    {"landlock_add_rule", EPERM,  "the same"},
    {"landlock_restrict_self", EPERM, "the same"},
    {"memfd_secret",      EPERM,  "memory that the kernel itself can't reclaim"},
    {"mbind",             EPERM,  "NUMA placement: wide interface, no use here"},
    {"set_mempolicy",     EPERM,  "the same"},
    {"remap_file_pages",  EPERM,  "obsolete, odd corners"},
    {"nfsservctl",        EPERM,  "obsolete"},
    {"uselib",            EPERM,  "obsolete"},
    {"vm86",              EPERM,  "i386 only, obsolete"},
    {"vm86old",           EPERM,  "the same"},
    {"modify_ldt",        EPERM,  "x86 segments: holes in the past"},
    /* Keyrings are per user, not per namespace in every respect: memory between boxes (isolate 2.4). */
    {"add_key",           EPERM,  "keyrings outlive the box"},
    {"request_key",       EPERM,  "the same"},
    {"keyctl",            EPERM,  "the same"},
    /* The machine. The missing capabilities forbid these too. */
    {"reboot",            EPERM,  "the machine"},
    {"kexec_load",        EPERM,  "the machine"},
    {"kexec_file_load",   EPERM,  "the machine"},
    {"init_module",       EPERM,  "the machine"},
    {"finit_module",      EPERM,  "the machine"},
    {"delete_module",     EPERM,  "the machine"},
    {"create_module",     EPERM,  "the machine"},
    {"get_kernel_syms",   EPERM,  "the machine"},
    {"query_module",      EPERM,  "the machine"},
    {"acct",              EPERM,  "the machine"},
    {"sync",              0,      "writes back the whole host's files; a box has nothing that lasts"},
    {"syncfs",            0,      "the same"},
    {"syslog",            EPERM,  "the kernel's log"},
    {"settimeofday",      EPERM,  "the clock is everybody's"},
    {"clock_settime",     EPERM,  "the same"},
    {"clock_settime64",   EPERM,  "the same"},
    {"clock_adjtime",     EPERM,  "the same"},
    {"clock_adjtime64",   EPERM,  "the same"},
    {"adjtimex",          EPERM,  "the same"},
    {"stime",             EPERM,  "the same"},
    {"iopl",              EPERM,  "the machine's ports"},
    {"ioperm",            EPERM,  "the same"},
    {"vhangup",           EPERM,  "terminals"},
    {"sethostname",       EPERM,  "no use here"},
    {"setdomainname",     EPERM,  "no use here"},
    {"_sysctl",           ENOSYS, "obsolete"},
};
/* clang-format on */

#define ARG(n, op, ...) SCMP_CMP(n, op, __VA_ARGS__)

/* RLIMIT_CORE is 1, see program.c, and must not become 0. Answered with success: asking for "no core" gets no core. */
static int add_core_limit(scmp_filter_ctx filter)
{
    const uint64_t low = UINT32_MAX;
    int r = seccomp_rule_add(filter, SCMP_ACT_ERRNO(0), SCMP_SYS(prlimit64), 2,
                             ARG(1, SCMP_CMP_MASKED_EQ, low, RLIMIT_CORE), ARG(2, SCMP_CMP_NE, 0));

#ifdef __NR_setrlimit
    if (r == 0)
        r = seccomp_rule_add(filter, SCMP_ACT_ERRNO(0), SCMP_SYS(setrlimit), 1,
                             ARG(0, SCMP_CMP_MASKED_EQ, low, RLIMIT_CORE));
#endif
    return r;
}

/* Calls that are fine but for some arguments. ioctl(2) and the others look at the low 32 bits only, so the rest
 * is masked. */
static int add_conditional(scmp_filter_ctx filter)
{
    static const uint64_t devices[] = {S_IFCHR, S_IFBLK};
    /* Types input into a terminal, or reaches the console behind it (CVE-2017-5226, TIOCLINUX). Line disciplines are
     * drivers, loaded when asked for by number: n_gsm and n_hdlc gave root more than once. */
    static const uint64_t ioctls[] = {TIOCSTI, TIOCLINUX, TIOCSETD};
    /* Leases, delegations and directory notification on shared read-only files are a channel between boxes
     * (isolate 2.6). Pipe buffers are counted on the user who made the pipe: for stdin, stdout and stderr that
     * is glimpsed, whose other pipes would have to make do with one page. */
    static const uint64_t fcntls[] = {F_SETLEASE, F_NOTIFY, 1024 + 16 /* F_SETDELEG */, F_SETPIPE_SZ};
    static const int families[] = {AF_UNIX, AF_INET, AF_INET6};
    static const uint64_t socket_types[] = {SOCK_RDM, SOCK_DCCP, SOCK_PACKET};
    static const unsigned long namespaces = CLONE_NEWUSER | CLONE_NEWPID | CLONE_NEWNS | CLONE_NEWNET |
                                            CLONE_NEWIPC | CLONE_NEWUTS | CLONE_NEWCGROUP;
    const uint64_t low = UINT32_MAX;
    int r = 0;

    /* One rule per namespace flag: libseccomp compares for equality only. s390 has the flags elsewhere; we
     * don't run there. */
    for (unsigned long flag = 1; r == 0 && flag <= namespaces; flag <<= 1)
        if ((namespaces & flag) != 0)
            r = seccomp_rule_add(filter, SCMP_ACT_ERRNO(EPERM), SCMP_SYS(clone), 1,
                                 ARG(0, SCMP_CMP_MASKED_EQ, flag, flag));
    for (size_t i = 0; r == 0 && i < COUNT_OF(ioctls); i++)
        r = seccomp_rule_add(filter, SCMP_ACT_ERRNO(EPERM), SCMP_SYS(ioctl), 1,
                             ARG(1, SCMP_CMP_MASKED_EQ, low, ioctls[i]));
    /* Sockets: only those that the network namespace contains. AF_VSOCK reaches the hypervisor from any
     * namespace (isolate 2.4), AF_NETLINK, AF_PACKET, AF_ALG and the rest are kernel surface. The allowed
     * families are 1, 2 and 10: refuse all others. */
    _Static_assert(AF_UNIX == 1 && AF_INET == 2 && AF_INET6 == 10, "the ranges below");
    for (uint64_t family = 0; r == 0 && family < 64; family++) {
        bool fine = false;

        for (size_t i = 0; i < COUNT_OF(families); i++)
            fine = fine || family == (uint64_t)families[i];
        if (!fine)
            r = seccomp_rule_add(filter, SCMP_ACT_ERRNO(EAFNOSUPPORT), SCMP_SYS(socket), 1,
                                 ARG(0, SCMP_CMP_MASKED_EQ, low, family));
    }
    if (r == 0) /* kernels have fewer than 64 families; what is above is refused by them, and here */
        r = seccomp_rule_add(filter, SCMP_ACT_ERRNO(EAFNOSUPPORT), SCMP_SYS(socket), 1, ARG(0, SCMP_CMP_GE, 64));
    /* Of these families: TCP, UDP and what programs ask for with 0; the rest is loaded as a module by asking
     * for it (SCTP, DCCP, MPTCP, UDP-Lite, SMC): rarely used code with a record of holes. */
    if (r == 0)
        r = seccomp_rule_add(filter, SCMP_ACT_ERRNO(EPROTONOSUPPORT), SCMP_SYS(socket), 1,
                             ARG(2, SCMP_CMP_GT, IPPROTO_UDP));
    for (size_t i = 0; r == 0 && i < COUNT_OF(socket_types); i++)
        r = seccomp_rule_add(filter, SCMP_ACT_ERRNO(ESOCKTNOSUPPORT), SCMP_SYS(socket), 1,
                             ARG(1, SCMP_CMP_MASKED_EQ, 0xf, socket_types[i]));
    for (size_t i = 1; r == 0 && i < COUNT_OF(families); i++)
        r = seccomp_rule_add(filter, SCMP_ACT_ERRNO(ESOCKTNOSUPPORT), SCMP_SYS(socket), 2,
                             ARG(0, SCMP_CMP_MASKED_EQ, low, (uint64_t)families[i]),
                             ARG(1, SCMP_CMP_MASKED_EQ, 0xf, SOCK_SEQPACKET));
    /* Huge pages come from a pool of the host's that no memory limit counts. */
    if (r == 0)
        r = seccomp_rule_add(filter, SCMP_ACT_ERRNO(ENOMEM), SCMP_SYS(mmap), 1,
                             ARG(3, SCMP_CMP_MASKED_EQ, MAP_HUGETLB, MAP_HUGETLB));
    if (r == 0)
        r = seccomp_rule_add(filter, SCMP_ACT_ERRNO(ENOMEM), SCMP_SYS(memfd_create), 1,
                             ARG(1, SCMP_CMP_MASKED_EQ, MFD_HUGETLB, MFD_HUGETLB));
    if (r == 0)
        r = seccomp_rule_add(filter, SCMP_ACT_ERRNO(ENOMEM), SCMP_SYS(shmget), 1,
                             ARG(2, SCMP_CMP_MASKED_EQ, SHM_HUGETLB, SHM_HUGETLB));
    /* Raw sockets need a capability that no program has: the second lock. */
    if (r == 0)
        r = seccomp_rule_add(filter, SCMP_ACT_ERRNO(EPERM), SCMP_SYS(socket), 1,
                             ARG(1, SCMP_CMP_MASKED_EQ, 0xf, SOCK_RAW));
    /* socketpair takes AF_UNIX only in practice; AF_TIPC and the like would be another door. */
    if (r == 0)
        r = seccomp_rule_add(filter, SCMP_ACT_ERRNO(EAFNOSUPPORT), SCMP_SYS(socketpair), 1,
                             ARG(0, SCMP_CMP_NE, AF_UNIX));
    /* Which pages of a file are in memory tells what others read, and dropping them says it on purpose: /usr's cache is
     * one for all boxes. Advice may be passed over, and callers of RWF_NOWAIT know this errno. */
    if (r == 0)
        r = seccomp_rule_add(filter, SCMP_ACT_ERRNO(EOPNOTSUPP), SCMP_SYS(preadv2), 1,
                             ARG(5, SCMP_CMP_MASKED_EQ, RWF_NOWAIT, RWF_NOWAIT));
    if (r == 0)
        r = seccomp_rule_add(filter, SCMP_ACT_ERRNO(0), SCMP_SYS(fadvise64), 1,
                             ARG(3, SCMP_CMP_MASKED_EQ, low, POSIX_FADV_DONTNEED));
    for (size_t i = 0; r == 0 && i < COUNT_OF(fcntls); i++)
        r = seccomp_rule_add(filter, SCMP_ACT_ERRNO(EPERM), SCMP_SYS(fcntl), 1,
                             ARG(1, SCMP_CMP_MASKED_EQ, low, fcntls[i]));
    /* Device files; the missing capability refuses them too. FIFOs and sockets are fine. */
    for (size_t i = 0; r == 0 && i < COUNT_OF(devices); i++) {
        r = seccomp_rule_add(filter, SCMP_ACT_ERRNO(EPERM), SCMP_SYS(mknodat), 1,
                             ARG(2, SCMP_CMP_MASKED_EQ, S_IFMT, devices[i]));
#ifdef __NR_mknod /* not on arm64 */
        if (r == 0)
            r = seccomp_rule_add(filter, SCMP_ACT_ERRNO(EPERM), SCMP_SYS(mknod), 1,
                                 ARG(1, SCMP_CMP_MASKED_EQ, S_IFMT, devices[i]));
#endif
    }
    /* personality(2): 0 (PER_LINUX) and 0xffffffff (asking) are harmless; ADDR_NO_RANDOMIZE, READ_IMPLIES_EXEC
     * and others are not. A rule can look at an argument only once, so "neither all zeros nor all ones" is said
     * by bits: somewhere, a bit is set and the next one, going round, is not. */
    for (unsigned bit = 0; r == 0 && bit < 32; bit++) {
        uint64_t set = UINT64_C(1) << bit, clear = UINT64_C(1) << (bit + 1) % 32;

        r = seccomp_rule_add(filter, SCMP_ACT_ERRNO(EPERM), SCMP_SYS(personality), 1,
                             ARG(0, SCMP_CMP_MASKED_EQ, set | clear, set));
    }
    /* Core scheduling keeps all others off the sibling CPU while this program runs. */
    if (r == 0)
        r = seccomp_rule_add(filter, SCMP_ACT_ERRNO(EPERM), SCMP_SYS(prctl), 1,
                             ARG(0, SCMP_CMP_MASKED_EQ, low, PR_SCHED_CORE));
    return r == 0 ? add_core_limit(filter) : r;
}

static int add_rows(scmp_filter_ctx filter, struct err *err)
{
    for (size_t i = 0; i < COUNT_OF(rows); i++) {
        int nr = seccomp_syscall_resolve_name(rows[i].name);
        int r;

        if (nr == __NR_SCMP_ERROR)
            return err_set(err, -ENOTSUP, "libseccomp does not know the call '%s'", rows[i].name);
        if (nr < 0) /* not a call of this architecture */
            continue;
        r = seccomp_rule_add(filter, SCMP_ACT_ERRNO((uint32_t)rows[i].error), nr, 0);
        if (r < 0)
            return err_errno(err, r, "seccomp rule for %s", rows[i].name);
    }
    for (size_t i = 0; i < COUNT_OF(newer_rows); i++) {
        int r = seccomp_rule_add(filter, SCMP_ACT_ERRNO(ENOSYS), newer_rows[i].nr, 0);

        if (r < 0 && r != -EEXIST)
            return err_errno(err, r, "seccomp rule for call %d", newer_rows[i].nr);
    }
    return 0;
}

/* What libseccomp can't say, in front of what it generates (jumps are relative): "every number above", and
 * "between". x32's, which have bit 30 set, are above. */
static int write_prologue(int fd)
{
    static const struct sock_filter prologue[] = {
        BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, nr)),
        BPF_JUMP(BPF_JMP | BPF_JGE | BPF_K, FIRST_UNKNOWN_CALL, 2, 0),
        BPF_JUMP(BPF_JMP | BPF_JGE | BPF_K, FIRST_CALL_AFTER_GAP, 2, 0),
        BPF_JUMP(BPF_JMP | BPF_JGE | BPF_K, FIRST_GAP_CALL, 0, 1),
        BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ERRNO | ENOSYS),
    };

    return fd_write_all(fd, prologue, sizeof prologue);
}

static void release_filter(scmp_filter_ctx *filter)
{
    if (*filter != NULL)
        seccomp_release(*filter);
}

int seccomp_build(int *ret, struct err *err)
{
    CLEANUP(release_filter) scmp_filter_ctx filter = seccomp_init(SCMP_ACT_ALLOW);
    CLEANUP(closep) int fd = -1;
    off_t size;
    int r;

    if (filter == NULL)
        return err_set(err, -ENOMEM, "seccomp filter");
    /* The 64-bit filter would read i386's and x32's numbers as other calls: refuse the ABIs whole. */
    r = seccomp_attr_set(filter, SCMP_FLTATR_ACT_BADARCH, SCMP_ACT_ERRNO(ENOSYS));
    if (r == 0) /* 2: a binary tree, half the cost of a list of this length */
        r = seccomp_attr_set(filter, SCMP_FLTATR_CTL_OPTIMIZE, 2);
    if (r < 0)
        return err_errno(err, r, "seccomp attributes");
    r = add_rows(filter, err);
    if (r < 0)
        return r;
    r = add_conditional(filter);
    if (r < 0)
        return err_errno(err, r, "seccomp rule on arguments");
    fd = fd_memfd("glimpse-seccomp");
    if (fd < 0)
        return err_errno(err, -errno, "memfd for the seccomp filter");
    r = write_prologue(fd);
    if (r == 0)
        r = seccomp_export_bpf(filter, fd);
    if (r < 0)
        return err_errno(err, r, "exporting the seccomp filter");
    size = lseek(fd, 0, SEEK_END);
    if (size <= 0 || (size_t)size > SECCOMP_MAX_INSTRUCTIONS * sizeof(struct sock_filter))
        return err_set(err, -E2BIG, "the seccomp filter has %lld bytes", (long long)size);
    if (fcntl(fd, F_ADD_SEALS, F_SEAL_WRITE | F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_SEAL) < 0)
        return err_errno(err, -errno, "sealing the seccomp filter");
    *ret = TAKE_FD(fd);
    return 0;
}
