/*
 * Runs a C program with some input in a sandbox, and says what became of it. A worked example for libglimpse:
 *
 *     cc -o hello hello.c $(pkg-config --cflags --libs libglimpse) && sudo ./hello
 *     ./hello http://127.0.0.1:2358
 *
 * Without an argument it uses the service of this machine (`glimpse serve`).
 */
#include <stdio.h>
#include <string.h>

#include <glimpse.h>

static const char source[] = "#include <stdio.h>\n"
                             "int main(void)\n"
                             "{\n"
                             "    int a, b;\n"
                             "    if (scanf(\"%d %d\", &a, &b) != 2)\n"
                             "        return 1;\n"
                             "    printf(\"%d\\n\", a + b);\n"
                             "    return 0;\n"
                             "}\n";

/* Output as it comes; stream is 1 for stdout, 2 for stderr. */
static void on_output(void *arg, int stage, int stream, const void *bytes, size_t length)
{
    (void)arg;
    (void)stage;
    fwrite(bytes, 1, length, stream == 1 ? stdout : stderr);
}

static int run(struct glimpse *client)
{
    const struct glimpse_file file = {.name = "sum.c", .data = source, .length = strlen(source)};
    const struct glimpse_request request = {
        .language = "c",
        .files = &file,
        .n_files = 1,
        .stdin_data = "20 22\n",
        .stdin_length = 6,
        .stdin_fd = -1, /* nothing after that */
        .limits[GLIMPSE_RUN] = {.wall_time_ms = 2000, .memory_bytes = 64 << 20},
    };
    const struct glimpse_callbacks callbacks = {.on_output = on_output};
    struct glimpse_error error;
    struct glimpse_result result;
    int status;

    if (glimpse_run(client, &request, &callbacks, &result, &error) != GLIMPSE_OK) {
        fprintf(stderr, "hello: %s\n", error.message);
        return 3;
    }
    printf("%s after %llu us, %llu KiB of memory %s\n", glimpse_status_name(result.status),
           (unsigned long long)result.stages[GLIMPSE_RUN].wall_us,
           (unsigned long long)result.stages[GLIMPSE_RUN].memory_bytes / 1024, result.message);
    status = result.status == GLIMPSE_SUCCESS ? 0 : 1;
    glimpse_result_clear(&result);
    return status;
}

int main(int argc, char **argv)
{
    const struct glimpse_options options = {
        .api_version = GLIMPSE_API_VERSION,
        .server = argc > 1 ? argv[1] : NULL,
    };
    struct glimpse_error error;
    struct glimpse *client = glimpse_new(&options, &error);
    int status;

    if (client == NULL) {
        fprintf(stderr, "hello: %s\n", error.message);
        return 3;
    }
    status = run(client);
    glimpse_free(client);
    return status;
}
