/* run_args: the command line of `glimpse run`, and of `glimpse repl`. */
#pragma once

#include "base/strings.h"
#include "cli/cli.h"

enum { RUN_ARGS_MAX_FILES = 256, RUN_ARGS_MAX_ENV = 128 };

struct run_args {
    struct glimpse_options where;
    struct glimpse_limits limits[GLIMPSE_N_STAGES];
    const char *language, *version;
    const char *stdin_file; /* NULL: our own stdin */
    const char *files[RUN_ARGS_MAX_FILES]; /* the first is FILE; then --file */
    size_t n_files;
    const char *env[RUN_ARGS_MAX_ENV];
    size_t n_env;
    char *const *arguments; /* of the program */
    size_t n_arguments;
    bool json, merged, interactive, help;
    bool repl; /* there is no FILE; language is set */
};

/* All pointers are borrowed from argv. CLI_OK or CLI_USAGE, which has been explained then. */
int run_args_parse(struct run_args *args, int argc, char **argv);
void run_args_help(bool repl);
