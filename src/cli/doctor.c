/* doctor: glimpse-boxd knows the layers, so it is asked. */
#include <errno.h>
#include <getopt.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "cli/cli.h"
#include "model/config.h"

static const char help[] =
    "usage: glimpse doctor [--config FILE] [--data DIR]\n\n"
    "Shows every isolation layer of this machine, whether it is there, and what to do where it is "
    "not.\n"
    "Exit status: 0 when `glimpse serve` would start, 1 when it would not.\n";

int cmd_doctor(int argc, char **argv)
{
    static const struct option options[] = {{"config", required_argument, NULL, 'c'},
                                            {"data", required_argument, NULL, 'd'},
                                            {"help", no_argument, NULL, 'h'},
                                            {0}};
    CLEANUP(freep) char *program = NULL;
    char *child[8] = {NULL, "--doctor"};
    size_t n = 2;
    struct err err = {0};
    int option;

    opterr = 0;
    while ((option = getopt_long(argc, argv, ":h", options, NULL)) != -1) {
        if (option == 'h') {
            (void)fputs(help, stdout);
            return CLI_OK;
        }
        if (option != 'c' && option != 'd')
            return cli_bad_option(argv[0], option, &argv[optind - 1]);
        if (n + 2 >= COUNT_OF(child))
            return cli_usage(argv[0], "an option is given twice");
        child[n++] = option == 'c' ? "--config" : "--data";
        child[n++] = optarg;
    }
    if (optind < argc)
        return cli_usage(argv[0], "takes no arguments, not %s", argv[optind]);
    if (config_find_program(&program, "glimpse-boxd", &err) < 0) {
        (void)fprintf(stderr, "glimpse doctor: %s\n", err.msg);
        return CLI_SERVICE;
    }
    child[0] = program;
    (void)execv(program, child);
    (void)fprintf(stderr, "glimpse doctor: %s: %s\n", program, strerrordesc_np(errno));
    return CLI_SERVICE;
}
