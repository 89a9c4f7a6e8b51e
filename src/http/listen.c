/* The listening socket. */
#include <errno.h>
#include <netdb.h>
#include <netinet/in.h>
#include <sys/socket.h>

#include "base/fd.h"
#include "http/internal.h"

enum { BACKLOG = 1024 }; /* the kernel lowers it to net.core.somaxconn */

static void freeaddrinfop(struct addrinfo **list)
{
    if (*list != NULL)
        freeaddrinfo(*list);
}

/* "[::1]:80" or "127.0.0.1:80" -> host and port. */
static int split(char *host, size_t host_size, const char **port, const char *listen,
                 struct err *err)
{
    const char *colon = strrchr(listen, ':');
    size_t len = colon == NULL ? 0 : (size_t)(colon - listen);

    if (len >= 2 && listen[0] == '[' && listen[len - 1] == ']') {
        listen++;
        len -= 2;
    } else if (len > 0 && memchr(listen, ':', len) != NULL) {
        return err_set(err, -EINVAL, "'%s': an IPv6 address needs brackets, like [::1]:2358",
                       listen);
    }
    if (len == 0 || len >= host_size || colon[1] == '\0')
        return err_set(err, -EINVAL, "'%s' is not ADDR:PORT, like 127.0.0.1:2358 or [::1]:2358",
                       listen);
    /* getaddrinfo() would take 65536 for 0. */
    if (strspn(colon + 1, "0123456789") != strlen(colon + 1) ||
        strtoul(colon + 1, NULL, 10) > 65535)
        return err_set(err, -EINVAL, "'%s': the port is a number from 0 to 65535", listen);
    memcpy(host, listen, len);
    host[len] = '\0';
    *port = colon + 1;
    return 0;
}

static int write_url(char *url, size_t size, int fd, struct err *err)
{
    struct sockaddr_storage bound;
    socklen_t len = sizeof bound;
    char host[64], port[16];

    if (getsockname(fd, (struct sockaddr *)&bound, &len) < 0)
        return err_errno(err, -errno, "getsockname");
    if (getnameinfo((struct sockaddr *)&bound, len, host, sizeof host, port, sizeof port,
                    NI_NUMERICHOST | NI_NUMERICSERV) != 0)
        return err_set(err, -EINVAL, "the address that was bound has no name");
    (void)snprintf(url, size, bound.ss_family == AF_INET6 ? "http://[%s]:%s" : "http://%s:%s", host,
                   port);
    return 0;
}

int http_listen(int *ret, char *url, size_t url_size, const char *listen_at, struct err *err)
{
    const struct addrinfo hints = {.ai_socktype = SOCK_STREAM,
                                   .ai_flags = AI_NUMERICHOST | AI_NUMERICSERV | AI_PASSIVE};
    CLEANUP(freeaddrinfop) struct addrinfo *list = NULL;
    CLEANUP(closep) int fd = -1;
    const char *port;
    char host[64];
    int on = 1, r;

    r = split(host, sizeof host, &port, listen_at, err);
    if (r < 0)
        return r;
    r = getaddrinfo(host, port, &hints, &list);
    if (r != 0)
        return err_set(err, -EINVAL, "'%s': %s (a numeric address and a port are wanted)",
                       listen_at, gai_strerror(r));
    fd = socket(list->ai_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    if (fd < 0)
        return err_errno(err, -errno, "socket");
    /* A restart need not wait for TIME_WAIT. */
    (void)setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);
    if (bind(fd, list->ai_addr, list->ai_addrlen) < 0 || listen(fd, BACKLOG) < 0)
        return err_errno(err, -errno, "cannot listen on %s", listen_at);
    r = write_url(url, url_size, fd, err);
    if (r < 0)
        return r;
    *ret = TAKE_FD(fd);
    return 0;
}
