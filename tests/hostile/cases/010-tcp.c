/* What waits in sockets must not be many times the box's memory limit. cgroup v1 counts it apart, and only when
 * told to. */
#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

enum { LIMIT_MIB = 64, PAIRS = 100 };

static char block[1 << 16];

static long fill(int fd)
{
    long total = 0;

    for (int idle = 0; idle < 3;) {
        ssize_t n = write(fd, block, sizeof block);

        if (n > 0) {
            total += n;
        } else {
            idle++;
            usleep(500);
        }
    }
    return total;
}

static void report(const char *what, long total)
{
    printf("%s%s %ld MiB\n", total >> 20 > 2 * LIMIT_MIB ? "HOLE " : "", what, total >> 20);
}

int main(void)
{
    struct sockaddr_in at = {.sin_family = AF_INET, .sin_port = htons(5555)};
    int listener = socket(AF_INET, SOCK_STREAM, 0), size = 64 << 20;
    long total = 0;

    at.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    bind(listener, (void *)&at, sizeof at);
    listen(listener, 4096);
    for (int i = 0; i < PAIRS; i++) {
        int client = socket(AF_INET, SOCK_STREAM, 0);

        setsockopt(client, SOL_SOCKET, SO_SNDBUF, &size, sizeof size);
        if (client < 0 || connect(client, (void *)&at, sizeof at) < 0)
            break;
        setsockopt(accept(listener, NULL, NULL), SOL_SOCKET, SO_RCVBUF, &size, sizeof size);
        fcntl(client, F_SETFL, O_NONBLOCK);
        total += fill(client);
    }
    report("TCP", total);

    total = 0;
    for (int i = 0; i < PAIRS; i++) {
        int to = socket(AF_INET, SOCK_DGRAM, 0), from = socket(AF_INET, SOCK_DGRAM | SOCK_NONBLOCK, 0);

        at.sin_port = htons((uint16_t)(6000 + i));
        setsockopt(to, SOL_SOCKET, SO_RCVBUF, &size, sizeof size);
        if (to < 0 || from < 0 || bind(to, (void *)&at, sizeof at) < 0 || connect(from, (void *)&at, sizeof at) < 0)
            break;
        for (int j = 0; j < 100; j++)
            if (write(from, block, 60000) > 0)
                total += 60000;
    }
    printf("UDP %ld MiB sent\n", total >> 20); /* what has no room is dropped: sent is not held */
    puts("end");
}
