#include "cli/run_args.h"

#include <getopt.h>
#include <stdio.h>
#include <string.h>

#include "model/ini.h"
#include "model/limits.h"

_Static_assert(sizeof(struct limits) == sizeof(struct glimpse_limits),
               "limit_table's offsets serve both");

enum {
    OPTION_TEXT_BYTES = 48,
    OPTION_LIMIT = 1000, /* + index in limit_table; the compile stage's are N_LIMITS further on */
};

/* clang-format off */
static const struct {
    const char *name, *value; /* value: NULL for a flag */
    int letter;
    const char *help;
} options[] = {
    {"language", "NAME",       'l', "the language (by default: what the file's suffix means)"},
    {"version",  "NUMBER",     'v', "its version must begin with this"},
    {"file",     "FILE",       'f', "another file for the program to see; may be repeated"},
    {"env",      "NAME=VALUE", 'e', "a variable of its environment; may be repeated"},
    {"stdin",    "FILE",       'i', "what it reads (by default: this command's own stdin)"},
    {"merged",   NULL,         'm', "give it a terminal: both outputs on stdout, in the order of writing"},
    {"interactive", NULL,      'n', "for somebody who sits here: a terminal, and more time; as it is with --server in one"},
    {"json",     NULL,         'j', "print the result as JSON when it is there, as the API gives it"},
    {"server",   "URL",        's', "run it on a server (by default: by the service of this machine)"},
    {"config",   "FILE",       'c', "without a server: the service's configuration"},
    {"data",     "DIR",        'd', "without a server: the service's data"},
    {"help",     NULL,         'h', "print this"},
};
/* clang-format on */

struct long_options { /* what getopt_long() wants, made of the two tables */
    struct option at[COUNT_OF(options) + 2 * N_LIMITS + 1];
    char names[2 * N_LIMITS][OPTION_TEXT_BYTES];
};

static void make_options(struct long_options *ret)
{
    size_t n = 0;

    for (size_t i = 0; i < COUNT_OF(options); i++)
        ret->at[n++] =
            (struct option){options[i].name, options[i].value != NULL, NULL, options[i].letter};
    for (size_t i = 0; i < 2 * N_LIMITS; i++) {
        (void)snprintf(ret->names[i], sizeof ret->names[i], "%s%s", i < N_LIMITS ? "" : "compile-",
                       limit_table[i % N_LIMITS].name);
        for (char *at = ret->names[i]; *at != '\0'; at++)
            if (*at == '_')
                *at = '-';
        ret->at[n++] =
            (struct option){ret->names[i], required_argument, NULL, OPTION_LIMIT + (int)i};
    }
    ret->at[n] = (struct option){0};
}

void run_args_help(bool repl)
{
    struct long_options names;

    make_options(&names);
    printf(repl ? "usage: glimpse repl LANGUAGE [OPTION...] [--] [ARGUMENT...]\n\n"
                  "Starts a language's own prompt in a sandbox. Its exit status becomes this command's.\n\n"
                : "usage: glimpse run FILE [OPTION...] [--] [ARGUMENT...]\n\n"
                  "Runs a program in a sandbox. Its exit status becomes this command's.\n\n");
    for (size_t i = 0; i < COUNT_OF(options); i++) {
        char text[OPTION_TEXT_BYTES];

        (void)snprintf(text, sizeof text, "--%s%s%s", options[i].name, options[i].value ? " " : "",
                       options[i].value ? options[i].value : "");
        printf("  %-24s %s\n", text, options[i].help);
    }
    printf("\nLimits; --compile-... for the compiler's. Sizes may be 64K, 256M, 1G; times 500ms, "
           "10s, 2m.\n");
    for (size_t i = 0; i < N_LIMITS; i++)
        printf("  --%-22s %s\n", names.names[i], limit_table[i].help);
}

static int set_limit(struct run_args *args, const char *command, size_t index, const char *text)
{
    const struct limit_info *info = &limit_table[index % N_LIMITS];
    struct glimpse_limits *limits = &args->limits[index < N_LIMITS ? GLIMPSE_RUN : GLIMPSE_COMPILE];
    uint64_t *field = (uint64_t *)(void *)((char *)limits + info->offset);
    enum ini_type type = strcmp(info->unit, "bytes") == 0 ? INI_BYTES
                         : strcmp(info->unit, "ms") == 0  ? INI_MS
                                                          : INI_UINT;
    struct err err = {0};

    if (ini_number(field, type, info->min, info->max, text, &err) < 0)
        return cli_usage(command, "%s: %s", info->name, err.msg);
    return CLI_OK;
}

static int add(const char *command, const char **list, size_t *n, size_t max, const char *text)
{
    if (*n == max)
        return cli_usage(command, "more than %zu of one option", max);
    list[(*n)++] = text;
    return CLI_OK;
}

static int take_option(struct run_args *args, const char *command, int option, const char *value)
{
    switch (option) {
    case 'l':
        args->language = value;
        return CLI_OK;
    case 'v':
        args->version = value;
        return CLI_OK;
    case 'f':
        return add(command, args->files, &args->n_files, RUN_ARGS_MAX_FILES, value);
    case 'e':
        return add(command, args->env, &args->n_env, RUN_ARGS_MAX_ENV, value);
    case 'i':
        args->stdin_file = value;
        return CLI_OK;
    case 'm':
        args->merged = true;
        return CLI_OK;
    case 'n':
        args->interactive = true;
        return CLI_OK;
    case 'j':
        args->json = true;
        return CLI_OK;
    case 's':
        args->where.server = value;
        return CLI_OK;
    case 'c':
        args->where.config_file = value;
        return CLI_OK;
    case 'd':
        args->where.data_dir = value;
        return CLI_OK;
    case 'h':
        args->help = true;
        return CLI_OK;
    default:
        return set_limit(args, command, (size_t)(option - OPTION_LIMIT), value);
    }
}

/* getopt's own order: '+' stops at the first operand, so that what follows FILE can be options of ours, again up to the
 * first operand or "--", from where on everything is the program's. */
static int parse_options(struct run_args *args, int argc, char **argv,
                         const struct long_options *names)
{
    int option;

    while ((option = getopt_long(argc, argv, "+:h", names->at, NULL)) != -1) {
        int r;

        if (option == '?' || option == ':')
            return cli_bad_option(argv[0], option, &argv[optind - 1]);
        r = take_option(args, argv[0], option, optarg);
        if (r != CLI_OK)
            return r;
    }
    return CLI_OK;
}

int run_args_parse(struct run_args *args, int argc, char **argv)
{
    struct long_options names;
    int r;

    *args = (struct run_args){.where.api_version = GLIMPSE_API_VERSION,
                              .where.api_key = getenv("GLIMPSE_API_KEY")};
    args->repl = strcmp(argv[0], "repl") == 0;
    args->interactive = args->repl;
    args->n_files = args->repl ? 0 : 1; /* the first is FILE, wherever it stands */
    make_options(&names);
    opterr = 0;
    r = parse_options(args, argc, argv, &names);
    if (r != CLI_OK || args->help)
        return r;
    if (optind == argc)
        return cli_usage(argv[0], args->repl ? "which LANGUAGE?" : "which FILE?");
    if (args->repl)
        args->language = argv[optind++];
    else
        args->files[0] = argv[optind++];
    if (optind < argc && strcmp(argv[optind - 2], "--") != 0) {
        r = parse_options(args, argc, argv, &names);
        if (r != CLI_OK || args->help)
            return r;
    }
    args->arguments = argv + optind;
    args->n_arguments = (size_t)(argc - optind);
    return CLI_OK;
}
