/* figures: how it stands with boxes and with boxd, for the operator. Read when somebody asks, and only then. */
#include <dirent.h>
#include <fcntl.h>
#include <string.h>
#include <sys/resource.h>

#include "boxd/boxd.h"

/* The second number of /proc/self/statm; 0 where it can't be read. */
static uint64_t resident_bytes(void)
{
    CLEANUP(closep) int fd = open("/proc/self/statm", O_RDONLY | O_CLOEXEC);
    char text[128];
    ssize_t n = fd < 0 ? -1 : read(fd, text, sizeof text - 1);
    const char *blank;

    if (n <= 0)
        return 0;
    text[n] = '\0';
    blank = strchr(text, ' ');
    return blank == NULL ? 0 : strtoull(blank, NULL, 10) * (uint64_t)sysconf(_SC_PAGESIZE);
}

static uint32_t count_open_files(void)
{
    DIR *dir = opendir("/proc/self/fd");
    const struct dirent *entry;
    uint32_t n = 0;

    if (dir == NULL)
        return 0;
    while ((entry = readdir(dir)) != NULL)
        n += entry->d_name[0] != '.';
    (void)closedir(dir);
    return n - 1; /* the folder's own */
}

static uint64_t cpu_us(void)
{
    struct rusage used = {0};

    (void)getrusage(RUSAGE_SELF, &used);
    return (uint64_t)(used.ru_utime.tv_sec + used.ru_stime.tv_sec) * 1000000 +
           (uint64_t)(used.ru_utime.tv_usec + used.ru_stime.tv_usec);
}

static void count_boxes(struct wire_figures *figures, const struct boxd *boxd, uint32_t kind)
{
    for (uint32_t i = 0; i < boxd->n_slots; i++) {
        const struct box *box = &boxd->boxes[i];

        figures->slots_empty += box->state == BOX_EMPTY;
        if (box->kind != kind)
            continue;
        figures->idle += box->state == BOX_IDLE;
        figures->warming += box->state == BOX_CLONING || box->state == BOX_BOOTING || box->state == BOX_WARMING;
        figures->leased += box->state == BOX_LEASED;
    }
}

struct wire_figures figures_of(const struct boxd *boxd, uint32_t kind, uint64_t id)
{
    const struct zygote_link *link = &boxd->nursery.zygotes[kind];
    struct wire_figures figures = {.head = wire_head(WIRE_FIGURES, id),
                                   .kind = kind,
                                   .n_kinds = boxd->nursery.n_zygotes,
                                   .stage = link->stage,
                                   .flags = link->ready ? WIRE_FIGURES_READY : 0,
                                   .waits = (uint32_t)link->n_waits,
                                   .target = link->target,
                                   .hits = link->n_hits,
                                   .misses = link->n_misses,
                                   .box_bytes = link->box_bytes,
                                   .slots = boxd->n_slots,
                                   .open_files = count_open_files(),
                                   .cpu_us = cpu_us(),
                                   .resident_bytes = resident_bytes()};

    _Static_assert(sizeof figures.language == sizeof link->language->id, "an id fits whole");
    if (link->language != NULL)
        memcpy(figures.language, link->language->id, strlen(link->language->id));
    count_boxes(&figures, boxd, kind);
    return figures;
}
