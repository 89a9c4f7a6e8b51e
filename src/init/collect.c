/* collect: what a compiler left, read when its processes have ended. Regular files only, no link is followed. */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/openat2.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/sendfile.h>
#include <sys/stat.h>
#include <sys/syscall.h>

#include "base/fd.h"
#include "init/collect.h"

enum { COLLECT_MAX_FILES = 4096 };

int collect_open(int dir_fd, const char *name)
{
    /* O_NONBLOCK: a FIFO must not stop us; it is refused by its type afterwards. */
    struct open_how how = {.flags = O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC,
                           .resolve = RESOLVE_BENEATH | RESOLVE_NO_SYMLINKS | RESOLVE_NO_MAGICLINKS | RESOLVE_NO_XDEV};

    return (int)syscall(SYS_openat2, dir_fd, name, &how, sizeof how);
}

int collect_add(struct collection *to, const char *name, int fd, const struct stat *st, struct err *err)
{
    struct wire_record record = {.kind = WIRE_RECORD_FILE,
                                 .mode = (st->st_mode & S_IXUSR) != 0,
                                 .name_len = (uint32_t)strlen(name),
                                 .data_len = (uint64_t)st->st_size};
    uint64_t size = sizeof record + record.name_len + record.data_len;
    int r;

    if (record.data_len > to->max_bytes || to->bytes + size > to->max_bytes)
        return err_set(err, -EFBIG, "the compiled program has more than %zu bytes", to->max_bytes);
    if (to->n_files == to->max_files)
        return err_set(err, -EFBIG, "the compiled program has more than %zu files", to->max_files);
    r = fd_write_all(to->memfd, &record, sizeof record);
    if (r == 0)
        r = fd_write_all(to->memfd, name, record.name_len);
    for (uint64_t left = record.data_len; r == 0 && left > 0;) {
        ssize_t n = sendfile(to->memfd, fd, NULL, left);

        if (n <= 0)
            r = n < 0 ? -errno : -EIO;
        else
            left -= (uint64_t)n;
    }
    if (r < 0)
        return err_errno(err, r, "collecting '%s'", name);
    to->bytes += size;
    to->n_files++;
    return 0;
}

static int add_folder(struct collection *to, const char *name, int fd, int depth, struct err *err);

static int add_any(struct collection *to, int dir_fd, const char *entry, const char *name, int depth, struct err *err)
{
    CLEANUP(closep) int fd = collect_open(dir_fd, entry);
    struct stat st;

    /* What is not there, or a link, or not readable, is not part of the program. */
    if (fd < 0 || fstat(fd, &st) < 0)
        return 0;
    if (S_ISREG(st.st_mode))
        return collect_add(to, name, fd, &st, err);
    return S_ISDIR(st.st_mode) ? add_folder(to, name, TAKE_FD(fd), depth, err) : 0;
}

/* fd: consumed. Depth is bounded, so that a hostile tree can't exhaust the stack. */
static int add_folder(struct collection *to, const char *name, int fd, int depth, struct err *err)
{
    DIR *dir = fdopendir(fd);
    struct dirent *entry;
    char path[JOB_MAX_NAME_BYTES + 1];
    int r = 0;

    if (dir == NULL) {
        (void)close(fd);
        return err_set(err, -ENOMEM, "a folder");
    }
    if (depth == JOB_MAX_NAME_DEPTH)
        r = err_set(err, -EFBIG, "the compiled program has folders more than %d deep", JOB_MAX_NAME_DEPTH);
    while (r == 0 && (entry = readdir(dir)) != NULL) {
        if (strcmp(entry->d_name, ".") == 0 || strcmp(entry->d_name, "..") == 0)
            continue;
        if ((size_t)snprintf(path, sizeof path, "%s/%s", name, entry->d_name) >= sizeof path)
            r = err_set(err, -EFBIG, "the compiled program has a path of more than %d bytes", JOB_MAX_NAME_BYTES);
        else
            r = add_any(to, dirfd(dir), entry->d_name, path, depth + 1, err);
    }
    (void)closedir(dir);
    return r;
}

int collect_begin(struct collection *ret, size_t max_bytes, size_t max_files, struct err *err)
{
    int r = task_act_as(1000);

    if (r < 0)
        return err_errno(err, r, "file system ids");
    *ret = (struct collection){.memfd = fd_memfd("artifact"), .max_bytes = max_bytes, .max_files = max_files};
    return ret->memfd < 0 ? err_errno(err, -errno, "memfd") : 0;
}

void collect_done(struct collection *collection)
{
    closep(&collection->memfd);
}

void collect_end(struct collection *collection, int *ret, uint64_t *ret_bytes)
{
    *ret = collection->bytes > 0 ? TAKE_FD(collection->memfd) : -1;
    *ret_bytes = collection->bytes;
}

int task_collect(const struct task *task, int *ret, uint64_t *ret_bytes, struct err *err)
{
    CLEANUP(collect_done) struct collection to = {.memfd = -1};
    int r = collect_begin(&to, JOB_MAX_FILES_BYTES, COLLECT_MAX_FILES, err);

    for (size_t i = 0; r == 0 && i < task->n_collect; i++)
        r = add_any(&to, task->box_fd, task->collect[i], task->collect[i], 0, err);
    if (r == 0)
        collect_end(&to, ret, ret_bytes);
    return r;
}
