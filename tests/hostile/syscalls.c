/* Calls every system call once, each in a child of its own, with arguments that mean nothing: -1 is no descriptor, no
 * address, no set of flags. Prints "ABI NUMBER ANSWER" for each: 0 for any success, an errno, or -signal. A call that
 * waits is ended by SIGALRM. test_syscalls.py judges it. */
#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/time.h>
#include <sys/wait.h>
#include <unistd.h>

enum { N_CALLS = 600, PATIENCE_US = 300000, X32_BIT = 0x40000000 };

/* Where -1 asks for what a rule on arguments refuses: the most ordinary use instead. */
static const struct {
    long nr, args[6];
} ordinary[] = {
    {SYS_clone, {SIGCHLD, 0, 0, 0, 0, 0}},
    {SYS_mmap, {0, 4096, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0}},
    {SYS_memfd_create, {(long)"x", 0, 0, 0, 0, 0}},
    {SYS_shmget, {0, 4096, 0600, 0, 0, 0}},
    {SYS_socket, {AF_UNIX, SOCK_STREAM, 0, 0, 0, 0}},
    {SYS_socketpair, {AF_UNIX, SOCK_STREAM, 0, -1, 0, 0}},
    {SYS_preadv2, {-1, -1, -1, -1, -1, 0}},
    {SYS_personality, {0xffffffff, 0, 0, 0, 0, 0}},
};

static long call_native(long nr)
{
    long args[6] = {-1, -1, -1, -1, -1, -1};

    for (size_t i = 0; i < sizeof ordinary / sizeof ordinary[0]; i++)
        if (ordinary[i].nr == nr)
            memcpy(args, ordinary[i].args, sizeof args);
    return syscall(nr, args[0], args[1], args[2], args[3], args[4], args[5]) < 0 ? -errno : 0;
}

static long call_x32(long nr)
{
    return syscall(X32_BIT | nr, -1, -1, -1, -1, -1, -1) < 0 ? -errno : 0;
}

static long call_i386(long nr)
{
    long answer = nr;

    __asm__ volatile("int $0x80"
                     : "+a"(answer)
                     : "b"(-1L), "c"(-1L), "d"(-1L), "S"(-1L), "D"(-1L)
                     : "memory", "r8", "r9", "r10", "r11");
    return (int)answer < 0 ? (int)answer : 0;
}

/* The answer is the child's exit status: a call may close every descriptor, or unmap the stack. */
static int ask(long (*call)(long), long nr)
{
    int status = 0;
    pid_t child = fork();

    if (child == 0) {
        struct itimerval patience = {.it_value.tv_usec = PATIENCE_US};

        (void)setitimer(ITIMER_REAL, &patience, NULL);
        _exit((int)-call(nr));
    }
    if (child < 0 || waitpid(child, &status, 0) != child)
        return 255;
    return WIFEXITED(status) ? WEXITSTATUS(status) : -WTERMSIG(status);
}

int main(void)
{
    static const struct {
        const char *name;
        long (*call)(long);
    } abis[] = {{"native", call_native}, {"x32", call_x32}, {"i386", call_i386}};

    for (size_t i = 0; i < sizeof abis / sizeof abis[0]; i++)
        for (long nr = 0; nr < N_CALLS; nr++)
            printf("%s %ld %d\n", abis[i].name, nr, ask(abis[i].call, nr));
    return 0;
}
