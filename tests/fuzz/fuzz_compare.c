/* Comparing what a program wrote: kind, flags, where the expected text ends, both texts. Equal to itself always; the
 * same in both directions where nothing is relative; a difference that is there, in pieces that are JSON text. */
#include "base/utf8.h"
#include "fuzz.h"
#include "judge/compare.h"

static void check_excerpt(const struct excerpt *excerpt, struct slice text)
{
    assert(excerpt->len <= EXCERPT_BYTES);
    assert(excerpt->present || excerpt->len == 0);
    if (utf8_valid(text.at, text.len))
        assert(utf8_valid(excerpt->text, excerpt->len));
}

static int compare_once(const struct comparator *comparator, struct slice expected, struct slice actual)
{
    struct difference difference = {0};
    int r = compare(&difference, comparator, expected, actual);

    assert(r == 0 || r == COMPARE_E_DIFFERENT);
    if (r == 0)
        return r;
    assert(difference.line >= 1 && difference.column >= 1 && difference.line <= actual.len + 1);
    assert(difference.column <= actual.len + 1);
    assert(difference.expected.present || difference.actual.present);
    check_excerpt(&difference.expected, expected);
    check_excerpt(&difference.actual, actual);
    return r;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct comparator comparator;
    struct slice expected, actual;
    size_t cut;

    if (size < 4)
        return 0;
    comparator = comparator_names[data[0] % n_comparator_names].comparator;
    comparator.ignore_case = (data[1] & 1) != 0;
    comparator.relative = 0;
    cut = ((size_t)data[2] << 8 | data[3]) % (size - 3);
    expected = (struct slice){(const char *)data + 4, cut};
    actual = (struct slice){(const char *)data + 4 + cut, size - 4 - cut};
    assert(compare_once(&comparator, expected, expected) == 0);
    assert(compare_once(&comparator, actual, actual) == 0);
    assert(compare_once(&comparator, expected, actual) == compare_once(&comparator, actual, expected));
    return 0;
}
