/*
 * glimpse-boxd: the one privileged program. It makes, limits, accounts and kills boxes, and knows nothing of
 * code, output, JSON or HTTP. See boxd.h for its parts.
 */
#include <errno.h>
#include <fcntl.h>
#include <getopt.h>
#include <grp.h>
#include <pwd.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/signalfd.h>

#include "base/fd.h"
#include "base/log.h"
#include "box/layers.h"
#include "box/seccomp.h"
#include "boxd/boxd.h"
#include "boxd/uids.h"

enum { EXIT_USAGE = 2, STOP_DEADLINE_MS = 5000 };

/* Links of the nursery point into it until the end: who changes languages does so by hand, a few times. */
struct old_languages {
    struct old_languages *next;
    struct languages languages;
};

struct program {
    struct boxd boxd;
    struct config config;
    struct languages languages;
    struct old_languages *old_languages; /* owned */
    struct layer_state layers[N_LAYERS];
    uv_loop_t loop;
    uv_poll_t signals;
    uv_timer_t deadline;
    char instance[32];
    int signal_fd, uid_lock_fd, instance_lock_fd;
    bool doctor, failed, signals_open;
    struct err why; /* of failed */
};

/* ---- Stopping ---- */

static void on_walk(uv_handle_t *handle, void *arg)
{
    (void)arg;
    if (!uv_is_closing(handle))
        uv_close(handle, NULL);
}

static void on_deadline(uv_timer_t *timer)
{
    log_error("boxes did not end in time; the next start removes what is left of them");
    uv_stop(timer->loop);
}

static void stop(struct program *program)
{
    if (program->boxd.stopping)
        return;
    program->boxd.stopping = true;
    program->boxd.on_first_box = NULL;
    clients_stop(&program->boxd);
    nursery_stop(&program->boxd);
    boxes_stop(&program->boxd);
    if (program->signals_open) {
        (void)uv_poll_stop(&program->signals);
        uv_close((uv_handle_t *)&program->signals, NULL);
    }
    /* The loop ends by itself when the last box is buried. */
    (void)uv_timer_start(&program->deadline, on_deadline, STOP_DEADLINE_MS, 0);
    uv_unref((uv_handle_t *)&program->deadline);
}

/* ---- Reloading ---- */

static bool is_same(const struct languages *a, const struct languages *b)
{
    bool same = a->n == b->n;

    for (size_t i = 0; same && i < a->n; i++)
        same = strcmp(a->at[i].id, b->at[i].id) == 0 && a->at[i].fingerprint == b->at[i].fingerprint;
    return same;
}

/* The files are checked as at the start; where they are not right, what holds goes on. */
static int reload_languages(struct program *program, struct err *err)
{
    const char *dir = program->config.languages_dir;
    CLEANUP(languages_done) struct languages fresh = {0};
    struct old_languages *old = NULL;
    int r = languages_check_owner(dir, err);

    if (r == 0)
        r = languages_load(&fresh, dir, err);
    if (r < 0)
        return r;
    if (is_same(&fresh, &program->languages)) {
        log_info("languages are as they were");
        return 0;
    }
    old = malloc(sizeof *old);
    if (old == NULL)
        return err_set(err, -ENOMEM, "out of memory");
    *old = (struct old_languages){program->old_languages, program->languages};
    program->old_languages = old;
    program->languages = fresh;
    fresh = (struct languages){0};
    log_info("languages and their limits are reloaded");
    nursery_reload(&program->boxd);
    return 0;
}

static void reload(struct program *program)
{
    struct err err = {0};

    if (program->boxd.stopping || program->boxd.on_first_box != NULL)
        log_warn("not reloading while starting or stopping");
    else if (reload_languages(program, &err) < 0)
        log_error("the languages stay as they are: %s", err.msg);
}

static void free_old_languages(struct program *program)
{
    while (program->old_languages != NULL) {
        struct old_languages *old = program->old_languages;

        program->old_languages = old->next;
        languages_done(&old->languages);
        free(old);
    }
}

static void on_signal(uv_poll_t *poll, int status, int events)
{
    struct program *program = poll->data;
    struct signalfd_siginfo info;

    (void)status;
    (void)events;
    if (read(program->signal_fd, &info, sizeof info) != (ssize_t)sizeof info)
        return;
    if (info.ssi_signo == SIGHUP) {
        reload(program);
    } else {
        log_info("stopping: %s", strsignal((int)info.ssi_signo));
        stop(program);
    }
}

