#include "model/ini.h"

#include <ctype.h>
#include <errno.h>
#include <ini.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

/* --- Values ---------------------------------------------------------------------------------- */

struct unit {
    const char *name;
    uint64_t factor;
};

/* The first row of a factor is how numbers of that kind are printed. */
static const struct unit byte_units[] = {
    {"", 1},   {"K", (uint64_t)1 << 10},   {"M", (uint64_t)1 << 20},   {"G", (uint64_t)1 << 30},
    {"B", 1},  {"KiB", (uint64_t)1 << 10}, {"MiB", (uint64_t)1 << 20}, {"GiB", (uint64_t)1 << 30},
    {NULL, 0},
};
static const struct unit time_units[] = {
    {"ms", 1}, {"s", 1000}, {"m", 60000}, {"h", 3600000}, {"", 1}, {"min", 60000}, {NULL, 0},
};
static const struct unit no_units[] = {{"", 1}, {NULL, 0}};

static const struct unit *units_of(enum ini_type type)
{
    return type == INI_BYTES ? byte_units : type == INI_MS ? time_units : no_units;
}

static const char *kind_of(enum ini_type type)
{
    return type == INI_BYTES ? "a size like 64M"
           : type == INI_MS  ? "a time like 10s or 500ms"
                             : "a whole number";
}

/* A number with the largest unit that divides it: 268435456 is 256M. */
static const char *show(char *text, size_t size, enum ini_type type, uint64_t value)
{
    const struct unit *units = units_of(type), *best = units;

    for (const struct unit *unit = units; unit->name != NULL; unit++)
        if (unit->factor > best->factor && value != 0 && value % unit->factor == 0)
            best = unit;
    (void)snprintf(text, size, "%" PRIu64 "%s", value / best->factor, best->name);
    return text;
}

static int refuse_number(enum ini_type type, uint64_t min, uint64_t max, const char *text,
                         struct err *err)
{
    char low[32], high[32];

    if (max == UINT64_MAX)
        return err_set(err, -EINVAL, "\"%.40s\" is not %s of at least %s", text, kind_of(type),
                       show(low, sizeof low, type, min));
    return err_set(err, -EINVAL, "\"%.40s\" is not %s from %s to %s", text, kind_of(type),
                   show(low, sizeof low, type, min), show(high, sizeof high, type, max));
}

int ini_number(uint64_t *ret, enum ini_type type, uint64_t min, uint64_t max, const char *text,
               struct err *err)
{
    const struct unit *unit = units_of(type);
    const char *at = text;
    uint64_t value = 0;

    if (max == 0)
        max = UINT64_MAX;
    /* No strtoull(): it takes signs and blanks, and "-1" is a huge number to it. */
    for (; *at >= '0' && *at <= '9'; at++)
        if (__builtin_mul_overflow(value, 10, &value) ||
            __builtin_add_overflow(value, (uint64_t)(*at - '0'), &value))
            return refuse_number(type, min, max, text, err);
    while (unit->name != NULL && strcmp(unit->name, at) != 0)
        unit++;
    if (at == text || unit->name == NULL || __builtin_mul_overflow(value, unit->factor, &value) ||
        value < min || value > max)
        return refuse_number(type, min, max, text, err);
    *ret = value;
    return 0;
}

static int set_bool(bool *field, const char *text, struct err *err)
{
    bool yes = strcmp(text, "yes") == 0;

    if (!yes && strcmp(text, "no") != 0)
        return err_set(err, -EINVAL, "\"%.40s\" is neither yes nor no", text);
    *field = yes;
    return 0;
}

static int set_choice(uint64_t *field, const struct ini_key *key, const char *text, struct err *err)
{
    char list[120] = "";
    size_t used = 0;

    for (uint64_t i = 0; key->choices[i] != NULL; i++)
        if (strcmp(key->choices[i], text) == 0) {
            *field = i;
            return 0;
        }
    for (size_t i = 0; key->choices[i] != NULL && used < sizeof list; i++)
        used += (size_t)snprintf(list + used, sizeof list - used, "%s%s", i == 0 ? "" : ", ",
                                 key->choices[i]);
    return err_set(err, -EINVAL, "\"%.40s\" is none of: %s", text, list);
}

