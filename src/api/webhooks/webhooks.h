/*
 * webhooks: tells whoever asked, by `callback_url`, that a submission is finished. What is to be told is in the
 * database with the end itself (store/webhooks.h), so that nothing is forgotten; here is when, and with which
 * signature. The posting itself is the courier's (courier/main.c), since glimpsed connects to nobody.
 *
 *   webhooks_start_courier (before lockdown) -> webhooks_new -> webhooks_pump, again and again -> webhooks_free
 */
#pragma once

#include "api/api.h"

struct webhooks; /* opaque */

/* Starts glimpse-courier, and makes the secret where there is none. *ret_fd: our end of the socket to it, owned. */
MUST_CHECK int webhooks_start_courier(int *ret_fd, const struct config *config, struct err *err);
/* fd: consumed. on_lost: the courier is gone for good: only a new start of glimpsed brings it back. */
MUST_CHECK int webhooks_new(struct webhooks **ret, struct api *api, const char *data_dir, int fd,
                            void (*on_lost)(void *arg), void *arg, struct err *err);
/* Something may be due. NULL is allowed. */
void webhooks_pump(struct webhooks *webhooks);
void webhooks_drain(struct webhooks *webhooks);
/* After the store is gone. NULL is allowed. */
void webhooks_free(struct webhooks *webhooks);
DEFINE_FREEP(struct webhooks, webhooks)

/* secret.c: what signs. */
enum { WEBHOOK_SECRET_BYTES = 32, WEBHOOK_SIGNATURE_BYTES = 64 };
/* Reads data_dir/webhook.secret; makes it where it is not there. */
MUST_CHECK int webhook_secret_load(uint8_t ret[WEBHOOK_SECRET_BYTES], const char *data_dir, struct err *err);
/* As Standard Webhooks has it: "v1," and the base64 of HMAC-SHA256 over "id.timestamp.body". */
void webhook_sign(char ret[WEBHOOK_SIGNATURE_BYTES], const uint8_t secret[WEBHOOK_SECRET_BYTES], const char *id,
                  const char *timestamp, struct slice body);
