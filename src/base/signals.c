#include "base/signals.h"

#include <errno.h>
#include <signal.h>

int signals_reset(void)
{
    struct sigaction plain = {.sa_handler = SIG_DFL};
    sigset_t none;

    for (int sig = 1; sig < NSIG; sig++)
        (void)sigaction(sig, &plain, NULL); /* EINVAL for SIGKILL, SIGSTOP and libc's own: fine */
    (void)sigemptyset(&none);
    return sigprocmask(SIG_SETMASK, &none, NULL) < 0 ? -errno : 0;
}
