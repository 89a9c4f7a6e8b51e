/*
 * Reading languages/<id>/language.ini. The privileged boxd runs this too: it opens files and compiles patterns,
 * nothing else. What a file leaves out comes from stage_defaults below.
 */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/fd.h"
#include "base/utf8.h"
#include "languages/check.h"
#include "languages/languages.h"
#include "model/ini.h"

enum { MAX_HELLO_BYTES = 16384, MAX_LANGUAGES = 256, MAX_INI_BYTES = 65536 };

#define MIB ((uint64_t)1 << 20)
#define GIB ((uint64_t)1 << 30)

/* For a language that says nothing. A compiler is ours and short-lived, but heavier than most programs. */
static const struct language_stage stage_defaults[N_STAGES] = {
    [STAGE_COMPILE] = {.defaults = {.wall_time_ms = 30000, .cpu_time_ms = 60000, .memory_bytes = 512 * MIB,
                                    .processes = 128, .output_bytes = MIB, .file_bytes = 128 * MIB,
                                    .box_bytes = 256 * MIB, .open_files = 512},
                       .max = {.wall_time_ms = 60000, .cpu_time_ms = 240000, .memory_bytes = 2 * GIB,
                               .processes = 512, .output_bytes = 16 * MIB, .file_bytes = 512 * MIB,
                               .box_bytes = GIB, .open_files = 4096}},
    [STAGE_RUN] = {.defaults = {.wall_time_ms = 10000, .cpu_time_ms = 10000, .memory_bytes = 256 * MIB,
                                .processes = 128, .output_bytes = MIB, .file_bytes = 64 * MIB,
                                .box_bytes = 128 * MIB, .open_files = 512},
                   .max = {.wall_time_ms = 60000, .cpu_time_ms = 240000, .memory_bytes = 2 * GIB,
                           .processes = 1024, .output_bytes = 16 * MIB, .file_bytes = 512 * MIB, .box_bytes = GIB,
                           .open_files = 4096}},
};

const struct limits *languages_usual_limits(enum stage stage)
{
    return &stage_defaults[stage].defaults;
}

struct file { /* one language.ini */
    struct language language;
    char *hello_file, *name_pattern, *version_pattern; /* owned: text of what the language has made of it */
};

/* clang-format off */
#define AT(field) offsetof(struct file, language.field)
#define STAGE(section, stage)                                                                                          \
    {section, "command", INI_WORDS, AT(stages[stage].command), .max = 64, .help = "argv; see docs/languages.md"},      \
    {section, "env", INI_WORDS, AT(stages[stage].env), .max = 64, .help = "NAME=VALUE, parted by blanks"},         \
    {section, "out_of_memory", INI_WORDS, AT(stages[stage].out_of_memory), .max = 16,                                  \
     .help = "what the runtime writes to stderr when its own heap limit is reached"}
#define LIMITS(section, stage, which)                                                                                  \
    {section, "wall_time", INI_MS, AT(stages[stage].which.wall_time_ms), .help = "10s"},                               \
    {section, "cpu_time", INI_MS, AT(stages[stage].which.cpu_time_ms), .help = "10s"},                                 \
    {section, "memory", INI_BYTES, AT(stages[stage].which.memory_bytes), .help = "256M"},                              \
    {section, "processes", INI_UINT, AT(stages[stage].which.processes), .help = "128"},                                \
    {section, "output", INI_BYTES, AT(stages[stage].which.output_bytes), .help = "1M"},                                \
    {section, "file_size", INI_BYTES, AT(stages[stage].which.file_bytes), .help = "64M"},                              \
    {section, "box_size", INI_BYTES, AT(stages[stage].which.box_bytes), .help = "128M"},                               \
    {section, "open_files", INI_UINT, AT(stages[stage].which.open_files), .help = "512"}
#define WARM(section, stage)                                                                                           \
    {section, "command", INI_WORDS, AT(stages[stage].warm.command), .max = 64,                                         \
     .help = "argv of the interpreter that is there before the job"},                                                  \
    {section, "script", INI_STRING, AT(stages[stage].warm.script), .max = 64,                                          \
     .help = "file beside this one that prepares it"},                                                                 \
    {section, "folders", INI_WORDS, AT(stages[stage].warm.folders), .max = 16,                                         \
     .help = "folders below /box that it wants to find when it starts"},                                               \
    {section, "costly", INI_BOOL, AT(stages[stage].warm.costly), .help = "its boot takes seconds: yes or no"},         \
    {section, "cold_env", INI_WORDS, AT(stages[stage].warm.cold_env), .max = 32,                                       \
     .help = "beginnings of variables with which a job gets a fresh interpreter"}

