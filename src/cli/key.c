/* key: API keys, in the database that glimpsed reads: it need not run, and notices by itself. */
#include <errno.h>
#include <getopt.h>
#include <grp.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "base/utf8.h"
#include "cli/cli.h"
#include "model/config.h"
#include "store/keys.h"

static const char help[] =
    "usage: glimpse key add [OPTION...]\n"
    "       glimpse key list\n"
    "       glimpse key revoke ID...\n"
    "       glimpse key remove ID...\n\n"
    "add makes a key and prints it, once: only a hash of it is kept. The service notices within seconds.\n"
    "revoke ends keys, remove takes them off the list as well.\n\n"
    "  --name TEXT      for people: whom or what it is for\n"
    "  --scopes LIST    what it may: run, submissions, judge, metrics (run,submissions,judge)\n"
    "  --expires WHEN   90d, 12h, or a date like 2027-01-31 (never)\n"
    "  --weight N       its share of places, beside the 1 of others (1)\n"
    "  --rate N         requests an hour; 0: any number (0)\n"
    "  --running N      places at one time; 0: max_running_per_caller (0)\n"
    "  --queued N       jobs that wait at one time; 0: max_queued_per_caller (0)\n"
    "  --config FILE, --data DIR   as for `glimpse serve`\n\n"
    "Exit status: 0; 2 for a wrong command line, or an unknown ID; 3 where the database can't be used.\n";

struct request {
    const char *command; /* argv[0] */
    struct config_args config;
    struct key key;
    char *const *ids; /* what is left of the command line */
    int n_ids;
    int64_t now_s;
};

/* --- The command line ------------------------------------------------------------------------ */

static int read_name(struct request *request, const char *text)
{
    if (strlen(text) >= sizeof request->key.name || !utf8_valid(text, strlen(text)) || strpbrk(text, "\t\n\r") != NULL)
        return cli_usage(request->command, "--name is one line of UTF-8, of at most %d bytes", KEY_NAME_BYTES - 1);
    (void)snprintf(request->key.name, sizeof request->key.name, "%s", text);
    return CLI_OK;
}

static bool read_date(int64_t *ret, const char *text)
{
    struct tm tm = {0};
    const char *end = strptime(text, "%Y-%m-%d", &tm);

    if (end == NULL || *end != '\0')
        return false;
    *ret = timegm(&tm);
    return true;
}

static int read_expires(struct request *request, const char *text)
{
    const size_t len = strlen(text), digits = strspn(text, "0123456789");
    const bool days = len > 1 && text[len - 1] == 'd', hours = len > 1 && text[len - 1] == 'h';
    int64_t *expires_s = &request->key.expires_s;

    if ((days || hours) && digits == len - 1 && digits <= 5)
        *expires_s = request->now_s + (int64_t)strtoul(text, NULL, 10) * (days ? 86400 : 3600);
    else if (!read_date(expires_s, text))
        return cli_usage(request->command, "--expires is 90d, 12h, or a date like 2027-01-31, not %s", text);
    if (*expires_s <= request->now_s)
        return cli_usage(request->command, "--expires %s is over already", text);
    return CLI_OK;
}

static int read_number(struct request *request, uint32_t *ret, uint32_t min, uint32_t max, const char *name,
                       const char *text)
{
    uint64_t number;

    if (ini_number(&number, INI_UINT, min, max, text, NULL) < 0)
        return cli_usage(request->command, "--%s is a number from %u to %u, not %s", name, min, max, text);
    *ret = (uint32_t)number;
    return CLI_OK;
}

static int read_option(struct request *request, int option, const char *text)
{
    struct key *key = &request->key;

    switch (option) {
    case 'n':
        return read_name(request, text);
    case 's':
        return key_read_scopes(&key->scopes, text)
                   ? CLI_OK
                   : cli_usage(request->command, "--scopes are of: run, submissions, judge, metrics; not %s", text);
    case 'e':
        return read_expires(request, text);
    case 'w':
        return read_number(request, &key->weight, 1, KEY_WEIGHT_MAX, "weight", text);
    case 'r':
        return read_number(request, &key->rate, 0, KEY_RATE_MAX, "rate", text);
    case 'R':
        return read_number(request, &key->max_running, 0, KEY_RUNNING_MAX, "running", text);
    case 'Q':
        return read_number(request, &key->max_queued, 0, KEY_QUEUED_MAX, "queued", text);
    case 'c':
        request->config.file = text;
        return CLI_OK;
    default: /* d */
        request->config.data_dir = text;
        return CLI_OK;
    }
}

