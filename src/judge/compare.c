#include "judge/compare.h"

#include <errno.h>

#include "judge/internal.h"

/* clang-format off */
const struct comparator_name comparator_names[] = {
    {"exact",            {.kind = COMPARE_EXACT}},
    {"trimmed",          {.kind = COMPARE_TRIMMED}},
    {"tokens",           {.kind = COMPARE_TOKENS}},
    {"case_insensitive", {.kind = COMPARE_TRIMMED, .ignore_case = true}},
    {"floats",           {.kind = COMPARE_FLOATS, .absolute = 1e-6, .relative = 1e-6}},
    {"unordered_lines",  {.kind = COMPARE_UNORDERED_LINES}},
};
/* clang-format on */
const size_t n_comparator_names = COUNT_OF(comparator_names);

/* --- Bytes ----------------------------------------------------------------------------------- */

static unsigned char fold(char byte)
{
    return (unsigned char)(byte >= 'A' && byte <= 'Z' ? byte - 'A' + 'a' : byte);
}

size_t judge_mismatch(struct slice a, struct slice b, bool ignore_case)
{
    size_t len = a.len < b.len ? a.len : b.len, i = 0;

    if (len > 0 && memcmp(a.at, b.at, len) == 0)
        return len;
    while (i < len && (a.at[i] == b.at[i] || (ignore_case && fold(a.at[i]) == fold(b.at[i]))))
        i++;
    return i;
}

bool judge_equal(struct slice a, struct slice b, bool ignore_case)
{
    return a.len == b.len && judge_mismatch(a, b, ignore_case) == a.len;
}

int judge_order(struct slice a, struct slice b, bool ignore_case)
{
    size_t i = judge_mismatch(a, b, ignore_case);
    unsigned char x, y;

    if (i == a.len || i == b.len)
        return a.len == b.len ? 0 : a.len < b.len ? -1 : 1;
    x = ignore_case ? fold(a.at[i]) : (unsigned char)a.at[i];
    y = ignore_case ? fold(b.at[i]) : (unsigned char)b.at[i];
    return x < y ? -1 : 1;
}

static bool is_blank(char byte)
{
    return byte == ' ' || (byte >= '\t' && byte <= '\r'); /* \t \n \v \f \r */
}

struct slice judge_trim_end(struct slice text)
{
    while (text.len > 0 && is_blank(text.at[text.len - 1]))
        text.len--;
    return text;
}

/* --- Lines ----------------------------------------------------------------------------------- */

bool judge_next_line(struct judge_text *text, struct slice *line)
{
    const char *newline;

    if (text->rest.len == 0)
        return false;
    newline = memchr(text->rest.at, '\n', text->rest.len);
    line->at = text->line = text->rest.at;
    line->len = newline == NULL ? text->rest.len : (size_t)(newline - text->rest.at);
    text->rest.at += line->len + (newline != NULL);
    text->rest.len -= line->len + (newline != NULL);
    text->number++;
    return true;
}

static int compare_lines(struct difference *ret, bool ignore_case, struct slice expected, struct slice actual)
{
    struct judge_text texts[] = {{.rest = judge_trim_end(expected)}, {.rest = judge_trim_end(actual)}};
    struct slice lines[2] = {{0}};
    bool more[2];
    size_t at = 0;

    do {
        for (size_t i = 0; i < 2; i++) {
            more[i] = judge_next_line(&texts[i], &lines[i]);
            if (more[i])
                lines[i] = judge_trim_end(lines[i]);
        }
        if (!more[0] && !more[1])
            return 0;
    } while (more[0] && more[1] && judge_equal(lines[0], lines[1], ignore_case));
    if (more[0] && more[1])
        at = judge_first_difference(lines[0], lines[1], ignore_case);
    ret->line = texts[1].number + !more[1];
    ret->column = judge_characters(lines[1].at, at) + 1;
    judge_excerpt(&ret->expected, more[0] ? &lines[0] : NULL, at);
    judge_excerpt(&ret->actual, more[1] ? &lines[1] : NULL, at);
    return COMPARE_E_DIFFERENT;
}

/* --- Every byte ------------------------------------------------------------------------------ */

