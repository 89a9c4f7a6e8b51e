#include "model/config.h"

#include <ctype.h>
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/un.h>
#include <unistd.h>

#include "base/buf.h"
#include "base/ip.h"

static const char *const log_formats[] = {"logfmt", "json", "text", NULL};
static const char *const costly_names[] = {
    [COSTLY_ASKED] = "asked", [COSTLY_START] = "start", [COSTLY_NEVER] = "never", NULL};
static const char *const log_levels[] = {"debug", "info", "warn", "error", NULL};

#define KEY(field, kind, low, high, text)                                                          \
    {                                                                                              \
        .section = "", .name = #field, .type = kind, .offset = offsetof(struct config, field),     \
        .min = low, .max = high, .help = text                                                      \
    }

/* clang-format off */
const struct ini_key config_keys[] = {
    KEY(listen,         INI_STRING, 0, 255,  "address and port of the API (127.0.0.1:2358)"),
    KEY(data_dir,       INI_STRING, 0, 4095, "the database; what must outlive a restart (/var/lib/glimpse)"),
    KEY(run_dir,        INI_STRING, 0, 4095, "sockets (run in data_dir)"),
    KEY(languages_dir,  INI_STRING, 0, 4095, "language files (languages beside the executable, or installed)"),
    KEY(web_dir,        INI_STRING, 0, 4095, "the playground's files (web beside the executable, or installed)"),
    KEY(toolchains_dir, INI_STRING, 0, 4095, "toolchains that Debian does not package (/opt/glimpse/toolchains)"),
    KEY(user,           INI_STRING, 0, 31,   "whom glimpsed becomes when it is started as root (glimpse)"),
    KEY(allow_missing,  INI_WORDS,  0, 32,   "isolation layers that may be missing, as `glimpse doctor` names them"),
    KEY(trusted_proxies, INI_WORDS, 0, 64,   "addresses and networks of proxies whose X-Forwarded-For is believed (none)"),
    KEY(metrics_allow,  INI_WORDS,  0, 64,   "addresses and networks that may read /metrics, besides this machine (none)"),
    KEY(require_key,    INI_BOOL,   0, 0,    "runs take an API key (`glimpse key`): yes or no (no)"),
    KEY(allow_origins,  INI_WORDS,  0, 64,   "origins whose pages may call the API from a browser, like https://example.org, or * for all (none)"),
    KEY(max_running,    INI_UINT,   1, 1024, "stages at one time (twice the CPUs, at least 4)"),
    KEY(max_queued,     INI_UINT,   0, 100000, "jobs that wait for a place, before new ones are refused (512)"),
    KEY(max_running_per_caller, INI_UINT, 1, 1024, "of them, for one caller (three quarters of max_running; all on the loopback address)"),
    KEY(max_queued_per_caller, INI_UINT, 1, 100000, "of them, for one caller (as many as it leaves to others)"),
    KEY(interactive_max, INI_UINT,  0, 1024, "interactive runs at one time; 0: there are none (as many as CPUs, at least 2)"),
    KEY(interactive_time, INI_MS,   1000, 3600000, "the wall time that each of them has at most (10m)"),
    KEY(rate_limit,     INI_UINT,   0, 1000000000, "requests an hour of one address, but for those on the loopback address; 0: any number (1000)"),
    KEY(slots,          INI_UINT,   2, 4096, "boxes alive at one time, idle ones too (max_running + pool + warm_max + 32)"),
    KEY(pool,           INI_UINT,   0, 1024, "idle boxes that any language can use (4)"),
    KEY(warm,           INI_UINT,   0, 256,  "idle boxes with an interpreter in them, for each language that can (2)"),
    KEY(warm_max,       INI_UINT,   1, 256,  "as many as that, where they are used up faster than made (16)"),
    KEY(warm_memory,    INI_BYTES,  UINT64_C(1) << 20, UINT64_C(1) << 40, "what idle boxes with interpreters may hold, altogether (1G)"),
    {.section = "", .name = "warm_costly", .type = INI_CHOICE, .offset = offsetof(struct config, warm_costly),
     .choices = costly_names, .help = "when to boot what takes seconds to boot, the JVMs: asked (when first asked for), start or never (asked)"},
    KEY(warm_renew,     INI_UINT,   1, 1000000, "boxes that get their interpreter from one process, before another is booted (10000)"),
    KEY(cache,          INI_BYTES,  0, UINT64_C(64) << 30, "compiled programs that are kept in memory, altogether; 0: none (256M)"),
    KEY(cache_entries,  INI_UINT,   1, 65536, "how many at most, each an open file (1024)"),
    KEY(body_max,       INI_BYTES,  65536, 256 << 20, "the body of a request, the program's files and its input together (16M)"),
    KEY(snippets,       INI_UINT,   0, 100000000, "programs that are kept for those who share them; 0: sharing is off (100000)"),
    KEY(uid_base,       INI_UINT,   65536, 4294836224, "first host uid of the boxes, two for each slot (1879048192)"),
    KEY(submissions_max, INI_UINT,  1, 100000, "submissions that are not finished, before new ones are refused (10000)"),
    KEY(submissions_age, INI_MS,    0, UINT64_C(10) * 366 * 24 * 3600000, "how long a finished submission is kept; 0: for ever (720h)"),
    KEY(submissions_bytes, INI_BYTES, 0, UINT64_C(1) << 50, "of the database, beyond which the oldest submissions go; 0: no bound (10G)"),
    KEY(webhook_allow,  INI_WORDS,  0, 64,   "addresses and networks that webhooks may go to, besides public ones (none)"),
    {.section = "", .name = "log_format", .type = INI_CHOICE, .offset = offsetof(struct config, log_format),
     .choices = log_formats, .help = "how a line is written: logfmt, json or text (logfmt)"},
    {.section = "", .name = "log_level", .type = INI_CHOICE, .offset = offsetof(struct config, log_level),
     .choices = log_levels, .help = "least level that is logged: debug, info, warn or error (info)"},
};
/* clang-format on */
const size_t config_n_keys = COUNT_OF(config_keys);

