/* What a hole in glimpsed could still do: each row is tried by a process that has locked itself in, as an attacker who
 * runs code of his own in it would. */
#include "api/lock_in.h"

#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <pthread.h>
#include <sched.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/mount.h>
#include <sys/ptrace.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>

#include <cmocka.h>

enum { NO_LANDLOCK = 200, CANNOT_LOCK, EVERYWHERE = 0, KERNEL_HAS_IT = 1, NO_SANITIZER = 2 };

static char dir[] = "/tmp/glimpse-lockdown-XXXXXX";
static int tcp = -1; /* a TCP socket from before, as every accepted connection is one */

/* All return 0 or an errno. */
static int got(long r)
{
    return r < 0 ? errno : 0;
}

static int reads_passwd(void)
{
    return got(open("/etc/passwd", O_RDONLY | O_CLOEXEC));
}

static int reads_itself(void)
{
    return got(open("/proc/self/maps", O_RDONLY | O_CLOEXEC));
}

static int writes_elsewhere(void)
{
    return got(open("/tmp/glimpse-lockdown-out", O_WRONLY | O_CREAT | O_CLOEXEC, 0600));
}

static int climbs_out(void)
{
    char path[64];

    (void)snprintf(path, sizeof path, "%s/../glimpse-lockdown-out", dir);
    return got(open(path, O_WRONLY | O_CREAT | O_CLOEXEC, 0600));
}

static int executes(void)
{
    char *argv[] = {(char *)(uintptr_t) "/bin/true", NULL};

    return got(execve(argv[0], argv, argv + 1));
}

static int forks(void)
{
    return got(fork());
}

static int asks_for_tcp(void)
{
    return got(socket(AF_INET, SOCK_STREAM, 0));
}

static int asks_for_netlink(void)
{
    return got(socket(AF_NETLINK, SOCK_RAW, 0));
}

static int connects_what_it_has(void)
{
    struct sockaddr_in to = {.sin_family = AF_INET, .sin_port = htons(9), .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};

    return got(connect(tcp, (const struct sockaddr *)&to, sizeof to));
}

static int listens(void)
{
    return got(listen(tcp, 1));
}

static int traces(void)
{
    return got(ptrace(PTRACE_ATTACH, getppid(), NULL, NULL));
}

static int mounts(void)
{
    return got(mount("none", dir, "tmpfs", 0, NULL));
}

static int unshares(void)
{
    return got(unshare(CLONE_NEWUSER));
}

static int signals_its_parent(void)
{
    return got(kill(getppid(), 0));
}

static int maps_code(void)
{
    return mmap(NULL, 4096, PROT_READ | PROT_EXEC, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0) == MAP_FAILED ? errno : 0;
}

static int makes_code(void)
{
    void *at = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

    return at == MAP_FAILED ? ECANCELED : got(mprotect(at, 4096, PROT_READ | PROT_EXEC));
}

static int sets_up_io_uring(void)
{
    return got(syscall(SYS_io_uring_setup, 8, NULL));
}

static int makes_a_link(void)
{
    char path[64];

    (void)snprintf(path, sizeof path, "%s/link", dir);
    return got(symlink("/etc/passwd", path));
}

static int calls_i386(void)
{
#ifdef __x86_64__
    long r;

    __asm__ volatile("int $0x80" : "=a"(r) : "a"(20) : "memory"); /* getpid */
    return r < 0 ? (int)-r : 0;
#else
    return raise(SIGSYS);
#endif
}

/* What SQLite does. */
static int keeps_a_database(void)
{
    struct flock lock = {.l_type = F_WRLCK, .l_whence = SEEK_SET, .l_len = 1};
    char path[64];
    int fd;

    (void)snprintf(path, sizeof path, "%s/file", dir);
    fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0600);
    if (fd < 0 || write(fd, "data", 4) != 4 || fcntl(fd, F_SETLK, &lock) < 0 || fsync(fd) < 0 || ftruncate(fd, 1) < 0)
        return errno;
    if (mmap(NULL, 1, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0) == MAP_FAILED || unlink(path) < 0)
        return errno;
    return 0;
}

static void *thread_main(void *arg)
{
    *(int *)arg = eventfd(0, EFD_CLOEXEC) >= 0 && reads_passwd() != 0;
    return NULL;
}

/* And the thread is as locked in as the others. */
static int starts_a_thread(void)
{
    pthread_t thread;
    int fine = 0, r = pthread_create(&thread, NULL, thread_main, &fine);

    return r != 0 ? r : pthread_join(thread, NULL) != 0 || !fine ? ECANCELED : 0;
}

static int talks_to_boxd(void)
{
    return got(socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0));
}

/* Of a box's terminal, which somebody else has opened: here nobody has, so it is EBADF that says that the call came
 * through the filter. */
static int asks_of_a_terminal(unsigned long what)
{
    struct winsize size = {0};

    return ioctl(-1, what, &size) < 0 ? errno : 0;
}

static int sizes_a_terminal(void)
{
    return asks_of_a_terminal(TIOCSWINSZ);
}

static int types_into_a_terminal(void)
{
    return asks_of_a_terminal(TIOCSTI);
}

static int gets_randomness(void)
{
    return got(open("/dev/urandom", O_RDONLY | O_CLOEXEC));
}

