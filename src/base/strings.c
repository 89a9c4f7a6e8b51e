#include "base/strings.h"

#include <errno.h>
#include <string.h>

int strings_add(struct strings *strings, const char *text, size_t len)
{
    CLEANUP(freep) char *copy = NULL;

    /* Grown at powers of two: the list has no size field, n says when it is full. */
    if ((strings->n & (strings->n - 1)) == 0) {
        size_t room = strings->n == 0 ? 1 : strings->n * 2;
        char **at = reallocarray((void *)strings->at, room, sizeof *at);

        if (at == NULL)
            return -ENOMEM;
        strings->at = at;
    }
    copy = strndup(text, len);
    if (copy == NULL)
        return -ENOMEM;
    strings->at[strings->n++] = TAKE_PTR(copy);
    return 0;
}

bool strings_have(const struct strings *strings, const char *text)
{
    for (size_t i = 0; i < strings->n; i++)
        if (strcmp(strings->at[i], text) == 0)
            return true;
    return false;
}

void strings_done(struct strings *strings)
{
    for (size_t i = 0; i < strings->n; i++)
        free(strings->at[i]);
    free((void *)strings->at);
    *strings = (struct strings){0};
}