static int set_string(char **field, const struct ini_key *key, const char *text, bool more,
                      struct err *err)
{
    size_t most = key->max == 0 ? 65536 : key->max;
    char *value = NULL;

    if (more && *field != NULL && **field != '\0') {
        if (asprintf(&value, "%s\n%s", *field, text) < 0)
            value = NULL;
    } else {
        value = strdup(text);
    }
    if (value == NULL)
        return err_set(err, -ENOMEM, "out of memory");
    free(*field);
    *field = value;
    if (strlen(value) > most)
        return err_set(err, -EINVAL, "has more than %zu bytes", most);
    return 0;
}

/* One word from *at on, which moves behind it. 0, 1 at the end of the line, or < 0. */
static int next_word(struct strings *words, const char **at, struct err *err)
{
    const char *from = *at, *to;
    char quote = '\0';

    while (isblank((unsigned char)*from))
        from++;
    if (*from == '\0')
        return 1;
    if (*from == '"' || *from == '\'')
        quote = *from++;
    for (to = from; *to != '\0' && (quote ? *to != quote : !isblank((unsigned char)*to)); to++)
        ;
    if (quote && *to == '\0')
        return err_set(err, -EINVAL, "a word begins with %c and does not end with it", quote);
    if (quote && to[1] != '\0' && !isblank((unsigned char)to[1]))
        return err_set(err, -EINVAL, "a blank must follow the closing %c: quote the whole word",
                       quote);
    *at = to + (quote ? 1 : 0);
    return strings_add(words, from, (size_t)(to - from));
}

static int set_words(struct strings *field, const struct ini_key *key, const char *text, bool more,
                     struct err *err)
{
    size_t most = key->max == 0 ? 256 : key->max;
    int r;

    if (!more)
        strings_done(field); /* a default gives way as a whole */
    do
        r = next_word(field, &text, err);
    while (r == 0 && field->n <= most);
    if (r < 0)
        return r;
    return field->n > most ? err_set(err, -EINVAL, "has more than %zu words", most) : 0;
}

static int set_field(void *base, const struct ini_key *key, const char *text, bool more,
                     struct err *err)
{
    void *field = (char *)base + key->offset;

    switch (key->type) {
    case INI_STRING:
        return set_string(field, key, text, more, err);
    case INI_WORDS:
        return set_words(field, key, text, more, err);
    case INI_CUSTOM:
        return key->set(field, text, more, err);
    case INI_BOOL:
    case INI_CHOICE:
    case INI_UINT:
    case INI_BYTES:
    case INI_MS:
        break;
    }
    if (more)
        return err_set(err, -EINVAL, "takes one line; this one is indented and so belongs to it");
    if (key->type == INI_BOOL)
        return set_bool(field, text, err);
    if (key->type == INI_CHOICE)
        return set_choice(field, key, text, err);
    return ini_number(field, key->type, key->min, key->max, text, err);
}

int ini_set(void *base, const struct ini_key *key, const char *text, struct err *err)
{
    return set_field(base, key, text, false, err);
}

static int show_word(struct buf *to, const char *word)
{
    const char *quote = strpbrk(word, " \t\"'") == NULL && *word != '\0' ? "" : strchr(word, '"') == NULL ? "\"" : "'";

    return buf_printf(to, "%s%s%s", quote, word, quote);
}

static int show_words(struct buf *to, const struct strings *words)
{
    int r = 0;

    for (size_t i = 0; r == 0 && i < words->n; i++) {
        if (i > 0)
            r = buf_add_str(to, " ");
        if (r == 0)
            r = show_word(to, words->at[i]);
    }
    return r;
}

