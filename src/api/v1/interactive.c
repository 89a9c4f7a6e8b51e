/*
 * GET /v1/interactive: a run whose input somebody types while it goes on. docs/api.md has the protocol.
 *
 *   CONNECTED ── start ──▶ STARTED ── result ──▶ closed with 1000
 *       │                     └── the client leaves, or breaks a rule: the run is ended
 *       └── anything else: an error, closed
 *
 * Back-pressure goes through: what the client does not read waits here, but not much of it, then the run's output is
 * paused; what the program does not read waits in the engine, but not much of it, then the client is not read.
 */
#include <signal.h>

#include "api/admit.h"
#include "api/json_in.h"
#include "api/v1/events.h"
#include "api/v1/fields.h"
#include "api/v1/v1.h"
#include "base/json_out.h"
#include "base/log.h"
#include "http/websocket.h"

enum {
    MESSAGE_BYTES_MAX = 1 << 20, /* of all but the first message */
    STDIN_WAITING_MAX = 256 << 10,
    RESULT_BYTES_MAX = 1 << 30,
    ERROR_BYTES_MAX = 16384,
};

/* Freed when neither the websocket nor the run knows it any more. */
struct session {
    struct api *api;                 /* borrowed */
    struct websocket *socket;        /* borrowed; NULL once it is closed or gone */
    struct run *run;                 /* borrowed; NULL unless it is under way */
    const struct language *language; /* borrowed; NULL before start */
    struct caller caller;
    struct events events;
    bool base64, terminal, ended; /* ended: stdin has, by the client's word */
    bool counted;                 /* in api->n_interactive */
    bool output_paused;
    char id[API_ID_BYTES];
};

/* A run that is being ended makes nobody wait who comes back at once: its place in the engine is taken until then. */
static void leave(struct session *session)
{
    if (session->counted)
        session->api->n_interactive--;
    session->counted = false;
}

static void free_session(struct session *session)
{
    if (session->socket != NULL || session->run != NULL)
        return;
    leave(session);
    events_done(&session->events);
    free(session);
}

/* ---- The end ---- */

/* Ends the session; the run, too. */
static void close_with(struct session *session, unsigned status, const char *reason)
{
    if (session->socket != NULL)
        websocket_close(TAKE_PTR(session->socket), status, reason);
    leave(session);
    if (session->run != NULL)
        run_cancel(session->run); /* on_result() frees */
    else
        free_session(session);
}

static unsigned close_status(unsigned http_status)
{
    return http_status >= 500 ? WEBSOCKET_OUR_FAILURE : WEBSOCKET_NOT_ALLOWED;
}

static void refuse(struct session *session, const struct fault *fault)
{
    CLEANUP(buf_done) struct buf text;
    struct json_out out = json_out_to(&text);

    buf_init(&text, ERROR_BYTES_MAX);
    json_out_open(&out, '{');
    json_out_key_str(&out, "type", "error");
    json_out_key_str(&out, "title", http_status_title(fault->status));
    json_out_key_uint(&out, "status", fault->status);
    json_out_key_str(&out, "detail", fault->detail);
    if (fault->field[0] != '\0')
        json_out_key_str(&out, "field", fault->field);
    json_out_close(&out, '}');
    if (json_out_end(&out) == 0)
        (void)websocket_send(session->socket, (struct slice){buf_text(&text), text.len}); /* closed either way */
    close_with(session, close_status(fault->status), http_status_title(fault->status));
}

static void refuse_memory(struct session *session)
{
    struct fault fault;

    (void)fault_set(&fault, 503, NULL, "the server is out of memory");
    refuse(session, &fault);
}

/* ---- What the run says ---- */

static int emit(void *arg, const char *type, struct slice json)
{
    const struct session *session = arg;

    (void)type;
    return websocket_send(session->socket, json);
}

static void on_stage(void *arg, enum stage stage)
{
    struct session *session = arg;

    if (session->socket != NULL && events_on_stage(&session->events, stage) < 0)
        refuse_memory(session);
}

