/*
 * compare: is what a program wrote what was expected? Pure: no I/O, no global state, and a fuzz target, since one of
 * the two texts is a stranger's. Both are bytes; nothing need be UTF-8.
 *
 * Time is linear in both texts, for unordered lines n log n in the expected one. Memory is needed for unordered lines
 * only: 8 bytes for each line that is expected, and half as much while they are sorted.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>

#include "base/buf.h"

enum comparison {
    COMPARE_EXACT,           /* every byte */
    COMPARE_TRIMMED,         /* line by line, without blanks at the end of lines and blank lines at the end */
    COMPARE_TOKENS,          /* what stands between blanks and line ends, in its order */
    COMPARE_FLOATS,          /* tokens; two that are numbers may differ by a tolerance */
    COMPARE_UNORDERED_LINES, /* as trimmed, in any order, without blank lines */
};

struct comparator {
    enum comparison kind;
    bool ignore_case; /* of ASCII letters */
    /* Floats: equal where |actual - expected| is at most `absolute`, or at most `relative` times |expected|. */
    double absolute, relative;
};

/* By their names, with what they do where nothing else is said. */
struct comparator_name {
    const char *name;
    struct comparator comparator;
};
extern const struct comparator_name comparator_names[];
extern const size_t n_comparator_names;

enum { EXCERPT_BYTES = 160 };

/* A piece of a line, whole characters where it is UTF-8. */
struct excerpt {
    bool present;               /* false: the text has ended there */
    bool cut_before, cut_after; /* the line has more */
    size_t len;
    char text[EXCERPT_BYTES];
};

/* Where two texts differ first. */
struct difference {
    size_t line, column; /* of the actual text, both from 1; the column counts characters */
    struct excerpt expected, actual;
};

enum { COMPARE_E_DIFFERENT = 1 };

/* 0: they are equal; COMPARE_E_DIFFERENT with *ret; or -ENOMEM. Texts of at most 4 GiB. */
MUST_CHECK int compare(struct difference *ret, const struct comparator *comparator, struct slice expected,
                       struct slice actual);
