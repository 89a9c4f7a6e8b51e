/*
 * What passes: to the process, a byte for each look. From it, messages: a head, then texts, each '-' for NULL, or '+',
 * the text, NUL.
 *
 *   PROBED  for each language, in the table's order, four: available (NULL: no), unavailable, version, version_text
 *   FRESH   the folder; for each language seven: id, language.ini, the hello program, and those four
 *   WRONG   a sentence
 */
#include "api/prober.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/wait.h>

#include "base/fd.h"

enum { SAID_BYTES_MAX = 64 << 20 }; /* 256 languages with 64 KiB of settings each, and more */
enum message { PROBED, FRESH, WRONG };

struct head {
    uint32_t message, len; /* of what follows */
};

/* ---- The other process ---- */

static int add_text(struct buf *to, const char *text)
{
    int r = buf_add(to, text == NULL ? "-" : "+", 1);

    return r < 0 || text == NULL ? r : buf_add(to, text, strlen(text) + 1);
}

static int add_probed(struct buf *to, const struct language *language)
{
    const char *texts[] = {language->available ? "" : NULL, language->unavailable, language->version,
                           language->version_text};
    int r = 0;

    for (size_t i = 0; i < COUNT_OF(texts) && r == 0; i++)
        r = add_text(to, texts[i]);
    return r;
}

static int add_fresh(struct buf *to, const struct languages *languages, const struct language *language,
                     struct err *err)
{
    CLEANUP(buf_done) struct buf ini;
    int r;

    buf_init(&ini, SAID_BYTES_MAX);
    r = languages_read_text(&ini, languages->dir, language->id, err);
    if (r == 0)
        r = add_text(to, language->id);
    if (r == 0)
        r = add_text(to, buf_text(&ini));
    if (r == 0)
        r = add_text(to, language->hello);
    return r < 0 ? r : add_probed(to, language);
}

static int say(int fd, enum message message, const struct buf *text)
{
    const struct head head = {.message = message, .len = (uint32_t)text->len};
    int r = fd_write_all(fd, &head, sizeof head);

    return r < 0 ? r : fd_write_all(fd, buf_text(text), text->len);
}

static int say_probed(int fd, const struct languages *languages)
{
    CLEANUP(buf_done) struct buf text;
    int r = 0;

    buf_init(&text, SAID_BYTES_MAX);
    for (size_t i = 0; i < languages->n && r == 0; i++)
        r = add_probed(&text, &languages->at[i]);
    return r < 0 ? r : say(fd, PROBED, &text);
}

/* The files are read again as at the start. */
static int look_again(struct buf *to, const char *dir, const char *toolchains_dir, struct err *err)
{
    CLEANUP(languages_done) struct languages languages = {0};
    int r = languages_check_owner(dir, err); /* boxd would refuse them: so that both have the same */

    if (r == 0)
        r = languages_load(&languages, dir, err);
    if (r < 0)
        return r;
    languages_probe(&languages, toolchains_dir);
    r = add_text(to, languages.dir);
    for (size_t i = 0; i < languages.n && r == 0; i++)
        r = add_fresh(to, &languages, &languages.at[i], err);
    return r < 0 && err->msg[0] == '\0' ? err_errno(err, r, "telling of the languages") : r;
}

static int say_again(int fd, const char *dir, const char *toolchains_dir)
{
    CLEANUP(buf_done) struct buf text;
    struct err err = {0};
    int r;

    buf_init(&text, SAID_BYTES_MAX);
    if (look_again(&text, dir, toolchains_dir, &err) == 0)
        return say(fd, FRESH, &text);
    buf_clear(&text);
    r = add_text(&text, err.msg);
    return r < 0 ? r : say(fd, WRONG, &text);
}

static _Noreturn void probe(struct languages *languages, const char *toolchains_dir, int fd, pid_t parent)
{
    char again;
    int r;

    (void)prctl(PR_SET_PDEATHSIG, SIGKILL);
    if (getppid() != parent) /* it died before we asked to be told */
        _exit(EXIT_FAILURE);
    (void)prctl(PR_SET_DUMPABLE, 0, 0, 0, 0);
    languages_probe(languages, toolchains_dir);
    r = say_probed(fd, languages);
    while (r == 0 && read(fd, &again, 1) == 1)
        r = say_again(fd, languages->dir, toolchains_dir);
    _exit(r < 0 ? EXIT_FAILURE : EXIT_SUCCESS);
}

