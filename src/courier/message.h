/*
 * message: what glimpsed and its courier say to each other, over one SOCK_SEQPACKET socket.
 *
 *   courier:   READY                        a courier is there; what the one before it had is lost
 *   glimpsed:  SEND, with a memfd: the body
 *   courier:   DONE                         once for each SEND
 *
 * Fixed sizes, no pointers. glimpsed distrusts what the courier says, which talks with strangers.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

enum {
    COURIER_URL_BYTES = 2049,
    COURIER_HEADER_BYTES = 128,
    COURIER_IN_FLIGHT_MAX = 16,
    COURIER_BODY_BYTES_MAX = 16 << 20,
    COURIER_MAGIC = 0x476c4377,
};

enum courier_type { COURIER_READY = 1, COURIER_SEND, COURIER_DONE };

struct courier_head {
    uint32_t magic, type; /* enum courier_type */
    int64_t id;           /* SEND chooses it, DONE says it again */
};

struct courier_send {
    struct courier_head head;
    uint32_t body_bytes;
    char url[COURIER_URL_BYTES];
    /* The values of webhook-id, webhook-timestamp and webhook-signature. */
    char webhook_id[COURIER_HEADER_BYTES], timestamp[COURIER_HEADER_BYTES], signature[COURIER_HEADER_BYTES];
};

struct courier_done {
    struct courier_head head;
    int32_t status;   /* of HTTP; 0: there was none */
    char reason[160]; /* a sentence where it did not come to a status, or "" */
};
