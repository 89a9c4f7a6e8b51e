#include <float.h>
#include <math.h>
#include <stdlib.h>
#include <strings.h>

#include "judge/internal.h"

enum { NUMBER_BYTES_MAX = 1024 }; /* longer ones are words */

static size_t digits(const char *at)
{
    size_t n = 0;

    while (at[n] >= '0' && at[n] <= '9')
        n++;
    return n;
}

/* Decimal, as programs print it: no hexadecimal, no thousands, and nothing that strtod() takes besides. */
static bool is_decimal(const char *text)
{
    size_t whole, fraction = 0;

    text += *text == '+' || *text == '-';
    whole = digits(text);
    text += whole;
    if (*text == '.') {
        fraction = digits(++text);
        text += fraction;
    }
    if (whole + fraction == 0)
        return false;
    if (*text == 'e' || *text == 'E') {
        size_t exponent;

        text++;
        text += *text == '+' || *text == '-';
        exponent = digits(text);
        if (exponent == 0)
            return false;
        text += exponent;
    }
    return *text == '\0';
}

static bool is_named(const char *text)
{
    static const char *const names[] = {"inf", "infinity", "nan"};

    text += *text == '+' || *text == '-';
    for (size_t i = 0; i < COUNT_OF(names); i++)
        if (strcasecmp(text, names[i]) == 0)
            return true;
    return false;
}

/* False: it is no number, or one that a double can't hold, which is compared as a word then. */
static bool read_number(double *ret, struct slice token)
{
    char text[NUMBER_BYTES_MAX + 1];
    bool named;

    if (token.len > NUMBER_BYTES_MAX || memchr(token.at, '\0', token.len) != NULL)
        return false;
    memcpy(text, token.at, token.len);
    text[token.len] = '\0';
    named = is_named(text);
    if (!named && !is_decimal(text))
        return false;
    *ret = strtod(text, NULL); /* nobody here sets a locale: the point is a point */
    return named || isfinite(*ret);
}

bool judge_near(struct slice expected, struct slice actual, double absolute, double relative)
{
    double want, have, apart, slack;

    if (!read_number(&want, expected) || !read_number(&have, actual))
        return false;
    if (isnan(want) || isnan(have))
        return isnan(want) && isnan(have);
    if (isinf(want) || isinf(have))
        return want == have; // NOLINT: the same infinity
    apart = fabs(have - want);
    if (apart == 0)
        return true;
    /* 1.000001 is 2.9e-17 more than 1e-6 away from 1: what reading decimals rounds is not held against a program. */
    slack = 4 * DBL_EPSILON * fmax(fabs(want), fabs(have));
    return (absolute > 0 && apart <= absolute + slack) || (relative > 0 && apart <= relative * fabs(want) + slack);
}
