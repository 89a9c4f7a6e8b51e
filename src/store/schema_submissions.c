/*
 * Up to version 2 only POST /submit stored anything: Python programs that had exited with 0, and what their terminal
 * showed.
 * As a submission of today each is a request of {language, code}, and stages as POST /v1/run writes them.
 */
#include "store/schema_submissions.h"

#include <errno.h>

#include "base/json_out.h"
#include "base/utf8.h"
#include "base/uuid.h"

enum { JSON_BYTES_MAX = 1 << 30 };

/* What may be large is in tables of its own: a new status then writes one page, and a list reads few. AUTOINCREMENT: a
 * number is never given twice, also when the last one was deleted. */
const char schema_submissions_tables[] =
    "ALTER TABLE submissions RENAME TO old_submissions;"
    "CREATE TABLE submissions ("
    "  number       INTEGER PRIMARY KEY AUTOINCREMENT," /* the order of taking in; submission_id of POST /submit */
    "  id           TEXT    NOT NULL UNIQUE,"           /* UUID of version 7 */
    "  owner        TEXT    NOT NULL,"                  /* whose key it was; '': nobody's */
    "  caller       TEXT    NOT NULL,"                  /* who asked, for the queue's fairness */
    "  language     TEXT    NOT NULL,"
    "  version      TEXT    NOT NULL,"
    "  status       TEXT    NOT NULL," /* queued, running, or a status of results */
    "  message      TEXT    NOT NULL,"
    "  callback_url TEXT    NOT NULL," /* '': none */
    "  attempts     INTEGER NOT NULL," /* how often it was given to the engine */
    "  created_us   INTEGER NOT NULL," /* Unix time, as all *_us */
    "  started_us   INTEGER,"
    "  finished_us  INTEGER"
    ") STRICT;"
    "CREATE INDEX submissions_by_owner ON submissions (owner, id);"
    "CREATE INDEX submissions_by_status ON submissions (owner, status, id);"
    "CREATE INDEX submissions_unfinished ON submissions (number) WHERE finished_us IS NULL;"
    "CREATE INDEX submissions_by_age ON submissions (finished_us) WHERE finished_us IS NOT NULL;"
    "CREATE TABLE submission_requests ("
    "  number INTEGER PRIMARY KEY REFERENCES submissions ON DELETE CASCADE,"
    "  body   BLOB NOT NULL" /* JSON */
    ") STRICT;"
    "CREATE TABLE submission_results ("
    "  number        INTEGER PRIMARY KEY REFERENCES submissions ON DELETE CASCADE,"
    "  files_omitted INTEGER NOT NULL,"
    "  stages        BLOB NOT NULL," /* JSON */
    "  files         BLOB"           /* JSON, where files were to be collected */
    ") STRICT;"
    "CREATE TABLE submission_keys (" /* Idempotency-Key */
    "  owner      TEXT    NOT NULL,"
    "  key        TEXT    NOT NULL,"
    "  hash       BLOB    NOT NULL," /* SHA-256 of the request */
    "  first      INTEGER NOT NULL," /* number of the first submission, */
    "  n          INTEGER NOT NULL," /* and how many */
    "  created_us INTEGER NOT NULL,"
    "  PRIMARY KEY (owner, key)"
    ") STRICT, WITHOUT ROWID;"
    "CREATE INDEX submission_keys_by_age ON submission_keys (created_us);";

struct old {
    int64_t number, created_us, time_us, exit_code, memory_bytes;
    struct slice language, code, output;
};

static int write_request(struct buf *to, const struct old *old, bool base64)
{
    struct json_out out = json_out_to(to);

    json_out_open(&out, '{');
    json_out_key_text(&out, "language", old->language);
    json_out_key_text(&out, "code", old->code);
    if (base64) /* for the output, which else would not come out as it was */
        json_out_key_str(&out, "output_encoding", "base64");
    json_out_close(&out, '}');
    return json_out_end(&out);
}