/* ---- Starting ---- */

/* Accepting connections says that boxes can be made: so one is made first. */
static void on_first_box(struct boxd *boxd, const struct err *err)
{
    struct program *program = (struct program *)(void *)((char *)boxd - offsetof(struct program, boxd));
    struct err why = {0};
    int r = 0;

    boxd->on_first_box = NULL;
    if (err != NULL)
        why = *err;
    else if (!program->doctor)
        r = clients_listen(boxd, &why);
    if (err != NULL || r < 0) {
        program->failed = true;
        program->why = why;
    } else if (!program->doctor) {
        log_info("boxes are ready: cgroup %s, %u slots, uids from %u, socket %s", cgroups_describe(boxd->cgroups),
                 boxd->n_slots, boxd->uid_base, program->config.boxd_socket);
    }
    if (program->failed || program->doctor)
        stop(program);
    else
        nursery_start_interpreters(boxd);
}

/* Two boxd of one folder are one instance; the name finds again what a killed one left. FNV-1a, 64 bits. */
static void instance_name(char *ret, size_t size, const char *socket_path, bool doctor)
{
    uint64_t hash = UINT64_C(0xcbf29ce484222325);

    for (const char *at = socket_path; *at != '\0'; at++)
        hash = (hash ^ (unsigned char)*at) * UINT64_C(0x100000001b3);
    if (doctor)
        (void)snprintf(ret, size, "doctor-%d", (int)getpid());
    else
        (void)snprintf(ret, size, "%016llx", (unsigned long long)hash);
}

static int find_client(struct program *program, struct err *err)
{
    struct passwd *user = getpwnam(program->config.user);

    if (user == NULL && !program->doctor)
        return err_set(err, -ENOENT, "there is no user '%s': make it with `useradd --system --no-create-home "
                       "--shell /usr/sbin/nologin %s`, or set `user`", program->config.user, program->config.user);
    program->boxd.client_uid = user == NULL ? 0 : user->pw_uid;
    program->boxd.client_gid = user == NULL ? 0 : user->pw_gid;
    return 0;
}

static int open_init(struct boxd *boxd, struct err *err)
{
    CLEANUP(freep) char *path = NULL;
    int r = config_find_program(&path, "glimpse-init", err);

    if (r < 0)
        return r;
    boxd->init_fd = open(path, O_RDONLY | O_CLOEXEC);
    return boxd->init_fd < 0 ? err_errno(err, -errno, "%s", path) : 0;
}

/* cgroups last of what may be missing: a failure there is a row of the table, not yet an end. */
static int check_layers(struct program *program, struct err *err)
{
    struct boxd *boxd = &program->boxd;
    struct err cgroup_err = {0};
    int r;

    instance_name(program->instance, sizeof program->instance, program->config.boxd_socket, program->doctor);
    r = program->doctor ? 0 : instance_lock(&program->instance_lock_fd, program->instance, err);
    if (r < 0)
        return r;
    if (cgroups_open(&boxd->cgroups, program->instance, &cgroup_err) < 0)
        boxd->cgroups = NULL;
    return layers_check(program->layers, boxd->cgroups, &cgroup_err, &program->config.allow_missing, err);
}

/* A slot has a socket and a pidfd, and some more while it is made. */
static int raise_open_files(uint64_t slots, struct err *err)
{
    const rlim_t wanted = slots * 2 + 256;
    struct rlimit limit;

    if (getrlimit(RLIMIT_NOFILE, &limit) < 0)
        return err_errno(err, -errno, "open files");
    if (limit.rlim_max < wanted)
        return err_set(err, -EMFILE,
                       "%llu slots need %llu open files, the limit is %llu: raise it (LimitNOFILE=) or lower `slots`",
                       (unsigned long long)slots, (unsigned long long)wanted, (unsigned long long)limit.rlim_max);
    limit.rlim_cur = limit.rlim_max;
    return setrlimit(RLIMIT_NOFILE, &limit) < 0 ? err_errno(err, -errno, "open files") : 0;
}

