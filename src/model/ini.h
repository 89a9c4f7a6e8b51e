/*
 * ini: a typed reader over libinih. Each file that we read is described by a table of keys; a key that is not
 * in the table, a key given twice, and a value of the wrong kind are errors that name file and line
 * and say what would be right.
 *
 * The format: `[section]`, `name = value`, comments from ';' or '#' at the start of a line, or from " ;" after a
 * value. An indented line goes on with the value of the line before: its words are added to a list, its text to
 * a string, after a newline. No line is longer than 198 bytes; a longer value goes on in the next line.
 */
#pragma once

#include <stdint.h>

#include "base/buf.h"
#include "base/err.h"
#include "base/strings.h"

enum ini_type {     /* the field at `offset` is ... */
    INI_STRING,     /* char *, owned: freed and replaced */
    INI_WORDS,      /* struct strings: parted by blanks; '...' and "..." keep blanks, there is no escape */
    INI_BOOL,       /* bool: yes or no */
    INI_UINT,       /* uint64_t, within min..max: 4096 */
    INI_BYTES,      /* uint64_t: 65536, 64K, 256M, 1G (powers of 1024; also KiB, MiB, GiB) */
    INI_MS,         /* uint64_t, milliseconds: 500ms, 10s, 2m, 1h; a bare number is milliseconds */
    INI_CHOICE,     /* uint64_t: the index of the value in `choices` */
    INI_CUSTOM,     /* whatever set() makes of it */
};

struct ini_key {
    const char *section; /* "" for keys in front of the first section */
    const char *name;
    enum ini_type type;
    size_t offset;       /* in the struct that ini_read() fills */
    uint64_t min, max;   /* numbers: bounds; max 0: no bound but UINT64_MAX. STRING, WORDS: the most bytes or words */
    bool required;       /* the file must have it */
    const char *const *choices; /* CHOICE only: NULL-terminated */
    /* CUSTOM only: text is a line's value; more: it goes on from the line before. < 0 with *err: a sentence
     * that says what would be right (file, line and name are put in front). */
    int (*set)(void *field, const char *text, bool more, struct err *err);
    const char *help;    /* one line, no full stop */
};

/* Reads a file into *base, whose fields hold the defaults. < 0 with *err; *base is then half filled, and the
 * caller frees it as usual. */
MUST_CHECK int ini_read(void *base, const char *path, const struct ini_key *keys, size_t n_keys, struct err *err);

/* The same from memory; name: of the file that text is from. */
MUST_CHECK int ini_read_text(void *base, const char *name, struct slice text, const struct ini_key *keys, size_t n_keys,
                             struct err *err);

/* For who wants to know all at once. */
struct ini_report {
    void (*on_fault)(void *arg, const char *sentence); /* called for each fault; reading goes on after it */
    void *arg;
    unsigned *lines; /* [n_keys], by the caller, zero: the line that set each key */
};

/* As ini_read(), but with report (NULL: the same) a fault of the file is told and passed over. < 0 where the file
 * can't be read. */
MUST_CHECK int ini_read_report(void *base, const char *path, const struct ini_key *keys, size_t n_keys,
                               const struct ini_report *report, struct err *err);

/* Appends a field's value as the file would have it; "" where there is none. Nothing for INI_CUSTOM. */
MUST_CHECK int ini_show(struct buf *to, const void *base, const struct ini_key *key);

/* Sets one field from text, as the file would: for environment variables and command lines. *err does not name
 * the key: the caller knows how its user calls it. */
MUST_CHECK int ini_set(void *base, const struct ini_key *key, const char *text, struct err *err);

/* A number with its unit; type: INI_UINT, INI_BYTES or INI_MS. *ret is untouched on failure. */
MUST_CHECK int ini_number(uint64_t *ret, enum ini_type type, uint64_t min, uint64_t max, const char *text,
                          struct err *err);
