/*
 * One loop: libcurl's transfers and glimpsed's socket. What is asked for is posted, once; when to try again is
 * glimpsed's affair.
 *
 * An address is checked when the socket to it is made, after the name has been looked up: what a name meant before does
 * not matter (DNS rebinding). No redirect is followed, no proxy asked, and an answer's body is not looked at.
 */
#include <curl/curl.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/fd.h"
#include "courier/courier.h"

enum {
    CONNECT_TIME_MS = 5000,
    WHOLE_TIME_MS = 15000,
    ANSWER_BYTES_MAX = 65536, /* more is not waited for */
    IDLE_MS = 60000,
};

struct transfer {
    struct courier *courier; /* borrowed */
    int64_t id;
    CURL *easy;                 /* owned */
    struct curl_slist *headers; /* owned */
    void *body;                 /* owned: mapped */
    size_t body_bytes, answer_bytes;
    bool refused; /* the address may not be connected to */
    char why[CURL_ERROR_SIZE];
};

struct courier {
    int fd; /* borrowed */
    const struct address_book *book;
    CURLM *multi;             /* owned */
    struct courier_send send; /* too large for every caller's stack */
};

static int say(const struct courier *courier, const void *message, size_t bytes, struct err *err)
{
    int r = fd_send_packet(courier->fd, message, bytes, NULL, 0);

    return r < 0 ? err_errno(err, r, "telling glimpsed") : 0;
}

static void transfer_free(struct transfer *transfer)
{
    if (transfer == NULL)
        return;
    if (transfer->easy != NULL)
        curl_easy_cleanup(transfer->easy);
    curl_slist_free_all(transfer->headers);
    if (transfer->body != NULL)
        (void)munmap(transfer->body, transfer->body_bytes);
    free(transfer);
}
DEFINE_FREEP(struct transfer, transfer)

/* --- libcurl's questions --- */

static curl_socket_t on_open_socket(void *arg, curlsocktype purpose, struct curl_sockaddr *address)
{
    struct transfer *transfer = arg;

    (void)purpose;
    if (!address_book_has(transfer->courier->book, &address->addr)) {
        transfer->refused = true;
        return CURL_SOCKET_BAD;
    }
    return socket(address->family, address->socktype | SOCK_CLOEXEC, address->protocol);
}

static size_t on_answer(char *bytes, size_t size, size_t n, void *arg)
{
    struct transfer *transfer = arg;

    (void)bytes;
    transfer->answer_bytes += size * n;
    return transfer->answer_bytes > ANSWER_BYTES_MAX ? 0 : size * n; /* 0: libcurl ends it there */
}

/* --- Sending --- */

static int take_body(struct transfer *transfer, int fd, size_t bytes, struct err *err)
{
    struct stat st;
    void *body;

    if (bytes == 0 || bytes > COURIER_BODY_BYTES_MAX || fstat(fd, &st) < 0 || (uint64_t)st.st_size != bytes)
        return err_set(err, -EBADMSG, "the body is not as long as was said");
    body = mmap(NULL, bytes, PROT_READ, MAP_PRIVATE, fd, 0);
    if (body == MAP_FAILED)
        return err_errno(err, -errno, "the body");
    transfer->body = body;
    transfer->body_bytes = bytes;
    return 0;
}

static int add_header(struct transfer *transfer, const char *name, const char *value)
{
    char line[COURIER_HEADER_BYTES + 64];
    struct curl_slist *longer;

    (void)snprintf(line, sizeof line, "%s: %s", name, value);
    longer = curl_slist_append(transfer->headers, line);
    if (longer == NULL)
        return -ENOMEM;
    transfer->headers = longer;
    return 0;
}

static int add_headers(struct transfer *transfer, const struct courier_send *send)
{
    int r = add_header(transfer, "Content-Type", "application/json");

    if (r == 0)
        r = add_header(transfer, "webhook-id", send->webhook_id);
    if (r == 0)
        r = add_header(transfer, "webhook-timestamp", send->timestamp);
    if (r == 0)
        r = add_header(transfer, "webhook-signature", send->signature);
    return r < 0 ? r : add_header(transfer, "Expect", ""); /* no waiting for "100 Continue" */
}

