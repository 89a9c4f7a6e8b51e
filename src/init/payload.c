/* payload: what the engine sends with a job. Every record is checked; an artifact comes from another box. */
#include <errno.h>
#include <fcntl.h>
#include <linux/openat2.h>
#include <signal.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <sys/fsuid.h>
#include <sys/prctl.h>
#include <sys/sendfile.h>
#include <sys/stat.h>
#include <sys/syscall.h>

#include "base/fd.h"
#include "init/task.h"
#include "model/job.h"

void task_init(struct task *task, const struct wire_job *job, const int *fds, size_t n_fds)
{
    memset(task, 0, sizeof *task);
    task->job = *job;
    memcpy(task->stdio, fds, sizeof task->stdio);
    task->blobs[0] = fds[3];
    task->blobs[1] = n_fds > 4 ? fds[4] : -1;
    task->box_fd = -1;
}

void task_close_stdio(struct task *task)
{
    for (int i = 0; i < 3; i++)
        closep(&task->stdio[i]);
}

int task_act_as(uid_t uid)
{
    int r;

    /* setfsuid(2) reports the previous id and no errors: a second call with an id that is never valid reads it back. */
    (void)setfsgid((gid_t)uid);
    (void)setfsuid(uid);
    r = (uid_t)setfsuid((uid_t)-1) == uid && (gid_t)setfsgid((gid_t)-1) == (gid_t)uid ? 0 : -EPERM;
    /* Any change of these ids clears the parent-death signal (commit_creds()): set again. The leash covers the
     * moment between. */
    return r == 0 && prctl(PR_SET_PDEATHSIG, SIGKILL) < 0 ? -errno : r;
}

/* Below /box and nothing else: relative, no empty part, no "." or "..". */
static bool path_is_inside(const char *path)
{
    for (const char *part = path;; part++) {
        size_t len = strcspn(part, "/");

        if (len == 0 || (len == 1 && part[0] == '.') || (len == 2 && part[0] == '.' && part[1] == '.'))
            return false;
        part += len;
        if (*part == '\0')
            return true;
    }
}

static int make_parents(int box_fd, char *path)
{
    for (char *slash = strchr(path, '/'); slash != NULL; slash = strchr(slash + 1, '/')) {
        int r;

        *slash = '\0';
        r = mkdirat(box_fd, path, 0755) < 0 && errno != EEXIST ? -errno : 0;
        *slash = '/';
        if (r < 0)
            return r;
    }
    return 0;
}

static int make_folder(int box_fd, char *path, struct err *err)
{
    if (!path_is_inside(path))
        return err_set(err, -EBADMSG, "'%s' is not below the box", path);
    if (make_parents(box_fd, path) < 0 || (mkdirat(box_fd, path, 0755) < 0 && errno != EEXIST))
        return err_errno(err, -errno, "folder '%s'", path);
    return 0;
}

/* A memfd with a place in it that is ours alone: several boxes may read one artifact at the same time. */
struct blob {
    int fd;
    off_t at;
    char head[16384]; /* what it begins with: of most payloads, all */
    ssize_t head_len;
};

static int read_blob(struct blob *blob, void *bytes, size_t len)
{
    ssize_t n;

    if (blob->at + (off_t)len <= blob->head_len) {
        memcpy(bytes, blob->head + blob->at, len);
        blob->at += (off_t)len;
        return 0;
    }
    n = pread(blob->fd, bytes, len, blob->at); /* of a memfd: whole, or cut by its end */
    if (n != (ssize_t)len)
        return n < 0 ? -errno : -EBADMSG;
    blob->at += n;
    return 0;
}

static int write_file(int box_fd, char *path, bool executable, struct blob *blob, uint64_t len, struct err *err)
{
    struct open_how how = {.flags = O_WRONLY | O_CREAT | O_TRUNC | O_NOFOLLOW | O_CLOEXEC,
                           .mode = executable ? 0755 : 0644,
                           .resolve = RESOLVE_BENEATH | RESOLVE_NO_SYMLINKS | RESOLVE_NO_MAGICLINKS};
    CLEANUP(closep) int fd = -1;
    int r;

    if (!path_is_inside(path))
        return err_set(err, -EBADMSG, "'%s' is not below the box", path);
    r = make_parents(box_fd, path);
    if (r < 0)
        return err_errno(err, r, "a folder of '%s'", path);
    fd = (int)syscall(SYS_openat2, box_fd, path, &how, sizeof how);
    if (fd < 0)
        return err_errno(err, -errno, "creating '%s'", path);
    while (len > 0) {
        ssize_t n = sendfile(fd, blob->fd, &blob->at, len > (1u << 30) ? 1u << 30 : (size_t)len);

        if (n < 0 && errno == EINTR)
            continue;
        if (n <= 0)
            return err_errno(err, n < 0 ? -errno : -EBADMSG, "writing '%s'", path);
        len -= (uint64_t)n;
    }
    return 0;
}

