/*
 * stage_io: the pipes of one stage, on our side: what the program reads is written as fast as it is read, what it
 * writes is read as it comes and kept up to a limit. Nothing here blocks, and nothing that a
 * program does to its ends can make it.
 *
 * Writing to a pipe that nobody reads raises SIGPIPE: the program that this is part of must ignore or block it.
 */
#pragma once

#include "base/buf.h"
#include "engine/watch.h"
#include "model/job.h"

enum { STAGE_IO_PIECE_BYTES = 65536 };

struct stage_io;

struct stage_stream { /* stdout or stderr */
    struct watch watch;
    struct stage_io *io;
    int fd; /* owned; -1 once it has ended */
    int index;
    bool over; /* there was more than its limit: it is not read any more */
    bool held; /* it would be read, were output not paused */
};

struct stage_io {
    struct watch_set *set; /* borrowed */
    char *piece;           /* borrowed: STAGE_IO_PIECE_BYTES to read into, shared by all stages */
    struct buf *out[2];    /* borrowed: in the stage's result */
    bool *truncated;       /* borrowed: [2], likewise */
    /* A kept piece, as it came; or the first byte beyond the limit. Either may end the stage, but not free it. */
    void (*on_output)(struct stage_io *io, int stream, const char *bytes, size_t len);
    void (*on_too_much)(struct stage_io *io);
    void (*on_room)(struct stage_io *io); /* stdin that had to wait is written */

    struct stage_stream streams[2];
    struct watch in_watch;
    bool paused;           /* output stays in the pipes */
    int in_fd;             /* owned; -1 once closed */
    struct slice in_first; /* borrowed: the rest of the job's own stdin */
    struct buf in_more;    /* what came later ... */
    size_t in_more_done;   /* ... and how much of that is written */
    bool in_open;          /* more may come: do not close */
    bool in_held;          /* it goes into a terminal that is not there yet */
    bool is_terminal;      /* in_fd and streams[0] are one */
    char in_last;          /* of what was given, so that the end can be told to a terminal */
};

/* The program's ends: sent to init, then closed. */
struct stage_ends {
    int in, out, err; /* owned; -1: none. Merged: out and err are one pipe, and err is -1 */
};
void stage_ends_close(struct stage_ends *ends);
/* What each of two writes to stdout the other one reads on stdin, by two pipes (ADR 13). Both must be empty; half made
 * on failure. */
MUST_CHECK int stage_ends_cross(struct stage_ends *a, struct stage_ends *b, struct err *err);

/* Fields above the blank line are set by the caller, at the latest before stage_io_open(). */
void stage_io_init(struct stage_io *io);
/* Makes the pipes, but for stdin and stdout where *ends has them already. */
MUST_CHECK int stage_io_open(struct stage_io *io, struct stage_ends *ends, bool merged,
                             struct err *err);
/* What the program reads: first (borrowed until stage_io_close()), then, where open, what stage_io_write() brings. */
MUST_CHECK int stage_io_feed(struct stage_io *io, struct slice first, bool open, struct err *err);
/* The stage will have a terminal for stdin too: what is fed waits for it. Before stage_io_feed(). */
void stage_io_expect_terminal(struct stage_io *io);
/* Takes the place of the stdout pipe, and of stdin's where that was expected: the terminal on which a merged stage
 * writes. Consumed. */
MUST_CHECK int stage_io_terminal(struct stage_io *io, int fd, struct err *err);
/* Nothing where there is no terminal, or none yet. */
void stage_io_resize(struct stage_io *io, struct job_terminal size);
/* on: reads no more output, so that the pipes fill, and who writes waits; off: reads on. It holds for what is opened
 * later too. */
MUST_CHECK int stage_io_pause(struct stage_io *io, bool on, struct err *err);
/* Reads all that is there, paused or not: called when all processes of the box are dead, so that this is all there will
 * be. */
void stage_io_drain(struct stage_io *io);
/* Closes all; drops what was not read. Can be called at any time after stage_io_init(). */
void stage_io_close(struct stage_io *io);

/* -EFBIG where more than JOB_MAX_STDIN_BYTES would wait. What a closed stdin gets is dropped. */
MUST_CHECK int stage_io_write(struct stage_io *io, const void *bytes, size_t len);
/* A terminal has no end: it gets what a person would type for it (Ctrl-D), and may get more. */
void stage_io_close_stdin(struct stage_io *io);
size_t stage_io_waiting(const struct stage_io *io); /* bytes of stdin */