/* CURLOPT_* are long, pointers or functions: libcurl checks their types at compile time. */
static void set_options(struct transfer *transfer, const char *url)
{
    CURL *easy = transfer->easy;

    (void)curl_easy_setopt(easy, CURLOPT_URL, url);
    (void)curl_easy_setopt(easy, CURLOPT_PROTOCOLS_STR, "http,https");
    (void)curl_easy_setopt(easy, CURLOPT_FOLLOWLOCATION, 0L);
    (void)curl_easy_setopt(easy, CURLOPT_PROXY, ""); /* also where the environment names one */
    (void)curl_easy_setopt(easy, CURLOPT_NETRC, (long)CURL_NETRC_IGNORED);
    (void)curl_easy_setopt(easy, CURLOPT_NOSIGNAL, 1L);
    (void)curl_easy_setopt(easy, CURLOPT_FORBID_REUSE, 1L);
    (void)curl_easy_setopt(easy, CURLOPT_DNS_CACHE_TIMEOUT, 0L);
    (void)curl_easy_setopt(easy, CURLOPT_HTTP_VERSION, (long)CURL_HTTP_VERSION_1_1);
    (void)curl_easy_setopt(easy, CURLOPT_CONNECTTIMEOUT_MS, (long)CONNECT_TIME_MS);
    (void)curl_easy_setopt(easy, CURLOPT_TIMEOUT_MS, (long)WHOLE_TIME_MS);
    (void)curl_easy_setopt(easy, CURLOPT_USERAGENT, "glimpse/" GLIMPSE_VERSION);
    (void)curl_easy_setopt(easy, CURLOPT_HTTPHEADER, transfer->headers);
    (void)curl_easy_setopt(easy, CURLOPT_POSTFIELDSIZE, (long)transfer->body_bytes);
    (void)curl_easy_setopt(easy, CURLOPT_POSTFIELDS, transfer->body);
    (void)curl_easy_setopt(easy, CURLOPT_OPENSOCKETFUNCTION, on_open_socket);
    (void)curl_easy_setopt(easy, CURLOPT_OPENSOCKETDATA, transfer);
    (void)curl_easy_setopt(easy, CURLOPT_WRITEFUNCTION, on_answer);
    (void)curl_easy_setopt(easy, CURLOPT_WRITEDATA, transfer);
    (void)curl_easy_setopt(easy, CURLOPT_ERRORBUFFER, transfer->why);
    (void)curl_easy_setopt(easy, CURLOPT_PRIVATE, transfer);
}

static int start(struct courier *courier, const struct courier_send *send, int body_fd, struct err *err)
{
    CLEANUP(transfer_freep) struct transfer *transfer = calloc(1, sizeof *transfer);
    int r;

    if (transfer == NULL)
        return err_set(err, -ENOMEM, "out of memory");
    transfer->courier = courier;
    transfer->id = send->head.id;
    r = take_body(transfer, body_fd, send->body_bytes, err);
    if (r < 0)
        return r;
    transfer->easy = curl_easy_init();
    if (transfer->easy == NULL || add_headers(transfer, send) < 0)
        return err_set(err, -ENOMEM, "out of memory");
    set_options(transfer, send->url);
    if (curl_multi_add_handle(courier->multi, transfer->easy) != CURLM_OK)
        return err_set(err, -ENOMEM, "out of memory");
    (void)TAKE_PTR(transfer); /* finish() frees it */
    return 0;
}

/* --- The end of one --- */

static void make_plain(char *text)
{
    for (; *text != '\0'; text++)
        if (*text < ' ' || *text > '~')
            *text = '?';
}

