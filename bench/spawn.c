/* spawn: the bare start: the commands that people would type, one after the other, without a shell. */
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <spawn.h>
#include <stdio.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/wait.h>

#include "base/clock.h"
#include "base/fd.h"
#include "bench.h"

static int write_source(struct bench_case *c, const char *folder, struct err *err)
{
    char path[PATH_MAX];
    CLEANUP(closep) int fd = -1;
    int r;

    if (c->source_name == NULL || c->source.text == NULL)
        return 0;
    number_write(&c->source);
    (void)snprintf(path, sizeof path, "%s/%s", folder, c->source_name);
    fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0644);
    if (fd < 0)
        return err_set(err, -errno, "%s: %s", path, strerror(errno));
    r = fd_write_all(fd, c->source.text, strlen(c->source.text));
    return r < 0 ? err_set(err, r, "%s: %s", path, strerror(-r)) : 0;
}

/* Compares what comes with what should. True where it is the same to the last byte. */
static bool read_output(int fd, const char *expect)
{
    char chunk[1 << 16];
    size_t seen = 0, len = strlen(expect);
    bool same = true;
    ssize_t n;

    while ((n = read(fd, chunk, sizeof chunk)) > 0 || (n < 0 && errno == EINTR)) {
        if (n < 0)
            continue;
        same = same && (size_t)n <= len - seen && memcmp(chunk, expect + seen, (size_t)n) == 0;
        seen += same ? (size_t)n : 0;
    }
    return same && seen == len;
}

static int spawn_actions(posix_spawn_file_actions_t *actions, const struct bench_case *c,
                         const char *folder, int out)
{
    int r = posix_spawn_file_actions_addchdir_np(actions, folder);

    if (r == 0)
        r = posix_spawn_file_actions_addopen(actions, STDIN_FILENO, c->input, O_RDONLY, 0);
    if (r == 0)
        r = posix_spawn_file_actions_adddup2(actions, out, STDOUT_FILENO);
    return r;
}

/* posix_spawn is a vfork: the size of this process does not count. */
static int spawn(pid_t *pid, int *output, const struct bench_case *c, char **argv,
                 const char *folder)
{
    CLEANUP(closep) int in = -1;
    CLEANUP(closep) int out = -1;
    posix_spawn_file_actions_t actions;
    int ends[2], r;

    if (pipe2(ends, O_CLOEXEC) < 0)
        return -errno;
    in = ends[0];
    out = ends[1];
    r = posix_spawn_file_actions_init(&actions);
    if (r != 0)
        return -r;
    r = spawn_actions(&actions, c, folder, out);
    if (r == 0)
        r = posix_spawn(pid, argv[0], &actions, NULL, argv, c->env);
    (void)posix_spawn_file_actions_destroy(&actions);
    if (r == 0)
        *output = TAKE_FD(in);
    return -r;
}

static uint64_t cpu_of(const struct rusage *usage)
{
    return (uint64_t)(usage->ru_utime.tv_sec + usage->ru_stime.tv_sec) * 1000000 +
           (uint64_t)(usage->ru_utime.tv_usec + usage->ru_stime.tv_usec);
}

int bare_run(struct bench_case *c, const char *folder, struct record *record, struct err *err)
{
    uint64_t started_us, step_us;
    int r;

    if (folder == NULL)
        folder = c->dir;
    r = write_source(c, folder, err);
    if (r < 0)
        return r;
    record->good = true;
    started_us = now_us();
    for (size_t i = 0; i < c->n_steps; i++) {
        bool last = i + 1 == c->n_steps;
        CLEANUP(closep) int output = -1;
        struct rusage usage;
        pid_t pid;
        int status;

        step_us = now_us();
        r = spawn(&pid, &output, c, c->steps[i], folder);
        if (r < 0)
            return err_set(err, r, "%s: %s", c->steps[i][0], strerror(-r));
        record->good &= read_output(output, last ? c->expect : "");
        if (wait4(pid, &status, 0, &usage) < 0)
            return err_set(err, -errno, "wait4: %s", strerror(errno));
        record->good &= status == 0;
        record->cpu_us += cpu_of(&usage);
        record->stage_us[last] += now_us() - step_us;
    }
    record->took_us = now_us() - started_us;
    return 0;
}