static int write_stages(struct buf *to, const struct old *old, bool base64)
{
    struct json_out out = json_out_to(to);

    json_out_open(&out, '{');
    json_out_key_str(&out, "compile", NULL);
    json_out_key(&out, "run");
    json_out_open(&out, '{');
    json_out_key_str(&out, "status", "ok");
    json_out_key(&out, "exit_code");
    json_out_int(&out, old->exit_code);
    json_out_key_str(&out, "signal", NULL);
    json_out_key(&out, "stdout");
    if (base64)
        json_out_base64(&out, old->output);
    else
        json_out_text(&out, old->output);
    json_out_key_str(&out, "stderr", "");
    json_out_key(&out, "truncated");
    json_out_raw(&out, slice_from("{\"stdout\":false,\"stderr\":false}"));
    json_out_key(&out, "binary");
    json_out_bool(&out, base64);
    json_out_key(&out, "wall_ms");
    json_out_thousandths(&out, (uint64_t)old->time_us);
    json_out_key(&out, "cpu_ms"); /* was not kept */
    json_out_thousandths(&out, 0);
    json_out_key_uint(&out, "memory_bytes", (uint64_t)old->memory_bytes);
    json_out_close(&out, '}');
    json_out_close(&out, '}');
    return json_out_end(&out);
}

static int insert(struct sql *db, const struct old *old, const struct buf *request, const struct buf *stages,
                  struct err *err)
{
    const struct slice request_text = {buf_text(request), request->len},
                       stages_text = {buf_text(stages), stages->len};
    const struct sql_value number = SQL_INT(old->number);
    char id[UUID_BYTES];
    int r;

    uuid_make_at(id, old->created_us);
    r = sql_run(db, "INSERT INTO submissions VALUES (?1, ?2, '', '', ?3, '', 'ok', '', '', 1, ?4, ?4, ?4 + ?5)",
                SQL_VALUES(number, SQL_TEXT(id), ((struct sql_value){.type = SQL_TYPE_TEXT, .bytes = old->language}),
                           SQL_INT(old->created_us), SQL_INT(old->time_us)),
                err);
    if (r == 0)
        r = sql_run(db, "INSERT INTO submission_requests VALUES (?1, ?2)", SQL_VALUES(number, SQL_BLOB(request_text)),
                    err);
    if (r == 0)
        r = sql_run(db, "INSERT INTO submission_results VALUES (?1, 0, ?2, NULL)",
                    SQL_VALUES(number, SQL_BLOB(stages_text)), err);
    return r;
}

static int move_one(struct sql *db, const struct sql_rows *row, struct err *err)
{
    const struct old old = {.number = sql_int(row, 0),
                            .created_us = sql_int(row, 1),
                            .language = sql_bytes(row, 2),
                            .code = sql_bytes(row, 3),
                            .output = sql_bytes(row, 4),
                            .exit_code = sql_int(row, 5),
                            .time_us = sql_int(row, 6),
                            .memory_bytes = sql_int(row, 7)};
    const bool base64 = !utf8_valid(old.output.at, old.output.len);
    CLEANUP(buf_done) struct buf request;
    CLEANUP(buf_done) struct buf stages;

    buf_init(&request, JSON_BYTES_MAX);
    buf_init(&stages, JSON_BYTES_MAX);
    if (write_request(&request, &old, base64) < 0 || write_stages(&stages, &old, base64) < 0)
        return err_set(err, -ENOMEM, "submission %lld", (long long)old.number);
    return insert(db, &old, &request, &stages, err);
}

int schema_submissions_move(struct sql *db, struct err *err)
{
    CLEANUP(sql_rows_done) struct sql_rows rows = {0};
    int r =
        sql_ask(&rows, db,
                "SELECT id, created_us, language, code, output, exit_code, time_us, memory_bytes FROM old_submissions"
                " ORDER BY id",
                SQL_NO_VALUES, err);

    while (r == 0 && (r = sql_next(&rows, err)) == 1)
        r = move_one(db, &rows, err);
    sql_rows_done(&rows); /* a table that is being read can't be dropped */
    return r < 0 ? r : sql_script(db, "DROP TABLE old_submissions", err);
}
