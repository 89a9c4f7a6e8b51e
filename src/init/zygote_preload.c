/*
 * What libzygote.so does in the interpreter that it is preloaded into: it waits for the moment when the script is
 * opened, by whichever of libc's functions. Without ZYGOTE_ENV_SCRIPT in the environment, it does nothing.
 *
 * Until then the interpreter is to see what it would see in a box: no variables of ours, and the program's ids.
 */
#include <dlfcn.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "init/zygote.h"

#define EXPORTED __attribute__((visibility("default")))
#define BOX      "/box/"

/* The script that the interpreter was told to run, below /box; NULL once it has been opened. */
static const char *awaited;
static const char *preparation;        /* the language's own script, or NULL */
static char **boot_argv, **boot_envp; /* the last word is the script */

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

__attribute__((constructor)) static void begin(int argc, char **argv, char **envp)
{
    const char *script = take_variable(envp, ZYGOTE_ENV_SCRIPT);

    (void)argc;
    if (script == NULL || strncmp(script, BOX, strlen(BOX)) != 0)
        return;
    awaited = script + strlen(BOX);
    preparation = take_variable(envp, ZYGOTE_ENV_WARM);
    (void)take_variable(envp, "LD_PRELOAD");
    boot_argv = argv;
    boot_envp = envp;
}

char *const *zygote_boot_environment(void)
{
    return boot_envp;
}

/* ---- The moment ---- */

static const struct zygote_face *find_face(void)
{
    static const struct zygote_face plain;
    static const struct zygote_face *(*const faces[])(void) = {zygote_python, zygote_bash};
    const struct zygote_face *face = NULL;

    for (size_t i = 0; i < COUNT_OF(faces) && face == NULL; i++)
        face = faces[i]();
    return face == NULL ? &plain : face;
}

/* The job's words are those that the interpreter was booted with, and arguments, at which *ret is then. */
static bool fits(const struct zygote_job *job, char ***ret)
{
    size_t n = 0;

    for (; boot_argv[n] != NULL; n++)
        if (n == job->argc || strcmp(boot_argv[n], job->argv[n]) != 0)
            return false;
    *ret = job->argv + n;
    return true;
}

/* The interpreter is booted: serves boxd. Returns in a worker, with its job in place, where the interpreter can go on
 * by itself. */
static void serve(void)
{
    const struct zygote_face *face = find_face();
    struct zygote_job job;
    char **arguments;
    bool hurry;

    awaited = NULL;
    if (face->warm != NULL && preparation != NULL)
        face->warm(preparation);
    zygote_learn_pages(face);
    (void)close(ZYGOTE_FD_PROC);
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
    if (!fits(&job, &arguments) || !(face->take == NULL ? *arguments == NULL : face->take(&job, arguments)))
        zygote_start_afresh(&job);
}

/* By its name from the current folder, which is /box, or the whole one. */
static void meet(const char *path)
{
    if (awaited == NULL || path == NULL)
        return;
    if (strncmp(path, BOX, strlen(BOX)) == 0)
        path += strlen(BOX);
    if (strcmp(path, awaited) == 0)
        serve();
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
                                                                                                                       \
        MODE_OF(flags, mode);                                                                                          \
        meet(path);                                                                                                    \
        return ((int (*)(const char *, int, ...))libc_function(#name, &next))(path, flags, mode);                      \
    }

#define HOOK_OPENAT(name)                                                                                              \
    HOOK(int, name, int dir_fd, const char *path, int flags, ...)                                                      \
    {                                                                                                                  \
        static void *next;                                                                                             \
        mode_t mode;                                                                                                   \
                                                                                                                       \
        MODE_OF(flags, mode);                                                                                          \
        if (dir_fd == AT_FDCWD)                                                                                        \
            meet(path);                                                                                                \
        return ((int (*)(int, const char *, int, ...))libc_function(#name, &next))(dir_fd, path, flags, mode);         \
    }

#define HOOK_FOPEN(name)                                                                                               \
    HOOK(FILE *, name, const char *path, const char *mode)                                                             \
    {                                                                                                                  \
        static void *next;                                                                                             \
                                                                                                                       \
        meet(path);                                                                                                    \
        return ((FILE * (*)(const char *, const char *)) libc_function(#name, &next))(path, mode);                     \
    }

/* The program's ids while it boots, in which the zygote is root still. */
#define HOOK_ID(name, number, in_box)                                                                                  \
    HOOK(unsigned, name, void)                                                                                         \
    {                                                                                                                  \
        return awaited != NULL ? (in_box) : (unsigned)syscall(number);                                                 \
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
