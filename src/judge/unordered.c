/*
 * Lines in any order. The expected ones are sorted; each line of the output is looked up among them, and used up. So no
 * more lines are looked up than are expected, and one, however long the output is.
 */
#include <assert.h>
#include <errno.h>
#include <stdint.h>
#include <stdlib.h>

#include "judge/internal.h"

struct bag {
    struct slice text; /* borrowed */
    bool ignore_case;
    uint32_t *at;      /* owned: where lines begin, sorted; equal ones once */
    uint32_t *left;    /* owned: how many of each are still to come */
    size_t n, n_lines;
};

static struct slice line_at(const struct bag *bag, uint32_t at)
{
    struct judge_text text = {.rest = {bag->text.at + at, bag->text.len - at}};
    struct slice line = {0};

    (void)judge_next_line(&text, &line);
    return judge_trim_end(line);
}

/* Equal lines in the order of the text: so the first of them stays. */
static int by_line(const void *a, const void *b, void *arg)
{
    const struct bag *bag = arg;
    const uint32_t x = *(const uint32_t *)a, y = *(const uint32_t *)b;
    int order = judge_order(line_at(bag, x), line_at(bag, y), bag->ignore_case);

    return order != 0 ? order : x < y ? -1 : x > y;
}

static bool next_full_line(struct judge_text *text, struct slice *line)
{
    while (judge_next_line(text, line)) {
        *line = judge_trim_end(*line);
        if (line->len > 0)
            return true;
    }
    return false;
}

static void bag_done(struct bag *bag)
{
    free(bag->at);
    free(bag->left);
}

static int bag_fill(struct bag *bag)
{
    struct judge_text text = {.rest = bag->text};
    struct slice line;
    size_t n = 0;

    while (next_full_line(&text, &line))
        n++;
    bag->at = calloc(n + 1, sizeof *bag->at);
    bag->left = calloc(n + 1, sizeof *bag->left);
    if (bag->at == NULL || bag->left == NULL)
        return -ENOMEM;
    text = (struct judge_text){.rest = bag->text};
    while (next_full_line(&text, &line))
        bag->at[bag->n_lines++] = (uint32_t)(text.line - bag->text.at);
    qsort_r(bag->at, bag->n_lines, sizeof *bag->at, by_line, bag);
    for (size_t i = 0; i < bag->n_lines; i++) {
        if (i == 0 || !judge_equal(line_at(bag, bag->at[i]), line_at(bag, bag->at[bag->n - 1]), bag->ignore_case))
            bag->at[bag->n++] = bag->at[i];
        bag->left[bag->n - 1]++;
    }
    return 0;
}

/* False: none of it is left. */
static bool bag_take(struct bag *bag, struct slice line)
{
    size_t low = 0, high = bag->n;

    while (low < high) {
        size_t middle = low + (high - low) / 2;
        int order = judge_order(line, line_at(bag, bag->at[middle]), bag->ignore_case);

        if (order == 0)
            return bag->left[middle] > 0 && bag->left[middle]-- > 0;
        if (order < 0)
            high = middle;
        else
            low = middle + 1;
    }
    return false;
}

/* The first line of the text that is still to come; false: none is. */
static bool bag_first_left(const struct bag *bag, struct slice *line)
{
    const uint32_t none = UINT32_MAX;
    uint32_t first = none;

    for (size_t i = 0; i < bag->n; i++)
        if (bag->left[i] > 0 && bag->at[i] < first)
            first = bag->at[i];
    if (first == none)
        return false;
    *line = line_at(bag, first);
    return true;
}

static int find_difference(struct difference *ret, struct bag *bag, struct slice actual)
{
    struct judge_text text = {.rest = actual};
    struct slice line, extra = {0}, missing = {0};
    size_t line_number = 0;
    bool left;

    for (size_t n = 0; n <= bag->n_lines && next_full_line(&text, &line); n++)
        if (!bag_take(bag, line) && line_number == 0) {
            line_number = text.number;
            extra = line;
        }
    left = bag_first_left(bag, &missing);
    if (line_number == 0 && !left)
        return 0;
    ret->line = line_number > 0 ? line_number : text.number + 1;
    ret->column = 1;
    judge_excerpt(&ret->expected, left ? &missing : NULL, 0);
    judge_excerpt(&ret->actual, line_number > 0 ? &extra : NULL, 0);
    return COMPARE_E_DIFFERENT;
}

int judge_compare_unordered(struct difference *ret, bool ignore_case, struct slice expected, struct slice actual)
{
    CLEANUP(bag_done) struct bag bag = {.text = expected, .ignore_case = ignore_case};
    int r;

    assert(expected.len < UINT32_MAX);
    r = bag_fill(&bag);
    return r < 0 ? r : find_difference(ret, &bag, actual);
}
