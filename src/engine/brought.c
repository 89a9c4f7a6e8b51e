#include "engine/brought.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "wire/wire.h"

/* len bytes at this place and a NUL; NULL where there is no memory, or the place is not there. */
static char *read_bytes(int fd, uint64_t at, uint64_t len)
{
    char *bytes = malloc(len + 1);

    if (bytes == NULL || pread(fd, bytes, len, (off_t)at) != (ssize_t)len) {
        free(bytes);
        return NULL;
    }
    bytes[len] = '\0';
    return bytes;
}

static int read_file(struct job_file *ret, int fd, uint64_t at, const struct wire_record *record, struct err *err)
{
    at += sizeof *record;
    *ret = (struct job_file){.name = read_bytes(fd, at, record->name_len),
                             .data = read_bytes(fd, at + record->name_len, record->data_len),
                             .len = record->data_len};
    if (ret->name != NULL && ret->data != NULL && strlen(ret->name) == record->name_len)
        return 0;
    free(ret->name);
    free(ret->data);
    return err_set(err, -EBADMSG, "a file that was brought back can't be read");
}

static int by_name(const void *a, const void *b)
{
    return strcmp(((const struct job_file *)a)->name, ((const struct job_file *)b)->name);
}

int brought_read(struct result *result, int fd, uint64_t bytes, struct err *err)
{
    int r = 0;

    if (bytes > JOB_MAX_BROUGHT_BYTES)
        return err_set(err, -EBADMSG, "more was brought back than there is room for");
    result->files = calloc(JOB_MAX_BROUGHT_FILES, sizeof *result->files);
    if (result->files == NULL)
        return err_set(err, -ENOMEM, "files");
    for (uint64_t at = 0; r == 0 && at < bytes;) {
        struct wire_record record;
        int64_t size;

        if (result->n_files == JOB_MAX_BROUGHT_FILES || pread(fd, &record, sizeof record, (off_t)at) != sizeof record)
            return err_set(err, -EBADMSG, "a record of what was brought back is cut, or one too many");
        size = wire_record_check(&record, bytes - at, err);
        if (size < 0 || record.kind != WIRE_RECORD_FILE)
            return size < 0 ? (int)size : err_set(err, -EBADMSG, "what was brought back is no file");
        r = read_file(&result->files[result->n_files], fd, at, &record, err);
        result->n_files += r == 0;
        at += (uint64_t)size;
    }
    qsort(result->files, result->n_files, sizeof *result->files, by_name);
    return r;
}
