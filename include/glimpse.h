/*
 * glimpse.h: run untrusted programs in sandboxes, from C.
 *
 * A client reaches either the sandbox service of this machine (glimpse-boxd, by its Unix socket) or a Glimpse server
 * (by HTTP). Every call blocks until it is done; glimpse_cancel() ends one from another thread or a signal handler.
 * A client may be used by one thread at a time; two clients have nothing in common.
 *
 *     struct glimpse_error error;
 *     struct glimpse_options options = {.api_version = GLIMPSE_API_VERSION};
 *     struct glimpse *client = glimpse_new(&options, &error);
 *     struct glimpse_file file = {"main.py", "print('hello')", 14};
 *     struct glimpse_request request = {.language = "python", .files = &file, .n_files = 1, .stdin_fd = -1};
 *     struct glimpse_result result;
 *
 *     if (client != NULL && glimpse_run(client, &request, NULL, &result, &error) == GLIMPSE_OK) {
 *         fwrite(result.stages[GLIMPSE_RUN].data[0], 1, result.stages[GLIMPSE_RUN].length[0], stdout);
 *         glimpse_result_clear(&result);
 *     }
 *     glimpse_free(client);
 *
 * What a program does (exits with 1, runs out of its limits) is a result; an error means that it could not be run.
 * All structs may be zeroed and then filled; strings are NUL-terminated UTF-8. Pointers that are handed in are
 * borrowed until the call returns. The library installs no signal handlers and raises no SIGPIPE.
 */
#ifndef GLIMPSE_H
#define GLIMPSE_H

#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

/* Grows by one when a struct below does. A library takes every version up to its own. */
#define GLIMPSE_API_VERSION 1

/* The library's version, "0.1.0". Static. */
const char *glimpse_version(void);

/* --- Errors ------------------------------------------------------------------------------------ */

enum glimpse_code {
    GLIMPSE_OK = 0,
    GLIMPSE_E_INVALID = -1,  /* the request or the options: the message says what to change */
    GLIMPSE_E_LANGUAGE = -2, /* there is no such language, or not in that version, or its toolchain is missing */
    GLIMPSE_E_BUSY = -3,     /* too many jobs wait: try again later */
    GLIMPSE_E_SERVICE = -4,  /* the service cannot be reached, or does not understand us */
    GLIMPSE_E_MEMORY = -5,   /* out of memory, or of descriptors */
};

struct glimpse_error {
    int code;          /* enum glimpse_code */
    char message[256]; /* a sentence; NUL-terminated, one line */
};

/* --- Clients ----------------------------------------------------------------------------------- */

struct glimpse; /* a client */

struct glimpse_options {
    int api_version;         /* GLIMPSE_API_VERSION */
    const char *server;      /* "http://127.0.0.1:2358"; NULL: this machine's sandbox service */
    const char *api_key;     /* sent to the server as a bearer token; NULL: none */
    /* Without a server: where the service is. Both may be NULL: as `glimpse serve` has them. */
    const char *config_file;
    const char *data_dir;
};

/* Makes a client, owned by the caller. NULL with *error set (error may be NULL). A server is not connected
 * to before the first call; that there is no local service is an error at once. */
struct glimpse *glimpse_new(const struct glimpse_options *options, struct glimpse_error *error);

/* Closes the client; NULL is allowed. Not while a call is under way. */
void glimpse_free(struct glimpse *client);

/* Ends the glimpse_run() that is under way in the client, if there is one: it returns soon, with the status
 * GLIMPSE_CANCELLED. May be called from any thread and from signal handlers. */
void glimpse_cancel(struct glimpse *client);

/* Tells the glimpse_run() that is under way, if its program has a terminal, what size that has now. May be called
 * from any thread and from signal handlers. Sizes that can't be are ignored. */
void glimpse_resize(struct glimpse *client, int rows, int columns);

/* --- Running ----------------------------------------------------------------------------------- */

enum glimpse_stage { GLIMPSE_COMPILE, GLIMPSE_RUN, GLIMPSE_N_STAGES };

enum glimpse_status {
    GLIMPSE_SUCCESS,         /* "ok": the program exited with status 0 */
    GLIMPSE_COMPILE_ERROR,   /* the compiler did not */
    GLIMPSE_RUNTIME_ERROR,   /* the program exited with another status */
    GLIMPSE_SIGNALED,        /* a signal ended it that no limit sent */
    GLIMPSE_WALL_TIME_LIMIT,
    GLIMPSE_CPU_TIME_LIMIT,
    GLIMPSE_MEMORY_LIMIT,
    GLIMPSE_OUTPUT_LIMIT,
    GLIMPSE_PROCESS_LIMIT,
    GLIMPSE_DISK_LIMIT,
    GLIMPSE_CANCELLED,
    GLIMPSE_INTERNAL_ERROR,  /* the service's own failure: result.message says what */
    GLIMPSE_N_STATUSES
};

