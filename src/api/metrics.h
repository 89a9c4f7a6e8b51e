/*
 * metrics: what glimpsed counts of itself, and GET /metrics, which shows it to Prometheus. docs/operate.md says
 * what each figure means.
 *
 *   metrics_open (before lockdown) -> metrics_add_languages -> observe, show -> metrics_close
 */
#pragma once

#include "base/ip.h"
#include "base/metrics.h"
#include "base/strings.h"
#include "engine/engine.h"
#include "http/http.h"

struct api;
struct scrape;

/* Why a job was not taken in. Whoever refuses one says so by metrics_reject(). */
enum reject {
    REJECT_QUEUE_FULL,
    REJECT_CALLER_QUEUE_FULL, /* the caller's share of it */
    REJECT_RATE,        /* the caller's requests of this hour are used up */
    REJECT_NOT_READY,   /* starting or stopping */
    REJECT_LANGUAGE,    /* unknown, unavailable, or not in that version */
    REJECT_INTERNAL,    /* out of memory, or a failure of ours */
    N_REJECTS
};

enum phase { PHASE_QUEUE, PHASE_LEASE, PHASE_COMPILE, PHASE_RUN, PHASE_TOTAL, N_PHASES };

struct metrics_language {
    char id[LANGUAGE_ID_BYTES];
    uint64_t by_status[N_STATUSES];
    uint64_t cpu_us; /* of its programs and compilers */
};

/* What boxd has said of itself; see metrics_boxd.c. */
struct boxd_figures {
    struct wire_figures *at; /* owned; one for each kind */
    uint32_t n, n_asked;     /* that are there; of how many, 0: none is asked for */
    struct scrape *waiting;  /* owned: who waits for them */
    size_t n_waiting;
};

struct metrics {
    struct metrics_language *languages; /* owned; grows with the table of languages, and never shrinks */
    size_t n_languages;
    struct histogram phases[N_PHASES];
    uint64_t rejections[N_REJECTS];
    uint64_t started_us; /* CLOCK_REALTIME */
    struct ip_network *readers; /* owned: who may read them, besides this machine */
    size_t n_readers;
    struct boxd_figures boxd;
    struct engine *engine; /* borrowed; set once there is one */
    int statm_fd;        /* owned: /proc/self/statm, which can't be opened later */
};

/* readers: networks, as ip_network_parse() takes them. */
MUST_CHECK int metrics_open(struct metrics *metrics, const struct strings *readers, struct err *err);
void metrics_close(struct metrics *metrics);
/* Runs of languages that were never named here are not counted. */
MUST_CHECK int metrics_add_languages(struct metrics *metrics, const struct languages *languages, struct err *err);

void metrics_on_report(void *metrics, const struct engine_report *report); /* for engine_config */
void metrics_reject(struct metrics *metrics, enum reject why);

void metrics_on_figures(void *metrics, const struct wire_figures *figures); /* likewise */

/* metrics_boxd.c: asks boxd, and calls back when it has said all, or can't, or takes too long; perhaps at once.
 * request: of who waits; where it leaves, nobody is called. False where too many wait, or there is no memory. */
bool metrics_ask_boxd(struct metrics *metrics, struct http_request *request, uv_loop_t *loop,
                      void (*on_done)(struct http_request *request, void *arg), void *arg);
/* Nobody waits any more. */
void metrics_stop_asking(struct metrics *metrics);

/* metrics_write.c: the whole page, with what boxd said last. */
MUST_CHECK int metrics_write(struct buf *to, const struct api *api);
/* metrics_write_boxd.c */
void metrics_write_boxd(struct metrics_out *out, const struct boxd_figures *boxd);

/* GET /metrics */
void metrics_show(struct http_request *request, void *api);
