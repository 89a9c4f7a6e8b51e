/* The handshake of RFC 6455, 4.2: is it a request for a WebSocket, and what is the answer. */
#include <nettle/base64.h>
#include <nettle/sha1.h>
#include <string.h>
#include <strings.h>

#include "http/internal.h"

enum {
    KEY_BYTES = 16, /* of random, in base64: */
    KEY_TEXT_BYTES = 24,
};

/* One of a header's words, which ", " separates; in any case. */
static bool has_word(const char *list, const char *word)
{
    size_t len = strlen(word);

    while (list != NULL && *list != '\0') {
        size_t n;

        list += strspn(list, ", \t");
        n = strcspn(list, ", \t");
        if (n == len && strncasecmp(list, word, len) == 0)
            return true;
        list += n;
    }
    return false;
}

static bool is_key(const char *key)
{
    struct base64_decode_ctx decode;
    uint8_t bytes[BASE64_DECODE_LENGTH(KEY_TEXT_BYTES)];
    size_t len;

    if (key == NULL || strlen(key) != KEY_TEXT_BYTES)
        return false;
    base64_decode_init(&decode);
    return base64_decode_update(&decode, &len, bytes, KEY_TEXT_BYTES, key) && base64_decode_final(&decode) &&
           len == KEY_BYTES;
}

void websocket_answer_key(char answer[WEBSOCKET_ACCEPT_BYTES], const char *key)
{
    static const char guid[] = "258EAFA5-E914-47DA-95CA-C5AB0DC85B11";
    struct base64_encode_ctx encode;
    uint8_t digest[SHA1_DIGEST_SIZE];
    struct sha1_ctx hash;
    size_t len;

    sha1_init(&hash);
    sha1_update(&hash, strlen(key), (const uint8_t *)key);
    sha1_update(&hash, sizeof guid - 1, (const uint8_t *)guid);
    sha1_digest(&hash, sizeof digest, digest);
    base64_encode_init(&encode);
    len = base64_encode_update(&encode, answer, sizeof digest, digest);
    len += base64_encode_final(&encode, answer + len);
    answer[len] = '\0';
}

/* The headers say what would be right; 426 must (RFC 9110, 15.5.22). */
static void refuse(struct http_request *request, unsigned status, const char *detail)
{
    static const struct http_header wanted[] = {
        {"Upgrade", "websocket"}, {"Sec-WebSocket-Version", "13"}, {NULL, NULL}};
    CLEANUP(buf_done) struct buf body;

    buf_init(&body, 2048);
    if (http_problem_body(&body, status, NULL, detail) < 0)
        buf_clear(&body);
    http_answer(request, status, HTTP_PROBLEM_TYPE, &body, wanted);
}

bool websocket_check_request(struct http_request *request, char answer[WEBSOCKET_ACCEPT_BYTES])
{
    const char *version = http_request_header(request, "Sec-WebSocket-Version");
    const char *key = http_request_header(request, "Sec-WebSocket-Key");

    if (!has_word(http_request_header(request, "Upgrade"), "websocket") ||
        !has_word(http_request_header(request, "Connection"), "upgrade")) {
        refuse(request, MHD_HTTP_UPGRADE_REQUIRED, "this is for WebSocket clients: Upgrade: websocket is wanted");
    } else if (version == NULL || strcmp(version, "13") != 0) {
        refuse(request, MHD_HTTP_UPGRADE_REQUIRED, "the version of WebSocket must be 13 (Sec-WebSocket-Version)");
    } else if (!is_key(key) || http_request_body(request).len > 0) {
        refuse(request, MHD_HTTP_BAD_REQUEST, "Sec-WebSocket-Key must be 16 bytes in base64, and there is no body");
    } else {
        websocket_answer_key(answer, key);
        return true;
    }
    return false;
}
