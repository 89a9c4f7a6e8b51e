/* The page that GET /metrics shows. Names and units are Prometheus' conventions; docs/operate.md has a row for each. */
#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <sys/resource.h>
#include <time.h>

#include "api/api.h"
#include "api/submissions/submissions.h"

static void write_build(struct metrics_out *out)
{
    metrics_out_family(out, "glimpse_build_info", "gauge", "Always 1; the version is its label.");
    metrics_out_uint(out, 1, "glimpse_build_info{version=\"" GLIMPSE_VERSION "\"}");
}

/* ---- Runs ---- */

static void write_runs(struct metrics_out *out, const struct metrics *metrics)
{
    metrics_out_family(out, "glimpse_runs_total", "counter", "Jobs that ended, by language and status.");
    for (size_t i = 0; i < metrics->n_languages; i++)
        for (size_t status = 0; status < N_STATUSES; status++)
            /* A row from the start on for what all hope to see; what never came up is left out. */
            if (status == STATUS_OK || metrics->languages[i].by_status[status] > 0)
                metrics_out_uint(out, metrics->languages[i].by_status[status],
                                 "glimpse_runs_total{language=\"%s\",status=\"%s\"}", metrics->languages[i].id,
                                 status_names[status]);
    metrics_out_family(out, "glimpse_program_cpu_seconds_total", "counter",
                       "CPU time of programs and their compilers, by language.");
    for (size_t i = 0; i < metrics->n_languages; i++)
        metrics_out_seconds(out, metrics->languages[i].cpu_us, "glimpse_program_cpu_seconds_total{language=\"%s\"}",
                            metrics->languages[i].id);
}

static void write_phases(struct metrics_out *out, const struct metrics *metrics)
{
    static const char *const labels[N_PHASES] = {
        [PHASE_QUEUE] = "phase=\"queue\"", [PHASE_LEASE] = "phase=\"lease\"", [PHASE_COMPILE] = "phase=\"compile\"",
        [PHASE_RUN] = "phase=\"run\"",     [PHASE_TOTAL] = "phase=\"total\"",
    };

    metrics_out_family(out, "glimpse_run_phase_seconds", "histogram", "How long jobs took, by phase.");
    for (size_t i = 0; i < N_PHASES; i++)
        metrics_out_histogram(out, "glimpse_run_phase_seconds", labels[i], &metrics->phases[i]);
}

static void write_rejections(struct metrics_out *out, const struct metrics *metrics)
{
    static const char *const reasons[N_REJECTS] = {
        [REJECT_QUEUE_FULL] = "queue_full",
        [REJECT_CALLER_QUEUE_FULL] = "caller_queue_full",
        [REJECT_RATE] = "rate_limit",
        [REJECT_NOT_READY] = "not_ready",
        [REJECT_LANGUAGE] = "language",
        [REJECT_INTERNAL] = "internal",
    };

    metrics_out_family(out, "glimpse_rejections_total", "counter", "Jobs that were not taken in, by reason.");
    for (size_t i = 0; i < N_REJECTS; i++)
        metrics_out_uint(out, metrics->rejections[i], "glimpse_rejections_total{reason=\"%s\"}", reasons[i]);
}

static void write_engine(struct metrics_out *out, const struct engine *engine)
{
    struct engine_figures figures;

    engine_read_figures(&figures, engine);
    metrics_out_gauge(out, "glimpse_queue_length", "Jobs that wait for a place.", figures.n_queued);
    metrics_out_gauge(out, "glimpse_queue_length_max", "As many as that may wait.", figures.max_queued);
    metrics_out_gauge(out, "glimpse_queue_callers", "Callers whose jobs wait.", figures.n_callers);
    metrics_out_family(out, "glimpse_queue_oldest_seconds", "gauge",
                       "How long the job that waits longest has waited; 0 where none does.");
    metrics_out_seconds(out, figures.oldest_us, "glimpse_queue_oldest_seconds");
    metrics_out_gauge(out, "glimpse_running", "Jobs that have a place.", figures.n_running);
    metrics_out_gauge(out, "glimpse_running_max", "Places.", figures.max_running);
    metrics_out_counter(out, "glimpse_artifact_cache_hits_total", "Look-ups that found a compiled program.",
                        figures.cache_hits);
    metrics_out_counter(out, "glimpse_artifact_cache_misses_total", "Look-ups that found none.", figures.cache_misses);
    metrics_out_gauge(out, "glimpse_artifact_cache_entries", "Compiled programs that are kept.", figures.cache_entries);
    metrics_out_gauge(out, "glimpse_artifact_cache_bytes", "Memory that they take.", figures.cache_bytes);
    metrics_out_gauge(out, "glimpse_artifact_cache_bytes_max", "As much as that may be taken.",
                      figures.cache_bytes_max);
    metrics_out_gauge(out, "glimpse_boxd_up", "1 while glimpsed is connected to glimpse-boxd.",
                      engine_connected(engine));
}

