/* prestart: what init is told to start in a box ahead of a job, for a runtime that can't be forked. */
#include <errno.h>
#include <fcntl.h>
#include <string.h>

#include "base/fd.h"
#include "box/setup.h"
#include "boxd/boxd.h"

static int put_record(struct buf *to, enum wire_record_kind kind, const char *name, const char *data)
{
    const struct wire_record record = {.kind = kind, .name_len = (uint32_t)strlen(name), .data_len = strlen(data)};
    int r = buf_add(to, &record, sizeof record);

    if (r == 0)
        r = buf_add(to, name, record.name_len);
    return r == 0 ? buf_add(to, data, record.data_len) : r;
}

static int put_words(struct buf *to, enum wire_record_kind kind, char *const *words)
{
    int r = 0;

    for (; r == 0 && *words != NULL; words++)
        r = put_record(to, kind, "", *words);
    return r;
}

static int put_folders(struct buf *to, const struct strings *folders)
{
    int r = 0;

    for (size_t i = 0; r == 0 && i < folders->n; i++)
        r = put_record(to, WIRE_RECORD_FOLDER, folders->at[i], "");
    return r;
}

/* Sealed: all boxes of this kind read it. */
int prestart_write(struct zygote_link *link, struct err *err)
{
    enum { MAX_BYTES = 1 << 20 };
    CLEANUP(buf_done) struct buf text;
    CLEANUP(closep) int fd = fd_memfd("glimpse-prestart");
    int r;

    buf_init(&text, MAX_BYTES);
    r = put_words(&text, WIRE_RECORD_ARG, link->argv.at);
    if (r == 0)
        r = put_words(&text, WIRE_RECORD_ENV, link->envp.at);
    if (r == 0)
        r = put_folders(&text, &link->language->stages[link->stage].warm.folders);
    if (r == 0)
        r = fd < 0 ? -errno : fd_write_all(fd, buf_text(&text), text.len);
    if (r == 0 && fcntl(fd, F_ADD_SEALS, F_SEAL_SEAL | F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_WRITE) < 0)
        r = -errno;
    if (r < 0)
        return err_errno(err, r, "what %s starts ahead", link->language->id);
    link->payload_fd = TAKE_FD(fd);
    link->payload_bytes = text.len;
    return 0;
}

/* Of the limits that init holds the job's own come with it; until then these, which no job can exceed. */
int prestart_send(const struct zygote_link *link, const struct box *box, struct err *err)
{
    const struct limits *most = &link->language->stages[link->stage].max;
    const struct wire_job msg = {.head = wire_head(WIRE_PRESTART, box->serial),
                                 .wall_time_ms = most->wall_time_ms,
                                 .file_bytes = most->file_bytes,
                                 .box_bytes = BOX_TMPFS_BYTES,
                                 .open_files = most->open_files,
                                 .payload_bytes = link->payload_bytes};
    int r = fd_send_packet(box->job_fd, &msg, sizeof msg, &link->payload_fd, 1);

    return r < 0 ? err_errno(err, r, "telling init what to start ahead") : 0;
}