int ini_show(struct buf *to, const void *base, const struct ini_key *key)
{
    const void *field = (const char *)base + key->offset;
    const char *text;
    char number[32];

    switch (key->type) {
    case INI_STRING:
        text = *(char *const *)field;
        return text == NULL ? 0 : buf_add_str(to, text);
    case INI_WORDS:
        return show_words(to, field);
    case INI_BOOL:
        return buf_add_str(to, *(const bool *)field ? "yes" : "no");
    case INI_CHOICE:
        return buf_add_str(to, key->choices[*(const uint64_t *)field]);
    case INI_UINT:
    case INI_BYTES:
    case INI_MS:
        return buf_add_str(to, show(number, sizeof number, key->type, *(const uint64_t *)field));
    case INI_CUSTOM:
        break;
    }
    return 0;
}

/* --- Files ----------------------------------------------------------------------------------- */

/* One call of ini_read(). libinih tells its handler neither the line nor whether it goes on from the one before, and
 * silently cuts long lines, so the lines pass through our own reader. */
struct ini_reading {
    const char *path; /* borrowed */
    FILE *file;       /* owned */
    char *line;       /* owned: getline()'s */
    size_t line_size;
    unsigned line_number;
    bool indented; /* the line began with a blank */

    void *base;                 /* borrowed */
    const struct ini_key *keys; /* borrowed */
    size_t n_keys;
    unsigned *seen; /* owned: per key the line that gave it, or 0 */
    const struct ini_report *report; /* borrowed, or NULL */
    struct err *err;
    int r; /* the first failure; all after it is skipped */
};

static int fail(struct ini_reading *reading, int code)
{
    if (reading->r < 0)
        return reading->r;
    code = err_wrap(reading->err, code, "%s:%u", reading->path, reading->line_number);
    if (reading->report == NULL) {
        reading->r = code;
        return code;
    }
    reading->report->on_fault(reading->report->arg, reading->err->msg);
    *reading->err = (struct err){0};
    return 0;
}

/* libinih tells of the first line that it does not understand, and only in the end. */
static bool is_understood(const struct ini_reading *reading)
{
    const char *at = reading->line + strspn(reading->line, " \t\r\n");

    return *at == '\0' || *at == ';' || *at == '#' || reading->indented ||
           (*at == '[' ? strchr(at, ']') != NULL : strpbrk(at, "=:") != NULL);
}

/* An ini_reader. Ends the file early where a line is not text that fits. */
static char *on_line(char *to, int size, void *arg)
{
    struct ini_reading *reading = arg;
    ssize_t len = getline(&reading->line, &reading->line_size, reading->file);

    if (len < 0 || reading->r < 0)
        return NULL;
    reading->line_number++;
    if (len >= size) {
        (void)fail(reading, err_set(reading->err, -EINVAL,
                                    "the line is longer than %d bytes: go on in the next line, "
                                    "indented",
                                    size - 2));
        return NULL;
    }
    if (memchr(reading->line, '\0', (size_t)len) != NULL) {
        (void)fail(reading, err_set(reading->err, -EINVAL, "a NUL byte: this is not a text file"));
        return NULL;
    }
    reading->indented = isblank((unsigned char)reading->line[0]);
    if (reading->report != NULL && !is_understood(reading))
        (void)fail(reading, err_set(reading->err, -EINVAL, "this is neither `[section]` nor `name = value`"));
    memcpy(to, reading->line, (size_t)len + 1);
    return to;
}

static int refuse_key(const struct ini_reading *reading, const char *section, const char *name)
{
    for (size_t i = 0; i < reading->n_keys; i++) {
        const struct ini_key *key = &reading->keys[i];

        if (strcmp(key->name, name) == 0)
            return err_set(reading->err, -EINVAL, "%s does not belong in [%s] but in [%s]", name,
                           section, key->section);
    }
    return err_set(reading->err, -EINVAL, "there is no key %.60s in section [%.60s]", name,
                   section);
}

