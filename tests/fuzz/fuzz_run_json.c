/* The body of POST /v1/run: a fault with a sentence, or a job within every bound. */
#include "api/v1/run_json.h"
#include "base/utf8.h"
#include "fuzz.h"

static void check_job(const struct job *job)
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
    for (size_t i = 0; i < job->n_env; i++)
        assert(strchr(job->env[i], '=') != NULL);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct v1_run run = {0};
    struct fault fault = {0};

    if (v1_run_parse(&run, (struct slice){(const char *)data, size}, &fault) == 0) {
        check_job(run.job);
        job_free(run.job);
    } else {
        assert(run.job == NULL && fault.detail[0] != '\0' && fault.status >= 400);
        assert(utf8_valid(fault.detail, strlen(fault.detail))); /* it is going to be JSON */
    }
    return 0;
}
