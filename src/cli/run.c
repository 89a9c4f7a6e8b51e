#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "cli/run_args.h"
#include "cli/run_json.h"
#include "cli/terminal.h"

enum { FILE_MAX_BYTES = 64 << 20 };

struct run_command {
    struct run_args args;
    struct glimpse_file files[RUN_ARGS_MAX_FILES];
    char *data[RUN_ARGS_MAX_FILES]; /* owned: of files */
    struct glimpse *client;         /* owned */
    int stdin_fd;                   /* owned, unless it is 0 */
    bool broken_pipe;               /* nobody reads our output */
    bool interactive;               /* input goes as it is typed, to a server too */
    int rows, columns;              /* of the terminal that the program gets; 0: none */
    struct terminal terminal;       /* ours, meanwhile */
};

/* For the signal handler, the one place where a command needs something global. */
static _Atomic(struct glimpse *) interrupted_client;

static void on_interrupt(int signal)
{
    struct glimpse *client = atomic_load(&interrupted_client);

    (void)signal;
    if (client != NULL)
        glimpse_cancel(client);
}

static void on_window(int signal)
{
    struct glimpse *client = atomic_load(&interrupted_client);
    int rows, columns;

    (void)signal;
    if (client != NULL && terminal_find(&rows, &columns))
        glimpse_resize(client, rows, columns);
}

/* What a compiler says has no terminal to begin lines for it, and ours is raw. */
static bool write_lines(int stream, const char *bytes, size_t length)
{
    while (length > 0) {
        const char *end = memchr(bytes, '\n', length);
        size_t n = end == NULL ? length : (size_t)(end - bytes);

        if (!cli_write(stream, bytes, n) || (end != NULL && !cli_write(stream, "\r\n", 2)))
            return false;
        n += end != NULL;
        bytes += n;
        length -= n;
    }
    return true;
}

static void on_output(void *arg, int stage, int stream, const void *bytes, size_t length)
{
    struct run_command *run = arg;

    if (run->args.json || run->broken_pipe ||
        (run->terminal.is_raw && stage == GLIMPSE_COMPILE ? write_lines(stream, bytes, length)
                                                          : cli_write(stream, bytes, length)))
        return;
    run->broken_pipe = true;
    glimpse_cancel(run->client);
}

static int refuse_file(const char *path, const char *why)
{
    (void)fprintf(stderr, "glimpse run: %s: %s\n", path, why);
    return CLI_USAGE;
}

/* --- What the program gets ------------------------------------------------------------------- */

static int read_file(const char *path, char **ret, size_t *ret_length)
{
    CLEANUP(freep) char *data = NULL;
    FILE *file = fopen(path, "re");
    size_t length = 0, size = 0;

    if (file == NULL)
        return refuse_file(path, strerrordesc_np(errno));
    do {
        char *more = realloc(data, size += 65536);

        if (more == NULL)
            break;
        data = more;
        length += fread(data + length, 1, size - length, file);
    } while (length == size && size <= FILE_MAX_BYTES);
    if (ferror(file) || length == size) {
        int code = errno;

        (void)fclose(file);
        return refuse_file(path, length == size ? "more than 64 MiB" : strerrordesc_np(code));
    }
    (void)fclose(file);
    *ret = TAKE_PTR(data);
    *ret_length = length;
    return CLI_OK;
}

/* The program sees a file by its last name; its folders are nobody's business. */
static const char *base_name(const char *path)
{
    const char *slash = strrchr(path, '/');

    return slash == NULL ? path : slash + 1;
}

static int read_files(struct run_command *run)
{
    for (size_t i = 0; i < run->args.n_files; i++) {
        size_t length = 0;
        int r = read_file(run->args.files[i], &run->data[i], &length);

        if (r != CLI_OK)
            return r;
        run->files[i] = (struct glimpse_file){base_name(run->args.files[i]), run->data[i], length};
    }
    return CLI_OK;
}

static int open_stdin(struct run_command *run)
{
    const bool is_terminal = terminal_find(&run->rows, &run->columns);

    run->interactive = run->args.interactive || (is_terminal && run->args.where.server != NULL);
    if (!run->interactive || !is_terminal || run->args.stdin_file != NULL || run->args.json || run->args.merged)
        run->rows = run->columns = 0;
    if (run->args.stdin_file != NULL || run->args.merged)
        run->interactive = run->args.interactive;
    /* Where it gets all input first, somebody who sits at a terminal would wonder what to type. */
    if (run->args.stdin_file == NULL && run->args.where.server != NULL && !run->interactive &&
        isatty(STDIN_FILENO) == 1)
        return CLI_OK;
    run->stdin_fd = STDIN_FILENO;
    if (run->args.stdin_file == NULL)
        return CLI_OK;
    run->stdin_fd = open(run->args.stdin_file, O_RDONLY | O_CLOEXEC);
    if (run->stdin_fd < 0)
        return refuse_file(run->args.stdin_file, strerrordesc_np(errno));
    return CLI_OK;
}

