#include "model/job.h"

#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/utf8.h"

const char *const stage_names[N_STAGES] = {"compile", "run"};

/* clang-format off */
const char *const status_names[N_STATUSES] = {
    [STATUS_OK]              = "ok",
    [STATUS_COMPILE_ERROR]   = "compile_error",
    [STATUS_RUNTIME_ERROR]   = "runtime_error",
    [STATUS_SIGNALED]        = "signaled",
    [STATUS_WALL_TIME_LIMIT] = "wall_time_limit",
    [STATUS_CPU_TIME_LIMIT]  = "cpu_time_limit",
    [STATUS_MEMORY_LIMIT]    = "memory_limit",
    [STATUS_OUTPUT_LIMIT]    = "output_limit",
    [STATUS_PROCESS_LIMIT]   = "process_limit",
    [STATUS_DISK_LIMIT]      = "disk_limit",
    [STATUS_CANCELLED]       = "cancelled",
    [STATUS_INTERNAL_ERROR]  = "internal_error",
};
/* clang-format on */

struct job *job_new(void)
{
    return calloc(1, sizeof(struct job));
}

static void free_strings(char **strings, size_t n)
{
    for (size_t i = 0; i < n; i++)
        free(strings[i]);
    free((void *)strings);
}

static void free_files(struct job_file *files, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        free(files[i].name);
        free(files[i].data);
    }
    free(files);
}

void job_free(struct job *job)
{
    if (job == NULL)
        return;
    free_files(job->files, job->n_files);
    free(job->language);
    free(job->version);
    free(job->stdin_data);
    free_strings(job->args, job->n_args);
    free_strings(job->env, job->n_env);
    free_strings(job->collect, job->n_collect);
    free(job);
}

static bool copy_text(char **to, const char *text)
{
    *to = text == NULL ? NULL : strdup(text);
    return text == NULL || *to != NULL;
}

/* With the NUL that follows them. */
static bool copy_bytes(char **to, const char *bytes, size_t len)
{
    *to = malloc(len + 1);
    if (*to == NULL)
        return false;
    if (len > 0)
        memcpy(*to, bytes, len);
    (*to)[len] = '\0';
    return true;
}

static bool copy_strings(char ***to, size_t *n_to, char *const *strings, size_t n)
{
    if (n == 0)
        return true;
    *to = (char **)calloc(n, sizeof **to);
    for (; *to != NULL && *n_to < n; (*n_to)++)
        if (!copy_text(&(*to)[*n_to], strings[*n_to]))
            return false;
    return *to != NULL;
}

static bool copy_files(struct job *to, const struct job *job)
{
    to->files = calloc(job->n_files + 1, sizeof *to->files);
    if (to->files == NULL)
        return false;
    for (size_t i = 0; i < job->n_files; i++) {
        struct job_file *file = &to->files[to->n_files++];

        file->len = job->files[i].len;
        if (!copy_text(&file->name, job->files[i].name) || !copy_bytes(&file->data, job->files[i].data, file->len))
            return false;
    }
    return true;
}

struct job *job_copy(const struct job *job)
{
    CLEANUP(job_freep) struct job *copy = job_new();

    if (copy == NULL)
        return NULL;
    *copy = *job; /* plain values; all that is owned is done anew */
    copy->language = copy->version = copy->stdin_data = NULL;
    copy->files = NULL;
    copy->args = copy->env = copy->collect = NULL;
    copy->n_files = copy->n_args = copy->n_env = copy->n_collect = 0;
    if (!copy_text(&copy->language, job->language) || !copy_text(&copy->version, job->version) ||
        !copy_files(copy, job) || !copy_strings(&copy->args, &copy->n_args, job->args, job->n_args) ||
        !copy_strings(&copy->env, &copy->n_env, job->env, job->n_env) ||
        !copy_strings(&copy->collect, &copy->n_collect, job->collect, job->n_collect) ||
        !copy_bytes(&copy->stdin_data, job->stdin_data, job->stdin_len))
        return NULL;
    return TAKE_PTR(copy);
}

