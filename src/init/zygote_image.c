/* What /proc shows of a process besides its memory: command line and environment. In a worker they are the
 * zygote's, until the kernel is told where the job's are. */
#include <fcntl.h>
#include <linux/prctl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <unistd.h>

#include "base/fd.h"
#include "init/zygote.h"

static struct prctl_mm_map map;

/* PR_SET_MM_MAP wants all of the map; the rest of it stays as it is. Fields 26 to 51 of proc_pid_stat(5). */
void zygote_remember_image(void)
{
    unsigned long long start_code, end_code, start_stack, start_data, end_data, start_brk;
    char text[1024];
    const char *rest;

    map = (struct prctl_mm_map){0};
    if (fd_read_file_at(AT_FDCWD, "/proc/self/stat", text, sizeof text) < 0)
        return;
    rest = strrchr(text, ')');
    /* 3 to 25 are passed over, and 29 to 44. */
    if (rest == NULL ||
        sscanf(rest + 1,
               " %*s %*s %*s %*s %*s %*s %*s %*s %*s %*s %*s %*s %*s %*s %*s %*s %*s %*s %*s %*s %*s %*s %*s"
               " %llu %llu %llu %*s %*s %*s %*s %*s %*s %*s %*s %*s %*s %*s %*s %*s %*s %*s %*s %llu %llu %llu",
               &start_code, &end_code, &start_stack, &start_data, &end_data, &start_brk) != 6)
        return;
    map = (struct prctl_mm_map){.start_code = start_code,
                                .end_code = end_code,
                                .start_data = start_data,
                                .end_data = end_data,
                                .start_brk = start_brk,
                                .start_stack = start_stack,
                                .exe_fd = UINT32_MAX};
}

static size_t bytes_of(char *const *words)
{
    size_t n = 0;

    for (; *words != NULL; words++)
        n += strlen(*words) + 1;
    return n;
}

static char *lay_out(char *to, char *const *words)
{
    for (; *words != NULL; words++)
        to = stpcpy(to, *words) + 1;
    return to;
}

/* Where the kernel can't (CONFIG_CHECKPOINT_RESTORE is not set), /proc goes on showing the zygote's. */
void zygote_show_image(const struct zygote_job *job)
{
    size_t bytes = bytes_of(job->argv) + bytes_of(job->envp);
    char *at = mmap(NULL, bytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

    if (at == MAP_FAILED || map.start_code == 0)
        return;
    map.arg_start = (uint64_t)(uintptr_t)at;
    map.arg_end = map.env_start = (uint64_t)(uintptr_t)lay_out(at, job->argv);
    map.env_end = (uint64_t)(uintptr_t)lay_out(at + (map.arg_end - map.arg_start), job->envp);
    map.brk = (uint64_t)(uintptr_t)sbrk(0);
    (void)prctl(PR_SET_MM, PR_SET_MM_MAP, &map, sizeof map, 0);
}