/* ---- What is stored ---- */

static void write_store(struct metrics_out *out, const struct api *api)
{
    uint64_t writing, reading;
    size_t n_waiting, n_active;

    submissions_count(api->submissions, &n_waiting, &n_active);
    metrics_out_family(out, "glimpse_submissions", "gauge", "Submissions that are not finished, by state.");
    metrics_out_uint(out, n_waiting, "glimpse_submissions{state=\"waiting\"}");
    metrics_out_uint(out, n_active, "glimpse_submissions{state=\"active\"}");
    store_count_waiting(api->store, &writing, &reading);
    metrics_out_family(out, "glimpse_store_waiting_bytes", "gauge", "What waits for the database, by lane.");
    metrics_out_uint(out, writing, "glimpse_store_waiting_bytes{lane=\"writer\"}");
    metrics_out_uint(out, reading, "glimpse_store_waiting_bytes{lane=\"reader\"}");
}

/* ---- HTTP ---- */

static void on_count(void *arg, const struct http_route *route, unsigned status, uint64_t n)
{
    metrics_out_uint(arg, n, "glimpse_http_requests_total{method=\"%s\",route=\"%s\",status=\"%u\"}",
                     route == NULL ? "" : route->method, route == NULL ? "" : route->pattern, status);
}

static void write_http(struct metrics_out *out, const struct http_server *http)
{
    metrics_out_family(out, "glimpse_http_requests_total", "counter",
                       "Requests that are over, by route (empty: none fits) and status (499: the client left).");
    http_server_each_count(http, on_count, out);
    metrics_out_gauge(out, "glimpse_http_connections", "Open connections.", http_server_n_connections(http));
    metrics_out_gauge(out, "glimpse_http_connections_busy", "Connections with a request that is not answered in full.",
                      http_server_n_busy(http));
}

/* ---- The process ---- */

/* glimpsed has locked itself in: there is no /proc to look into. The kernel gives the lowest free number, so where a
 * thousand numbers in a row are unused there are none behind them. */
static uint64_t count_open_files(void)
{
    enum { CHUNK = 1024 };
    struct pollfd fds[CHUNK];
    uint64_t total = 0, n;
    int first = 0;

    do {
        n = 0;
        for (int i = 0; i < CHUNK; i++)
            fds[i] = (struct pollfd){.fd = first + i};
        if (poll(fds, CHUNK, 0) < 0) /* the limit of open files is below that: as much as that is open */
            return total;
        for (int i = 0; i < CHUNK; i++)
            n += (fds[i].revents & POLLNVAL) == 0;
        total += n;
        first += CHUNK;
    } while (n > 0);
    return total;
}

static uint64_t cpu_us(void)
{
    struct timespec used = {0};

    (void)clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &used);
    return (uint64_t)used.tv_sec * 1000000 + (uint64_t)used.tv_nsec / 1000;
}

/* statm: "size resident ...", in pages. */
static uint64_t resident_bytes(int statm_fd)
{
    char text[128];
    ssize_t n = pread(statm_fd, text, sizeof text - 1, 0);
    const char *blank;

    if (n <= 0)
        return 0;
    text[n] = '\0';
    blank = strchr(text, ' ');
    return blank == NULL ? 0 : strtoull(blank, NULL, 10) * (uint64_t)sysconf(_SC_PAGESIZE);
}

/* The names that client libraries of Prometheus give them. */
static void write_process(struct metrics_out *out, const struct metrics *metrics)
{
    struct rlimit files = {0};

    metrics_out_family(out, "process_cpu_seconds_total", "counter", "CPU time of glimpsed.");
    metrics_out_seconds(out, cpu_us(), "process_cpu_seconds_total");
    metrics_out_gauge(out, "process_resident_memory_bytes", "Memory of glimpsed.", resident_bytes(metrics->statm_fd));
    metrics_out_gauge(out, "process_open_fds", "Open files of glimpsed.", count_open_files());
    (void)getrlimit(RLIMIT_NOFILE, &files);
    metrics_out_gauge(out, "process_max_fds", "As many as that may be open.", files.rlim_cur);
    metrics_out_family(out, "process_start_time_seconds", "gauge", "When glimpsed was started, since 1970.");
    metrics_out_seconds(out, metrics->started_us, "process_start_time_seconds");
}

int metrics_write(struct buf *to, const struct api *api)
{
    struct metrics_out out = {.to = to};

    write_build(&out);
    write_runs(&out, &api->metrics);
    write_phases(&out, &api->metrics);
    write_rejections(&out, &api->metrics);
    write_engine(&out, api->engine);
    metrics_write_boxd(&out, &api->metrics.boxd);
    write_store(&out, api);
    write_http(&out, api->http);
    write_process(&out, &api->metrics);
    return out.r;
}
