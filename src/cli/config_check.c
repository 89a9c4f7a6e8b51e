#include "cli/config_check.h"

#include <errno.h>
#include <pwd.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/ip.h"
#include "languages/languages.h"

enum { UIDS = 131072 }; /* that boxes use, from uid_base on */

static void PRINTF_LIKE(2, 3) warn(struct config_findings *findings, const char *fmt, ...)
{
    char text[1024];
    va_list ap;

    va_start(ap, fmt);
    (void)vsnprintf(text, sizeof text, fmt, ap);
    va_end(ap);
    config_warn(findings, text);
}

static void PRINTF_LIKE(2, 3) fault(struct config_findings *findings, const char *fmt, ...)
{
    char text[1024];
    va_list ap;

    va_start(ap, fmt);
    (void)vsnprintf(text, sizeof text, fmt, ap);
    va_end(ap);
    config_fault(findings, text);
}

static bool is_given(const struct config_origin *origins, const char *name)
{
    for (size_t i = 0; i < config_n_keys; i++)
        if (strcmp(config_keys[i].name, name) == 0)
            return origins[i].from != CONFIG_DEFAULT;
    return false;
}

static uint64_t memory_bytes(void)
{
    const long pages = sysconf(_SC_PHYS_PAGES), size = sysconf(_SC_PAGESIZE);

    return pages > 0 && size > 0 ? (uint64_t)pages * (uint64_t)size : 0;
}

/* ---- Settings against each other ---- */

static void check_boxes(struct config_findings *findings, const struct config *config,
                        const struct config_origin *origins)
{
    struct rlimit files = {0};

    if (is_given(origins, "warm_max") && is_given(origins, "warm") && config->warm_max == config->warm)
        warn(findings,
             "warm_max is no more than warm (%llu): no more interpreters are kept ready where they are used up",
             (unsigned long long)config->warm);
    if (is_given(origins, "slots") && config->slots < config->max_running + config->pool + config->warm)
        warn(findings, "slots is %llu: max_running, pool and warm together want %llu, so programs will begin cold",
             (unsigned long long)config->slots,
             (unsigned long long)(config->max_running + config->pool + config->warm));
    if (config->warm == 0)
        warn(findings, "warm is 0: every interpreter is started when its program comes");
    if (config->max_queued == 0)
        warn(findings, "max_queued is 0: a job that comes while all places are taken is refused at once");
    if (getrlimit(RLIMIT_NOFILE, &files) == 0 &&
        files.rlim_max < config->cache_entries + 16 * config->max_running + 256)
        warn(findings, "the limit of open files is %llu: cache_entries and max_running may want %llu (LimitNOFILE=)",
             (unsigned long long)files.rlim_max,
             (unsigned long long)(config->cache_entries + 16 * config->max_running + 256));
}

static void check_memory(struct config_findings *findings, const struct config *config,
                         const struct languages *languages)
{
    const uint64_t there = memory_bytes();
    uint64_t largest = 0;

    for (size_t i = 0; i < languages->n; i++)
        for (size_t stage = 0; stage < N_STAGES; stage++)
            if (languages->at[i].stages[stage].present &&
                languages->at[i].stages[stage].defaults.memory_bytes > largest)
                largest = languages->at[i].stages[stage].defaults.memory_bytes;
    if (there > 0 && config->max_running * largest > there)
        warn(findings,
             "max_running (%llu) times the largest default memory limit of a language (%llu MiB) is more than this "
             "machine has (%llu MiB)",
             (unsigned long long)config->max_running, (unsigned long long)(largest >> 20),
             (unsigned long long)(there >> 20));
    if (there > 0 && config->warm_memory + config->cache > there / 2)
        warn(findings,
             "warm_memory and cache together (%llu MiB) are more than half of this machine's memory (%llu MiB)",
             (unsigned long long)((config->warm_memory + config->cache) >> 20), (unsigned long long)(there >> 20));
}

/* listen without its port; true where that is no address, which the service will say. */
static bool is_loopback(const char *listen)
{
    const char *colon = strrchr(listen, ':');
    struct slice address = {listen, colon == NULL ? 0 : (size_t)(colon - listen)};
    struct ip ip;

    if (address.len > 2 && address.at[0] == '[')
        address = (struct slice){address.at + 1, address.len - 2};
    return ip_parse(&ip, address) < 0 || ip_is_loopback(&ip);
}

