#include "engine/stage_io.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/fd.h"

/* --- Output ---------------------------------------------------------------------------------- */

static void close_stream(struct stage_stream *stream)
{
    watch_stop(stream->io->set, &stream->watch);
    closep(&stream->fd);
    stream->over = stream->held = false;
}

static int watch_stream(struct stage_stream *stream, struct err *err)
{
    stream->held = stream->io->paused;
    return stream->held ? 0 : watch_start(stream->io->set, &stream->watch, stream->fd, EPOLLIN, err);
}

/* Not watched at all, instead of for nothing: epoll would go on to tell of the other end's closing. */
int stage_io_pause(struct stage_io *io, bool on, struct err *err)
{
    int r = 0;

    io->paused = on;
    for (int i = 0; i < 2 && r == 0; i++) {
        struct stage_stream *stream = &io->streams[i];

        if (on && stream->watch.fd >= 0) {
            watch_stop(io->set, &stream->watch);
            stream->held = true;
        } else if (!on && stream->held) {
            r = watch_stream(stream, err);
        }
    }
    return r;
}

/* Keeps what still fits. False where the stream is over its limit. */
static bool keep(struct stage_stream *stream, size_t len)
{
    struct stage_io *io = stream->io;
    struct buf *out = io->out[stream->index];
    size_t room = out->max - out->len;
    size_t kept = len < room ? len : room;

    if (buf_add(out, io->piece, kept) < 0)
        kept = 0; /* out of memory: say so by `truncated`, and end the program that wants so much */
    if (kept < len)
        io->truncated[stream->index] = true;
    if (kept > 0 && io->on_output != NULL)
        io->on_output(io, stream->index, io->piece, kept);
    return kept == len;
}

/* One read. 1: there may be more; 0: nothing now, or never again (the stream is closed then). */
static int read_piece(struct stage_stream *stream)
{
    struct stage_io *io = stream->io;
    ssize_t n;

    do
        n = read(stream->fd, io->piece, STAGE_IO_PIECE_BYTES);
    while (n < 0 && errno == EINTR);
    if (n < 0 && errno == EAGAIN)
        return 0;
    if (n <= 0) { /* the end; EIO is how a terminal says it */
        close_stream(stream);
        return 0;
    }
    if (!keep(stream, (size_t)n)) {
        /* Left open and unread: the program blocks until it is killed. Closed, it would use what time it has left to
         * complain about a broken pipe on the other stream. */
        watch_stop(io->set, &stream->watch);
        stream->over = true;
        stream->held = false;
        io->on_too_much(io);
        return 0;
    }
    return n == STAGE_IO_PIECE_BYTES && stream->fd >= 0;
}

static void on_stream(struct watch *watch, uint32_t events)
{
    struct stage_stream *stream = WATCH_OWNER(struct stage_stream, watch, watch);

    (void)events;
    /* One piece: a program that writes without end may not keep the loop from the others. */
    (void)read_piece(stream);
}

void stage_io_drain(struct stage_io *io)
{
    /* Bounded by the pipe's size and the stream's limit: nobody writes any more. */
    for (int i = 0; i < 2; i++)
        while (io->streams[i].fd >= 0 && !io->streams[i].over && read_piece(&io->streams[i]) > 0)
            ;
}

/* --- Input ----------------------------------------------------------------------------------- */

static void close_stdin(struct stage_io *io)
{
    watch_stop(io->set, &io->in_watch);
    closep(&io->in_fd);
    buf_done(&io->in_more);
    io->in_first = (struct slice){0};
    io->in_more_done = 0;
}

static struct slice waiting(const struct stage_io *io)
{
    if (io->in_first.len > 0)
        return io->in_first;
    return (struct slice){.at = buf_text(&io->in_more) + io->in_more_done,
                          .len = io->in_more.len - io->in_more_done};
}

static void advance(struct stage_io *io, size_t n)
{
    if (io->in_first.len > 0) {
        io->in_first.at += n;
        io->in_first.len -= n;
        return;
    }
    io->in_more_done += n;
    if (io->in_more_done == io->in_more.len) {
        buf_clear(&io->in_more);
        io->in_more_done = 0;
    }
}

