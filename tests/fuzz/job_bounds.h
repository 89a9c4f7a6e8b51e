/* job_bounds: what holds for every job, whichever door it came through. */
#pragma once

#include "base/buf.h"
#include "fuzz.h"
#include "model/job.h"

static inline void check_job_bounds(const struct job *job)
{
    size_t total = 0;

    assert(job->language != NULL && job->n_files > 0 && job->n_files <= JOB_MAX_FILES);
    for (size_t i = 0; i < job->n_files; i++) {
        assert(job->files[i].name != NULL || (i == 0 && job->main_unnamed));
        if (job->files[i].name != NULL)
            assert(job_check_name(slice_from(job->files[i].name), NULL) == 0);
        total += job->files[i].len;
    }
    assert(total <= JOB_MAX_FILES_BYTES && job->stdin_len <= JOB_MAX_STDIN_BYTES);
    assert(job->n_args <= JOB_MAX_ARGS && job->n_env <= JOB_MAX_ENV);
    for (size_t i = 0; i < job->n_args; i++)
        assert(strlen(job->args[i]) <= JOB_MAX_STRING_BYTES);
    for (size_t i = 0; i < job->n_env; i++)
        assert(strchr(job->env[i], '=') != NULL);
}
