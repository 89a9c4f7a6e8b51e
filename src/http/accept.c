/* Content negotiation (RFC 9110, 12.5.1): which of our types a client likes best. */
#include <strings.h>

#include "http/internal.h"

enum { QUALITY_MAX = 1000, ACCEPT_BYTES = 65536 };

/* How good a media range fits a type. */
enum fit { FIT_NONE, FIT_ANY, FIT_KIND, FIT_EXACT };

struct range { /* one element of the list */
    struct slice type;
    unsigned quality; /* thousandths */
};

/* Cuts off *rest what is before the next separator that is not in a quoted string. False at the end. */
static bool next_part(struct slice *part, struct slice *rest, char separator)
{
    bool quoted = false;
    size_t i = 0;

    if (rest->at == NULL)
        return false;
    for (; i < rest->len && (quoted || rest->at[i] != separator); i++) {
        if (quoted && rest->at[i] == '\\')
            i++;
        else if (rest->at[i] == '"')
            quoted = !quoted;
    }
    if (i >= rest->len) {
        *part = slice_trim(*rest);
        *rest = (struct slice){0};
    } else {
        *part = slice_trim((struct slice){rest->at, i});
        *rest = (struct slice){rest->at + i + 1, rest->len - i - 1};
    }
    return true;
}

/* "0.5", and ".5" as some write it; three digits count. What is no number means 1, as if it had not been there. */
static unsigned read_quality(struct slice text)
{
    unsigned quality = 0, unit = QUALITY_MAX;
    bool fraction = false;

    for (size_t i = 0; i < text.len; i++) {
        if (text.at[i] == '.' && !fraction) {
            fraction = true;
            continue;
        }
        if (text.at[i] < '0' || text.at[i] > '9')
            return QUALITY_MAX;
        if (fraction)
            unit /= 10;
        quality += unit * (unsigned)(text.at[i] - '0');
        if (quality >= QUALITY_MAX)
            return QUALITY_MAX;
    }
    return text.len == 0 ? QUALITY_MAX : quality;
}

/* Of the parameters only q counts: ours have none that somebody could ask for. */
static struct range read_range(struct slice text)
{
    struct range range = {.quality = QUALITY_MAX};
    struct slice part;

    (void)next_part(&range.type, &text, ';');
    while (next_part(&part, &text, ';'))
        if (part.len >= 2 && (part.at[0] == 'q' || part.at[0] == 'Q') && part.at[1] == '=')
            range.quality = read_quality((struct slice){part.at + 2, part.len - 2});
    return range;
}

static bool same(struct slice text, const char *other, size_t len)
{
    return text.len == len && strncasecmp(text.at, other, len) == 0;
}

static enum fit fit_of(struct slice range, const char *type)
{
    size_t kind_len = strcspn(type, "/") + 1;

    if (same(range, type, strlen(type)))
        return FIT_EXACT;
    if (same(range, "*/*", 3) || same(range, "*", 1)) /* the second is what old Java says */
        return FIT_ANY;
    if (range.len == kind_len + 1 && range.at[kind_len] == '*' &&
        strncasecmp(range.at, type, kind_len) == 0)
        return FIT_KIND;
    return FIT_NONE;
}

/* What the most specific range that fits says of a type. */
static unsigned quality_of(struct slice accept, const char *type, enum fit *fit)
{
    unsigned quality = 0;
    struct slice part;

    *fit = FIT_NONE;
    while (next_part(&part, &accept, ',')) {
        struct range range = read_range(part);
        enum fit this_fit = fit_of(range.type, type);

        if (this_fit > *fit ||
            (this_fit == *fit && this_fit != FIT_NONE && range.quality > quality)) {
            *fit = this_fit;
            quality = range.quality;
        }
    }
    return quality;
}

const char *http_accept_best(struct slice accept, const char *const *types)
{
    const char *best = NULL;
    unsigned best_quality = 0;
    enum fit best_fit = FIT_NONE;

    if (slice_trim(accept).len == 0)
        return types[0];
    for (; *types != NULL; types++) {
        enum fit fit;
        unsigned quality = quality_of(accept, *types, &fit);

        if (quality == 0 || quality < best_quality || (quality == best_quality && fit <= best_fit))
            continue;
        best = *types;
        best_quality = quality;
        best_fit = fit;
    }
    return best;
}

static enum MHD_Result join_accept(void *arg, enum MHD_ValueKind kind, const char *name,
                                   const char *value)
{
    (void)kind;
    if (strcasecmp(name, "Accept") != 0 || value == NULL)
        return MHD_YES;
    return buf_printf(arg, ",%s", value) < 0 ? MHD_NO : MHD_YES;
}

const char *http_request_best_type(const struct http_request *request, const char *const *types)
{
    CLEANUP(buf_done) struct buf accept;

    buf_init(&accept, ACCEPT_BYTES); /* all headers together have less */
    (void)MHD_get_connection_values(request->mhd, MHD_HEADER_KIND, join_accept, &accept);
    return http_accept_best(
        (struct slice){buf_text(&accept) + (accept.len > 0), accept.len - (accept.len > 0)}, types);
}
