/* cli: the `glimpse` command. One file per command; a command parses its own options, calls the library,
 * prints. Results go to stdout, everything else to stderr. */
#pragma once

#include <stdbool.h>

#include "base/cleanup.h"
#include "glimpse.h"

/* docs/cli.md has them all, and what a program's own end becomes. */
enum cli_exit {
    CLI_OK = 0,
    CLI_FAILED = 1,      /* the compiler refused the program; for `doctor` and `serve`: see what was printed */
    CLI_USAGE = 2,       /* the command line, or what it asks for */
    CLI_SERVICE = 3,     /* the service is not there, busy, or failed */
    CLI_TIME_LIMIT = 124, /* as timeout(1) */
    CLI_LIMIT = 125,     /* any other limit */
    CLI_SIGNAL = 128,    /* plus the signal's number */
};

struct cli_command {
    const char *name, *arguments, *help;
    int (*run)(int argc, char **argv); /* argv[0]: the command's name. Returns the exit status */
};

/* "glimpse COMMAND: sentence" on stderr; returns CLI_USAGE. */
int cli_usage(const char *command, const char *fmt, ...) PRINTF_LIKE(2, 3);
/* The same for what getopt_long() has refused: what = argv[optind - 1]. Returns CLI_USAGE. */
int cli_bad_option(const char *command, int option, char *const *argv);
/* The library's error, as a sentence on stderr; returns its exit status. */
int cli_fail(const char *command, const struct glimpse_error *error);
/* Writes all to stdout or stderr; false where nobody reads any more. */
bool cli_write(int fd, const void *bytes, size_t length);

int cmd_serve(int argc, char **argv);
int cmd_run(int argc, char **argv);
int cmd_repl(int argc, char **argv);
int cmd_languages(int argc, char **argv);
int cmd_config(int argc, char **argv);
int cmd_key(int argc, char **argv);
int cmd_doctor(int argc, char **argv);
int cmd_webhook_secret(int argc, char **argv);
int cmd_version(int argc, char **argv);
