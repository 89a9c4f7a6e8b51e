/*
 * page_files: the files of the playground, as `vite build` left them, in memory. Read once at start, before glimpsed
 * locks itself in; afterwards a request finds a name in this table or nothing: no path that a stranger sends ever
 * reaches a file system.
 *
 * Taken are regular files with a name of [A-Za-z0-9._-] and a suffix that has a media type, in the folder itself
 * and in assets/, whose names hold a hash of what is in them. NAME.gz is the same file for those who take gzip.
 */
#pragma once

#include "base/buf.h"
#include "base/err.h"

enum {
    PAGE_E_NO_FOLDER = 1,
    PAGE_FILES_MAX = 1024,
    PAGE_FILE_BYTES_MAX = 8 << 20,
    PAGE_ETAG_BYTES = 24,
};

struct page_bytes {
    struct slice bytes; /* owned */
    char etag[PAGE_ETAG_BYTES]; /* with its quotation marks; "" where there are no bytes */
};

struct page_file {
    char *name;       /* owned: "index.html", "assets/page-3kd9x.js" */
    const char *type; /* static; media type */
    struct page_bytes plain, gzip; /* gzip: none where it was not made */
};

/* All zero is a table without files. */
struct page_files {
    struct page_file *at; /* owned */
    size_t n;
};

/* Fills *ret. PAGE_E_NO_FOLDER where dir does not exist (the page was not built); < 0 with *err naming the file. */
MUST_CHECK int page_files_load(struct page_files *ret, const char *dir, struct err *err);
void page_files_done(struct page_files *files);

/* The file that has this name in folder ("" or "assets/"), borrowed; NULL where there is none. */
const struct page_file *page_files_find(const struct page_files *files, const char *folder, struct slice name);
