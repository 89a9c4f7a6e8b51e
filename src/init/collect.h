/* collect: files of /box become records in a memfd. For collect.c (what a compiler made) and bring.c (what a user
 * asked for). Regular files only, no link is followed. */
#pragma once

#include <sys/stat.h>

#include "init/task.h"
#include "model/job.h"

struct collection {
    int memfd; /* owned */
    uint64_t bytes;
    size_t n_files;
    size_t max_bytes, max_files; /* records and all */
};

/* From here on with the program's file system ids. Every other process of the box must be dead. */
MUST_CHECK int collect_begin(struct collection *ret, size_t max_bytes, size_t max_files, struct err *err);
void collect_done(struct collection *collection);
/* *ret is owned by the caller; -1 where there is nothing. */
void collect_end(struct collection *collection, int *ret, uint64_t *ret_bytes);

/* Something right below this folder, for reading; -1 with errno. */
MUST_CHECK int collect_open(int dir_fd, const char *name);
/* Appends a file's record. -EFBIG where it passes a bound: nothing is appended then. */
MUST_CHECK int collect_add(struct collection *to, const char *name, int fd, const struct stat *st, struct err *err);