/* The record's data as a string of its own; NUL inside is refused, it would cut the word. */
static int take_word(char **list, size_t *n, size_t max, struct blob *blob, uint64_t len, struct err *err)
{
    CLEANUP(freep) char *word = NULL;

    if (*n == max)
        return err_set(err, -E2BIG, "more than %zu words", max);
    word = malloc(len + 1);
    if (word == NULL)
        return err_set(err, -ENOMEM, "a word");
    if (read_blob(blob, word, len) < 0 || memchr(word, '\0', len) != NULL)
        return err_set(err, -EBADMSG, "a word is cut or holds NUL");
    word[len] = '\0';
    list[(*n)++] = TAKE_PTR(word);
    return 0;
}

static int take_name(char *list[TASK_MAX_COLLECT], size_t *n, const char *name, struct err *err)
{
    if (*n == TASK_MAX_COLLECT)
        return err_set(err, -E2BIG, "too much to bring back");
    if (!path_is_inside(name))
        return err_set(err, -EBADMSG, "'%s' is not below the box", name);
    list[*n] = strdup(name);
    if (list[*n] == NULL)
        return err_set(err, -ENOMEM, "a name");
    (*n)++;
    return 0;
}

static int unpack_record(struct task *task, struct blob *blob, const struct wire_record *record, bool is_artifact,
                         struct err *err)
{
    char name[JOB_MAX_NAME_BYTES + 1];

    if (read_blob(blob, name, record->name_len) < 0 || memchr(name, '\0', record->name_len) != NULL)
        return err_set(err, -EBADMSG, "a name is cut or holds NUL");
    name[record->name_len] = '\0';
    if (record->kind == WIRE_RECORD_FILE)
        return write_file(task->box_fd, name, record->mode == 1, blob, record->data_len, err);
    if (is_artifact)
        return err_set(err, -EBADMSG, "an artifact holds files only");
    if (record->kind == WIRE_RECORD_ARG)
        return take_word(task->argv, &task->n_argv, TASK_MAX_WORDS, blob, record->data_len, err);
    if (record->kind == WIRE_RECORD_ENV)
        return take_word(task->envp, &task->n_envp, TASK_MAX_WORDS, blob, record->data_len, err);
    if (record->kind == WIRE_RECORD_FOLDER)
        return make_folder(task->box_fd, name, err);
    if (record->kind == WIRE_RECORD_BRING)
        return take_name(task->bring, &task->n_bring, name, err);
    /* gcc and the like make files, not the folder to put them into. */
    if (!path_is_inside(name) || make_parents(task->box_fd, name) < 0)
        return err_set(err, -EBADMSG, "no folder for '%s'", name);
    return take_name(task->collect, &task->n_collect, name, err);
}

static int unpack_blob(struct task *task, int fd, uint64_t left, bool is_artifact, struct err *err)
{
    static struct blob blob; /* large: not on the stack */
    struct stat st;

    blob.fd = fd;
    blob.at = 0;
    blob.head_len = pread(fd, blob.head, sizeof blob.head, 0);

    if (fstat(fd, &st) < 0 || !S_ISREG(st.st_mode) || (uint64_t)st.st_size < left)
        return err_set(err, -EBADMSG, "shorter than the message says");
    while (left > 0) {
        struct wire_record record;
        int64_t size;
        int r;

        if (left < sizeof record || read_blob(&blob, &record, sizeof record) < 0)
            return err_set(err, -EBADMSG, "a record is cut");
        size = wire_record_check(&record, left, err);
        if (size < 0)
            return (int)size;
        r = unpack_record(task, &blob, &record, is_artifact, err);
        if (r < 0)
            return r;
        left -= (uint64_t)size;
    }
    return 0;
}

int task_unpack(struct task *task, struct err *err)
{
    int r = task_act_as(1000);

    if (r < 0)
        return err_errno(err, r, "file system ids");
    task->box_fd = open("/box", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (task->box_fd < 0)
        return err_errno(err, -errno, "/box");
    r = unpack_blob(task, task->blobs[0], task->job.payload_bytes, false, err);
    if (r < 0)
        return err_wrap(err, r, "payload");
    if (task->blobs[1] >= 0) {
        r = unpack_blob(task, task->blobs[1], task->job.artifact_bytes, true, err);
        if (r < 0)
            return err_wrap(err, r, "artifact");
    }
    closep(&task->blobs[1]); /* an interpreter that was forked into the box reads the payload too */
    if (task->n_argv == 0)
        return err_set(err, -EBADMSG, "payload: no command");
    r = task_act_as(0);
    return r < 0 ? err_errno(err, r, "file system ids") : 0;
}
