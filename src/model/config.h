/*
 * config: what the operator decides. One table gives each setting its name, bounds and help; values come
 * from the defaults, then the file, then the environment (GLIMPSE_<NAME>), then the command line: the last wins.
 * glimpse, glimpsed and glimpse-boxd read the same file, so that they agree.
 */
#pragma once

#include <stdint.h>

#include "base/err.h"
#include "base/strings.h"
#include "model/ini.h"

#define CONFIG_DEFAULT_FILE "/etc/glimpse/glimpse.ini"

enum config_costly {
    COSTLY_ASKED, /* when one is first asked for, and until nobody has for an hour */
    COSTLY_START, /* at the start */
    COSTLY_NEVER,
};

/* All pointers are owned. Directories are absolute once loaded. */
struct config {
    char *listen;         /* ADDR:PORT, [ADDR]:PORT for IPv6; port 0: any free one */
    char *data_dir;       /* the database and what must outlive a restart */
    char *run_dir;        /* sockets; default: data_dir/run */
    char *languages_dir;  /* <id>/language.ini; default: see config_load() */
    char *web_dir;        /* the playground's files; default: see config_load() */
    char *toolchains_dir; /* toolchains that Debian does not package */
    char *user;           /* whom glimpsed becomes when it is started as root */
    struct strings allow_missing; /* isolation layers that may be missing, by name */
    struct strings trusted_proxies; /* addresses and networks, as ip_network_parse() takes them */
    struct strings metrics_allow; /* the same, of who may read /metrics besides this machine */
    bool require_key;             /* who has no API key may run nothing */
    struct strings allow_origins; /* "https://example.org", or "*" */
    uint64_t max_running; /* stages at one time */
    uint64_t max_queued;  /* jobs that wait for a place */
    uint64_t max_running_per_caller; /* of one address or key; those on this machine may have all */
    uint64_t max_queued_per_caller;  /* 0: no bound but that of struct engine_caller */
    uint64_t interactive_max;  /* interactive runs at one time */
    uint64_t interactive_time; /* milliseconds of wall time that each has at most */
    uint64_t rate_limit;  /* requests an hour of one address; 0: any number */
    uint64_t slots;       /* boxes alive at one time, warm ones too */
    uint64_t pool;        /* idle boxes that any language can use */
    uint64_t warm;        /* idle boxes with an interpreter in them, for each language that can; 0: none are made */
    uint64_t warm_max;    /* as many as that where they are used up faster than they are made */
    uint64_t warm_memory; /* bytes that idle boxes with interpreters may hold */
    uint64_t warm_costly; /* enum config_costly: when interpreters are booted that take seconds to boot */
    uint64_t warm_renew;  /* boxes that get their interpreter from one zygote */
    uint64_t cache;       /* bytes of compiled programs that are kept; 0: none */
    uint64_t cache_entries; /* how many of them */
    uint64_t snippets;    /* shared programs that are kept; 0: none are taken */
    uint64_t uid_base;    /* first host uid of the boxes; slot n has uid_base + 2n and the next */
    struct strings webhook_allow; /* networks that webhooks may go to, besides public addresses */
    uint64_t log_format;  /* enum log_format */
    uint64_t body_max;    /* bytes of a request's body */
    uint64_t submissions_max;   /* that are not finished */
    uint64_t submissions_age;   /* ms that a finished one is kept; 0: for ever */
    uint64_t submissions_bytes; /* of the database, beyond which the oldest go; 0: no bound */
    uint64_t log_level;   /* enum log_level */

    char *boxd_socket;    /* run_dir/boxd.sock; set by config_load(), short enough for sockaddr_un */
};

/* What a command line may set; NULL: not given. All borrowed. */
struct config_args {
    const char *file; /* NULL: CONFIG_DEFAULT_FILE where it exists */
    const char *data_dir;
    const char *listen;
};

/*
 * Fills *ret. < 0 with *err naming file and line, or the variable, and what
 * would be right; *ret is then untouched. Languages are looked for in `languages` beside the running executable, then
 * beside its folder (a build tree), then in GLIMPSE_LIBEXEC_DIR;
 * the playground's files likewise: `web`, then web/dist beside the folder.
 */
MUST_CHECK int config_load(struct config *ret, const char *file, struct err *err);
MUST_CHECK int config_load_args(struct config *ret, const struct config_args *args, struct err *err);
void config_done(struct config *config);

enum config_from { CONFIG_DEFAULT, CONFIG_FILE, CONFIG_ENVIRONMENT, CONFIG_ARGUMENT };
struct config_origin {
    enum config_from from;
    unsigned line; /* CONFIG_FILE */
};

/* For who wants to know all at once: each fault is told, and its setting left as it was. */
struct config_report {
    void (*on_fault)(void *arg, const char *sentence);
    void *arg;
    struct config_origin *origins; /* [config_n_keys], by the caller, zero */
    const char *file;              /* set: static or borrowed from args; NULL: none was read */
};
/* As config_load_args(); < 0 only where no configuration comes of it. */
MUST_CHECK int config_load_report(struct config *ret, const struct config_args *args, struct config_report *report,
                                  struct err *err);
/* What a file without a single line means, with what depends on the machine left zero or NULL; to config_done(). */
MUST_CHECK int config_defaults(struct config *ret);
/* Of the setting in the environment: "GLIMPSE_MAX_RUNNING". */
void config_environment_name(char *ret, size_t size, const struct ini_key *key);

/* A helper executable ("glimpse-boxd"): beside the running one, else in GLIMPSE_LIBEXEC_DIR.
 * *ret is owned by the caller; -ENOENT names both places. */
MUST_CHECK int config_find_program(char **ret, const char *name, struct err *err);

/* For `glimpse help config` and the documentation's test. */
extern const struct ini_key config_keys[];
extern const size_t config_n_keys;