static int open_boxd(struct program *program, struct err *err)
{
    struct boxd *boxd = &program->boxd;
    long n_cpus = sysconf(_SC_NPROCESSORS_ONLN);
    int r = layers_require(program->layers, err);

    if (r < 0)
        return r;
    if (boxd->cgroups == NULL)
        return err_set(err, -ENOTSUP, "no cgroup hierarchy at all: see `glimpse doctor`");
    if (program->config.slots * 2 > UIDS_PER_RANGE)
        return err_set(err, -EINVAL, "slots may be at most %d", UIDS_PER_RANGE / 2);
    boxd->n_slots = (uint32_t)program->config.slots;
    r = raise_open_files(program->config.slots, err);
    if (r < 0)
        return r;
    boxd->n_cpus = n_cpus > 0 ? (unsigned)n_cpus : 1;
    boxd->namespaces = layers_namespaces(program->layers);
    boxd->config = &program->config;
    boxd->languages = &program->languages;
    boxd->loop = &program->loop;
    boxd->on_first_box = on_first_box;
    LIST_INIT(&boxd->clients);
    r = find_client(program, err);
    if (r == 0)
        r = uids_lock(&boxd->uid_base, &program->uid_lock_fd, (uint32_t)program->config.uid_base, err);
    if (r == 0)
        r = open_init(boxd, err);
    if (r == 0 && pipe2(boxd->leash, O_CLOEXEC) < 0)
        r = err_errno(err, -errno, "pipe");
    if (r == 0 && program->layers[LAYER_SECCOMP].there)
        r = seccomp_build(&boxd->seccomp_fd, err);
    else if (r == 0 && (boxd->seccomp_fd = fd_memfd("no-seccomp")) < 0) /* empty: init takes it for no filter */
        r = err_errno(err, -errno, "memfd");
    return r;
}

static int watch_signals(struct program *program, struct err *err)
{
    sigset_t set;
    int r;

    (void)sigemptyset(&set);
    (void)sigaddset(&set, SIGTERM);
    (void)sigaddset(&set, SIGINT);
    (void)sigaddset(&set, SIGHUP);
    program->signal_fd = signalfd(-1, &set, SFD_CLOEXEC | SFD_NONBLOCK);
    if (program->signal_fd < 0 || sigprocmask(SIG_BLOCK, &set, NULL) < 0)
        return err_errno(err, -errno, "signalfd");
    r = uv_poll_init(&program->loop, &program->signals, program->signal_fd);
    program->signals.data = program;
    program->signals_open = r == 0;
    if (r == 0)
        r = uv_poll_start(&program->signals, UV_READABLE, on_signal);
    return r < 0 ? err_set(err, r, "signals: %s", uv_strerror(r)) : 0;
}

/* The zygote is cloned in nursery_init(), before any handle but the signals' exists. */
static int serve(struct program *program, struct err *err)
{
    int r = uv_loop_init(&program->loop);

    if (r < 0)
        return err_set(err, r, "event loop: %s", uv_strerror(r));
    (void)uv_timer_init(&program->loop, &program->deadline);
    r = watch_signals(program, err);
    if (r == 0)
        r = boxes_init(&program->boxd, err);
    if (r == 0)
        r = strays_init(&program->boxd, err);
    if (r == 0)
        r = nursery_init(&program->boxd, err);
    if (r == 0)
        (void)uv_run(&program->loop, UV_RUN_DEFAULT);
    uv_walk(&program->loop, on_walk, NULL);
    (void)uv_run(&program->loop, UV_RUN_DEFAULT);
    (void)uv_loop_close(&program->loop);
    free(program->boxd.boxes);
    nursery_done(&program->boxd);
    if (r == 0 && program->failed) {
        *err = program->why;
        r = err->code;
    }
    return r;
}

/* ---- Doctor ---- */

static void print_layers(const struct program *program)
{
    bool color = isatty(STDOUT_FILENO) == 1;

    for (size_t i = 0; i < N_LAYERS; i++) {
        const struct layer_state *state = &program->layers[i];
        const char *word = state->there ? "ok" : state->allowed_missing ? "allowed" : "MISSING";
        const char *paint = !color ? "" : state->there ? "\033[32m" : state->allowed_missing ? "\033[33m" : "\033[31m";

        printf("%s%-8s%s%-18s %s\n", paint, word, color ? "\033[0m" : "", layer_table[i].name, layer_table[i].what);
        if (!state->there)
            printf("%26s why: %s\n%26s fix: %s\n", "", state->why.msg, "", layer_table[i].fix);
    }
    if (program->boxd.cgroups != NULL)
        printf("\ncgroup %s\n", cgroups_describe(program->boxd.cgroups));
}

