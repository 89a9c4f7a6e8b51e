/*
 * serve: both daemons on one machine. Started as root; glimpse-boxd stays root, glimpsed becomes the service's user.
 *
 *   BOXD_FIRST ── boxd answers ─▶ UP ── SIGTERM, SIGINT ─▶ DRAINING ── no glimpsed ─▶ LAST ── no boxd ─▶ end
 *
 * While UP, a daemon that ends is started again. A daemon whose very first start fails has said why: then we end too.
 * DRAINING gives glimpsed time for the jobs that run; a second signal, or the deadline, ends the waiting.
 */
#include <errno.h>
#include <getopt.h>
#include <poll.h>
#include <pwd.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/signalfd.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/log.h"
#include "cli/cli.h"
#include "cli/serve_child.h"
#include "cli/serve_dirs.h"

enum {
    READY_POLL_MS = 20,
    DRAIN_DEADLINE_MS = 60000, /* glimpsed itself cancels what runs after 30 s */
    LAST_DEADLINE_MS = 10000,
};

enum serve_state { SERVE_BOXD_FIRST, SERVE_UP, SERVE_DRAINING, SERVE_LAST };

struct serve {
    struct config config;
    enum serve_state state;
    struct serve_child boxd, api;
    char *boxd_argv[8], *api_argv[8]; /* [0] owned, the others borrowed from our own argv */
    int signal_fd;                    /* owned */
    uint64_t deadline_us;             /* of DRAINING and LAST */
    bool failed;
};

static const char help[] =
    "usage: glimpse serve [--listen ADDR:PORT] [--data DIR] [--config FILE]\n\n"
    "Runs the service on this machine: glimpse-boxd, which makes the sandboxes, and glimpsed, "
    "which answers HTTP.\n"
    "Must be started as root. SIGTERM or Ctrl-C lets running jobs end, a second one does not.\n\n"
    "Settings come from the defaults, then the file, then the environment (GLIMPSE_<NAME>), then "
    "the options:\n";

static void print_help(void)
{
    (void)fputs(help, stdout);
    for (size_t i = 0; i < config_n_keys; i++)
        printf("  %-15s %s\n", config_keys[i].name, config_keys[i].help);
}

/* --- Before the start ------------------------------------------------------------------------ */

static int find_user(struct serve *serve, struct err *err)
{
    const struct passwd *user = getpwnam(serve->config.user);

    if (user == NULL)
        return err_set(err, -ENOENT,
                       "there is no user %s: `useradd --system --no-create-home --shell "
                       "/usr/sbin/nologin %s` makes one; or "
                       "name another with `user` in the configuration",
                       serve->config.user, serve->config.user);
    if (user->pw_uid == 0)
        return err_set(err, -EINVAL,
                       "user is %s, which is root: it reads what nobody trusts, and must not be",
                       serve->config.user);
    serve->api.uid = user->pw_uid;
    serve->api.gid = user->pw_gid;
    return 0;
}

/* Every stage holds a handful of descriptors; the usual soft limit is 1024. */
static void raise_open_files(void)
{
    struct rlimit limit;

    if (getrlimit(RLIMIT_NOFILE, &limit) < 0)
        return;
    limit.rlim_cur = limit.rlim_max;
    (void)setrlimit(RLIMIT_NOFILE, &limit); /* 1024 does for small machines */
}

static int watch_signals(struct serve *serve, struct err *err)
{
    sigset_t set;

    (void)sigemptyset(&set);
    (void)sigaddset(&set, SIGTERM);
    (void)sigaddset(&set, SIGINT);
    (void)sigaddset(&set, SIGHUP);
    (void)sigaddset(&set, SIGCHLD);
    if (sigprocmask(SIG_BLOCK, &set, NULL) < 0)
        return err_errno(err, -errno, "sigprocmask");
    serve->signal_fd = signalfd(-1, &set, SFD_CLOEXEC | SFD_NONBLOCK);
    return serve->signal_fd < 0 ? err_errno(err, -errno, "signalfd") : 0;
}

static int prepare(struct serve *serve, const struct config_args *args, struct err *err)
{
    int r;

    if (geteuid() != 0)
        return err_set(err, -EPERM, "making sandboxes takes root: start it with sudo");
    r = config_load_args(&serve->config, args, err);
    if (r < 0)
        return r;
    log_open("serve", (enum log_level)serve->config.log_level, (enum log_format)serve->config.log_format);
    r = find_user(serve, err);
    if (r == 0)
        r = serve_make_dirs(&serve->config, serve->api.gid, err);
    if (r == 0)
        r = config_find_program(&serve->boxd_argv[0], "glimpse-boxd", err);
    if (r == 0)
        r = config_find_program(&serve->api_argv[0], "glimpsed", err);
    return r < 0 ? r : watch_signals(serve, err);
}

