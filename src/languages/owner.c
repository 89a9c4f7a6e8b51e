/* Who could have written the language files? See languages_check_owner(). */
#include <errno.h>
#include <fts.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "languages/languages.h"

static int check_one(const char *path, const struct stat *st, uid_t trusted, bool above, struct err *err)
{
    bool shared = (st->st_mode & (S_IWGRP | S_IWOTH)) != 0;

    if (S_ISLNK(st->st_mode))
        return err_set(err, -EPERM, "%s is a symbolic link: put the file itself there", path);
    if (st->st_uid != 0 && st->st_uid != trusted)
        return err_set(err, -EPERM, "%s belongs to uid %u, who could change what boxes see: chown it to root", path,
                       (unsigned)st->st_uid);
    /* In a sticky folder nobody can rename or replace what is another's. */
    if (shared && !(above && S_ISDIR(st->st_mode) && (st->st_mode & S_ISVTX)))
        return err_set(err, -EPERM, "%s can be written by its group or by all: chmod go-w it", path);
    return 0;
}

/* The folders above: who may rename one may put another in its place. path is scratch. */
static int check_above(char *path, uid_t trusted, struct err *err)
{
    struct stat st;

    for (char *slash = strrchr(path, '/'); slash != NULL; slash = strrchr(path, '/')) {
        const char *at = slash == path ? "/" : path;
        int r;

        *slash = '\0';
        if (lstat(at, &st) < 0)
            return err_errno(err, -errno, "%s", at);
        r = check_one(at, &st, trusted, true, err);
        if (r < 0)
            return r;
    }
    return 0;
}

static void fts_closep(FTS **fts)
{
    if (*fts != NULL)
        (void)fts_close(*fts);
}

static int check_below(char *path, uid_t trusted, struct err *err)
{
    char *roots[] = {path, NULL};
    CLEANUP(fts_closep) FTS *fts = fts_open(roots, FTS_PHYSICAL | FTS_NOCHDIR, NULL);
    const FTSENT *entry;

    if (fts == NULL)
        return err_errno(err, -errno, "%s", path);
    while (errno = 0, (entry = fts_read(fts)) != NULL) {
        int r = 0;

        if (entry->fts_info == FTS_DNR || entry->fts_info == FTS_ERR || entry->fts_info == FTS_NS)
            return err_errno(err, -entry->fts_errno, "%s", entry->fts_path);
        if (entry->fts_info != FTS_DP)
            r = check_one(entry->fts_path, entry->fts_statp, trusted, false, err);
        if (r < 0)
            return r;
    }
    return errno == 0 ? 0 : err_errno(err, -errno, "%s", path);
}

int languages_check_owner(const char *dir, struct err *err)
{
    CLEANUP(freep) char *path = realpath(dir, NULL);
    struct stat exe;
    int r;

    if (path == NULL)
        return err_errno(err, -errno, "%s", dir);
    if (stat("/proc/self/exe", &exe) < 0)
        return err_errno(err, -errno, "/proc/self/exe");
    r = check_below(path, exe.st_uid, err);
    return r < 0 ? r : check_above(path, exe.st_uid, err);
}