int prober_start(struct prober *prober, struct languages *languages, const char *toolchains_dir, struct err *err)
{
    pid_t parent = getpid(), pid;
    int ends[2];

    if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends) < 0 || fd_set_nonblock(ends[0], true) < 0)
        return err_errno(err, -errno, "a socket to look at the languages");
    pid = fork();
    if (pid == 0) {
        (void)close(ends[0]);
        probe(languages, toolchains_dir, ends[1], parent);
    }
    (void)close(ends[1]);
    if (pid < 0) {
        (void)close(ends[0]);
        return err_errno(err, -errno, "a process to look at the languages");
    }
    *prober = (struct prober){.languages = languages, .pid = pid, .fd = ends[0]};
    buf_init(&prober->said, SAID_BYTES_MAX + sizeof(struct head));
    buf_init(&prober->last, SAID_BYTES_MAX);
    return 0;
}

/* ---- Our side ---- */

/* The next text, borrowed; false where there is none. NULL in .at: it is NULL. */
static bool next_text(struct slice *ret, struct slice *rest)
{
    const char *nul;

    if (rest->len == 0 || (*rest->at != '+' && *rest->at != '-'))
        return false;
    if (*rest->at == '-') {
        *ret = (struct slice){0};
        *rest = (struct slice){rest->at + 1, rest->len - 1};
        return true;
    }
    nul = memchr(rest->at, '\0', rest->len);
    if (nul == NULL)
        return false;
    *ret = (struct slice){rest->at + 1, (size_t)(nul - rest->at - 1)};
    rest->len -= (size_t)(nul + 1 - rest->at);
    rest->at = nul + 1;
    return true;
}

/* Into a language whose fields are empty. */
static int take_probed(struct language *language, struct slice *rest)
{
    char **texts[] = {&language->unavailable, &language->version, &language->version_text};
    struct slice available, text;

    if (!next_text(&available, rest))
        return -EBADMSG;
    for (size_t i = 0; i < COUNT_OF(texts); i++) {
        if (!next_text(&text, rest))
            return -EBADMSG;
        free(*texts[i]);
        *texts[i] = text.at == NULL ? NULL : strdup(text.at);
        if (text.at != NULL && *texts[i] == NULL)
            return -ENOMEM;
    }
    language->available = available.at != NULL && language->version != NULL;
    return 0;
}

static void take_all_probed(struct prober *prober, struct slice rest)
{
    for (size_t i = 0; i < prober->languages->n; i++) {
        struct language *language = &prober->languages->at[i];

        if (take_probed(language, &rest) == 0)
            continue;
        rest = (struct slice){0};
        language->available = false;
        free(language->unavailable);
        language->unavailable = strdup("the process that asks for its version has failed");
    }
    prober->probed = true;
    prober->events.on_probed(prober->arg);
}

/* *n: how many there are. False: it is no message. */
static bool find_texts(struct language_text *texts, struct slice *probed, size_t max, size_t *n, struct slice rest)
{
    struct slice id, unused;

    for (*n = 0; rest.len > 0; (*n)++) {
        struct language_text *text = &texts[*n];

        if (*n == max || !next_text(&id, &rest) || !next_text(&text->ini, &rest) || !next_text(&text->hello, &rest) ||
            id.at == NULL || text->ini.at == NULL || text->hello.at == NULL)
            return false;
        text->id = id.at;
        probed[*n] = rest;
        for (size_t i = 0; i < 4; i++)
            if (!next_text(&unused, &rest))
                return false;
    }
    return true;
}

static int read_fresh(struct languages *ret, struct slice rest, struct err *err)
{
    enum { MAX = 256 };
    CLEANUP(languages_done) struct languages languages = {0};
    CLEANUP(freep) struct language_text *texts = calloc(MAX, sizeof *texts);
    CLEANUP(freep) struct slice *probed = calloc(MAX, sizeof *probed);
    struct slice dir;
    size_t n;
    int r;

    if (texts == NULL || probed == NULL)
        return err_set(err, -ENOMEM, "out of memory");
    if (!next_text(&dir, &rest) || dir.at == NULL || !find_texts(texts, probed, MAX, &n, rest))
        return err_set(err, -EBADMSG, "the process that looks at the languages says what is no message");
    r = languages_parse(&languages, dir.at, texts, n, err);
    for (size_t i = 0; r == 0 && i < n; i++)
        if (take_probed(&languages.at[i], &probed[i]) < 0)
            r = err_set(err, -ENOMEM, "out of memory");
    if (r < 0)
        return r;
    *ret = languages;
    languages = (struct languages){0};
    return 0;
}

