/* The body of POST /v1/run: a fault with a sentence, or a job within every bound. */
#include "api/v1/run_json.h"
#include "base/utf8.h"
#include "fuzz.h"
#include "job_bounds.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct v1_run run = {0};
    struct fault fault = {0};

    if (v1_run_parse(&run, (struct slice){(const char *)data, size}, &fault) == 0) {
        check_job_bounds(run.job);
        job_free(run.job);
    } else {
        assert(run.job == NULL && fault.detail[0] != '\0' && fault.status >= 400);
        assert(utf8_valid(fault.detail, strlen(fault.detail))); /* it is going to be JSON */
    }
    return 0;
}
