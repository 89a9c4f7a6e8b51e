/* The Landlock part, and the order of it all. */
#include "lockdown/lockdown.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/landlock.h>
#include <stdint.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/syscall.h>

/* Newer than the oldest headers that we build with; the numbers are the kernel's ABI. */
#define FS_REFER     (UINT64_C(1) << 13)
#define FS_TRUNCATE  (UINT64_C(1) << 14)
#define FS_IOCTL_DEV (UINT64_C(1) << 15)
#define FS_FIRST     ((UINT64_C(1) << 13) - 1) /* all of ABI 1 */
#define NET_BIND     UINT64_C(1)
#define NET_CONNECT  UINT64_C(2)
#define NET_TCP      (NET_BIND | NET_CONNECT)
#define SCOPES       UINT64_C(3) /* abstract Unix sockets, signals */

/* struct landlock_ruleset_attr as of ABI 6; older kernels take it as long as what they don't know is zero. */
struct ruleset {
    uint64_t fs, net, scoped;
};

/* By ABI, from 1 on: what it can refuse. All of it is refused where no rule allows it. */
static const struct ruleset abis[] = {
    {FS_FIRST, 0, 0},
    {FS_FIRST | FS_REFER, 0, 0},
    {FS_FIRST | FS_REFER | FS_TRUNCATE, 0, 0},
    {FS_FIRST | FS_REFER | FS_TRUNCATE, NET_TCP, 0},
    {FS_FIRST | FS_REFER | FS_TRUNCATE | FS_IOCTL_DEV, NET_TCP, 0},
    {FS_FIRST | FS_REFER | FS_TRUNCATE | FS_IOCTL_DEV, NET_TCP, SCOPES},
};

/* No folders, no links, nothing to execute. */
static const uint64_t accesses[] = {
    [LOCKDOWN_READ] = LANDLOCK_ACCESS_FS_READ_FILE | LANDLOCK_ACCESS_FS_READ_DIR,
    [LOCKDOWN_DATABASE] = LANDLOCK_ACCESS_FS_READ_FILE | LANDLOCK_ACCESS_FS_WRITE_FILE | FS_TRUNCATE |
                          LANDLOCK_ACCESS_FS_READ_DIR | LANDLOCK_ACCESS_FS_MAKE_REG | LANDLOCK_ACCESS_FS_REMOVE_FILE,
};

static int allow(int rules, const struct ruleset *handled, const struct lockdown_path *path, struct err *err)
{
    CLEANUP(closep) int fd = open(path->path, O_PATH | O_CLOEXEC);
    struct landlock_path_beneath_attr rule = {.parent_fd = fd};
    struct stat st;

    if (fd < 0 && errno == ENOENT && path->optional)
        return 0;
    if (fd < 0 || fstat(fd, &st) < 0)
        return err_errno(err, -errno, "landlock rule for %s", path->path);
    rule.allowed_access = accesses[path->access] & handled->fs;
    if (!S_ISDIR(st.st_mode)) /* the kernel takes no rights of folders for a file */
        rule.allowed_access &= LANDLOCK_ACCESS_FS_READ_FILE | LANDLOCK_ACCESS_FS_WRITE_FILE | FS_TRUNCATE;
    if (syscall(SYS_landlock_add_rule, rules, LANDLOCK_RULE_PATH_BENEATH, &rule, 0) < 0)
        return err_errno(err, -errno, "landlock rule for %s", path->path);
    return 0;
}

static int add_rules(int rules, const struct ruleset *handled, const struct lockdown_plan *plan, struct err *err)
{
    /* What reads random numbers from it would go on with the time of day where it cannot: a stranger could then make
     * keys that collide. */
    static const struct lockdown_path randomness = {"/dev/urandom", LOCKDOWN_READ, false};
    static const struct lockdown_path everything = {"/", LOCKDOWN_READ, false};
    int r = allow(rules, handled, &randomness, err);

    for (size_t i = 0; r == 0 && i < plan->n_paths; i++)
        r = allow(rules, handled, &plan->paths[i], err);
    if (r == 0 && LOCKDOWN_SANITIZED)
        r = allow(rules, handled, &everything, err);
    return r;
}

static int lock_files(const struct lockdown_plan *plan, struct err *err)
{
    long abi = syscall(SYS_landlock_create_ruleset, NULL, 0, LANDLOCK_CREATE_RULESET_VERSION);
    struct ruleset handled;
    CLEANUP(closep) int rules = -1;
    int r;

    if (abi < 0)
        return errno == ENOSYS || errno == EOPNOTSUPP ? LOCKDOWN_E_NO_LANDLOCK : err_errno(err, -errno, "landlock");
    handled = abis[(size_t)abi > COUNT_OF(abis) ? COUNT_OF(abis) - 1 : (size_t)abi - 1];
    if (plan->connects)
        handled.net &= ~NET_CONNECT;
    rules = (int)syscall(SYS_landlock_create_ruleset, &handled, sizeof handled, 0);
    if (rules < 0)
        return err_errno(err, -errno, "landlock rule set");
    r = add_rules(rules, &handled, plan, err);
    if (r < 0)
        return r;
    if (syscall(SYS_landlock_restrict_self, rules, 0) < 0)
        return err_errno(err, -errno, "landlock");
    return 0;
}

/* Landlock is a thread's own affair: one that was there before would stay outside. */
static int check_alone(struct err *err)
{
    struct stat st;

    if (stat("/proc/self/task", &st) < 0)
        return err_errno(err, -errno, "/proc/self/task");
    return st.st_nlink == 3 ? 0 : err_set(err, -EBUSY, "there are threads already that would not be locked in");
}

int lockdown(const struct lockdown_plan *plan, struct err *err)
{
    int r = check_alone(err), landlock;

    if (r < 0)
        return r;
    if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) < 0)
        return err_errno(err, -errno, "no_new_privs");
    /* No core file, and nobody of the same uid attaches: in our memory are other people's programs. */
    if (prctl(PR_SET_DUMPABLE, 0, 0, 0, 0) < 0)
        return err_errno(err, -errno, "dumpable");
    landlock = lock_files(plan, err);
    if (landlock < 0)
        return landlock;
    r = lockdown_calls(plan, err);
    return r < 0 ? r : landlock;
}
