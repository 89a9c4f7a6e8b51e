#include "languages/check.h"

#include <errno.h>
#include <string.h>
#include <strings.h>

int language_check_id(const char *id, struct err *err)
{
    size_t len = strlen(id);

    if (len == 0 || len >= LANGUAGE_ID_BYTES || strspn(id, "abcdefghijklmnopqrstuvwxyz0123456789_+-") != len)
        return err_set(err, -EINVAL, "\"%.60s\" is no id of a language: 1 to %d of a-z 0-9 _ + -", id,
                       LANGUAGE_ID_BYTES - 1);
    return 0;
}

static int check_names(const struct language *language, struct err *err)
{
    int r = 0;

    for (size_t i = 0; i < language->aliases.n && r == 0; i++)
        r = language_check_id(language->aliases.at[i], err);
    if (r < 0)
        return err_wrap(err, r, "aliases");
    if (language->suffixes.n == 0)
        return err_set(err, -EINVAL, "suffixes is empty: give at least one, as in `suffixes = .py`");
    for (size_t i = 0; i < language->suffixes.n; i++) {
        const char *suffix = language->suffixes.at[i];

        if (suffix[0] != '.' || suffix[1] == '\0' || strchr(suffix, '/') != NULL)
            return err_set(err, -EINVAL, "suffixes: \"%.40s\" does not begin with '.', as in .py", suffix);
    }
    r = job_check_name(slice_from(language->main_name), err);
    return r < 0 ? err_wrap(err, r, "main") : 0;
}

/* Host paths reach mount(2) in boxd, so they are plain: absolute, without "..", "." or "//". */
static int check_path(const char *key, const char *path, struct err *err)
{
    int r = path[0] == '/' ? job_check_name(slice_from(path + 1), err) : -EINVAL;

    return r < 0 ? err_set(err, -EINVAL, "%s: \"%.80s\" is not an absolute path without '.' and '..' parts", key, path)
                 : 0;
}

static int check_paths(const struct language *language, struct err *err)
{
    int r = 0;

    for (size_t i = 0; i < language->needs.n && r == 0; i++)
        r = check_path("needs", language->needs.at[i], err);
    for (size_t i = 0; i < language->binds.n && r == 0; i++)
        r = check_path("binds", language->binds.at[i], err);
    if (r == 0 && language->version_command.n == 0)
        r = err_set(err, -EINVAL, "version_command is empty");
    return r < 0 ? r : check_path("version_command", language->version_command.at[0], err);
}

/* A template is one "{N}" and text around it; N is a group of the pattern. */
static int check_name_template(const struct language *language, struct err *err)
{
    const char *text = language->name_template, *hole;

    if ((text == NULL) != (language->name_pattern == NULL))
        return err_set(err, -EINVAL, "name_pattern and name_template belong together; one is missing");
    if (text == NULL)
        return 0;
    hole = strchr(text, '{');
    if (hole == NULL || hole[1] < '1' || hole[1] > '9' || hole[2] != '}' || strpbrk(hole + 3, "{}") != NULL)
        return err_set(err, -EINVAL, "name_template needs {1} to {9} once, as in {1}.java");
    if ((size_t)(hole[1] - '0') > language->name_pattern->re_nsub)
        return err_set(err, -EINVAL, "name_template says {%c}, but name_pattern has %zu groups", hole[1],
                       language->name_pattern->re_nsub);
    return 0;
}

/* Below /box, as a file name of a job, but ".glimpse", which is ours, is where most of it should be. */
/* Names in the box, of our own: they may begin with the folder that no user's file can be in. */
static int check_box_names(const struct strings *names, struct err *err)
{
    for (size_t i = 0; i < names->n; i++) {
        const char *name = names->at[i];
        int r = job_check_name(slice_from(strncmp(name, ".glimpse/", 9) == 0 ? name + 9 : name), err);

        if (r < 0)
            return r;
    }
    return 0;
}

static int check_collect(const struct language_stage *stage, struct err *err)
{
    int r = check_box_names(&stage->collect, err);

    return r < 0 ? err_wrap(err, r, "collect") : 0;
}

