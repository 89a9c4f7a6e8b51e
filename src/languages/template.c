/* Command and environment templates: words of a language file, filled with one job's names and limits. */
#include <errno.h>
#include <inttypes.h>
#include <string.h>

#include "languages/languages.h"
#include "model/ini.h"

const char *const language_common_env[] = {
    "PATH=/usr/local/bin:/usr/bin:/bin", "HOME=/box", "PWD=/box", "TMPDIR=/tmp", "LANG=C.UTF-8", "USER=box",
    "LOGNAME=box", NULL};

enum { MAX_WORD_BYTES = 8192 }; /* a template's word, filled; {args} are not words of ours */

struct filling { /* what a template is filled with; all borrowed */
    const struct language *language;
    const struct job *job; /* NULL: there is none, and words that need one are refused */
    const struct limits *limits;
};

static struct slice main_name(const struct filling *with)
{
    return slice_from(with->job->files[0].name);
}

/* A name that begins with its only dot (".profile") has no suffix. */
static struct slice stem(const struct filling *with)
{
    struct slice name = main_name(with);
    const char *slash = memrchr(name.at, '/', name.len);
    const char *base = slash == NULL ? name.at : slash + 1;
    const char *dot = memrchr(base, '.', name.len - (size_t)(base - name.at));

    if (dot != NULL && dot != base)
        name.len = (size_t)(dot - name.at);
    return name;
}

static bool is(struct slice name, const char *text)
{
    return name.len == strlen(text) && memcmp(name.at, text, name.len) == 0;
}

static int fill_text(struct buf *to, const struct filling *with, struct slice name)
{
    struct slice text;

    if (is(name, "dir"))
        return buf_printf(to, "%s/%s", LANGUAGES_BOX_DIR, with->language->id);
    if (with->job == NULL || with->job->n_files == 0)
        return -ENOENT;
    if (is(name, "main"))
        text = main_name(with);
    else if (is(name, "stem"))
        text = stem(with);
    else
        return -ENOENT;
    return buf_add(to, text.at, text.len);
}

/* clang-format off */
static const struct { const char *name, *limit; uint64_t divisor; } numbers[] = {
    {"memory_bytes", "memory_bytes", 1},
    {"memory_mib",   "memory_bytes", 1 << 20},
    {"processes",    "processes",    1},
    {"open_files",   "open_files",   1},
    {"wall_time_s",  "wall_time_ms", 1000},
    {"cpu_time_s",   "cpu_time_ms",  1000},
};
/* clang-format on */

/* "*60%" after a number's name; 100 where there is nothing. */
static int read_percent(uint64_t *ret, struct slice rest)
{
    char digits[4];

    *ret = 100;
    if (rest.len == 0)
        return 0;
    if (rest.len < 3 || rest.len > 5 || rest.at[0] != '*' || rest.at[rest.len - 1] != '%')
        return -EINVAL;
    memcpy(digits, rest.at + 1, rest.len - 2);
    digits[rest.len - 2] = '\0';
    return ini_number(ret, INI_UINT, 1, 100, digits, NULL);
}

static int fill_number(struct buf *to, const struct filling *with, struct slice name)
{
    for (size_t i = 0; i < COUNT_OF(numbers); i++) {
        size_t len = strlen(numbers[i].name);
        const struct limit_info *info = limit_find(numbers[i].limit, strlen(numbers[i].limit));
        uint64_t percent, value;

        if (name.len < len || memcmp(name.at, numbers[i].name, len) != 0 || (name.len > len && name.at[len] != '*'))
            continue;
        if (read_percent(&percent, (struct slice){.at = name.at + len, .len = name.len - len}) < 0)
            return -EINVAL;
        /* limit_table's bounds keep the product far from overflow. */
        value = limit_get(with->limits, info) * percent / 100 / numbers[i].divisor;
        return buf_printf(to, "%" PRIu64, value == 0 ? 1 : value);
    }
    return -ENOENT;
}

static int fill_placeholder(struct buf *to, const struct filling *with, struct slice name, struct err *err)
{
    int r = fill_text(to, with, name);

    if (r == -ENOENT)
        r = fill_number(to, with, name);
    if (r == -EINVAL)
        return err_set(err, r, "{%.*s}: after '*' comes a percentage from 1%% to 100%%, as in {memory_mib*60%%}",
                       (int)name.len, name.at);
    if (r == -ENOENT)
        return err_set(err, -EINVAL,
                       "there is no placeholder {%.*s}; {sources} and {args} are words of their own, a brace is {{",
                       (int)name.len, name.at);
    return r < 0 ? err_set(err, r, "{%.*s} makes a word longer than %d bytes", (int)name.len, name.at, MAX_WORD_BYTES)
                 : 0;
}

/* What begins with the brace at *at, which moves behind it. */
static int fill_brace(struct buf *to, const struct filling *with, const char **at, struct err *err)
{
    const char *from = *at, *close;
    int r;

    if (from[0] == from[1]) {
        *at = from + 2;
        return buf_add(to, from, 1);
    }
    close = strchr(from, '}');
    if (*from == '}' || close == NULL)
        return err_set(err, -EINVAL, "a single '%c': write it twice where a brace is meant", *from);
    r = fill_placeholder(to, with, (struct slice){.at = from + 1, .len = (size_t)(close - from - 1)}, err);
    *at = close + 1;
    return r;
}

