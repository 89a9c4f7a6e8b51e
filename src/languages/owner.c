/* Who could have written the language files? See languages_check_owner(). */
#include <errno.h>
#include <fts.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "languages/languages.h"

/* Who may write: root, and those who could replace the running executable anyway. */
struct trust {
    uid_t uid;
    gid_t gid; /* 0, the group of root, where the executable's group can't write it */
};

static bool others_can_write(const struct stat *st, const struct trust *trust)
{
    if ((st->st_mode & S_IWOTH) != 0)
        return true;
    return (st->st_mode & S_IWGRP) != 0 && st->st_gid != 0 && st->st_gid != trust->gid;
}

static int check_one(const char *path, const struct stat *st, const struct trust *trust, bool above, struct err *err)
{
    if (S_ISLNK(st->st_mode))
        return err_set(err, -EPERM, "%s is a symbolic link: put the file itself there", path);
    if (st->st_uid != 0 && st->st_uid != trust->uid)
        return err_set(err, -EPERM, "%s belongs to uid %u, who could change what boxes see: chown it to root", path,
                       (unsigned)st->st_uid);
    /* In a sticky folder nobody can rename or replace what is another's. */
    if (others_can_write(st, trust) && !(above && S_ISDIR(st->st_mode) && (st->st_mode & S_ISVTX)))
        return err_set(err, -EPERM, "%s can be written by others than its owner: chmod go-w it", path);
    return 0;
}

/* The folders above: who may rename one may put another in its place. path is scratch. */
static int check_above(char *path, const struct trust *trust, struct err *err)
{
    struct stat st;

    for (char *slash = strrchr(path, '/'); slash != NULL; slash = strrchr(path, '/')) {
        const char *at = slash == path ? "/" : path;
        int r;

        *slash = '\0';
        if (lstat(at, &st) < 0)
            return err_errno(err, -errno, "%s", at);
        r = check_one(at, &st, trust, true, err);
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

static int check_below(char *path, const struct trust *trust, struct err *err)
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
            r = check_one(entry->fts_path, entry->fts_statp, trust, false, err);
        if (r < 0)
            return r;
    }
    return errno == 0 ? 0 : err_errno(err, -errno, "%s", path);
}

int languages_check_owner(const char *dir, struct err *err)
{
    CLEANUP(freep) char *path = realpath(dir, NULL);
    struct trust trust;
    struct stat exe;
    int r;

    if (path == NULL)
        return err_errno(err, -errno, "%s", dir);
    if (stat("/proc/self/exe", &exe) < 0)
        return err_errno(err, -errno, "/proc/self/exe");
    trust = (struct trust){.uid = exe.st_uid, .gid = (exe.st_mode & S_IWGRP) != 0 ? exe.st_gid : 0};
    r = check_below(path, &trust, err);
    return r < 0 ? r : check_above(path, &trust, err);
}