/* --- The life of the two --------------------------------------------------------------------- */

/* boxd listens when it has made its first box. */
static bool boxd_answers(const struct serve *serve)
{
    CLEANUP(closep) int fd = socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    struct sockaddr_un address = {.sun_family = AF_UNIX};

    if (fd < 0)
        return false;
    memcpy(address.sun_path, serve->config.boxd_socket, strlen(serve->config.boxd_socket) + 1);
    return connect(fd, (const struct sockaddr *)&address, sizeof address) == 0;
}

static uint64_t in_ms(uint64_t ms)
{
    return now_us() + ms * 1000;
}

static void go_last(struct serve *serve)
{
    serve->state = SERVE_LAST;
    serve->api.start_at_us = serve->boxd.start_at_us = UINT64_MAX;
    serve->deadline_us = in_ms(LAST_DEADLINE_MS);
    serve_child_signal(&serve->boxd, SIGTERM);
}

static void drain(struct serve *serve)
{
    if (!serve_child_runs(&serve->api)) {
        go_last(serve);
        return;
    }
    serve->state = SERVE_DRAINING;
    serve->api.start_at_us = serve->boxd.start_at_us = UINT64_MAX;
    serve->deadline_us = in_ms(DRAIN_DEADLINE_MS);
    serve_child_signal(&serve->api, SIGTERM);
}

static void fail(struct serve *serve)
{
    serve->failed = true;
    if (serve->state < SERVE_DRAINING)
        drain(serve);
}

/* Nobody waits any longer. */
static void hurry(struct serve *serve)
{
    log_warn("not waiting any longer");
    serve_child_signal(&serve->api, SIGKILL);
    if (serve->state == SERVE_LAST)
        serve_child_signal(&serve->boxd, SIGKILL);
    serve->deadline_us = in_ms(LAST_DEADLINE_MS);
}

static void on_signal(struct serve *serve)
{
    struct signalfd_siginfo info;

    if (read(serve->signal_fd, &info, sizeof info) != (ssize_t)sizeof info)
        return;
    if (info.ssi_signo == SIGCHLD)
        return; /* it ends the poll(); what is to be reaped is seen below */
    /* From somebody it means: look at your files again. From the kernel: the terminal is gone, an end like others. */
    if (info.ssi_signo == SIGHUP && info.ssi_code != SI_KERNEL) {
        log_info("the daemons are told to reload");
        serve_child_signal(&serve->boxd, SIGHUP);
        serve_child_signal(&serve->api, SIGHUP);
        return;
    }
    if (serve->state >= SERVE_DRAINING) {
        hurry(serve);
        return;
    }
    log_info("%s: letting the running jobs end", strsignal((int)info.ssi_signo));
    drain(serve);
}

static void on_child_end(struct serve *serve, struct serve_child *child)
{
    bool restartable = serve_child_reap(child, serve->state < SERVE_DRAINING);

    if (serve_child_runs(child))
        return;
    if (!restartable)
        fail(serve);
    if (serve->state == SERVE_DRAINING && child == &serve->api)
        go_last(serve);
}

/* As PID 1 of a container we are the parent of whoever lost theirs: sandboxes of a boxd that was killed, say. Nobody
 * else reaps them, and the init of a sandbox waits for those in it to be reaped (pid_namespaces(7)). */
static void reap_orphans(const struct serve *serve)
{
    siginfo_t info = {0};

    while (waitid(P_ALL, 0, &info, WEXITED | WNOHANG | WNOWAIT) == 0 && info.si_pid != 0 &&
           info.si_pid != serve->boxd.pid && info.si_pid != serve->api.pid) {
        (void)waitid(P_PID, (id_t)info.si_pid, &info, WEXITED | WNOHANG);
        info = (siginfo_t){0};
    }
}

static void start_when_due(struct serve_child *child)
{
    struct err err = {0};

    if (serve_child_runs(child) || now_us() < child->start_at_us)
        return;
    if (serve_child_start(child, &err) < 0) {
        log_error("%s", err.msg);
        child->start_at_us = in_ms(child->pause_ms);
    }
}

static void on_time(struct serve *serve)
{
    start_when_due(&serve->boxd);
    start_when_due(&serve->api);
    if (serve->state == SERVE_BOXD_FIRST && serve_child_runs(&serve->boxd) && boxd_answers(serve)) {
        serve->state = SERVE_UP;
        serve->boxd.proven = true;
        serve->api.start_at_us = 0;
        start_when_due(&serve->api);
    }
    if (serve->state >= SERVE_DRAINING && now_us() >= serve->deadline_us)
        hurry(serve);
}

