/*
 * Which languages this host can run: looks for the paths they need, and asks each for its version.
 * The version commands run side by side: a JVM takes a while to say its number.
 */
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <spawn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/clock.h"
#include "languages/languages.h"

enum { PROBE_TIMEOUT_MS = 30000, PROBE_MAX_BYTES = 4096 };

struct probe { /* one version command under way */
    struct language *language; /* borrowed */
    struct buf text;
    pid_t pid; /* 0: not started */
    int fd;    /* read end of its stdout and stderr; -1: at its end */
};

/* A path as files name it, where it is on this host: toolchains and languages/ may be elsewhere than in the box.
 * Owned by the caller; NULL when out of memory. */
static char *host_path(const struct languages *languages, const char *toolchains_dir, const char *path)
{
    const struct { const char *in_box, *on_host; } places[] = {
        {LANGUAGES_BOX_TOOLCHAINS "/", toolchains_dir},
        {LANGUAGES_BOX_DIR "/", languages->dir},
    };
    char *found = NULL;

    for (size_t i = 0; i < COUNT_OF(places); i++) {
        size_t len = strlen(places[i].in_box);

        if (strncmp(path, places[i].in_box, len) != 0)
            continue;
        return asprintf(&found, "%s/%s", places[i].on_host, path + len) < 0 ? NULL : found;
    }
    return strdup(path);
}

static void set_unavailable(struct language *language, const char *what, const char *why)
{
    char *text = NULL;

    language->available = false;
    free(language->unavailable);
    if (asprintf(&text, "%s %s; install %s", what, why, language->package) < 0)
        text = NULL;
    language->unavailable = text;
}

static bool has_needs(const struct languages *languages, struct language *language, const char *toolchains_dir)
{
    for (size_t i = 0; i < language->needs.n; i++) {
        CLEANUP(freep) char *path = host_path(languages, toolchains_dir, language->needs.at[i]);

        if (path == NULL || access(path, F_OK) < 0) {
            set_unavailable(language, path == NULL ? language->needs.at[i] : path, "is missing");
            return false;
        }
    }
    return true;
}

/* stdin is empty; both outputs go to the pipe: `java -version` speaks on stderr. */
static int spawn(pid_t *pid, char **argv, int out)
{
    static char path[] = "PATH=/usr/local/bin:/usr/bin:/bin", lang[] = "LANG=C.UTF-8", home[] = "HOME=/nonexistent";
    char *const env[] = {path, lang, home, NULL};
    posix_spawn_file_actions_t actions;
    int r = posix_spawn_file_actions_init(&actions);

    if (r != 0)
        return -r;
    r = posix_spawn_file_actions_addopen(&actions, STDIN_FILENO, "/dev/null", O_RDONLY, 0);
    if (r == 0)
        r = posix_spawn_file_actions_adddup2(&actions, out, STDOUT_FILENO);
    if (r == 0)
        r = posix_spawn_file_actions_adddup2(&actions, out, STDERR_FILENO);
    if (r == 0)
        r = posix_spawn(pid, argv[0], &actions, NULL, argv, env);
    (void)posix_spawn_file_actions_destroy(&actions);
    return -r;
}

static int make_argv(struct strings *argv, const struct languages *languages, const struct language *language,
                     const char *toolchains_dir)
{
    for (size_t i = 0; i < language->version_command.n; i++) {
        CLEANUP(freep) char *word = host_path(languages, toolchains_dir, language->version_command.at[i]);

        if (word == NULL || strings_add(argv, word, strlen(word)) < 0)
            return -ENOMEM;
    }
    return 0;
}

static void probe_start(struct probe *probe, const struct languages *languages, const char *toolchains_dir)
{
    CLEANUP(strings_done) struct strings words = {0};
    CLEANUP(freep) char **argv = NULL;
    CLEANUP(closep) int write_end = -1;
    int ends[2], r = make_argv(&words, languages, probe->language, toolchains_dir);

    argv = calloc(words.n + 1, sizeof *argv);
    if (r == 0 && argv != NULL && pipe2(ends, O_CLOEXEC) == 0) {
        probe->fd = ends[0];
        write_end = ends[1];
        memcpy((void *)argv, (void *)words.at, words.n * sizeof *argv);
        r = spawn(&probe->pid, argv, write_end);
    } else {
        r = -ENOMEM;
    }
    if (r < 0) {
        closep(&probe->fd);
        probe->pid = 0;
        set_unavailable(probe->language, probe->language->version_command.at[0], strerror(-r));
    }
}