static const struct ini_key keys[] = {
    {"language", "name", INI_STRING, AT(name), .max = 64, .required = true, .help = "as people write it: C++"},
    {"language", "aliases", INI_WORDS, AT(aliases), .max = 16, .help = "other ids that mean this language"},
    {"language", "suffixes", INI_WORDS, AT(suffixes), .max = 16, .required = true, .help = "of source files: .py"},
    {"language", "main", INI_STRING, AT(main_name), .max = 64, .required = true,
     .help = "the file name that unnamed code gets"},
    {"language", "name_pattern", INI_STRING, offsetof(struct file, name_pattern), .max = 1024,
     .help = "POSIX extended expression that finds a better name in the source"},
    {"language", "name_template", INI_STRING, AT(name_template), .max = 64, .help = "that name: {1}.java"},
    {"language", "hello", INI_STRING, offsetof(struct file, hello_file), .max = 64, .required = true,
     .help = "file beside this one with a hello program"},
    {"language", "needs", INI_WORDS, AT(needs), .max = 32, .required = true, .help = "absolute paths that must exist"},
    {"language", "package", INI_STRING, AT(package), .max = 128, .required = true,
     .help = "what to install when they do not"},
    {"language", "binds", INI_WORDS, AT(binds), .max = 16, .help = "host paths that the box sees besides /usr"},
    {"language", "version_command", INI_WORDS, AT(version_command), .max = 16, .required = true,
     .help = "argv of what prints the version"},
    {"language", "version_pattern", INI_STRING, offsetof(struct file, version_pattern), .max = 256, .required = true,
     .help = "POSIX extended expression whose group 1 is the version in it"},
    STAGE("compile", STAGE_COMPILE),
    {"compile", "collect", INI_WORDS, AT(stages[STAGE_COMPILE].collect), .max = 16,
     .help = "files or folders below /box that run needs"},
    LIMITS("compile", STAGE_COMPILE, defaults),
    LIMITS("compile.max", STAGE_COMPILE, max),
    STAGE("run", STAGE_RUN),
    LIMITS("run", STAGE_RUN, defaults),
    LIMITS("run.max", STAGE_RUN, max),
    WARM("warm", STAGE_RUN),
    WARM("compile.warm", STAGE_COMPILE),
    {"repl", "command", INI_WORDS, AT(repl), .max = 64, .help = "argv of the language's own prompt"},
};
/* clang-format on */

static void free_regex(regex_t *regex)
{
    if (regex != NULL)
        regfree(regex);
    free(regex);
}

static void stage_done(struct language_stage *stage)
{
    struct strings *lists[] = {&stage->command,      &stage->env,          &stage->collect,      &stage->out_of_memory,
                               &stage->warm.command, &stage->warm.folders, &stage->warm.cold_env};

    for (size_t i = 0; i < COUNT_OF(lists); i++)
        strings_done(lists[i]);
    free(stage->warm.script);
}

static void language_done(struct language *language)
{
    char *texts[] = {language->name,        language->main_name, language->name_template,
                     language->package,     language->hello,     language->unavailable,
                     language->version,     language->version_text};
    struct strings *lists[] = {&language->aliases, &language->suffixes, &language->needs, &language->binds,
                               &language->version_command, &language->repl};

    for (size_t i = 0; i < COUNT_OF(texts); i++)
        free(texts[i]);
    for (size_t i = 0; i < COUNT_OF(lists); i++)
        strings_done(lists[i]);
    for (size_t i = 0; i < N_STAGES; i++)
        stage_done(&language->stages[i]);
    free_regex(language->name_pattern);
    free_regex(language->version_pattern);
    *language = (struct language){0};
}

void languages_done(struct languages *languages)
{
    for (size_t i = 0; i < languages->n; i++)
        language_done(&languages->at[i]);
    free(languages->at);
    free(languages->dir);
    *languages = (struct languages){0};
}

static void file_done(struct file *file)
{
    language_done(&file->language);
    free(file->hello_file);
    free(file->name_pattern);
    free(file->version_pattern);
}

static int compile_regex(regex_t **ret, const char *key, const char *pattern, struct err *err)
{
    regex_t *regex = malloc(sizeof *regex);
    char why[80];
    int r;

    if (regex == NULL)
        return err_set(err, -ENOMEM, "no memory for a pattern");
    r = regcomp(regex, pattern, REG_EXTENDED | REG_NEWLINE);
    if (r != 0) {
        (void)regerror(r, regex, why, sizeof why);
        free(regex);
        return err_set(err, -EINVAL, "%s is not a POSIX extended regular expression: %s", key, why);
    }
    *ret = regex;
    return 0;
}

