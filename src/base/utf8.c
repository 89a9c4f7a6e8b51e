#include "base/utf8.h"

#include "base/buf.h"

/*
 * Unicode 15, table 3-7: the allowed second bytes depend on the first; all later ones are 80..BF.
 * Returns how many bytes of text are a well-formed start, and in *whole whether they are a character.
 */
static size_t scan(const unsigned char *text, size_t len, bool *whole)
{
    unsigned char first = text[0], lo = 0x80, hi = 0xbf;
    size_t need, i;

    *whole = false;
    if (first < 0x80) {
        *whole = true;
        return 1;
    }
    if (first >= 0xc2 && first <= 0xdf)
        need = 2;
    else if (first >= 0xe0 && first <= 0xef)
        need = 3;
    else if (first >= 0xf0 && first <= 0xf4)
        need = 4;
    else
        return 1;
    if (first == 0xe0)
        lo = 0xa0;
    else if (first == 0xed)
        hi = 0x9f;
    else if (first == 0xf0)
        lo = 0x90;
    else if (first == 0xf4)
        hi = 0x8f;
    for (i = 1; i < need && i < len; i++) {
        if (text[i] < lo || text[i] > hi)
            return i;
        lo = 0x80;
        hi = 0xbf;
    }
    *whole = i == need;
    return i;
}

size_t utf8_step(const char *text, size_t len)
{
    bool whole;
    size_t n;

    if (len == 0)
        return 0;
    n = scan((const unsigned char *)text, len, &whole);
    return whole ? n : 0;
}

size_t utf8_bad_len(const char *text, size_t len)
{
    bool whole;

    return scan((const unsigned char *)text, len, &whole);
}

size_t utf8_unfinished(const char *text, size_t len)
{
    for (size_t n = 1; n <= 3 && n <= len; n++) {
        const unsigned char *at = (const unsigned char *)text + len - n;
        bool whole;

        if (*at < 0x80)
            return 0;
        if (*at >= 0xc2 && *at <= 0xf4) /* may begin one: whatever is before it ends there */
            return scan(at, n, &whole) == n && !whole ? n : 0;
    }
    return 0;
}

bool utf8_valid(const char *text, size_t len)
{
    while (len > 0) {
        size_t n = utf8_step(text, len);

        if (n == 0)
            return false;
        text += n;
        len -= n;
    }
    return true;
}

int utf8_replace(struct buf *to, const char *text, size_t len)
{
    size_t good = 0; /* bytes at text that are fine and not yet added */

    while (good < len) {
        bool whole;
        size_t n = scan((const unsigned char *)text + good, len - good, &whole);
        int r;

        if (whole) {
            good += n;
            continue;
        }
        r = buf_add(to, text, good);
        if (r == 0)
            r = buf_add(to, "\xef\xbf\xbd", 3);
        if (r < 0)
            return r;
        text += good + n;
        len -= good + n;
        good = 0;
    }
    return buf_add(to, text, good);
}