int job_check_name(struct slice name, struct err *err)
{
    size_t depth = 0;
    const char *part = name.at, *end = name.at + name.len;

    if (name.len == 0)
        return err_set(err, -EINVAL, "a file name is empty");
    if (name.len > JOB_MAX_NAME_BYTES)
        return err_set(err, -EINVAL, "a file name has %zu bytes, at most %d are allowed", name.len,
                       JOB_MAX_NAME_BYTES);
    if (!utf8_valid(name.at, name.len))
        return err_set(err, -EINVAL, "a file name is not valid UTF-8");
    for (size_t i = 0; i < name.len; i++)
        if ((unsigned char)name.at[i] < ' ' || name.at[i] == 0x7f)
            return err_set(err, -EINVAL, "a file name holds a control character");
    while (part <= end) {
        const char *slash = memchr(part, '/', (size_t)(end - part));
        size_t len = (size_t)((slash == NULL ? end : slash) - part);

        if (len == 0)
            return err_set(err, -EINVAL, "'%.*s' is not a relative path: it begins or ends with '/', or has '//'",
                           (int)name.len, name.at);
        if ((len == 1 && part[0] == '.') || (len == 2 && part[0] == '.' && part[1] == '.'))
            return err_set(err, -EINVAL, "'%.*s' has a part '.' or '..'", (int)name.len, name.at);
        if (part[0] == '-')
            return err_set(err, -EINVAL, "'%.*s' has a part that begins with '-', which tools take for an option",
                           (int)name.len, name.at);
        if (depth == 0 && len == 8 && memcmp(part, ".glimpse", 8) == 0)
            return err_set(err, -EINVAL, "'.glimpse' is reserved");
        if (++depth > JOB_MAX_NAME_DEPTH)
            return err_set(err, -EINVAL, "a file name has more than %d parts", JOB_MAX_NAME_DEPTH);
        part += len + 1;
    }
    return 0;
}

/* Two files of one name, or a file that is another's folder, would depend on the order of writing. */
static int check_clash(const struct job *job, const char *name, struct err *err)
{
    size_t len = strlen(name);

    for (size_t i = 0; i < job->n_files; i++) {
        const char *other = job->files[i].name;
        size_t other_len = other == NULL ? 0 : strlen(other);
        size_t both = len < other_len ? len : other_len;

        if (other == NULL || memcmp(name, other, both) != 0)
            continue;
        if (len == other_len)
            return err_set(err, -EINVAL, "two files are named '%s'", name);
        if ((len < other_len ? other : name)[both] == '/')
            return err_set(err, -EINVAL, "'%.*s' is a file and a folder", (int)both, name);
    }
    return 0;
}

int job_add_file(struct job *job, const char *name, const void *data, size_t len, struct err *err)
{
    CLEANUP(freep) char *name_copy = NULL;
    CLEANUP(freep) char *copy = NULL;
    struct job_file *files;
    size_t total = len;
    int r;

    if (job->n_files == JOB_MAX_FILES)
        return err_set(err, -E2BIG, "more than %d files", JOB_MAX_FILES);
    for (size_t i = 0; i < job->n_files; i++)
        total += job->files[i].len;
    if (len > JOB_MAX_FILES_BYTES || total > JOB_MAX_FILES_BYTES)
        return err_set(err, -E2BIG, "the files have more than %d bytes together", JOB_MAX_FILES_BYTES);
    if (name == NULL && job->n_files > 0)
        return err_set(err, -EINVAL, "only the first file may be without a name");
    if (name != NULL) {
        r = job_check_name(slice_from(name), err);
        if (r == 0)
            r = check_clash(job, name, err);
        if (r < 0)
            return r;
        name_copy = strdup(name);
    }
    copy = malloc(len + 1); /* + 1: never malloc(0), and text stays printable in a debugger */
    files = realloc(job->files, (job->n_files + 1) * sizeof *files);
    if (files != NULL)
        job->files = files;
    if (copy == NULL || files == NULL || (name != NULL && name_copy == NULL))
        return err_set(err, -ENOMEM, "a file of %zu bytes", len);
    if (len > 0)
        memcpy(copy, data, len);
    copy[len] = '\0';
    if (name == NULL)
        job->main_unnamed = true;
    job->files[job->n_files++] =
        (struct job_file){.name = TAKE_PTR(name_copy), .data = TAKE_PTR(copy), .len = len};
    return 0;
}

/* What the kernel would refuse with E2BIG, and NULs that would cut a string, are refused here. */
static int add_string(const struct job *job, char ***list, size_t *n, char *text, size_t len,
                      const char *what, struct err *err)
{
    CLEANUP(freep) char *owned = text;
    size_t total = len;
    char **longer;

    if (memchr(text, '\0', len) != NULL)
        return err_set(err, -EINVAL, "%s holds a NUL character", what);
    if (len > JOB_MAX_STRING_BYTES)
        return err_set(err, -E2BIG, "%s has more than %d bytes", what, JOB_MAX_STRING_BYTES);
    for (size_t i = 0; i < job->n_args; i++)
        total += strlen(job->args[i]);
    for (size_t i = 0; i < job->n_env; i++)
        total += strlen(job->env[i]);
    if (total > JOB_MAX_STRINGS_BYTES)
        return err_set(err, -E2BIG, "args and env have more than %d bytes together", JOB_MAX_STRINGS_BYTES);
    longer = realloc((void *)*list, (*n + 1) * sizeof *longer);
    if (longer == NULL)
        return err_set(err, -ENOMEM, "%s", what);
    *list = longer;
    longer[(*n)++] = TAKE_PTR(owned);
    return 0;
}

