/*
 * What libzygote.so does in the interpreter that it is preloaded into: it waits for the moment when the script is
 * opened, by whichever of libc's functions. Without ZYGOTE_ENV_SCRIPT in the environment, it does nothing.
 *
 * Until then the interpreter is to see what it would see in a box: no variables of ours, and the program's ids.
 */
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/fd.h"
#include "init/zygote.h"

#define EXPORTED __attribute__((visibility("default")))
#define BOX      "/box/"

static const struct zygote_face *face;
static bool booting;            /* until it serves */
static const char *awaited;     /* the script that the interpreter was told to run, below /box; NULL once it is open */
static const char *preparation; /* the language's own script, or NULL */
static char **boot_argv, **boot_envp; /* the last word is the script */
static int unread = -1;     /* the script's descriptor, where the face waits for its being read */
static int replaced = -1;   /* the place-holder's */
static const char *script; /* what is opened in its place when it is the moment */

static const struct zygote_face *find_face(void)
{
    static const struct zygote_face plain;
    static const struct zygote_face *(*const faces[])(void) = {zygote_python, zygote_bash, zygote_lua_face,
                                                               zygote_perl, zygote_ruby, zygote_jvm};
    const struct zygote_face *found = NULL;

    for (size_t i = 0; i < COUNT_OF(faces) && found == NULL; i++)
        found = faces[i]();
    return found == NULL ? &plain : found;
}

/* Value of a variable, which the interpreter will not see: it has not read its environment yet. */
static const char *take_variable(char **envp, const char *name)
{
    const size_t n = strlen(name);
    const char *value = NULL;

    for (; *envp != NULL; envp++) {
        if (strncmp(*envp, name, n) != 0 || (*envp)[n] != '=')
            continue;
        value = *envp + n + 1;
        for (char **at = envp; *at != NULL; at++)
            at[0] = at[1];
        envp--;
    }
    return value;
}

/* Interpreters write over what they were given. NULL when out of memory. */
static char **copy_of(char *const *words)
{
    size_t n = 0;
    char **copy;

    while (words[n] != NULL)
        n++;
    copy = calloc(n + 1, sizeof *copy);
    for (size_t i = 0; copy != NULL && i < n; i++)
        if ((copy[i] = strdup(words[i])) == NULL)
            return NULL;
    return copy;
}

__attribute__((constructor)) static void begin(int argc, char **argv, char **envp)
{
    const char *path = take_variable(envp, ZYGOTE_ENV_SCRIPT);

    (void)argc;
    if (path == NULL || strncmp(path, BOX, strlen(BOX)) != 0)
        return;
    awaited = path + strlen(BOX);
    preparation = take_variable(envp, ZYGOTE_ENV_WARM);
    (void)take_variable(envp, "LD_PRELOAD");
    boot_argv = copy_of(argv);
    boot_envp = copy_of(envp);
    if (boot_argv == NULL || boot_envp == NULL)
        _exit(1);
    booting = true;
    face = find_face();
    if (face->begin != NULL)
        face->begin();
    zygote_node_begin(preparation);
}

void zygote_booted(void)
{
    awaited = NULL;
    booting = false;
}

int zygote_script_descriptor(void)
{
    return replaced;
}

static pid_t (*forker)(bool *hurry);
static bool *forker_hurry;

void zygote_hook_fork(pid_t (*function)(bool *hurry), bool *hurry)
{
    forker = function;
    forker_hurry = hurry;
}

char *const *zygote_boot_environment(void)
{
    return boot_envp;
}

/* ---- The moment ---- */

/* What an interpreter knows of its streams it has seen at its start, when they were no terminal. */
static bool is_on_terminal(void)
{
    return isatty(0) != 0 || isatty(1) != 0 || isatty(2) != 0;
}

bool zygote_fits(const struct zygote_job *job, char ***ret)
{
    size_t n = 0;

    if (is_on_terminal())
        return false;
    for (; boot_argv[n] != NULL; n++)
        if (n == job->argc || strcmp(boot_argv[n], job->argv[n]) != 0)
            return false;
    *ret = job->argv + n;
    return true;
}

/* In a scout: the interpreter runs the language's own script as if it were the program, to its end. */
static void go_on_as_scout(void)
{
    struct zygote_job job = {.argv = boot_argv, .envp = boot_envp};
    char **arguments;

    while (boot_argv[job.argc] != NULL)
        job.argc++;
    if (atexit(zygote_report_pages) != 0 || !zygote_fits(&job, &arguments) ||
        (face->take != NULL && !face->take(&job, arguments)))
        _exit(1);
    script = preparation;
}

/* What a program will write to is found out ahead. True in the scout, where the interpreter is to go on. */
static bool learn_pages(void)
{
    if ((face->rehearse == NULL && (face->run != NULL || preparation == NULL)) || !zygote_send_scout())
        return false;
    if (face->after_fork != NULL)
        face->after_fork();
    if (face->rehearse == NULL) {
        go_on_as_scout();
        return true;
    }
    face->rehearse();
    zygote_report_pages();
    return true;
}

/* The interpreter is booted: serves boxd. Returns in a worker, with its job in place, where the interpreter can go on
 * by itself; and at once in one that serves later. */
static void serve(void)
{
    const int error = errno; /* a program may see it: Perl's die() ends with it */
    struct zygote_job job;
    char **arguments;
    bool hurry;

    booting = false;
    if (face->opened != NULL) {
        face->opened(boot_argv);
        return;
    }
    if (face->warm != NULL)
        face->warm(preparation);
    if (learn_pages()) {
        errno = error;
        return;
    }
    zygote_serve(&hurry);
    if (!hurry)
        zygote_touch_pages();
    if (face->after_fork != NULL)
        face->after_fork();
    if (face->settle != NULL && !hurry)
        face->settle();
    zygote_wait(&job, hurry);
    if (face->run != NULL)
        face->run(&job);
    if (!zygote_fits(&job, &arguments) ||
        !(face->take == NULL ? *arguments == NULL : face->take(&job, arguments)))
        zygote_start_afresh(&job);
    errno = error;
}

