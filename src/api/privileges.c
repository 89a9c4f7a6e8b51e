#include "api/privileges.h"

#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <linux/capability.h>
#include <pwd.h>
#include <stdbool.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/syscall.h>

/* Opened without following a link, so that what is handed over is the folder that was looked at. */
static int make_dir(const char *dir, uid_t uid, gid_t gid, bool hand_over, struct err *err)
{
    CLEANUP(closep) int fd = -1;
    struct stat st;

    if (mkdir(dir, 0755) < 0 && errno != EEXIST)
        return err_errno(err, -errno, "cannot make data_dir %s", dir);
    fd = open(dir, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
    if (fd < 0 || fstat(fd, &st) < 0)
        return err_errno(err, -errno, "data_dir %s", dir);
    if (hand_over && st.st_uid == 0 && fchown(fd, uid, gid) < 0)
        return err_errno(err, -errno, "cannot give data_dir %s to uid %u", dir, uid);
    return 0;
}

/* What an exec could give back. The kernel knows its last capability: EINVAL ends the list. */
static int drop_bounding(struct err *err)
{
    for (unsigned long cap = 0; cap < 64; cap++) {
        if (prctl(PR_CAPBSET_DROP, cap, 0, 0, 0) == 0)
            continue;
        return errno == EINVAL && cap > 0 ? 0 : err_errno(err, -errno, "capability %lu of the bounding set", cap);
    }
    return 0;
}

/* Whatever we were started with: systemd or a container may give an ordinary user some. */
static int drop_capabilities(struct err *err)
{
    struct __user_cap_header_struct head = {.version = _LINUX_CAPABILITY_VERSION_3};
    struct __user_cap_data_struct none[2] = {0}, left[2];

    if (prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_CLEAR_ALL, 0, 0, 0) < 0 || syscall(SYS_capset, &head, none) < 0 ||
        syscall(SYS_capget, &head, left) < 0)
        return err_errno(err, -errno, "giving up all capabilities");
    for (size_t i = 0; i < COUNT_OF(left); i++)
        if ((left[i].effective | left[i].permitted | left[i].inheritable) != 0)
            return err_set(err, -EPERM, "capabilities are left after all were given up");
    return 0;
}

static int become(uid_t uid, gid_t gid, struct err *err)
{
    uid_t uids[3];
    gid_t gids[3];

    if (setgroups(0, NULL) < 0 || setresgid(gid, gid, gid) < 0 || setresuid(uid, uid, uid) < 0)
        return err_errno(err, -errno, "cannot become uid %u", uid);
    /* Read back: a kernel that says yes and does nothing would leave us root. */
    if (getresuid(&uids[0], &uids[1], &uids[2]) < 0 ||
        getresgid(&gids[0], &gids[1], &gids[2]) < 0 || getgroups(0, NULL) != 0)
        return err_set(err, -EPERM, "the ids cannot be read back");
    for (size_t i = 0; i < 3; i++)
        if (uids[i] != uid || gids[i] != gid)
            return err_set(err, -EPERM, "the ids are not those of uid %u after all", uid);
    if (setresuid(0, 0, 0) == 0)
        return err_set(err, -EPERM, "root can be had back after it was given up");
    return 0;
}

static int drop_root(const char *user, const char *dir, struct err *err)
{
    const struct passwd *entry;
    uid_t uid;
    gid_t gid;
    int r;

    errno = 0;
    entry = getpwnam(user);
    if (entry == NULL)
        return err_set(err, -ENOENT,
                       "there is no user '%s': make it with `useradd --system --no-create-home "
                       "--shell /usr/sbin/nologin %s`, or set `user`",
                       user, user);
    uid = entry->pw_uid;
    gid = entry->pw_gid;
    if (uid == 0 || gid == 0)
        return err_set(err, -EPERM,
                       "user '%s' has the ids of root; set `user` to one without privileges", user);
    r = make_dir(dir, uid, gid, true, err);
    if (r == 0)
        r = drop_bounding(err);
    return r < 0 ? r : become(uid, gid, err);
}

int privileges_drop(const char *user, const char *dir, struct err *err)
{
    int r = geteuid() == 0 ? drop_root(user, dir, err) : make_dir(dir, 0, 0, false, err);

    if (r == 0)
        r = drop_capabilities(err);
    if (r < 0)
        return r;
    if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) < 0)
        return err_errno(err, -errno, "no_new_privs");
    return 0;
}