/* 0 or < 0; the file and line are still to be put in front. */
static int take_value(struct ini_reading *reading, const char *section, const char *name,
                      const char *text)
{
    size_t i = 0;
    int r;

    while (i < reading->n_keys && (strcmp(reading->keys[i].name, name) != 0 ||
                                   strcmp(reading->keys[i].section, section) != 0))
        i++;
    if (i == reading->n_keys)
        return refuse_key(reading, section, name);
    if (reading->seen[i] != 0 && !reading->indented)
        return err_set(reading->err, -EINVAL, "%s is given twice, first in line %u", name,
                       reading->seen[i]);
    r = set_field(reading->base, &reading->keys[i], text, reading->seen[i] != 0, reading->err);
    if (r < 0)
        return err_wrap(reading->err, r, "%s", name);
    reading->seen[i] = reading->line_number;
    return 0;
}

/* An ini_handler: 1 goes on. */
static int on_value(void *arg, const char *section, const char *name, const char *text)
{
    struct ini_reading *reading = arg;
    int r;

    if (reading->r < 0)
        return 0;
    r = take_value(reading, section, name, text);
    if (r < 0)
        (void)fail(reading, r);
    return r == 0;
}

static int check_required(const struct ini_reading *reading)
{
    for (size_t i = 0; i < reading->n_keys; i++)
        if (reading->keys[i].required && reading->seen[i] == 0)
            return err_set(reading->err, -EINVAL, "%s: section [%s] lacks `%s = ...` (%s)",
                           reading->path, reading->keys[i].section, reading->keys[i].name,
                           reading->keys[i].help);
    return 0;
}

static void reading_done(struct ini_reading *reading)
{
    if (reading->file != NULL)
        (void)fclose(reading->file);
    free(reading->line);
    free(reading->seen);
}

int ini_read(void *base, const char *path, const struct ini_key *keys, size_t n_keys, struct err *err)
{
    return ini_read_report(base, path, keys, n_keys, NULL, err);
}

/* file: taken; NULL: errno says why there is none. */
static int read_stream(void *base, const char *path, FILE *file, const struct ini_key *keys, size_t n_keys,
                       const struct ini_report *report, struct err *err)
{
    CLEANUP(reading_done)
    struct ini_reading reading = {
        .path = path, .file = file, .base = base, .keys = keys, .n_keys = n_keys, .report = report, .err = err};
    int line;

    if (file == NULL)
        return err_errno(err, -errno, "%s", path);
    reading.seen = calloc(n_keys + 1, sizeof *reading.seen);
    if (reading.seen == NULL)
        return err_set(err, -ENOMEM, "%s: out of memory", path);
    line = ini_parse_stream(on_line, &reading, on_value, &reading);
    if (ferror(reading.file))
        return err_errno(err, -EIO, "%s", path);
    /* libinih goes on after a line that it does not understand, and returns the first one. */
    if (reading.r < 0)
        return reading.r;
    if (report != NULL)
        memcpy(report->lines, reading.seen, n_keys * sizeof *reading.seen);
    else if (line > 0)
        return err_set(err, -EINVAL, "%s:%d: this is neither `[section]` nor `name = value`", path,
                       line);
    if (line < 0)
        return err_set(err, -ENOMEM, "%s: out of memory", path);
    return check_required(&reading);
}

int ini_read_report(void *base, const char *path, const struct ini_key *keys, size_t n_keys,
                    const struct ini_report *report, struct err *err)
{
    return read_stream(base, path, fopen(path, "re"), keys, n_keys, report, err);
}

int ini_read_text(void *base, const char *name, struct slice text, const struct ini_key *keys, size_t n_keys,
                  struct err *err)
{
    /* It takes no const, and opened for reading it changes nothing. */
    return read_stream(base, name, fmemopen((void *)(uintptr_t)text.at, text.len, "re"), keys, n_keys, NULL, err);
}