/* Writes what the pipe takes; closes it where all is written and no more will come, or nobody reads. */
static void feed(struct stage_io *io)
{
    if (io->in_held)
        return;
    for (;;) {
        struct slice next = waiting(io);
        ssize_t n;

        if (next.len == 0)
            break;
        n = write(io->in_fd, next.at, next.len);
        if (n < 0 && errno == EINTR)
            continue;
        if (n < 0 && errno == EAGAIN)
            return;
        if (n < 0) {
            close_stdin(io); /* EPIPE: a program need not read its input */
            return;
        }
        advance(io, (size_t)n);
    }
    if (!io->in_open && !io->is_terminal)
        close_stdin(io);
}

/* Watches stdin only while something waits: an empty pipe is always writable. */
static int watch_stdin(struct stage_io *io, struct err *err)
{
    bool wanted = io->in_fd >= 0 && waiting(io).len > 0;

    if (io->in_fd < 0 || io->in_held)
        return 0;
    if (io->in_watch.fd < 0)
        return wanted ? watch_start(io->set, &io->in_watch, io->in_fd, EPOLLOUT, err) : 0;
    return watch_change(io->set, &io->in_watch, wanted ? (uint32_t)EPOLLOUT : 0, err);
}

static void on_stdin(struct watch *watch, uint32_t events)
{
    struct stage_io *io = WATCH_OWNER(struct stage_io, in_watch, watch);

    if ((events & (EPOLLERR | EPOLLHUP)) != 0) /* the last reader is gone; a terminal says the latter */
        close_stdin(io);
    else
        feed(io);
    if (stage_io_waiting(io) > 0)
        return;
    if (watch_stdin(io, NULL) < 0)
        close_stdin(io);
    io->on_room(io);
}

int stage_io_write(struct stage_io *io, const void *bytes, size_t len)
{
    int r;

    if (io->in_fd < 0)
        return 0;
    /* Cut off what is written already before the buffer grows for what is not. */
    if (io->in_more_done > 0) {
        size_t left = io->in_more.len - io->in_more_done;

        memmove(io->in_more.at, io->in_more.at + io->in_more_done, left);
        io->in_more.len = left;
        io->in_more_done = 0;
    }
    r = buf_add(&io->in_more, bytes, len);
    if (r < 0)
        return r;
    if (len > 0)
        io->in_last = ((const char *)bytes)[len - 1];
    feed(io);
    return watch_stdin(io, NULL);
}

/* Ctrl-D hands over the line so far; the end is a line of nothing, so it takes two in the middle of one. What ends
 * the program, or takes the line back, leaves nothing of it (Ctrl-C, \, Z, U). */
static void type_end(struct stage_io *io)
{
    static const char ends[] = {4, 4}, starts[] = {'\n', '\r', 4, 3, 0x1c, 0x1a, 0x15};
    const bool at_start = io->in_last == '\0' || memchr(starts, io->in_last, sizeof starts) != NULL;

    if (stage_io_write(io, ends, at_start ? 1 : 2) < 0)
        close_stdin(io);
}

void stage_io_close_stdin(struct stage_io *io)
{
    if (io->is_terminal) {
        type_end(io);
        return;
    }
    io->in_open = false;
    if (io->in_fd >= 0 && waiting(io).len == 0)
        close_stdin(io);
}

size_t stage_io_waiting(const struct stage_io *io)
{
    return io->in_first.len + io->in_more.len - io->in_more_done;
}

/* --- Opening and closing --------------------------------------------------------------------- */

void stage_io_init(struct stage_io *io)
{
    io->in_fd = -1;
    io->in_watch = (struct watch){.fd = -1, .on_ready = on_stdin};
    buf_init(&io->in_more, JOB_MAX_STDIN_BYTES);
    for (int i = 0; i < 2; i++)
        io->streams[i] = (struct stage_stream){
            .watch = {.fd = -1, .on_ready = on_stream}, .io = io, .fd = -1, .index = i};
}

/* Our end does not block; the program's does, as programs expect. mode: the program has another uid, and opens
 * its own streams again by /dev/stdout and the like, which checks the pipe's permissions. */
