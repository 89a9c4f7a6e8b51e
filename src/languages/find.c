/* Which language a name, a file name or a version asks for, and what unnamed source is called. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "languages/languages.h"

static bool has_name(const struct language *language, const char *name)
{
    if (strcasecmp(language->id, name) == 0)
        return true;
    for (size_t i = 0; i < language->aliases.n; i++)
        if (strcasecmp(language->aliases.at[i], name) == 0)
            return true;
    return false;
}

const struct language *languages_find(const struct languages *languages, const char *name)
{
    for (size_t i = 0; i < languages->n; i++)
        if (has_name(&languages->at[i], name))
            return &languages->at[i];
    return NULL;
}

/* The bytes of the longest suffix of the language that file_name ends with; 0 where there is none. A file
 * that is nothing but a suffix (".py") is a hidden file, not a program. */
static size_t suffix_len(const struct language *language, const char *file_name)
{
    size_t len = strlen(file_name), longest = 0;

    for (size_t i = 0; i < language->suffixes.n; i++) {
        const char *suffix = language->suffixes.at[i];
        size_t n = strlen(suffix);

        if (n > longest && n < len && file_name[len - n - 1] != '/' && strcmp(file_name + len - n, suffix) == 0)
            longest = n;
    }
    return longest;
}

const struct language *languages_find_by_file(const struct languages *languages, const char *file_name)
{
    const struct language *best = NULL;
    size_t best_len = 0;

    for (size_t i = 0; i < languages->n; i++) {
        size_t n = suffix_len(&languages->at[i], file_name);

        if (n > best_len) {
            best = &languages->at[i];
            best_len = n;
        }
    }
    return best;
}

bool language_has_suffix(const struct language *language, const char *file_name)
{
    return suffix_len(language, file_name) > 0;
}

bool language_has_version(const struct language *language, const char *wanted)
{
    size_t len;

    if (wanted == NULL || strcmp(wanted, "*") == 0)
        return true;
    len = strlen(wanted);
    if (language->version == NULL || len == 0 || strncmp(language->version, wanted, len) != 0)
        return false;
    /* "3.1" is not the beginning of version 3.11: a number must end where wanted ends. */
    return language->version[len] == '\0' || language->version[len] == '.';
}

bool language_says_out_of_memory(const struct language *language, enum stage stage, struct slice text)
{
    const struct strings *texts = &language->stages[stage].out_of_memory;

    if (text.len > LANGUAGE_SCAN_BYTES) {
        text.at += text.len - LANGUAGE_SCAN_BYTES;
        text.len = LANGUAGE_SCAN_BYTES;
    }
    for (size_t i = 0; i < texts->n; i++)
        if (text.len > 0 && memmem(text.at, text.len, texts->at[i], strlen(texts->at[i])) != NULL)
            return true;
    return false;
}

/* The template with its "{N}" replaced by what group N of the pattern caught; NULL when out of memory. check.c sees
 * to it that there is exactly one, and that the pattern has such a group. */
static char *fill_name(const char *name_template, const char *source, const regmatch_t *groups)
{
    const char *hole = strchr(name_template, '{');
    const regmatch_t *group = &groups[hole[1] - '0'];
    int before = (int)(hole - name_template);
    char *name = NULL;

    if (group->rm_so < 0) /* a group that took no part in the match */
        return strdup("");
    if (asprintf(&name, "%.*s%.*s%s", before, name_template, (int)(group->rm_eo - group->rm_so),
                 source + group->rm_so, hole + 3) < 0)
        return NULL;
    return name;
}

/* regexec() wants a string, so a NUL in the source ends what the pattern sees of it. */
static char *name_from_source(const struct language *language, const char *source)
{
    CLEANUP(freep) char *name = NULL;
    regmatch_t groups[10];

    if (regexec(language->name_pattern, source, COUNT_OF(groups), groups, 0) != 0)
        return strdup(language->main_name);
    name = fill_name(language->name_template, source, groups);
    if (name == NULL)
        return NULL;
    if (job_check_name(slice_from(name), NULL) < 0 || strchr(name, '/') != NULL)
        return strdup(language->main_name);
    return TAKE_PTR(name);
}

char *language_main_name(const struct language *language, struct slice source)
{
    CLEANUP(freep) char *text = NULL;

    if (language->name_pattern == NULL || source.len == 0)
        return strdup(language->main_name);
    /* The source is a stranger's and we are on the event loop: the pattern gets a bounded piece. */
    text = strndup(source.at, source.len < LANGUAGE_SCAN_BYTES ? source.len : LANGUAGE_SCAN_BYTES);
    return text == NULL ? NULL : name_from_source(language, text);
}
