#include "base/uuid.h"

#include <stddef.h>
#include <stdint.h>
#include <sys/random.h>
#include <time.h>

void uuid_make(char uuid[UUID_BYTES])
{
    unsigned char bytes[16];
    struct timespec now;
    uint64_t ms;
    size_t at = 0;

    /* Never short below 256 bytes, and the kernel's generator is ready long before we start. */
    if (getrandom(bytes, sizeof bytes, 0) != (ssize_t)sizeof bytes)
        abort();
    (void)clock_gettime(CLOCK_REALTIME, &now);
    ms = (uint64_t)now.tv_sec * 1000 + (uint64_t)now.tv_nsec / 1000000;
    for (size_t i = 0; i < 6; i++)
        bytes[i] = (unsigned char)(ms >> (40 - 8 * i));
    bytes[6] = (unsigned char)((bytes[6] & 0x0f) | 0x70); /* version */
    bytes[8] = (unsigned char)((bytes[8] & 0x3f) | 0x80); /* variant */
    for (size_t i = 0; i < sizeof bytes; i++) {
        static const char digits[] = "0123456789abcdef";

        if (i == 4 || i == 6 || i == 8 || i == 10)
            uuid[at++] = '-';
        uuid[at++] = digits[bytes[i] >> 4];
        uuid[at++] = digits[bytes[i] & 15];
    }
    uuid[at] = '\0';
}
