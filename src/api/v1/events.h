/*
 * events: a run as it goes on, in JSON: {"type":"stage","stage":"run"}, {"type":"stdout","stage":"run","data":"..."},
 * "stderr" likewise, and {"type":"result", ...all that /v1/run answers}. The same for all that stream. Pure: no I/O.
 *
 * Characters are never cut: what of one has come so far is held back until the rest has, or its stage is over. So the
 * data of a stream, put together, is what the result says of it.
 */
#pragma once

#include "api/v1/run_json.h"

/* Tells of one event. json: an object without line breaks, borrowed. 0, or < 0, which goes up to who caused it. */
typedef int events_emit(void *arg, const char *type, struct slice json);

struct events {
    events_emit *emit;
    void *arg;
    bool base64;      /* data is base64, each piece for itself, and characters do not matter */
    enum stage stage; /* of what is held back */
    char held[2][4];  /* of stdout and stderr: how a character begins whose rest has not come */
    size_t held_len[2];
    struct buf text, json; /* of the event that is being written */
};

void events_init(struct events *events, events_emit *emit, void *arg, bool base64);
void events_done(struct events *events);

/* For the callbacks of struct run_events. 0, or < 0 of emit's or where there was no memory. */
MUST_CHECK int events_on_stage(struct events *events, enum stage stage);
MUST_CHECK int events_on_output(struct events *events, enum stage stage, int stream, const char *bytes, size_t len);
/* All that is held back: comes before the result. */
MUST_CHECK int events_end(struct events *events);
