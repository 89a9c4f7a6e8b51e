/*
 * GET /v1/submissions/{id}/events: a submission as it goes on, for any number of readers.
 *
 *                   unfinished                     its end is in the store
 *     the request ─────────────▶ following, a stream ─────────────▶ looking ──▶ result
 *          └─────────────────────────────────────────────────────────▲
 *
 * Nothing is held for a reader but what it is about to take: output is read from where the engine keeps it for the
 * result, from where this reader has come to, as fast as it takes it. So it slows nobody, and costs no more than
 * WAITING_BYTES_MAX. When the attempt is over the engine's buffers go: what a reader has still not been told then waits
 * for it, up to LAST_BYTES_MAX; where it is more the reader hears how much it misses, and has it in the result.
 *
 * The id of an event says how far its reader has come, so that an EventSource that lost its connection goes on there.
 */
#include <inttypes.h>

#include "api/call.h"
#include "api/v1/event_stream.h"
#include "api/v1/events.h"
#include "api/v1/submission_json.h"
#include "api/v1/submission_reply.h"
#include "api/v1/v1.h"

enum {
    PIECE_BYTES = 16384,
    WAITING_BYTES_MAX = 65536,
    LAST_BYTES_MAX = 1 << 20,
    RESULT_BYTES_MAX = 1 << 30, /* see ANSWER_BYTES_MAX in run.c */
    ID_BYTES = 64,
};

static const char result_id[] = "result";

/* How far a reader has come. */
struct cursor {
    uint32_t attempt; /* 0: nowhere */
    uint32_t stage;
    bool in_stage;    /* that it has begun is told */
    size_t told[2];   /* bytes of its output */
};

struct follower {
    struct submission_wait wait;  /* while it follows */
    struct api *api;              /* borrowed */
    struct http_request *request; /* borrowed; NULL: the reader has left, and the store calls back yet */
    char owner[SUBMISSION_OWNER_BYTES], id[UUID_BYTES];
    unsigned fields;              /* of the result */
    bool sse, streams, has_result; /* has_result: the reader had it before it came back */
    uint32_t reading;             /* the attempt that `events` is set up for; 0: none */
    struct cursor cursor;
    struct events events;
};

static void follower_free(struct follower *follower)
{
    submission_wait_stop(&follower->wait);
    events_done(&follower->events);
    free(follower);
}

static void on_gone(void *arg)
{
    struct follower *follower = arg;

    follower->request = NULL;
    if (follower->wait.submission != NULL)
        follower_free(follower);
}

/* Before the stream a problem, in it an end without a result. */
static void fail(struct follower *follower, const struct fault *fault)
{
    struct http_request *request = TAKE_PTR(follower->request);
    const bool streams = follower->streams;

    follower_free(follower);
    if (request != NULL && streams)
        http_stream_break(request);
    else if (request != NULL)
        call_refuse_with_problem(request, fault);
}

/* --- Ids --- */

/* What is held back of a character has not been told. */
static void write_id(char id[ID_BYTES], const struct follower *follower)
{
    const struct cursor *cursor = &follower->cursor;
    const size_t *held = follower->events.held_len;

    (void)snprintf(id, ID_BYTES, "%" PRIu32 ".%" PRIu32 ".%zu.%zu", cursor->attempt, cursor->stage,
                   cursor->told[0] - held[0], cursor->told[1] - held[1]);
}

/* A number of at most nine digits, and where it ends. */
static bool read_number(const char **at, uint32_t *ret)
{
    enum { DIGITS_MAX = 9 };
    const char *start = *at;

    *ret = 0;
    while (**at >= '0' && **at <= '9' && *at - start < DIGITS_MAX)
        *ret = *ret * 10 + (uint32_t)(*(*at)++ - '0');
    return *at > start;
}

/* What is none of ours is nowhere. */
static struct cursor read_id(const char *id)
{
    uint32_t numbers[4];

    for (size_t i = 0; i < COUNT_OF(numbers); i++)
        if (!read_number(&id, &numbers[i]) || *id++ != (i + 1 < COUNT_OF(numbers) ? '.' : '\0'))
            return (struct cursor){0};
    return numbers[1] >= N_STAGES ? (struct cursor){0}
                                  : (struct cursor){numbers[0], numbers[1], true, {numbers[2], numbers[3]}};
}

/* --- Following --- */

static int emit(void *arg, const char *type, struct slice json)
{
    const struct follower *follower = arg;
    char id[ID_BYTES];
    struct event_frame frame;

    write_id(id, follower);
    frame = event_frame_of(follower->sse, id, type);
    return event_stream_write(follower->request, &frame, json);
}

/* Of the events that only this stream has. They have no id: no place to go on from. */
static int tell(const struct follower *follower, const char *type, const char *name, uint64_t number)
{
    const struct event_frame frame = event_frame_of(follower->sse, NULL, type);
    char json[100];

    (void)snprintf(json, sizeof json, "{\"type\":\"%s\",\"%s\":%" PRIu64 "}", type, name, number);
    return event_stream_write(follower->request, &frame, slice_from(json));
}

