/* recipe: what zygotes are made of: the host's folders that boxes see, and an interpreter's words and variables. */
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "box/setup.h"
#include "boxd/boxd.h"

/* The host's folders that every box sees, where they are there. Debian's /bin, /lib... are links into /usr. */
static const char *const base_binds[] = {"/usr",   "/bin",    "/sbin",           "/lib",
                                         "/lib32", "/lib64",  "/libx32",         "/etc/ld.so.cache",
                                         "/etc/alternatives"};

static bool has_bind(const struct nursery *nursery, const char *box)
{
    for (size_t i = 0; i < nursery->n_binds; i++)
        if (strcmp(nursery->binds[i].box, box) == 0)
            return true;
    return false;
}

/* Skips what is not there: a language whose files are missing is reported by glimpsed, the rest work. */
static int add_bind(struct nursery *nursery, const char *host, const char *box)
{
    struct rootfs_bind *longer;
    struct stat st;

    if (lstat(host, &st) < 0 || has_bind(nursery, box))
        return 0;
    longer = realloc(nursery->binds, (nursery->n_binds + 1) * sizeof *longer);
    if (longer == NULL)
        return -ENOMEM;
    nursery->binds = longer;
    longer[nursery->n_binds++] = (struct rootfs_bind){.host = host, .box = box};
    return 0;
}

int recipe_binds(struct boxd *boxd, struct err *err)
{
    struct nursery *nursery = &boxd->nursery;
    int r = 0;

    for (size_t i = 0; r == 0 && i < COUNT_OF(base_binds); i++)
        r = add_bind(nursery, base_binds[i], base_binds[i]);
    for (size_t i = 0; r == 0 && i < boxd->languages->n; i++) {
        const struct strings *binds = &boxd->languages->at[i].binds;

        for (size_t j = 0; r == 0 && j < binds->n; j++)
            r = add_bind(nursery, binds->at[j], binds->at[j]);
    }
    if (r == 0)
        r = add_bind(nursery, boxd->config->toolchains_dir, LANGUAGES_BOX_TOOLCHAINS);
    if (r == 0)
        r = add_bind(nursery, boxd->config->languages_dir, LANGUAGES_BOX_DIR);
    if (r == 0 && nursery->library != NULL) { /* boxes see it, too: for what is started in them */
        r = add_bind(nursery, nursery->library, ZYGOTE_LIBRARY);
        nursery->binds[nursery->n_binds - 1].is_copy = true;
    }
    return r < 0 ? err_set(err, r, "binds") : 0;
}

static int add_env(struct strings *envp, const char *name, const char *value)
{
    CLEANUP(freep) char *text = NULL;

    if (asprintf(&text, "%s=%s", name, value) < 0)
        return -ENOMEM;
    return strings_add(envp, text, strlen(text));
}

/* The words are kept with a NULL behind them, for execve(2). */
static int terminate(struct strings *words)
{
    int r = strings_add(words, "", 0);

    if (r == 0) {
        free(words->at[words->n - 1]);
        words->at[words->n - 1] = NULL;
    }
    return r;
}

int recipe_write(struct zygote_link *link, struct err *err)
{
    const struct language *language = link->language;
    const struct language_stage *stage = &language->stages[link->stage];
    char path[512];
    int r = language_warm_command(&link->argv, language, link->stage, &stage->defaults, err);

    for (size_t i = 0; r == 0 && language_common_env[i] != NULL; i++)
        r = strings_add(&link->envp, language_common_env[i], strlen(language_common_env[i]));
    if (r == 0)
        r = add_env(&link->envp, "LD_PRELOAD", ZYGOTE_LIBRARY);
    if (r == 0) {
        (void)snprintf(path, sizeof path, "/box/%s", link->argv.at[link->argv.n - 1]);
        r = add_env(&link->envp, ZYGOTE_ENV_SCRIPT, path);
    }
    (void)snprintf(path, sizeof path, LANGUAGES_BOX_DIR "/%s/%s", language->id, stage->warm.script);
    if (r == 0 && stage->warm.script != NULL)
        r = add_env(&link->envp, ZYGOTE_ENV_WARM, path);
    if (r == 0)
        r = terminate(&link->argv);
    if (r == 0)
        r = terminate(&link->envp);
    for (size_t i = 0; r == 0 && i < stage->warm.folders.n; i++)
        r = strings_add(&link->folders, stage->warm.folders.at[i], strlen(stage->warm.folders.at[i]));
    if (r == 0)
        r = terminate(&link->folders);
    return r;
}

static bool files_are_there(const struct language *language)
{
    for (size_t i = 0; i < language->needs.n; i++)
        if (access(language->needs.at[i], F_OK) < 0)
            return false;
    return true;
}

bool recipe_wanted(const struct config *config, const struct language *language, enum stage stage)
{
    const struct language_warm *warm = &language->stages[stage].warm;

    return warm->command.n > 0 && files_are_there(language) && !(warm->costly && config->warm_costly == COSTLY_NEVER);
}
