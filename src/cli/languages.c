#include <getopt.h>
#include <stdio.h>
#include <string.h>

#include "base/buf.h"
#include "base/json_out.h"
#include "cli/cli.h"

static const char help[] =
    "usage: glimpse languages [--json] [--server URL] [--config FILE] [--data DIR]\n\n"
    "Lists the languages, their versions, and what is to be installed for those that cannot be "
    "run.\n";

enum { JSON_MAX_BYTES = 4 << 20 };

static void write_texts(struct json_out *out, const char *name, char *const *texts)
{
    json_out_key(out, name);
    json_out_open(out, '[');
    for (size_t i = 0; texts != NULL && texts[i] != NULL; i++)
        json_out_str(out, texts[i]);
    json_out_close(out, ']');
}

static int print_json(const struct glimpse_languages *languages)
{
    CLEANUP(buf_done) struct buf text;
    struct json_out out = json_out_to(&text);

    buf_init(&text, JSON_MAX_BYTES);
    json_out_open(&out, '{');
    json_out_key(&out, "languages");
    json_out_open(&out, '[');
    for (size_t i = 0; i < languages->n; i++) {
        const struct glimpse_language *language = &languages->at[i];

        json_out_open(&out, '{');
        json_out_key_str(&out, "id", language->id);
        json_out_key_str(&out, "name", language->name);
        json_out_key_str(&out, "version", language->version);
        write_texts(&out, "aliases", language->aliases);
        write_texts(&out, "suffixes", language->suffixes);
        json_out_key(&out, "available");
        json_out_bool(&out, language->unavailable == NULL);
        json_out_key_str(&out, "unavailable", language->unavailable);
        json_out_close(&out, '}');
    }
    json_out_close(&out, ']');
    json_out_close(&out, '}');
    if (json_out_end(&out) < 0 || buf_add(&text, "\n", 1) < 0)
        return CLI_SERVICE;
    return cli_write(STDOUT_FILENO, buf_text(&text), text.len) ? CLI_OK : CLI_SERVICE;
}

static void print_texts(char *const *texts)
{
    for (size_t i = 0; texts != NULL && texts[i] != NULL; i++)
        printf("%s%s", i == 0 ? "" : ", ", texts[i]);
}

static int print_table(const struct glimpse_languages *languages)
{
    printf("%-12s %-14s %-10s %s\n", "ID", "NAME", "VERSION", "ALSO");
    for (size_t i = 0; i < languages->n; i++) {
        const struct glimpse_language *language = &languages->at[i];

        printf("%-12s %-14s %-10s ", language->id, language->name,
               language->version ? language->version : "-");
        if (language->unavailable != NULL)
            printf("not here: %s", language->unavailable);
        else
            print_texts(language->aliases);
        (void)putchar('\n');
    }
    return fflush(stdout) == 0 ? CLI_OK : CLI_SERVICE;
}

int cmd_languages(int argc, char **argv)
{
    static const struct option options[] = {
        {"json", no_argument, NULL, 'j'},         {"server", required_argument, NULL, 's'},
        {"config", required_argument, NULL, 'c'}, {"data", required_argument, NULL, 'd'},
        {"help", no_argument, NULL, 'h'},         {0}};
    struct glimpse_options where = {.api_version = GLIMPSE_API_VERSION,
                                    .api_key = getenv("GLIMPSE_API_KEY")};
    struct glimpse_error error = {0};
    struct glimpse_languages languages;
    struct glimpse *client;
    bool json = false;
    int option, status;

    opterr = 0;
    while ((option = getopt_long(argc, argv, ":h", options, NULL)) != -1)
        switch (option) {
        case 'j':
            json = true;
            break;
        case 's':
            where.server = optarg;
            break;
        case 'c':
            where.config_file = optarg;
            break;
        case 'd':
            where.data_dir = optarg;
            break;
        case 'h':
            (void)fputs(help, stdout);
            return CLI_OK;
        default:
            return cli_bad_option(argv[0], option, &argv[optind - 1]);
        }
    if (optind < argc)
        return cli_usage(argv[0], "takes no arguments, not %s", argv[optind]);
    client = glimpse_new(&where, &error);
    if (client == NULL)
        return cli_fail(argv[0], &error);
    if (glimpse_languages(client, &languages, &error) == GLIMPSE_OK)
        status = json ? print_json(&languages) : print_table(&languages);
    else
        status = cli_fail(argv[0], &error);
    glimpse_languages_clear(&languages);
    glimpse_free(client);
    return status;
}
