/*
 * What a program printed, on its way out: three parts (stdout, stderr, message; split at the first two NULs)
 * become JSON that reads back as what was printed, as base64 to the byte, as text with only invalid UTF-8 replaced. A
 * stream tells the same, whatever the pieces are.
 */
#include <stdlib.h>

#include <jansson.h>
#include <nettle/base64.h>

#include "api/compat/compat.h"
#include "api/v1/events.h"
#include "base/utf8.h"
#include "fuzz.h"

enum { ANSWER_BYTES_MAX = 8 << 20 };

static const struct language language = {.id = "c", .version = (char *)(uintptr_t) "1"};

static json_t *answer(const struct result *result, bool base64)
{
    struct buf body;
    json_t *root;

    buf_init(&body, ANSWER_BYTES_MAX);
    assert(v1_run_write(&body, NULL, "id", &language, result, base64) == 0);
    root = json_loadb(buf_text(&body), body.len, JSON_REJECT_DUPLICATES | JSON_ALLOW_NUL, NULL);
    assert(root != NULL);
    buf_done(&body);
    return root;
}

static const json_t *stream(const json_t *root, const char *name)
{
    return json_object_get(json_object_get(json_object_get(root, "stages"), "run"), name);
}

static void check_text(const struct result *result)
{
    static const char *const names[] = {"stdout", "stderr"};
    json_t *root = answer(result, false);

    for (size_t i = 0; i < COUNT_OF(names); i++) {
        const struct buf *out = &result->stages[STAGE_RUN].out[i];
        const json_t *text = stream(root, names[i]);

        assert(json_is_string(text));
        if (utf8_valid(buf_text(out), out->len))
            assert(json_string_length(text) == out->len &&
                   memcmp(json_string_value(text), buf_text(out), out->len) == 0);
    }
    json_decref(root);
}

static void check_base64(const struct result *result)
{
    const struct buf *out = &result->stages[STAGE_RUN].out[0];
    json_t *root = answer(result, true);
    const json_t *text = stream(root, "stdout");
    uint8_t *bytes = malloc(BASE64_DECODE_LENGTH(json_string_length(text)) + 1);
    struct base64_decode_ctx decode;
    size_t len;

    assert(bytes != NULL);
    base64_decode_init(&decode);
    assert(base64_decode_update(&decode, &len, bytes, json_string_length(text), json_string_value(text)) == 1);
    assert(base64_decode_final(&decode) == 1);
    assert(len == out->len && memcmp(bytes, buf_text(out), len) == 0);
    free(bytes);
    json_decref(root);
}

static void check_compat(const struct result *result)
{
    struct buf text;

    buf_init(&text, ANSWER_BYTES_MAX);
    assert(compat_terminal_text(&text, result) == 0);
    buf_clear(&text);
    assert(compat_error_text(&text, result) == 0);
    buf_done(&text);
}

static int gather(void *arg, const char *type, struct slice json)
{
    json_t *root = json_loadb(json.at, json.len, JSON_REJECT_DUPLICATES | JSON_ALLOW_NUL, NULL);
    const json_t *data = json_object_get(root, "data");

    (void)type;
    assert(json_string_length(data) > 0);
    assert(buf_add(arg, json_string_value(data), json_string_length(data)) == 0);
    json_decref(root);
    return 0;
}

/* In pieces of one byte, two, three, ... and so on. */
static void check_events(const struct buf *out)
{
    struct buf told, whole;
    struct events events;

    buf_init(&told, ANSWER_BYTES_MAX);
    buf_init(&whole, ANSWER_BYTES_MAX);
    events_init(&events, gather, &told, false);
    for (size_t at = 0, n = 1; at < out->len; at += n, n = n % 7 + 1) {
        if (n > out->len - at)
            n = out->len - at;
        assert(events_on_output(&events, STAGE_RUN, 0, out->at + at, n) == 0);
    }
    assert(events_end(&events) == 0);
    assert(utf8_replace(&whole, buf_text(out), out->len) == 0);
    assert(told.len == whole.len && memcmp(buf_text(&told), buf_text(&whole), whole.len) == 0);
    events_done(&events);
    buf_done(&told);
    buf_done(&whole);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    const uint8_t *end = data + size;
    struct result result;
    struct stage_result *run = &result.stages[STAGE_RUN];

    result_init(&result);
    run->ran = true;
    for (size_t i = 0; i < COUNT_OF(run->out); i++) {
        const uint8_t *nul = memchr(data, '\0', (size_t)(end - data));
        const uint8_t *stop = nul == NULL ? end : nul;

        buf_init(&run->out[i], ANSWER_BYTES_MAX);
        assert(buf_add(&run->out[i], data, (size_t)(stop - data)) == 0);
        data = stop + (nul != NULL);
    }
    result.status = size % 2 == 0 ? STATUS_OK : STATUS_MEMORY_LIMIT;
    (void)snprintf(result.message, sizeof result.message, "%.*s", (int)(end - data), (const char *)data);
    check_text(&result);
    check_base64(&result);
    check_compat(&result);
    check_events(&run->out[0]);
    result_done(&result);
    return 0;
}
