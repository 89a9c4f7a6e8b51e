/*
 * PHP when its program is over. What it owes the program is done with the request, shutdown functions and destructors
 * included; then it takes itself apart, extension by extension (php_module_shutdown() in main/main.c of PHP), which in
 * a fork means copying pages to write into them what nobody reads: more than half of what a short program takes. Most
 * of that is in dlclose(3), and in what exit(3) calls. A worker leaves its libraries where they are, and ends without
 * them.
 */
#include <dlfcn.h>
#include <stdlib.h>
#include <unistd.h>

#include "init/zygote.h"

#define EXPORTED __attribute__((visibility("default")))

static bool is_php;
static int (*next_dlclose)(void *);
static void (*next_exit)(int);

/* Once, here: what can't be found leaves a message in dlerror(3), where a program would read it. */
__attribute__((constructor)) static void find(void)
{
    is_php = dlsym(RTLD_DEFAULT, "php_module_shutdown") != NULL;
    next_dlclose = (int (*)(void *))dlsym(RTLD_NEXT, "dlclose");
    next_exit = (void (*)(int))dlsym(RTLD_NEXT, "exit");
    (void)dlerror();
}

static bool ends_early(void)
{
    return is_php && zygote_has_job() && !zygote_program_has_code();
}

EXPORTED int dlclose(void *library)
{
    return ends_early() ? 0 : next_dlclose(library);
}

EXPORTED _Noreturn void exit(int status)
{
    if (ends_early())
        zygote_end(status);
    next_exit(status);
    _exit(status); /* not reached */
}
