/*
 * loops: many at a time. Over HTTP in one thread, on epoll; bare starts in a process for each loop, as waiting for a
 * process blocks. All are bounded: by the plan's seconds, then by PATIENCE_US for what has no answer yet.
 */
#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/wait.h>

#include "base/clock.h"
#include "bench.h"

enum { EVENTS_MAX = 64, RECORDS_PER_LOOP = 1 << 16 };
static const uint64_t PATIENCE_US = 60 * 1000000;

/* ---- HTTP ---- */

struct client {
    struct conn conn;
    struct record record; /* of the request under way */
    bool busy, again; /* again: sent twice, as the server had just closed the connection */
};

struct load {
    struct bench_case *c;
    struct client *clients; /* owned */
    uint32_t n_clients, n_busy, next;
    int epoll; /* owned */
    uint64_t start_us, end_us;
    /* open loop */
    double gap_us; /* between two arrivals; 0: a closed loop */
    uint64_t n_arrived;
};

static void load_done(struct load *load)
{
    for (uint32_t i = 0; load->clients != NULL && i < load->n_clients; i++)
        conn_done(&load->clients[i].conn);
    free(load->clients);
    closep(&load->epoll);
}

static int watch(struct load *load, struct client *client)
{
    struct epoll_event event = {.events = EPOLLIN, .data.ptr = client};

    return epoll_ctl(load->epoll, EPOLL_CTL_ADD, client->conn.fd, &event) < 0 ? -errno : 0;
}

static int load_init(struct load *ret, const struct plan *plan, struct err *err)
{
    CLEANUP(load_done)
    struct load load = {.c = plan->cases, .n_clients = 0, .epoll = epoll_create1(EPOLL_CLOEXEC)};
    int r = load.epoll < 0 ? err_set(err, -errno, "epoll") : 0;

    load.clients = calloc(plan->clients, sizeof *load.clients);
    if (load.clients == NULL)
        return err_set(err, -ENOMEM, "clients");
    for (uint32_t i = 0; r == 0 && i < plan->clients; i++) {
        r = conn_open(&load.clients[i].conn, load.c->port, err);
        load.n_clients += r == 0;
        if (r == 0)
            r = watch(&load, &load.clients[i]);
    }
    if (r < 0)
        return r;
    load.start_us = now_us();
    load.end_us = load.start_us + (uint64_t)(plan->seconds * 1e6);
    *ret = load;
    load = (struct load){.epoll = -1}; /* taken */
    return 0;
}

static int begin(struct load *load, struct client *client, uint64_t at_us)
{
    client->record = (struct record){.at_us = at_us - load->start_us, .status = -1};
    client->busy = true;
    client->again = false;
    load->n_busy++;
    return conn_send(&client->conn, load->c);
}

static void finish(struct load *load, struct client *client)
{
    client->record.took_us = now_us() - load->start_us - client->record.at_us;
    client->busy = false;
    load->n_busy--;
    record_print(&client->record);
}

/* Sends what is due, as long as a connection is free. What finds none is sent later, and its time counts from when it
 * was due. They take turns, or those that are seldom needed would idle for so long that the server closes them. */
static int send_due(struct load *load)
{
    int r = 0;

    for (uint32_t n = 0; r == 0 && n < load->n_clients && load->n_busy < load->n_clients; n++) {
        struct client *client = &load->clients[load->next];
        uint64_t due_us = load->start_us + (uint64_t)((double)load->n_arrived * load->gap_us),
                 now = now_us();

        if (client->busy) {
            load->next = (load->next + 1) % load->n_clients;
            continue;
        }
        if (load->gap_us == 0)
            due_us = now;
        if (due_us > now || due_us >= load->end_us)
            break;
        load->n_arrived++;
        load->next = (load->next + 1) % load->n_clients;
        r = begin(load, client, due_us);
    }
    return r;
}

/* It has idled for longer than the server waits. */
static int renew(struct load *load, struct client *client)
{
    int r = conn_renew(&client->conn);

    return r < 0 ? r : watch(load, client);
}