/* Where a directory is relative, it is to the working directory, which the daemons do not share. */
static int make_absolute(char **dir, struct err *err)
{
    CLEANUP(freep) char *cwd = NULL;
    char *path = NULL;

    if (**dir == '/')
        return 0;
    if (**dir == '\0')
        return err_set(err, -EINVAL, "a directory is the empty string");
    cwd = getcwd(NULL, 0);
    if (cwd == NULL)
        return err_errno(err, -errno, "the working directory");
    if (asprintf(&path, "%s/%s", cwd, *dir) < 0)
        return err_set(err, -ENOMEM, "out of memory");
    free(*dir);
    *dir = path;
    return 0;
}

/* The folder that the running executable is in, owned by the caller; NULL where it is not known. */
static char *executable_dir(void)
{
    char path[4096];
    ssize_t len = readlink("/proc/self/exe", path, sizeof path - 1);
    char *slash;

    if (len <= 0)
        return NULL;
    path[len] = '\0';
    slash = strrchr(path, '/');
    if (slash == NULL)
        return NULL;
    *slash = '\0';
    return strdup(path);
}

/* Beside the executable under its installed name, then where a build tree has it, then installed. */
static int default_dir(char **ret, const char *name, const char *in_tree, struct err *err)
{
    CLEANUP(freep) char *dir = executable_dir();
    const char *const below[] = {name, in_tree};
    char *path = NULL;

    for (size_t i = 0; dir != NULL && i < COUNT_OF(below); i++) {
        if (asprintf(&path, "%s/%s", dir, below[i]) < 0)
            return err_set(err, -ENOMEM, "out of memory");
        if (access(path, R_OK | X_OK) == 0) {
            *ret = path;
            return 0;
        }
        free(path);
    }
    if (asprintf(&path, "%s/%s", GLIMPSE_LIBEXEC_DIR, name) < 0)
        return err_set(err, -ENOMEM, "out of memory");
    *ret = path;
    return 0;
}

