#include "api/page/files.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <nettle/sha2.h>
#include <stdint.h>
#include <stdio.h>
#include <sys/stat.h>

#include "base/fd.h"

#define ASSETS "assets"

static const struct {
    const char *suffix, *type;
} types[] = {
    {".html", "text/html; charset=utf-8"},
    {".js", "text/javascript; charset=utf-8"},
    {".css", "text/css; charset=utf-8"},
    {".svg", "image/svg+xml"},
    {".png", "image/png"},
    {".woff2", "font/woff2"},
};

/* ---- names ---- */

static bool is_plain_name(const char *name)
{
    static const char allowed[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789._-";

    return name[0] != '.' && name[strspn(name, allowed)] == '\0';
}

static const char *type_of(const char *name)
{
    const char *suffix = strrchr(name, '.');

    for (size_t i = 0; suffix != NULL && i < COUNT_OF(types); i++)
        if (strcmp(suffix, types[i].suffix) == 0)
            return types[i].type;
    return NULL;
}

const struct page_file *page_files_find(const struct page_files *files, const char *folder, struct slice name)
{
    size_t folder_len = strlen(folder);

    for (size_t i = 0; i < files->n; i++) {
        const char *has = files->at[i].name;

        if (strlen(has) == folder_len + name.len && memcmp(has, folder, folder_len) == 0 &&
            memcmp(has + folder_len, name.at, name.len) == 0)
            return &files->at[i];
    }
    return NULL;
}

/* ---- reading ---- */

static void make_etag(struct page_bytes *of)
{
    struct sha256_ctx hash;
    uint8_t digest[8];

    sha256_init(&hash);
    sha256_update(&hash, of->bytes.len, (const uint8_t *)of->bytes.at);
    sha256_digest(&hash, sizeof digest, digest);
    (void)snprintf(of->etag, sizeof of->etag, "\"%02x%02x%02x%02x%02x%02x%02x%02x\"", digest[0], digest[1], digest[2],
                   digest[3], digest[4], digest[5], digest[6], digest[7]);
}

/* -ENOENT is for the caller to judge: *err is set, too. */
static int read_bytes(struct page_bytes *ret, int dir_fd, const char *name, struct err *err)
{
    CLEANUP(closep) int fd = openat(dir_fd, name, O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK);
    CLEANUP(freep) char *bytes = NULL;
    struct stat st;
    ssize_t len;

    if (fd < 0 || fstat(fd, &st) < 0)
        return err_errno(err, -errno, "%s", name);
    if (!S_ISREG(st.st_mode) || st.st_size > PAGE_FILE_BYTES_MAX)
        return err_set(err, -EINVAL, "%s: a regular file of at most %d bytes is expected", name, PAGE_FILE_BYTES_MAX);
    bytes = malloc((size_t)st.st_size + 1);
    if (bytes == NULL)
        return err_set(err, -ENOMEM, "no memory for %s", name);
    len = fd_read_full(fd, bytes, (size_t)st.st_size);
    if (len < 0)
        return err_errno(err, (int)len, "%s", name);
    ret->bytes = (struct slice){.at = TAKE_PTR(bytes), .len = (size_t)len};
    make_etag(ret);
    return 0;
}

static void file_done(struct page_file *file)
{
    free(file->name);
    free((void *)(uintptr_t)file->plain.bytes.at);
    free((void *)(uintptr_t)file->gzip.bytes.at);
    *file = (struct page_file){0};
}

static int read_file(struct page_file *ret, int dir_fd, const char *folder, const char *name, struct err *err)
{
    CLEANUP(file_done) struct page_file file = {.type = type_of(name)};
    CLEANUP(freep) char *gzip_name = NULL;
    int r;

    if (asprintf(&file.name, "%s%s", folder, name) < 0 || asprintf(&gzip_name, "%s.gz", name) < 0)
        return err_set(err, -ENOMEM, "no memory for %s", name);
    r = read_bytes(&file.plain, dir_fd, name, err);
    if (r == 0) {
        r = read_bytes(&file.gzip, dir_fd, gzip_name, err);
        r = r == -ENOENT ? 0 : r;
    }
    if (r < 0)
        return r;
    *ret = file;
    file = (struct page_file){0};
    return 0;
}

static int add_file(struct page_files *files, int dir_fd, const char *folder, const char *name, struct err *err)
{
    int r;

    if (files->n == PAGE_FILES_MAX)
        return err_set(err, -EFBIG, "there are more than %d files", PAGE_FILES_MAX);
    r = read_file(&files->at[files->n], dir_fd, folder, name, err);
    if (r == 0)
        files->n++;
    return r;
}

static void closedirp(DIR **dir)
{
    if (*dir != NULL)
        (void)closedir(*dir);
}

/* dir_fd: consumed. */
static int add_folder(struct page_files *files, int dir_fd, const char *folder, struct err *err)
{
    CLEANUP(closedirp) DIR *dir = fdopendir(dir_fd);
    int r = 0;

    if (dir == NULL) {
        r = err_errno(err, -errno, "reading the folder");
        (void)close(dir_fd);
    }
    while (r == 0) {
        const struct dirent *entry = readdir(dir);

        if (entry == NULL)
            break;
        if (is_plain_name(entry->d_name) && type_of(entry->d_name) != NULL)
            r = add_file(files, dir_fd, folder, entry->d_name, err);
    }
    return r;
}

static int add_all(struct page_files *files, const char *dir, struct err *err)
{
    int top = open(dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC), assets, r;

    if (top < 0)
        return errno == ENOENT ? PAGE_E_NO_FOLDER : err_errno(err, -errno, "opening the folder");
    assets = openat(top, ASSETS, O_RDONLY | O_DIRECTORY | O_CLOEXEC | O_NOFOLLOW);
    r = add_folder(files, top, "", err);
    if (r == 0 && assets >= 0)
        r = add_folder(files, TAKE_FD(assets), ASSETS "/", err);
    closep(&assets);
    return r;
}

int page_files_load(struct page_files *ret, const char *dir, struct err *err)
{
    CLEANUP(page_files_done) struct page_files files = {.at = calloc(PAGE_FILES_MAX, sizeof *files.at)};
    int r;

    if (files.at == NULL)
        return err_set(err, -ENOMEM, "no memory for the page");
    r = add_all(&files, dir, err);
    if (r < 0)
        return err_wrap(err, r, "web_dir %s", dir);
    if (r == 0) {
        *ret = files;
        files = (struct page_files){0};
    }
    return r;
}

void page_files_done(struct page_files *files)
{
    for (size_t i = 0; i < files->n; i++)
        file_done(&files->at[i]);
    free(files->at);
    *files = (struct page_files){0};
}