/* The client has something to read: perhaps its whole answer. */
static int progress(struct load *load, struct client *client)
{
    int fd = client->conn.fd, r;

    if (!client->busy)
        return renew(load, client);
    r = conn_receive(&client->conn, load->c, &client->record, false);
    if (r == -ECONNRESET && client->conn.len == 0 && !client->again) {
        client->again = true;
        r = renew(load, client);
        return r < 0 ? r : conn_send(&client->conn, load->c);
    }
    if (r <= 0)
        return r;
    finish(load, client);
    return fd == client->conn.fd
               ? 0
               : watch(load, client); /* closing the old one has removed it from epoll */
}

static int wait_and_progress(struct load *load)
{
    struct epoll_event events[EVENTS_MAX];
    struct timespec patience = {.tv_nsec = load->gap_us == 0 ? 10 * 1000000 : 200 * 1000};
    int n = epoll_pwait2(load->epoll, events, EVENTS_MAX, &patience, NULL), r = 0;

    if (n < 0)
        return errno == EINTR ? 0 : -errno;
    for (int i = 0; i < n && r == 0; i++)
        r = progress(load, events[i].data.ptr);
    return r;
}

static int load_run(struct load *load, struct err *err)
{
    int r = 0;

    while (r == 0 && (now_us() < load->end_us || load->n_busy > 0) &&
           now_us() < load->end_us + PATIENCE_US) {
        r = send_due(load);
        if (r == 0)
            r = wait_and_progress(load);
    }
    for (uint32_t i = 0; i < load->n_clients; i++)
        if (load->clients[i].busy)
            finish(load, &load->clients[i]); /* lost, and counted: its status is -1 */
    return r < 0 ? err_set(err, r, "a connection: %s", strerror(-r)) : 0;
}

static int http_loops(const struct plan *plan, double gap_us, struct err *err)
{
    CLEANUP(load_done) struct load load = {.epoll = -1};
    int r = load_init(&load, plan, err);

    if (r < 0)
        return r;
    load.gap_us = gap_us;
    return load_run(&load, err);
}

/* ---- Bare ---- */

struct loop { /* in memory that its process shares with us */
    size_t n_records;
    bool failed;
    struct err err;
    struct record records[RECORDS_PER_LOOP];
};

static void bare_loop(struct loop *loop, struct bench_case *c, uint32_t number, uint64_t start_us,
                      uint64_t end_us)
{
    char folder[4096];

    (void)prctl(PR_SET_PDEATHSIG, SIGKILL);
    (void)snprintf(folder, sizeof folder, "%s/%u", c->dir, number);
    while (now_us() < end_us && loop->n_records < RECORDS_PER_LOOP && !loop->failed) {
        struct record *record = &loop->records[loop->n_records];

        record->at_us = now_us() - start_us;
        loop->failed = bare_run(c, folder, record, &loop->err) < 0;
        loop->n_records++;
    }
}

static int bare_loops(const struct plan *plan, struct err *err)
{
    size_t size = plan->clients * sizeof(struct loop); /* touched only where records are */
    struct loop *loops =
        mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
    uint64_t start_us = now_us(), end_us = start_us + (uint64_t)(plan->seconds * 1e6);
    uint32_t n_started = 0;
    int r = 0;

    if (loops == MAP_FAILED)
        return err_set(err, -errno, "records");
    for (; n_started < plan->clients && r == 0; n_started++) {
        pid_t pid = fork();

        if (pid == 0) {
            bare_loop(&loops[n_started], plan->cases, n_started, start_us, end_us);
            _exit(0);
        }
        r = pid < 0 ? err_set(err, -errno, "fork") : 0;
    }
    while (wait(NULL) > 0 || errno == EINTR)
        ;
    for (uint32_t i = 0; i < n_started && r == 0; i++) {
        if (loops[i].failed)
            r = err_wrap(err, -EIO, "%s", loops[i].err.msg);
        for (size_t n = 0; n < loops[i].n_records; n++)
            record_print(&loops[i].records[n]);
    }
    (void)munmap(loops, size);
    return r;
}

int loops_closed(struct plan *plan, struct err *err)
{
    if (plan->cases[0].kind == CASE_LEASE)
        return err_set(err, -EINVAL, "leases are timed in rounds");
    return plan->cases[0].kind == CASE_HTTP ? http_loops(plan, 0, err) : bare_loops(plan, err);
}

int loops_open(struct plan *plan, struct err *err)
{
    if (plan->cases[0].kind != CASE_HTTP || plan->rate <= 0)
        return err_set(err, -EINVAL, "an open loop has a rate, and an http case");
    return http_loops(plan, 1e6 / plan->rate, err);
}