static int compile_patterns(struct file *file, struct err *err)
{
    struct language *language = &file->language;
    int r = compile_regex(&language->version_pattern, "version_pattern", file->version_pattern, err);

    if (r == 0 && file->name_pattern != NULL)
        r = compile_regex(&language->name_pattern, "name_pattern", file->name_pattern, err);
    return r;
}

static int read_hello(struct file *file, const char *folder, struct err *err)
{
    CLEANUP(freep) char *path = NULL;
    CLEANUP(freep) char *text = NULL;
    CLEANUP(closep) int fd = -1;
    ssize_t len;

    if (file->hello_file[0] == '.' || strchr(file->hello_file, '/') != NULL)
        return err_set(err, -EINVAL, "hello = %s: it must be the name of a file in the same folder", file->hello_file);
    text = calloc(1, MAX_HELLO_BYTES + 1);
    if (text == NULL || asprintf(&path, "%s/%s", folder, file->hello_file) < 0)
        return err_set(err, -ENOMEM, "no memory for a hello program");
    fd = open(path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK);
    if (fd < 0)
        return err_errno(err, -errno, "hello = %s", file->hello_file);
    len = fd_read_full(fd, text, MAX_HELLO_BYTES + 1);
    if (len < 0)
        return err_errno(err, (int)len, "hello = %s", file->hello_file);
    if (len > MAX_HELLO_BYTES)
        return err_set(err, -EFBIG, "hello = %s: it has more than %d bytes", file->hello_file, MAX_HELLO_BYTES);
    text[len] = '\0';
    if (!utf8_valid(text, (size_t)len) || strlen(text) != (size_t)len)
        return err_set(err, -EINVAL, "hello = %s: it is not UTF-8 text", file->hello_file);
    file->language.hello = TAKE_PTR(text);
    return 0;
}

static int take_hello(struct file *file, struct slice text, struct err *err)
{
    if (text.len > MAX_HELLO_BYTES || !utf8_valid(text.at, text.len))
        return err_set(err, -EINVAL, "hello = %s: it is too long, or not UTF-8 text", file->hello_file);
    file->language.hello = strndup(text.at, text.len);
    return file->language.hello == NULL ? err_set(err, -ENOMEM, "no memory for a hello program") : 0;
}

/* A stage is there when its section has a command. */
static void settle_stages(struct language *language)
{
    for (size_t i = 0; i < N_STAGES; i++)
        language->stages[i].present = language->stages[i].command.n > 0;
}

/* text: of the file and of its hello program; NULL: both are read. */
static int load_file(struct file *file, const char *folder, const char *path, const struct language_text *text,
                     struct err *err)
{
    int r = text == NULL ? ini_read(file, path, keys, COUNT_OF(keys), err)
                         : ini_read_text(file, path, text->ini, keys, COUNT_OF(keys), err);

    if (r < 0)
        return r; /* it names the file already */
    settle_stages(&file->language);
    r = compile_patterns(file, err);
    if (r == 0)
        r = text == NULL ? read_hello(file, folder, err) : take_hello(file, text->hello, err);
    if (r == 0)
        r = language_check(&file->language, err);
    return r < 0 ? err_wrap(err, r, "%s", path) : 0;
}

static int load_language(struct language *ret, const char *dir, const char *id, const struct language_text *text,
                         struct err *err)
{
    CLEANUP(file_done) struct file file = {0};
    CLEANUP(freep) char *folder = NULL;
    CLEANUP(freep) char *path = NULL;
    int r;

    memcpy(file.language.stages, stage_defaults, sizeof stage_defaults);
    if (asprintf(&folder, "%s/%s", dir, id) < 0 || asprintf(&path, "%s/language.ini", folder) < 0)
        return err_set(err, -ENOMEM, "no memory for %s", id);
    r = language_check_id(id, err);
    if (r < 0)
        return err_wrap(err, r, "%s", folder);
    (void)snprintf(file.language.id, sizeof file.language.id, "%s", id);
    r = load_file(&file, folder, path, text, err);
    if (r < 0)
        return r;
    if (text == NULL)
        file.language.fingerprint = language_fingerprint(folder, &file.language.needs);
    *ret = file.language;
    file.language = (struct language){0};
    return 0;
}

