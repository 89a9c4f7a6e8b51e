#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "base/fd.h"
#include "cli/cli.h"

/* clang-format off */
static const struct cli_command commands[] = {
    {"serve",     "[--listen ADDR:PORT] [--data DIR] [--config FILE]", "run the service here",   cmd_serve},
    {"run",       "FILE [OPTION...] [--] [ARGUMENT...]",    "run a program in a sandbox", cmd_run},
    {"repl",      "LANGUAGE [OPTION...] [--] [ARGUMENT...]", "a language's own prompt in a sandbox", cmd_repl},
    {"languages", "[--json] [--server URL]",                "list what can be run",   cmd_languages},
    {"config",    "check|show|template [--config FILE]",    "check the settings, or show them", cmd_config},
    {"key",       "add|list|revoke|remove [OPTION...] [ID...]", "API keys",            cmd_key},
    {"webhook-secret", "[--config FILE] [--data DIR]",     "what webhooks are signed with", cmd_webhook_secret},
    {"doctor",    "[--config FILE] [--data DIR]",           "check every isolation layer", cmd_doctor},
    {"version",   "",                                       "print the version",      cmd_version},
};
/* clang-format on */

static void print_commands(FILE *to)
{
    (void)fputs("usage: glimpse COMMAND ...\n\n", to);
    for (size_t i = 0; i < COUNT_OF(commands); i++)
        (void)fprintf(to, "  %-10s %s\n  %-10s   glimpse %s %s\n", commands[i].name,
                      commands[i].help, "", commands[i].name, commands[i].arguments);
    (void)fputs("\nglimpse COMMAND --help says more about each.\n", to);
}

int cli_usage(const char *command, const char *fmt, ...)
{
    va_list ap;

    (void)fprintf(stderr, "glimpse %s: ", command);
    va_start(ap, fmt);
    (void)vfprintf(stderr, fmt, ap);
    va_end(ap);
    (void)fprintf(stderr, "\nglimpse %s --help says what is there.\n", command);
    return CLI_USAGE;
}

int cli_bad_option(const char *command, int option, char *const *argv)
{
    const char *last = argv[0];

    if (option == ':')
        return cli_usage(command, "option %s needs a value", last);
    return cli_usage(command, "there is no option %s", last);
}

int cli_fail(const char *command, const struct glimpse_error *error)
{
    (void)fprintf(stderr, "glimpse %s: %s\n", command, error->message);
    return error->code == GLIMPSE_E_INVALID || error->code == GLIMPSE_E_LANGUAGE ? CLI_USAGE
                                                                                 : CLI_SERVICE;
}

bool cli_write(int fd, const void *bytes, size_t length)
{
    return fd_write_all(fd, bytes, length) == 0;
}

int cmd_version(int argc, char **argv)
{
    if (argc > 1)
        return cli_usage(argv[0], "takes no arguments, not %s", argv[1]);
    printf("glimpse %s\n", glimpse_version());
    return CLI_OK;
}

int main(int argc, char **argv)
{
    /* `glimpse run x | head`: we want to see the failing write, and end the run. */
    (void)signal(SIGPIPE, SIG_IGN);
    if (argc < 2) {
        print_commands(stderr);
        return CLI_USAGE;
    }
    if (strcmp(argv[1], "help") == 0 || strcmp(argv[1], "--help") == 0 ||
        strcmp(argv[1], "-h") == 0) {
        print_commands(stdout);
        return CLI_OK;
    }
    if (strcmp(argv[1], "--version") == 0)
        return cmd_version(1, argv + 1);
    for (size_t i = 0; i < COUNT_OF(commands); i++)
        if (strcmp(argv[1], commands[i].name) == 0)
            return commands[i].run(argc - 1, argv + 1);
    (void)fprintf(stderr, "glimpse: there is no command %s\n\n", argv[1]);
    print_commands(stderr);
    return CLI_USAGE;
}