int config_find_program(char **ret, const char *name, struct err *err)
{
    CLEANUP(freep) char *dir = executable_dir();
    char *path = NULL;

    if (dir != NULL) {
        if (asprintf(&path, "%s/%s", dir, name) < 0)
            return err_set(err, -ENOMEM, "out of memory");
        if (access(path, X_OK) == 0) {
            *ret = path;
            return 0;
        }
        free(path);
    }
    if (asprintf(&path, "%s/%s", GLIMPSE_LIBEXEC_DIR, name) < 0)
        return err_set(err, -ENOMEM, "out of memory");
    if (access(path, X_OK) == 0) {
        *ret = path;
        return 0;
    }
    free(path);
    return err_set(err, -ENOENT, "%s is neither in %s nor in %s", name, dir ? dir : "?",
                   GLIMPSE_LIBEXEC_DIR);
}

static int set_defaults(struct config *config)
{
    static const struct {
        size_t offset;
        const char *text;
    } texts[] = {
        {offsetof(struct config, listen), "127.0.0.1:2358"},
        {offsetof(struct config, data_dir), "/var/lib/glimpse"},
        {offsetof(struct config, toolchains_dir), "/opt/glimpse/toolchains"},
        {offsetof(struct config, user), "glimpse"},
    };
    long n_cpus = sysconf(_SC_NPROCESSORS_ONLN);

    *config = (struct config){
        .max_queued = 512, .rate_limit = 1000, .pool = 4, .warm = 2, .warm_max = 16, .warm_memory = UINT64_C(1) << 30,
        .warm_renew = 10000, .cache = 256 << 20, .cache_entries = 1024, .body_max = 16 << 20,
        .snippets = 100000, .uid_base = 1879048192,
        .submissions_max = 10000, .submissions_age = UINT64_C(720) * 3600000,
        .submissions_bytes = UINT64_C(10) << 30, .interactive_time = 600000, .log_level = 1};
    config->max_running = n_cpus > 512 ? 1024 : n_cpus > 2 ? (uint64_t)n_cpus * 2 : 4;
    config->interactive_max = config->max_running / 2; /* people who think leave room for programs */
    for (size_t i = 0; i < COUNT_OF(texts); i++) {
        char **field = (char **)(void *)((char *)config + texts[i].offset);

        *field = strdup(texts[i].text);
        if (*field == NULL)
            return -ENOMEM;
    }
    return 0;
}

/* With a report a fault is told, and is none any more. */
static int fault(const struct config_report *report, int r, struct err *err)
{
    if (r >= 0 || report == NULL)
        return r;
    report->on_fault(report->arg, err->msg);
    *err = (struct err){0};
    return 0;
}

/* The same, of a setting that is right by itself: says where it is from. */
static int fault_of(const struct config_report *report, const char *name, int r, struct err *err)
{
    for (size_t i = 0; r < 0 && report != NULL && i < config_n_keys; i++)
        if (strcmp(config_keys[i].name, name) == 0 && report->origins[i].from == CONFIG_FILE)
            r = err_wrap(err, r, "%s:%u", report->file, report->origins[i].line);
    return fault(report, r, err);
}

void config_environment_name(char *ret, size_t size, const struct ini_key *key)
{
    size_t len = strlen("GLIMPSE_");

    (void)snprintf(ret, size, "GLIMPSE_");
    for (const char *at = key->name; *at != '\0' && len + 1 < size; at++)
        ret[len++] = (char)toupper((unsigned char)*at);
    ret[len] = '\0';
}

/* GLIMPSE_MAX_RUNNING sets max_running. */
static int read_environment(struct config *config, struct config_report *report, struct err *err)
{
    for (size_t i = 0; i < config_n_keys; i++) {
        const char *value;
        char name[64];
        int r;

        config_environment_name(name, sizeof name, &config_keys[i]);
        value = getenv(name);
        if (value == NULL)
            continue;
        r = ini_set(config, &config_keys[i], value, err);
        if (r < 0)
            r = fault(report, err_wrap(err, r, "environment variable %s", name), err);
        else if (report != NULL)
            report->origins[i].from = CONFIG_ENVIRONMENT;
        if (r < 0)
            return r;
    }
    return 0;
}