/* An empty text is in every output. */
static int check_out_of_memory(const struct language_stage *stage, struct err *err)
{
    for (size_t i = 0; i < stage->out_of_memory.n; i++)
        if (strlen(stage->out_of_memory.at[i]) < 8)
            return err_set(err, -EINVAL,
                           "out_of_memory: \"%s\" could be in any output: give more of the message, in quotes",
                           stage->out_of_memory.at[i]);
    return 0;
}

static int check_limits(const struct language_stage *stage, struct err *err)
{
    int r = limits_check(&stage->max, err);

    if (r < 0)
        return err_wrap(err, r, "max");
    r = limits_check(&stage->defaults, err);
    if (r < 0)
        return r;
    for (size_t i = 0; i < N_LIMITS; i++)
        if (limit_get(&stage->defaults, &limit_table[i]) > limit_get(&stage->max, &limit_table[i]))
            return err_set(err, -EINVAL, "the default of %s is above its maximum", limit_table[i].name);
    return 0;
}

/* Placeholders that a job fills make the words differ from job to job: there is nothing to start ahead. */
static int check_warm_words(const struct language *language, enum stage stage, struct err *err)
{
    const struct language_stage *at = &language->stages[stage];
    const struct strings *warm = &at->warm.command;
    CLEANUP(strings_done) struct strings filled = {0};

    if (warm->n < 2 || at->command.n < warm->n)
        return err_set(err, -EINVAL, "command: as that of [%s], as far as the script's name", stage_names[stage]);
    for (size_t i = 0; i + 1 < warm->n; i++)
        if (strcmp(warm->at[i], at->command.at[i]) != 0)
            return err_set(err, -EINVAL, "command: \"%.80s\" is not what [%s] has there", warm->at[i],
                           stage_names[stage]);
    return language_warm_command(&filled, language, stage, &at->defaults, err);
}

/* The interpreter that waits must be the one that the stage would start. */
static int check_warm(const struct language *language, enum stage stage, struct err *err)
{
    const struct language_warm *warm = &language->stages[stage].warm;
    int r;

    if (warm->command.n == 0)
        return warm->script == NULL && warm->cold_env.n == 0 && warm->folders.n == 0 && !warm->costly
                   ? 0
                   : err_set(err, -EINVAL, "warmth has no command");
    r = check_warm_words(language, stage, err);
    if (r == 0)
        r = job_check_name(slice_from(warm->command.at[warm->command.n - 1]), err);
    if (r == 0 && warm->script != NULL)
        r = job_check_name(slice_from(warm->script), err);
    if (r == 0)
        r = check_box_names(&warm->folders, err);
    return r;
}

/* Templates are tried on a job with one file, so that a bad one stops the start and not a user's run. */
static int check_templates(const struct language *language, enum stage stage, struct err *err)
{
    struct job_file file = {.name = language->main_name};
    const struct job job = {.files = &file, .n_files = 1};
    const struct limits *limits = &language->stages[stage].defaults;
    CLEANUP(strings_done) struct strings command = {0};
    CLEANUP(strings_done) struct strings env = {0};
    int r = language_command(&command, language, stage, &job, limits, err);

    if (r < 0)
        return err_wrap(err, r, "command");
    if (command.n == 0 || command.at[0][0] != '/')
        return err_set(err, -EINVAL, "command: \"%.60s\" is not an absolute path; there is no PATH search",
                       language->stages[stage].command.at[0]);
    r = language_env(&env, language, stage, &job, limits, err);
    if (r < 0)
        return err_wrap(err, r, "env");
    for (size_t i = 0; i < env.n; i++)
        if (env.at[i][0] == '=' || strchr(env.at[i], '=') == NULL)
            return err_set(err, -EINVAL, "env: \"%.60s\" is not NAME=VALUE", env.at[i]);
    return 0;
}