/* By its name from the current folder, which is /box, or the whole one. */
static bool is_awaited(const char *path)
{
    if (awaited == NULL || path == NULL)
        return false;
    if (strncmp(path, BOX, strlen(BOX)) == 0)
        path += strlen(BOX);
    return strcmp(path, awaited) == 0;
}

static int make_placeholder(void)
{
    int fd = memfd_create("script", MFD_CLOEXEC);

    if (fd < 0 || fd_write_all(fd, face->placeholder, strlen(face->placeholder)) < 0 || lseek(fd, 0, SEEK_SET) < 0)
        _exit(1);
    return fd;
}

/* Before a file is opened, which *path may become another than. A descriptor in its place, or -1. */
static int meet(const char **path)
{
    if (!is_awaited(*path))
        return -1;
    awaited = NULL;
    script = *path;
    if (face->late)
        return unread = memfd_create("script", MFD_CLOEXEC); /* some regular file */
    if (face->placeholder != NULL)
        return replaced = make_placeholder();
    serve();
    *path = script;
    return -1;
}

/* Before a descriptor is read. */
static void meet_read(int fd)
{
    const int error = errno;
    int opened;

    if (unread < 0 || fd != unread)
        return;
    unread = -1;
    serve(); /* in a worker nothing else is open */
    opened = open(script, O_RDONLY | O_CLOEXEC);
    if (opened < 0 || (opened != fd && dup3(opened, fd, O_CLOEXEC) < 0))
        _exit(126); /* init has put it there */
    if (opened != fd)
        (void)close(opened);
    errno = error;
}

/* ---- What is hooked: each does what libc's does, after that ---- */

static void *libc_function(const char *name, void **cache)
{
    if (*cache == NULL)
        *cache = dlsym(RTLD_NEXT, name);
    return *cache;
}

/* The mode is there only where a file may be made. */
#define MODE_OF(flags, mode)                                                                                           \
    do {                                                                                                               \
        va_list more;                                                                                                  \
        va_start(more, flags);                                                                                         \
        (mode) = ((flags) & (O_CREAT | O_TMPFILE)) != 0 ? va_arg(more, mode_t) : 0;                                    \
        va_end(more);                                                                                                  \
    } while (0)

/* The headers have redirections and inline checks for these names: ours come to them by the assembler. */
#define HOOK(result, name, ...)                                                                                        \
    EXPORTED result hook_##name(__VA_ARGS__) __asm__(#name);                                                           \
    result hook_##name(__VA_ARGS__)

#define HOOK_OPEN(name)                                                                                                \
    HOOK(int, name, const char *path, int flags, ...)                                                                  \
    {                                                                                                                  \
        static void *next;                                                                                             \
        mode_t mode;                                                                                                   \
        int fd;                                                                                                        \
                                                                                                                       \
        MODE_OF(flags, mode);                                                                                          \
        fd = meet(&path);                                                                                              \
        return fd >= 0 ? fd : ((int (*)(const char *, int, ...))libc_function(#name, &next))(path, flags, mode);       \
    }

#define HOOK_OPENAT(name)                                                                                              \
    HOOK(int, name, int dir_fd, const char *path, int flags, ...)                                                      \
    {                                                                                                                  \
        static void *next;                                                                                             \
        mode_t mode;                                                                                                   \
        int fd;                                                                                                        \
                                                                                                                       \
        MODE_OF(flags, mode);                                                                                          \
        fd = dir_fd == AT_FDCWD ? meet(&path) : -1;                                                                    \
        return fd >= 0                                                                                                 \
                   ? fd                                                                                                \
                   : ((int (*)(int, const char *, int, ...))libc_function(#name, &next))(dir_fd, path, flags, mode);   \
    }

#define HOOK_FOPEN(name)                                                                                               \
    HOOK(FILE *, name, const char *path, const char *mode)                                                             \
    {                                                                                                                  \
        static void *next;                                                                                             \
                                                                                                                       \
        (void)meet(&path);                                                                                             \
        return ((FILE * (*)(const char *, const char *)) libc_function(#name, &next))(path, mode);                     \
    }

/* The program's ids while it boots, in which the zygote is root still. */
#define HOOK_ID(name, number, in_box)                                                                                  \
    HOOK(unsigned, name, void)                                                                                         \
    {                                                                                                                  \
        return booting ? (in_box) : (unsigned)syscall(number);                                                 \
    }

HOOK(pid_t, fork, void)
{
    static void *next;
    pid_t (*function)(bool *hurry) = forker;

    forker = NULL;
    return function != NULL ? function(forker_hurry) : ((pid_t(*)(void))libc_function("fork", &next))();
}

HOOK(ssize_t, read, int fd, void *bytes, size_t n)
{
    static void *next;

    meet_read(fd);
    return ((ssize_t(*)(int, void *, size_t))libc_function("read", &next))(fd, bytes, n);
}

HOOK_OPEN(open)
HOOK_OPEN(open64)
HOOK_OPENAT(openat)
HOOK_OPENAT(openat64)
HOOK_FOPEN(fopen)
HOOK_FOPEN(fopen64)
HOOK_ID(getuid, SYS_getuid, BOX_UID_PROGRAM)
HOOK_ID(geteuid, SYS_geteuid, BOX_UID_PROGRAM)
HOOK_ID(getgid, SYS_getgid, BOX_UID_PROGRAM)
HOOK_ID(getegid, SYS_getegid, BOX_UID_PROGRAM)
