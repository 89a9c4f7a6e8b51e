#include "api/media.h"

#include <strings.h>

#include "base/utf8.h"

struct start {
    const char *type;
    size_t at;
    struct slice bytes;
};

#define BYTES(text) {.at = (text), .len = sizeof(text) - 1}

/* https://mimesniff.spec.whatwg.org, 6.1 */
static const struct start starts[] = {
    {"image/png", 0, BYTES("\x89PNG\r\n\x1a\n")}, {"image/jpeg", 0, BYTES("\xff\xd8\xff")},
    {"image/gif", 0, BYTES("GIF87a")},            {"image/gif", 0, BYTES("GIF89a")},
    {"image/webp", 8, BYTES("WEBPVP")},
};

static const struct {
    const char *suffix, *type;
} suffixes[] = {
    {".svg", "image/svg+xml"},   {".avif", "image/avif"},         {".html", "text/html"},
    {".css", "text/css"},        {".csv", "text/csv"},            {".json", "application/json"},
    {".xml", "application/xml"}, {".pdf", "application/pdf"},     {".zip", "application/zip"},
    {".gz", "application/gzip"}, {".md", "text/markdown"},        {".wav", "audio/wav"},
    {".mp3", "audio/mpeg"},      {".mp4", "video/mp4"},           {".js", "text/javascript"},
    {".bmp", "image/bmp"},
};

static bool begins_as(struct slice content, const struct start *start)
{
    return content.len >= start->at + start->bytes.len &&
           memcmp(content.at + start->at, start->bytes.at, start->bytes.len) == 0;
}

static bool ends_in(const char *name, const char *suffix)
{
    size_t name_len = strlen(name), len = strlen(suffix);

    return name_len > len && strcasecmp(name + name_len - len, suffix) == 0;
}

const char *media_type(const char *name, struct slice content)
{
    for (size_t i = 0; i < COUNT_OF(starts); i++)
        if (begins_as(content, &starts[i]))
            return starts[i].type;
    for (size_t i = 0; i < COUNT_OF(suffixes); i++)
        if (ends_in(name, suffixes[i].suffix))
            return suffixes[i].type;
    return utf8_valid(content.at, content.len) ? "text/plain" : "application/octet-stream";
}
