#include "api/gate.h"

#include "api/api.h"
#include "base/log.h"

void gate_pass(struct http_request *request, unsigned access, void *arg)
{
    const struct api *api = arg;
    struct caller *caller = malloc(sizeof *caller);

    (void)access;
    if (caller == NULL || caller_find(caller, &api->callers, request) < 0) {
        free(caller);
        http_answer_problem(request, 503, NULL, "the server is out of memory");
        return;
    }
    http_request_set_mark(request, caller);
    log_debug("%s asks: %s %.200s", caller->id, http_request_method(request), http_request_path(request));
}
