#include <errno.h>
#include <fcntl.h>
#include <nettle/base64.h>
#include <nettle/hmac.h>
#include <sys/random.h>
#include <unistd.h>

#include "api/webhooks/webhooks.h"
#include "base/fd.h"

static const char prefix[] = "whsec_";
enum { TEXT_BYTES = sizeof prefix - 1 + BASE64_ENCODE_RAW_LENGTH(WEBHOOK_SECRET_BYTES) };

static int make(int dir_fd, const char *path, struct err *err)
{
    char text[TEXT_BYTES + 1];
    uint8_t secret[WEBHOOK_SECRET_BYTES];
    CLEANUP(closep) int fd = openat(dir_fd, "webhook.secret", O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
    int r;

    if (fd < 0)
        return errno == EEXIST ? 0 : err_errno(err, -errno, "making %s", path);
    if (getrandom(secret, sizeof secret, 0) != (ssize_t)sizeof secret)
        return err_errno(err, -errno, "randomness");
    memcpy(text, prefix, sizeof prefix - 1);
    base64_encode_raw(text + sizeof prefix - 1, sizeof secret, secret);
    text[TEXT_BYTES] = '\n';
    r = fd_write_all(fd, text, sizeof text);
    if (r == 0 && fsync(fd) < 0)
        r = -errno;
    if (r < 0)
        (void)unlinkat(dir_fd, "webhook.secret", 0); /* half of one would sign from now on */
    return r < 0 ? err_errno(err, r, "writing %s", path) : 0;
}

static int parse(uint8_t ret[WEBHOOK_SECRET_BYTES], const char *text)
{
    uint8_t bytes[BASE64_DECODE_LENGTH(TEXT_BYTES)];
    struct base64_decode_ctx decode;
    size_t len = 0;

    if (strlen(text) != TEXT_BYTES || strncmp(text, prefix, sizeof prefix - 1) != 0)
        return -EINVAL;
    base64_decode_init(&decode);
    if (!base64_decode_update(&decode, &len, bytes, TEXT_BYTES - (sizeof prefix - 1), text + sizeof prefix - 1) ||
        !base64_decode_final(&decode) || len != WEBHOOK_SECRET_BYTES)
        return -EINVAL;
    memcpy(ret, bytes, WEBHOOK_SECRET_BYTES);
    return 0;
}

int webhook_secret_load(uint8_t ret[WEBHOOK_SECRET_BYTES], const char *data_dir, struct err *err)
{
    CLEANUP(closep) int dir_fd = open(data_dir, O_PATH | O_DIRECTORY | O_CLOEXEC);
    char path[4200], text[TEXT_BYTES + 64];
    int r;

    (void)snprintf(path, sizeof path, "%s/webhook.secret", data_dir);
    if (dir_fd < 0)
        return err_errno(err, -errno, "%s", data_dir);
    r = make(dir_fd, path, err);
    if (r < 0)
        return r;
    r = fd_read_file_at(dir_fd, "webhook.secret", text, sizeof text);
    if (r == 0)
        r = parse(ret, text);
    return r < 0 ? err_errno(err, r, "%s, which is to hold %s and the base64 of %d bytes", path, prefix,
                             WEBHOOK_SECRET_BYTES)
                 : 0;
}

void webhook_sign(char ret[WEBHOOK_SIGNATURE_BYTES], const uint8_t secret[WEBHOOK_SECRET_BYTES], const char *id,
                  const char *timestamp, struct slice body)
{
    struct hmac_sha256_ctx hmac;
    uint8_t digest[SHA256_DIGEST_SIZE];
    char text[BASE64_ENCODE_RAW_LENGTH(SHA256_DIGEST_SIZE) + 1];

    hmac_sha256_set_key(&hmac, WEBHOOK_SECRET_BYTES, secret);
    hmac_sha256_update(&hmac, strlen(id), (const uint8_t *)id);
    hmac_sha256_update(&hmac, 1, (const uint8_t *)".");
    hmac_sha256_update(&hmac, strlen(timestamp), (const uint8_t *)timestamp);
    hmac_sha256_update(&hmac, 1, (const uint8_t *)".");
    hmac_sha256_update(&hmac, body.len, (const uint8_t *)body.at);
    hmac_sha256_digest(&hmac, sizeof digest, digest);
    base64_encode_raw(text, sizeof digest, digest);
    text[sizeof text - 1] = '\0';
    (void)snprintf(ret, WEBHOOK_SIGNATURE_BYTES, "v1,%s", text);
}
