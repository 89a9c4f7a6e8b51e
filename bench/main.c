#include <errno.h>
#include <inttypes.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <time.h>

#include "base/clock.h"
#include "bench.h"

void record_print(const struct record *record)
{
    printf("%u %" PRIu64 " %" PRIu64 " %d %" PRIu64 " %" PRIu64 " %" PRIu64 " %d %d\n",
           record->case_index, record->at_us, record->took_us, record->status, record->stage_us[0],
           record->stage_us[1], record->cpu_us, record->cached, record->good);
}

/* ---- Rounds ---- */

static int prepare(const struct bench_case *c, struct conn *conn, int *lease_fd, struct err *err)
{
    conn->fd = -1;
    *lease_fd = -1;
    if (c->kind == CASE_HTTP)
        return conn_open(conn, c->port, err);
    if (c->kind == CASE_LEASE) {
        *lease_fd = lease_open(c, err);
        return *lease_fd < 0 ? *lease_fd : 0;
    }
    return 0;
}

static int request(struct bench_case *c, struct conn *conn, struct record *record, struct err *err)
{
    uint64_t started_us = now_us();
    int r = conn_send(conn, c);

    if (r == 0)
        r = conn_receive(conn, c, record, true);
    record->took_us = now_us() - started_us;
    return r < 0 ? err_set(err, r, "a connection: %s", strerror(-r)) : 0;
}

static int run_one(struct bench_case *c, struct conn *conn, int lease_fd, struct record *record,
                   struct err *err)
{
    switch (c->kind) {
    case CASE_HTTP:
        return request(c, conn, record, err);
    case CASE_BARE:
        return bare_run(c, NULL, record, err);
    case CASE_LEASE:
        return lease_run(lease_fd, c, record, err);
    }
    return -EINVAL;
}

/* The machine is left alone for a moment: what is made for the next run (a box) is not part of that one. */
static void pause_us(uint32_t us)
{
    (void)nanosleep(
        &(struct timespec){.tv_sec = us / 1000000, .tv_nsec = (long)(us % 1000000) * 1000}, NULL);
}

static int run_rounds(const struct plan *plan, struct conn *conns, int *lease_fds, struct err *err)
{
    uint64_t start_us = now_us();
    int r = 0;

    for (uint32_t round = 0; round < plan->rounds; round++)
        for (uint32_t i = 0; i < plan->n_cases; i++) {
            struct record record = {.case_index = i};

            pause_us(plan->pause_us);
            record.at_us = now_us() - start_us;
            r = run_one(&plan->cases[i], &conns[i], lease_fds[i], &record, err);
            if (r < 0)
                return r;
            record_print(&record);
            (void)fflush(stdout); /* its reader shows progress */
        }
    return 0;
}

static int rounds(const struct plan *plan, struct err *err)
{
    struct conn *conns = calloc(plan->n_cases, sizeof *conns);
    int *lease_fds = calloc(plan->n_cases, sizeof *lease_fds);
    size_t n_ready = 0;
    int r = conns == NULL || lease_fds == NULL ? err_set(err, -ENOMEM, "cases") : 0;

    for (; r == 0 && n_ready < plan->n_cases; n_ready++)
        r = prepare(&plan->cases[n_ready], &conns[n_ready], &lease_fds[n_ready], err);
    if (r == 0)
        r = run_rounds(plan, conns, lease_fds, err);
    for (size_t i = 0; i < n_ready; i++) {
        conn_done(&conns[i]);
        closep(&lease_fds[i]);
    }
    free(conns);
    free(lease_fds);
    return r;
}

/* ---- All ---- */

static uint64_t own_cpu_us(void)
{
    struct rusage usage;

    (void)getrusage(RUSAGE_SELF, &usage); /* cannot fail with a valid pointer */
    return (uint64_t)(usage.ru_utime.tv_sec + usage.ru_stime.tv_sec) * 1000000 +
           (uint64_t)(usage.ru_utime.tv_usec + usage.ru_stime.tv_usec);
}

int main(void)
{
    struct plan plan;
    struct err err = {0};
    uint64_t cpu_us, started_us;
    int r;

    (void)prctl(PR_SET_PDEATHSIG,
                SIGKILL); /* script/bench may be killed: nothing goes on without it */
    r = plan_read(&plan, stdin, &err);
    if (r < 0) {
        fprintf(stderr, "glimpse-bench: %s\n", err.msg);
        return 2;
    }
    started_us = now_us();
    cpu_us = own_cpu_us();
    switch (plan.mode) {
    case MODE_ROUNDS:
        r = rounds(&plan, &err);
        break;
    case MODE_CLOSED:
        r = loops_closed(&plan, &err);
        break;
    case MODE_OPEN:
        r = loops_open(&plan, &err);
        break;
    }
    printf("end %" PRIu64 " %" PRIu64 "\n", now_us() - started_us, own_cpu_us() - cpu_us);
    if (r < 0)
        fprintf(stderr, "glimpse-bench: %s\n", err.msg);
    plan_done(&plan);
    return r < 0;
}