/* Keeps the first 4 KiB and reads on, so that the command does not block on a full pipe. */
static void probe_read(struct probe *probe)
{
    char bytes[1024];
    ssize_t n = read(probe->fd, bytes, sizeof bytes);

    if (n < 0 && (errno == EINTR || errno == EAGAIN))
        return;
    if (n <= 0) {
        closep(&probe->fd);
        return;
    }
    if ((size_t)n > PROBE_MAX_BYTES - probe->text.len)
        n = (ssize_t)(PROBE_MAX_BYTES - probe->text.len);
    if (buf_add(&probe->text, bytes, (size_t)n) < 0)
        closep(&probe->fd);
}

static void read_all(struct probe *probes, struct pollfd *fds, size_t n)
{
    uint64_t end_us = now_us() + (uint64_t)PROBE_TIMEOUT_MS * 1000;

    for (uint64_t t = now_us(); t < end_us; t = now_us()) {
        size_t open = 0;

        for (size_t i = 0; i < n; i++) {
            fds[i] = (struct pollfd){.fd = probes[i].fd, .events = POLLIN};
            open += probes[i].fd >= 0;
        }
        if (open == 0 || (poll(fds, n, (int)((end_us - t) / 1000) + 1) < 0 && errno != EINTR))
            return;
        for (size_t i = 0; i < n; i++)
            if (fds[i].revents != 0)
                probe_read(&probes[i]);
    }
}

/* The version in what the command said; its words are kept for clients that show them. */
static void take_version(struct probe *probe)
{
    struct language *language = probe->language;
    const char *text = buf_text(&probe->text);
    size_t len = probe->text.len;
    regmatch_t groups[2];

    if (regexec(language->version_pattern, text, COUNT_OF(groups), groups, 0) != 0 || groups[1].rm_so < 0) {
        set_unavailable(language, language->version_command.at[0], "does not say its version");
        return;
    }
    while (len > 0 && strchr(" \t\r\n", text[len - 1]) != NULL)
        len--;
    free(language->version);
    free(language->version_text);
    language->version = strndup(text + groups[1].rm_so, (size_t)(groups[1].rm_eo - groups[1].rm_so));
    language->version_text = strndup(text, len);
    language->available = language->version != NULL && language->version_text != NULL;
}

static void probe_end(struct probe *probe)
{
    bool late = probe->fd >= 0;
    int status = 0;

    if (probe->pid != 0) {
        if (late)
            (void)kill(probe->pid, SIGKILL); /* ours and not reaped yet: the pid can't be another's */
        while (waitpid(probe->pid, &status, 0) < 0 && errno == EINTR)
            ;
        if (late)
            set_unavailable(probe->language, probe->language->version_command.at[0], "gave no version in 30 s");
        else if (!WIFEXITED(status) || WEXITSTATUS(status) != 0)
            set_unavailable(probe->language, probe->language->version_command.at[0], "fails");
        else
            take_version(probe);
    }
    closep(&probe->fd);
    buf_done(&probe->text);
}

static void forget(struct language *language)
{
    language->available = false;
    freep(&language->unavailable);
    freep(&language->version);
    freep(&language->version_text);
    language->unavailable = language->version = language->version_text = NULL;
}

void languages_probe(struct languages *languages, const char *toolchains_dir)
{
    CLEANUP(freep) struct probe *probes = calloc(languages->n, sizeof *probes);
    CLEANUP(freep) struct pollfd *fds = calloc(languages->n, sizeof *fds);

    for (size_t i = 0; i < languages->n; i++)
        forget(&languages->at[i]);
    if (probes == NULL || fds == NULL)
        return; /* all stay unavailable */
    for (size_t i = 0; i < languages->n; i++) {
        probes[i] = (struct probe){.language = &languages->at[i], .fd = -1};
        buf_init(&probes[i].text, PROBE_MAX_BYTES);
        if (has_needs(languages, &languages->at[i], toolchains_dir))
            probe_start(&probes[i], languages, toolchains_dir);
    }
    read_all(probes, fds, languages->n);
    for (size_t i = 0; i < languages->n; i++)
        probe_end(&probes[i]);
}

void languages_look(struct languages *languages, const char *toolchains_dir)
{
    for (size_t i = 0; i < languages->n; i++) {
        forget(&languages->at[i]);
        languages->at[i].available = has_needs(languages, &languages->at[i], toolchains_dir);
    }
}