/* --- What becomes of it ---------------------------------------------------------------------- */

/* docs/cli.md has this as a table. */
static int exit_status(const struct glimpse_result *result)
{
    const struct glimpse_stage_result *run = &result->stages[GLIMPSE_RUN];

    switch ((enum glimpse_status)result->status) {
    case GLIMPSE_SUCCESS:
        return CLI_OK;
    case GLIMPSE_RUNTIME_ERROR:
        return run->exit_code;
    case GLIMPSE_SIGNALED:
        return CLI_SIGNAL + (run->ran ? run->signal : result->stages[GLIMPSE_COMPILE].signal);
    case GLIMPSE_WALL_TIME_LIMIT:
    case GLIMPSE_CPU_TIME_LIMIT:
        return CLI_TIME_LIMIT;
    case GLIMPSE_MEMORY_LIMIT:
    case GLIMPSE_OUTPUT_LIMIT:
    case GLIMPSE_PROCESS_LIMIT:
    case GLIMPSE_DISK_LIMIT:
        return CLI_LIMIT;
    case GLIMPSE_CANCELLED:
        return CLI_SIGNAL + SIGINT;
    case GLIMPSE_COMPILE_ERROR:
        return CLI_FAILED;
    case GLIMPSE_INTERNAL_ERROR:
    case GLIMPSE_N_STATUSES:
        break;
    }
    return CLI_SERVICE;
}

static int report(const struct run_command *run, const struct glimpse_result *result)
{
    if (run->broken_pipe)
        return CLI_SIGNAL + SIGPIPE;
    if (run->args.json && !run_json_print(result))
        return CLI_SIGNAL + SIGPIPE;
    if (!run->args.json && result->message[0] != '\0')
        (void)fprintf(stderr, "glimpse %s: %s\n", run->args.repl ? "repl" : "run", result->message);
    return exit_status(result);
}

static int execute(struct run_command *run)
{
    const struct run_args *args = &run->args;
    const struct sigaction interrupt = {.sa_handler = on_interrupt}, window = {.sa_handler = on_window};
    const char *command = args->repl ? "repl" : "run";
    const struct glimpse_callbacks callbacks = {.arg = run, .on_output = on_output};
    const struct glimpse_request request = {
        .language = args->language,
        .version = args->version,
        .files = run->files,
        .n_files = args->n_files,
        .args = (const char *const *)args->arguments,
        .n_args = args->n_arguments,
        .env = args->env,
        .n_env = args->n_env,
        .stdin_fd = run->stdin_fd,
        .merged = args->merged,
        .interactive = run->interactive,
        .repl = args->repl,
        .rows = run->rows,
        .columns = run->columns,
        .limits = {args->limits[GLIMPSE_COMPILE], args->limits[GLIMPSE_RUN]},
    };
    struct glimpse_error error = {0};
    struct glimpse_result result;
    int status, code;

    run->client = glimpse_new(&args->where, &error);
    if (run->client == NULL)
        return cli_fail(command, &error);
    atomic_store(&interrupted_client, run->client);
    (void)sigaction(SIGINT, &interrupt, NULL);
    (void)sigaction(SIGTERM, &interrupt, NULL);
    (void)sigaction(SIGHUP, &interrupt, NULL);
    (void)sigaction(SIGWINCH, &window, NULL);
    if (run->rows > 0 && !terminal_enter(&run->terminal))
        return refuse_file("stdin", "the terminal can't be made raw");
    code = glimpse_run(run->client, &request, &callbacks, &result, &error);
    terminal_leave(&run->terminal);
    status = code == GLIMPSE_OK ? report(run, &result) : cli_fail(command, &error);
    atomic_store(&interrupted_client, NULL);
    glimpse_result_clear(&result);
    return status;
}

static void run_command_done(struct run_command *run)
{
    for (size_t i = 0; i < run->args.n_files; i++)
        free(run->data[i]);
    glimpse_free(run->client);
    if (run->stdin_fd > STDIN_FILENO)
        (void)close(run->stdin_fd);
}

int cmd_run(int argc, char **argv)
{
    CLEANUP(run_command_done) struct run_command run = {.stdin_fd = -1};
    int r;

    r = run_args_parse(&run.args, argc, argv);
    if (r == CLI_OK && run.args.help) {
        run_args_help(run.args.repl);
        return CLI_OK;
    }
    if (r == CLI_OK)
        r = read_files(&run);
    if (r == CLI_OK)
        r = open_stdin(&run);
    return r == CLI_OK ? execute(&run) : r;
}

/* The same, but for what runs: run_args.c tells by the command's name. */
int cmd_repl(int argc, char **argv)
{
    return cmd_run(argc, argv);
}
