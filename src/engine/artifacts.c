/* artifacts: a table of chains by key, and one list by last use. */
#include "engine/artifacts.h"

#include <assert.h>
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/queue.h>
#include <unistd.h>

#include "base/fd.h"

enum {
    N_CHAINS = 1024,  /* who finds sources that fall into one chain makes a walk longer that n_max bounds */
    SHARE_OF_ONE = 4, /* no artifact may take more than a quarter of all bytes */
    PIECE_BYTES = 65536,
    PAGE_BYTES = 4096, /* what a memfd's size is rounded up to */
};

struct entry {
    LIST_ENTRY(entry) chain;
    TAILQ_ENTRY(entry) use;
    struct artifact_key key;
    int fd; /* owned */
    uint64_t bytes;
    size_t out_len[2];
    char out[]; /* stdout, then stderr */
};

LIST_HEAD(entry_chain, entry);
TAILQ_HEAD(entry_list, entry);

struct artifacts {
    uint64_t bytes, bytes_max;
    uint32_t n, n_max;
    uint64_t hits, misses;
    struct entry_list by_use; /* the last used one first */
    struct entry_chain chains[N_CHAINS];
};

static struct entry_chain *chain_of(struct artifacts *artifacts, const struct artifact_key *key)
{
    uint32_t hash;

    memcpy(&hash, key->bytes, sizeof hash);
    return &artifacts->chains[hash % N_CHAINS];
}

static struct entry *find(struct artifacts *artifacts, const struct artifact_key *key)
{
    struct entry *entry;

    LIST_FOREACH(entry, chain_of(artifacts, key), chain)
        if (memcmp(&entry->key, key, sizeof *key) == 0)
            return entry;
    return NULL;
}

static uint64_t cost(uint64_t bytes, const size_t *out_len)
{
    return (bytes + PAGE_BYTES - 1) / PAGE_BYTES * PAGE_BYTES + out_len[0] + out_len[1] + sizeof(struct entry);
}

static void drop(struct artifacts *artifacts, struct entry *entry)
{
    LIST_REMOVE(entry, chain);
    TAILQ_REMOVE(&artifacts->by_use, entry, use);
    artifacts->bytes -= cost(entry->bytes, entry->out_len);
    artifacts->n--;
    closep(&entry->fd);
    free(entry);
}

int artifacts_new(struct artifacts **ret, uint64_t bytes_max, uint32_t n_max, struct err *err)
{
    struct artifacts *artifacts = calloc(1, sizeof *artifacts);

    assert(n_max > 0);
    if (artifacts == NULL)
        return err_set(err, -ENOMEM, "the cache of compiled programs");
    artifacts->bytes_max = bytes_max;
    artifacts->n_max = n_max;
    TAILQ_INIT(&artifacts->by_use);
    *ret = artifacts;
    return 0;
}

void artifacts_clear(struct artifacts *artifacts)
{
    while (artifacts != NULL && !TAILQ_EMPTY(&artifacts->by_use))
        drop(artifacts, TAILQ_FIRST(&artifacts->by_use));
}

void artifacts_free(struct artifacts *artifacts)
{
    artifacts_clear(artifacts);
    free(artifacts);
}

bool artifacts_find(struct artifact *ret, struct artifacts *artifacts, const struct artifact_key *key)
{
    struct entry *entry = find(artifacts, key);

    if (entry == NULL) {
        artifacts->misses++;
        return false;
    }
    artifacts->hits++;
    TAILQ_REMOVE(&artifacts->by_use, entry, use);
    TAILQ_INSERT_HEAD(&artifacts->by_use, entry, use);
    *ret = (struct artifact){.fd = entry->fd,
                             .bytes = entry->bytes,
                             .out = {{entry->out, entry->out_len[0]},
                                     {entry->out + entry->out_len[0], entry->out_len[1]}}};
    return true;
}

void artifacts_read_figures(struct artifacts_figures *ret, const struct artifacts *artifacts)
{
    *ret = (struct artifacts_figures){0};
    if (artifacts != NULL)
        *ret = (struct artifacts_figures){.hits = artifacts->hits,
                                          .misses = artifacts->misses,
                                          .entries = artifacts->n,
                                          .bytes = artifacts->bytes,
                                          .bytes_max = artifacts->bytes_max};
}

static int copy_bytes(int to, int from, uint64_t bytes)
{
    CLEANUP(freep) char *piece = malloc(PIECE_BYTES);
    uint64_t at = 0;

    if (piece == NULL)
        return -ENOMEM;
    while (at < bytes) {
        uint64_t left = bytes - at;
        ssize_t n = pread(from, piece, left < PIECE_BYTES ? left : PIECE_BYTES, (off_t)at);
        int r;

        if (n < 0 && errno == EINTR)
            continue;
        if (n <= 0)
            return n < 0 ? -errno : -EIO;
        r = fd_write_all(to, piece, (size_t)n);
        if (r < 0)
            return r;
        at += (uint64_t)n;
    }
    return 0;
}

/* The same bytes in a memfd of ours, which nobody can change any more, whoever gets it; -1 where that can't be had. */
static int copy_sealed(int from, uint64_t bytes)
{
    CLEANUP(closep) int fd = fd_memfd("glimpse-artifact");

    if (fd < 0 || copy_bytes(fd, from, bytes) < 0 ||
        fcntl(fd, F_ADD_SEALS, F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_WRITE | F_SEAL_SEAL) < 0)
        return -1;
    return TAKE_FD(fd);
}

void artifacts_keep(struct artifacts *artifacts, const struct artifact_key *key, const struct artifact *artifact)
{
    const size_t out_len[2] = {artifact->out[0].len, artifact->out[1].len};
    const uint64_t needed = cost(artifact->bytes, out_len);
    struct entry *entry;

    if (artifact->bytes > ARTIFACT_KEPT_BYTES_MAX || needed > artifacts->bytes_max / SHARE_OF_ONE ||
        find(artifacts, key) != NULL)
        return;
    entry = malloc(sizeof *entry + out_len[0] + out_len[1]);
    if (entry == NULL)
        return;
    *entry = (struct entry){.key = *key, .fd = copy_sealed(artifact->fd, artifact->bytes), .bytes = artifact->bytes};
    if (entry->fd < 0) {
        free(entry);
        return;
    }
    for (size_t i = 0, at = 0; i < 2; at += out_len[i++]) {
        entry->out_len[i] = out_len[i];
        if (out_len[i] > 0)
            memcpy(entry->out + at, artifact->out[i].at, out_len[i]);
    }
    while (artifacts->n == artifacts->n_max || artifacts->bytes > artifacts->bytes_max - needed)
        drop(artifacts, TAILQ_LAST(&artifacts->by_use, entry_list));
    LIST_INSERT_HEAD(chain_of(artifacts, key), entry, chain);
    TAILQ_INSERT_HEAD(&artifacts->by_use, entry, use);
    artifacts->bytes += needed;
    artifacts->n++;
}