static bool is_there(const struct submission *submission, const struct cursor *cursor)
{
    if (cursor->attempt != submission_attempt(submission) || !submission_has_begun(submission, cursor->stage))
        return false;
    for (int i = 0; i < 2; i++)
        if (cursor->told[i] > submission_output(submission, cursor->stage, i).len)
            return false;
    return true;
}

/* From where the reader was, or, where that was in an attempt that came to nothing, from the beginning. */
static int take_up(struct follower *follower)
{
    const struct submission *submission = follower->wait.submission;
    const uint32_t attempt = submission_attempt(submission);
    int r = 0;

    events_done(&follower->events);
    events_init(&follower->events, emit, follower, submission_base64(submission));
    follower->reading = attempt;
    if (is_there(submission, &follower->cursor))
        return 0;
    if (follower->cursor.attempt != 0)
        r = tell(follower, "restarted", "attempt", attempt);
    follower->cursor = (struct cursor){.attempt = attempt};
    return r;
}

static int tell_stage(struct follower *follower, enum stage stage)
{
    int r = events_end(&follower->events);

    follower->cursor = (struct cursor){follower->cursor.attempt, stage, true, {0, 0}};
    return r < 0 ? r : events_on_stage(&follower->events, stage);
}

/* The next event. 1; 0: there is none; or < 0. */
static int step(struct follower *follower)
{
    const struct submission *submission = follower->wait.submission;
    struct cursor *cursor = &follower->cursor;
    int r;

    for (int i = 0; cursor->in_stage && i < 2; i++) {
        const struct slice out = submission_output(submission, cursor->stage, i);
        const size_t from = cursor->told[i], left = out.len - from, n = left < PIECE_BYTES ? left : PIECE_BYTES;

        if (n == 0)
            continue;
        cursor->told[i] += n;
        r = events_on_output(&follower->events, cursor->stage, i, out.at + from, n);
        return r < 0 ? r : 1;
    }
    for (enum stage stage = cursor->in_stage ? cursor->stage + 1 : 0; stage < N_STAGES; stage++) {
        if (!submission_has_begun(submission, stage))
            continue;
        r = tell_stage(follower, stage);
        return r < 0 ? r : 1;
    }
    return 0;
}

static bool any_has_begun(const struct submission *submission)
{
    for (enum stage stage = 0; stage < N_STAGES; stage++)
        if (submission_has_begun(submission, stage))
            return true;
    return false;
}

static int tell_news(struct follower *follower, size_t waiting_max)
{
    int r = 0;

    if (!any_has_begun(follower->wait.submission))
        return 0;
    if (follower->reading != submission_attempt(follower->wait.submission))
        r = take_up(follower);
    while (r >= 0 && http_stream_waiting(follower->request) < waiting_max) {
        r = step(follower);
        if (r == 0)
            break;
    }
    return r < 0 ? r : 0;
}

/* Of what was kept of the output, bytes that were not told. */
static uint64_t n_missed(const struct follower *follower)
{
    const struct cursor *cursor = &follower->cursor;
    uint64_t n = 0;

    for (enum stage stage = cursor->stage; stage < N_STAGES; stage++)
        for (int i = 0; i < 2; i++)
            n += submission_output(follower->wait.submission, stage, i).len -
                 (stage == cursor->stage ? cursor->told[i] : 0);
    return n;
}

/* The attempt is over. */
static int tell_last(struct follower *follower)
{
    int r = tell_news(follower, LAST_BYTES_MAX);
    uint64_t missed;

    if (r < 0 || follower->reading != submission_attempt(follower->wait.submission))
        return r; /* it ended before it began */
    missed = n_missed(follower);
    return missed > 0 ? tell(follower, "skipped", "bytes", missed) : events_end(&follower->events);
}

static void on_news(void *arg, bool last)
{
    static const struct fault none = {0};
    struct follower *follower = arg;

    if ((last ? tell_last(follower) : tell_news(follower, WAITING_BYTES_MAX)) < 0)
        fail(follower, &none);
}

static void on_room(void *arg)
{
    const struct follower *follower = arg;

    if (follower->wait.submission != NULL)
        on_news(arg, false);
}

/* --- The end --- */

static int write_result(struct buf *to, const struct follower *follower, const struct submission_row *row)
{
    const struct event_frame frame = event_frame_of(follower->sse, result_id, "result");
    struct json_out out = json_out_to(to);
    int r = buf_add_str(to, frame.head);

    submission_write_result(&out, row, follower->fields);
    if (r == 0)
        r = json_out_end(&out);
    return r < 0 ? r : buf_add_str(to, frame.tail);
}