/* The line that begins there, with its end, which may be what differs. */
static struct slice whole_line(struct slice text, size_t start)
{
    const char *newline = memchr(text.at + start, '\n', text.len - start);

    size_t end = newline == NULL ? text.len : (size_t)(newline - text.at) + 1;

    return (struct slice){text.at + start, end - start};
}

static int compare_bytes(struct difference *ret, bool ignore_case, struct slice expected, struct slice actual)
{
    size_t at = judge_mismatch(expected, actual, ignore_case), start = 0;
    struct slice lines[2];

    if (at == expected.len && at == actual.len)
        return 0;
    ret->line = 1;
    for (const char *newline; at > start && (newline = memchr(actual.at + start, '\n', at - start)) != NULL;) {
        start = (size_t)(newline - actual.at) + 1;
        ret->line++;
    }
    lines[0] = expected.len > start ? whole_line(expected, start) : (struct slice){0};
    lines[1] = actual.len > start ? whole_line(actual, start) : (struct slice){0};
    at = start + judge_first_difference(lines[0], lines[1], ignore_case);
    ret->column = judge_characters(lines[1].at, at - start) + 1;
    judge_excerpt(&ret->expected, lines[0].len > 0 ? &lines[0] : NULL, at - start);
    judge_excerpt(&ret->actual, lines[1].len > 0 ? &lines[1] : NULL, at - start);
    return COMPARE_E_DIFFERENT;
}

/* --- Tokens ---------------------------------------------------------------------------------- */

static bool next_token(struct judge_text *text, struct slice *token)
{
    struct slice *rest = &text->rest;
    size_t len = 0;

    for (; rest->len > 0 && is_blank(rest->at[0]); rest->at++, rest->len--)
        if (rest->at[0] == '\n') {
            text->number++;
            text->line = rest->at + 1;
        }
    while (len < rest->len && !is_blank(rest->at[len]))
        len++;
    *token = (struct slice){rest->at, len};
    rest->at += len;
    rest->len -= len;
    return len > 0;
}

static bool same_token(const struct comparator *comparator, struct slice expected, struct slice actual)
{
    return judge_equal(expected, actual, comparator->ignore_case) ||
           (comparator->kind == COMPARE_FLOATS &&
            judge_near(expected, actual, comparator->absolute, comparator->relative));
}

static int compare_tokens(struct difference *ret, const struct comparator *comparator, struct slice expected,
                          struct slice actual)
{
    struct judge_text texts[] = {{.rest = expected, .line = expected.at, .number = 1},
                                 {.rest = actual, .line = actual.at, .number = 1}};
    struct slice tokens[2];
    bool more[2];
    size_t at = 0;

    do {
        for (size_t i = 0; i < 2; i++)
            more[i] = next_token(&texts[i], &tokens[i]);
        if (!more[0] && !more[1])
            return 0;
    } while (more[0] && more[1] && same_token(comparator, tokens[0], tokens[1]));
    if (more[0] && more[1])
        at = judge_first_difference(tokens[0], tokens[1], comparator->ignore_case);
    ret->line = texts[1].number;
    ret->column = judge_characters(texts[1].line, (size_t)(tokens[1].at - texts[1].line)) + 1;
    judge_excerpt(&ret->expected, more[0] ? &tokens[0] : NULL, at);
    judge_excerpt(&ret->actual, more[1] ? &tokens[1] : NULL, at);
    return COMPARE_E_DIFFERENT;
}

int compare(struct difference *ret, const struct comparator *comparator, struct slice expected, struct slice actual)
{
    struct slice *const texts[] = {&expected, &actual};

    for (size_t i = 0; i < 2; i++)
        if (texts[i]->at == NULL)
            texts[i]->at = ""; /* memcmp() and pointer arithmetic want one */
    switch (comparator->kind) {
    case COMPARE_EXACT:
        return compare_bytes(ret, comparator->ignore_case, expected, actual);
    case COMPARE_TOKENS:
    case COMPARE_FLOATS:
        return compare_tokens(ret, comparator, expected, actual);
    case COMPARE_UNORDERED_LINES:
        return judge_compare_unordered(ret, comparator->ignore_case, expected, actual);
    case COMPARE_TRIMMED:
        break;
    }
    return compare_lines(ret, comparator->ignore_case, expected, actual);
}
