/*
 * auth: the key that a request shows, in `X-API-Key: KEY` or `Authorization: Bearer KEY`. The first goes before the
 * second, so that a proxy in front may have an Authorization of its own; other schemes than Bearer are such a
 * proxy's business.
 */
#pragma once

#include "api/fault.h"
#include "api/keyring.h"
#include "http/http.h"

/* 0: *ret is the key (borrowed until the loop's next turn), or NULL where none is shown. -1 with *fault: what is
 * shown is no key, or none that holds now (401), or that can't be told yet (503). */
MUST_CHECK int auth_find_key(const struct key **ret, const struct keyring *keyring, const struct http_request *request,
                             struct fault *fault);