static void on_output(void *arg, enum stage stage, int stream, const char *bytes, size_t len)
{
    struct session *session = arg;

    if (session->socket == NULL)
        return;
    if (events_on_output(&session->events, stage, stream, bytes, len) < 0) {
        refuse_memory(session);
    } else if (!session->output_paused && websocket_is_full(session->socket)) {
        session->output_paused = true;
        run_pause_output(session->run, true);
    }
}

static void on_room(void *arg)
{
    struct session *session = arg;

    if (session->run == NULL || !session->output_paused)
        return;
    session->output_paused = false;
    run_pause_output(session->run, false);
}

static void on_stdin_room(void *arg)
{
    const struct session *session = arg;

    if (session->socket != NULL)
        websocket_pause(session->socket, false);
}

static void send_result(struct session *session, const struct result *result)
{
    CLEANUP(buf_done) struct buf text;
    int r = events_end(&session->events);

    buf_init(&text, RESULT_BYTES_MAX);
    if (r == 0)
        r = v1_run_write(&text, "result", session->id, session->language, result, session->base64);
    if (r == 0)
        r = websocket_send(session->socket, (struct slice){buf_text(&text), text.len});
    if (r < 0)
        refuse_memory(session);
    else if (result->status == STATUS_INTERNAL_ERROR)
        close_with(session, WEBSOCKET_OUR_FAILURE, "the run failed for a reason of ours");
    else if (result->status == STATUS_CANCELLED)
        close_with(session, WEBSOCKET_GOING_AWAY, "the server is stopping");
    else
        close_with(session, WEBSOCKET_DONE, "");
}

static void on_result(void *arg, const struct result *result)
{
    struct session *session = arg;

    session->run = NULL;
    if (result->status == STATUS_INTERNAL_ERROR)
        log_fields(LOG_WARN, (const struct log_field[]){{"job", session->id, 0}, {NULL, NULL, 0}},
                   "a run of %s failed: %s", session->language->id, result->message);
    if (session->socket != NULL)
        send_result(session, result); /* frees */
    else
        free_session(session);
}

/* ---- What the client says: start ---- */

/* {"rows": 24, "columns": 80}, of an object that may have other fields. path: with its '.', or "". */
static int read_size(struct job_terminal *ret, const json_t *object, const char *path, struct fault *fault)
{
    static const char *const names[] = {"rows", "columns"};
    uint16_t values[COUNT_OF(names)];

    for (size_t i = 0; i < COUNT_OF(names); i++) {
        const json_t *value = json_object_get(object, names[i]);
        char at[FIELD_PATH_BYTES];

        (void)snprintf(at, sizeof at, "%s%s", path, names[i]);
        if (!json_is_integer(value) || json_integer_value(value) < 1 || json_integer_value(value) > JOB_MAX_WINDOW)
            return fault_set(fault, 422, at, "%s must be a whole number from 1 to %d", at, JOB_MAX_WINDOW);
        values[i] = (uint16_t)json_integer_value(value);
    }
    *ret = (struct job_terminal){.rows = values[0], .columns = values[1]};
    return 0;
}

static int read_terminal(struct reader *reader, const json_t *value, const char *path)
{
    static const struct field fields[] = {{"rows", field_ignore}, {"columns", field_ignore}};

    if (!json_is_object(value))
        return field_wrong_type(reader, value, path, "an object {rows, columns}, or null");
    if (fields_check_names(reader, value, "terminal.", fields, COUNT_OF(fields)) < 0)
        return -1;
    return read_size(reader->to, value, "terminal.", reader->fault);
}

static int read_request(struct v1_run *ret, const json_t *message, struct fault *fault)
{
    const json_t *request = json_object_get(message, "request");
    const json_t *repl = json_object_get(request, "repl");
    struct v1_run_part part = {.prefix = "request.", .others = {"repl"}, .without_program = json_is_true(repl)};
    struct reader reader = {.fault = fault};

    if (request == NULL)
        return fault_set(fault, 422, "request", "request is missing: what POST /v1/run takes");
    if (!json_is_object(request))
        return field_wrong_type(&reader, request, "request", "an object, as POST /v1/run takes it");
    if (repl != NULL && !json_is_boolean(repl) && !json_is_null(repl))
        return field_wrong_type(&reader, repl, "request.repl", "true or false");
    if (v1_run_read(ret, request, &part, fault) < 0)
        return -1;
    ret->job->repl = part.without_program;
    return 0;
}

