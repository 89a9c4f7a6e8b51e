/* Whether a language is still what it was: by what the kernel says of its files, without reading them. */
#include <errno.h>
#include <fts.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "languages/languages.h"

/* FNV-1a, 64 bits. */
static void mix(uint64_t *hash, const void *bytes, size_t len)
{
    const unsigned char *at = bytes;

    for (size_t i = 0; i < len; i++)
        *hash = (*hash ^ at[i]) * UINT64_C(0x100000001b3);
}

static void mix_file(uint64_t *hash, const char *path, const struct stat *st)
{
    const uint64_t figures[] = {(uint64_t)st->st_size, (uint64_t)st->st_mtim.tv_sec, (uint64_t)st->st_mtim.tv_nsec,
                                (uint64_t)st->st_ino, (uint64_t)st->st_ctim.tv_sec, (uint64_t)st->st_ctim.tv_nsec};

    mix(hash, path, strlen(path) + 1);
    mix(hash, figures, sizeof figures);
}

static int by_name(const FTSENT **a, const FTSENT **b)
{
    return strcmp((*a)->fts_name, (*b)->fts_name);
}

uint64_t language_fingerprint(const char *folder, const struct strings *needs)
{
    char *roots[] = {strdup(folder), NULL};
    FTS *fts = roots[0] == NULL ? NULL : fts_open(roots, FTS_PHYSICAL | FTS_NOCHDIR, by_name);
    uint64_t hash = UINT64_C(0xcbf29ce484222325);
    const FTSENT *entry;
    struct stat st;

    while (fts != NULL && (entry = fts_read(fts)) != NULL)
        if (entry->fts_info == FTS_F)
            mix_file(&hash, entry->fts_path, entry->fts_statp);
    if (fts != NULL)
        (void)fts_close(fts);
    free(roots[0]);
    /* Through links: what an update puts in their place is another file. */
    for (size_t i = 0; i < needs->n; i++)
        if (stat(needs->at[i], &st) == 0)
            mix_file(&hash, needs->at[i], &st);
    return hash;
}