/* -1: the request is whole; otherwise the exit status. */
static int parse(struct request *request, int argc, char **argv, bool add)
{
    static const struct option options[] = {
        {"config", required_argument, NULL, 'c'},  {"data", required_argument, NULL, 'd'},
        {"help", no_argument, NULL, 'h'},          {"name", required_argument, NULL, 'n'},
        {"scopes", required_argument, NULL, 's'},  {"expires", required_argument, NULL, 'e'},
        {"weight", required_argument, NULL, 'w'},  {"rate", required_argument, NULL, 'r'},
        {"running", required_argument, NULL, 'R'}, {"queued", required_argument, NULL, 'Q'},
        {0}};
    int option, r;

    opterr = 0;
    while ((option = getopt_long(argc, argv, ":h", options, NULL)) != -1) {
        if (option == 'h') {
            (void)fputs(help, stdout);
            return CLI_OK;
        }
        if (option == '?' || option == ':')
            return cli_bad_option(request->command, option, &argv[optind - 1]);
        if (!add && option != 'c' && option != 'd')
            return cli_usage(request->command, "%s is for `glimpse key add`", argv[optind - 2]);
        r = read_option(request, option, optarg);
        if (r != CLI_OK)
            return r;
    }
    request->ids = argv + optind;
    request->n_ids = argc - optind;
    return -1;
}

/* --- The commands ---------------------------------------------------------------------------- */

static int fail(const struct request *request, const struct err *err)
{
    (void)fprintf(stderr, "glimpse %s: %s\n", request->command, err->msg);
    return CLI_SERVICE;
}

static void write_time(char text[32], int64_t at_s)
{
    const time_t at = (time_t)at_s;
    struct tm tm;

    if (at_s == 0 || gmtime_r(&at, &tm) == NULL || strftime(text, 32, "%Y-%m-%dT%H:%M:%SZ", &tm) == 0)
        (void)snprintf(text, 32, "-");
}

static int add_key(struct request *request, struct key_table *table)
{
    char text[KEY_TEXT_BYTES], scopes[KEY_SCOPES_TEXT_BYTES], expires[32];
    struct err err = {0};

    request->key.created_s = request->now_s;
    key_make(&request->key, text);
    if (key_table_add(table, &request->key, &err) < 0)
        return fail(request, &err);
    key_write_scopes(scopes, request->key.scopes, ',');
    write_time(expires, request->key.expires_s);
    (void)fprintf(stderr, "key %s may %s; expires: %s. It is shown this once:\n", request->key.id, scopes,
                  request->key.expires_s == 0 ? "never" : expires);
    (void)printf("%s\n", text);
    return fflush(stdout) == 0 ? CLI_OK : CLI_SERVICE;
}

static int list_keys(struct request *request, struct key_table *table)
{
    CLEANUP(keys_freep) struct keys *keys = NULL;
    struct err err = {0};

    if (key_table_read(&keys, table, &err) < 0)
        return fail(request, &err);
    (void)printf("%-8s  %-9s %-29s %6s %10s  %-20s  %-20s  %s\n", "ID", "STATE", "SCOPES", "WEIGHT", "RATE", "CREATED",
                 "EXPIRES", "NAME");
    for (size_t i = 0; i < keys->n; i++) {
        const struct key *key = &keys->at[i];
        char scopes[KEY_SCOPES_TEXT_BYTES], created[32], expires[32], rate[16];
        const bool expired = key->expires_s != 0 && key->expires_s <= request->now_s;

        key_write_scopes(scopes, key->scopes, ',');
        write_time(created, key->created_s);
        write_time(expires, key->expires_s);
        (void)snprintf(rate, sizeof rate, key->rate == 0 ? "any" : "%u/h", key->rate);
        (void)printf("%-8s  %-9s %-29s %6u %10s  %-20s  %-20s  %s\n", key->id,
                     key->revoked_s != 0 ? "revoked"
                     : expired           ? "expired"
                                         : "valid",
                     scopes, key->weight, rate, created, expires, key->name);
    }
    return fflush(stdout) == 0 ? CLI_OK : CLI_SERVICE;
}

