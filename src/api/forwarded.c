#include "api/forwarded.h"

#include <ctype.h>

bool forwarded_is_trusted(const struct ip *ip, const struct ip_network *trusted, size_t n_trusted)
{
    for (size_t i = 0; i < n_trusted; i++)
        if (ip_network_has(&trusted[i], ip))
            return true;
    return false;
}

/* The last entry, which leaves the list. */
static struct slice take_last(struct slice *list)
{
    const char *comma = memrchr(list->at, ',', list->len);
    const size_t before = comma == NULL ? 0 : (size_t)(comma - list->at);
    const size_t skip = comma == NULL ? 0 : before + 1;
    const struct slice last = {list->at + skip, list->len - skip};

    list->len = before;
    return slice_trim(last);
}

static bool is_port(struct slice text)
{
    if (text.len < 2 || text.len > 6 || text.at[0] != ':')
        return false;
    for (size_t i = 1; i < text.len; i++)
        if (!isdigit((unsigned char)text.at[i]))
            return false;
    return true;
}

/* Some proxies add the port: "192.0.2.1:4711", "[2001:db8::1]:4711". */
static bool parse_entry(struct ip *ret, struct slice entry)
{
    const char *end;

    if (ip_parse(ret, entry) == 0)
        return true;
    if (entry.len > 0 && entry.at[0] == '[') {
        end = memchr(entry.at, ']', entry.len);
        if (end == NULL || ip_parse(ret, (struct slice){entry.at + 1, (size_t)(end - entry.at) - 1}) < 0)
            return false;
        end++;
        return end == entry.at + entry.len || is_port((struct slice){end, entry.len - (size_t)(end - entry.at)});
    }
    end = memchr(entry.at, ':', entry.len);
    return end != NULL && is_port((struct slice){end, entry.len - (size_t)(end - entry.at)}) &&
           ip_parse(ret, (struct slice){entry.at, (size_t)(end - entry.at)}) == 0;
}

struct ip forwarded_client(const struct ip *peer, struct slice list, const struct ip_network *trusted,
                           size_t n_trusted)
{
    struct ip client = *peer, next;

    for (unsigned hop = 0; list.len > 0 && hop < FORWARDED_HOPS_MAX; hop++) {
        const struct slice entry = take_last(&list);

        if (entry.len == 0)
            continue; /* RFC 9110, 5.6.1: a list may have empty entries */
        if (!parse_entry(&next, entry))
            break;
        client = next;
        if (!forwarded_is_trusted(&client, trusted, n_trusted))
            break;
    }
    return client;
}
