/* webhook-secret: what webhooks are signed with, for who is to check them. glimpsed has made it. */
#include <errno.h>
#include <fcntl.h>
#include <getopt.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/fd.h"
#include "cli/cli.h"
#include "model/config.h"

static const char help[] =
    "usage: glimpse webhook-secret [--config FILE] [--data DIR]\n\n"
    "Prints the secret that the service signs its webhooks with (Standard Webhooks). It is in webhook.secret in the\n"
    "data folder, and is made at the service's first start.\n";

/* Returns the exit status. */
static int print_secret(const char *command, const char *data_dir)
{
    char path[4200], text[128];
    int r;

    (void)snprintf(path, sizeof path, "%s/webhook.secret", data_dir);
    r = fd_read_file_at(AT_FDCWD, path, text, sizeof text);
    if (r < 0) {
        (void)fprintf(stderr, "glimpse %s: %s: %s%s\n", command, path, strerrordesc_np(-r),
                      r == -ENOENT ? "; the service makes it when it starts" : "");
        return CLI_FAILED;
    }
    (void)puts(text);
    return CLI_OK;
}

int cmd_webhook_secret(int argc, char **argv)
{
    static const struct option options[] = {{"config", required_argument, NULL, 'c'},
                                            {"data", required_argument, NULL, 'd'},
                                            {"help", no_argument, NULL, 'h'},
                                            {0}};
    CLEANUP(config_done) struct config config = {0};
    struct config_args args = {0};
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
        *(option == 'c' ? &args.file : &args.data_dir) = optarg;
    }
    if (optind < argc)
        return cli_usage(argv[0], "takes no arguments, not %s", argv[optind]);
    if (config_load_args(&config, &args, &err) < 0) {
        (void)fprintf(stderr, "glimpse %s: %s\n", argv[0], err.msg);
        return CLI_USAGE;
    }
    return print_secret(argv[0], config.data_dir);
}
