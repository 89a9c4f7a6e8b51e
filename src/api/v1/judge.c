/* POST /v1/judge: one request, from its body to its answer. */
#include "api/call.h"
#include "api/v1/judge_json.h"
#include "api/v1/v1.h"
#include "base/log.h"

/* Larger than any answer: what is returned of outputs, each byte as six, and what compilers said. */
enum { ANSWER_BYTES_MAX = 1 << 30 };

struct judge {
    struct judging *judging;      /* owned */
    struct http_request *request; /* borrowed */
    char id[API_ID_BYTES];
};

static void judge_free(struct judge *judge)
{
    judging_free(judge->judging);
    free(judge);
}

/* A program's failure is a result; ours is an HTTP error with the same body, as for /v1/run. */
static unsigned http_status(enum judge_verdict verdict)
{
    return verdict == JUDGE_INTERNAL_ERROR ? 500 : verdict == JUDGE_CANCELLED ? 503 : 200;
}

static void on_done(void *arg)
{
    struct judge *judge = arg;
    CLEANUP(buf_done) struct buf body;
    struct judging_total total;
    int r;

    judging_sum_up(&total, judge->judging);
    if (total.verdict == JUDGE_INTERNAL_ERROR)
        log_warn("judge %s: %s", judge->id, total.message);
    buf_init(&body, ANSWER_BYTES_MAX);
    r = v1_judge_write(&body, judge->judging, &total, judge->id, NULL, true);
    call_answer_json(judge->request, http_status(total.verdict), &body, r);
    judge_free(judge);
}

static void on_gone(void *arg)
{
    judge_free(arg);
}

static void start(struct api *api, struct http_request *request, struct judging_request *asked)
{
    static const struct judging_events events = {.on_done = on_done};
    struct judge *judge = calloc(1, sizeof *judge);
    struct fault fault = {0};

    if (judge == NULL) {
        http_answer_problem(request, 503, NULL, "the server is out of memory");
        return;
    }
    judge->request = request;
    api_make_id(judge->id);
    http_request_set_note(request, judge->id);
    if (judging_start(&judge->judging, api, caller_of(request), asked, &events, judge, &fault) < 0) {
        call_refuse_with_problem(request, &fault);
        free(judge);
        return;
    }
    http_request_on_gone(request, on_gone, judge);
}

void v1_judge(struct http_request *request, void *arg)
{
    CLEANUP(judging_request_done) struct judging_request asked = {0};
    struct fault fault = {0};

    if (!call_takes_json(request))
        return;
    if (v1_judge_parse(&asked, http_request_body(request), &fault) < 0)
        call_refuse_with_problem(request, &fault);
    else
        start(arg, request, &asked);
}
