/*
 * What an interpreter has open when it is booted is its event loops' own: epoll instances, eventfds, pipes; or files
 * that it reads, such as archives of code. Forks share such objects, and what one does with them another would see (of
 * a file, its place in it); so a worker gets new ones under the same numbers, in the same state. A file is opened by
 * its name, in the box, where it has to be the same.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "base/fd.h"
#include "init/zygote.h"

enum { MAX_DESCRIPTORS = 64, MAX_WATCHED = 64, MAX_PIPED = 16, MAX_PATH = 256 };

enum kind { KIND_PIPE, KIND_EVENTFD, KIND_EPOLL, KIND_FILE, KIND_ENDED };

struct descriptor {
    int fd;
    enum kind kind;
    int flags;             /* of open(2), close-on-exec with them */
    unsigned long long id; /* KIND_PIPE and KIND_FILE: its inode. KIND_EVENTFD: its count */
    char text[MAX_PIPED];  /* KIND_PIPE: what waits in it */
    size_t len;
    char path[MAX_PATH];   /* KIND_FILE: its name, device, and how far it is read */
    dev_t device;
    off_t offset;
};

struct watched { /* of epoll_ctl(2) */
    int epoll, fd;
    uint32_t events;
    uint64_t data;
};

static struct descriptor descriptors[MAX_DESCRIPTORS]; /* in the order of their numbers */
static struct watched watched[MAX_WATCHED];
static size_t n_descriptors, n_watched;

/* ---- In the zygote ---- */

/* Taken out of it: nothing reads it in the zygote any more. */
static int note_pipe(struct descriptor *at, const char *target)
{
    char more[MAX_PIPED + 1];
    ssize_t n;
    int waiting = 0;

    at->kind = KIND_PIPE;
    at->id = strtoull(target + strlen("pipe:["), NULL, 10);
    if ((at->flags & O_ACCMODE) != O_RDONLY || ioctl(at->fd, FIONREAD, &waiting) < 0 ||
        waiting == 0)
        return 0;
    n = read(at->fd, more, sizeof more);
    if (n != waiting || waiting > MAX_PIPED)
        return -E2BIG;
    at->len = (size_t)n;
    memcpy(at->text, more, at->len);
    return 0;
}

static int note_epoll(struct descriptor *at, const char *info)
{
    at->kind = KIND_EPOLL;
    for (const char *line = strstr(info, "tfd:"); line != NULL; line = strstr(line + 1, "tfd:")) {
        struct watched *one = &watched[n_watched];
        unsigned long long data;

        if (n_watched == MAX_WATCHED)
            return -E2BIG;
        if (sscanf(line, "tfd: %d events: %x data: %llx", &one->fd, &one->events, &data) != 3)
            return -EPROTO;
        one->epoll = at->fd;
        one->data = data;
        n_watched++;
    }
    return 0;
}

static int note_file(struct descriptor *at, const char *target, const struct stat *st)
{
    if ((at->flags & O_ACCMODE) != O_RDONLY || strlen(target) >= sizeof at->path)
        return -ENOTSUP;
    at->kind = KIND_FILE;
    at->id = st->st_ino;
    at->device = st->st_dev;
    at->offset = lseek(at->fd, 0, SEEK_CUR);
    memcpy(at->path, target, strlen(target) + 1);
    return at->offset < 0 ? -errno : 0;
}

/* A socket whose other end is closed, so that reading from it finds an end: Java puts it in the place of files that it
 * closes while another thread reads from them. */
static bool is_ended(int fd)
{
    int domain = -1, type = -1;
    socklen_t n = sizeof domain;
    char byte;

    return getsockopt(fd, SOL_SOCKET, SO_DOMAIN, &domain, &n) == 0 && domain == AF_UNIX &&
           getsockopt(fd, SOL_SOCKET, SO_TYPE, &type, &n) == 0 && type == SOCK_STREAM &&
           recv(fd, &byte, 1, MSG_PEEK | MSG_DONTWAIT) == 0;
}

static int note(int fd, const char *target, const char *info)
{
    struct descriptor *at = &descriptors[n_descriptors];
    const char *flags = strstr(info, "flags:"), *count = strstr(info, "eventfd-count:");
    struct stat st;

    if (n_descriptors == MAX_DESCRIPTORS || flags == NULL)
        return -E2BIG;
    *at = (struct descriptor){.fd = fd, .flags = (int)strtol(flags + strlen("flags:"), NULL, 8)};
    n_descriptors++;
    if (fstat(fd, &st) == 0 && S_ISREG(st.st_mode))
        return note_file(at, target, &st);
    at->kind = KIND_ENDED;
    if (is_ended(fd))
        return 0;
    if (strncmp(target, "pipe:[", 6) == 0)
        return note_pipe(at, target);
    if (strcmp(target, "anon_inode:[eventpoll]") == 0)
        return note_epoll(at, info);
    if (strcmp(target, "anon_inode:[eventfd]") != 0)
        return -ENOTSUP; /* a fork would share it */
    at->kind = KIND_EVENTFD;
    at->id = count == NULL ? 0 : strtoull(count + strlen("eventfd-count:"), NULL, 16);
    return 0;
}

