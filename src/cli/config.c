/* config: what is set, where, and whether it will do. Reads only; starts nothing. */
#include <getopt.h>
#include <stdio.h>
#include <string.h>

#include "cli/cli.h"
#include "cli/config_check.h"

static const char help[] = "usage: glimpse config check [--config FILE] [--data DIR] [--listen ADDR:PORT]\n"
                           "       glimpse config show [--config FILE] [--data DIR] [--listen ADDR:PORT]\n"
                           "       glimpse config template\n\n"
                           "check looks at the settings, the folders that they name and the language files, and says "
                           "all that is wrong at once.\n"
                           "show prints what `glimpse serve` would use, and where each value comes from.\n"
                           "template prints a file with every setting, commented out.\n"
                           "Exit status: 0, or 1 where `glimpse serve` would not start.\n";

static void on_fault(void *arg, const char *sentence)
{
    struct config_findings *findings = arg;

    findings->n_faults++;
    printf("error: %s\n", sentence);
}

void config_warn(struct config_findings *findings, const char *sentence)
{
    findings->n_warnings++;
    printf("warning: %s\n", sentence);
}

void config_fault(struct config_findings *findings, const char *sentence)
{
    on_fault(findings, sentence);
}

static int load(struct config *config, struct config_report *report, const struct config_args *args)
{
    struct err err = {0};

    report->origins = calloc(config_n_keys, sizeof *report->origins);
    if (report->origins == NULL || config_load_report(config, args, report, &err) < 0) {
        (void)fprintf(stderr, "glimpse config: %s\n", report->origins == NULL ? "out of memory" : err.msg);
        return CLI_FAILED;
    }
    return CLI_OK;
}

static int check(const struct config_args *args)
{
    struct config_findings findings = {0};
    struct config_report report = {.on_fault = on_fault, .arg = &findings};
    CLEANUP(config_done) struct config config = {0};
    int r = load(&config, &report, args);

    if (r == CLI_OK) {
        printf("settings: %s\n", report.file == NULL ? "no file, so the defaults and the environment" : report.file);
        config_check_all(&findings, &config, report.origins);
        printf("%zu errors, %zu warnings\n", findings.n_faults, findings.n_warnings);
    }
    free(report.origins);
    return r != CLI_OK ? r : findings.n_faults == 0 ? CLI_OK : CLI_FAILED;
}

/* Zero stands for "not set" where it is out of bounds. */
static bool is_unset(const struct config *config, const struct ini_key *key)
{
    return key->type == INI_UINT &&
           *(const uint64_t *)(const void *)((const char *)config + key->offset) < key->min;
}

static void print_origin(const struct config_report *report, size_t i)
{
    const struct config_origin *origin = &report->origins[i];
    char name[64];

    switch (origin->from) {
    case CONFIG_DEFAULT:
        printf("default\n");
        break;
    case CONFIG_FILE:
        printf("%s:%u\n", report->file, origin->line);
        break;
    case CONFIG_ENVIRONMENT:
        config_environment_name(name, sizeof name, &config_keys[i]);
        printf("environment: %s\n", name);
        break;
    case CONFIG_ARGUMENT:
        printf("command line\n");
        break;
    }
}

/* A file again, were it to be kept. */
static int show(const struct config_args *args)
{
    struct config_findings findings = {0};
    struct config_report report = {.on_fault = on_fault, .arg = &findings};
    CLEANUP(config_done) struct config config = {0};
    int r = load(&config, &report, args);

    for (size_t i = 0; r == CLI_OK && i < config_n_keys; i++) {
        CLEANUP(buf_done) struct buf value;
        int width;

        buf_init(&value, 65536);
        if (ini_show(&value, &config, &config_keys[i]) < 0)
            continue; /* out of memory */
        width = is_unset(&config, &config_keys[i]) ? printf(";%s =", config_keys[i].name)
                                                   : printf("%s = %s", config_keys[i].name, buf_text(&value));
        printf("%*s ; ", width < 48 ? 48 - width : 1, "");
        print_origin(&report, i);
    }
    free(report.origins);
    return r != CLI_OK ? r : findings.n_faults == 0 ? CLI_OK : CLI_FAILED;
}

static void print_key(const struct ini_key *key, const struct config *defaults)
{
    CLEANUP(buf_done) struct buf value;
    const bool unknown = is_unset(defaults, key);

    buf_init(&value, 65536);
    if (ini_show(&value, defaults, key) < 0)
        return;
    printf("\n; %s\n;%s =%s%s\n", key->help, key->name, value.len > 0 && !unknown ? " " : "",
           unknown ? "" : buf_text(&value));
}

static int template(void)
{
    CLEANUP(config_done) struct config defaults = {0};

    if (config_defaults(&defaults) < 0)
        return CLI_FAILED;
    printf("; Settings of Glimpse: glimpse.ini, as `glimpse config template` prints it.\n"
           "; Each line shows what holds without it; where nothing is shown, it depends on other settings or the "
           "machine.\n"
           "; GLIMPSE_<NAME> in the environment and options on the command line come after this file. docs/operate.md "
           "says more.\n"
           "; After a change: `glimpse config check`.\n");
    for (size_t i = 0; i < config_n_keys; i++)
        print_key(&config_keys[i], &defaults);
    return CLI_OK;
}

static int parse(struct config_args *args, bool *wants_help, int argc, char **argv)
{
    static const struct option options[] = {{"listen", required_argument, NULL, 'l'},
                                            {"data", required_argument, NULL, 'd'},
                                            {"config", required_argument, NULL, 'c'},
                                            {"help", no_argument, NULL, 'h'},
                                            {0}};
    int option;

    opterr = 0;
    while ((option = getopt_long(argc, argv, ":h", options, NULL)) != -1) {
        if (option == 'h')
            *wants_help = true;
        else if (option == 'l')
            args->listen = optarg;
        else if (option == 'd')
            args->data_dir = optarg;
        else if (option == 'c')
            args->file = optarg;
        else
            return cli_bad_option(argv[0], option, &argv[optind - 1]);
    }
    return CLI_OK;
}

int cmd_config(int argc, char **argv)
{
    struct config_args args = {0};
    bool wants_help = false;
    int r = parse(&args, &wants_help, argc, argv);

    if (r != CLI_OK)
        return r;
    if (wants_help) {
        (void)fputs(help, stdout);
        return CLI_OK;
    }
    if (optind + 1 != argc)
        return cli_usage(argv[0], optind == argc ? "say what: check, show or template"
                                                 : "takes one word: check, show or template");
    if (strcmp(argv[optind], "check") == 0)
        return check(&args);
    if (strcmp(argv[optind], "show") == 0)
        return show(&args);
    if (strcmp(argv[optind], "template") == 0)
        return template();
    return cli_usage(argv[0], "there is no %s; check, show and template are there", argv[optind]);
}
