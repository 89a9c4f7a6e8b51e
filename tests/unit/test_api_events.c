/* What streams tell of a run: the same bytes as the result, in pieces that cut no character. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <errno.h>
#include <jansson.h>
#include <nettle/base64.h>

#include "api/v1/events.h"
#include "base/utf8.h"

enum { TOLD_MAX = 4096 };

struct told { /* by emit */
    struct events events;
    char types[TOLD_MAX];    /* "stage stdout stdout " */
    struct buf data[2];      /* of all stdout, and stderr, events */
    unsigned n;
    int r;                   /* what emit returns */
};

static int emit(void *arg, const char *type, struct slice json)
{
    struct told *told = arg;
    json_t *root = json_loadb(json.at, json.len, JSON_REJECT_DUPLICATES | JSON_ALLOW_NUL, NULL);
    const json_t *data = json_object_get(root, "data");
    size_t used = strlen(told->types);
    int stream = strcmp(type, "stderr") == 0;

    assert_non_null(root); /* jansson refuses half characters */
    assert_null(memchr(json.at, '\n', json.len));
    assert_string_equal(json_string_value(json_object_get(root, "type")), type);
    (void)snprintf(told->types + used, sizeof told->types - used, "%s/%s ", type,
                   json_string_value(json_object_get(root, "stage")));
    if (data != NULL && !told->events.base64) {
        assert_true(json_string_length(data) > 0);
        assert_int_equal(buf_add(&told->data[stream], json_string_value(data), json_string_length(data)), 0);
    } else if (data != NULL) {
        struct base64_decode_ctx context;
        uint8_t bytes[BASE64_DECODE_LENGTH(64)];
        size_t len;

        base64_decode_init(&context);
        assert_true(base64_decode_update(&context, &len, bytes, json_string_length(data), json_string_value(data)));
        assert_true(base64_decode_final(&context)); /* each is whole */
        assert_int_equal(buf_add(&told->data[stream], bytes, len), 0);
    }
    json_decref(root);
    told->n++;
    return told->r;
}

static void told_init(struct told *told, bool base64)
{
    *told = (struct told){0};
    events_init(&told->events, emit, told, base64);
    for (size_t i = 0; i < 2; i++)
        buf_init(&told->data[i], TOLD_MAX);
}

static void told_done(struct told *told)
{
    events_done(&told->events);
    for (size_t i = 0; i < 2; i++)
        buf_done(&told->data[i]);
}

/* All ways to cut these in three, on both streams: what was told is what is told of the whole. */
static void tells_the_same_however_it_is_cut(void **state)
{
    static const char *const texts[] = {
        "plain",
        "\xc3\xa4\xe2\x82\xac\xf0\x9f\x98\x80",     /* two, three and four bytes */
        "a\xf0\x9f\x98",                            /* ends in the middle */
        "\xf0\x9f\x98z\xe2\x82",                    /* broken off */
        "\xe0\x80\x80\xed\xa0\x80\xf4\x90\x80\x80", /* overlong, surrogate, too large */
        "\x80\x80\xc3\xff\xc3\xc3\xa4\xfe\xf5\xc0\xaf",
        "\xf0\xf0\x9f\xe2\x82\xe2\x82\xac",
    };

    (void)state;
    for (size_t i = 0; i < COUNT_OF(texts); i++) {
        const size_t len = strlen(texts[i]);

        for (size_t a = 0; a <= len; a++)
            for (size_t b = a; b <= len; b++)
                for (int base64 = 0; base64 < 2; base64++) {
                    const size_t cuts[] = {0, a, b, len};
                    CLEANUP(buf_done) struct buf whole;
                    struct told told;

                    buf_init(&whole, TOLD_MAX);
                    assert_int_equal(base64 ? buf_add(&whole, texts[i], len) : utf8_replace(&whole, texts[i], len), 0);
                    told_init(&told, base64 != 0);
                    for (size_t k = 0; k < 3; k++)
                        for (int stream = 0; stream < 2; stream++) /* neither gets what is the other's */
                            if (cuts[k + 1] > cuts[k])
                                assert_int_equal(events_on_output(&told.events, STAGE_RUN, stream, texts[i] + cuts[k],
                                                                  cuts[k + 1] - cuts[k]),
                                                 0);
                    assert_int_equal(events_end(&told.events), 0);
                    for (int stream = 0; stream < 2; stream++) {
                        assert_int_equal(told.data[stream].len, whole.len);
                        assert_memory_equal(buf_text(&told.data[stream]), buf_text(&whole), whole.len);
                    }
                    told_done(&told);
                }
    }
}

static void a_stage_tells_all_of_the_one_before(void **state)
{
    struct told told;

    (void)state;
    told_init(&told, false);
    assert_int_equal(events_on_stage(&told.events, STAGE_COMPILE), 0);
    assert_int_equal(events_on_output(&told.events, STAGE_COMPILE, 1, "\xe2\x82", 2), 0);
    assert_string_equal(told.types, "stage/compile "); /* half a character is no news */
    assert_int_equal(events_on_stage(&told.events, STAGE_RUN), 0);
    assert_int_equal(events_on_output(&told.events, STAGE_RUN, 1, "\xac", 1), 0);
    assert_int_equal(events_end(&told.events), 0);
    assert_int_equal(events_end(&told.events), 0); /* nothing is left */
    assert_string_equal(told.types, "stage/compile stderr/compile stage/run stderr/run ");
    assert_string_equal(buf_text(&told.data[1]), "\xef\xbf\xbd\xef\xbf\xbd");
    told_done(&told);
}

static void passes_failures_on(void **state)
{
    struct told told;

    (void)state;
    told_init(&told, false);
    told.r = -EFBIG;
    assert_int_equal(events_on_stage(&told.events, STAGE_RUN), -EFBIG);
    assert_int_equal(events_on_output(&told.events, STAGE_RUN, 0, "x\xe2", 2), -EFBIG);
    assert_int_equal(events_end(&told.events), -EFBIG);
    assert_int_equal(told.n, 3);
    told_done(&told);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(tells_the_same_however_it_is_cut),
        cmocka_unit_test(a_stage_tells_all_of_the_one_before),
        cmocka_unit_test(passes_failures_on),
    };

    return cmocka_run_group_tests_name("api_events", tests, NULL, NULL);
}
