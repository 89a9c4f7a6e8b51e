#include "base/uuid.h"

#include <sys/random.h>

#include "base/instant.h"

static void write_text(char id[UUID_BYTES], const unsigned char bytes[16])
{
    static const char digits[] = "0123456789abcdef";
    size_t at = 0;

    for (size_t i = 0; i < 16; i++) {
        if (i == 4 || i == 6 || i == 8 || i == 10)
            id[at++] = '-';
        id[at++] = digits[bytes[i] >> 4];
        id[at++] = digits[bytes[i] & 15];
    }
    id[at] = '\0';
}

static void put_time(unsigned char bytes[16], uint64_t unix_ms)
{
    for (size_t i = 0; i < 6; i++)
        bytes[i] = (unsigned char)(unix_ms >> (40 - 8 * i));
    bytes[6] = (unsigned char)((bytes[6] & 0x0f) | 0x70); /* version */
    bytes[8] = (unsigned char)((bytes[8] & 0x3f) | 0x80); /* variant */
}

void uuid_make_at(char id[UUID_BYTES], int64_t unix_us)
{
    const unsigned fraction = (unsigned)(unix_us % 1000 * 4096 / 1000); /* 12 bits */
    unsigned char bytes[16];

    /* Never short below 256 bytes, and the kernel's generator is ready long before we start. */
    if (getrandom(bytes, sizeof bytes, 0) != (ssize_t)sizeof bytes)
        abort();
    bytes[6] = (unsigned char)(fraction >> 8);
    bytes[7] = (unsigned char)fraction;
    put_time(bytes, (uint64_t)unix_us / 1000);
    write_text(id, bytes);
}

void uuid_make(char id[UUID_BYTES])
{
    uuid_make_at(id, instant_now_us());
}

void uuid_floor(char id[UUID_BYTES], int64_t unix_ms)
{
    unsigned char bytes[16] = {0};

    put_time(bytes, (uint64_t)unix_ms);
    write_text(id, bytes);
}

bool uuid_is(struct slice text)
{
    if (text.len != UUID_BYTES - 1)
        return false;
    for (size_t i = 0; i < text.len; i++) {
        const char c = text.at[i];

        if (i == 8 || i == 13 || i == 18 || i == 23 ? c != '-' : !((c >= '0' && c <= '9') || (c >= 'a' && c <= 'f')))
            return false;
    }
    return true;
}