/* "glk_4d2k7xqa" and a whole key mean the same as the id, which is what people copy. */
static struct slice id_in(const char *text)
{
    const char *id = strncmp(text, "glk_", 4) == 0 ? text + 4 : text;

    return (struct slice){id, strcspn(id, "_")};
}

static int end_keys(struct request *request, struct key_table *table, bool remove)
{
    int status = CLI_OK;

    for (int i = 0; i < request->n_ids; i++) {
        const struct slice slice = id_in(request->ids[i]);
        char id[KEY_ID_BYTES] = "";
        struct err err = {0};
        int r = KEY_E_NONE;

        if (key_is_id(slice)) {
            memcpy(id, slice.at, slice.len);
            r = remove ? key_table_remove(table, id, &err) : key_table_revoke(table, id, request->now_s, &err);
        }
        if (r < 0)
            return fail(request, &err);
        if (r == KEY_E_NONE) {
            (void)fprintf(stderr, "glimpse %s: there is no key %.12s; `glimpse key list` shows those that there are\n",
                          request->command, request->ids[i]);
            status = CLI_USAGE;
        }
    }
    return status;
}

static int end_key(struct request *request, struct key_table *table)
{
    return end_keys(request, table, false);
}

static int remove_key(struct request *request, struct key_table *table)
{
    return end_keys(request, table, true);
}

/* glimpsed's files are in a folder where glimpsed makes links as it likes, and what SQLite makes there must be
 * glimpsed's: so root becomes their owner, for good. */
static int become_owner(const char *dir, struct err *err)
{
    CLEANUP(freep) char *path = NULL;
    struct stat st;

    if (asprintf(&path, "%s/" STORE_FILE, dir) < 0)
        return err_set(err, -ENOMEM, "out of memory");
    if (geteuid() != 0 || lstat(path, &st) < 0 || st.st_uid == 0)
        return 0; /* what is missing is told when it is opened */
    if (!S_ISREG(st.st_mode))
        return err_set(err, -EINVAL, "%s is no file", path);
    if (setgroups(0, NULL) < 0 || setresgid(st.st_gid, st.st_gid, st.st_gid) < 0 ||
        setresuid(st.st_uid, st.st_uid, st.st_uid) < 0)
        return err_errno(err, -errno, "becoming the owner of %s", path);
    return 0;
}

static int open_table(struct key_table **ret, const struct request *request, struct err *err)
{
    CLEANUP(config_done) struct config config = {0};
    int r = config_load_args(&config, &request->config, err);

    if (r == 0)
        r = become_owner(config.data_dir, err);
    return r < 0 ? r : key_table_open(ret, config.data_dir, err);
}

int cmd_key(int argc, char **argv)
{
    static const struct {
        const char *name, *full;
        int (*run)(struct request *request, struct key_table *table);
        bool wants_ids;
    } commands[] = {
        {"add", "key add", add_key, false},
        {"list", "key list", list_keys, false},
        {"revoke", "key revoke", end_key, true},
        {"remove", "key remove", remove_key, true},
    };
    CLEANUP(key_table_closep) struct key_table *table = NULL;
    struct request request = {
        .key = {.scopes = KEY_SCOPE_RUN | KEY_SCOPE_SUBMISSIONS | KEY_SCOPE_JUDGE, .weight = 1}, .now_s = time(NULL)};
    struct err err = {0};
    size_t which = 0;
    int r;

    if (argc > 1 && (strcmp(argv[1], "--help") == 0 || strcmp(argv[1], "-h") == 0)) {
        (void)fputs(help, stdout);
        return CLI_OK;
    }
    while (argc > 1 && which < COUNT_OF(commands) && strcmp(argv[1], commands[which].name) != 0)
        which++;
    if (argc < 2 || which == COUNT_OF(commands))
        return cli_usage(argv[0], "takes add, list, revoke or remove%s%s", argc < 2 ? "" : ", not ",
                         argc < 2 ? "" : argv[1]);
    request.command = commands[which].full;
    r = parse(&request, argc - 1, argv + 1, commands[which].run == add_key);
    if (r >= 0)
        return r;
    if (commands[which].wants_ids != (request.n_ids > 0))
        return cli_usage(request.command,
                         commands[which].wants_ids ? "wants the ID of a key" : "takes no arguments, not %s",
                         request.ids[0]);
    if (open_table(&table, &request, &err) < 0)
        return fail(&request, &err);
    return commands[which].run(&request, table);
}