static void note_argument(struct config_report *report, const char *option)
{
    const char *name = strcmp(option, "--data") == 0 ? "data_dir" : "listen";

    for (size_t i = 0; report != NULL && i < config_n_keys; i++)
        if (strcmp(config_keys[i].name, name) == 0)
            report->origins[i].from = CONFIG_ARGUMENT;
}

static int read_args(struct config *config, const struct config_args *args, struct config_report *report,
                     struct err *err)
{
    const struct {
        const char *option, *value;
        char **field;
    } rows[] = {
        {"--data", args->data_dir, &config->data_dir},
        {"--listen", args->listen, &config->listen},
    };

    for (size_t i = 0; i < COUNT_OF(rows); i++) {
        char *copy;

        if (rows[i].value == NULL)
            continue;
        if (rows[i].value[0] == '\0')
            return err_set(err, -EINVAL, "%s is empty", rows[i].option);
        note_argument(report, rows[i].option);
        copy = strdup(rows[i].value);
        if (copy == NULL)
            return err_set(err, -ENOMEM, "out of memory");
        free(*rows[i].field);
        *rows[i].field = copy;
    }
    return 0;
}

/* The address itself is for getaddrinfo() to judge; here only the shape and the port. */
static int check_listen(const char *listen, struct err *err)
{
    const char *colon = strrchr(listen, ':');
    uint64_t port;

    if (colon == NULL || colon == listen ||
        ini_number(&port, INI_UINT, 0, 65535, colon + 1, NULL) < 0)
        return err_set(err, -EINVAL,
                       "listen is \"%.60s\", ADDR:PORT is right, like 127.0.0.1:2358 or [::1]:2358",
                       listen);
    return 0;
}

static int check_networks(const char *name, const struct strings *networks, struct err *err)
{
    struct ip_network network;

    for (size_t i = 0; i < networks->n; i++) {
        int r = ip_network_parse(&network, networks->at[i], err);

        if (r < 0)
            return err_wrap(err, r, "%s", name);
    }
    return 0;
}

/* As a browser writes it: scheme, host and port, nothing behind, "null" for none of these. */
static int check_origins(const struct strings *origins, struct err *err)
{
    for (size_t i = 0; i < origins->n; i++) {
        const char *origin = origins->at[i], *slashes = strstr(origin, "://");

        if (strcmp(origin, "*") == 0)
            continue;
        if (slashes == NULL || slashes == origin || slashes[3] == '\0' || strpbrk(slashes + 3, "/?#@* ,") != NULL)
            return err_set(err, -EINVAL, "allow_origins: \"%.80s\" is no origin; https://example.org or "
                           "http://localhost:5173 are, without a path, and * is all", origin);
    }
    return 0;
}