static int fill_word(struct strings *to, const struct filling *with, const char *word, struct err *err)
{
    CLEANUP(buf_done) struct buf text;
    int r = 0;

    buf_init(&text, MAX_WORD_BYTES);
    while (r == 0 && *word != '\0') {
        size_t plain = strcspn(word, "{}");

        r = buf_add(&text, word, plain);
        word += plain;
        if (r == 0 && *word != '\0')
            r = fill_brace(&text, with, &word, err);
    }
    if (r == 0)
        r = strings_add(to, buf_text(&text), text.len);
    if (r < 0 && (err == NULL || err->code == 0))
        return err_set(err, r, "a word of a command can't be filled: it is too long, or there is no memory");
    return r;
}

static int add_name(struct strings *to, const char *name, struct err *err)
{
    return strings_add(to, name, strlen(name)) < 0 ? err_set(err, -ENOMEM, "no memory for a command") : 0;
}

static int add_sources(struct strings *to, const struct filling *with, struct err *err)
{
    size_t before = to->n;
    int r = 0;

    for (size_t i = 0; i < with->job->n_files && r == 0; i++)
        if (language_has_suffix(with->language, with->job->files[i].name))
            r = add_name(to, with->job->files[i].name, err);
    /* No suffix fits: the compiler shall say what it thinks of the main file. */
    if (r == 0 && to->n == before)
        r = add_name(to, main_name(with).at, err);
    return r;
}

static int add_args(struct strings *to, const struct filling *with, struct err *err)
{
    int r = 0;

    for (size_t i = 0; i < with->job->n_args && r == 0; i++)
        r = add_name(to, with->job->args[i], err);
    return r;
}

static int fill(struct strings *ret, const struct strings *words, const struct filling *with, struct err *err)
{
    CLEANUP(strings_done) struct strings filled = {0};
    struct err own = {0};
    int r = 0;

    for (size_t i = 0; i < words->n && r == 0; i++) {
        if (with->job != NULL && with->job->n_files > 0 && strcmp(words->at[i], "{sources}") == 0)
            r = add_sources(&filled, with, &own);
        else if (with->job != NULL && strcmp(words->at[i], "{args}") == 0)
            r = add_args(&filled, with, &own);
        else
            r = fill_word(&filled, with, words->at[i], &own);
    }
    if (r < 0)
        return err_set(err, r, "%s", own.msg);
    *ret = filled;
    filled = (struct strings){0};
    return 0;
}

int language_command(struct strings *ret, const struct language *language, enum stage stage,
                     const struct job *job, const struct limits *limits, struct err *err)
{
    const struct filling with = {.language = language, .job = job, .limits = limits};

    return fill(ret, &language->stages[stage].command, &with, err);
}

int language_env(struct strings *ret, const struct language *language, enum stage stage, const struct job *job,
                 const struct limits *limits, struct err *err)
{
    const struct filling with = {.language = language, .job = job, .limits = limits};

    return fill(ret, &language->stages[stage].env, &with, err);
}

int language_repl_command(struct strings *ret, const struct language *language, const struct job *job,
                          const struct limits *limits, struct err *err)
{
    const struct filling with = {.language = language, .job = job, .limits = limits};

    return fill(ret, &language->repl, &with, err);
}

int language_warm_command(struct strings *ret, const struct language *language, enum stage stage,
                          const struct limits *limits, struct err *err)
{
    const struct filling with = {.language = language, .limits = limits};

    return fill(ret, &language->stages[stage].warm.command, &with, err);
}

/* Limits are words of the command where a runtime has a heap limit of its own: the one that waits has the defaults. */
static bool has_usual_command(const struct language *language, enum stage stage, const struct limits *limits)
{
    const struct language_stage *at = &language->stages[stage];
    CLEANUP(strings_done) struct strings usual = {0};
    CLEANUP(strings_done) struct strings wanted = {0};
    bool same = language_warm_command(&usual, language, stage, &at->defaults, NULL) == 0 &&
                language_warm_command(&wanted, language, stage, limits, NULL) == 0;

    for (size_t i = 0; same && i < usual.n; i++)
        same = strcmp(usual.at[i], wanted.at[i]) == 0;
    return same;
}

bool language_runs_warm(const struct language *language, enum stage stage, const struct job *job,
                        const struct limits *limits)
{
    const struct language_warm *warm = &language->stages[stage].warm;
    const struct strings *cold = &warm->cold_env;

    if (warm->command.n == 0 || !has_usual_command(language, stage, limits))
        return false;
    /* Who waits runs programs, and leads a session that has no terminal. */
    if (stage == STAGE_RUN && (job->repl || job->terminal.rows > 0))
        return false;
    /* A compiler does not see the job's variables. */
    for (size_t i = 0; stage == STAGE_RUN && i < job->n_env; i++)
        for (size_t j = 0; j < cold->n; j++)
            if (strncmp(job->env[i], cold->at[j], strlen(cold->at[j])) == 0)
                return false;
    return true;
}
