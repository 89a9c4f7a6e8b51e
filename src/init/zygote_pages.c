/*
 * Which pages a program will write to is learned once, by a scout: a fork of the zygote that rehearses and looks up in
 * /proc/self/pagemap what it has a copy of by then. A worker then gets its copies of the same pages in a few system
 * calls while it waits, instead of by a fault each while it runs, or by rehearsing itself, which takes three times as
 * long. Code is not copied, but a fork does not know where it is, as the kernel can look that up in its file again: the
 * pages of files that the scout has used are looked up ahead as well.
 */
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/fd.h"
#include "init/zygote.h"

#ifndef MADV_POPULATE_WRITE
#define MADV_POPULATE_READ  22 /* Linux 5.14; before, nothing is made ahead */
#define MADV_POPULATE_WRITE 23
#endif

enum { MAX_RANGES = 2048, MAX_MAPPINGS = 512, ENTRIES_AT_ONCE = 512, PATIENCE_S = 10 };

/* pagemap.rst: present, of a file or shared memory, and mapped by nobody else. */
#define PAGE_PRESENT   (UINT64_C(1) << 63)
#define PAGE_SHARED    (UINT64_C(1) << 61)
#define PAGE_EXCLUSIVE (UINT64_C(1) << 56)

struct range {
    uint64_t start, end;
};

struct mapping {
    struct range range;
    bool is_written; /* the process's own copies, or else a file's pages */
};

struct ranges {
    size_t n;
    struct range at[MAX_RANGES];
};

struct pages {
    struct ranges written, read;
};

static struct pages learned;

/* The mappings that it may write to and that are its own, and those of files that it can but read: proc_pid_maps(5). */
static size_t list_mappings(struct mapping *ret)
{
    FILE *file = fopen("/proc/self/maps", "re");
    char line[512], mode[5];
    size_t n = 0;

    while (file != NULL && n < MAX_MAPPINGS && fgets(line, sizeof line, file) != NULL) {
        unsigned long start, end, inode;

        if (sscanf(line, "%lx-%lx %4s %*x %*s %lu", &start, &end, mode, &inode) == 4 && mode[3] == 'p' &&
            (mode[1] == 'w' || (mode[0] == 'r' && inode != 0)))
            ret[n++] = (struct mapping){.range = {start, end}, .is_written = mode[1] == 'w'};
    }
    if (file != NULL)
        (void)fclose(file);
    return n;
}

static void add_page(struct ranges *ranges, uint64_t at, uint64_t size)
{
    if (ranges->n > 0 && ranges->at[ranges->n - 1].end == at)
        ranges->at[ranges->n - 1].end += size;
    else if (ranges->n < MAX_RANGES)
        ranges->at[ranges->n++] = (struct range){at, at + size};
}

static void look_at(struct pages *pages, int pagemap, const struct mapping *mapping)
{
    struct ranges *ranges = mapping->is_written ? &pages->written : &pages->read;
    const uint64_t wanted = PAGE_PRESENT | (mapping->is_written ? PAGE_EXCLUSIVE : PAGE_SHARED);
    const uint64_t looked_at = PAGE_PRESENT | PAGE_SHARED | (mapping->is_written ? PAGE_EXCLUSIVE : 0);
    const uint64_t size = (uint64_t)sysconf(_SC_PAGESIZE);
    uint64_t entries[ENTRIES_AT_ONCE];

    for (uint64_t at = mapping->range.start; at < mapping->range.end;) {
        uint64_t left = (mapping->range.end - at) / size, n = left < ENTRIES_AT_ONCE ? left : ENTRIES_AT_ONCE;
        ssize_t got = pread(pagemap, entries, n * sizeof entries[0], (off_t)(at / size * sizeof entries[0]));

        if (got <= 0)
            return;
        for (size_t i = 0; i < (size_t)got / sizeof entries[0]; i++, at += size)
            if ((entries[i] & looked_at) == wanted)
                add_page(ranges, at, size);
    }
}

/* Those that were there before the scout was forked: what it makes itself, a worker has not. */
static struct mapping mappings[MAX_MAPPINGS];
static size_t n_mappings;
static int report_to = -1; /* in the scout */
static pid_t scout;

void zygote_report_pages(void)
{
    static struct pages found;
    int pagemap;

    if (getpid() != scout)
        return; /* what the scout has forked ends */
    pagemap = open("/proc/self/pagemap", O_RDONLY | O_CLOEXEC);
    for (size_t i = 0; pagemap >= 0 && i < n_mappings; i++)
        look_at(&found, pagemap, &mappings[i]);
    _exit(fd_write_all(report_to, &found, sizeof found) < 0);
}

/* The pipe's ends are high, as ZYGOTE_FD_CONTROL is. */
static int open_pipe(int high[2])
{
    int ends[2];

    if (pipe2(ends, O_CLOEXEC) < 0)
        return -errno;
    for (int i = 0; i < 2; i++) {
        high[i] = fcntl(ends[i], F_DUPFD_CLOEXEC, ZYGOTE_FD_WORKER);
        (void)close(ends[i]);
    }
    return high[0] < 0 || high[1] < 0 ? -errno : 0;
}

bool zygote_send_scout(void)
{
    int ends[2] = {-1, -1}, status;
    pid_t pid;

    if (open_pipe(ends) < 0)
        return false;
    n_mappings = list_mappings(mappings);
    pid = zygote_fork();
    report_to = ends[1];
    if (pid == 0) {
        (void)prctl(PR_SET_PDEATHSIG, SIGKILL);
        (void)alarm(PATIENCE_S);
        (void)dup2(1, 2); /* what a tour prints belongs in no log */
        scout = getpid();
        return true;
    }
    (void)close(ends[1]);
    if (pid < 0 || fd_read_full(ends[0], &learned, sizeof learned) != (ssize_t)sizeof learned)
        learned.written.n = learned.read.n = 0;
    (void)close(ends[0]);
    while (pid > 0 && waitpid(pid, &status, 0) < 0 && errno == EINTR)
        ;
    return false;
}

/* The scout's word is no more than a hint: what is not there is not there. */
static void touch(const struct ranges *ranges, int advice)
{
    for (size_t i = 0; i < ranges->n; i++)
        (void)madvise((void *)(uintptr_t)ranges->at[i].start, ranges->at[i].end - ranges->at[i].start, advice);
}

void zygote_touch_pages(void)
{
    touch(&learned.read, MADV_POPULATE_READ);
    touch(&learned.written, MADV_POPULATE_WRITE);
}