/* "ok", "compile_error", ... as in the HTTP API; NULL for a number that is none. Static. */
const char *glimpse_status_name(int status);

/* Zero: the language's default. What is above the operator's maximum is lowered to it. */
struct glimpse_limits {
    uint64_t wall_time_ms; /* from the program's start to its end */
    uint64_t cpu_time_ms;  /* user and system, of all its processes together */
    uint64_t memory_bytes; /* peak of the whole sandbox */
    uint64_t processes;    /* processes and threads at one time */
    uint64_t output_bytes; /* kept of stdout, and of stderr; a program that writes more is ended */
    uint64_t file_bytes;   /* size of one file */
    uint64_t box_bytes;    /* all files together */
    uint64_t open_files;   /* descriptors of one process */
};

struct glimpse_file {
    const char *name; /* relative, "src/main.c"; NULL, for the first file only: the language's usual name */
    const void *data;
    size_t length;    /* bytes */
};

struct glimpse_request {
    const char *language;             /* an id or alias: "python", "c++"; NULL: by the suffix of the first file */
    const char *version;              /* "3" or "3.11": must fit what is installed; NULL: any */
    const struct glimpse_file *files; /* the first is the main program */
    size_t n_files;                   /* 1 to 256 */
    const char *const *args;
    size_t n_args;
    const char *const *env;           /* "NAME=VALUE", for the run stage */
    size_t n_env;
    const void *stdin_data;           /* what the program reads first */
    size_t stdin_length;              /* bytes */
    int stdin_fd;                     /* then from here, to its end, as the program reads; -1: no more. A server gets it
                                       * read to its end before the program starts. */
    int merged;                       /* not 0: both outputs on one terminal, in order, as stdout */
    struct glimpse_limits limits[GLIMPSE_N_STAGES];

    /* For somebody who sits there. */
    int interactive;                  /* not 0: a server, too, gets stdin_fd as it comes; wall time is what the operator
                                       * allows for that, unless limits say less */
    int repl;                         /* not 0: no program but the language's own prompt; n_files may be 0 */
    int rows, columns;                /* 1 to 1000: the program gets a terminal of this size for all three streams,
                                       * which come as stdout; 0: none. With interactive only */
};

struct glimpse_callbacks {
    void *arg;
    /* Output as it comes; stream 1 is stdout, 2 is stderr; bytes are borrowed. Until it returns no more is
     * read, so that the program waits in the end. */
    void (*on_output)(void *arg, int stage, int stream, const void *bytes, size_t length);
};

struct glimpse_stage_result {
    int ran;             /* 0: not reached, or the language has no such stage; the rest means nothing then */
    int status;          /* enum glimpse_status */
    int exit_code;       /* -1 unless it exited by itself */
    int signal;          /* 0 unless a signal ended it */
    char *data[2];       /* owned by the result: stdout and stderr, bytes, with a NUL behind; never NULL after a run */
    size_t length[2];    /* bytes, without that NUL */
    int truncated[2];    /* not 0: there was more */
    uint64_t wall_us, cpu_us, memory_bytes; /* memory: the peak */
};

struct glimpse_result {
    int status;          /* enum glimpse_status, of the stage that ended the job */
    char message[256];   /* a sentence where status does not say all, or "" */
    struct glimpse_stage_result stages[GLIMPSE_N_STAGES];
};

/* Runs a program. callbacks may be NULL. Returns GLIMPSE_OK with *result owned by the caller, for
 * glimpse_result_clear(); or an enum glimpse_code with *error set (error may be NULL) and *result zeroed. */
int glimpse_run(struct glimpse *client, const struct glimpse_request *request,
                const struct glimpse_callbacks *callbacks, struct glimpse_result *result,
                struct glimpse_error *error);

/* Frees what a result owns, and zeroes it. A zeroed result is fine. */
void glimpse_result_clear(struct glimpse_result *result);

/* --- Languages --------------------------------------------------------------------------------- */

struct glimpse_language {
    char *id, *name;    /* "cpp", "C++" */
    char *version;      /* "12.2.0"; NULL while unavailable */
    char *unavailable;  /* why it cannot be run here and what to install; NULL: it can */
    char **aliases;     /* NULL-terminated */
    char **suffixes;    /* NULL-terminated: ".cpp" */
};

struct glimpse_languages {
    struct glimpse_language *at; /* sorted by id */
    size_t n;
};

/* What can be run. Asks every compiler for its version where there is no server: a second or two. *ret is
 * owned by the caller, for glimpse_languages_clear(). Returns as glimpse_run(). */
int glimpse_languages(struct glimpse *client, struct glimpse_languages *ret, struct glimpse_error *error);
void glimpse_languages_clear(struct glimpse_languages *languages);

#ifdef __cplusplus
}
#endif
#endif