static int next_timeout_ms(const struct serve *serve)
{
    uint64_t at = serve->boxd.start_at_us < serve->api.start_at_us ? serve->boxd.start_at_us
                                                                   : serve->api.start_at_us;
    uint64_t now = now_us();

    if (serve->state == SERVE_BOXD_FIRST)
        return READY_POLL_MS;
    if (serve->state >= SERVE_DRAINING)
        at = serve->deadline_us;
    if (at == UINT64_MAX)
        return -1;
    return at <= now ? 0 : (int)((at - now) / 1000 + 1);
}

static void serve_loop(struct serve *serve)
{
    serve->boxd.start_at_us = 0;
    for (;;) {
        struct pollfd fds[3];

        on_time(serve);
        if (serve->state == SERVE_LAST && !serve_child_runs(&serve->boxd) &&
            !serve_child_runs(&serve->api))
            return;
        fds[0] = (struct pollfd){.fd = serve->signal_fd, .events = POLLIN};
        fds[1] = (struct pollfd){.fd = serve->boxd.pidfd, .events = POLLIN};
        fds[2] = (struct pollfd){.fd = serve->api.pidfd, .events = POLLIN};
        if (poll(fds, COUNT_OF(fds), next_timeout_ms(serve)) <= 0)
            continue;
        if (fds[0].revents != 0)
            on_signal(serve);
        if (fds[1].revents != 0)
            on_child_end(serve, &serve->boxd);
        if (fds[2].revents != 0)
            on_child_end(serve, &serve->api);
        reap_orphans(serve);
    }
}

/* --- The command ----------------------------------------------------------------------------- */

/* The daemons read the same settings as we. A relative path is theirs, too: they start in our working directory. */
static void pass_on(struct serve *serve, const char *option, char *value)
{
    char **lists[] = {serve->boxd_argv, serve->api_argv};

    for (size_t i = 0; i < COUNT_OF(lists); i++) {
        size_t n = 1;

        while (lists[i][n] != NULL)
            n++;
        lists[i][n] = (char *)(uintptr_t)option; /* execv() takes no const, and changes nothing */
        lists[i][n + 1] = value;
    }
}

static int parse(struct serve *serve, struct config_args *args, bool *wants_help, int argc,
                 char **argv)
{
    static const struct option options[] = {{"listen", required_argument, NULL, 'l'},
                                            {"data", required_argument, NULL, 'd'},
                                            {"config", required_argument, NULL, 'c'},
                                            {"help", no_argument, NULL, 'h'},
                                            {0}};
    const char **fields['l' + 1] = {
        ['l'] = &args->listen, ['d'] = &args->data_dir, ['c'] = &args->file};
    static const char *const names['l' + 1] = {
        ['l'] = "--listen", ['d'] = "--data", ['c'] = "--config"};
    int option;

    opterr = 0;
    while ((option = getopt_long(argc, argv, ":h", options, NULL)) != -1) {
        if (option == '?' || option == ':')
            return cli_bad_option(argv[0], option, &argv[optind - 1]);
        *wants_help = *wants_help || option == 'h';
        if (option == 'h')
            continue;
        if (*fields[option] != NULL)
            return cli_usage(argv[0], "%s is given twice", names[option]);
        *fields[option] = optarg;
        pass_on(serve, names[option], optarg);
    }
    if (optind < argc)
        return cli_usage(argv[0], "takes no arguments, not %s", argv[optind]);
    return CLI_OK;
}

static void serve_done(struct serve *serve)
{
    config_done(&serve->config);
    closep(&serve->signal_fd);
    free(serve->boxd_argv[0]);
    free(serve->api_argv[0]);
}

int cmd_serve(int argc, char **argv)
{
    CLEANUP(serve_done) struct serve serve = {.signal_fd = -1};
    struct config_args args = {0};
    struct err err = {0};
    bool wants_help = false;
    int r = parse(&serve, &args, &wants_help, argc, argv);

    if (r != CLI_OK)
        return r;
    if (wants_help) {
        print_help();
        return CLI_OK;
    }
    serve.boxd = (struct serve_child){.name = "glimpse-boxd", .argv = serve.boxd_argv};
    serve.api = (struct serve_child){.name = "glimpsed", .argv = serve.api_argv};
    serve_child_init(&serve.boxd);
    serve_child_init(&serve.api);
    if (prepare(&serve, &args, &err) < 0) {
        (void)fprintf(stderr, "glimpse serve: %s\n", err.msg);
        return err.code == -EINVAL ? CLI_USAGE : CLI_FAILED;
    }
    raise_open_files();
    serve_loop(&serve);
    return serve.failed ? CLI_FAILED : CLI_OK;
}
