/* strings: a growing list of owned texts: argv, environment, words of a language file. */
#pragma once

#include <stdbool.h>

#include "base/cleanup.h"

struct strings {
    char **at; /* owned, each owned; NULL while empty. Not NULL-terminated */
    size_t n;
};

/* Appends a copy of text[0..len), which may not hold NUL; 0 or -ENOMEM. */
MUST_CHECK int strings_add(struct strings *strings, const char *text, size_t len);
bool strings_have(const struct strings *strings, const char *text);
/* Frees all; the list is empty and usable afterwards. */
void strings_done(struct strings *strings);
