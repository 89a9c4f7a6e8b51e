/* A runtime may keep parts of its memory from forks (madvise(2), MADV_DONTFORK): V8 does so with its heap. */
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>

#include "base/cleanup.h"
#include "init/zygote.h"

static void fclosep(FILE **file)
{
    if (*file != NULL)
        (void)fclose(*file);
}

int zygote_fork_all_memory(struct err *err)
{
    CLEANUP(fclosep) FILE *file = fopen("/proc/self/smaps", "re");
    unsigned long from = 0, to = 0;
    char line[4096];

    if (file == NULL)
        return err_errno(err, -errno, "memory of an interpreter");
    while (fgets(line, sizeof line, file) != NULL) {
        unsigned long a, b;

        if (sscanf(line, "%lx-%lx ", &a, &b) == 2) {
            from = a;
            to = b;
        } else if (strncmp(line, "VmFlags:", 8) == 0 && strstr(line, " dc") != NULL &&
                   madvise((void *)from, to - from, MADV_DOFORK) <
                       0) { /* proc_pid_smaps(5): not copied on fork */
            return err_errno(err, -errno, "memory of an interpreter");
        }
    }
    return 0;
}
