#include "base/utf8.h"
#include "judge/internal.h"

enum { EXCERPT_BEFORE = 40 }; /* bytes before what differs */

static size_t step(const char *at, size_t len)
{
    size_t n = utf8_step(at, len);

    return n == 0 ? utf8_bad_len(at, len) : n;
}

size_t judge_characters(const char *at, size_t len)
{
    size_t n = 0;

    for (size_t used = 0; used < len; n++)
        used += step(at + used, len - used);
    return n;
}

/* Whether a character of UTF-8 may begin here. */
static bool may_begin(char byte)
{
    return ((unsigned char)byte & 0xc0) != 0x80;
}

size_t judge_first_difference(struct slice a, struct slice b, bool ignore_case)
{
    size_t at = judge_mismatch(a, b, ignore_case);

    for (size_t back = 0; back < 3 && at > 0; back++, at--)
        if ((at == a.len || may_begin(a.at[at])) && (at == b.len || may_begin(b.at[at])))
            break;
    return at;
}

void judge_excerpt(struct excerpt *ret, const struct slice *line, size_t at)
{
    size_t from, len;

    *ret = (struct excerpt){.present = line != NULL};
    if (line == NULL)
        return;
    from = at > EXCERPT_BEFORE ? at - EXCERPT_BEFORE : 0;
    while (from > 0 && from < at && !may_begin(line->at[from]))
        from++;
    len = line->len - from;
    if (len > EXCERPT_BYTES) {
        len = EXCERPT_BYTES;
        for (size_t back = 0; back < 3 && len > 1 && !may_begin(line->at[from + len]); back++)
            len--; /* no further than a character is long: in what is no UTF-8 there may be no beginning */
    }
    if (len > 0)
        memcpy(ret->text, line->at + from, len);
    ret->len = len;
    ret->cut_before = from > 0;
    ret->cut_after = from + len < line->len;
}