static int finish_doctor(int r, const struct err *err)
{
    if (r == 0)
        printf("a box was made with all of them, and destroyed: this host can run Glimpse\n");
    else
        printf("this host can't run Glimpse as configured: %s\n", err->msg);
    return r == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}

/* ---- The whole ---- */

static int parse_args(struct program *program, struct config_args *args, int argc, char **argv)
{
    static const struct option options[] = {{"config", required_argument, NULL, 'c'},
                                            {"data", required_argument, NULL, 'd'},
                                            {"listen", required_argument, NULL, 'l'},
                                            {"doctor", no_argument, NULL, 'D'},
                                            {NULL, 0, NULL, 0}};
    int option;

    while ((option = getopt_long(argc, argv, "", options, NULL)) != -1) {
        if (option == 'c')
            args->file = optarg;
        else if (option == 'd')
            args->data_dir = optarg;
        else if (option == 'l')
            args->listen = optarg;
        else if (option == 'D')
            program->doctor = true;
        else
            return -EINVAL; /* getopt said what is wrong */
    }
    if (optind < argc) {
        (void)fprintf(stderr, "glimpse-boxd: '%s': takes options only\n", argv[optind]);
        return -EINVAL;
    }
    return 0;
}

static int run(struct program *program, const struct config_args *args, struct err *err)
{
    int r = config_load_args(&program->config, args, err);

    if (r < 0)
        return r;
    log_open("boxd", (enum log_level)program->config.log_level, (enum log_format)program->config.log_format);
    r = check_layers(program, err); /* first: it also removes what a killed one left */
    if (r == 0 && program->doctor)
        print_layers(program);
    if (r == 0)
        r = languages_check_owner(program->config.languages_dir, err);
    if (r == 0)
        r = languages_load(&program->languages, program->config.languages_dir, err);
    if (r == 0)
        r = open_boxd(program, err);
    return r == 0 ? serve(program, err) : r;
}

/* Whatever our parent ignored or blocked: an ignored SIGCHLD, for one, would take our children's statuses away.
 * SIGHUP waits until we can listen to it. */
static void plain_signals(void)
{
    sigset_t blocked;

    for (int sig = 1; sig < NSIG; sig++)
        (void)signal(sig, SIG_DFL); /* fails for those that can't be changed */
    (void)signal(SIGPIPE, SIG_IGN);
    (void)sigemptyset(&blocked);
    (void)sigaddset(&blocked, SIGHUP);
    (void)sigprocmask(SIG_SETMASK, &blocked, NULL);
}

int main(int argc, char **argv)
{
    static struct program program; /* large, and pointed into */
    struct config_args args = {0};
    struct err err = {0};
    int r;

    program.boxd.seccomp_fd = program.boxd.init_fd = program.boxd.listen_fd = -1;
    program.boxd.leash[0] = program.boxd.leash[1] = -1;
    program.signal_fd = program.uid_lock_fd = program.instance_lock_fd = -1;
    log_open("boxd", LOG_INFO, LOG_LOGFMT);
    plain_signals();
    (void)umask(022);
    if (parse_args(&program, &args, argc, argv) < 0)
        return EXIT_USAGE;
    r = run(&program, &args, &err);
    closep(&program.boxd.seccomp_fd);
    closep(&program.boxd.init_fd);
    closep(&program.boxd.leash[0]);
    closep(&program.boxd.leash[1]);
    closep(&program.signal_fd);
    closep(&program.uid_lock_fd);
    cgroups_free(program.boxd.cgroups);
    instance_unlock(program.instance_lock_fd, program.instance);
    languages_done(&program.languages);
    free_old_languages(&program);
    config_done(&program.config);
    if (program.doctor)
        return finish_doctor(r, &err);
    if (r < 0)
        log_error("%s", err.msg);
    return r < 0 ? EXIT_FAILURE : EXIT_SUCCESS;
}