static void check_doors(struct config_findings *findings, const struct config *config)
{
    if (!is_loopback(config->listen))
        warn(findings, "listen is %s: others reach it without TLS; a reverse proxy belongs in front", config->listen);
    if (config->allow_missing.n > 0)
        warn(findings, "allow_missing: boxes may lack %zu of their isolation layers", config->allow_missing.n);
    if (config->log_level == 0)
        warn(findings, "log_level is debug: several lines for each request");
}

/* ---- The machine ---- */

static void check_user(struct config_findings *findings, const struct config *config)
{
    const struct passwd *user = getpwnam(config->user);

    if (user == NULL)
        fault(findings,
              "user: there is no %s: `useradd --system --no-create-home --shell /usr/sbin/nologin %s` makes one",
              config->user, config->user);
    else if (user->pw_uid == 0 || user->pw_gid == 0)
        fault(findings, "user: %s has the ids of root; name one without privileges", config->user);
}

/* NAME:FIRST:COUNT in each line. */
static void check_uids(struct config_findings *findings, const struct config *config)
{
    FILE *file = fopen("/etc/subuid", "re");
    char line[256];

    while (file != NULL && fgets(line, sizeof line, file) != NULL) {
        char *colon = strchr(line, ':'), *end = NULL;
        uint64_t first = colon == NULL ? 0 : strtoull(colon + 1, &end, 10);
        uint64_t count = end == NULL || *end != ':' ? 0 : strtoull(end + 1, NULL, 10);

        if (count > 0 && first < config->uid_base + UIDS && config->uid_base < first + count)
            warn(findings, "uid_base: boxes use uids %llu to %llu, which /etc/subuid gives to %.*s",
                 (unsigned long long)config->uid_base, (unsigned long long)(config->uid_base + UIDS - 1),
                 (int)(colon - line), line);
    }
    if (file != NULL)
        (void)fclose(file);
}

/* optional: a sentence for a folder that is not there; NULL: it is made at the start. */
static void check_folder(struct config_findings *findings, const char *name, const char *path, const char *optional)
{
    struct stat st;

    if (stat(path, &st) < 0) {
        if (errno != ENOENT)
            fault(findings, "%s: %s: %s", name, path, strerrordesc_np(errno));
        else if (optional != NULL)
            warn(findings, "%s: %s is not there: %s", name, path, optional);
    } else if (!S_ISDIR(st.st_mode)) {
        fault(findings, "%s: %s is not a folder", name, path);
    }
}

static void check_folders(struct config_findings *findings, const struct config *config)
{
    struct stat st;

    check_folder(findings, "data_dir", config->data_dir, NULL);
    check_folder(findings, "run_dir", config->run_dir, NULL);
    check_folder(findings, "web_dir", config->web_dir, "there is no playground then");
    check_folder(findings, "toolchains_dir", config->toolchains_dir,
                 "script/toolchains makes it; languages that need it are not available");
    if (stat(config->run_dir, &st) == 0 && (st.st_uid != 0 || (st.st_mode & (S_IWGRP | S_IWOTH)) != 0))
        fault(findings, "run_dir: %s must be root's and not writable for others: `chown root %s && chmod 750 %s`",
              config->run_dir, config->run_dir, config->run_dir);
}

static void on_language_fault(void *arg, const char *sentence)
{
    config_fault(arg, sentence);
}

static void check_languages(struct config_findings *findings, const struct config *config)
{
    CLEANUP(languages_done) struct languages languages = {0};
    struct err err = {0};

    if (access(config->languages_dir, R_OK | X_OK) < 0) {
        fault(findings, "languages_dir: %s: %s", config->languages_dir, strerrordesc_np(errno));
        return;
    }
    if (languages_check_owner(config->languages_dir, &err) < 0)
        fault(findings, "languages_dir: %s", err.msg);
    if (languages_check(config->languages_dir, on_language_fault, findings) > 0 ||
        languages_load(&languages, config->languages_dir, &err) < 0)
        return;
    languages_look(&languages, config->toolchains_dir);
    for (size_t i = 0; i < languages.n; i++)
        if (!languages.at[i].available)
            warn(findings, "language %s is not available: %s", languages.at[i].id,
                 languages.at[i].unavailable != NULL ? languages.at[i].unavailable : "its toolchain is missing");
    check_memory(findings, config, &languages);
}

void config_check_all(struct config_findings *findings, const struct config *config,
                      const struct config_origin *origins)
{
    check_boxes(findings, config, origins);
    check_doors(findings, config);
    check_user(findings, config);
    check_uids(findings, config);
    check_folders(findings, config);
    check_languages(findings, config);
}