int job_add_arg(struct job *job, struct slice arg, struct err *err)
{
    char *text;

    if (job->n_args == JOB_MAX_ARGS)
        return err_set(err, -E2BIG, "more than %d arguments", JOB_MAX_ARGS);
    text = malloc(arg.len + 1);
    if (text == NULL)
        return err_set(err, -ENOMEM, "an argument");
    if (arg.len > 0)
        memcpy(text, arg.at, arg.len);
    text[arg.len] = '\0';
    return add_string(job, &job->args, &job->n_args, text, arg.len, "an argument", err);
}

int job_add_env(struct job *job, struct slice name, struct slice value, struct err *err)
{
    char *text;

    if (job->n_env == JOB_MAX_ENV)
        return err_set(err, -E2BIG, "more than %d environment variables", JOB_MAX_ENV);
    if (name.len == 0 || memchr(name.at, '=', name.len) != NULL)
        return err_set(err, -EINVAL, "the name of an environment variable is empty or holds '='");
    for (size_t i = 0; i < job->n_env; i++)
        if (strncmp(job->env[i], name.at, name.len) == 0 && job->env[i][name.len] == '=')
            return err_set(err, -EINVAL, "an environment variable is given twice");
    text = malloc(name.len + value.len + 2);
    if (text == NULL)
        return err_set(err, -ENOMEM, "an environment variable");
    memcpy(text, name.at, name.len);
    text[name.len] = '=';
    if (value.len > 0)
        memcpy(text + name.len + 1, value.at, value.len);
    text[name.len + 1 + value.len] = '\0';
    return add_string(job, &job->env, &job->n_env, text, name.len + 1 + value.len,
                      "an environment variable", err);
}

int job_add_collect(struct job *job, struct slice pattern, struct err *err)
{
    char **longer;
    int r = job_check_name(pattern, err); /* a name with '*' and '?' in it */

    if (r < 0)
        return r;
    if (job->n_collect == JOB_MAX_COLLECT)
        return err_set(err, -E2BIG, "more than %d patterns", JOB_MAX_COLLECT);
    longer = realloc((void *)job->collect, (job->n_collect + 1) * sizeof *longer);
    if (longer == NULL)
        return err_set(err, -ENOMEM, "a pattern");
    job->collect = longer;
    longer[job->n_collect] = strndup(pattern.at, pattern.len);
    if (longer[job->n_collect] == NULL)
        return err_set(err, -ENOMEM, "a pattern");
    job->n_collect++;
    return 0;
}

void result_init(struct result *result)
{
    *result = (struct result){.status = STATUS_INTERNAL_ERROR, .compiled = {.fd = -1}};
    for (size_t i = 0; i < N_STAGES; i++) {
        result->stages[i].exit_code = -1;
        buf_init(&result->stages[i].out[0], 1);
        buf_init(&result->stages[i].out[1], 1);
    }
}

void result_done(struct result *result)
{
    for (size_t i = 0; i < N_STAGES; i++) {
        buf_done(&result->stages[i].out[0]);
        buf_done(&result->stages[i].out[1]);
    }
    free_files(result->files, result->n_files);
}

/* Not SIGSTOP: SIGTSTP asks, and has its opposite with it. */
const int job_signals[] = {SIGINT,  SIGTERM, SIGQUIT, SIGHUP,  SIGUSR1, SIGUSR2,
                           SIGKILL, SIGTSTP, SIGCONT, SIGWINCH, 0};

int job_signal_by_name(const char *name)
{
    char text[32];

    for (const int *signal = job_signals; *signal != 0; signal++)
        if (strcmp(signal_name(*signal, text, sizeof text), name) == 0)
            return *signal;
    return 0;
}

bool job_signal_is_one(int signal)
{
    for (const int *one = job_signals; *one != 0; one++)
        if (*one == signal)
            return true;
    return false;
}

const char *signal_name(int signal, char *buf, size_t size)
{
    const char *abbrev = signal > 0 && signal < SIGRTMIN ? sigabbrev_np(signal) : NULL;

    if (abbrev != NULL)
        (void)snprintf(buf, size, "SIG%s", abbrev);
    else if (signal >= SIGRTMIN && signal <= SIGRTMAX)
        (void)snprintf(buf, size, "SIGRTMIN+%d", signal - SIGRTMIN);
    else
        (void)snprintf(buf, size, "signal %d", signal);
    return buf;
}
