/* judge: what its comparisons share. */
#pragma once

#include "judge/compare.h"

/* A text that is being read. */
struct judge_text {
    struct slice rest;
    const char *line; /* the beginning of the line under way */
    size_t number;    /* of that line, from 1; 0: none has been read */
};

/* Bytes from the beginning that are the same. */
size_t judge_mismatch(struct slice a, struct slice b, bool ignore_case);
bool judge_equal(struct slice a, struct slice b, bool ignore_case);
int judge_order(struct slice a, struct slice b, bool ignore_case); /* < 0, 0, > 0 */
struct slice judge_trim_end(struct slice text);
/* The next line, without its end; false where there is none. */
bool judge_next_line(struct judge_text *text, struct slice *line);

/* floats.c: both are numbers, and near each other. */
bool judge_near(struct slice expected, struct slice actual, double absolute, double relative);
/* unordered.c: as compare(). */
MUST_CHECK int judge_compare_unordered(struct difference *ret, bool ignore_case, struct slice expected,
                                       struct slice actual);
/* excerpt.c: characters in len bytes, one for each byte that is none; at may be NULL where len is 0. */
size_t judge_characters(const char *at, size_t len);
/* judge_mismatch(), or where the character begins that differs there. */
size_t judge_first_difference(struct slice a, struct slice b, bool ignore_case);
/* What stands around byte `at` of a line. line: NULL: the text has ended. */
void judge_excerpt(struct excerpt *ret, const struct slice *line, size_t at);
