/*
 * strays: children that nobody has a pidfd of: lost zygotes, boxes that one of them cloned and could not hand over, and
 * what a killed one was forking into a box, which is ours as a subreaper's. None may stay a zombie: the init of a box
 * waits, even when killed, for everybody in its pid namespace to be reaped (pid_namespaces(7)), and nobody else may do
 * it.
 */
#include <errno.h>
#include <sys/prctl.h>
#include <sys/wait.h>

#include "base/clock.h"
#include "boxd/boxd.h"

enum {
    LOOK_MS = 10000, /* for those that took longer to end */
    EXPECT_MS = 20,
    EXPECT_FOR_MS = 1000, /* after a zygote was killed: what it leaves ends at once, where the machine lets it */
};

/* A dead child that belongs to a slot is in the way until that slot's own handler has been called. */
static void reap(const struct boxd *boxd)
{
    siginfo_t info = {0};

    while (waitid(P_ALL, 0, &info, WEXITED | WNOHANG | WNOWAIT | __WALL) == 0 && info.si_pid != 0 &&
           !boxes_own_pid(boxd, info.si_pid)) {
        (void)waitid(P_PID, (id_t)info.si_pid, &info, WEXITED | WNOHANG | __WALL);
        info = (siginfo_t){0};
    }
}

static void on_look(uv_timer_t *timer)
{
    struct boxd *boxd = timer->data;

    reap(boxd);
    if (now_us() >= boxd->strays_until_us && !boxd->stopping)
        uv_timer_set_repeat(timer, LOOK_MS);
}

void strays_expect(struct boxd *boxd)
{
    boxd->strays_until_us = now_us() + EXPECT_FOR_MS * UINT64_C(1000);
    (void)uv_timer_start(&boxd->strays, on_look, EXPECT_MS, EXPECT_MS);
}

/* Orphans of our children come to us, and not to a PID 1 that in a container may know nothing of them. prctl(2). */
int strays_init(struct boxd *boxd, struct err *err)
{
    int is_reaper = 0;

    (void)uv_timer_init(boxd->loop, &boxd->strays); /* always 0 */
    boxd->strays.data = boxd;
    (void)uv_timer_start(&boxd->strays, on_look, LOOK_MS, LOOK_MS);
    uv_unref((uv_handle_t *)&boxd->strays); /* while stopping it goes on, for as long as there are boxes */
    if (prctl(PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0) < 0 || prctl(PR_GET_CHILD_SUBREAPER, &is_reaper, 0, 0, 0) < 0)
        return err_errno(err, -errno, "child subreaper");
    return is_reaper == 1 ? 0 : err_set(err, -EPERM, "child subreaper: it is not set");
}