static int look_at(int fd, char *target, size_t size)
{
    char path[64], info[4096];
    ssize_t n;

    (void)snprintf(path, sizeof path, "/proc/self/fd/%d", fd);
    n = readlink(path, target, size - 1);
    if (n < 0)
        return -errno;
    target[n] = '\0';
    (void)snprintf(path, sizeof path, "/proc/self/fdinfo/%d", fd);
    if (fd_read_file_at(AT_FDCWD, path, info, sizeof info) < 0)
        return -EIO;
    return note(fd, target, info);
}

int zygote_note_descriptors(struct err *err)
{
    char target[MAX_PATH] = "?";

    for (int fd = 3, r; fd < ZYGOTE_FD_CONTROL; fd++) {
        if (fcntl(fd, F_GETFD) < 0)
            continue;
        r = look_at(fd, target, sizeof target);
        if (r < 0)
            return err_errno(err, r, "an interpreter has descriptor %d open, %s", fd, target);
    }
    return 0;
}

/* ---- In a worker ---- */

static int move_to(int from, const struct descriptor *at)
{
    int r = from < 0 || dup3(from, at->fd, at->flags & O_CLOEXEC) < 0 ? -errno : 0;

    if (from >= 0 && close(from) < 0 && r == 0)
        r = -errno;
    return r;
}

static const struct descriptor *other_end(const struct descriptor *reader)
{
    for (size_t i = 0; i < n_descriptors; i++)
        if (descriptors[i].kind == KIND_PIPE && descriptors[i].id == reader->id &&
            descriptors[i].fd != reader->fd)
            return &descriptors[i];
    return NULL;
}

/* Both ends, when it is the reader's turn. They may differ in O_NONBLOCK. */
static int open_pipe(const struct descriptor *at)
{
    const struct descriptor *writer = other_end(at);
    int ends[2], r;

    if ((at->flags & O_ACCMODE) != O_RDONLY)
        return 0;
    if (writer == NULL)
        return -EPROTO;
    if (pipe2(ends, 0) < 0)
        return -errno;
    if (write(ends[1], at->text, at->len) != (ssize_t)at->len ||
        fcntl(ends[0], F_SETFL, at->flags & O_NONBLOCK) < 0 ||
        fcntl(ends[1], F_SETFL, writer->flags & O_NONBLOCK) < 0)
        return -EIO;
    r = move_to(ends[0], at);
    return r < 0 ? r : move_to(ends[1], writer);
}

static int open_file(const struct descriptor *at)
{
    CLEANUP(closep) int fd = open(at->path, (at->flags & ~O_CREAT) | O_CLOEXEC);
    struct stat st;

    if (fd < 0 || fstat(fd, &st) < 0)
        return -errno;
    if (st.st_ino != at->id || st.st_dev != at->device)
        return -ESTALE; /* it was replaced since: the interpreter has another one's contents in mind */
    return lseek(fd, at->offset, SEEK_SET) < 0 ? -errno : move_to(TAKE_FD(fd), at);
}

static int open_ended(const struct descriptor *at)
{
    int ends[2];

    if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends) < 0)
        return -errno;
    (void)close(ends[1]);
    return move_to(ends[0], at);
}

static int open_one(const struct descriptor *at)
{
    switch (at->kind) {
    case KIND_FILE:
        return open_file(at);
    case KIND_ENDED:
        return open_ended(at);
    case KIND_PIPE:
        return open_pipe(at);
    case KIND_EVENTFD:
        return move_to(eventfd((unsigned)at->id, (at->flags & O_NONBLOCK) != 0 ? EFD_NONBLOCK : 0),
                       at);
    case KIND_EPOLL:
    default:
        return move_to(epoll_create1(0), at);
    }
}

static int watch(const struct watched *one)
{
    struct epoll_event event = {.events = one->events, .data.u64 = one->data};

    return epoll_ctl(one->epoll, EPOLL_CTL_ADD, one->fd, &event) < 0 ? -errno : 0;
}

/* New ones get the lowest free number, which must not be one that another of them has to have. */
static int reserve(void)
{
    int null = open("/dev/null", O_RDWR | O_CLOEXEC);
    int r = null < 0 ? -errno : 0;

    for (size_t i = 0; r == 0 && i < n_descriptors; i++)
        if (descriptors[i].fd != null && dup3(null, descriptors[i].fd, O_CLOEXEC) < 0)
            r = -errno;
    for (size_t i = 0; i < n_descriptors; i++)
        if (descriptors[i].fd == null)
            return r;
    if (null >= 0)
        (void)close(null);
    return r;
}

int zygote_open_descriptors(struct err *err)
{
    int r = reserve();

    for (size_t i = 0; r == 0 && i < n_descriptors; i++)
        r = open_one(&descriptors[i]);
    for (size_t i = 0; r == 0 && i < n_watched; i++)
        r = watch(&watched[i]);
    return r < 0 ? err_errno(err, r, "descriptors of a forked interpreter") : 0;
}

int zygote_close_others(void)
{
    unsigned from = 3;

    for (size_t i = 0; i < n_descriptors; i++) {
        unsigned fd = (unsigned)descriptors[i].fd;

        if (fd > from && syscall(SYS_close_range, from, fd - 1, 0) < 0)
            return -errno;
        from = fd + 1;
    }
    return syscall(SYS_close_range, from, ~0U, 0) < 0 ? -errno : 0;
}
