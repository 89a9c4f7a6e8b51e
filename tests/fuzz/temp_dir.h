/* temp_dir: a folder of this process's own that goes away with it, for targets whose parser works on files. */
#pragma once

#include <fcntl.h>
#include <ftw.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "fuzz.h"

static char temp_dir_path[] = "/tmp/glimpse-fuzz-XXXXXX";

static inline int temp_dir_remove_one(const char *path, const struct stat *st, int type, struct FTW *ftw)
{
    (void)st;
    (void)type;
    (void)ftw;
    return remove(path);
}

static inline void temp_dir_remove(const char *path)
{
    assert(nftw(path, temp_dir_remove_one, 16, FTW_DEPTH | FTW_PHYS) == 0);
}

static inline void temp_dir_at_exit(void)
{
    temp_dir_remove(temp_dir_path);
}

/* Made at the first call. */
static inline const char *temp_dir(void)
{
    static int made;

    if (!made) {
        assert(mkdtemp(temp_dir_path) != NULL);
        assert(atexit(temp_dir_at_exit) == 0);
        made = 1;
    }
    return temp_dir_path;
}
