#include "cli/serve_dirs.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

/* mkdir -p; folders on the way get 0755. */
static int make_path(const char *path, struct err *err)
{
    CLEANUP(freep) char *copy = strdup(path);

    if (copy == NULL)
        return err_set(err, -ENOMEM, "out of memory");
    for (char *at = copy + 1; *at != '\0'; at++) {
        if (*at != '/')
            continue;
        *at = '\0';
        if (mkdir(copy, 0755) < 0 && errno != EEXIST)
            return err_errno(err, -errno, "mkdir %s", copy);
        *at = '/';
    }
    if (mkdir(copy, 0700) < 0 && errno != EEXIST)
        return err_errno(err, -errno, "mkdir %s", copy);
    return 0;
}

static bool is_empty(int dir_fd)
{
    int copy = fcntl(dir_fd, F_DUPFD_CLOEXEC, 0);
    DIR *dir = copy < 0 ? NULL : fdopendir(copy);
    const struct dirent *entry;
    size_t n = 0;

    if (dir == NULL) {
        closep(&copy);
        return false;
    }
    while ((entry = readdir(dir)) != NULL)
        n += strcmp(entry->d_name, ".") != 0 && strcmp(entry->d_name, "..") != 0;
    (void)closedir(dir);
    return n == 0;
}

/* By descriptor: what is checked is what is changed. */
static int make_dir(const char *path, gid_t group, mode_t mode, struct err *err)
{
    CLEANUP(closep) int fd = -1;
    struct stat st;
    int r = make_path(path, err);

    if (r < 0)
        return r;
    fd = open(path, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
    if (fd < 0 || fstat(fd, &st) < 0)
        return err_errno(err, -errno, "%s", path);
    if (st.st_uid == 0 && st.st_gid == group && (st.st_mode & 07777) == mode)
        return 0;
    if (!is_empty(fd))
        return err_set(
            err, -EPERM,
            "%s has files in it and is not set up for Glimpse: name an empty or new folder, or "
            "`chown root:%u %s && chmod %o %s`",
            path, (unsigned)group, path, (unsigned)mode, path);
    if (fchown(fd, 0, group) < 0 || fchmod(fd, mode) < 0)
        return err_errno(err, -errno, "owner and mode of %s", path);
    return 0;
}

int serve_make_dirs(const struct config *config, gid_t group, struct err *err)
{
    int r = make_dir(config->data_dir, group, 01770, err);

    return r < 0 ? r : make_dir(config->run_dir, group, 0750, err);
}