/* Fills what depends on other settings, and checks what the table cannot. */
static int settle(struct config *config, const struct config_report *report, struct err *err)
{
    char **dirs[] = {&config->data_dir, &config->run_dir, &config->languages_dir, &config->web_dir,
                     &config->toolchains_dir};
    const size_t room = sizeof((struct sockaddr_un *)0)->sun_path;
    int r = 0;

    if (config->languages_dir == NULL)
        r = default_dir(&config->languages_dir, "languages", "../languages", err);
    if (r == 0 && config->web_dir == NULL)
        r = default_dir(&config->web_dir, "web", "../web/dist", err);
    if (r < 0)
        return r;
    if (config->run_dir == NULL && asprintf(&config->run_dir, "%s/run", config->data_dir) < 0) {
        config->run_dir = NULL;
        return err_set(err, -ENOMEM, "out of memory");
    }
    for (size_t i = 0; i < COUNT_OF(dirs); i++) {
        r = make_absolute(dirs[i], err);
        if (r < 0)
            return r;
    }
    if (asprintf(&config->boxd_socket, "%s/boxd.sock", config->run_dir) < 0) {
        config->boxd_socket = NULL;
        return err_set(err, -ENOMEM, "out of memory");
    }
    if (strlen(config->boxd_socket) >= room)
        r = err_set(err, -ENAMETOOLONG,
                    "run_dir is too long for a socket's name: %zu bytes with /boxd.sock, at most %zu fit. "
                    "Set run_dir to a shorter one, like /run/glimpse",
                    strlen(config->boxd_socket), room - 1);
    r = fault_of(report, "run_dir", r, err);
    if (r < 0)
        return r;
    if (config->max_running_per_caller == 0)
        config->max_running_per_caller = config->max_running - config->max_running / 4;
    if (config->warm_max < config->warm)
        config->warm_max = config->warm;
    if (config->slots == 0)
        config->slots = config->max_running + config->pool + config->warm_max + 32;
    r = fault_of(report, "trusted_proxies", check_networks("trusted_proxies", &config->trusted_proxies, err), err);
    if (r == 0)
        r = fault_of(report, "metrics_allow", check_networks("metrics_allow", &config->metrics_allow, err), err);
    if (r == 0)
        r = fault_of(report, "webhook_allow", check_networks("webhook_allow", &config->webhook_allow, err), err);
    if (r == 0)
        r = fault_of(report, "allow_origins", check_origins(&config->allow_origins, err), err);
    return r < 0 ? r : fault_of(report, "listen", check_listen(config->listen, err), err);
}

static int read_file(struct config *config, const char *file, struct config_report *report, struct err *err)
{
    CLEANUP(freep) unsigned *lines = NULL;
    struct ini_report ini = {0};
    int r;

    if (report == NULL)
        return ini_read(config, file, config_keys, config_n_keys, err);
    lines = calloc(config_n_keys, sizeof *lines);
    if (lines == NULL)
        return err_set(err, -ENOMEM, "out of memory");
    ini = (struct ini_report){.on_fault = report->on_fault, .arg = report->arg, .lines = lines};
    r = fault(report, ini_read_report(config, file, config_keys, config_n_keys, &ini, err), err);
    report->file = file;
    for (size_t i = 0; i < config_n_keys; i++)
        if (lines[i] > 0)
            report->origins[i] = (struct config_origin){CONFIG_FILE, lines[i]};
    return r;
}

int config_load_report(struct config *ret, const struct config_args *args, struct config_report *report,
                       struct err *err)
{
    CLEANUP(config_done) struct config config = {0};
    const char *file = args->file;
    int r;

    r = set_defaults(&config);
    if (r < 0)
        return err_set(err, r, "out of memory");
    if (file == NULL && access(CONFIG_DEFAULT_FILE, F_OK) == 0)
        file = CONFIG_DEFAULT_FILE;
    if (file != NULL) {
        r = read_file(&config, file, report, err);
        if (r < 0)
            return r;
    }
    r = read_environment(&config, report, err);
    if (r == 0)
        r = read_args(&config, args, report, err);
    if (r == 0)
        r = settle(&config, report, err);
    if (r < 0)
        return r;
    *ret = config;
    config = (struct config){0}; /* taken */
    return 0;
}

int config_load_args(struct config *ret, const struct config_args *args, struct err *err)
{
    return config_load_report(ret, args, NULL, err);
}

int config_defaults(struct config *ret)
{
    int r = set_defaults(ret);

    ret->max_running = 0;
    return r;
}

int config_load(struct config *ret, const char *file, struct err *err)
{
    return config_load_args(ret, &(struct config_args){.file = file}, err);
}

void config_done(struct config *config)
{
    free(config->listen);
    free(config->data_dir);
    free(config->run_dir);
    free(config->languages_dir);
    free(config->web_dir);
    free(config->toolchains_dir);
    free(config->user);
    strings_done(&config->allow_missing);
    strings_done(&config->trusted_proxies);
    strings_done(&config->allow_origins);
    strings_done(&config->metrics_allow);
    strings_done(&config->webhook_allow);
    free(config->boxd_socket);
    *config = (struct config){0};
}
