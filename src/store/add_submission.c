/* store_add_submission() */
#include <errno.h>
#include <time.h>

#include "store/op.h"
#include "store/submissions.h"

struct add {
    struct store_op op;
    store_on_added *on_added;
    void *arg;      /* borrowed */
    char *language; /* owned, as code and output */
    char *code, *output;
    size_t code_len, output_len;
    int exit_code;
    uint64_t time_us, memory_bytes;
    int64_t created_us;
    int64_t id; /* set by run() */
};

static int run(struct store_op *op, struct sql *db, struct err *err)
{
    struct add *add = (struct add *)(void *)op;
    const struct slice code = {add->code, add->code_len}, output = {add->output, add->output_len};
    int r = sql_run(db,
                    "INSERT INTO submissions (created_us, language, code, output, exit_code, time_us, memory_bytes)"
                    " VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7)",
                    SQL_VALUES(SQL_INT(add->created_us), SQL_TEXT(add->language), SQL_BLOB(code), SQL_BLOB(output),
                               SQL_INT(add->exit_code), SQL_INT(add->time_us), SQL_INT(add->memory_bytes)),
                    err);

    add->id = sql_last_id(db);
    return r < 0 ? err_wrap(err, r, "submission") : 0;
}

static void done(struct store_op *op, int r, const struct err *err)
{
    struct add *add = (struct add *)(void *)op;

    add->on_added(add->arg, r < 0 ? r : add->id, err);
}

static void add_free(struct store_op *op)
{
    struct add *add = (struct add *)(void *)op;

    free(add->language);
    free(add->code);
    free(add->output);
    free(add);
}

static char *copy_bytes(struct slice bytes)
{
    char *copy = malloc(bytes.len + 1);

    if (copy != NULL && bytes.len > 0)
        memcpy(copy, bytes.at, bytes.len);
    return copy;
}

static int64_t unix_us(void)
{
    struct timespec now;

    (void)clock_gettime(CLOCK_REALTIME, &now);
    return (int64_t)now.tv_sec * 1000000 + now.tv_nsec / 1000;
}

int store_add_submission(struct store *store, const struct store_submission *submission,
                         store_on_added *on_added, void *arg, struct err *err)
{
    struct add *add = malloc(sizeof *add);

    if (add == NULL)
        return err_set(err, -ENOMEM, "submission");
    *add = (struct add){.op = {.run = run,
                               .done = done,
                               .free = add_free,
                               .bytes = sizeof *add + submission->code.len + submission->output.len},
                        .on_added = on_added,
                        .arg = arg,
                        .language = strdup(submission->language),
                        .code = copy_bytes(submission->code),
                        .output = copy_bytes(submission->output),
                        .code_len = submission->code.len,
                        .output_len = submission->output.len,
                        .exit_code = submission->exit_code,
                        .time_us = submission->time_us,
                        .memory_bytes = submission->memory_bytes,
                        .created_us = unix_us()};
    if (add->language == NULL || add->code == NULL || add->output == NULL) {
        add_free(&add->op);
        return err_set(err, -ENOMEM, "submission");
    }
    return store_submit(store, STORE_WRITER, &add->op);
}