/* Folders only; "." , ".git" and "_drafts" are none of ours. */
static int is_language(const struct dirent *entry)
{
    return entry->d_name[0] != '.' && entry->d_name[0] != '_' &&
           (entry->d_type == DT_DIR || entry->d_type == DT_UNKNOWN);
}

static int by_bytes(const struct dirent **a, const struct dirent **b)
{
    return strcmp((*a)->d_name, (*b)->d_name);
}

static int load_all(struct languages *languages, struct dirent **entries, size_t n, struct err *err)
{
    languages->at = calloc(n, sizeof *languages->at);
    if (languages->at == NULL)
        return err_set(err, -ENOMEM, "no memory for %zu languages", n);
    for (size_t i = 0; i < n; i++) {
        int r = load_language(&languages->at[i], languages->dir, entries[i]->d_name, NULL, err);

        if (r < 0)
            return r;
        languages->n++;
    }
    return languages_check_names(languages, err);
}

int languages_load(struct languages *ret, const char *dir, struct err *err)
{
    CLEANUP(languages_done) struct languages languages = {0};
    struct dirent **entries = NULL;
    int n = scandir(dir, &entries, is_language, by_bytes), r;

    if (n < 0)
        return err_errno(err, -errno, "%s", dir);
    languages.dir = strdup(dir);
    if (languages.dir == NULL)
        r = err_set(err, -ENOMEM, "no memory for languages");
    else if (n == 0 || n > MAX_LANGUAGES)
        r = err_set(err, -EINVAL, "%s has %d folders of languages; 1 to %d are expected", dir, n, MAX_LANGUAGES);
    else
        r = load_all(&languages, entries, (size_t)n, err);
    for (int i = 0; i < n; i++)
        free(entries[i]);
    free((void *)entries);
    if (r < 0)
        return r;
    *ret = languages;
    languages = (struct languages){0};
    return 0;
}

size_t languages_check(const char *dir, void (*on_fault)(void *arg, const char *sentence), void *arg)
{
    CLEANUP(languages_done) struct languages languages = {0};
    struct dirent **entries = NULL;
    int n = scandir(dir, &entries, is_language, by_bytes);
    struct err err = {0};
    size_t n_faults = 0;

    for (int i = 0; i < n; i++) {
        struct language language = {0};

        if (load_language(&language, dir, entries[i]->d_name, NULL, &err) < 0) {
            on_fault(arg, err.msg);
            n_faults++;
        } else {
            language_done(&language);
        }
        free(entries[i]);
    }
    free((void *)entries);
    /* What only shows between them: names that clash; or that there are none. */
    if (n_faults == 0 && languages_load(&languages, dir, &err) < 0) {
        on_fault(arg, err.msg);
        n_faults++;
    }
    return n_faults;
}

int languages_parse(struct languages *ret, const char *dir, const struct language_text *texts, size_t n,
                    struct err *err)
{
    CLEANUP(languages_done) struct languages languages = {0};
    int r;

    if (n == 0 || n > MAX_LANGUAGES)
        return err_set(err, -EINVAL, "%zu languages; 1 to %d are expected", n, MAX_LANGUAGES);
    languages.dir = strdup(dir);
    languages.at = calloc(n, sizeof *languages.at);
    if (languages.dir == NULL || languages.at == NULL)
        return err_set(err, -ENOMEM, "no memory for %zu languages", n);
    for (; languages.n < n; languages.n++) {
        r = load_language(&languages.at[languages.n], dir, texts[languages.n].id, &texts[languages.n], err);
        if (r < 0)
            return r;
    }
    r = languages_check_names(&languages, err);
    if (r < 0)
        return r;
    *ret = languages;
    languages = (struct languages){0};
    return 0;
}

int languages_read_text(struct buf *to, const char *dir, const char *id, struct err *err)
{
    CLEANUP(freep) char *path = NULL;
    CLEANUP(freep) char *text = calloc(1, MAX_INI_BYTES + 1);
    CLEANUP(closep) int fd = -1;
    ssize_t len;

    if (text == NULL || asprintf(&path, "%s/%s/language.ini", dir, id) < 0)
        return err_set(err, -ENOMEM, "no memory for %s", id);
    fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
    len = fd < 0 ? -errno : fd_read_full(fd, text, MAX_INI_BYTES + 1);
    if (len < 0 || len > MAX_INI_BYTES)
        return err_set(err, len < 0 ? (int)len : -EFBIG, "%s can't be read, or is too long", path);
    return buf_add(to, text, (size_t)len);
}
