#include "api/v1/events.h"

#include "base/json_out.h"
#include "base/utf8.h"

/* More than a piece of the engine's (64 KiB, or what a compiler wrote before) with each byte as six. */
enum { EVENT_BYTES_MAX = 1 << 30 };

static const char *const stream_names[] = {"stdout", "stderr"};

void events_init(struct events *events, events_emit *emit, void *arg, bool base64)
{
    *events = (struct events){.emit = emit, .arg = arg, .base64 = base64};
    buf_init(&events->text, EVENT_BYTES_MAX);
    buf_init(&events->json, EVENT_BYTES_MAX);
}

void events_done(struct events *events)
{
    buf_done(&events->text);
    buf_done(&events->json);
}

static struct json_out begin(struct events *events, const char *type, enum stage stage)
{
    struct json_out out;

    buf_clear(&events->json);
    out = json_out_to(&events->json);
    json_out_open(&out, '{');
    json_out_key_str(&out, "type", type);
    json_out_key_str(&out, "stage", stage_names[stage]);
    return out;
}

static int end(struct events *events, struct json_out *out, const char *type)
{
    int r;

    json_out_close(out, '}');
    r = json_out_end(out);
    return r < 0 ? r : events->emit(events->arg, type, (struct slice){buf_text(&events->json), events->json.len});
}

static int tell_output(struct events *events, int stream, struct slice data)
{
    struct json_out out = begin(events, stream_names[stream], events->stage);

    json_out_key(&out, "data");
    if (events->base64)
        json_out_base64(&out, data);
    else
        json_out_text(&out, data);
    return end(events, &out, stream_names[stream]);
}

/* Puts what was held back in front of the piece, and holds back the end of it. */
static int tell_characters(struct events *events, int stream, struct slice piece)
{
    struct buf *text = &events->text;
    size_t len;
    int r;

    buf_clear(text);
    r = buf_add(text, events->held[stream], events->held_len[stream]);
    if (r == 0)
        r = buf_add(text, piece.at, piece.len);
    if (r < 0)
        return r;
    len = text->len - utf8_unfinished(text->at, text->len);
    events->held_len[stream] = text->len - len;
    memcpy(events->held[stream], text->at + len, events->held_len[stream]);
    return len == 0 ? 0 : tell_output(events, stream, (struct slice){text->at, len});
}

int events_on_output(struct events *events, enum stage stage, int stream, const char *bytes, size_t len)
{
    const struct slice piece = {bytes, len};

    events->stage = stage;
    return events->base64 ? tell_output(events, stream, piece) : tell_characters(events, stream, piece);
}

int events_end(struct events *events)
{
    int r = 0;

    for (int i = 0; i < 2 && r == 0; i++) {
        const size_t len = events->held_len[i];

        events->held_len[i] = 0;
        if (len > 0)
            r = tell_output(events, i, (struct slice){events->held[i], len});
    }
    return r;
}

int events_on_stage(struct events *events, enum stage stage)
{
    int r = events_end(events);
    struct json_out out;

    if (r < 0)
        return r;
    events->stage = stage;
    out = begin(events, "stage", stage);
    return end(events, &out, "stage");
}
