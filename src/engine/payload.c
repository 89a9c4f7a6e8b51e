#include "engine/payload.h"

#include <errno.h>
#include <string.h>
#include <unistd.h>

#include "base/fd.h"

/* --- Environment ----------------------------------------------------------------------------- */

static int put_env(struct strings *env, const char *pair)
{
    size_t name_len = strcspn(pair, "=") + 1;

    for (size_t i = 0; i < env->n; i++)
        if (strncmp(env->at[i], pair, name_len) == 0) {
            char *copy = strdup(pair);

            if (copy == NULL)
                return -ENOMEM;
            free(env->at[i]);
            env->at[i] = copy;
            return 0;
        }
    return strings_add(env, pair, strlen(pair));
}

static int put_all(struct strings *env, char *const *pairs, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        int r = put_env(env, pairs[i]);

        if (r < 0)
            return r;
    }
    return 0;
}

int payload_env(struct strings *ret, const struct language *language, enum stage stage,
                const struct job *job, const struct limits *limits, struct err *err)
{
    /* A terminal that the user does not see: colours would end up as bytes in the result. */
    static const char *const unseen[] = {"TERM=dumb", "NO_COLOR=1"};
    /* What browsers' and most people's own understand. */
    static const char *const seen[] = {"TERM=xterm-256color"};
    const bool is_seen = stage == STAGE_RUN && job->terminal.rows > 0;
    CLEANUP(strings_done) struct strings own = {0};
    int r = 0;

    for (size_t i = 0; language_common_env[i] != NULL && r == 0; i++)
        r = put_env(ret, language_common_env[i]);
    for (size_t i = 0; job->merged && i < COUNT_OF(unseen) && r == 0; i++)
        r = put_env(ret, unseen[i]);
    for (size_t i = 0; is_seen && i < COUNT_OF(seen) && r == 0; i++)
        r = put_env(ret, seen[i]);
    if (r < 0)
        return err_set(err, r, "out of memory");
    r = language_env(&own, language, stage, job, limits, err);
    if (r < 0)
        return r;
    r = put_all(ret, own.at, own.n);
    if (r == 0 && stage == STAGE_RUN)
        r = put_all(ret, job->env, job->n_env);
    return r < 0 ? err_set(err, r, "out of memory") : 0;
}

/* --- Records --------------------------------------------------------------------------------- */

static int put_out(struct payload *payload, const void *bytes, size_t len)
{
    if (payload->fd >= 0)
        return fd_write_all(payload->fd, bytes, len);
    sha256_update(&payload->hash, len, bytes);
    return 0;
}

static int flush(struct payload *payload)
{
    size_t n = payload->n_gathered;

    payload->n_gathered = 0;
    return put_out(payload, payload->gather, n);
}

static int put_bytes(struct payload *payload, const void *bytes, size_t len)
{
    payload->bytes += len;
    if (len > sizeof payload->gather - payload->n_gathered) {
        int r = flush(payload);

        if (r < 0)
            return r;
    }
    if (len > sizeof payload->gather)
        return put_out(payload, bytes, len);
    if (len > 0)
        memcpy(payload->gather + payload->n_gathered, bytes, len);
    payload->n_gathered += len;
    return 0;
}

static int put_record(struct payload *payload, enum wire_record_kind kind, const char *name,
                      const void *data, size_t data_len)
{
    struct wire_record record = {
        .kind = kind, .name_len = (uint32_t)strlen(name), .data_len = data_len};
    int r = put_bytes(payload, &record, sizeof record);

    if (r == 0)
        r = put_bytes(payload, name, record.name_len);
    return r < 0 ? r : put_bytes(payload, data, data_len);
}

static int put_strings(struct payload *payload, enum wire_record_kind kind,
                       const struct strings *strings)
{
    int r = 0;

    for (size_t i = 0; i < strings->n && r == 0; i++)
        r = kind == WIRE_RECORD_COLLECT
                ? put_record(payload, kind, strings->at[i], NULL, 0)
                : put_record(payload, kind, "", strings->at[i], strlen(strings->at[i]));
    return r;
}

static int put_files(struct payload *payload, const struct job *job)
{
    int r = 0;

    for (size_t i = 0; i < job->n_files && r == 0; i++)
        r = put_record(payload, WIRE_RECORD_FILE, job->files[i].name, job->files[i].data,
                       job->files[i].len);
    return r;
}

/* All records of a stage, to the payload's descriptor or into its hash. */
static int put_stage(struct payload *payload, const struct language *language, enum stage stage,
                     const struct job *job, struct err *err)
{
    const struct limits *limits = &job->limits[stage];
    CLEANUP(strings_done) struct strings command = {0};
    CLEANUP(strings_done) struct strings env = {0};
    int r;

    r = job->repl ? language_repl_command(&command, language, job, limits, err)
                  : language_command(&command, language, stage, job, limits, err);
    if (r < 0)
        return err_wrap(err, r, "command of %s", language->id);
    r = payload_env(&env, language, stage, job, limits, err);
    if (r < 0)
        return err_wrap(err, r, "environment of %s", language->id);
    payload->bytes = 0;
    payload->n_gathered = 0;
    r = put_strings(payload, WIRE_RECORD_ARG, &command);
    if (r == 0)
        r = put_strings(payload, WIRE_RECORD_ENV, &env);
    if (r == 0)
        r = put_files(payload, job);
    if (r == 0 && stage == STAGE_COMPILE)
        r = put_strings(payload, WIRE_RECORD_COLLECT, &language->stages[stage].collect);
    for (size_t i = 0; stage == STAGE_RUN && i < job->n_collect && r == 0; i++)
        r = put_record(payload, WIRE_RECORD_BRING, job->collect[i], NULL, 0);
    if (r == 0)
        r = flush(payload);
    return r < 0 ? err_errno(err, r, "writing the job into memory") : 0;
}

int payload_write(int *ret_fd, uint64_t *ret_bytes, struct payload *payload,
                  const struct language *language, enum stage stage, const struct job *job,
                  struct err *err)
{
    CLEANUP(closep) int fd = fd_memfd("glimpse-job");
    int r;

    if (fd < 0)
        return err_errno(err, -errno, "a memfd for the job");
    payload->fd = fd;
    r = put_stage(payload, language, stage, job, err);
    payload->fd = -1;
    if (r < 0)
        return r;
    *ret_fd = TAKE_FD(fd);
    *ret_bytes = payload->bytes;
    return 0;
}

/* With its NUL, so that two texts in a row can't be read as two others. */
static void hash_text(struct payload *payload, const char *text)
{
    sha256_update(&payload->hash, strlen(text) + 1, (const uint8_t *)text);
}

int payload_key(struct artifact_key *ret, struct payload *payload, const struct language *language,
                const struct job *job, struct err *err)
{
    const uint64_t merged = job->merged;
    int r;

    payload->fd = -1;
    sha256_init(&payload->hash);
    hash_text(payload, language->id);
    hash_text(payload, language->version_text == NULL ? "" : language->version_text);
    sha256_update(&payload->hash, sizeof merged, (const uint8_t *)&merged);
    sha256_update(&payload->hash, sizeof(struct limits), (const uint8_t *)&job->limits[STAGE_COMPILE]);
    r = put_stage(payload, language, STAGE_COMPILE, job, err);
    if (r == 0)
        sha256_digest(&payload->hash, sizeof ret->bytes, ret->bytes);
    return r;
}