/* *ret: the job is owned by the caller. */
static int read_start(struct v1_run *ret, const json_t *message, struct fault *fault)
{
    static const struct field fields[] = {
        {"type", field_ignore}, {"request", field_ignore}, {"terminal", read_terminal}};
    struct job_terminal terminal = {0};
    struct reader reader = {.to = &terminal, .fault = fault};

    if (fields_read(&reader, message, "", fields, COUNT_OF(fields)) < 0 || read_request(ret, message, fault) < 0)
        return -1;
    ret->job->terminal = terminal;
    ret->job->interactive = ret->job->stdin_open = true;
    return 0;
}

static int begin(struct session *session, struct job *job, bool base64, struct fault *fault)
{
    static const struct run_events events = {on_stage, on_output, on_stdin_room, on_result};
    struct api *api = session->api;
    const bool terminal = job->terminal.rows > 0;
    CLEANUP(freep) char *asked = strdup(job->language);

    if (asked == NULL)
        return fault_set(fault, 503, NULL, "the server is out of memory");
    if (api->n_interactive >= api->interactive_max)
        return fault_set(fault, 503, NULL,
                         "%u interactive runs are under way, and no more are allowed; try again later",
                         api->n_interactive);
    if (admit(&session->run, api, &session->caller, job, &events, session, fault) < 0) {
        struct fault of_request = *fault; /* it names a field of what POST /v1/run takes */

        if (fault->field[0] != '\0')
            (void)snprintf(fault->field, sizeof fault->field, "request.%s", of_request.field);
        return -1;
    }
    session->language = languages_find(&api->languages, asked);
    session->terminal = terminal;
    session->base64 = base64;
    session->counted = true;
    api->n_interactive++;
    events_init(&session->events, emit, session, base64);
    websocket_set_message_max(session->socket, MESSAGE_BYTES_MAX);
    return 0;
}

static void start(struct session *session, const json_t *message)
{
    CLEANUP(job_freep) struct job *job = NULL;
    struct v1_run run = {0};
    struct fault fault = {0};
    int r = read_start(&run, message, &fault);

    job = run.job;
    if (r == 0)
        r = begin(session, job, run.base64, &fault);
    if (r < 0)
        refuse(session, &fault);
    else
        (void)TAKE_PTR(job);
}

/* ---- What the client says: the rest ---- */

/* Each: 0, or -1 with the fault set. */
typedef int take_fn(struct session *session, const json_t *message, struct fault *fault);

static int take_bytes(struct session *session, struct slice bytes, struct fault *fault)
{
    if (session->ended && !session->terminal)
        return fault_set(fault, 422, "type", "stdin has ended already, by your \"eof\"");
    if (run_write_stdin(session->run, bytes.at, bytes.len) < 0)
        return fault_set(fault, 503, NULL, "the server is out of memory");
    if (run_stdin_waiting(session->run) > STDIN_WAITING_MAX)
        websocket_pause(session->socket, true); /* until on_stdin_room() */
    return 0;
}

static int take_stdin(struct session *session, const json_t *message, struct fault *fault)
{
    const json_t *data = json_object_get(message, "data");

    if (!json_is_string(data))
        return fault_set(fault, 422, "data", "data must be a string; bytes are sent as a binary message");
    return take_bytes(session, json_in_slice(data), fault);
}

static int take_eof(struct session *session, const json_t *message, struct fault *fault)
{
    (void)message;
    (void)fault;
    session->ended = true;
    run_close_stdin(session->run);
    return 0;
}

static int take_signal(struct session *session, const json_t *message, struct fault *fault)
{
    const json_t *name = json_object_get(message, "signal");
    int signal = json_is_string(name) ? job_signal_by_name(json_string_value(name)) : 0;
    char text[32], list[160] = "";
    size_t used = 0;

    if (signal != 0) {
        run_signal(session->run, signal);
        return 0;
    }
    for (size_t i = 0; job_signals[i] != 0 && used < sizeof list; i++)
        used += (size_t)snprintf(list + used, sizeof list - used, "%s%s", i == 0 ? "" : ", ",
                                 signal_name(job_signals[i], text, sizeof text));
    return fault_set(fault, 422, "signal", "signal must be one of %s", list);
}