static void take_fresh(struct prober *prober, struct slice text)
{
    CLEANUP(languages_done) struct languages fresh = {0};
    struct err err = {0};

    if (text.len == prober->last.len && memcmp(text.at, buf_text(&prober->last), text.len) == 0) {
        prober->events.on_reloaded(prober->arg, NULL, NULL);
        return;
    }
    if (read_fresh(&fresh, text, &err) < 0) {
        prober->events.on_reloaded(prober->arg, NULL, &err);
        return;
    }
    buf_clear(&prober->last);
    if (buf_add(&prober->last, text.at, text.len) < 0) /* then the next look is news in any case */
        buf_clear(&prober->last);
    prober->events.on_reloaded(prober->arg, &fresh, NULL);
}

static void take_wrong(struct prober *prober, struct slice rest)
{
    struct slice why = {0};
    struct err err;

    (void)next_text(&why, &rest);
    (void)err_set(&err, -EINVAL, "%s", why.at == NULL ? "?" : why.at);
    prober->events.on_reloaded(prober->arg, NULL, &err);
}

static void take(struct prober *prober, uint32_t message, struct slice text)
{
    prober->asked = false;
    if (!prober->probed)
        take_all_probed(prober, message == PROBED ? text : (struct slice){0});
    else if (message == FRESH)
        take_fresh(prober, text);
    else
        take_wrong(prober, text);
}

/* It is no more: nothing can be reloaded. Reaped by the system when we go, or here. */
static void lose(struct prober *prober)
{
    struct err err;

    (void)uv_poll_stop(&prober->poll);
    closep(&prober->fd);
    while (prober->pid > 0 && waitpid(prober->pid, NULL, 0) < 0 && errno == EINTR)
        ;
    prober->pid = 0;
    (void)err_set(&err, -ECHILD, "the process that looks at the languages has ended: restart glimpsed");
    if (!prober->probed)
        take_all_probed(prober, (struct slice){0});
    else
        prober->events.on_reloaded(prober->arg, NULL, &err);
}

/* True where a message was whole, and is taken. False, with *bad: there will be none. */
static bool take_whole(struct prober *prober, bool *bad)
{
    struct head head;

    if (prober->said.len < sizeof head)
        return false;
    memcpy(&head, buf_text(&prober->said), sizeof head);
    *bad = head.message > WRONG || head.len > SAID_BYTES_MAX;
    if (*bad || prober->said.len < sizeof head + head.len)
        return false;
    *bad = prober->said.len > sizeof head + head.len; /* one at a time */
    take(prober, head.message, (struct slice){buf_text(&prober->said) + sizeof head, head.len});
    buf_clear(&prober->said);
    return true;
}

static void on_readable(uv_poll_t *poll, int status, int events)
{
    struct prober *prober = poll->data;
    char piece[16384];
    ssize_t n = read(prober->fd, piece, sizeof piece);
    bool bad = false;

    (void)status;
    (void)events;
    if (n < 0 && (errno == EINTR || errno == EAGAIN))
        return;
    if (n <= 0 || buf_add(&prober->said, piece, (size_t)n) < 0)
        bad = true;
    else
        (void)take_whole(prober, &bad);
    if (bad)
        lose(prober);
}

int prober_watch(struct prober *prober, uv_loop_t *loop, const struct prober_events *events, void *arg,
                 struct err *err)
{
    int r = uv_poll_init(loop, &prober->poll, prober->fd);

    if (r < 0)
        return err_set(err, r, "watching the look at the languages: %s", uv_strerror(r));
    prober->watching = true;
    prober->events = *events;
    prober->arg = arg;
    prober->poll.data = prober;
    (void)uv_poll_start(&prober->poll, UV_READABLE, on_readable); /* only remembers what to watch */
    return 0;
}

bool prober_reload(struct prober *prober)
{
    if (prober->pid == 0 || !prober->probed || prober->asked)
        return false;
    prober->asked = write(prober->fd, "", 1) == 1;
    return prober->asked;
}

void prober_close(struct prober *prober)
{
    if (prober->watching)
        uv_close((uv_handle_t *)&prober->poll, NULL);
    prober->watching = false;
    if (prober->pid > 0)
        closep(&prober->fd);
    buf_done(&prober->said);
    buf_done(&prober->last);
}
