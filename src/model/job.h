/*
 * job: what somebody asks to be run, and what came of it. Plain structs, no behaviour but
 * making, freeing and checking. Bounds are here, so that every door (HTTP, command line, library)
 * refuses the same things.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "base/buf.h"
#include "base/err.h"
#include "model/limits.h"

enum stage { STAGE_COMPILE, STAGE_RUN, N_STAGES };
extern const char *const stage_names[N_STAGES]; /* "compile", "run" */

/* The closed list; the names are the API's. The order is that of STATUS_NAMES. */
enum status {
    STATUS_OK,
    STATUS_COMPILE_ERROR,   /* the compile stage exited with a status other than 0 */
    STATUS_RUNTIME_ERROR,   /* the program exited with a status other than 0 */
    STATUS_SIGNALED,        /* a signal ended it that no limit sent */
    STATUS_WALL_TIME_LIMIT,
    STATUS_CPU_TIME_LIMIT,
    STATUS_MEMORY_LIMIT,    /* the kernel killed for memory, and the stage did not succeed */
    STATUS_OUTPUT_LIMIT,
    STATUS_PROCESS_LIMIT,   /* a process or thread was refused, and the stage did not succeed */
    STATUS_DISK_LIMIT,      /* a file grew too big or the box was full, and the stage did not succeed */
    STATUS_CANCELLED,
    STATUS_INTERNAL_ERROR,  /* ours: the message says what */
    N_STATUSES
};
extern const char *const status_names[N_STATUSES];

enum {
    JOB_MAX_FILES = 256,
    JOB_MAX_NAME_BYTES = 255,    /* a path below /box, '/' included; each part as well (NAME_MAX) */
    JOB_MAX_NAME_DEPTH = 16,
    JOB_MAX_ARGS = 256,
    JOB_MAX_ENV = 128,
    JOB_MAX_STRING_BYTES = 65536,   /* one argument, or one NAME=VALUE; the kernel's own is 128 KiB */
    JOB_MAX_STRINGS_BYTES = 524288, /* all arguments and variables together */
    JOB_MAX_FILES_BYTES = 64 << 20, /* all files together */
    JOB_MAX_STDIN_BYTES = 64 << 20,
    JOB_MAX_COLLECT = 32,           /* patterns of files to bring back */
    JOB_MAX_BROUGHT_FILES = 256,    /* that are brought back */
    JOB_MAX_BROUGHT_BYTES = 16 << 20, /* all of them together */
};

/* What a compile stage made: records in memory that nobody can change. */
struct compiled {
    int fd;         /* -1: it made nothing, and the run stage needs none of it */
    uint64_t bytes;
};

struct job_terminal { /* what a person's window has */
    uint16_t rows, columns; /* 1 to JOB_MAX_WINDOW; both 0: there is none */
};
enum { JOB_MAX_WINDOW = 1000 };

struct job_file {
    char *name; /* owned; relative to /box, see job_check_name() */
    char *data; /* owned */
    size_t len; /* bytes */
};

struct job {
    char *language;         /* owned; id or alias */
    char *version;          /* owned; NULL: any */
    struct job_file *files; /* owned; the first is the main program unless the language says otherwise */
    size_t n_files;
    bool main_unnamed;      /* files[0] came as `code`: its name is the language's to choose, NULL here */
    char *stdin_data;       /* owned */
    size_t stdin_len;
    char **args;            /* owned, each owned */
    size_t n_args;
    char **env;             /* owned, each owned: NAME=VALUE */
    size_t n_env;
    char **collect;         /* owned, each owned: patterns of files to bring back (base/glob.h), as job_check_name() */
    size_t n_collect;
    struct limits limits[N_STAGES]; /* zero fields: the language's defaults */
    bool merged; /* stdout and stderr on one raw terminal, in the order of writing, reported as stdout */
    bool no_cache; /* compiled for this job alone: no kept artifact is taken, and none is kept */
    bool compile_only; /* it ends with its compile stage; the result hands over what that made */
    const struct compiled *compiled; /* borrowed until the result; not NULL: these very files are compiled already */
    bool stdin_open; /* more stdin will come by run_write_stdin(); without it stdin ends after stdin_data */
    bool interactive; /* somebody sits there: wall time is the operator's interactive_time, unless the job says less */
    bool repl;        /* no program but the language's own prompt; files are optional */
    struct job_terminal terminal; /* the run stage gets it for all three streams, and is in control of it */
};

struct job *job_new(void); /* zeroed; NULL when out of memory */
struct job *job_copy(const struct job *job); /* with all that it owns; NULL when out of memory */
void job_free(struct job *job);
DEFINE_FREEP(struct job, job)

/* Each appends; copies what it is given; 0, -ENOMEM, or < 0 with a sentence where a bound is passed or
 * the value is not allowed. name == NULL in job_add_file() sets main_unnamed (first file only). */
MUST_CHECK int job_add_file(struct job *job, const char *name, const void *data, size_t len, struct err *err);
MUST_CHECK int job_add_arg(struct job *job, struct slice arg, struct err *err);
MUST_CHECK int job_add_env(struct job *job, struct slice name, struct slice value, struct err *err);
MUST_CHECK int job_add_collect(struct job *job, struct slice pattern, struct err *err);

/*
 * A file name: relative, parts parted by single '/', no part "." or ".." or empty or beginning with
 * '-', no control characters, valid UTF-8, within JOB_MAX_NAME_BYTES and JOB_MAX_NAME_DEPTH; ".glimpse"
 * as the first part is ours. 0, or -EINVAL with a sentence that says what is wrong.
 */
MUST_CHECK int job_check_name(struct slice name, struct err *err);

struct stage_result {
    bool ran; /* false: the stage was not reached, or the language has none; the rest is zero */
    enum status status;
    int exit_code;        /* -1 unless it exited by itself */
    int signal;           /* 0 unless a signal ended it */
    struct buf out[2];    /* stdout, stderr: bytes as written, up to output_bytes each */
    bool truncated[2];    /* there was more */
    uint64_t wall_us, cpu_us, memory_bytes; /* memory: the peak, from the cgroup */
    bool cached;          /* compile only: nothing was compiled: out is that of an equal job, figures are 0 */
};

struct result {
    enum status status;   /* of the stage that ended the job */
    char message[200];    /* a sentence where status alone does not explain it, or "" */
    struct stage_result stages[N_STAGES];
    uint64_t ended_us;    /* CLOCK_MONOTONIC: when its end was seen */
    struct compiled compiled; /* of a job that is compile_only and went well; borrowed: duplicate what is to be kept */
    struct job_file *files; /* owned; what job->collect has brought back, sorted by name (of any bytes) */
    size_t n_files;
    bool collects;        /* files were asked for */
    size_t n_omitted;     /* files that matched, and were too many or too large */
};

void result_init(struct result *result);
void result_done(struct result *result);

/* The signals that whoever runs a program may send to it; a closed list, 0 at the end. */
extern const int job_signals[];
/* One of them by its name ("SIGINT"); 0: it is not among them. And whether a number is. */
int job_signal_by_name(const char *name);
bool job_signal_is_one(int signal);

/* Names for signals 1..64: "SIGSEGV"; "SIGRTMIN+n"; "signal N" beyond. Static or in buf. */
const char *signal_name(int signal, char *buf, size_t size);
