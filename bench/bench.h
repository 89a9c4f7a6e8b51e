/*
 * glimpse-bench: does what a plan (JSON on stdin) says, and prints what it took. script/bench makes the plan and reads
 * the figures.
 *
 * A case is one thing that can be timed: an HTTP request over a connection that is kept alive, the bare start of a
 * program, or the lease of a box. Three ways to time cases:
 *   rounds  one after the other, each case once a round: they all see the same machine
 *   closed  `clients` at a time, each begins anew as soon as it has its answer; for `seconds`
 *   open    `rate` requests a second, whether or not the ones before have been answered; for `seconds`
 *
 * Output: a line per run, as record_print() writes them, and a last one with the client's own CPU time.
 */
#pragma once

#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/cleanup.h"
#include "base/err.h"

enum { STEPS_MAX = 4, LIMITS_N = 8 };

enum case_kind { CASE_HTTP, CASE_BARE, CASE_LEASE };

/* A text that may have a place for a number, so that no run finds a compiled program of an earlier one. */
struct numbered {
    char *text;  /* owned; NULL: none */
    char *place; /* in it; NULL: none */
};

struct bench_case {
    enum case_kind kind;
    /* http */
    uint16_t port;  /* on 127.0.0.1 */
    struct numbered request; /* all of its bytes */
    const char *expect; /* http: what a good answer has in its body; bare: all of the output of the last step */
    int64_t status; /* of a good answer */
    /* bare */
    const char *dir; /* where it starts; of loops, the folder of their folders 0, 1, ... */
    const char *input; /* path of its stdin */
    const char *source_name; /* a file below dir that is written before each run; NULL: none */
    struct numbered source;
    char **steps[STEPS_MAX]; /* argv of each, NULL-terminated; owned */
    size_t n_steps;
    char **env; /* owned, NULL-terminated */
    /* lease */
    const char *path, *language;
    uint64_t limits[LIMITS_N]; /* in the order of struct limits */
    uint32_t stage;
};

enum plan_mode { MODE_ROUNDS, MODE_CLOSED, MODE_OPEN };

struct plan {
    enum plan_mode mode;
    uint32_t rounds, clients, pause_us;
    double seconds, rate;
    struct bench_case *cases; /* owned */
    size_t n_cases;
    json_t *json; /* owned; texts above are borrowed from it */
};

/* One run. Times in microseconds; what is not known is 0. */
struct record {
    uint64_t at_us;   /* since the start: when it was begun, or in an open loop was due */
    uint64_t took_us; /* to the last byte of the answer; bare: to the end of the last process */
    uint64_t stage_us[2], cpu_us; /* compile and run; CPU time of the program. Bare: all steps but the last, the last */
    uint32_t case_index;
    int32_t status; /* HTTP's; bare: 0; -1: no answer */
    bool cached, good; /* good: the status and output are as they should be */
};

/* plan.c */
MUST_CHECK int plan_read(struct plan *ret, FILE *from, struct err *err);
void plan_done(struct plan *plan);
/* Writes another number into its place: the time, so that it was never there before. */
void number_write(struct numbered *text);

/* http.c */
struct conn {
    int fd;
    uint16_t port;
    char *buf; /* owned, NUL-terminated */
    size_t len, size;
};
MUST_CHECK int conn_open(struct conn *ret, uint16_t port, struct err *err);
/* Another connection in the place of this one, and without what it has received. */
MUST_CHECK int conn_renew(struct conn *conn);
void conn_done(struct conn *conn);
MUST_CHECK int conn_send(struct conn *conn, struct bench_case *c);
/* 1: the answer is complete and in *record; 0: more is to come (only without blocking). After an answer that closes the
 * connection, another one is opened. */
MUST_CHECK int conn_receive(struct conn *conn, const struct bench_case *c, struct record *record, bool block);

/* spawn.c: runs all steps; < 0 where one could not be started. folder: NULL for the case's own */
MUST_CHECK int bare_run(struct bench_case *c, const char *folder, struct record *record, struct err *err);

/* lease.c: a box is leased (timed), and given back. */
MUST_CHECK int lease_open(const struct bench_case *c, struct err *err); /* a descriptor */
MUST_CHECK int lease_run(int fd, const struct bench_case *c, struct record *record, struct err *err);

/* loops.c */
MUST_CHECK int loops_closed(struct plan *plan, struct err *err);
MUST_CHECK int loops_open(struct plan *plan, struct err *err);

/* main.c */
void record_print(const struct record *record);