static int make_pipe(int *ours, int *theirs, int our_end, mode_t mode, struct err *err)
{
    int ends[2];

    if (pipe2(ends, O_CLOEXEC) < 0)
        return err_errno(err, -errno, "a pipe");
    *ours = ends[our_end];
    *theirs = ends[1 - our_end];
    if (fcntl(*ours, F_SETFL, O_NONBLOCK) < 0 || fchmod(*ours, mode) < 0)
        return err_errno(err, -errno, "a pipe");
    return 0;
}

static int open_streams(struct stage_io *io, struct stage_ends *ends, bool merged, struct err *err)
{
    int *theirs[2] = {&ends->out, &ends->err};
    int r;

    for (int i = 0; i < (merged ? 1 : 2); i++) {
        struct stage_stream *stream = &io->streams[i];

        if (*theirs[i] >= 0)
            continue;
        r = make_pipe(&stream->fd, theirs[i], 0, 0622, err);
        if (r == 0 && !merged)
            r = watch_stream(stream, err);
        if (r < 0)
            return r;
    }
    return 0;
}

int stage_io_open(struct stage_io *io, struct stage_ends *ends, bool merged, struct err *err)
{
    int r = ends->in >= 0 ? 0 : make_pipe(&io->in_fd, &ends->in, 1, 0644, err);

    return r < 0 ? r : open_streams(io, ends, merged, err);
}

static int cross_one(int *reader, int *writer, struct err *err)
{
    int ends[2];

    if (pipe2(ends, O_CLOEXEC) < 0)
        return err_errno(err, -errno, "a pipe");
    *reader = ends[0];
    *writer = ends[1];
    return fchmod(ends[0], 0666) < 0 ? err_errno(err, -errno, "a pipe") : 0;
}

int stage_ends_cross(struct stage_ends *a, struct stage_ends *b, struct err *err)
{
    int r = cross_one(&a->in, &b->out, err);

    return r < 0 ? r : cross_one(&b->in, &a->out, err);
}

int stage_io_feed(struct stage_io *io, struct slice first, bool open, struct err *err)
{
    io->in_first = first;
    io->in_open = open;
    io->in_last = first.len > 0 ? first.at[first.len - 1] : '\0';
    if (io->is_terminal && !open)
        type_end(io);
    feed(io); /* most input fits into the pipe: then it is closed here and never watched */
    return watch_stdin(io, err);
}

void stage_io_expect_terminal(struct stage_io *io)
{
    io->is_terminal = io->in_held = true;
}

/* A descriptor of its own, which can be closed while the other is read from. */
static int feed_terminal(struct stage_io *io, int fd, struct err *err)
{
    closep(&io->in_fd); /* never watched: it was held */
    io->in_fd = fcntl(fd, F_DUPFD_CLOEXEC, 0);
    if (io->in_fd < 0)
        return err_errno(err, -errno, "the terminal");
    io->in_held = false;
    feed(io);
    if (stage_io_waiting(io) == 0)
        io->on_room(io);
    return watch_stdin(io, err);
}

int stage_io_terminal(struct stage_io *io, int fd, struct err *err)
{
    struct stage_stream *stream = &io->streams[0];
    int r;

    close_stream(stream);
    stream->fd = fd;
    r = fd_set_nonblock(fd, true);
    if (r < 0)
        return err_errno(err, r, "the terminal");
    r = watch_stream(stream, err);
    return r == 0 && io->is_terminal ? feed_terminal(io, fd, err) : r;
}

/* The kernel tells the program (SIGWINCH). It can fail for what is no terminal, which is nobody's loss. */
void stage_io_resize(struct stage_io *io, struct job_terminal size)
{
    const struct winsize window = {.ws_row = size.rows, .ws_col = size.columns};

    if (io->is_terminal && !io->in_held && io->streams[0].fd >= 0)
        (void)ioctl(io->streams[0].fd, TIOCSWINSZ, &window);
}

void stage_io_close(struct stage_io *io)
{
    for (int i = 0; i < 2; i++)
        close_stream(&io->streams[i]);
    close_stdin(io);
    io->is_terminal = io->in_held = false; /* the next stage may have pipes */
}

void stage_ends_close(struct stage_ends *ends)
{
    closep(&ends->in);
    closep(&ends->out);
    closep(&ends->err);
}