static int take_resize(struct session *session, const json_t *message, struct fault *fault)
{
    struct job_terminal size;

    if (!session->terminal)
        return fault_set(fault, 422, "type", "there is no terminal: \"terminal\" of start asks for one");
    if (read_size(&size, message, "", fault) < 0)
        return -1;
    run_resize(session->run, size);
    return 0;
}

static const struct kind {
    const char *type;
    take_fn *take;
    const char *fields[2]; /* besides type */
} kinds[] = {
    {"stdin", take_stdin, {"data"}},
    {"signal", take_signal, {"signal"}},
    {"resize", take_resize, {"rows", "columns"}},
    {"eof", take_eof, {NULL}},
};

static const struct kind *find_kind(const char *type)
{
    for (size_t i = 0; type != NULL && i < COUNT_OF(kinds); i++)
        if (strcmp(kinds[i].type, type) == 0)
            return &kinds[i];
    return NULL;
}

static int take(struct session *session, const json_t *message, struct fault *fault)
{
    const struct kind *kind = find_kind(json_string_value(json_object_get(message, "type")));
    struct field fields[1 + COUNT_OF(kinds[0].fields)] = {{"type", field_ignore}};
    struct reader reader = {.fault = fault};
    size_t n = 1;

    if (kind == NULL)
        return fault_set(fault, 422, "type", "type must be \"stdin\", \"signal\", \"resize\" or \"eof\"");
    for (size_t i = 0; i < COUNT_OF(kind->fields) && kind->fields[i] != NULL; i++)
        fields[n++] = (struct field){kind->fields[i], field_ignore};
    if (fields_check_names(&reader, message, "", fields, n) < 0)
        return -1;
    return kind->take(session, message, fault);
}

static void on_text(struct session *session, struct slice text)
{
    CLEANUP(json_decrefp) json_t *message = NULL;
    struct fault fault = {0};
    const char *type;

    if (json_in_object(&message, text, &fault) < 0) {
        refuse(session, &fault);
        return;
    }
    type = json_string_value(json_object_get(message, "type"));
    if (session->language == NULL && type != NULL && strcmp(type, "start") == 0) {
        start(session, message);
    } else if (session->language == NULL) {
        (void)fault_set(&fault, 422, "type", "the first message must be {\"type\": \"start\", \"request\": {...}}");
        refuse(session, &fault);
    } else if (session->run != NULL && take(session, message, &fault) < 0) {
        refuse(session, &fault);
    }
}

static void on_message(void *arg, bool is_text, struct slice bytes)
{
    struct session *session = arg;
    struct fault fault = {0};

    if (is_text) {
        on_text(session, bytes);
    } else if (session->language == NULL) {
        (void)fault_set(&fault, 422, "type", "the first message must be the text {\"type\": \"start\", ...}");
        refuse(session, &fault);
    } else if (session->run != NULL && take_bytes(session, bytes, &fault) < 0) {
        refuse(session, &fault);
    }
}

/* Whoever leaves ends the run. */
static void on_gone(void *arg)
{
    struct session *session = arg;

    session->socket = NULL;
    leave(session);
    if (session->run != NULL)
        run_cancel(session->run);
    else
        free_session(session);
}

void v1_interactive(struct http_request *request, void *arg)
{
    static const struct websocket_events events = {on_message, on_room, on_gone};
    struct session *session;

    if (!http_request_origin_allowed(request)) { /* a browser lets any page connect (RFC 6455, 10.2) */
        http_answer_problem(request, 403, NULL,
                            "pages of %.200s may not use this: the setting allow_origins names those that may",
                            http_request_header(request, "Origin"));
        return;
    }
    session = calloc(1, sizeof *session);
    if (session == NULL) {
        http_answer_problem(request, 503, NULL, "the server is out of memory");
        return;
    }
    session->api = arg;
    session->caller = *caller_of(request);
    events_init(&session->events, emit, session, false);
    api_make_id(session->id);
    http_request_set_note(request, session->id);
    session->socket = websocket_accept(request, &events, session);
    if (session->socket == NULL)
        free_session(session);
}
