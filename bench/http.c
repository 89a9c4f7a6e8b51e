/* http: one keep-alive connection, one request at a time. Knows just as much of HTTP/1.1 as our own answers need. */
#include <arpa/inet.h>
#include <errno.h>
#include <netinet/tcp.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>
#include <sys/socket.h>

#include "bench.h"

enum { SIZE_MIN = 1 << 14, SIZE_MAX_BYTES = 64 << 20 };

static int connect_to(uint16_t port)
{
    CLEANUP(closep) int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    struct sockaddr_in address = {
        .sin_family = AF_INET, .sin_port = htons(port), .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};

    if (fd < 0 || connect(fd, (const struct sockaddr *)&address, sizeof address) < 0 ||
        setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &(int){1}, sizeof(int)) < 0)
        return -errno;
    return TAKE_FD(fd);
}

int conn_open(struct conn *ret, uint16_t port, struct err *err)
{
    struct conn conn = {.port = port, .size = SIZE_MIN};

    conn.fd = connect_to(port);
    if (conn.fd < 0)
        return err_set(err, conn.fd, "connecting to port %u: %s", port, strerror(-conn.fd));
    conn.buf = malloc(conn.size);
    if (conn.buf == NULL) {
        closep(&conn.fd);
        return err_set(err, -ENOMEM, "a connection");
    }
    *ret = conn;
    return 0;
}

void conn_done(struct conn *conn)
{
    closep(&conn->fd);
    free(conn->buf);
    conn->buf = NULL;
}

int conn_renew(struct conn *conn)
{
    closep(&conn->fd);
    conn->len = 0;
    conn->fd = connect_to(conn->port);
    return conn->fd < 0 ? conn->fd : 0;
}

/* Blocks where the socket's buffer is full, which a request of a few KiB does not do. */
int conn_send(struct conn *conn, struct bench_case *c)
{
    const char *at = c->request.text;
    size_t left;

    number_write(&c->request);
    for (left = strlen(at); left > 0;) {
        ssize_t n = send(conn->fd, at, left, MSG_NOSIGNAL);

        if (n < 0 && errno == EINTR)
            continue;
        if (n < 0)
            return -errno;
        at += n;
        left -= (size_t)n;
    }
    return 0;
}

/* A header's value in the head, or NULL. */
static const char *find_header(const char *head, const char *end, const char *name)
{
    size_t len = strlen(name);

    for (const char *line = strstr(head, "\r\n"); line != NULL && line < end;
         line = strstr(line, "\r\n")) {
        line += 2;
        if (strncasecmp(line, name, len) == 0)
            return line + len + strspn(line + len, " ");
    }
    return NULL;
}

/* Milliseconds with three decimals after this name, as microseconds. */
static uint64_t read_ms(const char *at, const char *name)
{
    const char *value = at == NULL ? NULL : strstr(at, name);

    return value == NULL ? 0 : (uint64_t)(strtod(value + strlen(name), NULL) * 1000 + 0.5);
}

/* What the answer says of its stages. Quotes inside strings are escaped, so these names are found nowhere else. */
static void read_stages(const char *body, struct record *record)
{
    static const char *const stages[] = {"\"compile\":{", "\"run\":{"};
    const char *at = strstr(body, "\"stages\":{");

    for (size_t i = 0; at != NULL && i < COUNT_OF(stages); i++) {
        const char *stage = strstr(at, stages[i]);

        record->stage_us[i] = read_ms(stage, "\"wall_ms\":");
        record->cpu_us += read_ms(stage, "\"cpu_ms\":");
    }
    record->cached = at != NULL && strstr(at, "\"cached\":true") != NULL;
}

/* 1: the buffer holds an answer; its body begins at *body. */
static int look(const struct conn *conn, const char **body)
{
    const char *end = strstr(conn->buf, "\r\n\r\n"), *length;

    if (end == NULL)
        return 0;
    length = find_header(conn->buf, end, "content-length:");
    if (length == NULL)
        return -EBADMSG;
    *body = end + 4;
    return conn->len >= (size_t)(*body - conn->buf) + strtoull(length, NULL, 10);
}

static int receive_more(struct conn *conn, bool block)
{
    ssize_t n;

    if (conn->len + 1 == conn->size) {
        char *more = conn->size * 2 > SIZE_MAX_BYTES ? NULL : realloc(conn->buf, conn->size * 2);

        if (more == NULL)
            return -ENOMEM;
        conn->buf = more;
        conn->size *= 2;
    }
    n = recv(conn->fd, conn->buf + conn->len, conn->size - 1 - conn->len, block ? 0 : MSG_DONTWAIT);
    if (n < 0)
        return -errno;
    if (n == 0)
        return -ECONNRESET;
    conn->len += (size_t)n;
    conn->buf[conn->len] = '\0';
    return 0;
}

int conn_receive(struct conn *conn, const struct bench_case *c, struct record *record, bool block)
{
    const char *body = NULL, *connection;
    int r = 0;

    while (r == 0) {
        r = receive_more(conn, block);
        if (r == -EAGAIN)
            return 0;
        if (r == 0 || r == -EINTR)
            r = look(conn, &body);
    }
    if (r < 0)
        return r;
    record->status = (int32_t)strtol(conn->buf + strcspn(conn->buf, " "), NULL, 10);
    record->good = record->status == c->status && strstr(body, c->expect) != NULL;
    read_stages(body, record);
    connection = find_header(conn->buf, body, "connection:");
    conn->len = 0;
    if (connection != NULL && strncasecmp(connection, "close", 5) == 0)
        r = conn_renew(conn);
    return r < 0 ? r : 1;
}
