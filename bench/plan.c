/* plan: JSON to struct plan. It comes from script/bench and is trusted; a mistake is a bug there, and says where. */
#include <errno.h>
#include <string.h>
#include <time.h>

#include "bench.h"

#define PLACE "@@@@@NUMBER@@@@@"

void number_write(struct numbered *text)
{
    struct timespec t;
    uint64_t number;

    if (text->place == NULL)
        return;
    (void)clock_gettime(CLOCK_REALTIME,
                        &t); /* not the monotonic clock: that one begins anew with the machine */
    number = (uint64_t)t.tv_sec * 1000000 + (uint64_t)t.tv_nsec / 1000;
    for (size_t i = sizeof PLACE - 1; i-- > 0; number /= 10)
        text->place[i] = (char)('0' + number % 10);
}

static int read_numbered(struct numbered *ret, const char *text, struct err *err)
{
    if (text == NULL)
        return 0;
    ret->text = strdup(text);
    if (ret->text == NULL)
        return err_set(err, -ENOMEM, "a text");
    ret->place = strstr(ret->text, PLACE);
    return 0;
}

/* The strings of an array, borrowed, with a NULL after them; owned by the caller. */
static int read_words(char ***ret, json_t *array, struct err *err)
{
    size_t n = json_array_size(array);
    char **words = calloc(n + 1, sizeof *words);
    json_t *word;
    size_t i;

    if (words == NULL)
        return err_set(err, -ENOMEM, "words");
    json_array_foreach(array, i, word)
    {
        words[i] = (char *)(uintptr_t)json_string_value(
            word); /* argv and envp are not const, and not written to */
        if (words[i] == NULL) {
            free(words);
            return err_set(err, -EINVAL, "word %zu is no string", i);
        }
    }
    *ret = words;
    return 0;
}

static int read_http(struct bench_case *c, json_t *json, struct err *err)
{
    c->kind = CASE_HTTP;
    c->port = (uint16_t)json_integer_value(json_object_get(json, "port"));
    c->status = json_integer_value(json_object_get(json, "status"));
    c->expect = json_string_value(json_object_get(json, "expect"));
    if (c->port == 0 || c->expect == NULL || json_object_get(json, "request") == NULL)
        return err_set(err, -EINVAL, "an http case has port, request, expect");
    return read_numbered(&c->request, json_string_value(json_object_get(json, "request")), err);
}

static int read_bare(struct bench_case *c, json_t *json, struct err *err)
{
    json_t *steps = json_object_get(json, "steps"), *step;
    size_t i;
    int r = read_words(&c->env, json_object_get(json, "env"), err);

    c->kind = CASE_BARE;
    c->dir = json_string_value(json_object_get(json, "dir"));
    c->input = json_string_value(json_object_get(json, "input"));
    c->expect = json_string_value(json_object_get(json, "expect"));
    c->source_name = json_string_value(json_object_get(json, "source_name"));
    if (c->dir == NULL || c->input == NULL || c->expect == NULL || json_array_size(steps) == 0 ||
        json_array_size(steps) > STEPS_MAX)
        return err_set(err, -EINVAL, "a bare case has dir, input, expect, and 1 to %d steps",
                       STEPS_MAX);
    json_array_foreach(steps, i, step)
    {
        if (r == 0)
            r = read_words(&c->steps[c->n_steps], step, err);
        c->n_steps += r == 0;
    }
    return r < 0
               ? r
               : read_numbered(&c->source, json_string_value(json_object_get(json, "source")), err);
}

static int read_lease(struct bench_case *c, json_t *json, struct err *err)
{
    json_t *limits = json_object_get(json, "limits");

    c->kind = CASE_LEASE;
    c->path = json_string_value(json_object_get(json, "path"));
    c->language = json_string_value(json_object_get(json, "language"));
    c->stage = (uint32_t)json_integer_value(json_object_get(json, "stage"));
    if (c->path == NULL || c->language == NULL || json_array_size(limits) != LIMITS_N)
        return err_set(err, -EINVAL, "a lease case has path, language, stage and %d limits",
                       LIMITS_N);
    for (size_t i = 0; i < LIMITS_N; i++)
        c->limits[i] = (uint64_t)json_integer_value(json_array_get(limits, i));
    return 0;
}

static int read_case(struct bench_case *c, json_t *json, struct err *err)
{
    const char *kind = json_string_value(json_object_get(json, "kind"));

    if (kind != NULL && strcmp(kind, "http") == 0)
        return read_http(c, json, err);
    if (kind != NULL && strcmp(kind, "bare") == 0)
        return read_bare(c, json, err);
    if (kind != NULL && strcmp(kind, "lease") == 0)
        return read_lease(c, json, err);
    return err_set(err, -EINVAL, "kind is http, bare or lease");
}

static int read_mode(enum plan_mode *ret, const char *name, struct err *err)
{
    static const char *const names[] = {"rounds", "closed", "open"};

    for (size_t i = 0; i < COUNT_OF(names); i++)
        if (name != NULL && strcmp(name, names[i]) == 0) {
            *ret = (enum plan_mode)i;
            return 0;
        }
    return err_set(err, -EINVAL, "mode is rounds, closed or open");
}

int plan_read(struct plan *ret, FILE *from, struct err *err)
{
    struct plan plan = {0};
    json_error_t error;
    json_t *cases, *json;
    size_t i;
    int r;

    plan.json = json_loadf(from, 0, &error);
    if (plan.json == NULL)
        return err_set(err, -EINVAL, "line %d: %s", error.line, error.text);
    cases = json_object_get(plan.json, "cases");
    plan.rounds = (uint32_t)json_integer_value(json_object_get(plan.json, "rounds"));
    plan.clients = (uint32_t)json_integer_value(json_object_get(plan.json, "clients"));
    plan.pause_us = (uint32_t)json_integer_value(json_object_get(plan.json, "pause_us"));
    plan.seconds = json_number_value(json_object_get(plan.json, "seconds"));
    plan.rate = json_number_value(json_object_get(plan.json, "rate"));
    plan.cases = calloc(json_array_size(cases) + 1, sizeof *plan.cases);
    r = plan.cases == NULL
            ? err_set(err, -ENOMEM, "cases")
            : read_mode(&plan.mode, json_string_value(json_object_get(plan.json, "mode")), err);
    json_array_foreach(cases, i, json)
    {
        if (r == 0)
            r = read_case(&plan.cases[plan.n_cases++], json, err);
        if (r < 0)
            break;
    }
    if (r == 0 && (plan.n_cases == 0 ||
                   (plan.mode != MODE_ROUNDS && (plan.clients == 0 || plan.n_cases != 1))))
        r = err_set(err, -EINVAL, "rounds have cases, loops have one case and clients");
    if (r < 0) {
        plan_done(&plan);
        return r;
    }
    *ret = plan;
    return 0;
}

void plan_done(struct plan *plan)
{
    for (size_t i = 0; i < plan->n_cases; i++) {
        struct bench_case *c = &plan->cases[i];

        free(c->request.text);
        free(c->source.text);
        free(c->env);
        for (size_t s = 0; s < c->n_steps; s++)
            free(c->steps[s]);
    }
    free(plan->cases);
    json_decref(plan->json);
}
