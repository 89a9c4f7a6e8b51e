#include "base/instant.h"

#include <errno.h>
#include <stdio.h>
#include <time.h>

int64_t instant_now_us(void)
{
    struct timespec now;

    (void)clock_gettime(CLOCK_REALTIME, &now);
    return (int64_t)now.tv_sec * 1000000 + now.tv_nsec / 1000;
}

void instant_write(char text[INSTANT_TEXT_BYTES], int64_t unix_us)
{
    const time_t seconds = (time_t)(unix_us / 1000000);
    struct tm tm = {0};
    size_t len;

    (void)gmtime_r(&seconds, &tm);
    len = strftime(text, INSTANT_TEXT_BYTES, "%Y-%m-%dT%H:%M:%S", &tm);
    (void)snprintf(text + len, INSTANT_TEXT_BYTES - len, ".%03dZ", (int)(unix_us % 1000000 / 1000));
}

/* So many digits, within bounds; *at goes on behind them. -1: they are not there. */
static int digits(const char **at, const char *end, int n, int min, int max)
{
    int value = 0;

    for (int i = 0; i < n; i++, (*at)++) {
        if (*at == end || **at < '0' || **at > '9')
            return -1;
        value = value * 10 + (**at - '0');
    }
    return value < min || value > max ? -1 : value;
}

static bool skip(const char **at, const char *end, char c)
{
    if (*at == end || (**at != c && (c < 'A' || **at != (c | 0x20)))) /* RFC 3339: t and z may be small */
        return false;
    (*at)++;
    return true;
}

/* Microseconds; further digits are dropped. -1: there is a point and nothing behind it. */
static int fraction(const char **at, const char *end)
{
    int value = 0, n = 0;

    if (*at == end || **at != '.')
        return 0;
    for ((*at)++; *at < end && **at >= '0' && **at <= '9'; (*at)++, n++)
        if (n < 6)
            value = value * 10 + (**at - '0');
    for (int i = n; i < 6; i++)
        value *= 10;
    return n == 0 ? -1 : value;
}

/* Minutes east of Greenwich; INT32_MIN: there is none. */
static int offset(const char **at, const char *end)
{
    int sign, hours, minutes;

    if (skip(at, end, 'Z'))
        return 0;
    if (*at == end || (**at != '+' && **at != '-'))
        return INT32_MIN;
    sign = *(*at)++ == '-' ? -1 : 1;
    hours = digits(at, end, 2, 0, 23);
    if (hours < 0 || !skip(at, end, ':'))
        return INT32_MIN;
    minutes = digits(at, end, 2, 0, 59);
    return minutes < 0 ? INT32_MIN : sign * (hours * 60 + minutes);
}

int instant_parse(int64_t *ret, struct slice text)
{
    static const int days[] = {31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31};
    const char *at = text.at, *end = text.at + text.len;
    struct tm tm = {0};
    int micros, minutes;
    bool leap;

    tm.tm_year = digits(&at, end, 4, 1970, 9999);
    if (tm.tm_year < 0 || !skip(&at, end, '-') || (tm.tm_mon = digits(&at, end, 2, 1, 12)) < 0 ||
        !skip(&at, end, '-'))
        return -EINVAL;
    leap = tm.tm_mon == 2 && tm.tm_year % 4 == 0 && (tm.tm_year % 100 != 0 || tm.tm_year % 400 == 0);
    tm.tm_mday = digits(&at, end, 2, 1, days[tm.tm_mon - 1] + (leap ? 1 : 0));
    if (tm.tm_mday < 0 || !skip(&at, end, 'T') || (tm.tm_hour = digits(&at, end, 2, 0, 23)) < 0 ||
        !skip(&at, end, ':') || (tm.tm_min = digits(&at, end, 2, 0, 59)) < 0 || !skip(&at, end, ':') ||
        (tm.tm_sec = digits(&at, end, 2, 0, 60)) < 0)
        return -EINVAL;
    micros = fraction(&at, end);
    minutes = offset(&at, end);
    if (micros < 0 || minutes == INT32_MIN || at != end)
        return -EINVAL;
    tm.tm_year -= 1900;
    tm.tm_mon -= 1;
    *ret = ((int64_t)timegm(&tm) - minutes * 60) * 1000000 + micros;
    return 0;
}
