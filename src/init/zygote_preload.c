/*
 * What libzygote.so does in the interpreter that it is preloaded into: it waits for the moment when the script is
 * opened. Without ZYGOTE_ENV_SCRIPT in the environment, it does nothing.
 */
#include <dlfcn.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "init/zygote.h"

#define EXPORTED __attribute__((visibility("default")))

/* The script that the interpreter was told to run; NULL once it has been opened. */
static const char *awaited;

__attribute__((constructor)) static void begin(void)
{
    awaited = getenv(ZYGOTE_ENV_SCRIPT);
}

/* The interpreter is booted: serves boxd. Returns in a worker that has its job, where the face does not run it
 * itself. */
static void serve(struct zygote_job *job)
{
    static const struct zygote_face plain;
    const struct zygote_face *face = zygote_python();
    const char *warm = getenv(ZYGOTE_ENV_WARM);
    bool hurry;

    awaited = NULL;
    if (face == NULL)
        face = &plain;
    if (face->warm != NULL && warm != NULL)
        face->warm(warm);
    zygote_serve(&hurry);
    if (face->after_fork != NULL)
        face->after_fork();
    if (face->rehearse != NULL && !hurry)
        face->rehearse();
    zygote_wait(job);
    if (face->run != NULL)
        face->run(job);
}

static bool is_awaited(const char *path)
{
    return awaited != NULL && path != NULL && strcmp(path, awaited) == 0;
}

EXPORTED FILE *fopen64(const char *path, const char *mode)
{
    FILE *(*next)(const char *, const char *) =
        (FILE * (*)(const char *, const char *)) dlsym(RTLD_NEXT, "fopen64");
    struct zygote_job job;

    if (is_awaited(path))
        serve(&job);
    return next(path, mode);
}
