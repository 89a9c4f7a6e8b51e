/*
 * PHP when its program is over. What it owes the program is done with the request, shutdown functions and destructors
 * included; then it takes itself apart, extension by extension (php_module_shutdown() in main/main.c of PHP), which in
 * a fork means copying pages to write into them what nobody reads: more than half of what a short program takes. Most
 * of that is in dlclose(3), and in what exit(3) calls. A worker leaves its libraries where they are, and ends without
 * them.
 */
#include <dlfcn.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "init/zygote.h"

#define EXPORTED __attribute__((visibility("default")))

static bool ends_early(void)
{
    return zygote_has_job() && dlsym(RTLD_DEFAULT, "php_module_shutdown") != NULL && !zygote_program_has_code();
}

EXPORTED int dlclose(void *library)
{
    int (*next)(void *) = (int (*)(void *))dlsym(RTLD_NEXT, "dlclose");

    return ends_early() ? 0 : next(library);
}

EXPORTED _Noreturn void exit(int status)
{
    void (*next)(int) = (void (*)(int))dlsym(RTLD_NEXT, "exit");

    if (ends_early()) {
        (void)fflush(NULL);
        _exit(status);
    }
    next(status);
    _exit(status); /* not reached */
}