/* Tried on a job without a file, which is what it mostly gets. */
static int check_repl(const struct language *language, struct err *err)
{
    const struct job job = {.repl = true};
    const struct limits *limits = &language->stages[STAGE_RUN].defaults;
    CLEANUP(strings_done) struct strings command = {0};
    CLEANUP(strings_done) struct strings env = {0};
    int r;

    if (language->repl.n == 0)
        return 0;
    r = language_repl_command(&command, language, &job, limits, err);
    if (r == 0 && (command.n == 0 || command.at[0][0] != '/'))
        r = err_set(err, -EINVAL, "command: \"%.60s\" is not an absolute path; there is no PATH search",
                    language->repl.at[0]);
    return r < 0 ? r : language_env(&env, language, STAGE_RUN, &job, limits, err);
}

static int check_stage(const struct language *language, enum stage stage, struct err *err)
{
    const struct language_stage *at = &language->stages[stage];
    int r;

    if (!at->present)
        return at->env.n + at->collect.n + at->out_of_memory.n == 0
                   ? 0
                   : err_set(err, -EINVAL, "there is env, collect or out_of_memory, but no command");
    r = check_limits(at, err);
    if (r == 0)
        r = check_templates(language, stage, err);
    if (r == 0)
        r = check_collect(at, err);
    if (r == 0)
        r = check_out_of_memory(at, err);
    return r;
}

int language_check(const struct language *language, struct err *err)
{
    int r = check_names(language, err);

    if (r == 0)
        r = check_paths(language, err);
    if (r == 0)
        r = check_name_template(language, err);
    if (r == 0 && language->version_pattern->re_nsub == 0)
        r = err_set(err, -EINVAL, "version_pattern has no (group) for the version");
    if (r == 0 && !language->stages[STAGE_RUN].present)
        r = err_set(err, -EINVAL, "section [run] lacks `command = ...`");
    for (enum stage stage = 0; stage < N_STAGES && r == 0; stage++) {
        r = check_stage(language, stage, err);
        if (r < 0)
            r = err_wrap(err, r, "[%s]", stage_names[stage]);
    }
    for (enum stage stage = 0; stage < N_STAGES && r == 0; stage++) {
        r = check_warm(language, stage, err);
        if (r < 0)
            r = err_wrap(err, r, stage == STAGE_RUN ? "[warm]" : "[compile.warm]");
    }
    if (r == 0) {
        r = check_repl(language, err);
        if (r < 0)
            r = err_wrap(err, r, "[repl]");
    }
    return r;
}

/* Does `name` mean a language other than at[self]? */
static const struct language *other_with_name(const struct languages *languages, size_t self, const char *name)
{
    for (size_t i = 0; i < languages->n; i++) {
        const struct languages one = {.at = &languages->at[i], .n = 1};

        if (i != self && languages_find(&one, name) != NULL)
            return &languages->at[i];
    }
    return NULL;
}

static const struct language *other_with_suffix(const struct languages *languages, size_t self, const char *suffix)
{
    for (size_t i = 0; i < languages->n; i++)
        if (i != self && strings_have(&languages->at[i].suffixes, suffix))
            return &languages->at[i];
    return NULL;
}

static int check_clashes(const struct languages *languages, size_t self, struct err *err)
{
    const struct language *language = &languages->at[self], *other;

    for (size_t i = 0; i < language->aliases.n; i++) {
        other = other_with_name(languages, self, language->aliases.at[i]);
        if (other != NULL)
            return err_set(err, -EINVAL, "%s: the alias \"%s\" also means %s", language->id, language->aliases.at[i],
                           other->id);
    }
    for (size_t i = 0; i < language->suffixes.n; i++) {
        other = other_with_suffix(languages, self, language->suffixes.at[i]);
        if (other != NULL)
            return err_set(err, -EINVAL, "%s: the suffix %s also means %s", language->id, language->suffixes.at[i],
                           other->id);
    }
    return 0;
}

int languages_check_names(const struct languages *languages, struct err *err)
{
    int r = 0;

    for (size_t i = 0; i < languages->n && r == 0; i++)
        r = check_clashes(languages, i, err);
    return r < 0 ? err_wrap(err, r, "%s", languages->dir) : 0;
}
