/* settle: which language a job means, and what it leaves to that. */
#include <errno.h>
#include <stdio.h>

#include "engine/run.h"

static int refuse_language(const struct engine *engine, const char *name, struct err *err)
{
    char list[160] = "";
    size_t used = 0;

    for (size_t i = 0; i < engine->languages->n && used < sizeof list; i++)
        used += (size_t)snprintf(list + used, sizeof list - used, "%s%s", i == 0 ? "" : ", ",
                                 engine->languages->at[i].id);
    (void)err_set(err, -ENOENT, "there is no language \"%.30s\"; there are: %s", name, list);
    return ENGINE_E_LANGUAGE;
}

/* *ret is borrowed from the engine. 0 or ENGINE_E_*. */
static int find_language(const struct language **ret, const struct engine *engine,
                         const struct job *job, struct err *err)
{
    const struct language *language = languages_find(engine->languages, job->language);

    if (language == NULL)
        return refuse_language(engine, job->language, err);
    if (!language->available) {
        (void)err_set(err, -ENOENT, "%s",
                      language->unavailable != NULL ? language->unavailable
                                                    : "its toolchain is missing");
        return ENGINE_E_UNAVAILABLE;
    }
    if (!language_has_version(language, job->version)) {
        (void)err_set(err, -ENOENT, "%s is there in version %s, not %.40s", language->id,
                      language->version, job->version);
        return ENGINE_E_VERSION;
    }
    if (job->repl && language->repl.n == 0) {
        (void)err_set(err, -ENOENT, "%s has no prompt of its own here (repl); send a program", language->id);
        return ENGINE_E_LANGUAGE;
    }
    *ret = language;
    return 0;
}

/* A person thinks longer than a program runs. */
static void settle_limits(struct limits *limits, const struct language_stage *stage, uint64_t interactive_ms)
{
    struct limits defaults = stage->defaults, max = stage->max;

    if (interactive_ms > 0)
        defaults.wall_time_ms = max.wall_time_ms = interactive_ms;
    limits_settle(limits, &defaults, &max);
}

/* Fills what the job left to the language. interactive_ms: 0 unless it is. */
static int settle_job(struct job *job, const struct language *language, uint64_t interactive_ms, struct err *err)
{
    if (job->n_files == 0 && !job->repl)
        return err_set(err, -EINVAL, "there is no file to run");
    if (job->compile_only && !language->stages[STAGE_COMPILE].present)
        return err_set(err, -EINVAL, "%s is not compiled", language->id);
    if (job->main_unnamed && job->files[0].name == NULL) {
        const struct slice source = {job->files[0].data, job->files[0].len};

        job->files[0].name = language_main_name(language, source);
        if (job->files[0].name == NULL)
            return err_set(err, -ENOMEM, "out of memory");
    }
    for (size_t i = 0; i < N_STAGES; i++) {
        const struct language_stage *stage = &language->stages[i];

        if (!stage->present)
            continue;
        settle_limits(&job->limits[i], stage, i == STAGE_RUN ? interactive_ms : 0);
        if (limits_check(&job->limits[i], err) < 0)
            return err_wrap(err, -ERANGE, "limits.%s", stage_names[i]);
    }
    return 0;
}

int settle(const struct language **ret, const struct engine *engine, struct job *job, struct err *err)
{
    int r = find_language(ret, engine, job, err);

    return r != 0 ? r : settle_job(job, *ret, job->interactive ? engine->interactive_ms : 0, err);
}

int engine_check(const struct engine *engine, struct job *job, struct err *err)
{
    const struct language *language = NULL;

    return settle(&language, engine, job, err);
}
