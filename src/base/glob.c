#include "base/glob.h"

bool glob_is_pattern(struct slice part)
{
    return part.len > 0 && (memchr(part.at, '*', part.len) != NULL || memchr(part.at, '?', part.len) != NULL);
}

/* Only the last '*' is ever tried again, with a byte more: what an earlier one took can't help those behind it. */
bool glob_match(struct slice pattern, struct slice name)
{
    size_t p = 0, n = 0, star = SIZE_MAX, taken = 0;

    if (name.len > 0 && name.at[0] == '.' && (pattern.len == 0 || pattern.at[0] != '.'))
        return false;
    while (n < name.len) {
        if (p < pattern.len && pattern.at[p] == '*') {
            star = p++;
            taken = n;
        } else if (p < pattern.len && (pattern.at[p] == '?' || pattern.at[p] == name.at[n])) {
            p++;
            n++;
        } else if (star != SIZE_MAX) {
            p = star + 1;
            n = ++taken;
        } else {
            return false;
        }
    }
    while (p < pattern.len && pattern.at[p] == '*')
        p++;
    return p == pattern.len;
}