/* error: 0: it works. signal: it is killed. */
/* clang-format off */
static const struct {
    const char *name;
    int (*attempt)(void);
    int error, signal, only;
} rows[] = {
    {"keeps a database",                keeps_a_database,     0,      0,      EVERYWHERE},
    {"starts a thread",                 starts_a_thread,      0,      0,      KERNEL_HAS_IT | NO_SANITIZER},
    {"talks to boxd",                   talks_to_boxd,        0,      0,      EVERYWHERE},
    {"gets randomness",                 gets_randomness,      0,      0,      EVERYWHERE},
    {"sets the size of a terminal",     sizes_a_terminal,     EBADF,  0,      EVERYWHERE},
    {"types into a terminal",           types_into_a_terminal, ENOSYS, 0,     EVERYWHERE},
    {"reads /etc/passwd",               reads_passwd,         EACCES, 0,      KERNEL_HAS_IT | NO_SANITIZER},
    {"reads /proc/self/maps",           reads_itself,         EACCES, 0,      KERNEL_HAS_IT | NO_SANITIZER},
    {"writes elsewhere",                writes_elsewhere,     EACCES, 0,      KERNEL_HAS_IT},
    {"climbs out of its folder",        climbs_out,           EACCES, 0,      KERNEL_HAS_IT},
    {"makes a link in its folder",      makes_a_link,         ENOSYS, 0,      EVERYWHERE},
    {"executes a program",              executes,             0,      SIGSYS, EVERYWHERE},
    {"forks",                           forks,                ENOSYS, 0,      NO_SANITIZER},
    {"asks for a TCP socket",           asks_for_tcp,         ENOSYS, 0,      EVERYWHERE},
    {"asks for a netlink socket",       asks_for_netlink,     ENOSYS, 0,      EVERYWHERE},
    {"connects a socket that it has",   connects_what_it_has, EACCES, 0,      KERNEL_HAS_IT},
    {"listens",                         listens,              ENOSYS, 0,      EVERYWHERE},
    {"traces its parent",               traces,               0,      SIGSYS, NO_SANITIZER},
    {"mounts",                          mounts,               0,      SIGSYS, EVERYWHERE},
    {"makes a user namespace",          unshares,             0,      SIGSYS, EVERYWHERE},
    {"signals its parent",              signals_its_parent,   ENOSYS, 0,      EVERYWHERE},
    {"maps memory to execute",          maps_code,            ENOSYS, 0,      EVERYWHERE},
    {"makes memory executable",         makes_code,           ENOSYS, 0,      EVERYWHERE},
    {"sets up io_uring",                sets_up_io_uring,     ENOSYS, 0,      EVERYWHERE},
    {"calls by the i386 way",           calls_i386,           0,      SIGSYS, EVERYWHERE},
};
/* clang-format on */

static int try_locked_in(int (*attempt)(void))
{
    pid_t pid = fork();
    int status = 0;

    if (pid == 0) {
        int r = lock_in(dir, NULL);

        if (r < 0)
            _exit(CANNOT_LOCK);
        _exit(r == LOCKDOWN_E_NO_LANDLOCK && attempt == NULL ? NO_LANDLOCK : attempt == NULL ? 0 : attempt());
    }
    assert_true(pid > 0 && waitpid(pid, &status, 0) == pid);
    return status;
}

static void reaches_nothing(void **state)
{
    int status = try_locked_in(NULL);
    bool landlock = WEXITSTATUS(status) != NO_LANDLOCK;

    (void)state;
    assert_true(WIFEXITED(status) && WEXITSTATUS(status) != CANNOT_LOCK);
    if (!landlock)
        print_message("[  SKIPPED ] rows that Landlock holds: this kernel has none\n");
    for (size_t i = 0; i < COUNT_OF(rows); i++) {
        if (((rows[i].only & KERNEL_HAS_IT) != 0 && !landlock) ||
            ((rows[i].only & NO_SANITIZER) != 0 && LOCKDOWN_SANITIZED))
            continue;
        status = try_locked_in(rows[i].attempt);
        if (rows[i].signal != 0 ? !WIFSIGNALED(status) || WTERMSIG(status) != rows[i].signal
                                : !WIFEXITED(status) || WEXITSTATUS(status) != rows[i].error)
            fail_msg("%s: wait status %#x", rows[i].name, (unsigned)status);
    }
}

/* The same attempts succeed where nobody has locked himself in: else the rows above show nothing. */
static void was_possible_before(void **state)
{
    int (*const attempts[])(void) = {reads_passwd, reads_itself, asks_for_tcp, asks_for_netlink, maps_code, makes_code,
                                     signals_its_parent, makes_a_link};

    (void)state;
    for (size_t i = 0; i < COUNT_OF(attempts); i++)
        assert_int_equal(attempts[i](), 0);
    assert_int_equal(connects_what_it_has(), ECONNREFUSED);
}

static void *wait_for_end(void *arg)
{
    char byte;

    (void)!read(*(int *)arg, &byte, 1);
    return NULL;
}

static void refuses_to_leave_a_thread_outside(void **state)
{
    struct err err = {0};
    pthread_t thread;
    int ends[2];

    (void)state;
    assert_int_equal(pipe(ends), 0);
    assert_int_equal(pthread_create(&thread, NULL, wait_for_end, &ends[0]), 0);
    assert_int_equal(lock_in(dir, &err), -EBUSY);
    assert_non_null(strstr(err.msg, "threads"));
    assert_int_equal(close(ends[1]), 0);
    assert_int_equal(pthread_join(thread, NULL), 0);
    assert_int_equal(close(ends[0]), 0);
}

static int set_up(void **state)
{
    (void)state;
    tcp = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    return mkdtemp(dir) == NULL || tcp < 0 ? -1 : 0;
}

static int tear_down(void **state)
{
    char link[64];

    (void)state;
    (void)snprintf(link, sizeof link, "%s/link", dir);
    (void)unlink(link);
    return rmdir(dir);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(reaches_nothing),
        cmocka_unit_test(was_possible_before),
        cmocka_unit_test(refuses_to_leave_a_thread_outside),
    };

    return cmocka_run_group_tests(tests, set_up, tear_down);
}
