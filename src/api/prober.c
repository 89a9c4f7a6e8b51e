/* What passes through the pipe: for each language, in the table's order, four texts: available (NULL: no), unavailable,
 * version, version_text. Each is '-' for NULL or '+', the text, NUL. */
#include "api/prober.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/wait.h>

#include "base/fd.h"

enum { SAID_BYTES_MAX = 4 << 20 }; /* 256 languages, 4 KiB of words each, and more */

/* ---- The other process ---- */

static int write_text(int fd, const char *text)
{
    int r = fd_write_all(fd, text == NULL ? "-" : "+", 1);

    return r < 0 || text == NULL ? r : fd_write_all(fd, text, strlen(text) + 1);
}

static int write_all(int fd, const struct languages *languages)
{
    int r = 0;

    for (size_t i = 0; i < languages->n && r == 0; i++) {
        const struct language *language = &languages->at[i];
        const char *texts[] = {language->available ? "" : NULL, language->unavailable, language->version,
                               language->version_text};

        for (size_t j = 0; j < COUNT_OF(texts) && r == 0; j++)
            r = write_text(fd, texts[j]);
    }
    return r;
}

static _Noreturn void probe(struct languages *languages, const char *toolchains_dir, int fd, pid_t parent)
{
    (void)prctl(PR_SET_PDEATHSIG, SIGKILL);
    if (getppid() != parent) /* it died before we asked to be told */
        _exit(EXIT_FAILURE);
    languages_probe(languages, toolchains_dir);
    _exit(write_all(fd, languages) < 0 ? EXIT_FAILURE : EXIT_SUCCESS);
}

int prober_start(struct prober *prober, struct languages *languages, const char *toolchains_dir, struct err *err)
{
    pid_t parent = getpid(), pid;
    int ends[2];

    if (pipe2(ends, O_CLOEXEC | O_NONBLOCK) < 0 || fd_set_nonblock(ends[1], false) < 0)
        return err_errno(err, -errno, "a pipe to look at the languages");
    pid = fork();
    if (pid == 0)
        probe(languages, toolchains_dir, ends[1], parent);
    (void)close(ends[1]);
    if (pid < 0) {
        (void)close(ends[0]);
        return err_errno(err, -errno, "a process to look at the languages");
    }
    *prober = (struct prober){.languages = languages, .pid = pid, .fd = ends[0]};
    buf_init(&prober->said, SAID_BYTES_MAX);
    return 0;
}

/* ---- Our side ---- */

/* The next text, owned by the caller; -EBADMSG where there is none. */
static int next_text(char **ret, struct slice *rest)
{
    const char *nul;

    if (rest->len == 0 || (*rest->at != '+' && *rest->at != '-'))
        return -EBADMSG;
    if (*rest->at == '-') {
        *ret = NULL;
        *rest = (struct slice){rest->at + 1, rest->len - 1};
        return 0;
    }
    nul = memchr(rest->at, '\0', rest->len);
    if (nul == NULL)
        return -EBADMSG;
    *ret = strdup(rest->at + 1);
    rest->len -= (size_t)(nul + 1 - rest->at);
    rest->at = nul + 1;
    return *ret == NULL ? -ENOMEM : 0;
}

static int take_language(struct language *language, struct slice *rest)
{
    char *available = NULL;
    char **texts[] = {&available, &language->unavailable, &language->version, &language->version_text};
    int r = 0;

    for (size_t i = 0; i < COUNT_OF(texts) && r == 0; i++) {
        freep(texts[i]);
        *texts[i] = NULL;
        r = next_text(texts[i], rest);
    }
    language->available = r == 0 && available != NULL && language->version != NULL;
    free(available);
    return r;
}

static void take_all(struct prober *prober)
{
    struct slice rest = {.at = buf_text(&prober->said), .len = prober->said.len};

    for (size_t i = 0; i < prober->languages->n; i++) {
        struct language *language = &prober->languages->at[i];

        if (take_language(language, &rest) == 0)
            continue;
        rest = (struct slice){0};
        free(language->unavailable);
        language->unavailable = strdup("the process that asks for its version has failed");
    }
}

static void reap(struct prober *prober)
{
    while (prober->pid > 0 && waitpid(prober->pid, NULL, 0) < 0 && errno == EINTR)
        ;
    prober->pid = 0;
}

static void on_readable(uv_poll_t *poll, int status, int events)
{
    struct prober *prober = poll->data;
    char piece[4096];
    ssize_t n = read(prober->fd, piece, sizeof piece);

    (void)status;
    (void)events;
    if (n < 0 && (errno == EINTR || errno == EAGAIN))
        return;
    if (n > 0 && buf_add(&prober->said, piece, (size_t)n) == 0)
        return;
    (void)uv_poll_stop(poll);
    closep(&prober->fd);
    reap(prober); /* it has closed its end: it is about to go */
    take_all(prober);
    buf_done(&prober->said);
    prober->on_done(prober->arg);
}

int prober_watch(struct prober *prober, uv_loop_t *loop, void (*on_done)(void *arg), void *arg, struct err *err)
{
    int r = uv_poll_init(loop, &prober->poll, prober->fd);

    if (r < 0)
        return err_set(err, r, "watching the look at the languages: %s", uv_strerror(r));
    prober->watching = true;
    prober->on_done = on_done;
    prober->arg = arg;
    prober->poll.data = prober;
    (void)uv_poll_start(&prober->poll, UV_READABLE, on_readable); /* only remembers what to watch */
    return 0;
}

void prober_close(struct prober *prober)
{
    if (prober->watching)
        uv_close((uv_handle_t *)&prober->poll, NULL);
    prober->watching = false;
    if (prober->pid > 0)
        closep(&prober->fd);
    buf_done(&prober->said);
}