static void end(struct follower *follower, const struct submission_row *row)
{
    CLEANUP(buf_done) struct buf last;
    struct fault fault = {0};

    buf_init(&last, RESULT_BYTES_MAX);
    if (write_result(&last, follower, row) < 0 ||
        (!follower->streams && event_stream_begin(follower->request, follower->sse) < 0)) {
        (void)fault_set(&fault, 503, NULL, "the server is out of memory for the answer");
        fail(follower, &fault);
        return;
    }
    http_stream_end(TAKE_PTR(follower->request), &last);
    follower_free(follower);
}

static void on_rows(void *arg, int r, const struct submission_row *rows, size_t n, const struct err *err)
{
    struct follower *follower = arg;
    struct fault fault = {0};

    if (r < 0) {
        reply_store_fault(&fault, r, err);
    } else if (n == 0) {
        (void)fault_set(&fault, 404, NULL, "there is no such submission");
    } else if (rows[0].finished_us == 0) { /* the service starts or stops; the reader comes again */
        (void)fault_set(&fault, 503, NULL, "the submission is not finished, and can't be followed now");
    } else if (follower->request == NULL) {
        follower_free(follower);
        return;
    } else if (follower->has_result && !follower->streams) {
        http_answer(TAKE_PTR(follower->request), 204, NULL, NULL, NULL);
        follower_free(follower);
        return;
    } else {
        end(follower, &rows[0]);
        return;
    }
    fail(follower, &fault);
}

static void look(void *arg)
{
    struct follower *follower = arg;
    const bool wanted = !follower->has_result || follower->streams;
    const struct submission_query query = {
        .owner = follower->owner,
        .ids = follower->id,
        .n_ids = 1,
        .stages = wanted && (follower->fields & SUBMISSION_FIELD(STAGES)) != 0,
        .files = wanted && (follower->fields & SUBMISSION_FIELD(FILES)) != 0,
        .webhook = wanted && (follower->fields & SUBMISSION_FIELD(CALLBACK)) != 0,
    };
    struct err err = {0};
    struct fault fault = {0};
    int r = store_submissions_find(follower->api->store, &query, on_rows, follower, &err);

    if (r == 0)
        return;
    reply_store_fault(&fault, r, &err);
    fail(follower, &fault);
}

/* --- The request --- */

static int read_request(struct follower *follower, struct fault *fault)
{
    static const char *const types[] = {EVENT_STREAM_SSE_TYPE, EVENT_STREAM_NDJSON_TYPE, NULL};
    const char *type = http_request_best_type(follower->request, types);
    const char *last_id = http_request_header(follower->request, "Last-Event-ID");
    const struct slice id = http_request_part(follower->request, 0);

    if (type == NULL)
        return fault_set(fault, 406, NULL,
                         "there are " EVENT_STREAM_SSE_TYPE " and " EVENT_STREAM_NDJSON_TYPE
                         ", and Accept takes none of them");
    /* A request is as its sender wrote it, line breaks and all: it has no place in an event. */
    if (submission_fields_parse(&follower->fields, http_request_query(follower->request, "fields"),
                                SUBMISSION_DEFAULT_FIELDS, SUBMISSION_DEFAULT_FIELDS, fault) < 0)
        return -1;
    if (!uuid_is(id))
        return fault_set(fault, 404, NULL, "there is no such submission");
    memcpy(follower->id, id.at, UUID_BYTES - 1);
    http_request_set_note(follower->request, follower->id);
    (void)snprintf(follower->owner, sizeof follower->owner, "%s", submission_owner(follower->request));
    follower->sse = type == types[0];
    if (last_id != NULL) {
        follower->has_result = strcmp(last_id, result_id) == 0;
        follower->cursor = read_id(last_id);
    }
    return 0;
}

static int follow(struct follower *follower, struct submission *submission, struct fault *fault)
{
    if (follower->api->draining)
        return fault_set(fault, 503, NULL, "the server is stopping");
    if (!submission_may_follow(submission))
        return fault_set(fault, 503, NULL, "too many follow submissions; try again in a moment");
    if (event_stream_begin(follower->request, follower->sse) < 0)
        return fault_set(fault, 503, NULL, "the server is out of memory");
    follower->streams = true;
    http_stream_on_room(follower->request, on_room, follower);
    follower->wait.on_over = look;
    follower->wait.on_news = on_news;
    follower->wait.arg = follower;
    submission_wait(&follower->wait, submission, UINT64_MAX / 2);
    on_news(follower, false);
    return 0;
}

void v1_submission_events(struct http_request *request, void *arg)
{
    struct api *api = arg;
    struct follower *follower = calloc(1, sizeof *follower);
    struct submission *unfinished;
    struct fault fault = {0};

    if (follower == NULL) {
        http_answer_problem(request, 503, NULL, "the server is out of memory");
        return;
    }
    follower->api = api;
    follower->request = request;
    http_request_on_gone(request, on_gone, follower);
    if (read_request(follower, &fault) < 0) {
        fail(follower, &fault);
        return;
    }
    unfinished = submissions_find(api->submissions, follower->owner, follower->id);
    if (unfinished == NULL)
        look(follower);
    else if (follow(follower, unfinished, &fault) < 0)
        fail(follower, &fault);
}