static int finish(struct courier *courier, struct transfer *transfer, CURLcode code, struct err *err)
{
    struct courier_done done = {.head = {.magic = COURIER_MAGIC, .type = COURIER_DONE, .id = transfer->id}};
    long status = 0;

    (void)curl_easy_getinfo(transfer->easy, CURLINFO_RESPONSE_CODE, &status);
    /* An answer whose body was too long is an answer. */
    if (code == CURLE_OK || (code == CURLE_WRITE_ERROR && transfer->answer_bytes > ANSWER_BYTES_MAX))
        done.status = (int32_t)status;
    else if (transfer->refused)
        (void)snprintf(done.reason, sizeof done.reason,
                       "its address is not public, and webhook_allow does not name it");
    else
        (void)snprintf(done.reason, sizeof done.reason, "%s",
                       transfer->why[0] != '\0' ? transfer->why : curl_easy_strerror(code));
    make_plain(done.reason);
    (void)curl_multi_remove_handle(courier->multi, transfer->easy);
    transfer_free(transfer);
    return say(courier, &done, sizeof done, err);
}

static int finish_some(struct courier *courier, struct err *err)
{
    const CURLMsg *message;
    int left, r = 0;

    while (r == 0 && (message = curl_multi_info_read(courier->multi, &left)) != NULL) {
        char *transfer = NULL;

        if (message->msg != CURLMSG_DONE)
            continue;
        (void)curl_easy_getinfo(message->easy_handle, CURLINFO_PRIVATE, &transfer);
        r = finish(courier, (struct transfer *)(void *)transfer, message->data.result, err);
    }
    return r;
}

/* --- glimpsed --- */

/* A string ends within its array. */
static bool is_text(const char *text, size_t size)
{
    return memchr(text, '\0', size) != NULL;
}

static bool is_send(const struct courier_send *send, ssize_t bytes)
{
    return bytes == (ssize_t)sizeof *send && send->head.magic == COURIER_MAGIC && send->head.type == COURIER_SEND &&
           is_text(send->url, sizeof send->url) && is_text(send->webhook_id, sizeof send->webhook_id) &&
           is_text(send->timestamp, sizeof send->timestamp) && is_text(send->signature, sizeof send->signature);
}

/* One message. 0; 1: glimpsed has ended; < 0. */
static int receive(struct courier *courier, struct err *err)
{
    struct courier_done done = {.head = {.magic = COURIER_MAGIC, .type = COURIER_DONE}};
    CLEANUP(closep) int body_fd = -1;
    struct err why = {0};
    size_t n_fds = 0;
    ssize_t n = fd_recv_packet(courier->fd, &courier->send, sizeof courier->send, &body_fd, 1, &n_fds, MSG_DONTWAIT);

    if (n == 0)
        return 1;
    if (n == -EAGAIN)
        return 0;
    if (n < 0 || n_fds != 1 || !is_send(&courier->send, n))
        return err_set(err, -EBADMSG, "glimpsed sent what is no message");
    if (start(courier, &courier->send, body_fd, &why) == 0)
        return 0;
    done.head.id = courier->send.head.id;
    (void)snprintf(done.reason, sizeof done.reason, "%s", why.msg);
    return say(courier, &done, sizeof done, err);
}

static int step(struct courier *courier, struct err *err)
{
    struct curl_waitfd glimpsed = {.fd = courier->fd, .events = CURL_WAIT_POLLIN};
    int running, r = 0;

    if (curl_multi_poll(courier->multi, &glimpsed, 1, IDLE_MS, NULL) != CURLM_OK)
        return err_set(err, -EIO, "libcurl can't wait");
    if (glimpsed.revents != 0)
        r = receive(courier, err);
    if (r == 0 && curl_multi_perform(courier->multi, &running) != CURLM_OK)
        r = err_set(err, -EIO, "libcurl can't go on");
    return r != 0 ? r : finish_some(courier, err);
}

int courier_serve(int fd, const struct address_book *book, struct err *err)
{
    struct courier *courier = calloc(1, sizeof *courier);
    const struct courier_head ready = {.magic = COURIER_MAGIC, .type = COURIER_READY};
    int r;

    if (courier == NULL)
        return err_set(err, -ENOMEM, "out of memory");
    *courier = (struct courier){.fd = fd, .book = book, .multi = curl_multi_init()};
    r = courier->multi == NULL ? err_set(err, -ENOMEM, "out of memory") : say(courier, &ready, sizeof ready, err);
    while (r == 0)
        r = step(courier, err);
    (void)curl_multi_cleanup(courier->multi); /* what is under way goes with the process */
    free(courier);
    return r < 0 ? r : 0;
}
