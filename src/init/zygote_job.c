#include <errno.h>
#include <fcntl.h>
#include <link.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "base/fd.h"
#include "base/signals.h"
#include "init/confine.h"
#include "init/task.h"
#include "init/zygote.h"

extern char **environ;

_Noreturn void zygote_fail(const struct err *err)
{
    struct wire_failed failed = wire_failed(WIRE_FAILED, 0, err);

    _exit(fd_send_packet(ZYGOTE_FD_WORKER, &failed, sizeof failed, NULL, 0) < 0 ? 126 : 127);
}

_Noreturn void zygote_start_afresh(const struct zygote_job *job)
{
    zygote_end_keeper();
    if (signals_reset() < 0) /* of this thread, which is the one that stays */
        _exit(126);
    (void)execve(job->argv[0], job->argv, job->envp);
    _exit(127);
}

/* Words of one kind, from a payload that init has checked already and this process can do no harm by misreading. */
struct words {
    char *at[TASK_MAX_WORDS + 1];
    size_t n;
};

static int take_words(const char *blob, uint64_t left, struct words *argv, struct words *envp, struct err *err)
{
    while (left > 0) {
        struct wire_record record;
        struct words *words;
        int64_t size;

        if (left < sizeof record)
            return err_set(err, -EBADMSG, "payload: a record is cut");
        memcpy(&record, blob, sizeof record);
        size = wire_record_check(&record, left, err);
        if (size < 0)
            return (int)size;
        words = record.kind == WIRE_RECORD_ARG ? argv : record.kind == WIRE_RECORD_ENV ? envp : NULL;
        if (words != NULL && words->n < TASK_MAX_WORDS) {
            words->at[words->n] = strndup(blob + sizeof record, record.data_len);
            if (words->at[words->n++] == NULL)
                return err_set(err, -ENOMEM, "payload: a word");
        }
        blob += size;
        left -= (uint64_t)size;
    }
    return 0;
}

static int read_words(struct zygote_job *job, int payload_fd, uint64_t bytes, struct err *err)
{
    static struct words argv, envp;
    void *blob = mmap(NULL, bytes, PROT_READ, MAP_PRIVATE, payload_fd, 0);
    int r;

    if (blob == MAP_FAILED)
        return err_errno(err, -errno, "payload");
    r = take_words(blob, bytes, &argv, &envp, err);
    (void)munmap(blob, bytes);
    *job = (struct zygote_job){.argv = argv.at, .argc = argv.n, .envp = envp.at};
    return r;
}

/* stdin, stdout and stderr are the job's; nothing else is open but what the interpreter has of its own. */
static int take_stdio(const int *fds)
{
    for (int fd = 0; fd <= 2; fd++)
        if (dup2(fds[fd], fd) < 0)
            return -errno;
    return zygote_close_others();
}

static bool has_job;

bool zygote_has_job(void)
{
    return has_job;
}

/* A library has the name by which it was opened. All that a program can write to is elsewhere than these. */
static int is_the_programs(struct dl_phdr_info *info, size_t size, void *arg)
{
    static const char *const roots[] = {"/usr/", "/lib", "/opt/", "linux-vdso"};
    bool ours = info->dlpi_name[0] == '\0'; /* the executable */

    (void)size;
    (void)arg;
    for (size_t i = 0; !ours && i < COUNT_OF(roots); i++)
        ours = strncmp(info->dlpi_name, roots[i], strlen(roots[i])) == 0 && strstr(info->dlpi_name, "/..") == NULL;
    return !ours;
}

bool zygote_program_has_code(void)
{
    return dl_iterate_phdr(is_the_programs, NULL) != 0;
}

/* What stdio of C's has not written is, as by exit(3), which does not wait for a thread that is reading. */
void zygote_end(int status)
{
    FILE *const streams[] = {stdout, stderr};

    for (size_t i = 0; i < COUNT_OF(streams); i++)
        if (ftrylockfile(streams[i]) == 0)
            (void)fflush(streams[i]);
    _exit(status);
}

void zygote_wait(struct zygote_job *job, bool hurry)
{
    struct wire_worker ready = {
        .head = wire_head(WIRE_WORKER, 0), .pid = getpid(), .keeper = hurry ? 0 : zygote_keep_memory()};
    unsigned char bytes[WIRE_MAX_BYTES];
    int fds[WIRE_MAX_FDS], r;
    size_t n_fds = 0;
    union wire_msg msg;
    struct err err = {0};
    ssize_t n;

    zygote_remember_image();
    if (fd_send_packet(ZYGOTE_FD_WORKER, &ready, sizeof ready, NULL, 0) < 0)
        _exit(0);
    n = fd_recv_packet(ZYGOTE_FD_WORKER, bytes, sizeof bytes, fds, WIRE_MAX_FDS, &n_fds, 0);
    if (n <= 0)
        _exit(0); /* there is no job for this box */
    if (wire_decode(&msg, bytes, (size_t)n, n_fds, WIRE_TO_INIT, &err) < 0 || msg.head.type != WIRE_JOB)
        _exit(126);
    r = read_words(job, fds[3], msg.job.payload_bytes, &err);
    if (r == 0)
        r = confine_set_rlimit(RLIMIT_FSIZE, msg.job.file_bytes);
    if (r == 0)
        r = confine_set_rlimit(RLIMIT_NOFILE, msg.job.open_files);
    if (r == 0)
        r = take_stdio(fds);
    if (r < 0) {
        if (err.code == 0)
            (void)err_errno(&err, r, "forked interpreter: the job's limits and descriptors");
        zygote_fail(&err);
    }
    zygote_show_image(job);
    environ = job->envp;
    has_job = true;
}
