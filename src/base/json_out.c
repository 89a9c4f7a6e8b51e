#include "base/json_out.h"

#include <assert.h>
#include <inttypes.h>
#include <math.h>

#include "base/utf8.h"

static void add(struct json_out *out, const char *text, size_t len)
{
    if (out->r == 0)
        out->r = buf_add(out->to, text, len);
}

static void separate(struct json_out *out)
{
    if (out->comma)
        add(out, ",", 1);
    out->comma = true;
}

void json_out_open(struct json_out *out, char bracket)
{
    separate(out);
    add(out, &bracket, 1);
    out->comma = false;
}

void json_out_close(struct json_out *out, char bracket)
{
    add(out, &bracket, 1);
    out->comma = true;
}

void json_out_key(struct json_out *out, const char *name)
{
    separate(out);
    add(out, "\"", 1);
    add(out, name, strlen(name));
    add(out, "\":", 2);
    out->comma = false;
}

/* U+0085, U+2028 or U+2029, which JSON may hold as they are. But Python's splitlines() and Node's readline take them
 * for the end of a line, and ours are read so, one object a line. Bytes of it, or 0. */
static size_t line_end_len(const char *at, size_t len)
{
    if (len >= 2 && memcmp(at, "\xc2\x85", 2) == 0)
        return 2;
    if (len >= 3 && memcmp(at, "\xe2\x80", 2) == 0 && (at[2] == '\xa8' || at[2] == '\xa9'))
        return 3;
    return 0;
}

/* Longest run from at that may stand in a string as it is. */
static size_t plain_len(const char *at, size_t len)
{
    size_t i = 0;

    while (i < len) {
        unsigned char c = (unsigned char)at[i];
        size_t step = 1;

        if (c < ' ' || c == '"' || c == '\\' || c == 0x7f)
            break;
        if (c >= 0x80)
            step = line_end_len(at + i, len - i) > 0 ? 0 : utf8_step(at + i, len - i);
        if (step == 0)
            break;
        i += step;
    }
    return i;
}

static void add_escape(struct json_out *out, unsigned c)
{
    /* Pairs: the character, its letter. */
    static const char short_names[] = "\"\"\\\\\bb\ff\nn\rr\tt";
    char text[8];

    for (size_t i = 0; i + 1 < sizeof short_names - 1; i += 2) {
        if ((unsigned char)short_names[i] == c) {
            (void)snprintf(text, sizeof text, "\\%c", short_names[i + 1]);
            add(out, text, 2);
            return;
        }
    }
    (void)snprintf(text, sizeof text, "\\u%04x", c);
    add(out, text, 6);
}

void json_out_text(struct json_out *out, struct slice text)
{
    const char *at = text.len == 0 ? "" : text.at; /* never NULL + 0 */
    const char *end = at + text.len;

    separate(out);
    add(out, "\"", 1);
    while (at < end) {
        size_t n = plain_len(at, (size_t)(end - at));

        add(out, at, n);
        at += n;
        if (at == end)
            break;
        n = line_end_len(at, (size_t)(end - at));
        if (n > 0) {
            add_escape(out, n == 2 ? 0x85 : 0x2000 | ((unsigned char)at[2] & 0x3f));
            at += n;
        } else if ((unsigned char)*at < 0x80) {
            add_escape(out, (unsigned char)*at++);
        } else {
            n = utf8_bad_len(at, (size_t)(end - at));
            add(out, "\xef\xbf\xbd", 3);
            at += n;
        }
    }
    add(out, "\"", 1);
}

void json_out_str(struct json_out *out, const char *text)
{
    if (text == NULL)
        json_out_null(out);
    else
        json_out_text(out, slice_from(text));
}

void json_out_base64(struct json_out *out, struct slice bytes)
{
    static const char digits[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    const unsigned char *at = (const unsigned char *)bytes.at;

    separate(out);
    add(out, "\"", 1);
    for (size_t left = bytes.len; left > 0;) {
        size_t n = left < 3 ? left : 3;
        uint32_t word =
            (uint32_t)at[0] << 16 | (n > 1 ? (uint32_t)at[1] << 8 : 0) | (n > 2 ? at[2] : 0);
        char four[4] = {digits[word >> 18], digits[word >> 12 & 63], '=', '='};

        if (n > 1)
            four[2] = digits[word >> 6 & 63];
        if (n > 2)
            four[3] = digits[word & 63];
        add(out, four, sizeof four);
        at += n;
        left -= n;
    }
    add(out, "\"", 1);
}

void json_out_int(struct json_out *out, int64_t value)
{
    char text[24];
    int len = snprintf(text, sizeof text, "%" PRId64, value);

    separate(out);
    add(out, text, (size_t)len);
}

void json_out_uint(struct json_out *out, uint64_t value)
{
    char text[24];
    int len = snprintf(text, sizeof text, "%" PRIu64, value);

    separate(out);
    add(out, text, (size_t)len);
}

void json_out_thousandths(struct json_out *out, uint64_t value)
{
    char text[28];
    int len =
        snprintf(text, sizeof text, "%" PRIu64 ".%03u", value / 1000, (unsigned)(value % 1000));

    separate(out);
    add(out, text, (size_t)len);
}

void json_out_micros(struct json_out *out, uint64_t value)
{
    char text[28];
    int len = snprintf(text, sizeof text, "%" PRIu64 ".%06u", value / 1000000,
                       (unsigned)(value % 1000000));

    separate(out);
    add(out, text, (size_t)len);
}

void json_out_real(struct json_out *out, double value)
{
    char text[40];

    assert(isfinite(value));
    (void)snprintf(text, sizeof text, "%.12g", value);
    separate(out);
    add(out, text, strlen(text));
}

void json_out_bool(struct json_out *out, bool value)
{
    separate(out);
    add(out, value ? "true" : "false", value ? 4 : 5);
}

void json_out_raw(struct json_out *out, struct slice json)
{
    separate(out);
    add(out, json.at, json.len);
}

void json_out_null(struct json_out *out)
{
    separate(out);
    add(out, "null", 4);
}

void json_out_key_str(struct json_out *out, const char *name, const char *text)
{
    json_out_key(out, name);
    json_out_str(out, text);
}

void json_out_key_text(struct json_out *out, const char *name, struct slice text)
{
    json_out_key(out, name);
    json_out_text(out, text);
}

void json_out_key_uint(struct json_out *out, const char *name, uint64_t value)
{
    json_out_key(out, name);
    json_out_uint(out, value);
}

int json_out_end(const struct json_out *out)
{
    return out->r;
}
