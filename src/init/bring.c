/* bring: the files that a program has left and that its user asked for, by patterns. */
#include <dirent.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/fd.h"
#include "base/glob.h"
#include "init/collect.h"

struct search {
    struct collection to;
    char path[JOB_MAX_NAME_BYTES + 1]; /* of the folder that is being looked at, with its '/', or of what is in it */
    char *found[JOB_MAX_BROUGHT_FILES]; /* each owned: two patterns may match one file */
    uint32_t n_omitted;
};

static bool was_found(const struct search *search)
{
    for (size_t i = 0; i < search->to.n_files; i++)
        if (strcmp(search->found[i], search->path) == 0)
            return true;
    return false;
}

/* A file that is too large does not keep smaller ones from coming. */
static int bring_file(struct search *search, int fd, const struct stat *st, struct err *err)
{
    char *name;
    int r;

    if (was_found(search))
        return 0;
    name = strdup(search->path);
    if (name == NULL)
        return err_set(err, -ENOMEM, "a name");
    r = collect_add(&search->to, name, fd, st, err);
    if (r == 0)
        search->found[search->to.n_files - 1] = name;
    else
        free(name);
    if (r != -EFBIG)
        return r;
    search->n_omitted++;
    return 0;
}

static int look_into(struct search *search, int fd, size_t path_len, const char *pattern, struct err *err);

/* name: in the folder dir_fd, and matches the pattern's first part; rest: of the pattern, or NULL. */
static int look_at(struct search *search, int dir_fd, size_t path_len, struct slice name, const char *rest,
                   struct err *err)
{
    CLEANUP(closep) int fd = -1;
    struct stat st;

    if (path_len + name.len + 1 >= sizeof search->path) { /* no job could name it either */
        search->n_omitted += rest == NULL;
        return 0;
    }
    memcpy(search->path + path_len, name.at, name.len);
    search->path[path_len + name.len] = '\0';
    fd = collect_open(dir_fd, search->path + path_len);
    if (fd < 0 || fstat(fd, &st) < 0) /* it is not there, or a link */
        return 0;
    if (rest == NULL)
        return S_ISREG(st.st_mode) ? bring_file(search, fd, &st, err) : 0;
    if (!S_ISDIR(st.st_mode))
        return 0;
    search->path[path_len + name.len] = '/';
    return look_into(search, TAKE_FD(fd), path_len + name.len + 1, rest, err);
}

/* fd: consumed. No deeper than the pattern has parts. */
static int look_into(struct search *search, int fd, size_t path_len, const char *pattern, struct err *err)
{
    const struct slice part = {.at = pattern, .len = strcspn(pattern, "/")};
    const char *rest = pattern[part.len] == '/' ? pattern + part.len + 1 : NULL;
    DIR *dir = fdopendir(fd);
    struct dirent *entry;
    int r = 0;

    if (dir == NULL) {
        (void)close(fd);
        return err_set(err, -ENOMEM, "a folder");
    }
    if (!glob_is_pattern(part)) {
        r = look_at(search, dirfd(dir), path_len, part, rest, err);
        (void)closedir(dir);
        return r;
    }
    while (r == 0 && (entry = readdir(dir)) != NULL) {
        const struct slice name = slice_from(entry->d_name);

        if (strcmp(name.at, ".") != 0 && strcmp(name.at, "..") != 0 && glob_match(part, name))
            r = look_at(search, dirfd(dir), path_len, name, rest, err);
    }
    (void)closedir(dir);
    return r;
}

static void search_done(struct search *search)
{
    for (size_t i = 0; i < search->to.n_files; i++)
        free(search->found[i]);
    collect_done(&search->to);
}

int task_bring(const struct task *task, int *ret, uint64_t *ret_bytes, uint32_t *n_omitted, struct err *err)
{
    CLEANUP(search_done) struct search search = {.to.memfd = -1};
    int r = collect_begin(&search.to, JOB_MAX_BROUGHT_BYTES, JOB_MAX_BROUGHT_FILES, err);

    for (size_t i = 0; r == 0 && i < task->n_bring; i++) {
        int fd = collect_open(task->box_fd, ".");

        r = fd < 0 ? err_errno(err, -errno, "/box") : look_into(&search, fd, 0, task->bring[i], err);
    }
    if (r < 0)
        return r;
    collect_end(&search.to, ret, ret_bytes);
    *n_omitted = search.n_omitted;
    return 0;
}
