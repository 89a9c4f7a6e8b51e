/*
 * websocket: WebSocket connections (RFC 6455) on the server's loop. Framing is wslay's, on the socket that
 * libmicrohttpd hands over after its answer "101". No extensions, no subprotocols.
 *
 *     a handler: websocket_accept() ──▶ websocket_send(), on_message, on_room ──▶ websocket_close()   or   on_gone, once
 *
 * What a stranger can do is bounded: the size of a message and the time it takes, the pongs that wait for who does
 * not read, the silence of who does not answer pings. All that breaks the protocol ends the connection with the
 * status that RFC 6455 has for it (1002 a wrong frame, 1007 text that is not UTF-8, 1009 too large), and on_gone.
 */
#pragma once

#include "http/http.h"

struct websocket; /* opaque; borrowed by the handler until websocket_close() or on_gone */

enum {
    WEBSOCKET_DONE = 1000,
    WEBSOCKET_GOING_AWAY = 1001,   /* the server stops */
    WEBSOCKET_NOT_ALLOWED = 1008,  /* what the client asks for, or does */
    WEBSOCKET_OUR_FAILURE = 1011,  /* too much going on among it: clients older than 1013 fail over that */
};

struct websocket_events {
    /* A whole message; text is valid UTF-8. bytes: borrowed. May send and close. */
    void (*on_message)(void *arg, bool text, struct slice bytes);
    /* No more than WEBSOCKET_LOW_BYTES wait to be sent, after there were more than WEBSOCKET_HIGH_BYTES. May be
     * NULL. */
    void (*on_room)(void *arg);
    /* The client is gone or going, or was sent away: nothing can be said any more. Not from inside of a call. */
    void (*on_gone)(void *arg);
};

enum { WEBSOCKET_HIGH_BYTES = 256 << 10, WEBSOCKET_LOW_BYTES = 64 << 10 };

/* Answers a request for a WebSocket. A message may be as large as a body, and the first must come within the server's
 * transfer time. NULL where it was no such request, or there is no memory: it has been answered then. */
struct websocket *websocket_accept(struct http_request *request, const struct websocket_events *events, void *arg);
/* From the next message on. */
void websocket_set_message_max(struct websocket *socket, size_t bytes);

/* Queues a text message. < 0: no memory; the connection ends then, with on_gone. Who sends goes on as it likes, and is
 * asked to stop while websocket_is_full(). What waits counts among the server's answers (answers_bytes_max). */
int websocket_send(struct websocket *socket, struct slice text);
bool websocket_is_full(const struct websocket *socket); /* more than WEBSOCKET_HIGH_BYTES wait; on_room follows */

/* on: reads no more (the client's TCP stops it), so nothing is heard but its end. */
void websocket_pause(struct websocket *socket, bool on);

/* Sends what waits, then closes; reason: up to 123 bytes of UTF-8, for people. The websocket is gone for the caller. */
void websocket_close(struct websocket *socket, unsigned status, const char *reason);
