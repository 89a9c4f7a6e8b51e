/* Which type a client gets. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "http/http.h"

static const char *const types[] = {"application/json", "text/event-stream", "application/x-ndjson", NULL};

static void picks_what_is_liked_best(void **state)
{
    static const struct {
        const char *accept;
        int best; /* in types; -1: none */
    } rows[] = {
        {"", 0},
        {" ", 0},
        {"*/*", 0},
        {"*", 0},
        {"text/event-stream", 1},
        {"Text/Event-Stream", 1},
        {"application/x-ndjson", 2},
        {"application/*", 0},
        {"text/*", 1},
        /* Liked alike: the more exactly named, then ours. */
        {"text/event-stream, */*", 1},
        {"*/*, application/x-ndjson", 2},
        {"text/event-stream, application/json", 0},
        {"text/*, application/*", 0},
        {"application/x-ndjson,text/event-stream", 1},
        /* Weights. */
        {"application/json;q=0.5, text/event-stream", 1},
        {"application/json;q=0.5, text/event-stream;q=0.4", 0},
        {"application/json ; q=0.2 , application/x-ndjson ; Q=0.21", 2},
        {"text/event-stream;q=0.001, application/json;q=0", 1},
        {"*/*;q=0.1, text/event-stream;q=0.2", 1},
        {"*/*, application/json;q=0", 1},
        {"application/*;q=0.9, application/json;q=0.1, text/event-stream;q=0.5", 2},
        {"text/html, image/gif, image/jpeg, *; q=.2, */*; q=.2", 0}, /* Java's HttpURLConnection */
        {"application/json;q=1.000, text/event-stream;q=1", 0},
        /* Parameters are no reason to refuse; commas in quotes part nothing. */
        {"text/event-stream;charset=utf-8", 1},
        {"application/json;profile=\"a,text/event-stream;q=0\";q=0.3, application/x-ndjson;q=0.2", 0},
        {"application/json;x=\"\\\",\";q=0.1, text/event-stream;q=0.2", 1},
        /* What is no number counts as 1. */
        {"text/event-stream;q=high, application/json;q=0.9", 1},
        {"text/event-stream;q=, application/json;q=0.9", 1},
        {"text/event-stream;q=5, application/json;q=0.9", 1},
        {"text/event-stream;q=99999999999999999999", 1},
        /* None of them. */
        {"text/html", -1},
        {"image/*", -1},
        {"application/jsonl", -1},
        {"application/jso", -1},
        {"text/event-stream;q=0", -1},
        {"text/event-stream;q=0.0", -1},
        {"*/*;q=0", -1},
        {"application", -1},
        {"application/", -1},
        {"te*", -1},
        {";q=1", -1},
        {",,;,", -1},
        {"\"", -1},
        {"\"\\", -1},
    };

    (void)state;
    for (size_t i = 0; i < COUNT_OF(rows); i++) {
        const char *best = http_accept_best(slice_from(rows[i].accept), types);
        const char *wanted = rows[i].best < 0 ? NULL : types[rows[i].best];

        if (best != wanted)
            fail_msg("'%s': %s, not %s", rows[i].accept, best == NULL ? "none" : best,
                     wanted == NULL ? "none" : wanted);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(picks_what_is_liked_best)};

    return cmocka_run_group_tests_name("http_accept", tests, NULL, NULL);
}
