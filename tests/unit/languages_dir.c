#include "languages_dir.h"

#include <fcntl.h>
#include <ftw.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

void languages_dir_init(struct languages_dir *dir)
{
    (void)snprintf(dir->path, sizeof dir->path, "/tmp/glimpse-languages-XXXXXX");
    assert_non_null(mkdtemp(dir->path));
}

static int remove_one(const char *path, const struct stat *st, int type, struct FTW *ftw)
{
    (void)st;
    (void)type;
    (void)ftw;
    return remove(path);
}

void languages_dir_done(struct languages_dir *dir)
{
    assert_int_equal(nftw(dir->path, remove_one, 8, FTW_DEPTH | FTW_PHYS), 0);
}

void languages_dir_write(const struct languages_dir *dir, const char *name, const char *text)
{
    char path[256];
    int fd, n = snprintf(path, sizeof path, "%s/%s", dir->path, name);

    assert_in_range(n, 1, sizeof path - 1);
    for (char *slash = strchr(path + strlen(dir->path) + 1, '/'); slash != NULL; slash = strchr(slash + 1, '/')) {
        *slash = '\0';
        (void)mkdir(path, 0755);
        *slash = '/';
    }
    fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0644);
    assert_true(fd >= 0);
    assert_int_equal(write(fd, text, strlen(text)), strlen(text));
    assert_int_equal(close(fd), 0);
}
